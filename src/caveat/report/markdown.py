"""The answer for pull requests and cards: tables, a checklist of what is owed, and the lineage as a Mermaid graph.

It must read well as plain text too, and a name in it must never become markup, a mention or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from caveat.report import words
from caveat.report.escape import for_code, for_markdown, for_mermaid
from caveat.report.outline import Answer, Edge, foot_blocks, graph_of, hot_edges, nearest_part, sections, tally
from caveat.report.picture import MOST_EDGES, MOST_NODES, drawn_role
from caveat.verdict.answer import Doubt, Duty, Finding, Graph, GraphNode, May, PathStep, Report, Verdict

#: Shape of a role -> how Mermaid writes it.
SHAPES = {
    "box": ("[", "]"),
    "double": ("[[", "]]"),
    "hexagon": ("{{", "}}"),
    "notched": (">", "]"),
    "pill": ("([", "])"),
    "plain": ("[", "]"),
    "round": ("(", ")"),
    "slant": ("[/", "/]"),
}


def render(answer: Answer) -> str:
    """The whole answer as GitHub-flavoured Markdown."""
    if isinstance(answer, Graph):
        return _text(["# Lineage", "", *mermaid(answer)])
    lines = [*_head(answer), *_summary(answer)]
    for section in sections(answer):
        lines += ["", f"## {section.title or 'Why'}"]
        for f in section.told:
            lines += ["", *_finding(f)]
        lines += ["", *_folded(section.folded)] if section.folded else []
        lines += ["", *map(_brief, section.brief)] if section.brief else []
        lines += ["", f"… and {section.left_out} more; the JSON form has them all."] if section.left_out else []
    lines += _may(answer.may) if isinstance(answer, Report) else []
    graph = graph_of(answer)
    lines += ["", "## Lineage", "", *mermaid(graph, hot_edges(answer))] if graph.nodes else []
    return _text([*lines, *_foot(answer)])


def _text(lines: Iterable[str]) -> str:
    return "\n".join(lines) + "\n"


def _head(answer: Verdict | Report) -> Iterator[str]:
    kind = f" ({for_markdown(answer.kind)})" if isinstance(answer, Report) else ""
    yield f"# {words.sign(answer.verdict)}: {for_code(words.named(answer.subject))}{kind}"
    yield ""
    yield f"{words.MEANINGS.get(answer.verdict, '')} {tally(answer)}."
    if isinstance(answer, Verdict):
        yield from ("", f"Read as: {for_code(answer.read_as)}")
    else:
        yield from _declared(answer)


def _declared(answer: Report) -> Iterator[str]:
    for d in answer.declared:
        laws = " + ".join(map(for_code, d.laws)) or "no licence we know"
        yield from ("", f"Declared: {for_code(d.raw)}, read as {laws} ({for_code(words.place(d.place))})")


def _summary(answer: Verdict | Report) -> Iterator[str]:
    """The table of verdicts: plans, if there are several, and every finding that is told."""
    told = [f for s in sections(answer) for f in s.told]
    if isinstance(answer, Verdict) and len(answer.plans) > 1:
        yield from ("", "| verdict | plan |", "| --- | --- |")
        yield from (f"| {words.sign(v)} | {for_code(p)} |" for p, v in answer.plans)
    if told:
        yield from ("", "| verdict | act | under | by |", "| --- | --- | --- | --- |")
        yield from (_summary_row(f) for f in told)


def _summary_row(f: Finding) -> str:
    under = ", ".join(dict.fromkeys(words.clause(r) for r in f.rules)) or f.licence
    return f"| {words.sign(f.verdict)} | {for_code(words.deed(f))} | {for_markdown(under)} | {_whose(f)} |"


def _whose(f: Finding) -> str:
    return for_markdown(words.named(f.whose, 40)) if f.whose else ""


def _finding(f: Finding) -> Iterator[str]:
    yield f"### {words.sign(f.verdict)}: {for_code(words.deed(f))}"
    yield ""
    for r in words.telling(f):
        yield f"- **{for_markdown(words.clause(r))}** {for_markdown(r.rule)}: {for_markdown(r.gist)}"
    if f.note:
        yield f"- Note: {for_markdown(f.note)}"
    for change, after in f.fixes:
        yield f"- **Fix:** {for_markdown(change)}{f' → {words.sign(after)}' if after else ''}"
    yield from map(_doubt, f.doubts)
    if f.accepted:
        yield f"- Accepted {for_markdown(words.accepted(f.accepted))}"
    if f.baseline in words.BASELINE:
        yield f"- Baseline: {words.BASELINE[f.baseline]}"
    yield from _checklist(f.duties)
    yield from _path(f.path)


def _doubt(d: Doubt) -> str:
    sides = "; ".join(f"{for_markdown(value)} → {words.sign(verdict)}" for value, verdict in d.outcomes)
    return f"- **Hangs on** {for_markdown(d.about)} ({words.doubt_kind(d)}): {sides}"


def _checklist(duties: Sequence[Duty]) -> Iterator[str]:
    if duties:
        yield from ("", "Owed:", "")
    for d in sorted(duties, key=words.duty_order):
        hint = f" → {for_markdown(d.how)}" if d.how and d.state != "met" else ""
        yield f"- {_box_of(d)} {for_markdown(words.duty(d))} ({for_markdown(words.clause(d.cited))}){hint}"


def _box_of(d: Duty) -> str:
    """A box to tick, but none for what others owe."""
    return f"**{for_markdown(d.whose)}'s**" if d.whose else f"[{'x' if d.state == 'met' else ' '}] **{d.state}**"


def _path(path: Sequence[PathStep]) -> Iterator[str]:
    """The proof as a list folded away; one item a step."""
    if not path:
        return
    yield from ("", "<details><summary>Proof: the way it came here</summary>", "")
    for i, step in enumerate(path, 1):
        yield f"{i}. {_step(step)}"
    yield from ("", "</details>")


def _step(step: PathStep) -> str:
    act = f"**{for_markdown(step.act)}** → " if step.act else "from "
    by = f", by {for_markdown(words.named(step.by, 40))}" if step.by else ""
    read = "; ".join(for_code(words.place(p)) for p in step.evidence[:5])
    return f"{act}{for_code(step.asset, 120)} as *{for_markdown(step.role)}*{by}{f', read at {read}' if read else ''}"


def _brief(f: Finding) -> str:
    return f"- **{words.sign(f.verdict)}** {for_code(words.deed(f))} {_whose(f)} ({for_markdown(words.hangs(f))})"


def _folded(folded: Sequence[Finding]) -> Iterator[str]:
    deeds = ", ".join(f"{for_code(words.deed(f))} ({for_markdown(f.licence)})" for f in folded[:20])
    yield f"**{words.sign('permitted')}:** {deeds}{f', and {len(folded) - 20} more' if len(folded) > 20 else ''}"


def _may(may: Sequence[May]) -> Iterator[str]:
    if may:
        yield from ("", f"## {words.MAY_TITLE}", "", "| act | verdict | what is owed or stands against it |")
        yield "| --- | --- | --- |"
    for m in may:
        said = "<br>".join(for_markdown(line) for line in words.may_says(m))
        yield f"| {for_markdown(m.act)} | {words.sign(m.verdict)} | {said} |"


def _foot(answer: Verdict | Report) -> Iterator[str]:
    for title, entries in foot_blocks(answer):
        if entries:
            yield from ("", f"## {title}", "", *(f"- {for_markdown(e)}" for e in entries))
    yield from ("", f"*{words.DISCLAIMER}*")


# --- the graph ---


def mermaid(graph: Graph, hot: frozenset[Edge] = frozenset()) -> Iterator[str]:
    """A fenced Mermaid flow chart: roles as classes and shapes, hot steps thick and dashed."""
    part, left_out = nearest_part(graph, MOST_NODES)
    ids = {n.id: f"n{i}" for i, n in enumerate(part.nodes)}
    edges = part.edges[:MOST_EDGES]
    yield from ("```mermaid", "flowchart TD")
    yield from (f"  {ids[n.id]}{_box(n)}" for n in part.nodes)
    for e in edges:
        sign = f"{words.SIGNS['prohibited']} " if (e.child, e.act, e.parent) in hot else ""
        said = for_mermaid(f"{sign}{e.act}{f' by {e.by}' if e.by else ''}", 40)
        yield f'  {ids[e.parent]} -->|"{said}"| {ids[e.child]}'
    yield from _classes(part.nodes, ids)
    for i, e in enumerate(edges):
        if (e.child, e.act, e.parent) in hot:
            yield f"  linkStyle {i} stroke:#b23c00,stroke-width:3px,stroke-dasharray:9 4"
    yield "```"
    if left_out:
        yield from ("", f"{words.plural(left_out, 'more asset is', 'more assets are')} not drawn.")


def _box(n: GraphNode) -> str:
    role = drawn_role(n)
    opening, closing = SHAPES[words.look(role).shape]
    marks = " ".join(words.mark(m) for m in n.marks)
    second = " · ".join(part for part in (n.kind, " + ".join(n.licences[:3]), role, marks) if part)
    label = "<br>".join(for_mermaid(part) for part in (n.id, second) if part)
    return f'{opening}"{label}"{closing}:::{role.split("/", 1)[0] if role else "free"}'


def _classes(nodes: Sequence[GraphNode], ids: dict[str, str]) -> Iterator[str]:
    for role in sorted({drawn_role(n).split("/", 1)[0] for n in nodes}):
        look = words.look(role)
        dashed = "" if role in words.ROLES else ",stroke-dasharray:5 4"
        yield f"  classDef {role or 'free'} fill:{look.fill},stroke:{look.line},color:#1c1e21{dashed}"
    wrong = [ids[n.id] for n in nodes if n.marks]
    if wrong:
        yield "  classDef conflict stroke:#b23c00,stroke-width:4px,stroke-dasharray:9 4"
        yield f"  class {','.join(wrong)} conflict"
