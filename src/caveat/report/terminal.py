"""The answer for people at a terminal: verdict first, then why, then what to do, then what was presumed.

Each function turns one part of an answer into lines; only `ink` knows about cells and colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from caveat.report import words
from caveat.report.ink import Ink, Line, Span, cells, hanging, indent, table, wrap
from caveat.report.outline import Answer, Section, sections, tally, tops, whole
from caveat.verdict.answer import (
    Cited,
    Doubt,
    Duty,
    Finding,
    Graph,
    GraphEdge,
    GraphNode,
    LawUsed,
    May,
    PathStep,
    Report,
    Verdict,
)

NARROWEST, WIDEST = 40, 140
BLANK: Line = ()
ROLE = 18  # cells of the word about an asset, at most
LABEL = 10  # cells of the words before a wrapped text: fix, note, owed
MOST_STEPS = 12  # of one path
MOST_DRAWN = 200  # lines of one lineage
DEEPEST = 36  # cells of branches before a lineage is cut off
ROOMY = 100  # cells from which on a line has room for more than the first place


def render(answer: Answer, width: int = 80, colour: bool = False, encoding: str = "utf-8") -> str:
    """The whole answer. `width` in cells; `colour` as the command line decided; ASCII unless `encoding` is UTF."""
    ink = Ink(min(max(width, NARROWEST), WIDEST), colour, encoding)
    if isinstance(answer, Graph):
        return ink.paint(trace(answer, ink))
    head = question_head(answer, ink) if isinstance(answer, Verdict) else report_head(answer, ink)
    body = [line for s in sections(answer) for line in section_lines(s, ink)]
    may = may_lines(answer.may, ink) if isinstance(answer, Report) else []
    return ink.paint([*head, *body, *may, *foot(answer, ink)])


def headline(verdict: str, rest: Sequence[Span], ink: Ink) -> list[Line]:
    """`✗ prohibited   what it is about`."""
    return hanging([ink.span(words.sign(verdict), verdict)], rest, 16, ink.width)


def labelled(label: str, text: str, ink: Ink, style: str = "", at: int = 4, column: int = LABEL) -> list[Line]:
    """A dim label and a wrapped text in its own column."""
    return indent(hanging([ink.span(label, "dim")], [ink.span(text, style)], column, ink.width - at), at)


# --- the head ---


def question_head(answer: Verdict, ink: Ink) -> list[Line]:
    """The verdict, how the question was read, and each plan's own verdict if there are several."""
    lines = headline(answer.verdict, [ink.span(answer.subject, "name")], ink)
    lines += labelled("read as", answer.read_as, ink, at=2)
    if len(answer.plans) > 1:
        lines += [BLANK, *indent(table([_plan_row(p, v, ink) for p, v in answer.plans], ink.width - 2), 2)]
    return lines


def _plan_row(plan: str, verdict: str, ink: Ink) -> list[list[Span]]:
    return [[ink.span(words.sign(verdict), verdict)], [ink.span(plan)]]


def report_head(answer: Report, ink: Ink) -> list[Line]:
    """The verdict counted, the asset, and what it says of itself."""
    about = [ink.name(answer.subject, ink.width - 18, "name"), ink.span(f"  {answer.kind}", "dim")]
    lines = headline(answer.verdict, about, ink)
    for d in answer.declared:
        laws = "" if d.laws == (d.raw,) else f" → {' + '.join(d.laws) or 'no licence we know'}"
        lines += labelled("declared", f"{d.raw}{laws}  {words.place(d.place)}", ink, at=2)
    return lines


# --- findings ---


