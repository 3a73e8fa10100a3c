"""The one place where a run that is about to start is judged: loads in, a report out, and what of it refuses.

Callbacks, `require` and the hooks inside a process all ask here, so that the same run gets the same answer everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from caveat.guard import proven
from caveat.guard.planned import evidence_of
from caveat.guard.seen import Load, Trainer
from caveat.law.words import ACTS
from caveat.lineage.claims import Evidence, Problem, StepClaim
from caveat.verdict.answer import Finding, Report

#: Verdicts that warn; under `strict` they refuse.
DOUBTFUL = frozenset({"depends", "unknown"})
#: What findings of a training are about: how it is made, and the rules of an organisation.
MAKING = frozenset({"made", "policy"})
NO_TRAINER = Trainer("a training run")


class Settings(NamedTuple):
    """What was said about the run: facts, readings, an organisation's rules, the project's caveat.toml."""

    facts: Mapping[str, str] = {}
    readings: Mapping[str, str] = {}
    presume: bool = True
    policy: Path | None = None
    project: Path | None = None  # a caveat.toml whose facts, readings, acceptances and own assets hold
    today: str = ""


class Judged(NamedTuple):
    """The answer about one run: `refused` are proven breaches, `warned` what hangs on doubt or is not known,
    `accepted` what somebody said he lives with (CAVEAT_ACCEPT or an [[accept]] in force)."""

    report: Report
    refused: tuple[Finding, ...] = ()
    warned: tuple[Finding, ...] = ()
    accepted: tuple[Finding, ...] = ()

    def stops(self, strict: bool = False) -> bool:
        """Whether the run may not start."""
        return bool(self.refused or (strict and self.warned))


def judge(loads: Sequence[Load], trainer: Trainer | None = None, *, recipe: Path | None = None,
          accept: Sequence[str] = (), settings: Settings | None = None) -> Judged:
    """Whether these parts may become that model. `accept` are ids of findings; `recipe` adds what a file plans.

    Raises SettingsError for an unknown word in the project's or the organisation's file, EvidenceError for a recipe
    in which nothing can be read.
    """
    settings, trainer = settings or Settings(), trainer or NO_TRAINER
    report = _in_every_base(loads, trainer, recipe, settings)
    worlds = proven.worlds_of(loads)
    refused = sorted_out(report, accept).refused if worlds else ()
    if refused:
        found = [_in_every_base(world, trainer, recipe, settings) for world in worlds]
        report = proven.rows_open(report, [_prohibited(r, accept) for r in found], refused)
    return sorted_out(report, accept)


def _in_every_base(loads: Sequence[Load], trainer: Trainer, recipe: Path | None, settings: Settings) -> Report:
    """The report on these loads; where no base was seen, what some base would excuse depends on it."""
    around = surroundings(settings)
    declared = frozenset(c.asset for c in around.claims if not isinstance(c, StepClaim))
    planned = evidence_of(loads, trainer, declared, around.you)
    child = planned.subjects[0]
    evidence = (planned + planned_by(recipe, child) + around)._replace(subjects=planned.subjects)
    unseen = proven.unseen_base(evidence, child, trainer)
    report = reports_of(evidence + unseen, settings)[0]
    refused = sorted_out(report).refused if unseen.claims else ()
    families = proven.excusing(refused)
    if not families:
        return report
    excused = reports_of(evidence + unseen + proven.of_families(families), settings)[0]
    return proven.base_open(report, _prohibited(excused), refused)


def _prohibited(report: Report, accept: Sequence[str] = ()) -> frozenset[str]:
    return frozenset(f.id for f in sorted_out(report, accept).refused)


def reports_of(evidence: Evidence, settings: Settings) -> list[Report]:
    """The reports on what was gathered, under what was said."""
    from caveat.flows.checking import check_evidence

    return check_evidence(evidence, facts=settings.facts, readings=settings.readings, presume=settings.presume,
                          today=settings.today)


def sorted_out(report: Report, accept: Sequence[str] = ()) -> Judged:
    """The findings about the making by what they do: refuse, warn, or be lived with."""
    mine = [f for f in report.findings if f.about in MAKING and (f.made == report.subject or f.about == "policy"
                                                                 or f.whose in (report.maker, "you"))]
    taken = [f for f in mine if f.accepted or f.id in accept]
    left = [f for f in mine if f not in taken and f.baseline != "known"]
    late = tuple(Problem("CAVEAT_ACCEPT", f"nothing is found that {id[:200]} accepts") for id in accept
                 if not any(f.id == id for f in mine))
    return Judged(report._replace(problems=(*report.problems, *late)),
                  tuple(f for f in left if f.verdict == "prohibited"),
                  tuple(f for f in left if f.verdict in DOUBTFUL), tuple(taken))


def surroundings(settings: Settings) -> Evidence:
    """The project's caveat.toml and the organisation's policy."""
    found = Evidence()
    if settings.project is not None:
        from caveat.evidence import caveat_toml

        said = caveat_toml.read(settings.project.read_bytes()[:caveat_toml.LIMIT + 1], settings.project.name, "")
        found += said
    if settings.policy is not None:
        from caveat.evidence.policy import read_file

        found += read_file(settings.policy)
    return found


def base_in(recipe: Path | None, child: str) -> Evidence:
    """Only what weights a recipe lets the model start from."""
    said = planned_by(recipe, child)
    return Evidence(claims=tuple(c for c in said.claims if isinstance(c, StepClaim) and c.child == child
                                 and ACTS[c.act].in_family))


def planned_by(recipe: Path | None, child: str) -> Evidence:
    """What a recipe plans, as plans for the same model: the file and the process speak of one run."""
    if recipe is None:
        return Evidence()
    from caveat.evidence import gather

    said = gather(recipe)
    names = dict.fromkeys(said.subjects, child)
    claims = tuple(c._replace(child=names.get(c.child, c.child)) if isinstance(c, StepClaim)
                   else c._replace(asset=names.get(c.asset, c.asset)) for c in said.claims)
    return said._replace(subjects=(), claims=claims)
