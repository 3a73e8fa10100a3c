"""The core of the law as an answer-set program (`spec/verdict.lp`) finds what the engine finds, on small draws.

The core is roles, guards, bans, grants, duties and disputed words; facts, offers and strangers are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from spec import verdict_spec as spec

from caveat.law.rule import Condition, Law, Rule
from caveat.law.words import ACTS, CONTAINED_IN, MARKERS, ROLES

from .drawn import DRAWS, WORDS, decided, every
from .reduced import least, shown
from .test_spec import sometimes_owed

PROGRAM = Path(spec.__file__).with_name("verdict.lp").read_text("utf-8")
ALL_ROLES = (*ROLES, "trained/pupil")


def test_engine_agrees_with_the_answer_set_program() -> None:
    pytest.importorskip("clingo", reason="clingo is not installed (pip install clingo); make check-deep installs it")

    @every(DRAWS // 10)
    def over(q: spec.Question) -> None:
        if disagreement(core(q)):
            small = least(core(q), disagreement)
            raise AssertionError(f"{disagreement(small)}\n{shown(small)}")

    over()


def disagreement(q: spec.Question) -> str:
    d, (verdict, owed) = decided(q), answer(q)
    if d.verdict != verdict:
        return f"verdict {d.verdict}, by answer sets {verdict}"
    if verdict in ("depends", "conditional", "permitted") and sometimes_owed(d) != owed:
        return f"owed {sometimes_owed(d)}, by answer sets {owed}"
    return ""


def core(q: spec.Question) -> spec.Question:
    """The draw without what the program does not speak of."""
    laws = {id: law._replace(binds="right", tdm=False, outbound=(), rules=tuple(map(plain, law.rules)))
            for id, law in q.laws.items()}
    presumed = {w.word: w.presumed for w in q.words.values() if w.presumed and q.presume}
    assets = {id: a._replace(maker="") for id, a in q.lineage.assets.items()}
    return q._replace(laws=laws, facts={}, tell_later=True, readings={**presumed, **q.readings},
                      lineage=q.lineage._replace(assets=assets))


def plain(rule: Rule) -> Rule:
    return rule._replace(to=(), when=words_only(rule.when), unless=words_only(rule.unless), since="", until="",
                         duty_of="", whose="any", check=(), standing=False)


def words_only(condition: Condition) -> Condition:
    kept = tuple(tuple(t for t in ands if t.op == "in" and t.key in WORDS) for ands in condition)
    return tuple(ands for ands in kept if ands)


def answer(q: spec.Question) -> tuple[str, set[tuple[str, str]]]:
    """The fold, by cautious and brave consequences."""
    facts = PROGRAM + "\n".join(f"{fact(*parts)}." for parts in described(q))
    always, ever = consequences(facts, "cautious"), consequences(facts, "brave")
    owed = {(a.arguments[0].string, a.arguments[1].string.partition(" ")[2]) for a in ever if a.name == "owes"}
    names, sure = {a.name for a in ever}, {a.name for a in always}
    verdict = ("prohibited" if "refused" in sure else "unknown" if "unknown" in names else
               "depends" if "refused" in names else "conditional" if owed else "permitted")
    return verdict, owed


def consequences(program: str, mode: str) -> list[Any]:
    import clingo

    control = clingo.Control([f"--enum-mode={mode}", "--models=0", "-Wnone"])
    control.add("base", [], program)
    control.ground([("base", [])])
    found: list[Any] = []
    with control.solve(yield_=True) as models:
        for model in models:
            found = list(model.symbols(shown=True))
    return found


def fact(name: str, *values: object) -> str:
    quoted = ",".join(str(v) if isinstance(v, int) else f'"{v}"' for v in values)
    return f"{name}({quoted})" if values else name


def described(q: spec.Question) -> Iterator[tuple[Any, ...]]:
    for word in q.words.values():
        yield "word", word.word
        for r in word.readings:
            yield "reading", word.word, r.id
            yield from (("covers", word.word, r.id, act) for act in r.acts)
            yield from (("also", word.word, r.id, act, role) for act, role in r.also)
    yield from (("settled", w, r) for w, r in q.readings.items())
    for role in ALL_ROLES:
        yield "base", role, spec.base(role)
    yield from (("inside", role, inner) for role, inners in CONTAINED_IN.items() for inner in inners)
    for asset in q.lineage.assets.values():
        yield from (("origin", asset.id, law, q.laws[law].root) for law in spec.origins(q, asset))
        yield from (("step", asset.id, e.act, e.parent, e.by) for e in asset.edges)
        yield from [("marker", asset.id)] * (asset.target in MARKERS)
    for n, step in enumerate(spec.steps(q)):
        yield "event", n, step.subject.id
        yield from (("by", n, act) for act in step.acts)
        yield from [("marks", n)] * (step.target in MARKERS)
    for law in q.laws.values():
        yield from described_law(law)


def described_law(law: Law) -> Iterator[tuple[Any, ...]]:
    for role in ALL_ROLES:
        needs = ROLES[spec.base(role)] or spec.base(role) in law.needs_grant
        yield from [("needs", law.id, spec.base(role))] * needs
        for act in ACTS:
            cell, name = spec.cell(law, role, act), f"{law.id} {role} {act}"
            yield from (("cell", law.id, role, act, name), ("then", name, cell.then), ("other", name, cell.other))
            yield from [("free", name)] * (not cell.word) + [("same", name)] * cell.same_party
            yield from (("cond", name, cell.word, r) for r in cell.readings)
    for rule in law.rules:
        yield from described_rule(f"{law.id} {rule.id}", law, rule)


def described_rule(id: str, law: Law, rule: Rule) -> Iterator[tuple[Any, ...]]:
    says = "nothing" if rule.ends == "patents" else rule.says
    yield from (("rule", law.id, id), ("says", id, says))
    yield from [("whole", id)] * rule.contained
    yield from (("on", id, role) for role in rule.on)
    yield from (("does" if name in ACTS else "doesword", id, name) for name in rule.do)
    for kind, condition in (("when", rule.when), ("unless", rule.unless)):
        for n, ands in enumerate(condition):
            yield "alt", id, kind, n
            for k, test in enumerate(ands):
                yield "test", id, kind, n, k, test.key
                yield from (("allowed", id, kind, n, k, value) for value in test.value)