def section_lines(section: Section, ink: Ink) -> list[Line]:
    """A heading, the findings told in full, and one line for what is permitted."""
    lines = [BLANK, (ink.span(section.title, "title"),)] if section.title else []
    for i, f in enumerate(section.told):
        lines += [*([BLANK] if i or not section.title else []), *finding_lines(f, ink)]
    if section.folded:
        lines += [*([BLANK] if section.told or not section.title else []), *folded_lines(section.folded, ink)]
    for f in section.brief:
        lines += brief_line(f, ink)
    if section.left_out:
        lines += labelled("", f"… and {section.left_out} more; --format json has them all", ink, at=2, column=0)
    return lines


def folded_lines(folded: Sequence[Finding], ink: Ink) -> list[Line]:
    """`✓ permitted   run, ship · under apache-2.0`."""
    deeds = [f"{words.deed(f)} ({_sources(f)})" for f in folded[:8]]
    more = [f"… and {len(folded) - 8} more"] if len(folded) > 8 else []
    return headline("permitted", [ink.span(" · ".join(deeds + more))], ink)


def brief_line(f: Finding, ink: Ink) -> list[Line]:
    """`~ depends   generate gpt-4 → set  by somebody  (clauses; doubts)`."""
    rest = [ink.span(words.deed(f)), ink.span(f"  {words.actor(f)}  ", "dim"), ink.span(f"({words.hangs(f)})", "dim")]
    return headline(f.verdict, rest, ink)


def _sources(f: Finding) -> str:
    clauses = ", ".join(f"§{r.clause}" for r in f.rules[:3] if r.clause)
    return f"{f.licence} {clauses}".strip()


def finding_lines(f: Finding, ink: Ink) -> list[Line]:
    """Verdict and act, then the clauses, the path, what would help, what it hangs on, what is owed."""
    who = [ink.span(f"  {words.actor(f)}", "dim")] if f.whose else []
    parts: list[list[Line]] = [
        headline(f.verdict, [ink.span(words.deed(f), "name"), *who], ink),
        [line for r in words.telling(f) for line in rule_lines(r, ink)] or labelled("", f.licence, ink, at=2, column=0),
        labelled("note", f.note, ink) if f.note else [],
        path_lines(f.path, ink),
        [line for change, after in f.fixes for line in _fix(change, after, ink)],
        [line for d in f.doubts for line in doubt_lines(d, ink)],
        duty_block(f.duties, ink),
        labelled("accepted", words.accepted(f.accepted), ink) if f.accepted else [],
        labelled("baseline", words.BASELINE[f.baseline], ink) if f.baseline in words.BASELINE else [],
    ]
    return [line for part in parts for line in part]


def _fix(change: str, after: str, ink: Ink) -> list[Line]:
    return labelled("fix", f"{change}{f' → {words.sign(after)}' if after else ''}", ink)


def rule_lines(r: Cited, ink: Ink) -> list[Line]:
    """Where it stands, what the rule is called, and its gist."""
    head = [ink.span(words.clause(r), "bold"), ink.span(f"  {r.rule}", "dim")]
    return indent([*wrap(head, ink.width - 2), *wrap([ink.span(r.gist)], ink.width - 2)], 2)


def doubt_lines(d: Doubt, ink: Ink) -> list[Line]:
    """What the answer hangs on, with the outcome on either side."""
    lines = labelled("hangs on", f"{d.about}, {words.doubt_kind(d)}", ink)
    sides = [
        [[ink.name(value, max(16, ink.width - 44))], [ink.span(f"→ {words.sign(v)}", v if v in words.SIGNS else "")]]
        for value, v in d.outcomes
    ]
    return lines + (indent(table(sides, ink.width - 4 - LABEL, gap=2), 4 + LABEL) if sides else [])


def duty_block(duties: Sequence[Duty], ink: Ink) -> list[Line]:
    """What is owed: unmet before met, each with its state as sign and word."""
    return [line for d in sorted(duties, key=words.duty_order) for line in duty_lines(d, ink)]


