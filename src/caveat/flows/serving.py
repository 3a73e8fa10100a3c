"""`caveat serve-model`, `caveat proxy` and `caveat log`: models answer, and every answer says whose it is.

The origin of each model and what its terms allow are found here, once; the servers in `runtime/serving` only repeat it.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.flows.origin import allowed, origin_of
from caveat.flows.shown import panel
from caveat.runtime.engine import Engine, local
from caveat.runtime.origin import Origin
from caveat.runtime.serving.endpoint import Served, endpoint
from caveat.runtime.serving.headers import Known
from caveat.runtime.serving.log import Log
from caveat.runtime.serving.middleware import App, ProvenanceMiddleware
from caveat.runtime.serving.pages import Pages
from caveat.runtime.serving.proxy import NO_ANSWER, Proxy
from caveat.runtime.serving.reading import Checked, checked, exchanges
from caveat.runtime.serving.running import gated
from caveat.runtime.serving.settings import Settings, run_id

#: Purposes that headers tell: name -> the purpose in words, for a model outside the served one's family.
PURPOSES = {"train": "train {other}", "sell": "sell it", "publish": "publish it"}
#: Models to ask about, the first of another maker than the served one.
OTHERS = (("mistralai/", "mistral-7b"), ("tiiuae/", "falcon-7b"))
EVERY_POST = ("",)
AT_HOME = "The model runs on this computer: nothing you type leaves it."


class Server(NamedTuple):
    """An app to listen with, its log (None: none is kept), and what it serves, in words."""

    app: App
    log: Log | None
    serves: tuple[str, ...]
    run_id: str


def other_than(origin: Origin) -> str:
    """A well-known model that is not of the same maker, to ask what may be trained."""
    return next(name for owner, name in OTHERS if not origin.name.startswith(owner)
                and not any(b.startswith(owner) for b in origin.base))


def known(origin: Origin) -> Known:
    """An origin with the verdicts its headers tell."""
    other = other_than(origin)
    may = ((name, allowed(origin, words.format(other=other), fixes=False).verdict) for name, words in PURPOSES.items())
    return Known(origin, tuple(may))


# -- caveat serve-model -------------------------------------------------------------------------------------------
def serve(files: Sequence[str], *, host: str, names: Sequence[str] = (), log: str = "", keep_text: bool = False,
          threads: int = 1, context: int = 0, named: Mapping[str, str] | None = None, on: str = "") -> Server:
    """The endpoint over GGUF files. `names` are host names it is reached by; `named` file stem -> OWNER/NAME.

    Raises EvidenceError for a file that is none, SettingsError for two files of one name.
    """
    stems = {_stem(f): f for f in files}
    if len(stems) < len(files):
        raise SettingsError("two files have one name; clients could not tell them apart")
    for stem in named or {}:
        if stem not in stems:
            raise SettingsError(f"--named {stem}: no file of this name is served", stems)
    origins = {stem: origin_of(f, named=(named or {}).get(stem, ""), on=on) for stem, f in stems.items()}
    models = tuple(_served(id, o, threads, context) for id, o in origins.items())
    also = {name: id for m in reversed(models) for name in (*m.also, m.id) for id in (m.id,)}
    find = lru_cache(maxsize=None)(lambda id: known(origins[id]))
    settings = Settings(lambda model: find(also[model]) if model in also else None, log, keep_text, run_id=run_id())
    kept = Log(log) if log else None

    async def shown() -> Mapping[str, Any]:
        return {"models": [await asyncio.to_thread(side, id) for id in origins], "place": AT_HOME}

    side = lru_cache(maxsize=None)(lambda id: panel(id, origins[id], other_than(origins[id])))
    app = gated(ProvenanceMiddleware(Pages(endpoint(models), "/", shown), settings, kept), host, tuple(names))
    return Server(app, kept, tuple(f"{id}: {o.purl}" for id, o in origins.items()), settings.run_id)


def _stem(file: str) -> str:
    path = Path(file)
    if not path.is_file() or path.suffix.lower() != ".gguf":
        raise SettingsError(f"{file}: no GGUF file (caveat convert makes one)")
    return path.stem


def _served(id: str, origin: Origin, threads: int, context: int) -> Served:
    def open_() -> Engine:
        return local(origin.file, threads=threads, context=context)

    also = () if origin.name == id else (origin.name,)
    return Served(id, also, origin.name.partition("/")[0] if "/" in origin.name else "local", open_)


# -- caveat proxy -------------------------------------------------------------------------------------------------
def proxied(upstream: str, *, host: str, names: Sequence[str] = (), log: str = "", keep_text: bool = False,
            named: Mapping[str, str] | None = None, on: str = "", most_body: int = 32 << 20,
            seconds: float = 600.0) -> Server:
    """The proxy before `upstream`. `named` model name -> OWNER/NAME; others are looked up by the name they have.

    Raises SettingsError for what is no address, day or name.
    """
    proxy = Proxy(upstream, most_body=most_body, seconds=seconds)
    first = {model: origin_of(model, url=upstream, named=name, on=on) for model, name in (named or {}).items()}

    def find(model: str) -> Known | None:
        if not model and len(first) == 1:  # some servers hold one model and want no name
            return known(next(iter(first.values())))
        return known(first.get(model) or origin_of(model, url=upstream, on=on)) if spoken(model) else None

    settings = Settings(find, log, keep_text, EVERY_POST, run_id())
    kept = Log(log) if log else None

    def side(model: str) -> dict[str, Any]:
        origin = first.get(model) or origin_of(model, url=upstream, on=on)
        return panel(model, origin, other_than(origin))

    async def shown() -> Mapping[str, Any]:
        place = f"What you type goes to {proxy.where.host}, as with any program that asks there."
        try:
            return {"models": [await asyncio.to_thread(side, m) for m in await proxy.models() if spoken(m)],
                    "place": place}
        except NO_ANSWER:
            return {"models": [], "place": place, "fault": f"{proxy.where.host} does not list them (without a key)"}

    app = gated(ProvenanceMiddleware(Pages(proxy, "/caveat/", shown), settings, kept), host, tuple(names))
    return Server(app, kept, (f"{upstream}", *(f"{m}: {o.purl}" for m, o in first.items())), settings.run_id)


def spoken(model: str) -> bool:
    """Whether a name that a client wrote can be a model's: nothing else is looked up."""
    return bool(re.fullmatch(r"[\w.:/@+\-]{1,200}", model))


