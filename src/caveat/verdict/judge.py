"""One event, one licence reaching it in one role: granted, refused or unknown, in one world. Rules are applied here.

The order keeps doubts few: guard, bans, grants, what the law itself grants (only if refused), duties (only if
granted), and last whether a stranger is bound at all (only if there is something to bind).
"""

from typing import NamedTuple

from caveat.law.rule import Rule
from caveat.law.words import ROLES
from caveat.verdict.bind import Pair, guard_allows
from caveat.verdict.event import Event
from caveat.verdict.inquiry import Inquiry
from caveat.verdict.match import Matcher
from caveat.verdict.world import World

GRANTED, UNKNOWN, REFUSED = 0, 1, 2  # worst = highest


class Outcome(NamedTuple):
    """What one item comes to in one world. `rules` are cited; `duties` are owed (granted worlds only)."""

    state: int
    rules: tuple[tuple[str, str], ...] = ()  # (law id, rule id)
    duties: tuple[tuple[str, str], ...] = ()


NOTHING = Outcome(GRANTED)


def judge(inquiry: Inquiry, event: Event, pair: Pair, world: World) -> Outcome:
    """The outcome of one item in one world; raises Need where a doubt must be settled first."""
    if not in_guard(inquiry, event, pair, world):
        return NOTHING
    m = Matcher(inquiry, event, pair, world)
    bans = [r for r in m.law.rules if _bars(r) and world.settle(lambda r=r: m.meets(r))]  # type: ignore[misc]
    excuses = [] if bans else _excuses(m, world)
    grants = _grants(m, world)
    owed = [r for r in m.law.rules if owes(r, event)]
    lacks = not grants and needs_grant(m, world)
    if bans or lacks:
        refused = _refused(m, bans, lacks, world)
        if refused is not None:
            return refused
        owed = [r for r in owed if held(m, r)]  # a stranger whom the terms do not follow
    if unsaid := [r for r in m.law.rules if r.says == "unknown" and world.settle(lambda r=r: m.meets(r))]:  # type: ignore[misc]
        return Outcome(UNKNOWN, _cite(m, unsaid))
    duties = [r for r in owed if world.settle(lambda r=r: m.meets(r))]  # type: ignore[misc]
    if duties and not all(held(m, r) for r in duties) and not stranger_bound(m, world):
        duties = [r for r in duties if held(m, r)]
    return Outcome(GRANTED, _cite(m, [*grants, *excuses]), _cite(m, duties))


def _bars(rule: Rule) -> bool:
    return rule.says == "must not" or (rule.says == "ends" and rule.ends != "patents")


def owes(rule: Rule, event: Event) -> bool:
    """A duty proper: not standing, and the maker's own only where the event is the maker's."""
    return rule.says == "must" and not rule.standing and (rule.duty_of != "maker" or event.makers_own)


def needs_grant(m: Matcher, world: World) -> bool:
    """By its role; but not where the law says that nobody knows (lifted or not)."""
    base = m.role.partition("/")[0]
    if not (ROLES[base] or base in m.law.needs_grant):
        return False
    unsaid = [r._replace(unless=()) for r in m.law.rules if r.says == "unknown"]
    return not any(world.settle(lambda r=r: m.meets(r)) for r in unsaid)  # type: ignore[misc]


def _grants(m: Matcher, world: World) -> list[Rule]:
    return [r for r in m.law.rules if r.says == "may" and world.settle(lambda r=r: m.meets(r))]  # type: ignore[misc]


def _excuses(m: Matcher, world: World) -> list[Rule]:
    """Exceptions with a clause of their own that lift a ban here; they are cited."""
    found = []
    for rule in m.law.rules:
        if _bars(rule) and any(t.key == "rule" for ands in rule.unless for t in ands) and m._acted(rule) is not False:
            found += m.excused_by(rule)
    return found


def _refused(m: Matcher, bans: list[Rule], lacks: bool, world: World) -> Outcome | None:
    """Refused, or granted by the law itself; None if what refuses does not bind the actor."""
    if _law_grants(m, world):
        return NOTHING
    beyond_doubt = any(held(m, r) for r in bans) or (lacks and held(m, None))
    if not beyond_doubt and not stranger_bound(m, world):
        return None
    cited = bans or [r for r in m.law.rules if r.says == "may" and m.short(r)] or _any_grant(m)
    return Outcome(REFUSED, _cite(m, cited))


def _any_grant(m: Matcher) -> list[Rule]:
    grants = [r for r in m.law.rules if r.says == "may"]
    return [r for r in grants if m._on(r)][:1] or grants[:1]


def _law_grants(m: Matcher, world: World) -> bool:
    """A reading that itself grants acts on data sets (tdm), for licences on right that limit use. Only if refused."""
    if not (m.law.tdm and m.event.subject_kind == "dataset" and ROLES[m.role.partition("/")[0]]):
        return False
    for name in m.inquiry.words:
        word = m.inquiry.word_of(name)
        granting = {r.id for r in word.readings if set(m.event.acts) & set(r.grants)}
        if granting and world.settle(lambda: m.word(name, lambda r: r in granting)):  # noqa: B023
            return True
    return False


def held(m: Matcher, rule: Rule | None) -> bool:
    """Whether the rule binds the actor beyond doubt: no stranger, terms on right, or any-output terms he accepted."""
    if not m.pair.stranger or m.law.binds != "contract":
        return True
    whose = rule.whose if rule else "any"
    return whose != "own" and _accepted(m)


def _accepted(m: Matcher) -> bool:
    return m.inquiry.facts.get("accepted") == "yes" or (
        m.pair.law in m.inquiry.accepted and m.inquiry.facts.get("accepted") != "no")


def stranger_bound(m: Matcher, world: World) -> bool:
    """Whether the terms follow the text to a stranger (word `bound`)."""
    inquiry = m.inquiry
    if m.pair.later and "bound" not in inquiry.readings and inquiry.presume and not inquiry.tells(m.event):
        inquiry.noted["bound"] = "agreed"
        return False
    return world.settle(lambda: m.word("bound", lambda r: r == "follows"))


def in_guard(inquiry: Inquiry, event: Event, pair: Pair, world: World) -> bool:
    """Whether the pair exists at all in this world."""
    later = pair.later and inquiry.presume and not inquiry.tells(event)
    for word, allowed in pair.guard:
        if word in inquiry.readings:
            ok = guard_allows(allowed, inquiry.readings[word])
        elif later and word == "derivative":
            inquiry.noted[word] = "not-adapted"
            ok = guard_allows(allowed, "not-adapted")
        elif inquiry.presume and (presumed := inquiry.word_of(word).presumed):
            inquiry.noted[word] = presumed
            ok = guard_allows(allowed, presumed)
        else:
            ok = world.ask(word, lambda v, allowed=allowed: guard_allows(allowed, v))  # type: ignore[misc]
        if not ok:
            return False
    return True


def _cite(m: Matcher, rules: list[Rule]) -> tuple[tuple[str, str], ...]:
    return tuple(dict.fromkeys((m.law.id, r.id) for r in rules))

