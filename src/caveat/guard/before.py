"""Recipes and launch lines that a command names, judged before anything is started.

A proven prohibition refuses here already; what hangs on doubt is told. A file that plans nothing says nothing. Code may
hold a branch that is never taken: a script is judged by what it does, and read here only where that cannot be seen.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from caveat.errors import EvidenceError
from caveat.evidence import gather, launch_lines
from caveat.guard.command import RECIPES, Command
from caveat.guard.judged import Judged, Settings, reports_of, sorted_out, surroundings
from caveat.law.words import ACTS
from caveat.lineage.claims import Evidence, StepClaim
from caveat.verdict.answer import Report


def planned(command: Command, settings: Settings, accept: Sequence[str] = ()) -> list[tuple[str, Judged]]:
    """Each plan that the command names, by its file (or "the command line"), with what is judged of it.

    Raises SettingsError if the project's or the organisation's own file is wrong.
    """
    around = surroundings(settings)
    found = []
    for name, evidence in _plans(command):
        for report in reports_of(evidence + around, settings):
            if _trained(report):
                found.append((name, sorted_out(report, accept)))
    return found


def _plans(command: Command) -> Iterator[tuple[str, Evidence]]:
    said = launch_lines.of_text(shlex.join(command.words), "command line", "this run")
    if said.claims:
        makes = tuple(dict.fromkeys(c.child for c in said.claims if isinstance(c, StepClaim)))
        yield "the command line", said._replace(subjects=makes)
    for file in command.files:
        said = _read(file) if command.blind or file.suffix.lower() in RECIPES else Evidence()
        if said.claims:
            yield str(file), said


def _read(file: Path) -> Evidence:
    try:
        return gather(file)
    except EvidenceError:  # a file that no reader knows
        return Evidence()


def _trained(report: Report) -> bool:
    """Whether a plan makes a model out of something; a script that only loads is looked at while it runs."""
    return any(e.child == report.subject and ACTS[e.act].in_making for e in report.graph.edges)
