"""The proof's path: from the licence's origin to the asset, the role at each step, the evidence of each edge."""

from __future__ import annotations

from caveat.verdict.answer import PathStep
from caveat.verdict.bind import Pair, Reach


def path_to(reach: Reach, asset: str, pair: Pair) -> tuple[PathStep, ...]:
    """One way the pair came to the asset, origin first. It replays: each step is an edge and a cell of the table."""
    steps: list[PathStep] = []
    here, at = pair, asset
    while True:
        via = reach[at][here]
        edge = via.edge
        steps.append(PathStep(at, here.role, edge.act if edge else "", edge.by if edge else "",
                              edge.evidence if edge else ()))
        if via.pair is None:
            return tuple(reversed(steps))
        at, here = via.asset, via.pair
