"""Notes weights that are loaded file by file, by the folder they lie in; what the files hold is not looked at.

A folder counts where something in it describes a model (its configuration, or for tensors a card), or where it is a
download of the hub, whose name tells the repository. Anything else that is loaded may be no weights at all.
"""

from __future__ import annotations

import os
import re
from typing import Any

from .plain import plain
from .run import run
from .weights import WEIGHTS
from .wrap import After, after, argument

#: .../models--OWNER--NAME/snapshots/REVISION, as the hub's cache lays it out.
CACHED = re.compile(r"models--([\w.-]{1,96}?)--([\w.-]{1,96})[/\\\\]snapshots[/\\\\]([\w.-]{1,64})(?:[/\\\\]|$)")
DESCRIBES = ("config.json", "params.json", "adapter_config.json")
CARD = "README.md"
CHECKPOINTERS = ("FullModelHFCheckpointer", "FullModelMetaCheckpointer", "FullModelTorchTuneCheckpointer")


def tensors(module: Any) -> None:
    """safetensors.torch: files that hold nothing but tensors."""
    after(module, "load_file", _file(0, "safetensors.torch.load_file", True), WEIGHTS)
    after(module, "load_model", _file(1, "safetensors.torch.load_model", True), WEIGHTS)


def pickles(module: Any) -> None:
    """torch.serialization: torch.load, which reads anything; only its path is looked at."""
    after(module, "load", _file(0, "torch.load", False), WEIGHTS)


def checkpointers(module: Any) -> None:
    """torchtune's: each is told its folder when it is made; the files that it loads then are no further weights."""
    for name in CHECKPOINTERS:
        if hasattr(module, name):
            after(getattr(module, name), "__init__", _checkpointer(name))
            after(getattr(module, name), "load_checkpoint", _nothing, group=WEIGHTS)


def _file(place: int, how: str, card: bool) -> After:
    def noted(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        given = argument(args, kwargs, place, "filename", "f")
        if isinstance(given, (str, os.PathLike)):
            _note(os.path.dirname(plain(given)) or ".", how, card)  # noqa: PTH120

    return noted


def _checkpointer(name: str) -> After:
    def noted(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _note(plain(argument(args, kwargs, 1, "checkpoint_dir")), f"torchtune.training.{name}", True)

    return noted


def _nothing(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Loading is only marked meanwhile."""


def _note(folder: str, how: str, card: bool) -> None:
    hub = CACHED.search(folder + "/")
    if hub:
        run().note(what="model", name=f"{hub[1]}/{hub[2]}", revision=hub[3], how=how)
    elif folder and _described(folder, card):
        run().note(what="model", name=folder if os.path.isabs(folder) or folder.startswith(".") else f"./{folder}",  # noqa: PTH117
                   how=how)


def _described(folder: str, card: bool) -> bool:
    """Whether a model lies there. A card in the folder where one works is that of the project."""
    marks = (*DESCRIBES, CARD) if card and os.path.abspath(folder) != os.getcwd() else DESCRIBES  # noqa: PTH100, PTH109
    return any(os.path.isfile(os.path.join(folder, mark)) for mark in marks)  # noqa: PTH113, PTH118


def seen() -> list[dict[str, Any]]:
    """The weights that were loaded file by file: no model carries their note along."""
    return [dict(load) for load in run().loads if load["what"] == "model" and load.get("how", "").startswith(
        ("safetensors.", "torch.load", "torchtune."))]
