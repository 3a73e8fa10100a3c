"""`CaveatCallback`: one line in a transformers, TRL or Unsloth trainer, and a run that would breach does not start.

    trainer = SFTTrainer(model, train_dataset=rows, callbacks=[CaveatCallback(datasets=["HuggingFaceH4/no_robots"])])

The class is made when it is first asked for, over `transformers.TrainerCallback`; without transformers the name gives
one clear error. A callback is not handed its trainer: it is found up the call stack, and where it cannot be, what the
callback is given (model, rows) is judged.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from caveat.errors import CaveatError
from caveat.guard.frames import trainer_above
from caveat.guard.inside.plain import plain
from caveat.guard.seen import Trainer
from caveat.guard.watch import Watch, is_first, watch

if TYPE_CHECKING:
    CaveatCallback: Any

MISSING = "CaveatCallback works inside a transformers trainer, and transformers is not installed here: " \
          "pip install 'caveat[train]' (caveat.require needs nothing)"


def __getattr__(name: str) -> Any:
    if name != "CaveatCallback":
        raise AttributeError(f"module 'caveat.guard.callback' has no attribute {name!r}")
    return callback_class()


@cache
def callback_class() -> type:
    """The class, over the callback class of the transformers that are installed. Raises CaveatError without them."""
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise CaveatError(MISSING) from None

    def __init__(self: Any, **said: Any) -> None:
        TrainerCallback.__init__(self)
        self.watch = watch(**said)

    return type("CaveatCallback", (TrainerCallback,), {
        "__init__": __init__, "__doc__": __doc__, "__module__": __name__, "on_train_begin": _on_train_begin,
        "on_train_end": _on_train_end,
    })


def _on_train_begin(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
    """Judge before the first step. Raises Refused."""
    begin(self.watch, args, state, trainer_above(self), kwargs)


def _on_train_end(self: Any, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
    self.watch.write()
    self.watch.write_at_exit()


def begin(over: Watch, args: Any, state: Any, trainer: Any, given: dict[str, Any]) -> None:
    """What a trainer's arguments, its state and the trainer itself tell, judged."""
    loader = given.get("train_dataloader")
    named = f"{type(trainer).__module__.split('.')[0]}.{type(trainer).__name__}" if trainer is not None else "a trainer"
    made = Trainer(named, plain(getattr(args, "output_dir", "") or ""), plain(getattr(args, "hub_model_id", "") or ""))
    over.decide(made, trainer, given.get("model"), getattr(loader, "dataset", None),
                first=bool(getattr(state, "is_world_process_zero", True)) and is_first(),
                resumed=getattr(state, "global_step", 0) > 0)
    over.write_after(trainer)
