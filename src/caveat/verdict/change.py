"""Changes of a plan that may cure it: each a small edit of what is made or of what is asked, said in one line.

Only what touches a refusing finding is proposed: a step through which the refusing licence reached, the offer that is
refused, a name that a duty contradicts, a doubt on which the finding hangs.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from caveat.law.rule import Law
from caveat.law.words import ACTS, FACTS, PURPOSES, VERDICTS
from caveat.lineage.graph import Asset, Edge, Lineage
from caveat.verdict.answer import Doubt, Finding
from caveat.verdict.bind import Reach
from caveat.verdict.decide import Asked, Books, Decision
from caveat.verdict.duty import begins, plain
from caveat.verdict.event import Event, Use
from caveat.verdict.offer import Wanted, candidates, reaches

#: Kinds of change, in the order in which they are told.
KINDS = ("relabel", "rename", "drop", "replace", "give", "state", "settle")
#: act -> acts of which one must remain beside a dropped step, or nothing would be left of the making.
STAYS = {
    "train": ("train", "distil"), "distil": ("train", "distil"), "merge": ("merge",), "mix": ("mix",),
    "filter": ("filter",), "generate": ("generate",), "annotate": ("annotate", "mix", "filter"), "bundle": ("bundle",),
}
LESSONS, BASES = ("train", "distil"), ("finetune", "adapt")
MOST_LABELS = 4
Spot = tuple[int, int]  # (number of the ask, number of the finding)
Step = tuple[str, str]  # (child, parent)


class Plan(NamedTuple):
    """What is made, and everything that is asked about it."""

    lineage: Lineage
    asks: tuple[Asked, ...]


class Change(NamedTuple):
    """One change. `at` is what it changes: two changes of one thing exclude each other."""

    kind: str
    words: str
    at: tuple[str, ...]
    value: tuple[str, ...] = ()
    touches: frozenset[Spot] = frozenset()


class Setting(NamedTuple):
    """How changes are looked for and judged: whose steps may be changed, what may stand in for a generator."""

    books: Books
    parties: frozenset[str]
    you: str  # whose facts may be stated
    substitutes: tuple[tuple[str, Lineage], ...] = ()  # model and all that is known behind it
    spare: bool = False  # True: what was read may be part of the data only, so the last known lesson may go
    verdict: Callable[[Sequence[Decision]], str] = lambda decisions: decisions[0].verdict
    counts: Callable[[Finding], bool] = lambda finding: True


def changes(plan: Plan, decisions: Sequence[Decision], bad: Sequence[Spot], setting: Setting) -> list[Change]:
    """Every candidate, in the order of telling; what is proposed for several findings is one change. Pure."""
    found: dict[Change, frozenset[Spot]] = {}
    for number, decision in enumerate(decisions):
        mine = [s for s in bad if s[0] == number]
        for change in _proposed(plan, number, decision, mine, setting):
            bare = change._replace(touches=frozenset())
            found[bare] = found.get(bare, frozenset()) | change.touches
    return sorted((c._replace(touches=t) for c, t in found.items()), key=lambda c: KINDS.index(c.kind))


def _proposed(plan: Plan, number: int, decision: Decision, bad: Sequence[Spot], setting: Setting) -> Iterator[Change]:
    asked = plan.asks[number]
    for n, use in enumerate(asked.uses):
        event = decision.events[len(decision.events) - len(asked.uses) + n]
        touched = frozenset(s for s in bad if _of_use(decision.findings[s[1]], use))
        yield from _renames(decision.reach, setting.books, (number, n), use, event, touched)
        if touched and use.offered:
            yield from _relabels(decision.reach, setting.books, (number, n), use, touched)
    yield from _gifts(asked, number, frozenset(bad), setting)
    for spot in bad:
        finding = decision.findings[spot[1]]
        yield from _steps(plan.lineage, decision, finding, spot, setting)
        for doubt in finding.doubts:
            yield from _settled(doubt, spot, asked.actor == setting.you, finding.verdict == "depends")


def _of_use(finding: Finding, use: Use) -> bool:
    return not finding.made and (finding.act, finding.asset) == (use.act, use.asset)


# -- offers and names -------------------------------------------------------------------------------------------------
def _relabels(reach: Reach, books: Books, at: tuple[int, int], use: Use, touched: frozenset[Spot]) -> Iterator[Change]:
    old = " + ".join(use.offered)
    for laws in list(_labels(reach, books, use))[:MOST_LABELS]:
        yield Change("relabel", f"declare {' + '.join(laws)} instead of {old}", ("label", *map(str, at)), laws, touched)


def _labels(reach: Reach, books: Books, use: Use) -> Iterable[tuple[str, ...]]:
    """What the whole may be offered under: what demands to stay, alone or all together, or what every `sole` names."""
    wanted = [Wanted(law, d, want) for pair in reach[use.asset] for law in [books.law_of(pair.law)]
              for d in law.outbound if reaches(d, pair) for want in ((d.want, d.other) if d.word else (d.want,))]
    staying = tuple(dict.fromkeys(w.law.id for w in wanted if w.want in ("keep", "asks")))
    soles = [w for w in wanted if w.want == "sole"]
    told = [(v,) for pair in reach[use.asset] for v in _licences_told(books.law_of(pair.law))]
    only = candidates(soles) if soles else []
    found = [*((law,) for law in staying), *([staying] if staying else []), *((c,) for c in only), *told]
    return [laws for laws in dict.fromkeys(found) if set(laws) != set(use.offered)]


def _licences_told(law: Law) -> Iterator[str]:
    for value in (v for r in law.rules for k, v in r.check if k == "licence"):
        yield from (value,) if isinstance(value, str) else value


def _renames(reach: Reach, books: Books, at: tuple[int, int], use: Use, event: Event,
             touched: frozenset[Spot]) -> Iterator[Change]:
    """A name that meets every word asked for that the present one lacks."""
    new = event.named
    rules = [r for law in dict.fromkeys(p.law for p in reach[use.asset]) for r in books.law_of(law).rules]
    for key, value in (check for r in rules for check in r.check):
        if (key == "name-prefix" and not begins(new, value)) or (
                key == "name-contains" and plain(value) not in plain(new)):
            owner, slash, last = new.rpartition("/")
            new = f"{owner}{slash}{value.replace(' ', '-')}-{last}"
    if event.named and new != event.named:
        yield Change("rename", f'name it "{new}"', ("name", *map(str, at)), (new,), touched)


# -- steps ------------------------------------------------------------------------------------------------------------
def _steps(lineage: Lineage, decision: Decision, finding: Finding, spot: Spot, setting: Setting) -> Iterator[Change]:
    """Leave out a parent, or let another model write, wherever the refusing licence came through one's own step."""
    carried = dict.fromkeys(_carried(lineage, decision, finding))
    own = [(child, edge) for child, edge in carried if edge.by in setting.parties]
    steps: dict[str, list[tuple[str, Edge]]] = {}
    for child, edge in own:
        steps.setdefault(edge.parent, []).append((child, edge))
    for parent, its in steps.items():
        if all(_spared(lineage.assets[c], e, setting.spare) for c, e in its):
            yield Change("drop", f"drop {parent}", ("parent", parent), (), frozenset({spot}))
    for parent in dict.fromkeys(e.parent for _, e in own if ACTS[e.act].writes or e.act == "distil"):
        for other, _ in setting.substitutes:
            if other != parent:
                words = f"{_verb(own, parent)} {other} instead of {parent}"
                yield Change("replace", words, ("parent", parent), (other,), frozenset({spot}))


