"""Which licence reaches which asset, in which role: one forward pass over the lineage, no worlds.

A pair (licence, role) carries what later decides: whether the asker is a stranger to the output it came from, whether
it came through a stranger's training, and a guard (the readings under which it exists at all).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from caveat.law.rule import Cell, Law
from caveat.law.table import DEFAULT_CELLS
from caveat.law.words import ACTS, MARKERS
from caveat.lineage.graph import PROMPTS, Asset, Edge, Lineage

Guard = tuple[tuple[str, tuple[str, ...]], ...]  # (word, allowed readings), sorted by word
LawOf = Callable[[str], Law]
UNKNOWN = "unknown"
#: Contents that nobody licensed, wholly or in part, ask the same question: does training need a licence?
UNLICENSED = {"mixed": "web"}


class Pair(NamedTuple):
    """A licence in a role, as it stands at one asset."""

    law: str
    role: str
    stranger: bool = False  # output that somebody else made: a contract may not bind the asker
    later: bool = False  # came through a training step of somebody else
    guard: Guard = ()
    learner: str = ""  # who took the training step that made it `trained`
    owner: str = ""  # who attached the licence, where he also publishes variants under it

    @property
    def base_role(self) -> str:
        return self.role.partition("/")[0]


class Via(NamedTuple):
    """How a pair came to an asset: from which asset and pair, by which edge; None at the origin."""

    asset: str
    pair: Pair | None
    edge: Edge | None


Reach = dict[str, dict[Pair, Via]]


def bind(lineage: Lineage, law_of: LawOf, actor: str) -> Reach:
    """Every (licence, role) pair that reaches each asset, as seen by `actor`, with one way it came."""
    reach: Reach = {}
    followed: dict[tuple[Pair, str, str, str, str], tuple[Pair, ...]] = {}  # the same step from the same pair, once
    owners = {a.maker for a in lineage.assets.values() if a.edges and a.licensed} - {actor}
    for asset in lineage.assets.values():
        owner = asset.maker if asset.maker in owners else ""
        origins = (pair._replace(owner=owner) for pair in _origins(asset, law_of, actor))
        pairs: dict[Pair, Via] = {pair: Via(asset.id, None, None) for pair in origins}
        for edge in asset.edges:
            for pair in reach[edge.parent]:
                if pair.owner and _relicensed_by_owner(asset, pair):
                    continue
                step = (pair, edge.act, edge.by, asset.target, edge.column)
                if step not in followed:
                    followed[step] = tuple(_follow(law_of(pair.law), pair, edge, asset, actor))
                for child in followed[step]:
                    if child not in pairs:
                        pairs[child] = Via(edge.parent, pair, edge)
        reach[asset.id] = pairs
    return reach


def _origins(asset: Asset, law_of: LawOf, actor: str) -> Iterator[Pair]:
    """The licences attached here. One's own label binds others, not oneself."""
    if asset.maker != actor or not asset.maker:
        laws = asset.laws() or ((UNKNOWN,) if _silent(asset) else ())
        for law in laws:
            yield Pair(law, law_of(law).root)
    if asset.contents:
        contents = UNLICENSED.get(asset.contents, asset.contents)
        yield Pair(contents, law_of(contents).root)


def _relicensed_by_owner(asset: Asset, pair: Pair) -> bool:
    """A publisher's own variant of his own model is his material anew, not a derivative: his label says it all."""
    return bool(pair.owner) and pair.owner == asset.maker and pair.law in asset.laws()


def _silent(asset: Asset) -> bool:
    """Somebody's work about whose terms nothing is known. A copy or quantization adds nothing of its own."""
    if asset.own or asset.licensed:
        return False
    return not asset.edges or any(ACTS[e.act].adds for e in asset.edges)


def cell_at(law: Law, role: str, act: str) -> Cell | None:
    """The cell of the licence's own table, or of the default table; sub-roles behave as their base."""
    base = role.partition("/")[0]
    for table in (law.roles, DEFAULT_CELLS):
        for name in (role, base):
            cell = table.get(name, {}).get(act)
            if cell is not None:
                return cell
    return None


def seen_role(pair: Pair, act: str, target: str) -> str:
    """The role in which the step meets the pair: a model whose work is to mark learns the marks themselves."""
    if pair.base_role == "judged" and target in MARKERS and ACTS[act].teaches:
        return "output"
    return pair.role


def _follow(law: Law, pair: Pair, edge: Edge, child: Asset, actor: str) -> Iterator[Pair]:
    cell = cell_at(law, seen_role(pair, edge.act, child.target), edge.act)
    if cell is None or left_behind(pair, edge.column):
        return
    for role, guard in _branches(cell, pair.guard, edge.by == pair.learner):
        if role:
            yield _moved(pair, role, guard, edge, actor)


def left_behind(pair: Pair, column: str) -> bool:
    """Whether a step that took the prompts alone leaves this pair behind: it stands on what machines wrote."""
    return column == PROMPTS and pair.base_role in ("output", "judged")


def _branches(cell: Cell, guard: Guard, same_party: bool) -> Iterator[tuple[str, Guard]]:
    if not cell.word:
        yield cell.then, guard
        return
    if cell.same_party and not same_party:
        yield cell.other, guard
        return
    for role, allowed in ((cell.then, cell.readings), (cell.other, tuple("!" + r for r in cell.readings))):
        joined = join(guard, cell.word, allowed)
        if joined is not None:
            yield role, joined


def join(guard: Guard, word: str, allowed: tuple[str, ...]) -> Guard | None:
    """The guard and one more condition; None if they contradict. "!x" means any reading but x."""
    held: Mapping[str, tuple[str, ...]] = dict(guard)
    if word not in held:
        return tuple(sorted((*guard, (word, allowed))))
    old = held[word]
    if set(old) == set(allowed):
        return guard
    if _excludes(old, allowed):
        return None
    merged = _both(old, allowed)
    return tuple(sorted((*((w, r) for w, r in guard if w != word), (word, merged))))


def _both(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
    """Readings that satisfy both conditions: of the named ones only the common, of the excluded ones all."""
    yes_a, yes_b = {r for r in a if r[0] != "!"}, {r for r in b if r[0] != "!"}
    named = yes_a & yes_b if yes_a and yes_b else yes_a | yes_b
    return tuple(sorted(named | {r for r in (*a, *b) if r[0] == "!"}))


def _excludes(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    yes_a, yes_b = {r for r in a if r[0] != "!"}, {r for r in b if r[0] != "!"}
    no_a, no_b = {r[1:] for r in a if r[0] == "!"}, {r[1:] for r in b if r[0] == "!"}
    if yes_a and yes_b and not yes_a & yes_b:
        return True
    return bool((yes_a and yes_a <= no_b) or (yes_b and yes_b <= no_a))


def guard_allows(allowed: tuple[str, ...], reading: str) -> bool:
    """Whether a reading satisfies one condition of a guard."""
    yes = [r for r in allowed if r[0] != "!"]
    return ("!" + reading) not in allowed and (not yes or reading in yes)


def _moved(pair: Pair, role: str, guard: Guard, edge: Edge, actor: str) -> Pair:
    act, others = ACTS[edge.act], edge.by != actor
    learned = role.partition("/")[0] == "trained" and pair.base_role != "trained"
    return Pair(
        pair.law, role,
        stranger=pair.stranger or (act.writes and others),
        later=pair.later or (act.teaches and others),
        guard=guard,
        learner=edge.by if learned else pair.learner,
        owner=pair.owner,
    )
