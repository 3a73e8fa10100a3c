"""What is handed over is offered under a set of licences at once; every parent says what it demands of that set.

`any` (nothing), `keep` (this licence is in the set), `asks` (some licence in the set restricts it), `sole` (the set is
exactly one licence, one of these). Read forwards the same computation is `release`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from caveat.law.rule import Demand, Law
from caveat.verdict.bind import Pair
from caveat.verdict.event import Event
from caveat.verdict.inquiry import Inquiry
from caveat.verdict.judge import NOTHING, REFUSED, Outcome, held, in_guard, stranger_bound
from caveat.verdict.match import Matcher
from caveat.verdict.world import World


class Wanted(NamedTuple):
    """One demand of one licence, as it stands in one world."""

    law: Law
    demand: Demand
    want: str  # any | keep | asks | sole


def offer(inquiry: Inquiry, event: Event, pairs: Sequence[Pair], world: World) -> Outcome:
    """Whether the whole may go out under `event.offered` (or, if nothing was said, under anything)."""
    company = any(d.sole_with for p in pairs for d in inquiry.law_of(p.law).outbound)
    wanted = [w for p in pairs for w in _wanted(inquiry, event, p, world, company)]
    broken = broken_by(inquiry, wanted, event.offered) if event.offered else _no_way_out(inquiry, wanted)
    if not broken:
        return NOTHING
    return Outcome(REFUSED, tuple(dict.fromkeys(broken)))


def _wanted(inquiry: Inquiry, event: Event, pair: Pair, world: World, company: bool) -> list[Wanted]:
    """The demands of one pair that exist and bind in this world; doubts are asked only if a demand could bite.

    Where some `sole-with` allows what another parent demands (`company`), a demand that is met counts as well.
    """
    law = inquiry.law_of(pair.law)
    demands = [d for d in law.outbound if reaches(d, pair)]
    if not any(company or _could_break(inquiry, law, d, event.offered) for d in demands):
        return []
    if not in_guard(inquiry, event, pair, world):
        return []
    matcher = Matcher(inquiry, event, pair, world)
    found = [Wanted(law, d, _want(matcher, d, world)) for d in demands]
    found = [w for w in found if w.want != "any"]
    return found if found and (held(matcher, None) or stranger_bound(matcher, world)) else []


def reaches(demand: Demand, pair: Pair) -> bool:
    """A demand names its roles one by one: what holds for the thing unchanged need not hold for what is made of it."""
    return pair.role in demand.on or pair.base_role in demand.on


def _want(matcher: Matcher, demand: Demand, world: World) -> str:
    if not demand.word:
        return demand.want
    holds = world.settle(lambda: matcher.word(demand.word, lambda r: r in demand.readings))
    return demand.want if holds else demand.other


def _could_break(inquiry: Inquiry, law: Law, demand: Demand, offered: tuple[str, ...]) -> bool:
    """Whether this demand, taken alone in any reading, can be broken by the offer (or can exclude another's)."""
    wants = {demand.want, demand.other} if demand.word else {demand.want}
    if not offered or demand.alone:
        return wants != {"any"}
    return any(_breaks(inquiry, Wanted(law, demand, want), offered, ()) for want in wants)


def _breaks(inquiry: Inquiry, w: Wanted, offered: tuple[str, ...], others: Sequence[Wanted]) -> str:
    """The clause at which the offer breaks this demand, or "". """
    if w.want == "keep" and w.law.id not in offered:
        return w.demand.at
    if w.want == "asks" and not any(w.demand.asks in inquiry.law_of(o).restricts for o in offered):
        return w.demand.at
    if w.want == "sole":
        allowed = (*w.demand.sole, *(s for s in w.demand.sole_with if _asked_for(s, w, others)))
        if not any(o in allowed for o in offered):
            return w.demand.at
        if len(offered) > 1:
            return w.demand.alone or w.demand.at
    return ""


def _asked_for(licence: str, w: Wanted, others: Sequence[Wanted]) -> bool:
    """A `sole-with` licence is allowed only when another parent demands it."""
    return any(o.law.id != w.law.id and (
        (o.want == "keep" and o.law.id == licence) or (o.want == "sole" and licence in o.demand.sole)) for o in others)


def broken_by(inquiry: Inquiry, wanted: Sequence[Wanted], offered: tuple[str, ...]) -> list[tuple[str, str]]:
    """(law id, rule id) of every demand that this offer breaks."""
    broken = []
    for w in wanted:
        at = _breaks(inquiry, w, offered, wanted)
        if at:
            broken.append((w.law.id, _rule_id(w.law, at)))
    return broken + _no_company(wanted, broken)


def _no_company(wanted: Sequence[Wanted], broken: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Where another parent's demand is broken, a licence that bears no further restrictions is cited for that."""
    others = {law for law, _ in broken}
    return [(w.law.id, _rule_id(w.law, w.demand.alone)) for w in wanted
            if w.want == "sole" and w.demand.alone and others - {w.law.id}]


def _rule_id(law: Law, at: str) -> str:
    rule = law.rule_at(at)
    return rule.id if rule else "@" + at


def _no_way_out(inquiry: Inquiry, wanted: Sequence[Wanted]) -> list[tuple[str, str]]:
    """Without `as` the offerer may choose: is there any set that meets every demand? Names all who demand if not."""
    soles = [w for w in wanted if w.want == "sole"]
    if not soles or any(not broken_by(inquiry, wanted, (c,)) for c in candidates(soles)):
        return []
    return [(w.law.id, _rule_id(w.law, at)) for w in wanted for at in _cited(w, len(wanted) > 1)]


def candidates(soles: Sequence[Wanted]) -> list[str]:
    """The licences that every `sole` list names (those of `sole-with` included; the trial decides)."""
    lists = [(*w.demand.sole, *w.demand.sole_with) for w in soles]
    return [c for c in lists[0] if all(c in other for other in lists[1:])]


def _cited(w: Wanted, company: bool) -> tuple[str, ...]:
    return (w.demand.at, w.demand.alone) if company and w.demand.alone else (w.demand.at,)

