"""`CaveatLightningCallback`: the same decision for Lightning, before `fit` takes its first step.

    trainer = Trainer(callbacks=[CaveatLightningCallback(base="mistralai/Mistral-7B-v0.1", datasets=["owner/rows"])])

Works with `lightning` and with `pytorch_lightning`. A LightningModule says little about where its weights come from: a
model of the transformers library inside it is found, everything else is declared.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from caveat.errors import CaveatError
from caveat.guard.inside.plain import plain
from caveat.guard.seen import Trainer
from caveat.guard.watch import watch

if TYPE_CHECKING:
    CaveatLightningCallback: Any

HOMES = ("lightning.pytorch", "pytorch_lightning")
MISSING = "CaveatLightningCallback works inside a Lightning trainer, and neither lightning nor pytorch_lightning is " \
          "installed here: pip install lightning (caveat.require needs nothing)"


def __getattr__(name: str) -> Any:
    if name != "CaveatLightningCallback":
        raise AttributeError(f"module 'caveat.guard.lightning_callback' has no attribute {name!r}")
    return callback_class()


@cache
def callback_class() -> type:
    """The class, over the callback class of the Lightning that is installed. Raises CaveatError without one."""
    base = _callback()

    def __init__(self: Any, **said: Any) -> None:
        base.__init__(self)
        self.watch = watch(**said)

    return type("CaveatLightningCallback", (base,), {
        "__init__": __init__, "__doc__": __doc__, "__module__": __name__, "on_fit_start": _on_fit_start,
        "on_fit_end": _on_fit_end,
    })


def _callback() -> Any:
    for home in HOMES:
        try:
            return import_module(home).Callback
        except ImportError:
            continue
    raise CaveatError(MISSING)


def _on_fit_start(self: Any, trainer: Any, pl_module: Any) -> None:
    """Judge before the first step. Raises Refused."""
    made = Trainer("lightning.Trainer", _output(trainer))
    self.watch.decide(made, None, model_in(pl_module), rows_of(trainer),
                      first=bool(getattr(trainer, "is_global_zero", True)),
                      resumed=bool(getattr(trainer, "ckpt_path", None)))


def _on_fit_end(self: Any, trainer: Any, pl_module: Any) -> None:
    self.watch.write()
    self.watch.write_at_exit()


def _output(trainer: Any) -> str:
    """Where checkpoints go, else the log folder: the folder of the project itself is not written to unasked."""
    checkpoint = getattr(trainer, "checkpoint_callback", None)
    folder = getattr(checkpoint, "dirpath", None) or getattr(trainer, "log_dir", None) or ""
    return plain(os.fspath(folder)) if isinstance(folder, (str, os.PathLike)) else ""


def model_in(module: Any) -> object:
    """The part of a LightningModule that says what it was loaded from, else the module."""
    if getattr(getattr(module, "config", None), "_name_or_path", ""):
        return module
    children = getattr(module, "children", None)
    for child in children() if callable(children) else ():
        if getattr(getattr(child, "config", None), "_name_or_path", ""):
            return child
    return module


def rows_of(trainer: Any) -> object:
    """The data set behind the train loader, where it was made already or its source can be asked."""
    loader = getattr(trainer, "train_dataloader", None)
    if loader is None:
        source = getattr(getattr(getattr(trainer, "fit_loop", None), "_data_source", None), "instance", None)
        loader = source if hasattr(source, "dataset") else None
    return getattr(loader, "dataset", None)
