"""What a verdict means, literally: every full world, every pair of worlds, every set of licences, nothing clever.

The engine, and the answer-set program beside this file, are held to these pages over randomly drawn law and lineages.
Nothing here is shared with the engine but the values of law and lineage; where the two differ, `calculus.md` decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations, product
from typing import NamedTuple

from caveat.law.rule import Cell, Condition, Demand, Law, Rule, Test, Word
from caveat.law.table import DEFAULT_CELLS
from caveat.law.words import ACTS, CONTAINED_IN, COUNTRY_GROUPS, FACTS, MARKERS, ROLES
from caveat.lineage.graph import Asset, Edge, Lineage, target_of

GRANTED, UNKNOWN, REFUSED = 0, 1, 2
BESPOKE = "bespoke"  # a licence that the offerer writes, and which restricts whatever is asked
CHANNELS = ((("ship", "sell"), "distributed"), (("bundle",), "product"), (("serve",), "hosted"))
World = Mapping[str, str]  # a value for every open word and fact


class Meant(NamedTuple):
    """An intended use."""

    act: str
    asset: str
    offered: tuple[str, ...] = ()
    named: str = ""


class Question(NamedTuple):
    """Everything that is given."""

    lineage: Lineage
    laws: Mapping[str, Law]
    words: Mapping[str, Word]
    actor: str
    uses: tuple[Meant, ...]
    facts: Mapping[str, str]
    readings: Mapping[str, str]
    presume: bool
    today: str
    tell_later: bool = False

    @property
    def said(self) -> dict[str, str]:
        """Selling makes everything commercial; taking the safeguards off is a purpose; the uses tell the channel."""
        sells = {"commercial": "yes"} if any(u.act == "sell" for u in self.uses) else {}
        aim = ",".join(filter(None, (self.facts.get("purpose"), "remove-safeguards")))
        way = next((way for acts, way in CHANNELS if any(u.act in acts for u in self.uses)), "")
        return {**({"channel": way} if way else {}), **self.facts, **sells,
                **({"purpose": aim} if self.facts.get("guardrails") == "removed" else {})}


class Step(NamedTuple):
    """An act of the actor's: what it is done to, what it makes, the bases, and the kind and target that `to` means."""

    act: str
    subject: Asset
    made: str
    kind: str
    target: str
    bases: tuple[str, ...]
    when: str
    makers: bool
    use: Meant | None

    @property
    def acts(self) -> set[str]:
        return {"sell", "ship"} if self.act == "sell" else {self.act}


class Held(NamedTuple):
    """A licence in a role; whether a stranger's output or training lies on its way; who trained it, who attached it."""

    law: str
    role: str
    stranger: bool = False
    later: bool = False
    learner: str = ""
    owner: str = ""


class Answer(NamedTuple):
    """The verdict, the doubts on which it or a duty hangs, the duties owed in every, and in some, granting world."""

    verdict: str
    doubts: frozenset[str]
    always: frozenset[tuple[str, str]]
    sometimes: frozenset[tuple[str, str]]
    granting: int


# -- worlds ---------------------------------------------------------------------------------------------------------
def open_doubts(q: Question) -> dict[str, tuple[str, ...]]:
    """Every word and fact that is neither said nor presumed, with all its values."""
    found = {n: w.ids() for n, w in q.words.items() if n not in q.readings and not (w.presumed and q.presume)}
    tests = [t for law in q.laws.values() for r in law.rules for ands in (*r.when, *r.unless) for t in ands]
    for name in {t.key for t in tests} & set(FACTS) - set(q.said):
        if name == "purpose" or FACTS[name].presumed is None or not q.presume:
            found[name] = values(name, [t for t in tests if t.key == name])
    return found


def values(name: str, tests: list[Test]) -> tuple[str, ...]:
    if FACTS[name].type == "number":
        return tuple(str(n) for n in sorted({0, *(t.value + d for t in tests for d in (-1, 0, 1))}))
    return FACTS[name].values or (*dict.fromkeys(v for t in tests for v in t.value), "elsewhere")


def worlds(q: Question) -> list[dict[str, str]]:
    doubts = open_doubts(q)
    return [dict(zip(doubts, picked)) for picked in product(*doubts.values())]


def reading(q: Question, w: World, word: str) -> str:
    return q.readings.get(word) or (q.presume and q.words[word].presumed) or w[word]


# -- roles ----------------------------------------------------------------------------------------------------------
def held(q: Question, id: str, w: World) -> set[Held]:
    """What reaches an asset. After a stranger's training `derivative` is presumed not to be adapted."""
    if q.tell_later or not q.presume or "derivative" in q.readings:
        return reach(q, id, w)
    now, presumed = reach(q, id, w), reach(q, id, {**w, "derivative": "not-adapted"})
    return {h for h in now if not h.later} | {h for h in presumed if h.later}


