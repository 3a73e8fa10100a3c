"""What a run leaves behind: its lineage as a caveat.toml, and the card with what the trainer's own card forgets.

A run knows what went into a model, and the folder it leaves does not: this writes it down while it is known. Files are
replaced whole or not at all, nothing that a person wrote is lost, and a second run replaces only what the first wrote.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from caveat.errors import CaveatError
from caveat.guard import proven, written_card, written_toml
from caveat.guard.judged import Judged, Settings, surroundings
from caveat.guard.planned import evidence_of, on_disk
from caveat.guard.seen import Load, Trainer
from caveat.lineage.claims import Evidence, StepClaim

SETTINGS, BESIDE, CARD = "caveat.toml", "caveat.run.toml", "README.md"
LIMIT = 4 << 20


class Run(NamedTuple):
    """One run that was judged and has ended (or was going to)."""

    judged: Judged
    loads: tuple[Load, ...]
    trainer: Trainer
    accept: tuple[str, ...]  # ids of findings that CAVEAT_ACCEPT or the code accepts
    day: date
    settings: Settings = Settings()
    resumed: bool = False  # what was written for the earlier part of the run still holds
    more: Evidence = Evidence()  # what a recipe said besides
    owner: str = ""  # who accepts; the user's name if empty


def write(output: Path, run: Run, make: bool = True) -> list[str]:
    """Write both files into `output`; what could not be written is told, and raises nothing.

    `make` also makes the folder and a card where there are none; without it only a card that is there is completed.
    """
    told: list[str] = []
    try:
        if make:
            output.mkdir(parents=True, exist_ok=True)
        if not output.is_dir():
            return [f"{output} is no folder: the lineage of this run is not written down"]
        run = _in_place(output, run)
        evidence = evidence_of_run(run)
        told += _settings(output, run, evidence)
        told += _card(output, run, evidence, make)
    except (CaveatError, OSError, ValueError) as fault:
        told.append(f"the lineage of this run could not be written into {output}: {fault}")
    return told


def _in_place(output: Path, run: Run) -> Run:
    """A run that started from the model in its own output folder went on: what is written there already still holds,
    and is not read as that of another model."""
    started = tuple(load for load in run.loads if load.what in ("model", "adapter") and on_disk(load)
                    and Path(load.name).resolve() == output.resolve())
    if not started or not written_toml.parted(_text(output / SETTINGS))[1]:
        return run
    return run._replace(loads=tuple(load for load in run.loads if load not in started), resumed=True)


def since(output: Path, began: float) -> bool:
    """Whether a caveat.toml there was written after that second (of `time.time`): by a callback inside the run."""
    try:
        return (output / SETTINGS).stat().st_mtime >= began
    except OSError:
        return False


def evidence_of_run(run: Run) -> Evidence:
    """All claims about the run: what was loaded, what a recipe said, what the project's caveat.toml declares."""
    around = surroundings(run.settings)
    declared = frozenset(c.asset for c in around.claims if not isinstance(c, StepClaim))
    planned = evidence_of(run.loads, run.trainer, declared)
    found = planned + run.more
    if any(e.parent == proven.UNSEEN for e in run.judged.report.graph.edges):
        found += proven.unseen_base(found, planned.subjects[0], run.trainer)
    return (found + around)._replace(subjects=planned.subjects, you=around.you)


def _settings(output: Path, run: Run, evidence: Evidence) -> Iterator[str]:
    """The caveat.toml; where one of somebody's own cannot take the lineage in, it is left alone and this is told."""
    target = output / SETTINGS
    old = _text(target)
    new = written_toml.compose(old, run_of(run, evidence), output)
    if new is None:
        fresh = written_toml.compose("", run_of(run, evidence), output) or ""
        _replace(output / BESIDE, fresh)
        yield (f"{target} was written by hand in a form that cannot take another [[step]] in: it was left alone, and "
               f"the lineage is in {BESIDE}, which caveat check does not read")
    elif new != old:
        _replace(target, new)


def run_of(run: Run, evidence: Evidence) -> written_toml.Record:
    """The run as what a caveat.toml tells of it."""
    return written_toml.record(evidence, run.loads, run.judged, run.accept, run.day, run.owner, run.resumed)


def _card(output: Path, run: Run, evidence: Evidence, make: bool) -> Iterator[str]:
    target = output / CARD
    if not make and not target.is_file():
        return
    old = _text(target)
    new = written_card.completed(old, evidence, run.loads, run.judged, run.settings, run.resumed)
    if new != old:
        _replace(target, new)
    yield from ()


def _text(file: Path) -> str:
    """What stands in a file, "" where there is none. Raises ValueError for one that is no text or far too long."""
    if not file.exists():
        return ""
    data = file.read_bytes()
    if len(data) > LIMIT:
        raise ValueError(f"{file.name} is larger than {LIMIT >> 20} MiB; it was left alone")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{file.name} is not UTF-8; it was left alone") from None


def _replace(file: Path, text: str) -> None:
    """Beside it, then over it; a link is not followed out of the folder."""
    from caveat.runtime.whole import replacing

    with replacing(file) as out:
        out.write(text.encode("utf-8"))
