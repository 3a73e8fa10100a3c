"""What is proven stays apart from what is only presumed: a run is judged in each world that was not ruled out.

Two things may be unseen: the weights that a model starts from (many licences let their own family learn), and which of
several sets went into rows from memory (one more set never loosens a prohibition, so each is looked at alone). What is
prohibited in some of these worlds only, depends; it keeps its id, so that an acceptance of it stays good.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caveat.guard.planned import YOU, asset_of, place_of
from caveat.guard.seen import Load, Trainer
from caveat.law.words import ACTS, VERDICTS
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim
from caveat.verdict.answer import Finding, Report

UNSEEN = "weights that were not seen"
#: Sets behind rows from memory that are looked at one by one.
MOST_WORLDS = 12
OPEN_BASE = "permitted if the base is of the family {}: no weights were seen, so the base is not known"
OPEN_ROWS = "only presumed: rows from memory cannot be traced, and not every set that was loaded is under these terms"


def unseen_base(evidence: Evidence, child: str, trainer: Trainer) -> Evidence:
    """Where no base is known, a base of unknown origin, and that it was not seen; else nothing."""
    if any(isinstance(c, StepClaim) and c.child == child and ACTS[c.act].in_family for c in evidence.claims):
        return Evidence()
    place = place_of(trainer.where, "base", UNSEEN)
    claims: tuple[Claim, ...] = (AssetClaim(UNSEEN, "kind", "model", place),
                                 AssetClaim(UNSEEN, "maker", "somebody", place),
                                 StepClaim(child, "finetune", UNSEEN, place, YOU))
    said = Problem(place.file, f"no weights that {child} starts from were seen", place.line,
                   "its base stays unknown; --recipe names a file that tells it")
    return Evidence(claims=claims, problems=(said,))


def of_families(families: Iterable[str]) -> Evidence:
    """The unseen base as one of all these families: what is prohibited even so, no base excuses."""
    place = place_of("", "base", UNSEEN)
    return Evidence(claims=tuple(AssetClaim(UNSEEN, "family", f, place) for f in families))


def excusing(findings: Iterable[Finding]) -> tuple[str, ...]:
    """The families that the rules of these findings except."""
    return tuple(dict.fromkeys(f for finding in findings for f in _families(finding)))


def _families(finding: Finding) -> tuple[str, ...]:
    from caveat.law.shelf import shelf

    if not shelf().has(finding.licence):
        return ()
    law, cited = shelf().law(finding.licence), {c.rule for c in finding.rules}
    return tuple(v for rule in law.rules if rule.id in cited for ands in rule.unless for test in ands
                 if test.key == "made-from" for v in test.value)


def base_open(report: Report, proven: frozenset[str], refused: Sequence[Finding]) -> Report:
    """The report with what another base would excuse as depending on it."""
    notes = {f.id: OPEN_BASE.format(" or ".join(_families(f)) or "that licence") for f in refused if f.id not in proven}
    return opened(report, notes)


def opened(report: Report, notes: dict[str, str]) -> Report:
    """The report in which these findings depend, each with why; its verdict is the worst that is left."""
    findings = tuple(f._replace(verdict="depends", note=notes[f.id]) if f.id in notes and f.verdict == "prohibited"
                     else f for f in report.findings)
    counted = [f.verdict for f in findings if f.accepted is None and (f.about != "made" or f.whose in
                                                                      (report.maker, YOU))]
    return report._replace(findings=findings, verdict=min(counted, key=VERDICTS.index, default="permitted"))


def worlds_of(loads: Sequence[Load]) -> list[tuple[Load, ...]]:
    """The loads of each world: those that were traced, and one of the sets that are only presumed to go in; of too
    many sets, none of them is presumed. No worlds where there is nothing to tell apart."""
    presumed = dict.fromkeys(asset_of(load) for load in loads if load.presumed)
    traced = tuple(load for load in loads if not load.presumed)
    if len(presumed) > MOST_WORLDS:
        return [traced]
    worlds = [tuple(x for x in loads if not x.presumed or asset_of(x) == one) for one in presumed]
    return worlds if len(worlds) > 1 else []


def rows_open(report: Report, worlds: Sequence[frozenset[str]], refused: Sequence[Finding]) -> Report:
    """The report with what hangs on which set went in as depending on it; where every set alone is refused, the run
    is, whichever it was."""
    if all(worlds):
        return report
    always = frozenset.intersection(*worlds)
    return opened(report, {f.id: OPEN_ROWS for f in refused if f.id not in always})
