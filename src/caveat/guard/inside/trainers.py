"""The moment of decision where a trainer is used: what it holds tells what is trained, on what, and marked by whom."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from . import files
from .plain import plain, where
from .run import REST, run, tags
from .verdicts import decide
from .weights import adapted, name_of, numbers
from .wrap import after, before

#: What a trainer may hold -> what that is in the run, and its act.
PARTS = (
    ("ref_model", "reference", ""), ("teacher_model", "teacher", "distil"), ("reward_funcs", "reward", "annotate"),
    ("reward_model", "reward", "annotate"), ("reward_models", "reward", "annotate"), ("judge", "reward", "annotate"),
)
#: Marked while a trainer trains: what is loaded meanwhile (to measure, to log) is not taught on.
TRAINING = "training"


def transformers_trainer(module: Any) -> None:
    """transformers.trainer: TRL's, Unsloth's and most others' trainers come from this one."""
    before(module.Trainer, "train", _train, TRAINING)
    after(module.Trainer, "__init__", _made)


def lightning_trainer(module: Any) -> None:
    """Lightning's Trainer: it holds loaders, not data sets, so all that was loaded counts."""
    before(module.Trainer, "fit", _fit, TRAINING)


def _made(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Which sets a trainer was given is remembered: they are another trainer's, should its rows come from memory."""
    trainer = args[0]
    run().held[id(trainer)] = (*tags(getattr(trainer, "train_dataset", None)),
                               *tags(getattr(trainer, "eval_dataset", None)))


def _train(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    trainer = args[0]
    loads = [*_model_parts(trainer), *_data(trainer)]
    told = _about(trainer)
    told["tracked"] = all(load.get("tracked", True) for load in loads)
    _decide(told, loads)


def _decide(told: dict[str, Any], loads: list[dict[str, Any]]) -> None:
    decide(told, loads)
    for rest in REST:
        rest()


def _fit(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    told = {"how": "lightning.Trainer.fit", "output": plain(getattr(args[0], "default_root_dir", "")),
            "where": where(), "tracked": False}
    _decide(told, everything())


def _about(trainer: Any) -> dict[str, Any]:
    sort, settings = type(trainer), getattr(trainer, "args", None)
    return {"how": f"{sort.__module__.split('.')[0]}.{sort.__name__}", "where": where(),
            "output": _folder(getattr(settings, "output_dir", "")),
            "hub": plain(getattr(settings, "hub_model_id", "") or "")}


def _folder(value: object) -> str:
    """The folder as given; the usual name that was filled in says nothing."""
    text = plain(value)
    return "" if os.path.basename(text) == "trainer_output" else text  # noqa: PTH119


def _model_parts(trainer: Any) -> list[dict[str, Any]]:
    model = getattr(trainer, "model", None)
    act = "adapt" if adapted(model) else "finetune"
    found = _as(numbers(model), "", act) or _untagged(model, act)
    mine = {load["name"] for load in found}
    for field, what, act in PARTS:
        held = getattr(trainer, field, None)
        for part in held if isinstance(held, (list, tuple)) else [held]:
            found += [load for load in _as(numbers(part), what, act) or _by_name(part, what, act)
                      if not (what == "reference" and load["name"] in mine)]
    return found


def _untagged(model: Any, act: str) -> list[dict[str, Any]]:
    """A model that carries no note: by the name of weights that were seen, else by files that were; a name that only
    its configuration holds is that of an architecture."""
    named = _by_name(model, "model", act)
    if any(load["name"] == one["name"] for one in named for load in run().loads if load["what"] == "model"):
        return named
    return [*({**load, "act": act} for load in files.seen()), *({**one, "what": "architecture", "act": ""} for one in
                                                               named)]


def _by_name(model: Any, what: str, act: str) -> list[dict[str, Any]]:
    name = name_of(model) if hasattr(model, "config") else ""
    return [{"what": what, "name": name, "act": act, "how": "its own configuration", "where": where()}] if name else []


def _data(trainer: Any) -> list[dict[str, Any]]:
    """What it learns from, then what it is only measured with. Where rows come from memory, all else that was loaded
    counts by presumption, but for what goes elsewhere: into another trainer, or only into measuring."""
    learned = tags(getattr(trainer, "train_dataset", None))
    measured = [n for n in tags(getattr(trainer, "eval_dataset", None)) if n not in learned]
    found = _as(learned, "", "train")
    if not learned or any(load.get("unknown") for load in found):
        others = {n for one, held in run().held.items() if one != id(trainer) for n in held}
        rest = [n for n, load in enumerate(run().loads)
                if load["what"] == "data" and n not in {*learned, *measured, *others}]
        found += [{**load, "tracked": False, **({} if load.get("unknown") else {"presumed": "yes"})}
                  for load in _as(rest, "", "train")]
    return [*found, *_as(measured, "", "evaluate")]


def _as(which: Iterable[int], what: str, act: str) -> list[dict[str, Any]]:
    loads = run().loads
    return [{**loads[n], "act": act, **({"what": what} if what else {})} for n in which if 0 <= n < len(loads)]


def everything() -> list[dict[str, Any]]:
    """All loads with what they usually are, where nothing tells them apart."""
    return [dict(load) for load in run().loads]
