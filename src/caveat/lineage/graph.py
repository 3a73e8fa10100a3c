"""Claims become a lineage: assets and the steps that made them, with every claim kept beside what it says.

A lineage is a directed acyclic graph, `child <-act- parent`. A ring in the claims is a data error: the step that
closes it is dropped, named in `problems`, and the rest is judged.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caveat.law.words import ACTS
from caveat.lineage.claims import AssetClaim, Claim, FileClaim, LicenceClaim, Place, Problem, StepClaim

ONE_BILLION = 1e9
#: Steps into one asset. A merge asks of every parent what the others are, which grows as the square.
MOST_STEPS = 2_000


#: The column of a step that took a set's prompts alone: what machines wrote in it stays behind.
PROMPTS = "prompts"


class Edge(NamedTuple):
    """One step `child <-act- parent`."""

    act: str
    parent: str
    by: str  # "" = nobody is named
    when: str  # ISO date or ""
    evidence: tuple[Place, ...] = ()
    column: str = ""


class Licensed(NamedTuple):
    """One statement of terms about an asset: all of `laws` at once, or any one of them (`choice`)."""

    laws: tuple[str, ...]
    choice: bool
    raw: str
    place: Place


class Asset(NamedTuple):
    """A model, dataset, service, software or product, as far as the evidence tells."""

    id: str
    kind: str = ""
    target: str = ""  # finer kind of a model (words.TARGETS)
    family: tuple[str, ...] = ()
    parameters: float = 0.0  # 0 = not known
    multimodal: str = ""  # yes | no | ""
    maker: str = ""
    contents: str = ""  # law id of the texts inside, "web", "mixed" or ""
    own: bool = False  # the asker's own work: no terms of others, by presumption
    name: str = ""  # a name it bears in the eyes of name rules; "" = none known
    licensed: tuple[Licensed, ...] = ()
    edges: tuple[Edge, ...] = ()
    files: tuple[FileClaim, ...] = ()

    def laws(self) -> tuple[str, ...]:
        """Every law that holds at once, choices aside."""
        return tuple(dict.fromkeys(law for said in self.licensed if not said.choice for law in said.laws))


class Lineage(NamedTuple):
    """Assets by id, in an order in which parents come before children."""

    assets: dict[str, Asset]
    problems: tuple[Problem, ...] = ()

    def asset(self, id: str) -> Asset:
        return self.assets[id]

    def above(self, ids: Iterable[str]) -> set[str]:
        """These assets and everything they were made from."""
        todo, seen = list(ids), set()
        while todo:
            id = todo.pop()
            if id not in seen:
                seen.add(id)
                todo += [e.parent for e in self.assets[id].edges]
        return seen


def of(claims: Iterable[Claim]) -> Lineage:
    """The lineage that these claims describe. Pure; never raises: what contradicts is in `problems`."""
    drafts: dict[str, dict[str, list[Claim]]] = {}
    for claim in claims:
        _file(drafts, claim)
    assets = {id: _asset(id, parts) for id, parts in drafts.items()}
    crowded = [id for id, a in assets.items() if len(a.edges) > MOST_STEPS]
    told = tuple(_crowded(assets[id]) for id in crowded)
    lineage = _ordered({**assets, **{id: assets[id]._replace(edges=assets[id].edges[:MOST_STEPS]) for id in crowded}})
    return lineage._replace(problems=(*told, *lineage.problems))


def _crowded(asset: Asset) -> Problem:
    place = asset.edges[0].evidence[0]
    return Problem(place.file, f"{asset.id} is made in {len(asset.edges)} steps", place.line,
                   f"the first {MOST_STEPS} were judged, the verdict is about these alone")


def _file(drafts: dict[str, dict[str, list[Claim]]], claim: Claim) -> None:
    id = claim.child if isinstance(claim, StepClaim) else claim.asset
    drafts.setdefault(id, {}).setdefault(type(claim).__name__, []).append(claim)
    if isinstance(claim, StepClaim):
        drafts.setdefault(claim.parent, {})


def _asset(id: str, parts: dict[str, list[Claim]]) -> Asset:
    facts: dict[str, list[str]] = {}
    for c in parts.get("AssetClaim", ()):
        assert isinstance(c, AssetClaim)
        facts.setdefault(c.field, []).append(c.value)
    first = {field: values[0] for field, values in facts.items()}
    edges = _edges(parts.get("StepClaim", ()), first.get("maker", ""))
    return Asset(
        id=id, kind=first.get("kind", ""), target=first.get("target", ""), family=tuple(facts.get("family", ())),
        parameters=float(first.get("parameters", 0) or 0), multimodal=first.get("multimodal", ""),
        maker=first.get("maker", ""), contents=first.get("contents", ""), own=first.get("own") == "yes",
        name=first.get("name", ""),
        licensed=tuple(_licensed(parts.get("LicenceClaim", ()))), edges=edges,
        files=tuple(c for c in parts.get("FileClaim", ()) if isinstance(c, FileClaim)),
    )


def _licensed(claims: Iterable[Claim]) -> Iterator[Licensed]:
    for c in claims:
        assert isinstance(c, LicenceClaim)
        yield Licensed(c.laws, c.choice, c.raw, c.place)


def _edges(claims: Iterable[Claim], maker: str) -> tuple[Edge, ...]:
    """Claims of the same step become one edge with all their evidence."""
    found: dict[tuple[str, str, str, str], Edge] = {}
    for c in claims:
        assert isinstance(c, StepClaim)
        by, when = c.by or maker, c.when.isoformat() if c.when else ""
        key = (c.act, c.parent, by, when)
        old = found.get(key, Edge(c.act, c.parent, by, when, (), c.column))
        column = old.column if old.column == c.column else ""  # told of the whole somewhere: the whole
        found[key] = old._replace(evidence=(*old.evidence, c.place), column=column)
    return _best_told(tuple(found.values()))


def _best_told(edges: tuple[Edge, ...]) -> tuple[Edge, ...]:
    """Where one base is told with several acts, an act that was only inferred gives way to one that was read."""
    read = {e.parent for e in edges if ACTS[e.act].in_family and not _inferred(e)}
    return tuple(e for e in edges if not (ACTS[e.act].in_family and e.parent in read and _inferred(e)))


def _inferred(edge: Edge) -> bool:
    return bool(edge.evidence) and all(p.kind == "inferred" for p in edge.evidence)


def _ordered(assets: dict[str, Asset]) -> Lineage:
    """Parents first, iteratively; a step that closes a ring is dropped and told."""
    state: dict[str, int] = {}
    order: dict[str, Asset] = {}
    problems: list[Problem] = []
    for root in assets:
        stack: list[tuple[str, Iterator[Edge]]] = []
        if root not in state:
            state[root] = 1
            stack.append((root, iter(assets[root].edges)))
        while stack:
            id, edges = stack[-1]
            edge = next(edges, None)
            if edge is None:
                stack.pop()
                state[id] = 2
                order[id] = assets[id]
            elif state.get(edge.parent) == 1:
                problems.append(_ring(stack, edge))
                kept = tuple(e for e in assets[id].edges if e.parent != edge.parent)
                assets[id] = assets[id]._replace(edges=kept)
            elif edge.parent not in state:
                state[edge.parent] = 1
                stack.append((edge.parent, iter(assets[edge.parent].edges)))
    return Lineage(order, tuple(problems))


def _ring(stack: list[tuple[str, Iterator[Edge]]], edge: Edge) -> Problem:
    ids = [id for id, _ in stack]
    ring = [*ids[ids.index(edge.parent):], edge.parent]
    shown = ring if len(ring) <= 8 else [*ring[:4], "...", *ring[-3:]]
    place = edge.evidence[0] if edge.evidence else Place("inferred")
    return Problem(place.file, f"a ring: {' <- '.join(shown)}", place.line, f"the step {edge.act} was left out")


def target_of(asset: Asset) -> str:
    """What kind of model it is, with size: a small language model is one under a billion parameters."""
    target = asset.target or "language-model"
    if target == "language-model" and 0 < asset.parameters < ONE_BILLION:
        return "small-language-model"
    return target


def families(lineage: Lineage, extra: dict[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """The weight families of every asset: its own, those of its licences (`extra`), and its bases' (act table)."""
    found: dict[str, frozenset[str]] = {}
    for id, asset in lineage.assets.items():
        own = {*asset.family, *extra.get(id, ())}
        for e in asset.edges:
            if ACTS[e.act].in_family:
                own |= found[e.parent]
        found[id] = frozenset(own)
    return found


