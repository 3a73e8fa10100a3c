"""How much of the law do the cases inside the law files hold in place? Break one clause at a time and ask them again.

Every law file is broken in every way below, one element at a time, and only where the file itself says the element
(what it has from a sibling is the sibling's). A mutant is caught if a case of that file, or of a file that is `like`
it, gives another answer, or if the broken file is refused when it is read. Of what survives it is asked whether any
of some hundreds of questions (law_questions.py) tells it from the whole law: if one does, the cases have a hole; if
none does, the change is idle, counted apart, and told with --idle.

    python benchmarks/law_mutations.py              all: a table by kind, and the survivors
    python benchmarks/law_mutations.py llama-2      the files named
    python benchmarks/law_mutations.py --sample 60  that many drawn mutants (--seed), as the test does every day
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from law_questions import Question, first_to_notice, meeting, moving, questions, questions_on

from caveat.errors import LawError
from caveat.flows.cases import case_faults
from caveat.law.compile import Sources
from caveat.law.rule import Case, Cell, Condition, Demand, Law, Rule, Test
from caveat.law.shelf import in_force, shelf, shipped
from caveat.law.words import CONTAINED_IN, GROUPS

GOAL = 0.95
ACT, ROLE = "drop an act of `do`", "drop a role of `on`"


class Mutant(NamedTuple):
    """A law with one thing wrong in it: of which kind, and where."""

    kind: str
    where: str
    law: Law


class Result(NamedTuple):
    """What became of a mutant: the first case that noticed, else the first question that would have, else neither."""

    mutant: Mutant
    caught: str
    hole: str = ""

    @property
    def idle(self) -> bool:
        """Nothing that can be asked tells it from the law as it is."""
        return not self.caught and not self.hole


class Files:
    """The law files with their cases, and who is `like` whom."""

    def __init__(self) -> None:
        self.sources = Sources()
        self.ids = sorted(self.sources.sources)
        self.laws = {id: self.sources.law(id) for id in self.ids}
        self.cases = {id: self.sources.cases(id) for id in self.ids}
        self._asked_of, self._questions = "", list[Question]()
        self.like = {id: self.sources.sources[id].data.get("like", "") for id in self.ids}

    def siblings(self, id: str) -> list[str]:
        """Files that start from this one, straight or through another, nearest first."""
        near = [x for x in self.ids if self.like[x] == id]
        return [*near, *(y for x in near for y in self.siblings(x))]

    def broken(self, law: Law) -> list[Law]:
        """The broken law, and its siblings as they come out of it."""
        fresh = Sources.__new__(Sources)
        fresh.folder, fresh.words, fresh.sources = self.sources.folder, self.sources.words, self.sources.sources
        hit = set(self.siblings(law.id))
        fresh._laws = {**{k: v for k, v in self.laws.items() if k not in hit}, law.id: law}
        return [law, *(fresh.law(id) for id in self.siblings(law.id))]

    def telling(self, mutant: Mutant) -> list[Question]:
        """The questions that could notice a mutant."""
        law, kind = self.laws[mutant.law.id], mutant.kind
        name, _, detail = mutant.where.partition(": ")
        with in_force(shipped()):
            asked = self.questions(law)
            if kind.endswith("a cell"):
                return moving(asked, mutant.where)
            rule = next((r for r in law.rules if r.id == name), None)
            if rule is None or rule.standing:
                return asked
            value = detail.partition(" = ")[2] if kind == "drop a value of a condition" else ""
            asked = [*questions_on(law, rule, value), *asked]
            return meeting(asked, rule, GROUPS.get(detail, {detail}) if kind == ACT else (),
                           {detail} if kind == ROLE else ())

    def questions(self, law: Law) -> list[Question]:
        if self._asked_of != law.id:
            self._asked_of, self._questions = law.id, questions(law)
        return self._questions

    def asked(self, id: str) -> Iterator[tuple[str, Case]]:
        """Every case to ask about a mutant of this file."""
        yield from ((id, c) for c in self.cases[id])
        yield from ((x, c) for x in self.siblings(id) for c in self.cases[x])


# --- the ways to break a law ---------------------------------------------------------------------------------------

#: says -> what it is turned into.
TURNED = {"may": "must not", "must not": "may", "must": "may", "ends": "may", "unknown": "may"}


def rule_mutants(law: Law, own: Iterable[str]) -> Iterator[Mutant]:
    """Every way to break one rule that the file itself writes."""
    for id in own:
        rule = law.rule(id)
        yield Mutant("drop a rule", id, with_rule(law, rule, None))
        ways = (change_marks,) if rule.standing else RULE_WAYS  # shown whole, whatever is done: only that it is shown
        for kind, detail, broken in (x for way in ways for x in way(rule)):
            if broken != rule:
                yield Mutant(kind, f"{id}: {detail}", with_rule(law, rule, broken))


def with_rule(law: Law, old: Rule, new: Rule | None) -> Law:
    rules = (new if r is old else r for r in law.rules)
    return law._replace(rules=tuple(r for r in rules if r is not None))


Broken = Iterator[tuple[str, str, Rule]]


def turn(r: Rule) -> Broken:
    new = r._replace(says=TURNED[r.says], ends="")
    yield "turn what it says", f"{r.says} -> {new.says}", new


def lose_conditions(r: Rule) -> Broken:
    if r.unless:
        yield "lose an unless", "unless", r._replace(unless=())
    if r.when:
        yield "lose a when", "when", r._replace(when=())


def flip_conditions(r: Rule) -> Broken:
    if r.when or (r.unless and not _only_unless(r)):
        yield "flip when and unless", "flip", r._replace(when=r.unless, unless=r.when)


def _only_unless(r: Rule) -> bool:
    return any(t.key in ("made-from", "rule") for ands in r.unless for t in ands)


def move_numbers(r: Rule) -> Broken:
    for part in ("when", "unless"):
        for n, ands in enumerate(getattr(r, part)):
            for k, t in enumerate(ands):
                if t.op != "in":
                    for number in (t.value // 100, t.value // 2, t.value * 2):
                        moved = with_test(r, part, n, k, t._replace(value=number))
                        yield "move a number", f"{t.key} {t.value} -> {number}", moved


def drop_values(r: Rule) -> Broken:
    for part in ("when", "unless"):
        for n, ands in enumerate(getattr(r, part)):
            for k, t in enumerate(ands):
                if t.op == "in" and len(t.value) > 1:
                    for v in t.value:
                        fewer = t._replace(value=tuple(x for x in t.value if x != v))
                        yield "drop a value of a condition", f"{t.key} = {v}", with_test(r, part, n, k, fewer)


def with_test(r: Rule, part: str, n: int, k: int, test: Test) -> Rule:
    ors = list(getattr(r, part))
    ors[n] = (*ors[n][:k], test, *ors[n][k + 1:])
    return with_part(r, part, tuple(ors))


def with_part(r: Rule, part: str, condition: Condition) -> Rule:
    return r._replace(when=condition) if part == "when" else r._replace(unless=condition)


def drop_alternatives(r: Rule) -> Broken:
    for part in ("when", "unless"):
        ors = getattr(r, part)
        for n in range(len(ors)) if len(ors) > 1 else ():
            yield "drop an alternative", f"{part} {n}", with_part(r, part, (*ors[:n], *ors[n + 1:]))
        for n, ands in enumerate(ors):
            for k in range(len(ands)) if len(ands) > 1 else ():
                less = (*ors[:n], (*ands[:k], *ands[k + 1:]), *ors[n + 1:])
                yield "drop a test", f"{part} {ands[k].key}", with_part(r, part, less)


def drop_roles(r: Rule) -> Broken:
    for role in r.on if len(r.on) > 1 else ():
        held = any(role in CONTAINED_IN.get(o, ()) for o in r.on) and r.contained
        if not held:
            yield ROLE, role, r._replace(on=tuple(o for o in r.on if o != role))


def drop_targets(r: Rule) -> Broken:
    for target in r.to:
        yield "drop a kind of `to`", target, r._replace(to=tuple(t for t in r.to if t != target))


def change_marks(r: Rule) -> Broken:
    if r.whose == "own":
        yield "change a mark", "whose = any", r._replace(whose="any")
    if r.duty_of:
        yield "change a mark", "duty-of nobody", r._replace(duty_of="")
    if r.standing:
        yield "change a mark", "not standing", r._replace(standing=False)
    if not r.contained:
        yield "change a mark", "contained", r._replace(contained=True)
    if r.says == "ends":
        yield "change a mark", "ends", r._replace(ends="patents" if r.ends == "everything" else "everything")


RULE_WAYS: tuple[Callable[[Rule], Broken], ...] = (
    turn, lose_conditions, flip_conditions, move_numbers, drop_values, drop_alternatives, drop_roles, drop_targets,
    change_marks,
)


def act_mutants(law: Law, written: Iterable[Mapping[str, Any]]) -> Iterator[Mutant]:
    """A rule without one of the acts or groups that its `do` names, where it names several."""
    for row in written:
        do = row["do"]
        for item in do if isinstance(do, list) and len(do) > 1 else ():
            rule = law.rule(str(row["id"]))
            if rule.standing:
                continue
            kept = {a for x in do if x != item for a in GROUPS.get(x, {x})}
            fewer = rule._replace(do=tuple(a for a in rule.do if a in kept))
            if fewer != rule:
                yield Mutant(ACT, f"{rule.id}: {item}", with_rule(law, rule, fewer))


def cell_mutants(law: Law, own: Iterable[str], below: Law | None) -> Iterator[Mutant]:
    """A role table without one of the file's cells, or with its two ends exchanged."""
    for name in own:
        role, _, act = name.partition(" ")
        cell = law.roles[role][act]
        row = {a: c for a, c in law.roles[role].items() if a != act}
        inherited = below.roles.get(role, {}).get(act) if below else None
        yield Mutant("drop a cell", name, _with_row(law, role, {**row, act: inherited} if inherited else row))
        if cell.word:
            other = Cell(cell.other, cell.word, cell.readings, cell.then, cell.same_party)
            yield Mutant("turn a cell", name, _with_row(law, role, {**row, act: other}))


