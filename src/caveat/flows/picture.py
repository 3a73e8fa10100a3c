"""The lineage as reports draw it: assets with roles and marks, steps with evidence."""

from __future__ import annotations

from collections.abc import Iterable

from caveat.lineage.graph import Asset, Lineage
from caveat.verdict.answer import Finding, Graph, GraphEdge, GraphNode
from caveat.verdict.bind import Reach

SHOWN = ("prohibited", "unknown", "depends")


def graph_of(lineage: Lineage, reach: Reach, subject: str, findings: Iterable[Finding]) -> Graph:
    """The subject and everything above it, parents first."""
    above = lineage.above([subject])
    marks = _marks(findings)
    nodes = tuple(_node(a, reach, marks, subject) for a in lineage.assets.values() if a.id in above)
    edges = tuple(GraphEdge(n.id, e.act, e.parent, e.by, e.evidence)
                  for n in nodes for e in lineage.assets[n.id].edges)
    return Graph(nodes, edges)


def _marks(findings: Iterable[Finding]) -> dict[str, list[str]]:
    marks: dict[str, list[str]] = {}
    for f in findings:
        if f.verdict in SHOWN:
            mark = "conflict" if f.about == "offered" and f.verdict == "prohibited" else f.verdict
            marks.setdefault(f.made or f.asset, []).append(mark)
    return marks


def _node(a: Asset, reach: Reach, marks: dict[str, list[str]], subject: str) -> GraphNode:
    roles = tuple(dict.fromkeys((p.law, p.role) for p in reach.get(a.id, ())))
    licences = tuple(dict.fromkeys(law for s in a.licensed for law in s.laws))
    return GraphNode(a.id, a.kind or "model", licences, roles, tuple(dict.fromkeys(marks.get(a.id, ()))),
                     a.id == subject)