def reach(q: Question, id: str, w: World) -> set[Held]:
    asset = q.lineage.assets[id]
    found = {Held(law, q.laws[law].root, owner=asset.maker) for law in origins(q, asset)}
    for edge in asset.edges:
        for h in reach(q, edge.parent, w):
            anew = asset.maker not in ("", q.actor) and asset.maker == h.owner and h.law in asset.laws()
            role = "" if anew else leads(q, h, edge, asset.target, w)  # an owner's own variant is his material anew
            if role:
                act, other = ACTS[edge.act], edge.by != q.actor
                learned = base(role) == "trained" != base(h.role)
                found.add(Held(h.law, role, h.stranger or (act.writes and other), h.later or (act.teaches and other),
                               edge.by if learned else h.learner, h.owner))
    return found


def origins(q: Question, asset: Asset) -> tuple[str, ...]:
    silent = not asset.own and not asset.licensed and (
        not asset.edges or any(ACTS[e.act].adds for e in asset.edges))
    own = bool(asset.maker) and asset.maker == q.actor
    laws = () if own else asset.laws() or (("unknown",) if silent else ())
    return (*laws, *((asset.contents,) if asset.contents else ()))


def base(role: str) -> str:
    return role.partition("/")[0]


def seen(role: str, act: str, target: str) -> str:
    """A model whose work is to mark learns the marks themselves."""
    return "output" if base(role) == "judged" and target in MARKERS and ACTS[act].teaches else role


def cell(law: Law, role: str, act: str) -> Cell:
    rows = [table.get(name, {}) for table in (law.roles, DEFAULT_CELLS) for name in (role, base(role))]
    return next((row[act] for row in rows if act in row), Cell(""))


def leads(q: Question, h: Held, edge: Edge, target: str, w: World) -> str:
    c = cell(q.laws[h.law], seen(h.role, edge.act, target), edge.act)
    if c.word and ((c.same_party and edge.by != h.learner) or reading(q, w, c.word) not in c.readings):
        return c.other
    return c.then


def family(q: Question, id: str) -> set[str]:
    asset = q.lineage.assets[id]
    laws = asset.laws() if asset.kind in ("model", "service", "") else ()
    up = [family(q, e.parent) for e in asset.edges if ACTS[e.act].in_family]
    return {*asset.family, *(f for law in laws for f in q.laws[law].family)}.union(*up)


# -- steps ----------------------------------------------------------------------------------------------------------
def steps(q: Question) -> Iterator[Step]:
    at, mine = q.lineage.assets, makes(q)
    for child in at.values():
        up = [e.parent for e in child.edges if ACTS[e.act].in_family]
        base_of = child if child.target or not up else at[up[0]]
        for e in child.edges:
            if e.by == q.actor:
                merged = tuple(o.parent for o in child.edges if o.act == "merge" and o.parent != e.parent)
                bases = tuple(up) if ACTS[e.act].teaches else merged if e.act == "merge" else ()
                target = target_of(base_of) if child.target else q.facts.get("target") or target_of(base_of)
                yield Step(e.act, at[e.parent], child.id, child.kind or ACTS[e.act].makes, target, bases, e.when,
                           ACTS[e.act].in_making or e.parent in mine, None)
    for u in q.uses:
        a = at[u.asset]
        target = a.target or q.facts.get("target") or target_of(a)
        yield Step(u.act, a, "", a.kind, target, (), "", u.asset in mine, u)


def makes(q: Question) -> set[str]:
    """Models that the actor made or changed, and what the actor made of these."""
    found: set[str] = set()
    for a in q.lineage.assets.values():
        if any(e.by == q.actor and (ACTS[e.act].in_making or e.parent in found) for e in a.edges):
            found.add(a.id)
    return found


def accepted(q: Question, w: World, law: str) -> bool:
    """The actor holds, runs or calls the materials somewhere in the question, or said so."""
    if q.facts.get("accepted"):
        return q.facts["accepted"] == "yes"
    return any(h.law == law and ROLES[base(h.role)] and not h.stranger
               for s in steps(q) for h in reach(q, s.subject.id, w))


# -- rules ----------------------------------------------------------------------------------------------------------
def meets(q: Question, s: Step, h: Held, r: Rule, w: World) -> bool:
    day = s.when or q.facts.get("date") or q.today
    return (
        (r.since or day) <= day <= (r.until or day)
        and acted(q, s, h, r, w)
        and (not r.to or any(aimed(q, s, to, w) for to in r.to))
        and (not r.when or condition(q, s, h, r.when, r.says == "may", w))
        and not (r.unless and condition(q, s, h, r.unless, True, w))
    )