def _with_row(law: Law, role: str, row: Mapping[str, Cell]) -> Law:
    return law._replace(roles={**law.roles, role: row})


def demand_mutants(law: Law) -> Iterator[Mutant]:
    """Each demand dropped, weakened, strengthened, or with one licence fewer."""
    for n, d in enumerate(law.outbound):
        yield Mutant("drop a demand", d.at, _with_demand(law, n, None))
        for detail, changed in _changed(d):
            yield Mutant("change a demand", f"{d.at}: {detail}", _with_demand(law, n, changed))


def _with_demand(law: Law, n: int, new: Demand | None) -> Law:
    kept = [*law.outbound[:n], *([new] if new else []), *law.outbound[n + 1:]]
    return law._replace(outbound=tuple(kept))


def _changed(d: Demand) -> Iterator[tuple[str, Demand]]:
    if d.want != "keep":
        yield f"{d.want} -> keep", d._replace(want="keep", asks="", sole=(), sole_with=())
    if d.word:
        yield "whatever the word", d._replace(word="", readings=(), other="any")
        yield "the other way", d._replace(want=d.other, other=d.want)
    for role in d.on if len(d.on) > 1 else ():
        yield f"not on {role}", d._replace(on=tuple(o for o in d.on if o != role))
    for law in d.sole if len(d.sole) > 1 else ():
        yield f"sole without {law}", d._replace(sole=tuple(s for s in d.sole if s != law))


