"""One inquiry: everything a judgement may look at, handed in as arguments (no clock, files, network or globals)."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from caveat.law.rule import Law, Rule, Test, Word
from caveat.law.words import ACTS, COUNTRY_GROUPS, FACTS, PURPOSES
from caveat.lineage.graph import Lineage
from caveat.verdict.event import Event

ELSEWHERE, OTHER = "elsewhere", "other"


class Inquiry(NamedTuple):
    """Law, lineage, events and what was said; `noted` collects presumptions as they are used."""

    lineage: Lineage
    events: tuple[Event, ...]
    law_of: Callable[[str], Law]
    word_of: Callable[[str], Word]
    words: frozenset[str]  # names of all disputed words
    actor: str
    today: str  # ISO date
    facts: Mapping[str, str]
    readings: Mapping[str, str]
    presume: bool  # False: --presume nothing
    tell_later: bool  # doubts of later holders are told instead of presumed away
    on_disk: frozenset[str]  # assets whose files were looked at: their duties can be checked
    accepted: frozenset[str]  # laws whose materials the actor holds, runs or calls
    families: Mapping[str, frozenset[str]]
    domains: dict[str, tuple[str, ...]]
    noted: dict[str, str]
    channel: str  # where the result goes, as far as the uses tell

    def date_of(self, event: Event) -> str:
        return event.when or self.facts.get("date", "") or self.today

    def tells(self, event: Event) -> bool:
        """Whether doubts of later holders are told of this event. Who lets a finished model write is as far from its
        making as who asks about it: there the same is presumed, and listed, as in the answer to a question."""
        return self.tell_later and not ACTS[event.act].writes


def domains_of(inquiry: Inquiry, laws: Iterable[Law]) -> dict[str, tuple[str, ...]]:
    """The values each doubt may take, given the laws at hand: readings of words, intervals between thresholds."""
    tests = [t for law in laws for r in law.rules for ands in (*r.when, *r.unless) for t in ands]
    found: dict[str, tuple[str, ...]] = {w: inquiry.word_of(w).ids() for w in inquiry.words}
    for name, fact in FACTS.items():
        mine = [t for t in tests if t.key == name]
        found[name] = _domain(name, fact.type, fact.values, mine)
    return found


def _domain(name: str, type: str, values: tuple[str, ...], tests: list[Test]) -> tuple[str, ...]:
    if type == "number":
        return _intervals(tests)
    said = tuple(dict.fromkeys(v for t in tests for v in t.value)) if tests else ()
    if name == "domicile":
        return (*said, ELSEWHERE)
    if type in ("set", "date") or not values:
        return (*said, OTHER)
    return values


def _intervals(tests: list[Test]) -> tuple[str, ...]:
    """One value per interval between thresholds: a step to either side of each that a test can tell apart."""
    points = {0.0}
    for t in tests:
        low = t.op in ("under", "at_least")
        points |= {t.value - 1, t.value} if low else {t.value, t.value + 1}
    return tuple(f"{p:g}" if p != int(p) else str(int(p)) for p in sorted(points))


def holds(test: Test, value: str) -> bool:
    """Whether one value of a fact meets one test."""
    if test.op == "in":
        return any(_meets(test.key, wanted, value) for wanted in test.value)
    number = float(value)
    compare = {"over": number > test.value, "at_most": number <= test.value,
               "under": number < test.value, "at_least": number >= test.value}
    return bool(compare[test.op])


def _meets(key: str, wanted: str, value: str) -> bool:
    if key == "domicile" and wanted in COUNTRY_GROUPS:
        return value == wanted or value in COUNTRY_GROUPS[wanted] or (wanted == "EEA" and value == "EU")
    return wanted == value


def purposes(value: str) -> tuple[str, ...]:
    """The words of a purpose fact, everyday words mapped ("research+personal")."""
    return tuple(_PURPOSE_OF.get(p.strip(), p.strip()) for p in value.replace("+", ",").split(",") if p.strip())


_PURPOSE_OF = {everyday: word for word, row in PURPOSES.items() for everyday in row}


def in_force(rule: Rule, day: str) -> bool:
    return (not rule.since or rule.since <= day) and (not rule.until or day <= rule.until)
