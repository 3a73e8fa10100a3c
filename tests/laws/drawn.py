"""Random law and random lineages, small enough that every world can be visited, and strange enough to meet every rule.

A draw is a `Question` of the literal spec; `decided` puts the same question to the engine. At most `MOST` full worlds
stay open: the rest of what is in doubt is settled, by draw as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from math import prod
from random import Random
from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from spec import verdict_spec as spec

from caveat.law.rule import Cell, Condition, Demand, Law, Reading, Rule, Test, Word
from caveat.law.words import ACTS, ROLES
from caveat.lineage.claims import Place
from caveat.lineage.graph import Asset, Edge, Licensed, Lineage
from caveat.verdict.decide import Asked, Books, Decision, decide
from caveat.verdict.event import Use

T = TypeVar("T")
DRAWS = int(os.environ.get("CAVEAT_DRAWS", "500"))
MOST = 48 if DRAWS <= 500 else 200
YOU, TODAY = "you", "2026-01-01"

# -- words ----------------------------------------------------------------------------------------------------------
def _word(name: str, used_as: str, *readings: Reading, presumed: str = "") -> Word:
    return Word(name, f"{name}?", used_as, readings, presumed)


def _plain(name: str, *ids: str, presumed: str = "") -> Word:
    return _word(name, "condition", *(Reading(i, i) for i in ids), presumed=presumed)


WORDS: dict[str, Word] = {w.word: w for w in (
    _plain("bound", "agreed", "follows"),
    _plain("same-family", "any-part", "both"),
    _plain("derivative", "adapted", "not-adapted"),
    _plain("output-of-output", "laundering", "clean"),
    _plain("adapter", "derivative", "own-work", presumed="derivative"),
    _plain("alike", "any", "most", "none"),
    _plain("protected", "is", "is-not", presumed="is"),
    _word("better", "acts", Reading("narrow", "", acts=("train", "merge")),
          Reading("wide", "", acts=("train", "distil", "finetune", "merge"), also=(("train", "judged"),)),
          Reading("none", "")),
    _word("hand", "acts", Reading("copies", "", acts=("ship", "sell", "bundle")),
          Reading("access", "", acts=("ship", "sell", "bundle", "serve"))),
    _word("big", "targets", Reading("all", "", targets=("any",)), Reading("text", "", targets=("language-model",))),
    _word("mining", "condition", Reading("excepted", "", grants=("copy", "filter", "mix", "train")),
          Reading("reserved", "")),
)}
CONDITIONS = ("alike", "protected", "mining", "bound", "derivative")
CELL_WORDS = ("alike", "derivative", "protected")
LAWS = ("l0", "l1", "l2")
ALL = tuple(ACTS)

LEADS_TO = ("", "materials", "derivative", "output", "judged", "trained", "trained/pupil", "bundled", "service")
TEACHING = ("train", "distil", "finetune", "merge")
DO = ((ALL, 5), (("better",), 2), (("train", "distil"), 2), (TEACHING, 2), (("ship", "sell", "bundle"), 2),
      (("hand",), 2), (("generate", "annotate"), 1), (("run", "evaluate", "serve"), 1), (("better", "hand", "copy"), 1))
ON = ((tuple(ROLES), 5), (("materials", "derivative", "output"), 3), (("materials",), 2), (("output", "judged"), 1),
      (("trained", "trained/pupil"), 1), (("derivative", "trained"), 1), (("bundled", "service"), 1))


class Chance(Random):
    """A random source with the few draws that are made here, and what this draw is mostly about."""

    about = ""

    def pick(self, *values: T) -> T:
        return values[self.randrange(len(values))]

    def weighted(self, table: Sequence[tuple[T, int]]) -> T:
        return self.choices([v for v, _ in table], [n for _, n in table])[0]

    def some(self, values: Sequence[T], most: int, least: int = 0) -> tuple[T, ...]:
        return tuple(self.sample(values, min(self.randint(least, most), len(values))))

    def one_in(self, n: int) -> bool:
        return self.randrange(n) == 0


# -- law ------------------------------------------------------------------------------------------------------------
TEST_VALUES: dict[str, tuple[str, ...]] = {
    "commercial": ("yes", "no"), "competes": ("yes", "no"), "modified": ("yes", "no"), "accepted": ("yes", "no"),
    "purpose": ("research", "military"), "domicile": ("EU", "US"), "sued": ("yes", "patent"),
    "channel": ("hosted", "distributed"), "made-from": ("f0", "f1"), "rule": ("grant",),
}
NUMBERS = ("revenue", "monthly_users")


def a_test(c: Chance, limiting: bool, facts: Sequence[str]) -> Test:
    """One test: a word, a fact, or (in `unless`) what the bases are or another rule."""
    kind = c.weighted((("word", 5), ("fact", 6), ("made-from", 4 * limiting), ("rule", int(limiting))))
    several = 2 if c.one_in(6) else 1
    if c.about == "worlds":
        return Test("mining", "in", (c.pick("excepted", "reserved"),))  # opposite readings must meet
    if kind == "word":
        word = c.pick(*CONDITIONS)
        return Test(word, "in", c.some(WORDS[word].ids(), several, several))
    name = c.pick(*facts) if kind == "fact" else kind
    if name in NUMBERS:
        return Test(name, c.pick("over", "at_most", "under", "at_least"), c.pick(10, 20))
    return Test(name, "in", c.some(TEST_VALUES[name], several if kind == "fact" else 1, 1))


def a_condition(c: Chance, limiting: bool, facts: Sequence[str]) -> Condition:
    """None (mostly), one test, or up to two alternatives of up to two tests."""
    if c.randrange(5) < 3:
        return ()
    few = (1, 1, 1, 2)
    return tuple(tuple(a_test(c, limiting, facts) for _ in range(c.pick(*few))) for _ in range(c.pick(*few)))


def a_rule(c: Chance, id: str, facts: Sequence[str]) -> Rule:
    bans = 2 if c.about in ("offers", "names") else 8
    says = c.weighted((("must not", bans), ("must", 12), ("may", 2), ("ends", 1), ("unknown", 1)))
    named = says == "must" and c.one_in(1 if c.about == "names" else 4)
    return Rule(
        id, id, says, c.weighted(DO), c.weighted(ON),
        to=c.pick((), (), (), (), (), ("model",), ("big",), ("language-model",), ("classifier", "dataset")),
        when=a_condition(c, False, facts), unless=a_condition(c, True, facts) if says != "may" else (),
        check=(("name-prefix", c.pick("alpha", "beta")),) if named else (),
        standing=c.one_in(10), contained=not c.one_in(5), whose=c.pick("any", "any", "own"),
        duty_of=c.pick("", "", "maker"), ends=c.pick("everything", "patents") if says == "ends" else "",
        since=c.pick(*[""] * 6, "2025-06-01"), until=c.pick(*[""] * 6, "2025-06-01"),
    )


def a_cell(c: Chance) -> Cell:
    if c.one_in(3):
        return Cell(c.pick(*LEADS_TO))
    word = c.pick(*CELL_WORDS)
    return Cell(c.pick(*LEADS_TO), word, c.some(WORDS[word].ids(), 2, 1), c.pick(*LEADS_TO), c.one_in(6))


def a_demand(c: Chance, id: str, rules: Sequence[str]) -> Demand:
    want, word = c.pick("keep", "keep", "asks", "sole", "sole"), c.pick("", "", "alike")
    sole = want == "sole"
    return Demand(
        c.weighted(ON), want, c.pick(*rules), "commerce" if want == "asks" else "",
        tuple(dict.fromkeys([id, *c.some(LAWS, 2)])) if sole else (), c.some(LAWS, 1) if sole else (),
        c.pick("", rules[-1]) if sole else "", word, c.some(WORDS[word].ids(), 2, 1) if word else (),
        c.pick("any", "keep"),
    )


def a_law(c: Chance, id: str, facts: Sequence[str]) -> Law:
    free = c.about in ("offers", "names") or not c.one_in(3)
    grant = Rule("grant", "grant", "may", ALL, tuple(ROLES), when=() if free else a_condition(c, False, facts))
    if c.one_in(6):
        grant = grant._replace(do=c.weighted(DO), on=c.weighted(ON), unless=a_condition(c, True, facts))
        grant = grant._replace(unless=tuple(ands for ands in grant.unless if all(t.key != "rule" for t in ands)))
    rules = (grant, *(a_rule(c, f"r{n}", facts) for n in range(c.pick(1, 2, 3, 3, 4))))
    rules = (*rules, *focus(c))
    roles: dict[str, dict[str, Cell]] = {}
    for role in ("materials", "derivative", "trained") if c.about == "guards" else ():
        picked = c.some(WORDS["alike"].ids(), 2, 1)
        roles[role] = {"finetune": Cell(c.pick(role, "derivative", "trained"), "alike", picked,
                                        c.pick("derivative", "trained", ""))}
    for _ in range(6 if c.about == "guards" else c.randint(0, 3)):
        act = c.pick(*(a for a in ALL if ACTS[a].makes))
        roles.setdefault(c.pick(*ROLES, "trained/pupil"), {})[act] = a_cell(c)
    demanded = {"offers": 2, "names": 0, "worlds": 0}.get(c.about, c.pick(0, 0, 1, 2))
    binds, ids = c.pick("contract", "contract", "right", "both"), [r.id for r in rules]
    return Law(
        id, id, "", "", "", "", "2026-01-01", "", "", "", root=c.pick("materials", "materials", "materials", "service"),
        binds=binds, family=c.pick((), ("f0",), ("f1",)), rolling=False, tdm=binds != "contract" and c.one_in(2),
        restricts=c.pick((), ("commerce",)), includes=(), needs_grant=c.pick((), (), ("output",)), roles=roles,
        rules=tuple(r for r in rules if not _endless(r)),
        outbound=tuple(a_demand(c, id, ids) for _ in range(demanded)),
    )


def focus(c: Chance) -> list[Rule]:
    """A rule that bites in what the draw is about, or none."""
    wrote, made_from = ("materials", "derivative", "output"), ((Test("made-from", "in", ("f0",)),),)
    opposite = ((Test("mining", "in", (c.pick("excepted", "reserved"),)),),)
    says, every_role = c.pick("must not", "must not", "must"), tuple(ROLES)
    taught = Rule("focus", "focus", says, ("train", "distil", "merge"), wrote, whose=c.pick("any", "any", "own"))
    return {
        "strangers": [taught, Rule("changed", "changed", says, ALL, ("derivative",))],
        "families": [taught._replace(unless=made_from)],
        "names": [Rule("focus", "focus", "must", ("ship", "sell"), every_role,
                       check=(("name-prefix", c.pick("alpha", "beta")),))],
        "worlds": [Rule("focus", "focus", "must not", (c.pick("ship", "run", "merge", "train", "finetune"),),
                        every_role, when=opposite)],
        "guards": [Rule("focus", "focus", says, ALL, (c.pick("materials", "derivative", "trained"),))],
    }.get(c.about, [])


def _endless(rule: Rule) -> bool:
    """A grant that excuses itself."""
    return rule.says == "may" and any(t.key == "rule" and t.value == (rule.id,) for ands in rule.unless for t in ands)


def unknown_law(id: str = "unknown") -> Law:
    """What stands for terms that nobody knows: the step is unknown, its result is not chased."""
    nowhere = {act: Cell("") for act in ("generate", "annotate", "distil", "train")}
    rule = Rule("no-licence", "none", "unknown", ALL, ("materials", "bundled", "service"))
    return Law(id, "unknown", "", "", "", "", "2026-01-01", "", "", "", "materials", "right", (), False, False,
               (), (), (), {"materials": nowhere, "derivative": nowhere}, (rule,), ())


# -- lineages -------------------------------------------------------------------------------------------------------
MAKERS = {kind: tuple(a.name for a in ACTS.values() if a.makes == kind or (
    a.makes == "same" and {kind, "any"} & set(a.works_from))) for kind in ("model", "dataset", "product", "service")}


def an_origin(c: Chance, id: str, laws: Sequence[str]) -> Asset:
    kind = c.pick("model", "model", "dataset", "dataset", "service", "software")
    one = (c.pick(*laws),)
    terms = c.pick(one, one, one, c.some(laws, 2), c.pick((), (), ("unknown",)))
    own, model = not terms and not c.one_in(4), kind == "model"
    return Asset(
        id, kind, c.pick("", "", "classifier", "reward-model") if model else "", c.pick((), (), ("f0",)),
        c.pick(0.0, 5e8, 7e9) if model else 0.0, maker=YOU if own else "other", own=own, licensed=_under(terms),
        contents=c.pick("", "", "", laws[0]) if kind == "dataset" else "", name=c.pick("", "alpha-1"),
    )


def _under(laws: Sequence[str]) -> tuple[Licensed, ...]:
    return (Licensed(tuple(laws), False, "", Place("declared")),) if laws else ()


def a_made(c: Chance, id: str, before: Sequence[Asset], laws: Sequence[str]) -> Asset:
    """An asset made by one party in one or several steps from what is there (diamonds and twins included)."""
    kind = c.pick("model", "model", "model", "dataset", "dataset", "product", "service")
    fitting = [(act, a) for act in MAKERS[kind] for a in before if {a.kind, "any"} & set(ACTS[act].works_from)]
    steps = c.some([(act, a.id) for act, a in fitting if ACTS[act].makes != "same" or a.kind == kind], 3, 1)
    by, when = c.pick(YOU, YOU, YOU, "other", "third"), c.pick("", "", "2025-01-01")
    return Asset(
        id, kind, c.pick("", "", "", "reward-model") if kind == "model" else "", maker=by,
        own=by == YOU or not c.one_in(3),
        licensed=_under(() if by == YOU else c.pick((), (), (c.pick(*laws),))),
        edges=tuple(Edge(act, parent, by, when) for act, parent in steps), name=c.pick("", "beta-2"),
    )


def strangers(c: Chance, law: str) -> list[Asset]:
    """What somebody's model wrote, found and taught; and its owner's own variant, under the same licence."""
    found = Asset("found", "dataset", maker="other", own=True, edges=(Edge("generate", "a0", "other", ""),))
    by = c.pick(YOU, YOU, "third")
    edges = (Edge("train", "found", by, ""), Edge("finetune", "a0", YOU, ""))[: c.pick(1, 1, 2)]
    tuned = (Edge("finetune", "a0", "other", ""),)
    own = Asset("variant", "model", maker="other", licensed=_under((law,)), edges=tuned)
    return [found, Asset("pupil", "model", maker=by, own=True, edges=edges), own]


def families(c: Chance) -> list[Asset]:
    """A base that is of a family, by its weights or only by its data, and a pupil of another model's output."""
    data = Asset("data", "dataset", family=("f0",), maker="other", own=True)
    by = c.pick(YOU, "other")
    edges = c.some((Edge("train", "data", by, ""), Edge("finetune", "a0", by, ""), Edge("merge", "a0", by, "")), 2, 1)
    base = Asset("base", "model", maker=by, own=True, edges=edges)
    wrote = Asset("wrote", "dataset", maker=YOU, own=True, edges=(Edge("generate", "a0", YOU, ""),))
    steps = (Edge("train", "wrote", YOU, ""), Edge("finetune", "base", YOU, ""), Edge("merge", "a0", YOU, ""),
             Edge("merge", "base", YOU, ""))
    return [data, base, wrote, Asset("pupil", "model", maker=YOU, own=True, edges=c.some(steps, 3, 2))]


