"""What a changed licence text does to verdicts: the law without the clause, or with the other number, asked anew.

    difference -> rules that rest on its clause -> the law without them -> effects whose outcome is another
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caveat.flows.effects import Effect, asked, effects_of, in_words
from caveat.law.recognise import Difference, Match
from caveat.law.rule import Law, Rule, Test
from caveat.law.shelf import in_force, shelf

#: For so many differences of one text the verdicts are asked anew.
MOST_ASKED = 12


class Told(NamedTuple):
    """What one difference does: sentences of ours."""

    difference: Difference
    does: tuple[str, ...]


def told(match: Match) -> Iterator[Told]:
    """Each difference with the verdicts that it moves."""
    if not shelf().has(match.law):
        yield from (Told(d, ()) for d in match.differences)
        return
    law = shelf().law(match.law)
    for n, d in enumerate(match.differences):
        yield Told(d, tuple(_does(law, match, d)) if n < MOST_ASKED else ())


def _does(law: Law, match: Match, d: Difference) -> Iterator[str]:
    rules = touched(law, match, d.clause) if d.clause else ()
    if d.kind == "number":
        yield from _moved_limit(law, rules, d)
    elif rules and d.kind in ("missing", "altered"):
        lost = {r.id for r in rules}
        without = law._replace(rules=tuple(r for r in law.rules if r.id not in lost))
        lead = f"without {d.clause}" if d.kind == "missing" else f"if {d.clause} no longer holds"
        moved = list(_moves(law, without, _effects(law, rules)))
        yield from (f"{lead}, {label}: {before} becomes {after}" for label, before, after in moved)
        if not moved:
            yield from (f"{lead}, this is no longer said: {r.gist}" for r in rules if r.gist)


def touched(law: Law, match: Match, clause: str) -> tuple[Rule, ...]:
    """The rules that rest on a clause of the text, and on nothing else of it that is still there."""
    return tuple(r for r in law.rules if _rests(r.at, clause, match.present))


def _rests(at: str, clause: str, present: tuple[str, ...]) -> bool:
    if at == clause or at.startswith(clause + "."):
        return True
    above = clause.startswith(at + ".")
    return above and not any(p == at or p.startswith(at + ".") for p in present)


def _moved_limit(law: Law, rules: tuple[Rule, ...], d: Difference) -> Iterator[str]:
    """A limit that a rule tests: the law with the other number, asked between the two."""
    try:
        old, new = float(d.was), float(d.now)
    except ValueError:
        return
    for rule in rules:
        for test in (t for ands in (*rule.when, *rule.unless) for t in ands if t.op != "in" and t.value == old):
            other = law._replace(rules=tuple(_with_limit(r, old, new) if r.id == rule.id else r for r in law.rules))
            between = int((old + new) / 2)
            asking = Effect(f"run it with {test.key} = {between:,}", f"run {{x}} where {test.key} = {between}", "ms")
            yield f"the limit of {rule.at} ({test.key}) moves from {old:,.0f} to {new:,.0f}"
            moves = _moves(law, other, [asking])
            yield from (f"{label}: {before} becomes {after}" for label, before, after in moves)


def _with_limit(rule: Rule, old: float, new: float) -> Rule:
    def moved(test: Test) -> Test:
        return test._replace(value=new) if test.op != "in" and test.value == old else test

    return rule._replace(when=tuple(tuple(map(moved, ands)) for ands in rule.when),
                         unless=tuple(tuple(map(moved, ands)) for ands in rule.unless))


def _effects(law: Law, rules: Iterable[Rule]) -> tuple[Effect, ...]:
    """What people do with it, and what the rules' own conditions are about."""
    tests = [t for r in rules for ands in r.when for t in ands]
    own = [(t.key, str(t.value[0])) for t in tests if t.op == "in" and t.key in ("purpose", "domicile", "competes")]
    own += [(t.key, str(int(t.value) + 1)) for t in tests if t.op in ("over", "at_least")]
    return (*(Effect(f"run it where {k} = {v}", f"run {{x}} where {k} = {v}", "ms") for k, v in dict.fromkeys(own)),
            *effects_of((law,)))


def _moves(law: Law, other: Law, effects: Iterable[Effect]) -> Iterator[tuple[str, str, str]]:
    """Effects whose outcome is another under the other law: label, before, after."""
    changed = shelf().replaced(other)
    for effect in effects:
        before = in_words(asked(effect, law.id))
        with in_force(changed):
            after = in_words(asked(effect, law.id))
        if before != after:
            yield effect.label, before, after


