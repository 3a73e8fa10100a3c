"""What this process saw: loads, each known by a number that the things made from it carry along; and what went wrong.

Records go into the private folder that the parent named, one file a process, whole or not at all.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

from .plain import plain, where

TAG = "_caveat_loads"
MOST_LOADS, MOST_TROUBLE = 2000, 50


class Run:
    """One process. `decided` is the newest decision, `refused` whether one refused."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.loads: list[dict[str, Any]] = []
        self.numbers: dict[str, int] = {}
        self.trouble: list[str] = []
        self.decisions: list[dict[str, Any]] = []
        self.refused = False
        self.unjudged = False  # something was loaded since the newest decision
        self.inside = threading.local()
        self.judged_to = 0  # loads up to here were known when the newest decision fell
        self.weights: dict[int, Any] = {}  # number -> the model as it is alive, held weakly
        self.held: dict[int, tuple[int, ...]] = {}  # trainer (by id) -> the sets that it was given
        self.pid = 0

    @property
    def strict(self) -> bool:
        return bool(self.settings.get("strict"))

    def note(self, **load: Any) -> int:
        """Remember one load; gives its number, -1 where there are too many."""
        load.setdefault("where", where())
        key = json.dumps(load, sort_keys=True, default=plain)
        if key not in self.numbers:
            if len(self.loads) >= MOST_LOADS:
                self.tell(f"more than {MOST_LOADS} things were loaded; the rest is not noted")
                return -1
            self.numbers[key] = len(self.loads)
            self.loads.append(load)
            self.unjudged = True
            waken()
        return self.numbers[key]

    def tell(self, trouble: str) -> None:
        """Something the guard could not do: on stderr once, and into the record."""
        if trouble not in self.trouble and len(self.trouble) < MOST_TROUBLE:
            self.trouble.append(trouble)
            sys.stderr.write(f"caveat guard: {trouble}\n")

    def write(self) -> None:
        """This process's record, over the older one of the same process."""
        folder = self.settings.get("records")
        if not folder or not (self.loads or self.decisions or self.trouble):
            return
        said = {"pid": os.getpid(), "rank": rank(), "program": [plain(a) for a in sys.argv[:8]], "loads": self.loads,
                "decisions": self.decisions, "trouble": self.trouble}
        name = os.path.join(folder, f"{os.getpid()}.json")  # noqa: PTH118
        try:
            with open(f"{name}.part", "w", encoding="utf-8") as out:  # noqa: PTH123
                json.dump(said, out, default=plain)
            os.replace(f"{name}.part", name)  # noqa: PTH105
        except OSError as fault:
            sys.stderr.write(f"caveat guard: the record of this process is lost ({fault})\n")


#: Wakes the hook on optimizers when something new was loaded; `steps` sets it.
WAKE: list[Callable[[], None]] = []
#: Takes that hook away when a trainer's decision has fallen.
REST: list[Callable[[], None]] = []
_RUN: list[Run] = []


def run() -> Run:
    """The run of this process; made at first use. A forked child keeps what its parent saw."""
    if not _RUN:
        _RUN.append(Run(_settings()))
    here = _RUN[0]
    if here.pid != os.getpid():
        here.pid = os.getpid()
        import atexit

        atexit.register(here.write)
    return here


def _settings() -> dict[str, Any]:
    try:
        said = json.loads(os.environ.get("CAVEAT_GUARD", "{}"))
    except ValueError:
        said = {}
    return said if isinstance(said, dict) else {}


def waken() -> None:
    for wake in WAKE:
        wake()


def rank() -> int:
    """The rank of this process among those of one run; 0 where there is only one."""
    try:
        return int(os.environ.get("RANK", os.environ.get("LOCAL_RANK", "0")))
    except ValueError:
        return 0


# Numbers that things carry along.


def tag(made: Any, numbers: Iterable[int]) -> None:
    """Let a thing, or each thing in a mapping, carry these numbers besides its own."""
    wanted = tuple(dict.fromkeys(n for n in numbers if n >= 0))
    if not wanted:
        return
    if isinstance(made, dict):
        for part in list(made.values())[:100]:
            tag(part, wanted)
        return
    if isinstance(made, (list, tuple)):
        for part in made[:100]:
            tag(part, wanted)
        return
    try:
        made.__dict__[TAG] = tuple(dict.fromkeys((*made.__dict__.get(TAG, ()), *wanted)))
    except (AttributeError, TypeError):
        run().tell(f"a {type(made).__name__} cannot carry along where it comes from")


def tags(thing: Any, depth: int = 3) -> tuple[int, ...]:
    """The numbers that a thing carries, or those of what it wraps."""
    if depth < 0 or thing is None or isinstance(thing, (str, bytes, int, float)):
        return ()
    held = getattr(thing, "__dict__", {})
    found = held.get(TAG, ()) if isinstance(held, dict) else ()
    if found:
        return tuple(found)
    inner = list(thing.values())[:100] if isinstance(thing, dict) else \
        list(thing[:100]) if isinstance(thing, (list, tuple)) else \
        [held[k] for k in ("dataset", "datasets", "_dataset", "hf_dataset", "data", "base_model", "model", "module")
         if isinstance(held, dict) and k in held]
    return tuple(dict.fromkeys(n for part in inner for n in tags(part, depth - 1)))