def a_lineage(c: Chance, laws: Sequence[str]) -> Lineage:
    assets = [an_origin(c, f"a{n}", laws) for n in range(c.randint(1, 3))]
    if c.about in ("strangers", "families"):
        assets[0] = assets[0]._replace(kind="model", licensed=_under((laws[0],)), own=False)
        assets += strangers(c, laws[0]) if c.about == "strangers" else families(c)
    if c.about == "guards":
        assets[0] = assets[0]._replace(kind="model", licensed=_under((laws[0],)), own=False)
        assets += [Asset(f"tuned{n}", "model", maker=YOU, own=True, edges=(Edge("finetune", parent, YOU, ""),))
                   for n, parent in ((1, "a0"), (2, "tuned1"), (3, "tuned2"))]
    if c.about in ("offers", "names", "worlds"):
        assets = [a._replace(kind="model", licensed=_under(c.some(laws, 2, 1)), own=False) for a in assets]
        edges = tuple(Edge("merge", a.id, YOU, "") for a in assets)
        assets.append(Asset("merged", "model", maker=YOU, own=True, edges=edges))
    for n in range(c.pick(1, 1, 2, 2, 3, 3, 4) if c.about not in SHAPED else c.pick(0, 0, 1, 2)):
        assets.append(a_made(c, f"m{n}", assets, laws))
    return Lineage({a.id: a for a in assets})


