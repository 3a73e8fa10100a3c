"""What a licence says, as values: rules, conditions, role cells and demands, exactly as the engine reads them.

A law file (TOML) becomes these through `parse.py`; the compiled shelf stores them as plain lists, so that building
them costs nothing but tuples.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Test(NamedTuple):
    """One test of a condition: `key` is a fact, a disputed word, `made-from` or `rule`."""

    key: str
    op: str  # in | over | at_most | under | at_least
    value: Any  # tuple of strings for `in`, a number otherwise


Condition = tuple[tuple[Test, ...], ...]  # or of ands; empty = no condition


class Cell(NamedTuple):
    """Where an act leads from a role: `then` if the word is read so, else `other`; word "" = always `then`."""

    then: str
    word: str = ""
    readings: tuple[str, ...] = ()
    other: str = ""
    same_party: bool = False


class Rule(NamedTuple):
    """One sentence of one clause, in our words."""

    id: str
    at: str
    says: str
    do: tuple[str, ...]
    on: tuple[str, ...]
    to: tuple[str, ...] = ()
    when: Condition = ()
    unless: Condition = ()
    gist: str = ""
    check: tuple[tuple[str, Any], ...] = ()
    standing: bool = False
    contained: bool = True
    whose: str = "any"
    duty_of: str = ""
    ends: str = ""
    since: str = ""  # ISO dates; "" = open
    until: str = ""


class Demand(NamedTuple):
    """What a licence asks of the set of licences that the whole is offered under, in some roles."""

    on: tuple[str, ...]
    want: str  # any | keep | asks | sole
    at: str
    asks: str = ""
    sole: tuple[str, ...] = ()
    sole_with: tuple[str, ...] = ()
    alone: str = ""
    word: str = ""  # the demand holds in these readings of the word, else `other`
    readings: tuple[str, ...] = ()
    other: str = "any"


class Reading(NamedTuple):
    """One reading of a disputed word: what it covers, who holds it."""

    id: str
    means: str
    held_by: str = ""
    acts: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = ()  # (act, role)
    targets: tuple[str, ...] = ()
    grants: tuple[str, ...] = ()


class Word(NamedTuple):
    """A disputed word of licence language, with its readings."""

    word: str
    ask: str
    used_as: str  # acts | targets | condition
    readings: tuple[Reading, ...]
    presumed: str = ""

    def ids(self) -> tuple[str, ...]:
        return tuple(r.id for r in self.readings)

    def reading(self, id: str) -> Reading:
        return next(r for r in self.readings if r.id == id)


class Case(NamedTuple):
    """A question with its answer, inside the law file that it tests."""

    ask: str
    answer: str
    by: tuple[str, ...] = ()
    duties: tuple[str, ...] = ()
    not_owed: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    only_duties: bool = False
    no_doubts: bool = False
    why: str = ""
    standing: tuple[str, ...] = ()


class Law(NamedTuple):
    """One licence or set of terms."""

    id: str
    name: str
    spdx: str
    publisher: str
    since: str
    source: str
    checked: str
    against: str
    sha256: str
    weak: str
    root: str
    binds: str
    family: tuple[str, ...]
    rolling: bool
    tdm: bool
    restricts: tuple[str, ...]
    includes: tuple[str, ...]
    needs_grant: tuple[str, ...]
    roles: Mapping[str, Mapping[str, Cell]]  # only where it differs from the default table
    rules: tuple[Rule, ...]
    outbound: tuple[Demand, ...]
    own: str = ""  # the folder of own law it comes from, and own words it is read with; "" = ships with this version

    def rule(self, id: str) -> Rule:
        return next(r for r in self.rules if r.id == id)

    def rule_at(self, at: str) -> Rule | None:
        return next((r for r in self.rules if r.at == at), None)


def words_in(law: Law) -> set[str]:
    """Every word its rules, cells and demands use: the disputed ones among facts, acts and targets."""
    used = {t.key for r in law.rules for ands in (*r.when, *r.unless) for t in ands}
    used |= {w for r in law.rules for w in (*r.do, *r.to)}
    used |= {c.word for row in law.roles.values() for c in row.values()}
    return used | {d.word for d in law.outbound}