def head_mutants(law: Law, written: Mapping[str, object]) -> Iterator[Mutant]:
    """What stands at the head of the file: how it binds, what it restricts, what it needs."""
    if "binds" in written:
        other = "right" if law.binds == "contract" else "contract"
        yield Mutant("change the head", f"binds {law.binds} -> {other}", law._replace(binds=other))
    for word in law.restricts if "restricts" in written else ():
        yield Mutant("change the head", f"restricts no {word}",
                     law._replace(restricts=tuple(w for w in law.restricts if w != word)))
    if law.tdm and "tdm" in written:
        yield Mutant("change the head", "tdm", law._replace(tdm=False))
    for role in law.needs_grant if "needs-grant" in written else ():
        yield Mutant("change the head", f"no grant needed for {role}",
                     law._replace(needs_grant=tuple(r for r in law.needs_grant if r != role)))


def undropped(law: Law, dropped: Iterable[str], below: Law | None) -> Iterator[Mutant]:
    """A sibling's rule that the file drops, back again."""
    for id in dropped if below else ():
        assert below
        yield Mutant("keep a dropped rule", id, law._replace(rules=(*law.rules, below.rule(id))))


def mutants_of(files: Files, id: str) -> Iterator[Mutant]:
    """Every mutant of one file that differs from it."""
    law, data = files.laws[id], files.sources.sources[id].data
    below = files.laws.get(files.like[id])
    own = [r["id"] for r in data.get("rule", [])]
    made = [
        *rule_mutants(law, own), *act_mutants(law, data.get("rule", [])),
        *cell_mutants(law, data.get("roles", {}), below),
        *(demand_mutants(law) if "outbound" in data else ()),
        *head_mutants(law, data), *undropped(law, data.get("drop", []), below),
    ]
    return (m for m in made if m.law != law)


