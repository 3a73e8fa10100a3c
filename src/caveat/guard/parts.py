"""What a trainer holds when it is about to take its first step, as loads: its model, its helpers, its rows.

Trainers are other people's objects: everything is asked with a default, nothing is called that could compute, and what
does not tell where it comes from is said to be of unknown origin. Data sets of the Hugging Face library tell it by the
files they were cached from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from caveat.guard.inside.look import columns_of, look
from caveat.guard.inside.plain import plain
from caveat.guard.seen import Load, written

#: Where other things than the model itself stand in trainers: attribute -> what it is.
HELPERS = (
    ("ref_model", "reference"), ("teacher_model", "teacher"), ("reward_model", "reward"), ("reward_funcs", "reward"),
    ("reward_models", "reward"), ("judge", "reward"),
)
DATA = ("train_dataset",)
#: Wrappers that hold the model they wrap.
AROUND = ("module", "_orig_mod")
#: Layers of wrapped rows, and files of one set.
DEEPEST, MOST_FILES = 12, 64
HUB_FILE = re.compile(r"hf://datasets/(?P<id>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w.-]+))?/")
CACHED = re.compile(r"(?:^|[/\\])(?P<owner>[\w.-]+)___(?P<name>[\w.-]+)[/\\](?P<config>[^/\\]+)[/\\]")
MADE_BY_HUB = re.compile(r"[/\\](?:default|[\w.-]+)-[0-9a-f]{8,}[/\\]|[/\\]\d+\.\d+\.\d+[/\\]")
IN_MEMORY = "rows that were put together in memory: nobody can look up where they come from"


def parts_of(trainer: object, model: object, rows: object, where: str = "") -> tuple[Load, ...]:
    """Everything a run is about to use. Any of the three may be None; nothing raises."""
    model = model if model is not None else _held(trainer, "model")
    found = [*model_loads(model, where)]
    names = {load.name for load in found}
    for key, what in HELPERS:
        for one in _each(_held(trainer, key)):
            found += [load for load in _helper(one, what, where) if load.name not in names]
    data = next((d for d in (_held(trainer, key) for key in DATA) if d is not None), rows)
    found += data_loads(data, where)
    return tuple(dict.fromkeys(found))


def _held(thing: object, key: str) -> Any:
    """An attribute, or None; properties of strangers may do anything."""
    try:
        return getattr(thing, key, None)
    except Exception:
        return None


def _each(value: object) -> Iterable[object]:
    if value is None:
        return ()
    return tuple(value[:MOST_FILES]) if isinstance(value, (list, tuple)) else (value,)


# Models.


def model_loads(model: object, where: str, what: str = "model") -> Iterator[Load]:
    """The base that is trained, and the adapter over it; a name that is not told gives a load of unknown origin."""
    model = unwrapped(model)
    if model is None:
        return
    adapters = _held(model, "peft_config")
    named = _adapted(adapters) if isinstance(adapters, dict) else ""
    config = _held(model, "config")
    name = named or _name(model) or plain(_held(config, "_name_or_path"))
    revision = plain(_held(config, "_commit_hash") or "")
    how = f"the trainer's {what}"
    if name:
        act = "adapt" if isinstance(adapters, dict) and what == "model" else ""
        yield Load(what, name, revision, where=where, act=act, how=how)
    elif what == "model":
        yield Load("model", "", where=where, how=how, unknown="a model that does not tell what it was loaded from")


def unwrapped(model: object) -> object:
    """The model inside the wrappers of parallel training and compiling."""
    for _ in range(DEEPEST):
        inner = next((i for i in (_held(model, key) for key in AROUND) if i is not None and hasattr(i, "config")), None)
        if inner is None:
            return model
        model = inner
    return model


def _adapted(adapters: dict[Any, Any]) -> str:
    for one in list(adapters.values())[:MOST_FILES]:
        said = one.get("base_model_name_or_path") if isinstance(one, dict) else _held(one, "base_model_name_or_path")
        if said:
            return plain(said)
    return ""


def _name(model: object) -> str:
    said = _held(model, "name_or_path")
    return plain(said) if isinstance(said, (str, os.PathLike)) else ""


def _helper(one: object, what: str, where: str) -> Iterator[Load]:
    """A model that stands beside: an object, its name, or a judge that says by which model it judges."""
    if isinstance(one, str):
        yield Load(what, plain(one), where=where, how=f"the trainer's {what}")
        return
    told = _held(one, "model")
    if what == "reward" and isinstance(told, str):
        yield Load(what, plain(told), where=where, how="the trainer's judge")
    elif _held(one, "config") is not None:
        yield from model_loads(one, where, what)


# Rows.


def data_loads(rows: object, where: str, name: str = "") -> tuple[Load, ...]:
    """Where the rows of a data set come from; `name` is given where somebody declared it."""
    if rows is None:
        return ()
    tables = (rows, *_as_read(rows))
    columns = tuple(dict.fromkeys(c for table in tables for c in columns_of(table)))
    values = {c: v for table in tables for c, v in _looked_at(table).items()}
    one = Load("data", plain(name), "", plain(_held(rows, "split")), columns, where=where, how="the trainer's rows")
    one = written(one, values)
    origins = [(plain(name), "", "")] if name else list(dict.fromkeys(_origins(rows)))
    if not origins:
        return (one._replace(unknown=IN_MEMORY),)
    return tuple(one._replace(name=n, revision=revision, config=config) for n, revision, config in origins)


Found = tuple[str, str, str]  # name, revision, config


def _origins(rows: object) -> Iterator[Found]:
    """Files of streams, of download lists, of the cache; parts of joined sets each by itself."""
    for part in _layers(rows):
        files = [*_checksummed(part), *_streamed(part)]
        for file in files[:MOST_FILES]:
            hub = HUB_FILE.match(file)
            yield (hub["id"], plain(hub["revision"] or ""), "") if hub else (plain(file), "", "")
        if not files:
            yield from _cached(part)


def _layers(rows: object) -> Iterator[object]:
    """The set, and what it wraps or joins, at most so deep."""
    todo, seen = [(rows, 0)], 0
    while todo and seen < MOST_FILES:
        one, depth = todo.pop()
        seen += 1
        yield one
        inner = [*_each(_held(one, "datasets")), *_each(_held(one, "dataset")), *_each(_held(one, "_ex_iterable")),
                 *_each(_held(one, "ex_iterable")), *_each(_held(one, "ex_iterables"))]
        todo += [(i, depth + 1) for i in inner if depth < DEEPEST]


def _checksummed(rows: object) -> list[str]:
    sums = _held(_held(rows, "info"), "download_checksums")
    return [str(k) for k in list(sums)[:MOST_FILES]] if isinstance(sums, dict) else []


def _streamed(rows: object) -> list[str]:
    kwargs = _held(rows, "kwargs")
    if not isinstance(kwargs, dict):
        return []
    lists = [kwargs[k] for k in ("original_files", "base_files", "files") if isinstance(kwargs.get(k), list)]
    files: list[Any] = lists[0] if lists else []
    return [str(f) for f in files[:MOST_FILES] if isinstance(f, (str, os.PathLike))]


def _cached(rows: object) -> Iterator[Found]:
    """`.../owner___name/config/0.0.0/digest/...arrow` was loaded from the hub; a file that no cache made lies where
    somebody saved it. What a cache made from files of one's own does not tell which."""
    for file in _cache_files(rows):
        hub = CACHED.search(file)
        if hub:
            config = "" if hub["config"] == "default" else plain(hub["config"])
            yield f"{hub['owner']}/{hub['name']}", "", config
        elif not MADE_BY_HUB.search(file):
            yield plain(str(Path(file).parent)), "", ""


def _cache_files(rows: object) -> list[str]:
    files: Any = _held(rows, "cache_files")
    named = [f.get("filename") for f in files[:MOST_FILES] if isinstance(f, dict)] if isinstance(files, list) else []
    return [f for f in named if isinstance(f, str)]


# Who wrote the rows.


def _as_read(rows: object) -> Iterator[object]:
    """The rows before a trainer dropped columns of them: those still lie beside the cached ones."""
    for folder in dict.fromkeys(Path(f).parent for f in _cache_files(rows)):
        for file in sorted(p for p in folder.glob("*.arrow") if not p.name.startswith("cache-"))[:2]:
            yield _arrow(file)


def _looked_at(rows: object) -> dict[str, list[str]]:
    try:
        return look(rows, memory=not hasattr(rows, "__len__")) if rows is not None else {}
    except Exception:  # rows that cannot be looked at are no evidence
        return {}


def _arrow(file: Path) -> object:
    try:
        from datasets import Dataset

        return Dataset.from_file(str(file))
    except Exception:  # not a file of this form, or no such library
        return None
