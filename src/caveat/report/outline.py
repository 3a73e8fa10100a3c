"""What every form tells, in which order, before any of them chooses how it looks.

Worst first; what is permitted is folded; the lineage of a question is put together from its proofs.
"""

from collections import Counter
from typing import NamedTuple

from caveat.law.words import VERDICTS
from caveat.report import words
from caveat.verdict.answer import Duty, Finding, Graph, GraphEdge, GraphNode, Report, Verdict
from caveat.verdict.gate import further_up

Answer = Verdict | Report | Graph
Edge = tuple[str, str, str]  # child, act, parent

MOST_BRIEF = 12
MOST_FINDINGS = 100  # told in full by the forms for people; json has all


class Section(NamedTuple):
    """One heading: the findings told in full, worst first; those permitted; how many were left out."""

    title: str
    told: tuple[Finding, ...]
    folded: tuple[Finding, ...]
    left_out: int = 0
    brief: tuple[Finding, ...] = ()  # a line each: what others did further up


def sections(answer: Verdict | Report) -> tuple[Section, ...]:
    """The findings under their headings; a question has one heading without a title."""
    if isinstance(answer, Verdict):
        return (_section("", answer.findings),) if answer.findings else ()
    own = [f for f in answer.findings if not further_up(f, answer)]
    groups = ((title, tuple(f for f in own if f.about == about)) for about, title in words.SECTIONS)
    told = tuple(_section(title, found) for title, found in groups if found)
    brief = sorted((f for f in answer.findings if further_up(f, answer)), key=lambda f: words.badness(f.verdict))
    return (*told, Section(words.UPSTREAM_TITLE, (), (), max(0, len(brief) - MOST_BRIEF),
                           tuple(brief[:MOST_BRIEF]))) if brief else told


def _section(title: str, findings: tuple[Finding, ...]) -> Section:
    ordered = sorted(findings, key=lambda f: words.badness(f.verdict))
    folded = tuple(f for f in ordered if is_plain(f))
    told = tuple(f for f in ordered if not is_plain(f))
    return Section(title, told[:MOST_FINDINGS], folded, max(0, len(told) - MOST_FINDINGS))


def is_plain(f: Finding) -> bool:
    """A permitted finding with nothing more to say fits into one line with its like."""
    return f.verdict == "permitted" and not (f.duties or f.doubts or f.note or f.accepted)


def tally(answer: Verdict | Report) -> str:
    """`1 prohibited · 1 depends · 3 owed (2 unmet)`: the whole answer counted."""
    counts = Counter(f.verdict for f in answer.findings)
    parts = [f"{counts[v]} {v}" for v in VERDICTS if counts[v]]
    return " · ".join([*parts, *_owed(answer), *_doubted(answer)])


def _owed(answer: Verdict | Report) -> list[str]:
    states = Counter(d.state for d in duties(answer) if not d.whose)
    if not states:
        return []
    detail = ", ".join(f"{states[s]} {s}" for s in words.DUTY_SIGNS if states[s])
    return [f"{sum(states.values())} owed ({detail})"]


def _doubted(answer: Verdict | Report) -> list[str]:
    open_points = {d.about for f in answer.findings for d in f.doubts}
    return [words.plural(len(open_points), "open point")] if open_points else []


def duties(answer: Verdict | Report) -> tuple[Duty, ...]:
    """Every duty of every finding, each once."""
    return tuple(dict.fromkeys(d for f in answer.findings for d in f.duties))


def foot_blocks(answer: Verdict | Report) -> tuple[tuple[str, list[str]], ...]:
    """What stands at the end of a page: heading and entries; empty ones too."""
    settled = answer.settled if isinstance(answer, Report) else ()
    return (
        ("Could not be read", [words.problem(p) for p in answer.problems]),
        ("Always owed", [f"{s.gist} ({words.clause(s)})" for s in answer.standing]),
        ("Settled", [words.settled(s) for s in settled]),
        ("Presumed", [p.says for p in answer.presumed]),
        ("Law files", [words.law_read(u) for u in answer.law]),
    )