def acted(q: Question, s: Step, h: Held, r: Rule, w: World) -> bool:
    role = seen(h.role, s.act, s.target)
    on = bool({role, base(role)} & set(r.on)) or (
        r.contained and any(base(role) in CONTAINED_IN.get(o, ()) for o in r.on))
    for name in r.do:
        if name not in q.words:
            if on and name in s.acts:
                return True
            continue
        chosen = q.words[name].reading(reading(q, w, name))
        if (on and s.acts & set(chosen.acts)) or any((a, base(role)) in chosen.also for a in s.acts):
            return True
    return False


def aimed(q: Question, s: Step, to: str, w: World) -> bool:
    targets = q.words[to].reading(reading(q, w, to)).targets if to in q.words else (to,)
    small = s.target == "small-language-model" and to == "language-model"
    return (to in ("any", s.kind)) or (s.kind == "model" and (small or s.target in targets or "any" in targets))


def condition(q: Question, s: Step, h: Held, c: Condition, limiting: bool, w: World) -> bool:
    return any(all(tested(q, s, h, t, limiting, w) for t in ands) for ands in c)


def tested(q: Question, s: Step, h: Held, t: Test, limiting: bool, w: World) -> bool:
    law = q.laws[h.law]
    if t.key == "made-from":
        return made_from(q, s, h, t.value[0], w)
    if t.key == "rule":
        return meets(q, s, h, law.rule(t.value[0]), w)
    if t.key in q.words:
        return reading(q, w, t.key) in t.value
    if t.key == "purpose":
        return purpose(q, t, limiting, w)
    value = known(q, s, h, t.key, w) or (q.presume and FACTS[t.key].presumed) or w[t.key]
    if t.op == "in":
        return any(x == value or value in COUNTRY_GROUPS.get(x, ()) or (x, value) == ("EEA", "EU") for x in t.value)
    n = float(value)
    return bool({"over": n > t.value, "at_most": n <= t.value, "under": n < t.value, "at_least": n >= t.value}[t.op])


def purpose(q: Question, t: Test, limiting: bool, w: World) -> bool:
    """A ban bites if any value is in it, a limited grant holds only if all are; only bans are presumed away."""
    if "purpose" in q.said:
        return (all if limiting else any)(p in t.value for p in q.said["purpose"].split(","))
    return ("ordinary" if q.presume and not limiting else w["purpose"]) in t.value


def known(q: Question, s: Step, h: Held, name: str, w: World) -> str:
    """What is said, or follows from the lineage."""
    if name == "modified":
        return "yes" if base(h.role) == "derivative" else "no"
    if name == "target":
        return s.target if s.kind == "model" else q.said.get(name, "")
    said = q.said.get(name, "")
    if name in ("sued", "permission") and said and said not in ("yes", "no", "patent", "copyright"):
        return "yes" if said in (h.law, *q.laws[h.law].family) else "no"
    return said or ("yes" if name == "accepted" and accepted(q, w, h.law) else "")


def made_from(q: Question, s: Step, h: Held, wanted: str, w: World) -> bool:
    if s.bases and all(wanted in family(q, b) for b in s.bases):
        return True
    c = cell(q.laws[h.law], seen(h.role, s.act, s.target), s.act)
    to = c.other if c.word and reading(q, w, c.word) not in c.readings else c.then
    return base(to) == "derivative" and reading(q, w, "same-family") == "any-part"


# -- one licence, one step, one world -------------------------------------------------------------------------------
def part(q: Question, s: Step, h: Held, w: World) -> tuple[int, set[tuple[str, str]]]:
    law = q.laws[h.law]
    met = [r for r in law.rules if meets(q, s, h, r, w)]
    bars = [r for r in met if r.says == "must not" or (r.says == "ends" and r.ends != "patents")]
    lacks = needs_grant(q, s, h, law, w) and not any(r.says == "may" for r in met)
    if any(binds(q, h, r.whose, w) for r in bars) or (lacks and binds(q, h, "any", w)):
        return (GRANTED if excepted(q, s, h, w) else REFUSED), set()
    if any(r.says == "unknown" for r in met):
        return UNKNOWN, set()
    owed = [r for r in met if r.says == "must" and not r.standing and (r.duty_of != "maker" or s.makers)]
    return GRANTED, {(law.id, r.id) for r in owed if binds(q, h, r.whose, w)}


def needs_grant(q: Question, s: Step, h: Held, law: Law, w: World) -> bool:
    """By its role; but not where the law says that nobody knows (lifted or not)."""
    role = base(seen(h.role, s.act, s.target))
    unsaid = any(r.says == "unknown" and meets(q, s, h, r._replace(unless=()), w) for r in law.rules)
    return (ROLES[role] or role in law.needs_grant) and not unsaid


