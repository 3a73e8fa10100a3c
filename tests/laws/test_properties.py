"""What must stay true of every verdict, whatever the law says: over random law, with the engine alone.

Some properties hold for part of all law only; each says for which, and passes over the other draws.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from spec import verdict_spec as spec

from caveat.law.rule import Cell, Law, Rule
from caveat.law.words import ACTS
from caveat.lineage.claims import Place
from caveat.lineage.graph import Asset, Edge, Licensed, Lineage, target_of
from caveat.verdict.answer import Finding
from caveat.verdict.bind import cell_at
from caveat.verdict.decide import Decision
from caveat.verdict.fold import always_owed, doubts_that_matter

from .drawn import DRAWS, YOU, decided, every, said
from .reduced import shown
from .test_spec import sometimes_owed

SOME = DRAWS // 4
FINE = ("conditional", "permitted")
LATER = ("bound", "derivative")  # presumed for later holders, unless said: to say them is more than to settle them


def at_most_as_strict(a: Decision, b: Decision) -> bool:
    """Whether `a` can come from `b` by lowering what single worlds come to."""
    return (a.verdict != "prohibited" or b.verdict == "prohibited") and (b.verdict not in FINE or a.verdict in FINE)


def same(a: Decision, b: Decision) -> bool:
    return (a.verdict, owed(a)) == (b.verdict, owed(b)) and set(doubts_that_matter(a.folded)) == set(
        doubts_that_matter(b.folded))


def owed(d: Decision) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Duties owed always and sometimes; none are listed where no world of the whole is sure to grant."""
    if d.verdict not in ("depends", *FINE):
        return set(), set()
    return always_owed(d.folded), sometimes_owed(d)


# -- doubts ---------------------------------------------------------------------------------------------------------
@every(SOME, 24)
def test_settling_a_doubt_stays_within_what_was_told(q: spec.Question) -> None:
    d = decided(q)
    for finding in d.findings:
        for doubt in finding.doubts:
            for value, outcome in doubt.outcomes:
                if settling_is_all(q, d, doubt.about):
                    after = same_finding(finding, decided(said(q, doubt.about, value)))
                    assert after is None or after.verdict == outcome, f"{doubt.about} = {value}\n{shown(q)}"


@every(SOME, 24)
def test_a_doubt_not_told_flips_nothing(q: spec.Question) -> None:
    d = decided(q)
    told = doubts_that_matter(d.folded)
    for doubt, values in spec.open_doubts(q).items():
        if doubt not in told and settling_is_all(q, d, doubt):
            for value in values:
                after = decided(said(q, doubt, value))
                assert (after.verdict, owed(after)) == (d.verdict, owed(d)), f"{doubt} = {value}\n{shown(q)}"