def duty_lines(d: Duty, ink: Ink) -> list[Line]:
    """`○ unmet   A notice file with four parts.  llama-2 §1.b.iii` and what would meet it."""
    mark = ink.span(words.duty_state(d), d.state if d.state in words.DUTY_SIGNS and not d.whose else "dim")
    body = [ink.span(words.duty(d)), ink.span(f" {words.clause(d.cited)}", "dim")]
    lines = indent(hanging([mark], body, 17, ink.width - 4), 4)
    hint = wrap([ink.span(f"→ {d.how}", "dim")], ink.width - 21) if d.how and d.state != "met" else []
    return lines + indent(hint, 21)


# --- paths ---

Row = tuple[str, str, str, str]  # the branch, the name, a word about it, and what is said on the right


def path_lines(path: Sequence[PathStep], ink: Ink) -> list[Line]:
    """The proof as a tree: each asset, its role, and on the right where the step was read."""
    shown = list(path)
    if len(shown) > MOST_STEPS:
        gap = PathStep(f"{len(shown) - MOST_STEPS} more steps", "", "…", "", ())
        shown = [*shown[: MOST_STEPS // 2], gap, *shown[-MOST_STEPS // 2 :]]
    return indent(aligned([_step_row(i, s, ink) for i, s in enumerate(shown)], ink, ink.width - 4), 4)


def _step_row(i: int, step: PathStep, ink: Ink) -> Row:
    branch = f"{'  ' * min(i - 1, 8)}└ {step.act} → " if i else ""
    right = [f"by {words.named(step.by, 32)}"] * bool(step.by) + [words.places(step.evidence, _most_places(ink))]
    return branch, step.asset, step.role, " · ".join(part for part in right if part)


def _most_places(ink: Ink) -> int:
    return 1 if ink.width < ROOMY else 2


def aligned(rows: Sequence[Row], ink: Ink, width: int) -> list[Line]:
    """Branch and name, a word, and the right in its own column; on a narrow terminal the right goes below."""
    if not rows:
        return []
    word = min(max(cells([ink.span(row[2])]) for row in rows), ROLE) + 2
    beside = width >= 60
    most = (width - word) * (58 if beside else 100) // 100 - 2
    left = min(max(cells([ink.span(row[0] + row[1])]) for row in rows), most) + 2
    at = left + word if beside else 4
    return [line for row in rows for line in _aligned_row(ink, row, left, at, width)]


def _aligned_row(ink: Ink, row: Row, left: int, at: int, width: int) -> list[Line]:
    fits = cells([ink.span(row[0] + row[1])]) <= left - 2
    branch = ink.name(row[0], left if fits else left * 2 // 3, "dim")
    room = left - 2 - cells([branch])
    name = row[1] if cells([ink.span(row[1])]) <= room else words.owner_and_name(row[1])[1]
    head = [branch, ink.name(name, room), Span("")]
    head += [Span(" " * (left - cells(head))), ink.name(row[2], ROLE, "role")]
    return hanging(head, [ink.span(row[3], "dim")], at, width)


# --- a lineage ---


def trace(graph: Graph, ink: Ink) -> list[Line]:
    """The lineage from the asset back to its origins; what was drawn once is named, not drawn again."""
    nodes, edges = whole(graph)
    if not nodes:
        return [(ink.span("No lineage was found."),)]
    tree = Tree({n.id: n for n in nodes}, edges, _most_places(ink) if ink.width >= ROOMY else 0)
    rows = [row for top in tops(nodes, edges) for row in tree.rows(top, "", "", None)]
    if len(rows) > MOST_DRAWN:
        rows = [*rows[:MOST_DRAWN], ("", f"… and {len(rows) - MOST_DRAWN} more; --format json has them all", "", "")]
    return aligned(rows, ink, ink.width)


class Tree:
    """The drawing of one lineage: what it knows, and what it drew already."""

    def __init__(self, known: dict[str, GraphNode], edges: Sequence[GraphEdge], most_places: int) -> None:
        self.known, self.most_places, self.drawn = known, most_places, set[str]()
        self.below: dict[str, list[GraphEdge]] = {}
        for e in edges:
            self.below.setdefault(e.child, []).append(e)

    def rows(self, node: GraphNode, lead: str, fork: str, edge: GraphEdge | None) -> Iterator[Row]:
        """One asset and its origins. Depth and length are bounded: a lineage may be hostile."""
        again = node.id in self.drawn and node.id in self.below
        yield self._row(node, lead + fork, edge, again)
        if again or len(lead) > DEEPEST or len(self.drawn) > MOST_DRAWN:
            return
        self.drawn.add(node.id)
        deeper = lead + {"": "", "├ ": "│ ", "└ ": "  "}[fork]
        below = self.below.get(node.id, [])
        for i, e in enumerate(below, 1):
            yield from self.rows(self.known[e.parent], deeper, "└ " if i == len(below) else "├ ", e)

    def _row(self, node: GraphNode, lead: str, edge: GraphEdge | None, again: bool) -> Row:
        act = f"{edge.act} ← " if edge else ""
        right = [
            *(words.mark(m) for m in node.marks),
            *words.held_as(node),
            f"by {words.named(edge.by, 32)}" if edge and edge.by else "",
            words.places(edge.evidence, self.most_places) if edge and self.most_places else "",
            "drawn above" if again else "",
        ]
        return lead + act, node.id, node.kind, " · ".join(part for part in right if part)


# --- the foot ---


def may_lines(may: Sequence[May], ink: Ink) -> list[Line]:
    """The table of what you may do with it: act, verdict, what is owed or what stands against it."""
    if not may:
        return []
    rows = [row for m in may for row in _may_rows(m, ink)]
    return [BLANK, (ink.span(words.MAY_TITLE, "title"),), *indent(table(rows, ink.width - 2), 2)]


def _may_rows(m: May, ink: Ink) -> Iterator[list[list[Span]]]:
    """A row a thing said; act and verdict stand in the first."""
    head = [[ink.name(m.act, ink.width - 24)], [ink.span(words.sign(m.verdict), m.verdict)]]
    for said in words.may_says(m) or [""]:
        yield [*head, [ink.span(said)]]
        head = [[Span("")], [Span("")]]


def foot(answer: Verdict | Report, ink: Ink) -> list[Line]:
    """The count, what was not read, always owed, presumed and settled, and on which law."""
    settled = answer.settled if isinstance(answer, Report) else ()
    blocks: list[tuple[str, str]] = [
        *(("problem", words.problem(p)) for p in answer.problems),
        *(("always", f"{s.gist} ({words.clause(s)})") for s in answer.standing),
        *(("settled", words.settled(s)) for s in settled),
        *_presumed(answer),
    ]
    count = wrap([ink.span(tally(answer), "bold")], ink.width) if answer.findings else []
    lines = [line for label, text in _told_once(blocks) for line in labelled(label, text, ink, at=0)]
    return [BLANK, *count, *lines, *law_lines(answer.law, ink)]


def _presumed(answer: Verdict | Report) -> list[tuple[str, str]]:
    said = "; ".join(p.says for p in answer.presumed)
    return [("presumed", f"{said} (--presume nothing to ask)")] if said else []


def _told_once(blocks: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """A label is written once for a run of blocks."""
    before = ""
    for label, text in blocks:
        yield ("" if label == before else label), text
        before = label


def law_lines(law: Sequence[LawUsed], ink: Ink) -> list[Line]:
    """That this is no advice, and which law files it rests on."""
    used = f" Law files: {', '.join(words.law_used(u) for u in law)}." if law else ""
    weak = [line for u in law if u.weak for line in labelled("weak", f"{u.licence}: {u.weak}", ink, at=0)]
    own = [line for u in law if u.own for line in labelled("own law", f"{u.licence}: {u.own}", ink, at=0)]
    return [*own, *weak, *wrap([ink.span(words.DISCLAIMER + used, "dim")], ink.width)]
