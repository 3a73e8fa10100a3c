"""Events: every step the actor takes and every use meant, in the form in which rules are put to them.

An event is an act, the asset it is done to, what is made, and the bases: for teaching the model taught, for a merge
the other parents. Two events that look alike to every rule have the same `signature`, so that big lineages cost little.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from caveat.law.words import ACTS
from caveat.lineage.graph import Asset, Edge, Lineage, target_of


class Use(NamedTuple):
    """An intended use of an asset. `offered` is the set of law ids after `as`; () = not said."""

    act: str
    asset: str
    offered: tuple[str, ...] = ()
    named: str = ""
    of: str = ""  # what is evaluated, where the asset is the judge


class Event(NamedTuple):
    """One act as rules see it."""

    act: str
    subject: str
    made: str = ""
    kind: str = ""  # kind of what is made, or of the subject for a use
    target: str = ""  # finer kind of a model, with size
    bases: tuple[str, ...] = ()
    base_families: tuple[frozenset[str], ...] = ()
    when: str = ""  # ISO date of the act, "" = the day of the question
    subject_kind: str = ""
    multimodal: str = ""
    makers_own: bool = False  # the act makes or changes a model, or is done to one the actor so made
    named: str = ""
    offered: tuple[str, ...] = ()
    column: str = ""  # the part of the subject that the step took; "" = the whole

    @property
    def acts(self) -> tuple[str, ...]:
        """To sell is to hand over as well."""
        return ("sell", "ship") if self.act == "sell" else (self.act,)

    def signature(self) -> "Event":
        return self._replace(subject="", made="", bases=tuple("" for _ in self.bases))


Families = Mapping[str, frozenset[str]]


def events_of(lineage: Lineage, families: Families, actor: str, uses: Iterable[Use], target: str = "",
              within: Iterable[str] | None = None) -> tuple[Event, ...]:
    """The steps that `actor` took (in the assets of `within`, or all) and the uses. Pure."""
    wanted = None if within is None else frozenset(within)
    made = own_making(lineage, actor)
    steps = [e if e.makers_own or e.subject not in made else e._replace(makers_own=True)
             for i, asset in lineage.assets.items() if wanted is None or i in wanted
             for e in _steps(lineage, families, asset, actor, target)]
    return (*steps, *(_use_event(lineage, use, made, target) for use in uses))


def own_making(lineage: Lineage, actor: str) -> set[str]:
    """Assets that the actor made or changed as models, and what was made from these without a change of hands."""
    made: set[str] = set()
    for asset in lineage.assets.values():
        if any(e.by == actor and (ACTS[e.act].in_making or e.parent in made) for e in asset.edges):
            made.add(asset.id)
    return made


def _steps(lineage: Lineage, families: Families, child: Asset, actor: str, target: str) -> Iterator[Event]:
    for edge in child.edges:
        if edge.by == actor:
            yield _step(lineage, families, child, edge, target)


def _step(lineage: Lineage, families: Families, child: Asset, edge: Edge, target: str) -> Event:
    act, parent = ACTS[edge.act], lineage.assets[edge.parent]
    bases = _bases(child, edge)
    return Event(
        edge.act, edge.parent, child.id, child.kind or act.makes, _made_target(lineage, child, bases, target), bases,
        tuple(families[b] for b in bases), edge.when, parent.kind, parent.multimodal, act.in_making,
        column=edge.column,
    )


def _bases(child: Asset, edge: Edge) -> tuple[str, ...]:
    if ACTS[edge.act].teaches:
        return tuple(e.parent for e in child.edges if ACTS[e.act].in_family)
    if edge.act == "merge":
        return tuple(e.parent for e in child.edges if e.act == "merge" and e.parent != edge.parent)
    return ()


def _made_target(lineage: Lineage, child: Asset, bases: tuple[str, ...], target: str) -> str:
    """What is made: as said, as known of the thing itself, as its base is, else a language model."""
    if child.target:
        return target_of(child)
    if target:
        return target
    known = [lineage.assets[e.parent] for e in child.edges if ACTS[e.act].in_family]
    return target_of(known[0]) if known else target_of(child)


def _use_event(lineage: Lineage, use: Use, made: set[str], target: str) -> Event:
    asset = lineage.assets[use.asset]
    seen = lineage.assets[use.of] if use.of else asset
    return Event(
        use.act, use.asset, "", seen.kind, seen.target or target or target_of(seen), (), (), "",
        asset.kind, asset.multimodal, use.asset in made, use.named or asset.name, use.offered,
    )


def channel_of(events: Iterable[Event]) -> str:
    """Where the result goes, as far as the uses in the question tell; "" where they do not."""
    uses = {e.act for e in events if not e.made}
    for acts, where in (({"ship", "sell"}, "distributed"), ({"bundle"}, "product"), ({"serve"}, "hosted")):
        if uses & acts:
            return where
    return ""