@every(SOME // 2, 16)
def test_a_doubt_told_flips_something(q: spec.Question) -> None:
    d, doubts = decided(q), spec.open_doubts(q)
    if d.verdict not in ("depends", *FINE) or not all(settling_is_all(q, d, doubt) for doubt in doubts):
        return
    ends = {picked: ending(q, dict(zip(doubts, picked))) for picked in product(*doubts.values())}
    for n, doubt in enumerate(doubts):
        beside: dict[tuple[str, ...], set[str]] = {}
        for picked, end in ends.items():
            beside.setdefault((*picked[:n], *picked[n + 1:]), set()).add(end)
        assert (doubt in doubts_that_matter(d.folded)) == any(len(e) > 1 for e in beside.values()), shown(q)


def ending(q: spec.Question, world: dict[str, str]) -> str:
    for doubt, value in world.items():
        q = said(q, doubt, value)
    d = decided(q)
    return f"{d.verdict} {sorted(sometimes_owed(d)) if d.verdict == 'conditional' else ''}"


def settling_is_all(q: spec.Question, d: Decision, doubt: str) -> bool:
    """Whether saying it does no more than settling it: a said purpose bites in bans, `bound` returns later."""
    later = any(p.later for pairs in d.reach.values() for p in pairs) and q.presume and not q.tell_later
    return doubt != "purpose" and doubt != "accepted" and not (doubt in LATER and later)


def same_finding(finding: Finding, d: Decision) -> Finding | None:
    """The finding about the same act and licence, if it is the only one."""
    key = (finding.act, finding.asset, finding.made, finding.licence)
    found = [f for f in d.findings if (f.act, f.asset, f.made, f.licence) == key]
    return found[0] if len(found) == 1 and finding.about != "offered" else None


# -- lineage --------------------------------------------------------------------------------------------------------
@every(SOME)
def test_found_is_never_stricter_than_own(q: spec.Question) -> None:
    if asks_about(q, "accepted", "modified") or any(c.same_party for c in cells(q)):
        return
    for asset in q.lineage.assets.values():
        if asset.maker == YOU and any(ACTS[e.act].writes for e in asset.edges):
            edges = tuple(e._replace(by="other") for e in asset.edges)
            found = decided(changed(q, asset._replace(maker="other", own=True, edges=edges)))
            assert at_most_as_strict(found, decided(q)), f"{asset.id}\n{shown(q)}"


@every(SOME)
def test_one_more_source_never_loosens(q: spec.Question) -> None:
    if asks_about(q, "accepted", "made-from") or any(d.sole_with for law in q.laws.values() for d in law.outbound):
        return
    law = next(iter(q.laws))
    for asset in q.lineage.assets.values():
        act = {"model": "merge", "dataset": "mix", "product": "bundle"}.get(asset.kind)
        if asset.edges and act:
            more = Asset("extra", asset.kind, maker="other", licensed=(Licensed((law,), False, "", Place("declared")),))
            edges = (*asset.edges, Edge(act, "extra", asset.edges[0].by, ""))
            assets = {"extra": more, **q.lineage.assets, asset.id: asset._replace(edges=edges)}
            stricter = decided(q._replace(lineage=Lineage(assets)))
            assert at_most_as_strict(decided(q), stricter), f"{asset.id}\n{shown(q)}"


@every(SOME)
def test_twins_and_copies_change_nothing(q: spec.Question) -> None:
    d = decided(q)
    for asset in q.lineage.assets.values():
        twins = asset._replace(edges=(*asset.edges, *asset.edges))
        assert same(decided(changed(q, twins)), d), f"{asset.id}\n{shown(q)}"
    maker = any(r.duty_of for law in q.laws.values() for r in law.rules)  # a copy by another hand ends these
    if not maker and not any("copy" in row for law in q.laws.values() for row in law.roles.values()):
        for less in with_copies(q):
            assert same(decided(less), d), f"{list(less.lineage.assets)}\n{shown(q)}"


def with_copies(q: spec.Question) -> Iterator[spec.Question]:
    """The question with somebody's copy between one asset and its first parent."""
    for id, asset in q.lineage.assets.items():
        if asset.edges:
            first, *rest = asset.edges
            parent = q.lineage.assets[first.parent]
            copy = parent._replace(id="copy", edges=(Edge("copy", parent.id, "other", ""),), licensed=(), contents="",
                                   maker="", own=True)
            after = asset._replace(edges=(first._replace(parent="copy"), *rest))
            assets: dict[str, Asset] = {}
            for other in q.lineage.assets.values():
                if other.id == id:
                    assets["copy"] = copy
                assets[other.id] = after if other.id == id else other
            yield q._replace(lineage=Lineage(assets))


@every(SOME)
def test_renaming_and_reordering_change_nothing(q: spec.Question) -> None:
    new = {id: f"z{n}" for n, id in enumerate(reversed(list(q.lineage.assets)))}
    assets = {}
    for id, asset in q.lineage.assets.items():
        edges = [e._replace(parent=new[e.parent]) for e in asset.edges]
        targets = {target_of(q.lineage.assets[e.parent]) for e in asset.edges if ACTS[e.act].in_family}
        order = reversed(edges) if len(targets) < 2 else edges  # what is made is what its first base is
        assets[new[id]] = asset._replace(id=new[id], edges=tuple(order))
    laws = {id: law._replace(rules=law.rules[::-1], outbound=law.outbound[::-1])
            for id, law in reversed(list(q.laws.items()))}
    uses = tuple(u._replace(asset=new[u.asset], offered=u.offered[::-1]) for u in q.uses[::-1])
    other = q._replace(lineage=Lineage(assets), laws=laws, uses=uses)
    assert same(decided(other), decided(q)), shown(q)


# -- law ------------------------------------------------------------------------------------------------------------
@every(SOME)
def test_dropping_a_rule_works_one_way(q: spec.Question) -> None:
    d = decided(q)
    for law in q.laws.values():
        for rule in law.rules:
            after = decided(q._replace(laws={**q.laws, law.id: law._replace(rules=without(law, rule))}))
            if rule.says in ("must not", "ends"):
                assert at_most_as_strict(after, d), f"ban {law.id} {rule.id}\n{shown(q)}"
            if rule.says == "may":
                assert at_most_as_strict(d, after), f"grant {law.id} {rule.id}\n{shown(q)}"
            if rule.says == "must" and not rule.check:
                assert owed(after)[1] == owed(d)[1] - {(law.id, rule.id)}, f"duty {law.id} {rule.id}\n{shown(q)}"


def without(law: Law, rule: Rule) -> tuple[Rule, ...]:
    """The rules, with this one doing nothing (others may name it)."""
    return tuple(r._replace(do=()) if r == rule else r for r in law.rules)


def changed(q: spec.Question, asset: Asset) -> spec.Question:
    return q._replace(lineage=Lineage({**q.lineage.assets, asset.id: asset}))


def asks_about(q: spec.Question, *keys: str) -> bool:
    rules = [r for law in q.laws.values() for r in law.rules]
    return any(t.key in keys for r in rules for ands in (*r.when, *r.unless) for t in ands)


def cells(q: spec.Question) -> Iterator[Cell]:
    return (c for law in q.laws.values() for row in law.roles.values() for c in row.values())


# -- proofs ---------------------------------------------------------------------------------------------------------
@every(SOME)
def test_a_proof_replays(q: spec.Question) -> None:
    d = decided(q)
    for finding in d.findings:
        if finding.path:
            replay(q, finding)
            assert finding.path[-1].asset == finding.asset
        kept = alone(q, finding)
        after = same_finding(finding, decided(kept)) if kept else None
        assert after is None or after.verdict == finding.verdict, f"{finding.id} {after}\n{shown(q)}"


def replay(q: spec.Question, finding: Finding) -> None:
    """Every step of the path is an edge of the lineage and a cell of the table."""
    law, origin = q.laws[finding.licence], finding.path[0]
    at = q.lineage.assets[origin.asset]
    assert origin.role == law.root and (law.id in spec.origins(q, at))
    for before, step in zip(finding.path, finding.path[1:]):
        child = q.lineage.assets[step.asset]
        assert any((e.act, e.parent, e.by) == (step.act, before.asset, step.by) for e in child.edges)
        pair = spec.Held(law.id, before.role)
        role = spec.seen(pair.role, step.act, child.target)
        cell = cell_at(law, role, step.act)
        assert cell and step.role in (cell.then, cell.other)


def alone(q: spec.Question, finding: Finding) -> spec.Question | None:
    """The question with nothing left of the finding's law but the rules that it cites, duties and what is not said."""
    law = q.laws.get(finding.licence)
    if law is None or finding.verdict == "unknown" or finding.about == "offered":
        return None
    cited = {r.rule for r in finding.rules}
    rules = tuple(r if r.id in cited or r.says in ("must", "unknown") else r._replace(do=()) for r in law.rules)
    return q._replace(laws={**q.laws, law.id: law._replace(rules=rules)})
