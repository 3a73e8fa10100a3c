"""Notes every model and adapter that is loaded by name or path, and lets the object carry the note along."""

from __future__ import annotations

import weakref
from typing import Any

from .plain import plain
from .run import TAG, run, tag
from .wrap import after, argument

#: Marks a loading: the files that it opens are no further weights.
WEIGHTS = "weights"
#: Modules of one model that are looked through for the note.
MOST_MODULES = 4000


def pretrained(module: Any) -> None:
    """transformers.modeling_utils: every model class loads through PreTrainedModel."""
    after(module.PreTrainedModel, "from_pretrained", _model, group=WEIGHTS)
    after(module.PreTrainedModel, "_from_config", _built)
    if hasattr(module.PreTrainedModel, "save_pretrained"):
        after(module.PreTrainedModel, "save_pretrained", _saved)


def adapters(module: Any) -> None:
    """peft.peft_model: an adapter that exists already."""
    after(module.PeftModel, "from_pretrained", _adapter, group=WEIGHTS)
    if hasattr(module.PeftModel, "save_pretrained"):
        after(module.PeftModel, "save_pretrained", _saved)


def _model(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    place = 1 if args and isinstance(args[0], type) else 0
    name = plain(argument(args, kwargs, place, "pretrained_model_name_or_path"))
    if name:
        whole = made[0] if isinstance(made, tuple) else made
        number = _note("model", name, kwargs, f"{_class(args)}.from_pretrained")
        tag(whole, [number])
        run().weights[number] = weakref.ref(whole)


def _built(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A model of a configuration alone has the architecture of what that names, and not its weights."""
    name = "" if getattr(run().inside, WEIGHTS, False) else name_of(made)
    if name:
        run().note(what="architecture", name=name, how=f"{_class(args)}.from_config")


def _adapter(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    place = 2 if args and isinstance(args[0], type) else 1
    name = plain(argument(args, kwargs, place, "model_id"))
    if name:
        base = argument(args, kwargs, place - 1, "model")
        tag(made, [*numbers(base), _note("adapter", name, kwargs, "PeftModel.from_pretrained")])


def _saved(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """A loop of one's own tells no output folder beforehand: where it saves its model, its lineage belongs."""
    folder = plain(argument(args, kwargs, 1, "save_directory"))
    for decision in run().decisions:
        if folder and not decision["trainer"].get("output"):
            decision["saved"] = folder


def _class(args: tuple[Any, ...]) -> str:
    return plain(getattr(args[0], "__name__", "model"), 80) if args else "model"


def _note(what: str, name: str, kwargs: dict[str, Any], how: str) -> int:
    load = {"what": what, "name": name, "how": how, "revision": plain(kwargs.get("revision"))}
    return run().note(**{k: v for k, v in load.items() if v})


def numbers(model: Any) -> tuple[int, ...]:
    """The numbers of a model and of what it wraps: an adapter around a base carries both."""
    found = list(_of(model))
    walk = getattr(model, "modules", None)
    for n, part in enumerate(walk() if callable(walk) else ()):
        if n >= MOST_MODULES:
            break
        found += _of(part)
    return tuple(dict.fromkeys(found))


def _of(part: Any) -> tuple[int, ...]:
    held = getattr(part, "__dict__", None)
    return tuple(held.get(TAG, ())) if isinstance(held, dict) else ()


def name_of(model: Any) -> str:
    """The name that a model itself remembers, where its loading was not seen."""
    config = getattr(model, "config", None)
    return plain(getattr(config, "_name_or_path", "") or getattr(model, "name_or_path", ""))


def adapted(model: Any) -> bool:
    """Whether only an adapter of the model is trained."""
    return bool(getattr(model, "peft_config", None))
