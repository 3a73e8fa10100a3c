"""Opens when a library is imported: right after a module of interest has run, before anybody has taken a name from it.

A finder first on `sys.meta_path` answers for a dozen module names only; it finds the module as it would have been
found, lets it run, and then gives it to the room that watches it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` alone would cost more than all the rest of this
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: Module -> (room, function of the room that is given the module).
WATCHED: dict[str, tuple[str, str]] = {
    "datasets.load": ("data", "loading"),
    "datasets.arrow_dataset": ("data", "tables"),
    "datasets.iterable_dataset": ("data", "streams"),
    "datasets.dataset_dict": ("data", "groups"),
    "datasets.combine": ("data", "combining"),
    "transformers.modeling_utils": ("weights", "pretrained"),
    "transformers.trainer": ("trainers", "transformers_trainer"),
    "peft.peft_model": ("weights", "adapters"),
    "safetensors.torch": ("files", "tensors"),
    "torch.serialization": ("files", "pickles"),
    "torchtune.training.checkpointing._checkpointer": ("files", "checkpointers"),
    "torch.optim.optimizer": ("steps", "optimizers"),
    "lightning.pytorch.trainer.trainer": ("trainers", "lightning_trainer"),
    "pytorch_lightning.trainer.trainer": ("trainers", "lightning_trainer"),
}


class Door:
    """Runs a module as its own loader would, then shows it to its room."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        module.__spec__.loader = module.__loader__ = self.loader
        self.loader.exec_module(module)
        _show(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)


class Doors:
    """A finder that finds nothing by itself."""

    def __init__(self) -> None:
        self.busy: set[str] = set()

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: Any = None) -> Any:
        if name not in WATCHED or name in self.busy:
            return None
        self.busy.add(name)
        try:
            spec = self._found(name, path, target)
        finally:
            self.busy.discard(name)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = Door(spec.loader)
        return spec

    def _found(self, name: str, path: Sequence[str] | None, target: Any) -> Any:
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None) if finder is not self else None
            spec = find(name, path, target) if find else None
            if spec is not None:
                return spec
        return None


def open_all() -> None:
    """Stand first among the finders, once a process."""
    if not any(type(finder).__name__ == Doors.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, Doors())


def _show(module: Any) -> None:
    """Whatever is wrong with the guard itself, the module that people imported is theirs and stays imported."""
    try:
        from importlib import import_module

        from .wrap import quietly
    except Exception as fault:
        sys.stderr.write(f"caveat guard: cannot look at {module.__name__} ({type(fault).__name__}); it is not seen\n")
        if '"strict": true' in os.environ.get("CAVEAT_GUARD", ""):
            os._exit(1)
        return
    room, function = WATCHED[module.__name__]
    quietly(module.__name__, lambda: getattr(import_module(f"{__package__}.{room}"), function)(module))