# --- asking ----------------------------------------------------------------------------------------------------------

def fate(files: Files, mutant: Mutant) -> Result:
    """The mutant and the first case that notices it."""
    try:
        laws = files.broken(mutant.law)
    except LawError as fault:  # a sibling drops what is gone: it is refused when it is read
        return Result(mutant, f"refused: {fault}")
    if unnamed(mutant.law):
        return Result(mutant, "refused: an exception names a rule that is gone")
    with in_force(shipped().replaced(*laws)):
        for id, case in files.asked(mutant.law.id):
            if case_faults(id, case):
                return Result(mutant, f"{id}: {case.ask}")
        return Result(mutant, "", first_to_notice(mutant.law.id, shelf(), files.telling(mutant)))


def unnamed(law: Law) -> bool:
    """Whether an exception names a rule that is gone: such a file is refused when it is read."""
    known = {r.id for r in law.rules}
    return any(t.key == "rule" and not known.issuperset(t.value) for r in law.rules for ands in r.unless for t in ands)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", help="law files (default: all)")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--idle", action="store_true", help="list what no question tells from the law as it is")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    files, began = Files(), time.perf_counter()
    mutants = [m for id in options.ids or files.ids for m in mutants_of(files, id)]
    if options.sample:
        mutants = random.Random(options.seed).sample(mutants, min(options.sample, len(mutants)))
    results = [fate(files, m) for m in mutants]
    tell(results, time.perf_counter() - began, options.idle)
    return 0 if share(results) >= GOAL else 1


def share(results: Iterable[Result]) -> float:
    """Caught, of those that anything can tell from the law as it is."""
    told = [bool(r.caught) for r in results if not r.idle]
    return sum(told) / max(len(told), 1)


def tell(results: list[Result], seconds: float, idle: bool) -> None:
    kinds = Counter(r.mutant.kind for r in results)
    print(f"{'':<30}{'caught':>8} / {'tellable':<10}{'':>5}{'idle':>8}")
    for kind, _ in kinds.most_common():
        _line(kind, [r for r in results if r.mutant.kind == kind])
    _line("all", results)
    print(f"{len(results)} mutants in {seconds:.0f} s")
    for r in results:
        if r.hole:
            print(f"hole  {r.mutant.law.id}: {r.mutant.kind}: {r.mutant.where}   ask: {r.hole}")
        elif r.idle and idle:
            print(f"idle  {r.mutant.law.id}: {r.mutant.kind}: {r.mutant.where}")


def _line(kind: str, results: list[Result]) -> None:
    caught, idle = sum(bool(r.caught) for r in results), sum(r.idle for r in results)
    print(f"{kind:<30}{caught:>8} / {len(results) - idle:<10}{share(results):>5.0%}{idle:>8}")


if __name__ == "__main__":
    sys.exit(main())