def _carried(lineage: Lineage, decision: Decision, finding: Finding) -> Iterator[tuple[str, Edge]]:
    """Every step through which a cited licence came to the event, the event's own, and those from its bases."""
    laws = {finding.licence, *(r.licence for r in finding.rules)}
    bases = {b for e in decision.events if (e.made, e.subject) == (finding.made, finding.asset) for b in e.bases}
    if finding.made:
        yield from ((finding.made, e) for e in lineage.assets[finding.made].edges
                    if e.parent == finding.asset or e.parent in bases)
    for child in sorted(lineage.above([finding.asset])):
        yield from ((child, e) for e in lineage.assets[child].edges
                    if any(p.law in laws for p in decision.reach[e.parent]))


def _spared(child: Asset, edge: Edge, spare: bool) -> bool:
    """Whether the making is still one without this step."""
    stays = STAYS.get(edge.act, ()) + (BASES if spare and edge.act in LESSONS else ())
    return any(e.act in stays and e.parent != edge.parent for e in child.edges)


def _verb(own: Iterable[tuple[str, Edge]], parent: str) -> str:
    acts = dict.fromkeys(e.act for _, e in own if e.parent == parent)
    columns = dict.fromkeys(f'column "{e.column}"' for _, e in own if e.parent == parent and e.column)
    if "distil" in acts:
        return "distil from"
    return " ".join([next(iter(acts)), *columns, "with"])


# -- facts and readings -----------------------------------------------------------------------------------------------
def _gifts(asked: Asked, number: int, bad: frozenset[Spot], setting: Setting) -> Iterator[Change]:
    """Not for money: only where it was said to be for money."""
    if not bad or asked.actor != setting.you:
        return
    if any(use.act == "sell" for use in asked.uses):
        yield Change("give", "give it away instead of selling it, for no commercial end", ("commercial",), (), bad)
    elif asked.facts.get("commercial") == "yes":
        yield Change("give", "keep to non-commercial ends (commercial = no)", ("commercial",), (), bad)


