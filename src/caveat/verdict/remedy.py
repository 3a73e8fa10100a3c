"""Remedy: the smallest change after which the verdict is acceptable, with the verdict that is then decided.

    refusing findings --touch--> changes     a set of changes must touch every refusing finding (a hitting set)
    sets, smallest first --decide--> kept    the first size at which some set is acceptable is the answer

Nothing is estimated: every set that is told was applied to the plan and decided like any other question.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from caveat.errors import TooManyWorlds
from caveat.law.words import VERDICTS
from caveat.verdict.answer import Finding
from caveat.verdict.change import Change, Plan, Setting, Spot, changed, changes, possible
from caveat.verdict.decide import Decision, decide

ACCEPTABLE = ("permitted", "conditional")
MOST_CHANGES, MOST_TOGETHER, MOST_TRIALS, MOST_TOLD = 12, 3, 64, 4
#: Findings for which changes are looked for. What cures all of them is decided on the whole plan all the same.
MOST_BAD = 100
#: Steps decided in all trials together: a lineage of thousands is tried a few times, not sixty.
MOST_STEPS = 4_000


class Remedy(NamedTuple):
    """Changes made together, and the verdict that is decided after them."""

    changes: tuple[Change, ...]
    verdict: str

    @property
    def words(self) -> str:
        return ", and ".join(c.words for c in self.changes)


class After(NamedTuple):
    """A plan after changes, decided."""

    verdict: str
    acceptable: bool


def is_bad(finding: Finding) -> bool:
    """Refused, unknown or in doubt, or owing what the plan itself contradicts."""
    return finding.verdict not in ACCEPTABLE or any(d.state == "contradicted" for d in finding.duties)


def remedies(plan: Plan, decisions: Sequence[Decision], setting: Setting,
             most_trials: int = MOST_TRIALS) -> list[Remedy]:
    """The smallest sets of changes that cure the plan; single changes that only make it better come before sets. Pure.

    `decisions` are those of `plan.asks`, in order. At most four; exact for a dozen candidates, three together.
    """
    bad = _bad_spots(decisions, setting)[:MOST_BAD]
    found = changes(plan, decisions, bad, setting)[:MOST_CHANGES] if bad else []
    most = min(most_trials, MOST_STEPS // max(1, sum(len(d.events) for d in decisions)))
    trial, before = _Trial(plan, setting, most), VERDICTS.index(setting.verdict(decisions))
    cures = _smallest(trial, found, frozenset(bad))
    if cures and len(cures[0].changes) == 1:
        return cures[:MOST_TOLD]
    single = trial.all((c,) for c in found)
    better = [r for r, after in single if before < VERDICTS.index(after.verdict) and r.verdict not in ACCEPTABLE]
    return [*_apart(better)[:MOST_TOLD - min(len(cures), 2)], *cures][:MOST_TOLD]


def _smallest(trial: "_Trial", found: Sequence[Change], bad: frozenset[Spot]) -> list[Remedy]:
    for size in range(1, MOST_TOGETHER + 1):
        cures = [r for r, after in trial.all(_hitting(found, size, bad)) if after.acceptable]
        if cures:
            return _apart(cures)
    return []


def _apart(cures: Sequence[Remedy]) -> list[Remedy]:
    """One of each sort: the leanest label; and where several changes go together, one example of each mix."""
    found: dict[tuple[object, ...], Remedy] = {}
    for r in cures:
        key = tuple((c.kind, c.at) if c.kind == "relabel" or len(r.changes) > 1 else c for c in r.changes)
        found.setdefault(key, r)
    return list(found.values())


class _Trial:
    """Decides plans after changes, each set once, until the trials are used up."""

    def __init__(self, plan: Plan, setting: Setting, most: int) -> None:
        self.plan, self.setting, self.left = plan, setting, most
        self.done: dict[tuple[Change, ...], After | None] = {}

    def all(self, sets: Iterable[tuple[Change, ...]]) -> list[tuple[Remedy, After]]:
        afters = ((together, self.after(together)) for together in sets)
        return [(Remedy(together, after.verdict), after) for together, after in afters if after]

    def after(self, together: tuple[Change, ...]) -> After | None:
        if together not in self.done and self.left > 0:
            self.left -= 1
            self.done[together] = outcome(self.plan, together, self.setting)
        return self.done.get(together)


def _bad_spots(decisions: Sequence[Decision], setting: Setting) -> list[Spot]:
    return [(k, n) for k, d in enumerate(decisions) for n, f in enumerate(d.findings)
            if setting.counts(f) and is_bad(f)]


def _hitting(found: Sequence[Change], size: int, bad: frozenset[Spot]) -> Iterator[tuple[Change, ...]]:
    """Sets of this size that touch every refusing finding, in which no two change one thing.

    At most one reading in a set: that every open word may go one's way is no remedy.
    """
    for together in combinations(found, size):
        apart = len({c.at for c in together}) == size and sum(c.kind == "settle" for c in together) <= 1
        if apart and frozenset[Spot]().union(*(c.touches for c in together)) >= bad:
            yield together


def outcome(plan: Plan, together: Sequence[Change], setting: Setting) -> After | None:
    """What is decided after these changes; None if one cannot be made or too many worlds stay open."""
    for change in together:
        if not possible(plan, change, setting):
            return None
        plan = changed(plan, change, setting)
    try:
        decisions = [decide(plan.lineage, setting.books, asked) for asked in plan.asks]
    except TooManyWorlds:
        return None
    verdict = setting.verdict(decisions)
    return After(verdict, verdict in ACCEPTABLE and not _bad_spots(decisions, setting))


def with_fixes(decisions: Sequence[Decision], told: Sequence[Remedy], setting: Setting) -> list[Decision]:
    """The decisions with `fixes` on refusing findings: one change on each that it touches, a set once, on the worst."""
    spots = sorted(_bad_spots(decisions, setting),
                   key=lambda s: VERDICTS.index(decisions[s[0]].findings[s[1]].verdict))
    fixes: dict[Spot, list[Remedy]] = {}
    for remedy in told:
        touched = [s for s in spots if any(s in c.touches for c in remedy.changes)]
        for spot in touched if len(remedy.changes) == 1 else touched[:1]:
            fixes.setdefault(spot, []).append(remedy)
    return [d._replace(findings=tuple(_with(f, fixes.get((k, n), ())) for n, f in enumerate(d.findings)))
            for k, d in enumerate(decisions)]


def _with(finding: Finding, told: Sequence[Remedy]) -> Finding:
    return finding._replace(fixes=tuple((r.words, r.verdict) for r in told)) if told else finding
