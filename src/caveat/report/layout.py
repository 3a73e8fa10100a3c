"""Where the boxes of a lineage go: origins above, what was made from them below, few crossings.

Layers by the longest path, order by barycentres, places by pulling each box towards its neighbours; long steps pass
through unseen points so that a line never crosses a box. Pure, and bounded by the number of nodes it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 6
UNSEEN = 0.3  # the room of a line that passes, in boxes


class Spot(NamedTuple):
    """Centre of a box or of an unseen point, in units of one box and one gap."""

    x: float
    layer: int


class Layout(NamedTuple):
    """Places of all nodes, and for each edge (parent, child) the points its line goes through."""

    spots: dict[str, Spot]
    lines: dict[tuple[str, str], tuple[Spot, ...]]
    across: float
    layers: int


Ends = tuple[str, str]  # parent, child


def layered(nodes: Sequence[str], edges: Sequence[Ends]) -> Layout:
    """The layout of a graph. Edges that would close a circle are drawn, but place nothing."""
    forward = _acyclic(nodes, edges)
    layer = _longest(nodes, forward)
    chains = {e: _chain(e, layer) for e in forward}
    layer |= {point: layer[e[0]] + i for e, chain in chains.items() for i, point in enumerate(chain) if i}
    hops = [(a, b) for chain in chains.values() for a, b in pairwise(chain)]
    rows = _rows(layer)
    x = _places(_ordered(rows, hops), hops)
    spots = {n: Spot(x[n], layer[n]) for n in layer}
    lines = {e: tuple(spots[p] for p in chains.get(e, e)) for e in edges}
    across = max(x.values(), default=0.0) + 1
    return Layout({n: spots[n] for n in nodes}, lines, across, len(rows))


def _acyclic(nodes: Sequence[str], edges: Sequence[Ends]) -> list[Ends]:
    """The edges in order, without those that would close a circle."""
    above: dict[str, set[str]] = {n: set() for n in nodes}
    kept: list[Ends] = []
    for parent, child in dict.fromkeys(edges):
        if child == parent or child in above[parent]:
            continue
        kept.append((parent, child))
        gained = above[parent] | {parent}
        for known in (child, *(n for n in nodes if child in above[n])):
            above[known] |= gained
    return kept


def _longest(nodes: Sequence[str], edges: Sequence[Ends]) -> dict[str, int]:
    """Steps of the longest path from an origin; an origin then sinks to just above what is made from it."""
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:
        for parent, child in edges:
            layer[child] = max(layer[child], layer[parent] + 1)
    children = {n: [layer[c] for p, c in edges if p == n] for n in nodes}
    has_parent = {c for _, c in edges}
    return {n: min(children[n]) - 1 if children[n] and n not in has_parent else layer[n] for n in nodes}


def _chain(edge: Ends, layer: Mapping[str, int]) -> tuple[str, ...]:
    """The edge with an unseen point in every layer it passes."""
    parent, child = edge
    unseen = (f"\0{parent}\0{child}\0{i}" for i in range(layer[parent] + 1, layer[child]))
    return (parent, *unseen, child)


def _rows(layer: Mapping[str, int]) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for n, i in layer.items():
        rows[i].append(n)
    return rows


def _ordered(rows: list[list[str]], hops: Sequence[Ends]) -> list[list[str]]:
    """Each layer sorted by the mean place of its neighbours, downwards and upwards in turn."""
    up, down = _neighbours(hops)
    for sweep in range(SWEEPS):
        near, order = (up, range(1, len(rows))) if sweep % 2 == 0 else (down, range(len(rows) - 2, -1, -1))
        for i in order:
            at = {n: k for row in rows for k, n in enumerate(row)}
            rows[i] = sorted(rows[i], key=lambda n: _mean([at[m] for m in near.get(n, [n])]))
    return rows


def _neighbours(hops: Sequence[Ends]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    up: dict[str, list[str]] = {}
    down: dict[str, list[str]] = {}
    for parent, child in hops:
        up.setdefault(child, []).append(parent)
        down.setdefault(parent, []).append(child)
    return up, down


def _places(rows: list[list[str]], hops: Sequence[Ends]) -> dict[str, float]:
    """A place for each, in order and at least one box apart, near its neighbours."""
    up, down = _neighbours(hops)
    x = {n: float(k) - len(row) / 2 for row in rows for k, n in enumerate(row)}
    for sweep in range(SWEEPS):
        near = (up, down)[sweep % 2]
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = [_mean([x[m] for m in near[n]]) if near.get(n) else x[n] for n in row]
            x.update(zip(row, _apart(row, wanted)))
    left = min(x.values(), default=0.0)
    return {n: at - left for n, at in x.items()}


def _apart(row: Sequence[str], wanted: Sequence[float]) -> list[float]:
    """The wanted places, moved no more than needed to keep apart: the mean of packing from either side."""
    gaps = [(_room(a) + _room(b)) / 2 for a, b in pairwise(row)]
    right = list(wanted[:1])
    for w, gap in zip(wanted[1:], gaps):
        right.append(max(w, right[-1] + gap))
    left = list(wanted[-1:])
    for w, gap in zip(wanted[-2::-1], reversed(gaps)):
        left.append(min(w, left[-1] - gap))
    return [(a + b) / 2 for a, b in zip(right, reversed(left))]


def _room(n: str) -> float:
    return UNSEEN if n.startswith("\0") else 1.0


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