def _settled(doubt: Doubt, spot: Spot, yours: bool, depends: bool) -> Iterator[Change]:
    """The values on which the finding comes out best. Facts are the asker's to state; no reading replaces terms."""
    best = max(VERDICTS.index(v) for _, v in doubt.outcomes)
    for value in (v for v, after in doubt.outcomes if VERDICTS.index(after) == best):
        if doubt.kind == "word" and depends:
            words = f"settle {doubt.about} = {value} (if counsel agrees)"
            yield Change("settle", words, (doubt.about,), (value,), frozenset({spot}))
        elif doubt.kind == "fact" and yours and _sayable(doubt.about, value):
            words = f"state {doubt.about} = {value} (if it is so)"
            yield Change("state", words, (doubt.about,), (value,), frozenset({spot}))


def _sayable(fact: str, value: str) -> bool:
    known = FACTS[fact]
    return known.type == "number" or value in known.values or (known.type == "set" and value in PURPOSES)


# -- the plan after a change ------------------------------------------------------------------------------------------
def possible(plan: Plan, change: Change, setting: Setting) -> bool:
    """Whether something is left to make: of several lessons or parents one must stay."""
    if change.kind != "drop":
        return True
    return all(_spared(child, edge, setting.spare) for child in plan.lineage.assets.values() for edge in child.edges
               if edge.parent == change.at[1] and edge.by in setting.parties)


def changed(plan: Plan, change: Change, setting: Setting) -> Plan:
    """The plan with this change made. Pure."""
    return EDITS[change.kind](plan, change, setting)


def _relabelled(plan: Plan, change: Change, setting: Setting) -> Plan:
    return _with_use(plan, change, lambda use: use._replace(offered=change.value))


def _renamed(plan: Plan, change: Change, setting: Setting) -> Plan:
    return _with_use(plan, change, lambda use: use._replace(named=change.value[0]))


def _with_use(plan: Plan, change: Change, edit: Callable[[Use], Use]) -> Plan:
    number, n = int(change.at[1]), int(change.at[2])
    asked = plan.asks[number]
    uses = tuple(edit(u) if k == n else u for k, u in enumerate(asked.uses))
    return plan._replace(asks=_replaced(plan.asks, number, asked._replace(uses=uses)))


def _replaced(asks: tuple[Asked, ...], number: int, new: Asked) -> tuple[Asked, ...]:
    return tuple(new if k == number else a for k, a in enumerate(asks))


def _dropped(plan: Plan, change: Change, setting: Setting) -> Plan:
    return _with_edges(plan, setting, change.at[1], lambda edge: None, {})


def _other_writer(plan: Plan, change: Change, setting: Setting) -> Plan:
    other = change.value[0]
    more = next(lineage for name, lineage in setting.substitutes if name == other)

    def edit(edge: Edge) -> Edge:
        return edge._replace(parent=other) if ACTS[edge.act].writes or edge.act == "distil" else edge

    return _with_edges(plan, setting, change.at[1], edit, more.assets)


def _with_edges(plan: Plan, setting: Setting, parent: str, edit: Callable[[Edge], Edge | None],
                more: dict[str, Asset]) -> Plan:
    """Every own step from `parent` edited; what was only made for a step that is gone is not made any more."""
    assets = {**more, **plan.lineage.assets}
    for child in plan.lineage.assets.values():
        if any(e.parent == parent and e.by in setting.parties for e in child.edges):
            edges = (edit(e) if e.parent == parent and e.by in setting.parties else e for e in child.edges)
            assets[child.id] = child._replace(edges=tuple(e for e in edges if e))
    kept = Lineage(assets).above(_wanted(plan))
    return plan._replace(lineage=Lineage({id: a for id, a in assets.items() if id in kept}, plan.lineage.problems))


def _wanted(plan: Plan) -> set[str]:
    """What nothing else is made from, and what is used."""
    parents = {e.parent for a in plan.lineage.assets.values() for e in a.edges}
    used = {id for asked in plan.asks for use in asked.uses for id in (use.asset, use.of) if id}
    return {*(id for id in plan.lineage.assets if id not in parents), *used}


def _given(plan: Plan, change: Change, setting: Setting) -> Plan:
    return plan._replace(asks=tuple(_for_free(a) if a.actor == setting.you else a for a in plan.asks))


def _for_free(asked: Asked) -> Asked:
    uses = tuple(u._replace(act="ship") if u.act == "sell" else u for u in asked.uses)
    return asked._replace(uses=uses, facts={**asked.facts, "commercial": "no"})


def _stated(plan: Plan, change: Change, setting: Setting) -> Plan:
    more = {change.at[0]: change.value[0]}
    return plan._replace(asks=tuple(a._replace(facts={**a.facts, **more}) if a.actor == setting.you else a
                                    for a in plan.asks))


def _read_so(plan: Plan, change: Change, setting: Setting) -> Plan:
    more = {change.at[0]: change.value[0]}
    return plan._replace(asks=tuple(a._replace(readings={**a.readings, **more}) for a in plan.asks))


EDITS: dict[str, Callable[[Plan, Change, Setting], Plan]] = {
    "relabel": _relabelled, "rename": _renamed, "drop": _dropped, "replace": _other_writer, "give": _given,
    "state": _stated, "settle": _read_so,
}
