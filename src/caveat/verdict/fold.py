"""From items to a verdict: items that share a doubt are grown together, then worlds are compared.

The whole is refused in every world exactly if some group is; it is unknown if any group has a world without known
terms; it depends if any group has a refusing world. A doubt matters if two worlds of its group differ in it alone and
differ in outcome, or are both granted and owe different duties.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from caveat.verdict.judge import GRANTED, REFUSED, UNKNOWN, Outcome
from caveat.verdict.world import World, grow

Owed = tuple[str, str]  # (law id, rule id)


class Item(NamedTuple):
    """The atom of judgement: a function of the world, and a key under which equal items share their result."""

    key: Hashable
    judge: Callable[[World], Outcome]


class Group(NamedTuple):
    """Items that share doubts, with every grown world and the outcome of each item in it."""

    items: tuple[int, ...]  # indices of distinct items
    leaves: tuple[tuple[Mapping[str, str], tuple[Outcome, ...]], ...]

    def state(self, leaf: int) -> int:
        return max((o.state for o in self.leaves[leaf][1]), default=GRANTED)


class Folded(NamedTuple):
    """All groups, and for each item (by position) its group and place in it."""

    groups: tuple[Group, ...]
    where: tuple[tuple[int, int], ...]  # item -> (group, position)
    worlds: int


def fold(items: Sequence[Item], domains: Mapping[str, tuple[str, ...]]) -> Folded:
    """Grow every group. Equal items (same key) are judged once. Raises TooManyWorlds."""
    keys: dict[Hashable, int] = {}
    distinct: list[Item] = []
    seen: dict[int, int] = {}  # id of an item object -> its number: hashing a key costs more than judging is worth
    for item in items:
        if id(item) not in seen:
            if item.key not in keys:
                keys[item.key] = len(distinct)
                distinct.append(item)
            seen[id(item)] = keys[item.key]
    alone = [grow(domains, item.judge) for item in distinct]
    groups = [_grown(distinct, alone, members, domains) for members in _joined(alone)]
    place = {d: (g, n) for g, group in enumerate(groups) for n, d in enumerate(group.items)}
    where = tuple(place[seen[id(item)]] for item in items)
    worlds = 1
    for group in groups:
        worlds *= len(group.leaves)
    return Folded(tuple(groups), where, worlds)


def _joined(alone: Sequence[list[tuple[dict[str, str], Outcome]]]) -> list[tuple[int, ...]]:
    """Indices of items, grouped by shared doubts (union-find over doubts)."""
    root: dict[str, str] = {}

    def find(x: str) -> str:
        while root.setdefault(x, x) != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    doubts = [sorted({d for world, _ in leaves for d in world}) for leaves in alone]
    for mine in doubts:
        for other in mine[1:]:
            root[find(other)] = find(mine[0])
    groups: dict[str, list[int]] = {}
    singles = []
    for n, mine in enumerate(doubts):
        if mine:
            groups.setdefault(find(mine[0]), []).append(n)
        else:
            singles.append((n,))
    return [*singles, *(tuple(g) for g in groups.values())]


def _grown(items: Sequence[Item], alone: Sequence[list[tuple[dict[str, str], Outcome]]], members: tuple[int, ...],
           domains: Mapping[str, tuple[str, ...]]) -> Group:
    if len(members) == 1:
        return Group(members, tuple((w, (o,)) for w, o in alone[members[0]]))
    leaves = grow(domains, lambda world: tuple(items[m].judge(world) for m in members))
    return Group(members, tuple(leaves))


def verdict_of(folded: Folded) -> str:
    """The verdict of everything together."""
    return _verdict([[g.state(n) for n in range(len(g.leaves))] for g in folded.groups],
                    any(o.duties for g in folded.groups for _, os in g.leaves for o in os if o.state == GRANTED))


def _verdict(states: Iterable[Sequence[int]], owes: bool) -> str:
    states = list(states)
    if any(s and all(x == REFUSED for x in s) for s in states):
        return "prohibited"
    if any(x == UNKNOWN for s in states for x in s):
        return "unknown"
    if any(x == REFUSED for s in states for x in s):
        return "depends"
    return "conditional" if owes else "permitted"


def verdict_of_items(folded: Folded, members: Iterable[int], given: Mapping[str, str] | None = None) -> str:
    """The verdict of some items alone (by position in the list given to `fold`), in worlds that agree with `given`."""
    spots: dict[int, list[int]] = {}
    for m in members:
        group, n = folded.where[m]
        spots.setdefault(group, []).append(n)
    states, owes = [], False
    for group, ns in spots.items():
        leaves = [os for w, os in folded.groups[group].leaves if agrees(w, given or {})]
        states.append([max(os[n].state for n in ns) for os in leaves])
        owes = owes or any(os[n].duties for os in leaves for n in ns if os[n].state == GRANTED)
    return _verdict(states, owes)


def agrees(world: Mapping[str, str], given: Mapping[str, str]) -> bool:
    return all(world.get(k, v) == v for k, v in given.items())


def always_owed(folded: Folded) -> set[Owed]:
    """Duties owed in every granting world of some group."""
    found: set[Owed] = set()
    for g in folded.groups:
        per_leaf = [_duties(os) for n, (_, os) in enumerate(g.leaves) if g.state(n) == GRANTED]
        if per_leaf:
            found |= set.intersection(*per_leaf)
    return found


def _duties(outcomes: Iterable[Outcome]) -> set[Owed]:
    return {d for o in outcomes for d in o.duties}


def doubts_that_matter(folded: Folded) -> dict[str, str]:
    """Doubt -> "verdict" or "duty", for those on which something hangs."""
    always = always_owed(folded)
    found: dict[str, str] = {}
    for g in folded.groups:
        facts = [(w, g.state(n), frozenset(_duties(os) - always)) for n, (w, os) in enumerate(g.leaves)]
        for doubt, effect in _sensitive(facts):
            if found.get(doubt) != "verdict":
                found[doubt] = effect
    return found


def _sensitive(facts: Sequence[tuple[Mapping[str, str], int, frozenset[Owed]]]) -> Iterable[tuple[str, str]]:
    for n, (world, state, duties) in enumerate(facts):
        for other, state2, duties2 in facts[n + 1:]:
            apart = [d for d in world if other.get(d, world[d]) != world[d]]
            if len(apart) != 1:
                continue
            if state != state2:
                yield apart[0], "verdict"
            elif state == GRANTED and duties != duties2:
                yield apart[0], "duty"


def settings_of(folded: Folded, item: int, duty: Owed) -> str:
    """"always", or the settings under which this item owes the duty ("hand-over=access-too")."""
    g, n = folded.where[item]
    group = folded.groups[g]
    granting = [(w, duty in os[n].duties) for k, (w, os) in enumerate(group.leaves) if group.state(k) == GRANTED]
    if all(owed for _, owed in granting):
        return "always"
    hinges = {d for a, x in granting for b, y in granting if x != y
              for d in a if b.get(d, a[d]) != a[d]}
    whens = dict.fromkeys(" and ".join(f"{d}={w[d]}" for d in sorted(w) if d in hinges) for w, owed in granting if owed)
    return " or ".join(whens)
