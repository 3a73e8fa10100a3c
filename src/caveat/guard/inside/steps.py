"""Loops of one's own: torch tells every optimizer's step beforehand, so the decision falls before the first of all.

The decision takes the hook away, so that further steps cost nothing; something else that is loaded brings it back. What
the optimizer holds tells which of the loaded models is trained.
"""

from __future__ import annotations

import sys
from typing import Any

from .plain import where
from .run import REST, WAKE, run
from .trainers import TRAINING, everything
from .verdicts import decide
from .wrap import quietly

MOST_PARAMETERS = 20_000
_HOOK: dict[str, Any] = {}


def optimizers(module: Any) -> None:
    """torch.optim.optimizer: its hook for all optimizers; older versions have none."""
    register = getattr(module, "register_optimizer_step_pre_hook", None)
    if register is None:
        run().tell("this torch tells no steps beforehand; only trainers are seen")
        return
    _HOOK["register"] = register
    WAKE.append(_wake)
    _wake()


def _wake() -> None:
    _HOOK["awake"] = True
    if "handle" not in _HOOK:
        _HOOK["handle"] = _HOOK["register"](_step)


def rest() -> None:
    """Take the hook away; not while torch goes through its hooks, and not after a refusal."""
    handle = _HOOK.pop("handle", None) if not run().refused else None
    if handle is not None:
        handle.remove()


REST.append(rest)


def _step(optimizer: Any, args: Any, kwargs: Any) -> None:
    """Before a step. After a refusal it refuses again, whoever caught the first one."""
    if not _HOOK["awake"]:
        return
    here = run()
    if not here.refused and ((here.decisions and not here.unjudged) or getattr(here.inside, TRAINING, False)):
        return
    sort = type(optimizer)
    told = {"how": f"{sort.__module__.split('.')[0]}.{sort.__name__}.step", "where": where(), "tracked": False}
    decide(told, quietly("an optimizer", _loads, optimizer) or everything())
    _HOOK["awake"] = False
    _leave()


def _leave() -> None:
    """Take the hook away from under torch, which is going through its hooks: harmless for the last of them alone
    (CPython's ordered dictionary looks for changes only if there is a next key). Any other stays, asleep."""
    hooks = getattr(_HOOK["handle"], "hooks_dict_ref", lambda: None)()
    if hooks and sys.implementation.name == "cpython" and next(reversed(hooks)) == _HOOK["handle"].id:
        rest()


def _loads(optimizer: Any) -> list[dict[str, Any]]:
    """What was loaded since the newest decision; of the models those that the optimizer changes, where that shows."""
    here = run()
    held = {id(p) for group in optimizer.param_groups for p in group["params"][:MOST_PARAMETERS]}
    trained = {n: act for n, model in here.weights.items() for act in [_changed(model(), held)] if act}
    return [_part(load, n, trained) for n, load in enumerate(everything()) if n >= here.judged_to or n in trained]


def _part(load: dict[str, Any], n: int, trained: dict[int, str]) -> dict[str, Any]:
    """A model that is loaded and not changed has some other part in the run."""
    if not trained or load["what"] != "model":
        return load
    return {**load, "act": trained[n]} if n in trained else {**load, "what": "reference", "act": ""}


def _changed(model: Any, held: set[int]) -> str:
    """finetune, or adapt where only what was added is in the optimizer; "" where nothing of the model is."""
    named = getattr(model, "named_parameters", None)
    mine = [name for name, p in (named() if callable(named) else ()) if id(p) in held]
    return "" if not mine else "adapt" if all("lora_" in name for name in mine) else "finetune"