def choices(lineage: Lineage, most: int = 64) -> list[Lineage]:
    """Every lineage in which a choice of licences is made (at most `most`); the lineage itself if none is open."""
    from itertools import islice, product

    open_ids = {id: _alternatives(a.licensed) for id, a in lineage.assets.items() if any(s.choice for s in a.licensed)}
    if not open_ids:
        return [lineage]
    return [_chosen(lineage, dict(zip(open_ids, pick))) for pick in islice(product(*open_ids.values()), most)]


def _alternatives(licensed: Iterable[Licensed]) -> list[Licensed]:
    """What may be picked: each law of a choice, or, where several statements are the choice (A AND B OR C), each."""
    said = list(dict.fromkeys(s for s in licensed if s.choice))
    one_by_one = len({(s.raw, s.place) for s in said}) == len(said)
    return list(dict.fromkeys(s._replace(laws=laws) for s in said
                              for laws in ([(law,) for law in s.laws] if one_by_one else [s.laws])))


def _chosen(lineage: Lineage, picked: dict[str, Licensed]) -> Lineage:
    """Other statements stay, but for the texts of the alternatives: these lie beside a choice to be picked from."""
    assets = dict(lineage.assets)
    for id, said in picked.items():
        licensed = assets[id].licensed
        open_laws = {law for s in licensed if s.choice for law in s.laws}
        kept = tuple(s for s in licensed if not s.choice and not open_laws.issuperset(s.laws))
        assets[id] = assets[id]._replace(licensed=(*kept, said._replace(choice=False)))
    return Lineage(assets, lineage.problems)