def a_use(c: Chance, ids: Sequence[str], laws: Sequence[str]) -> spec.Meant:
    act = c.pick("run", "ship", "ship", "ship", "sell", "serve", "evaluate", "retrieve", "name", "copy")
    act = "ship" if c.about in ("offers", "names") else act
    offered = c.some(laws, 2) if c.about == "offers" else c.pick((), (), (), c.some(laws, 2))
    return spec.Meant(act, c.pick(*ids, ids[-1], ids[-1]), offered, c.pick("", "", "alpha-x", "beta-y"))


FACT_VALUES = {
    "commercial": ("yes", "no"), "revenue": ("10", "15"), "purpose": ("research", "military", "research,military"),
    "competes": ("yes", "no"), "domicile": ("EU", "DE", "US"), "sued": ("l0", "yes", "patent"),
    "accepted": ("yes", "no"), "guardrails": ("removed",), "monthly_users": ("10", "30"), "date": ("2025-01-01",),
    "target": ("classifier", "embedding"),
}


SHAPED = ("offers", "names", "worlds", "guards")
ABOUT = ("", "", "offers", "strangers", "families", "guards", "names", "worlds")


def a_question(c: Chance, most: int = MOST) -> spec.Question:
    """Law, a lineage, uses, and so much settled that at most `most` full worlds stay open."""
    c.about = c.pick(*ABOUT)
    ids = LAWS[: c.randint(1, 3)]
    facts = c.some([f for f in (*TEST_VALUES, *NUMBERS) if f not in ("made-from", "rule")], 4, 2)
    laws = {id: a_law(c, id, facts) for id in ids}
    laws |= {id: unknown_law(id) for id in ("unknown", *LAWS) if id not in ids}
    lineage = a_lineage(c, ids)
    uses = tuple(a_use(c, list(lineage.assets), ids) for _ in range(c.pick(0, 1, 1, 1, 1, 2)))
    stated = {name: c.pick(*FACT_VALUES[name]) for name in c.some(sorted(FACT_VALUES), 2)}
    q = spec.Question(lineage, laws, WORDS, YOU, uses, stated, {}, not c.one_in(6), TODAY, c.one_in(6))
    return settled(c, q, most)