def binds(q: Question, h: Held, whose: str, w: World) -> bool:
    """Contract terms on what a stranger wrote: only if accepted (and meant), or if terms follow the text."""
    if not h.stranger or q.laws[h.law].binds != "contract" or (whose != "own" and accepted(q, w, h.law)):
        return True
    if h.later and "bound" not in q.readings and q.presume and not q.tell_later:
        return False
    return reading(q, w, "bound") == "follows"


def excepted(q: Question, s: Step, h: Held, w: World) -> bool:
    """A reading that itself grants the act on data sets, where a licence on right limits use."""
    role = seen(h.role, s.act, s.target)
    return q.laws[h.law].tdm and s.subject.kind == "dataset" and ROLES[base(role)] and any(
        s.acts & set(word.reading(reading(q, w, name)).grants) for name, word in q.words.items())


# -- what is handed over --------------------------------------------------------------------------------------------
def may_go_out(q: Question, s: Step, there: set[Held], w: World) -> bool:
    """Under the set that was said, or under any set of up to four licences."""
    wants = [(q.laws[h.law], d, d.want if not d.word or reading(q, w, d.word) in d.readings else d.other)
             for h in there for d in q.laws[h.law].outbound
             if {h.role, base(h.role)} & set(d.on) and binds(q, h, "any", w)]
    named = {x for _, d, _ in wants for x in (*d.sole, *d.sole_with)}
    pool = sorted({*(law.id for law, _, _ in wants), *named, BESPOKE})
    tries = [s.use.offered] if s.use and s.use.offered else [c for n in (1, 2, 3, 4) for c in combinations(pool, n)]
    return any(all(satisfied(q, wants, *want, offered) for want in wants) for offered in tries)


def satisfied(q: Question, wants: list[tuple[Law, Demand, str]], law: Law, d: Demand, want: str,
              offered: tuple[str, ...]) -> bool:
    if want == "keep":
        return law.id in offered
    if want == "asks":
        return any(o == BESPOKE or d.asks in q.laws[o].restricts for o in offered)
    if want == "sole":
        asked = [x for other, e, kind in wants if other.id != law.id
                 for x in ((other.id,) if kind == "keep" else e.sole if kind == "sole" else ())]
        return len(offered) == 1 and (offered[0] in d.sole or (offered[0] in d.sole_with and offered[0] in asked))
    return True


def names_clash(q: Question, owed: set[tuple[str, str]]) -> bool:
    first = [(law, str(v).lower()) for law, id in owed for k, v in q.laws[law].rule(id).check if k == "name-prefix"]
    return any(a != b and not (x.startswith(y) or y.startswith(x)) for a, x in first for b, y in first)


# -- fold -----------------------------------------------------------------------------------------------------------
def whole(q: Question, w: World) -> tuple[int, frozenset[tuple[str, str]]]:
    """The worst of all parts of one world, and what is owed in it."""
    state, duties = GRANTED, set()
    for s in steps(q):
        there = held(q, s.subject.id, w)
        parts = [part(q, s, h, w) for h in there]
        owed = {d for _, ds in parts for d in ds}
        state = max([state, *(x for x, _ in parts)])
        if s.use and ACTS[s.act].hands_over and (not may_go_out(q, s, there, w) or names_clash(q, owed)):
            state = REFUSED
        duties |= owed
    return state, frozenset(duties if state == GRANTED else ())


def answer(q: Question) -> Answer:
    all_worlds = worlds(q)
    outcomes = [whole(q, w) for w in all_worlds]
    states = {state for state, _ in outcomes}
    granted = [duties for state, duties in outcomes if state == GRANTED]
    sometimes = frozenset[tuple[str, str]]().union(*granted)
    verdict = ("prohibited" if states == {REFUSED} else "unknown" if UNKNOWN in states else
               "depends" if REFUSED in states else "conditional" if sometimes else "permitted")
    always = frozenset.intersection(*granted) if granted else frozenset[tuple[str, str]]()
    return Answer(verdict, frozenset(matter(all_worlds, outcomes)), always, sometimes, len(granted))


def matter(all_worlds: list[dict[str, str]], outcomes: list[tuple[int, frozenset[tuple[str, str]]]]) -> Iterator[str]:
    """Doubts in which alone two worlds differ, that differ in outcome or in what is owed."""
    for doubt in all_worlds[0] if all_worlds else ():
        beside: dict[tuple[str, ...], set[tuple[int, frozenset[tuple[str, str]]]]] = {}
        for w, outcome in zip(all_worlds, outcomes):
            beside.setdefault(tuple(v for d, v in w.items() if d != doubt), set()).add(outcome)
        if any(len(different) > 1 for different in beside.values()):
            yield doubt