def origins_file(named: Mapping[str, str], on: str = "") -> str:
    """The JSON text that CAVEAT_ORIGINS names, for a middleware inside another server (vLLM, FastAPI)."""
    told = {model: known(origin_of(model, url="http://localhost/v1", named=name, on=on)).to_dict()
            for model, name in named.items()}
    return json.dumps(told, indent=1) + "\n"


# -- caveat log ---------------------------------------------------------------------------------------------------
def log_checked(file: str, head: str = "") -> Checked:
    """A log with its chain computed again. Raises EvidenceError for what is no log."""
    return checked(Path(file), head)


def log_rows(file: str) -> Iterator[str]:
    """Its exchanges as JSON lines, which `caveat check` reads: the column `generator` names whose answers they are."""
    for row in exchanges(Path(file)):
        yield json.dumps(row, ensure_ascii=False)


def log_summary(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How many exchanges ended in which way: "finished", "cut off by client" ..."""
    counts: dict[str, int] = {}
    for row in rows:
        by = f" by {row['cut_by']}" if row.get("cut_by") else ""
        counts[f"{row.get('ended')}{by}"] = counts.get(f"{row.get('ended')}{by}", 0) + 1
    return counts


def pairs(words: Iterable[str], flag: str) -> dict[str, str]:
    """MODEL=OWNER/NAME words. Raises SettingsError."""
    split: Callable[[str], tuple[str, str, str]] = lambda w: w.rpartition("=")  # noqa: E731  # names may hold "="
    found = [split(w) for w in words]
    for (left, sign, right), word in zip(found, words):
        if not sign or not left or not right:
            raise SettingsError(f"{flag} wants MODEL=OWNER/NAME, not {word[:100]!r}")
    return {left: right for left, _, right in found}