def graph_of(answer: Answer) -> Graph:
    """The lineage to draw: a report has one, that of a question is the union of its paths."""
    if isinstance(answer, Graph):
        return answer
    return answer.graph if isinstance(answer, Report) else _from_paths(answer)


def _from_paths(answer: Verdict) -> Graph:
    roles: dict[str, dict[tuple[str, str], None]] = {}
    marks: dict[str, dict[str, None]] = {}
    edges: dict[Edge, GraphEdge] = {}
    for f in answer.findings:
        for before, step in zip((None, *f.path), f.path):
            roles.setdefault(step.asset, {})[(f.licence, step.role)] = None
            if before and step.act:
                edge = GraphEdge(step.asset, step.act, before.asset, step.by, step.evidence)
                edges.setdefault((edge.child, edge.act, edge.parent), edge)
        if f.path and f.verdict in ("prohibited", "unknown", "depends"):
            marks.setdefault(f.path[-1].asset, {})[f.verdict] = None
    nodes = tuple(
        GraphNode(a, "", roles=tuple(r), marks=tuple(marks.get(a, ())), subject=a == answer.subject)
        for a, r in roles.items()
    )
    return Graph(nodes, tuple(edges.values()))


def hot_edges(answer: Answer) -> frozenset[Edge]:
    """The steps that a prohibited finding rests on."""
    if isinstance(answer, Graph):
        return frozenset()
    return frozenset(
        (step.asset, step.act, before.asset)
        for f in answer.findings
        if f.verdict == "prohibited"
        for before, step in zip(f.path, f.path[1:])
    )


def nearest_part(graph: Graph, most: int) -> tuple[Graph, int]:
    """At most `most` nodes, those marked and those nearest the subject first, and how many were left out."""
    nodes, edges = whole(graph)
    rank = _distances(nodes, edges)
    ordered = sorted(nodes, key=lambda n: (not n.subject, not n.marks, rank.get(n.id, len(nodes))))[:most]
    kept = {n.id for n in ordered}
    return (
        Graph(tuple(n for n in nodes if n.id in kept), tuple(e for e in edges if e.child in kept and e.parent in kept)),
        len(nodes) - len(kept),
    )


def whole(graph: Graph) -> tuple[tuple[GraphNode, ...], tuple[GraphEdge, ...]]:
    """Nodes and edges, each once, with a bare node for every end that has none."""
    nodes = {n.id: n for n in graph.nodes}
    edges = {(e.child, e.act, e.parent): e for e in graph.edges if e.child != e.parent}
    for e in edges.values():
        for end in (e.child, e.parent):
            nodes.setdefault(end, GraphNode(end, ""))
    return tuple(nodes.values()), tuple(edges.values())


def _distances(nodes: tuple[GraphNode, ...], edges: tuple[GraphEdge, ...]) -> dict[str, int]:
    """Steps from the subject (or from what nothing is made of), walking towards origins."""
    parents: dict[str, list[str]] = {}
    for e in edges:
        parents.setdefault(e.child, []).append(e.parent)
    layer, distance, seen = [n.id for n in tops(nodes, edges)], 0, dict[str, int]()
    while layer:
        seen.update(dict.fromkeys(layer, distance))
        layer = list(dict.fromkeys(p for a in layer for p in parents.get(a, ()) if p not in seen))
        distance += 1
    return seen


def tops(nodes: tuple[GraphNode, ...], edges: tuple[GraphEdge, ...]) -> tuple[GraphNode, ...]:
    """Where a drawing begins: the subjects, else what nothing is made from, else anything."""
    parents = {e.parent for e in edges}
    subjects = tuple(n for n in nodes if n.subject)
    return subjects or tuple(n for n in nodes if n.id not in parents) or nodes[:1]
