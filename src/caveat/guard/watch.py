"""One run watched from inside: decided before its first step, its lineage written when it has ended.

The callbacks of every trainer are thin coats around this; what differs between trainers ends at `parts.py`.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from caveat.guard.frames import users_line
from caveat.guard.inside.plain import plain
from caveat.guard.judged import Judged, Settings, judge
from caveat.guard.parts import data_loads, parts_of
from caveat.guard.planned import on_disk
from caveat.guard.refusal import refusal
from caveat.guard.seen import Load, Trainer
from caveat.guard.telling import told as told_of

ACCEPT, GUARDED = "CAVEAT_ACCEPT", "CAVEAT_GUARD"
RANKS = ("RANK", "LOCAL_RANK", "SLURM_PROCID")


class Declared(NamedTuple):
    """What the user says of the run, over what can be seen: names, paths, or data sets as objects."""

    datasets: tuple[Any, ...] = ()
    base: str = ""
    adapters: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()
    output: str = ""
    name: str = ""  # what the model made is called (a hub id or a bare name)

    def loads(self, where: str) -> tuple[Load, ...]:
        """The same as loads."""
        named = (*(("model", n) for n in filter(None, (self.base,))), *(("adapter", n) for n in self.adapters),
                 *(("teacher", n) for n in self.teachers))
        rows = (load for d in self.datasets for load in _rows(d, where))
        return (*(Load(what, plain(n), where=where, how="declared") for what, n in named), *rows)


def _rows(declared: Any, where: str) -> Iterable[Load]:
    if isinstance(declared, (str, os.PathLike)):
        return (Load("data", plain(os.fspath(declared)), where=where, how="declared"),)
    return data_loads(declared, where)


def accepted_by(given: Sequence[str]) -> tuple[str, ...]:
    """Findings that are lived with: as given, and those of CAVEAT_ACCEPT (commas or line ends between them)."""
    told = os.environ.get(ACCEPT, "").replace("\n", ",").split(",")
    return tuple(dict.fromkeys(x.strip() for x in (*given, *told) if x.strip()))


def is_first() -> bool:
    """Whether this process speaks for the run, as launchers tell by the environment."""
    told = next((os.environ[r] for r in RANKS if os.environ.get(r)), "0")
    return told == "0"


def project_here() -> Path | None:
    """The caveat.toml of the folder in which the run was started."""
    file = Path("caveat.toml")
    return file if file.is_file() else None


class Watch:
    """One run. `decide` once, then `write` as often as something may have overwritten what was written."""

    def __init__(self, declared: Declared, *, strict: bool = False, accept: Sequence[str] = (),
                 settings: Settings | None = None, say: Callable[[str], None] | None = None) -> None:
        self.declared, self.strict, self.accept = declared, strict, accepted_by(accept)
        self.settings = settings or Settings(project=project_here())
        self.say = say or (lambda text: print(text, file=sys.stderr))
        self.judged: Judged | None = None
        self.loads: tuple[Load, ...] = ()
        self.trainer = Trainer("a training run")
        self.resumed = False
        self.first = True

    def decide(self, trainer: Trainer, held: object = None, model: object = None, rows: object = None, *,
               first: bool = True, resumed: bool = False) -> Judged:
        """Judge what is about to be trained. Raises Refused before the first step, SettingsError for odd settings."""
        where = trainer.where or users_line()
        said = self.declared
        self.first, self.resumed = first, resumed
        self.trainer = trainer._replace(output=said.output or trainer.output, hub=said.name or trainer.hub, where=where)
        seen = parts_of(held, model, rows, where)
        if GUARDED in os.environ:  # its hooks saw the loading itself, and know better than an object tells
            seen = tuple(load for load in seen if not load.unknown)
        return self.weigh(_joined(said.loads(where), seen))

    def weigh(self, loads: Sequence[Load]) -> Judged:
        """The same for loads that are known already."""
        from caveat.flows.own_law import law_beside

        self.loads = tuple(loads)
        place = self.settings.project
        with law_beside(place if place is not None else Path("caveat.toml")):
            self.judged = judge(self.loads, self.trainer, accept=self.accept, settings=self.settings)
        if self.judged.stops(self.strict):
            raise refusal(self.judged, self.trainer.how, self.strict)
        page = told_of(self.judged, self.trainer.how)
        if page and self.first:
            self.say(page)
        return self.judged

    def write(self, done: bool = True) -> None:
        """Lineage and card beside the model, by one process of the run; trouble is told and ends nothing."""
        if self.judged is None or not self.first or not self.trainer.output or not self.loads:
            return
        from caveat.guard.written import Run, write

        run = Run(self.judged, self.loads, self.trainer, self.accept, date.today(), self.settings, self.resumed)
        told = write(Path(self.trainer.output), run, make=done)
        for problem in told:
            self.say(f"caveat: {problem}")

    def write_at_exit(self) -> None:
        """Once more when the process ends: a trainer writes its own card after the training."""
        output = Path(self.trainer.output) if self.trainer.output else None
        atexit.register(lambda: self.write(done=False) if output is not None and output.is_dir() else None)

    def write_after(self, trainer: object, method: str = "create_model_card") -> None:
        """Each time this trainer has written its own card, complete it: it is pushed right after."""
        theirs = getattr(trainer, method, None)
        if theirs is None or getattr(theirs, "by_caveat", False):
            return

        def and_ours(*args: Any, **kwargs: Any) -> Any:
            result = theirs(*args, **kwargs)
            self.write(done=False)
            return result

        and_ours.by_caveat = True  # type: ignore[attr-defined]
        try:
            setattr(trainer, method, and_ours)
        except AttributeError:  # a trainer with slots keeps its own way
            return


def _joined(declared: tuple[Load, ...], seen: tuple[Load, ...]) -> tuple[Load, ...]:
    """Both, without what the seen ones do not know and the declared ones say."""
    said = {load.what for load in declared}
    kept = tuple(load for load in seen if not (load.what in said and _says_nothing(load)))
    known = {(load.what, load.name) for load in kept}
    return (*(load for load in declared if (load.what, load.name) not in known), *kept)


def _says_nothing(load: Load) -> bool:
    """Of unknown origin, or a base on this disk that was declared by its real name; writers found in it are kept."""
    if load.generators or load.judges:
        return False
    return bool(load.unknown) or (load.what == "model" and on_disk(load))


def watch(*, datasets: Sequence[Any] = (), base: str = "", adapters: Sequence[str] = (), teachers: Sequence[str] = (),
          output: str = "", name: str = "", strict: bool = False, accept: Sequence[str] = (),
          facts: Mapping[str, str] | None = None, readings: Mapping[str, str] | None = None,
          project: str | os.PathLike[str] = "", policy: str | os.PathLike[str] = "") -> Watch:
    """A watch from the arguments that every callback takes. Raises SettingsError for what nobody knows."""
    from caveat.flows.asking import checked_facts, checked_readings

    settings = Settings(checked_facts(facts or {}), checked_readings(readings or {}), True,
                        Path(policy) if policy else None, Path(project) if project else project_here())
    said = Declared(tuple(datasets), base, tuple(adapters), tuple(teachers), os.fspath(output), name)
    return Watch(said, strict=strict, accept=accept, settings=settings)