def settled(c: Chance, q: spec.Question, most: int) -> spec.Question:
    """Settle doubts, words that nothing mentions first, until few enough worlds are left."""
    named, doubts = mentioned(q), spec.open_doubts(q)
    q = q._replace(readings={d: c.pick(*doubts[d]) for d in doubts if d in WORDS and d not in named})
    while size(q) > most:
        doubts = spec.open_doubts(q)
        doubt = c.pick(*sorted(doubts))
        q = said(q, doubt, c.pick(*doubts[doubt]))
    return q


def said(q: spec.Question, doubt: str, value: str) -> spec.Question:
    """The question with this doubt settled by who asks."""
    if doubt in WORDS:
        return q._replace(readings={**q.readings, doubt: value})
    return q._replace(facts={**q.facts, doubt: value})


def size(q: spec.Question) -> int:
    return prod(len(values) for values in spec.open_doubts(q).values())


def mentioned(q: spec.Question) -> set[str]:
    """Words that the drawn law names, or that the calculus itself asks for."""
    found = {"derivative", "adapter"} | ({"output-of-output"} if len(q.lineage.assets) > 3 else set())
    for law in q.laws.values():
        found |= {c.word for row in law.roles.values() for c in row.values()} | {d.word for d in law.outbound}
        found |= {w for r in law.rules for w in (*r.do, *r.to)}
        found |= {t.key for r in law.rules for ands in (*r.when, *r.unless) for t in ands}
        found |= {"bound"} if law.binds == "contract" else set()
        found |= {"mining"} if law.tdm else set()
    return found | ({"same-family"} if "made-from" in found else set())


def questions(most: int = MOST) -> st.SearchStrategy[spec.Question]:
    """Random questions, one per seed; `smaller` is what reduces a failing one."""
    return st.integers(0, 2**60).map(lambda seed: a_question(Chance(seed), most))


def every(draws: int, most: int = MOST) -> Callable[[Callable[[spec.Question], None]], Callable[[], None]]:
    """A test over this many random questions, the same ones every day."""
    def over(test: Callable[[spec.Question], None]) -> Callable[[], None]:
        quick = settings(max_examples=max(draws, 1), deadline=None, derandomize=DRAWS <= 500, database=None,
                         suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        return quick(given(questions(most))(test))
    return over


# -- the engine -----------------------------------------------------------------------------------------------------
def decided(q: spec.Question) -> Decision:
    """The same question, put to the engine."""
    law = q.laws.__getitem__
    asked = Asked(q.actor, tuple(Use(u.act, u.asset, u.offered, u.named) for u in q.uses), q.facts, q.readings, q.today,
                  q.presume, q.tell_later)
    return decide(q.lineage, Books(law, q.words.__getitem__, frozenset(q.words)), asked)
