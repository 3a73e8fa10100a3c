"""The lineage as one drawing, because who was made from whom is understood faster than read.

Roles are told by colour and by shape, conflicts by a sign and a pattern; the SVG needs no script, font or style sheet
of others, and every text in it is escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from caveat.report import words
from caveat.report.escape import cut, for_html, visible
from caveat.report.layout import Layout, Spot, layered
from caveat.report.outline import Edge, nearest_part
from caveat.verdict.answer import Graph, GraphEdge, GraphNode

MOST_NODES = 60
MOST_EDGES = 240
BOX, HIGH, ACROSS, DOWN, MARGIN = 188, 64, 216, 146, 20  # pixels
TEXT = "#1c1e21"
QUIET = "#54585d"
HOT = "#b23c00"
LETTERS = 20  # of a name inside a box

Point = tuple[float, float]
Shape = Callable[[float, float], str]


def draw(graph: Graph, hot: frozenset[Edge] = frozenset(), name: str = "lineage") -> str:
    """The graph as an SVG element. `hot` are the steps a prohibition rests on; `name` keeps ids of drawings apart."""
    part, left_out = nearest_part(graph, MOST_NODES)
    edges = _bundled(part.edges)
    layout = layered([n.id for n in part.nodes], list(edges))
    circles = any(layout.spots[parent].layer >= layout.spots[child].layer for parent, child in edges)
    width = MARGIN * 2 + BOX + (layout.across - 1) * ACROSS + 90 * circles
    high = MARGIN * 2 + HIGH + (max(layout.layers, 1) - 1) * DOWN
    body = [
        _defs(name),
        *(_line(layout, ends, same, hot, name) for ends, same in edges.items()),
        *(_node(n, layout.spots[n.id], name) for n in part.nodes),
        *(_label(layout, ends, same, hot) for ends, same in edges.items()),
        _note(left_out, high),
    ]
    return _svg(name, width, high + 24 * bool(left_out), _described(part, left_out), body)


def _bundled(edges: Sequence[GraphEdge]) -> Mapping[tuple[str, str], list[GraphEdge]]:
    """Steps between the same two assets share one line."""
    out: dict[tuple[str, str], list[GraphEdge]] = {}
    for e in edges[:MOST_EDGES]:
        out.setdefault((e.parent, e.child), []).append(e)
    return out


def _svg(name: str, width: float, high: float, says: str, body: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="picture" role="img" viewBox="0 0 {width:.0f} {high:.0f}" '
        f'width="{width:.0f}" height="{high:.0f}" aria-labelledby="{name}-title {name}-desc" '
        f'font-family="system-ui, sans-serif" font-size="13">'
        f'<title id="{name}-title">Lineage: what was made from what</title>'
        f'<desc id="{name}-desc">{says}</desc>{"".join(body)}</svg>'
    )


def _described(graph: Graph, left_out: int) -> str:
    """The picture in words, for those who do not see it."""
    steps = (f"{cut(visible(e.child), 60)}: {e.act} {cut(visible(e.parent), 60)}" for e in graph.edges[:MOST_EDGES])
    more = f" {left_out} more assets are not drawn." if left_out else ""
    return for_html("; ".join(steps) + "." + more, longest=20_000)


def _defs(name: str) -> str:
    """Arrow heads, and the stripes that mark a conflict."""
    arrow = (
        '<marker id="{id}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="11" markerHeight="11"'
        ' markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="{fill}" class="{look}"/></marker>'
    )
    return (
        "<defs>"
        + arrow.format(id=f"{name}-arrow", fill=QUIET, look="p-tip")
        + arrow.format(id=f"{name}-hot", fill=HOT, look="p-tip-hot")
        + f'<pattern id="{name}-stripes" width="7" height="7" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0v7" stroke="{HOT}" stroke-width="2" opacity=".35"/></pattern>'
        "</defs>"
    )


# --- nodes ---


def _node(n: GraphNode, spot: Spot, name: str) -> str:
    """A box in the shape of the role, the name, the kind and licences, and a sign if something is wrong."""
    x, y = _centre(spot)
    role = drawn_role(n)
    look = words.look(role)
    thick = 3 if n.subject else 1.5
    d = SHAPES[look.shape](x, y)
    base = role.split("/", 1)[0] if look is not words.FREE else "free"
    dashed = ' stroke-dasharray="5 4"' if look is words.FREE else ""
    parts = [
        f'<path d="{d}" fill="{look.fill}" stroke="{look.line}" stroke-width="{thick}" class="p-{base}"{dashed}/>',
        f'<path d="{d}" fill="url(#{name}-stripes)"/>' if n.marks else "",
        *_texts(n, role, x, y),
        _badge(n, x, y) if n.marks else "",
    ]
    return f"<g><title>{_says(n)}</title>{''.join(parts)}</g>"


def drawn_role(n: GraphNode) -> str:
    """The role a node is drawn as: the one that binds most."""
    bases = {role.split("/", 1)[0]: role for _, role in reversed(n.roles)}
    return next((bases[r] for r in words.ROLE_ORDER if r in bases), "")


def _texts(n: GraphNode, role: str, x: float, y: float) -> list[str]:
    second = " · ".join(part for part in (n.kind, " + ".join(n.licences)) if part)
    owner, short = words.owner_and_name(n.id)
    above, title = (owner, short) if len(n.id) > LETTERS else ("", n.id)
    roles = ", ".join(dict.fromkeys([role, *(r for _, r in n.roles)])) if role else ""
    weight = ' font-weight="700"' if n.subject else ' font-weight="600"'
    lines = [
        (cut(visible(title), LETTERS), 13, weight, TEXT, "p-text"),
        (cut(visible(second), 28), 11, "", QUIET, "p-quiet"),
        (cut(roles, 28), 11, ' font-style="italic"', QUIET, "p-quiet"),
    ]
    if above:
        lines.insert(0, (cut(visible(above), 28), 10, "", QUIET, "p-quiet"))
    return _stacked([line for line in lines if line[0]], x, y)


def _stacked(lines: Sequence[tuple[str, int, str, str, str]], x: float, y: float) -> list[str]:
    """Lines of text, centred on the point as one block."""
    top = y - sum(size + 2 for _, size, *_ in lines) / 2
    out = []
    for text, size, extra, fill, look in lines:
        top += size + 2
        out.append(
            f'<text x="{x:.0f}" y="{top - 3:.0f}" text-anchor="middle" font-size="{size}" fill="{fill}" '
            f'class="{look}"{extra}>{for_html(text)}</text>'
        )
    return out


def _badge(n: GraphNode, x: float, y: float) -> str:
    """The sign of the worst mark in the corner."""
    worst = min(n.marks, key=words.badness)
    glyph = words.SIGNS.get(worst, words.SIGNS["prohibited"])
    cx, cy = x + BOX / 2 - 6, y - HIGH / 2 + 4
    return (
        f'<circle cx="{cx:.0f}" cy="{cy:.0f}" r="11" fill="{HOT}" class="p-badge"/><text x="{cx:.0f}" '
        f'y="{cy + 5:.0f}" text-anchor="middle" font-size="14" font-weight="700" fill="#fff">{glyph}</text>'
    )


def _says(n: GraphNode) -> str:
    """All that is known of a node, as its tooltip."""
    roles = [f"{role} of {law}" for law, role in n.roles]
    return for_html(" · ".join([n.id, n.kind, *n.licences, *roles, *n.marks]), longest=900)


def _centre(s: Spot) -> tuple[float, float]:
    return MARGIN + BOX / 2 + s.x * ACROSS, MARGIN + HIGH / 2 + s.layer * DOWN


def _polygon(*points: tuple[float, float]) -> str:
    return "M" + " ".join(f"{x:.0f} {y:.0f}" for x, y in points) + "z"


def _cornered(lean: float, notch: float = 0) -> Shape:
    """A box whose upper corners move by `lean` and whose sides point outwards by `notch`."""

    def shape(x: float, y: float) -> str:
        w, h = BOX / 2, HIGH / 2
        return (
            _polygon(
                (x - w + max(lean, notch), y - h),
                (x + w - notch, y - h),
                (x + w, y),
                (x + w - max(lean, notch), y + h),
                (x - w + notch, y + h),
                (x - w, y),
            )
            if notch
            else _polygon((x - w + lean, y - h), (x + w, y - h), (x + w - lean, y + h), (x - w, y + h))
        )

    return shape


def _rounded(r: float) -> Shape:
    def shape(x: float, y: float) -> str:
        left, top = x - BOX / 2, y - HIGH / 2
        return (
            f"M{left + r:.0f} {top:.0f}h{BOX - 2 * r:.0f}a{r} {r} 0 0 1 {r} {r}v{HIGH - 2 * r:.0f}"
            f"a{r} {r} 0 0 1 -{r} {r}h-{BOX - 2 * r:.0f}a{r} {r} 0 0 1 -{r} -{r}v-{HIGH - 2 * r:.0f}"
            f"a{r} {r} 0 0 1 {r} -{r}z"
        )

    return shape


def _notched(x: float, y: float) -> str:
    w, h, c = BOX / 2, HIGH / 2, 12
    return _polygon(
        (x - w, y - h), (x + w - c, y - h), (x + w, y - h + c), (x + w, y + h), (x - w + c, y + h), (x - w, y + h - c)
    )


def _double(x: float, y: float) -> str:
    w, h = BOX / 2 - 5, HIGH / 2 - 5
    inner = _polygon((x - w, y - h), (x - w, y + h), (x + w, y + h), (x + w, y - h))
    return _cornered(0)(x, y) + inner + _polygon((x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h))


#: Shape of a role -> its outline around a centre, as path data.
SHAPES: dict[str, Shape] = {
    "box": _cornered(0),
    "double": _double,
    "hexagon": _cornered(0, 14),
    "notched": _notched,
    "pill": _rounded(32),
    "plain": _rounded(4),
    "round": _rounded(14),
    "slant": _cornered(14),
}


def swatch(role: str) -> str:
    """The shape and colour of a role as a small drawing, for a legend beside its word."""
    look = words.look(role)
    d = SHAPES[look.shape](BOX / 2, HIGH / 2)
    return (
        f'<svg class="swatch" aria-hidden="true" width="44" height="18" viewBox="-6 -6 {BOX + 12} {HIGH + 12}">'
        f'<path d="{d}" fill="{look.fill}" stroke="{look.line}" stroke-width="6" class="p-{role}"/></svg>'
    )


# --- edges ---


def _line(layout: Layout, ends: tuple[str, str], same: Sequence[GraphEdge], hot: frozenset[Edge], name: str) -> str:
    """A smooth line from the foot of the parent to the head of the child, through the unseen points."""
    is_hot = _is_hot(same, hot)
    path = _route(layout, ends)
    bend = _bend if path[0][1] < path[-1][1] else _bow
    d = f"M{path[0][0]:.0f} {path[0][1]:.0f}" + "".join(bend(a, b) for a, b in pairwise(path))
    colour, look, tip = (HOT, "p-line-hot", "hot") if is_hot else (QUIET, "p-line", "arrow")
    extra = ' stroke-dasharray="9 4"' if is_hot else ""
    return (
        f'<path d="{d}" fill="none" stroke="{colour}" stroke-width="{3 if is_hot else 1.5}" class="{look}"{extra} '
        f'marker-end="url(#{name}-{tip})"/>'
    )


def _route(layout: Layout, ends: tuple[str, str]) -> list[Point]:
    """From foot to head through the unseen points; a step that closes a circle goes round the right-hand side."""
    points = [_centre(s) for s in layout.lines[ends]]
    (x, y), (to_x, to_y) = points[0], points[-1]
    if y >= to_y:
        return [(x + BOX / 2, y), (to_x + BOX / 2, to_y)]
    return [(x, y + HIGH / 2), *points[1:-1], (to_x, to_y - HIGH / 2 - 1)]


def _on_first_bend(path: Sequence[Point]) -> Point:
    """Where a label stands: a bit before the middle of the first bend, so that lines that meet keep theirs apart."""
    (ax, ay), (bx, by) = path[0], path[1]
    if ay >= by:
        return (max(ax, bx) + 30, (ay + by) / 2)
    return (ax + (bx - ax) * 0.352, ay + (by - ay) * 0.424)


def _bow(a: Point, b: Point) -> str:
    out = max(a[0], b[0]) + 70
    return f"C{out:.0f} {a[1]:.0f} {out:.0f} {b[1]:.0f} {b[0]:.0f} {b[1]:.0f}"


def _bend(a: Point, b: Point) -> str:
    half = (b[1] - a[1]) / 2
    return f"C{a[0]:.0f} {a[1] + half:.0f} {b[0]:.0f} {b[1] - half:.0f} {b[0]:.0f} {b[1]:.0f}"


def _is_hot(same: Sequence[GraphEdge], hot: frozenset[Edge]) -> bool:
    return any((e.child, e.act, e.parent) in hot for e in same)


def _label(layout: Layout, ends: tuple[str, str], same: Sequence[GraphEdge], hot: frozenset[Edge]) -> str:
    """The acts and who did them, on a ground of its own in the middle of the first stretch."""
    x, y = _on_first_bend(_route(layout, ends))
    acts = ", ".join(dict.fromkeys(e.act for e in same))
    who = ", ".join(dict.fromkeys(e.by for e in same if e.by))
    text = cut(visible(f"{acts}{f' · {who}' if who else ''}"), 26)
    sign = f"{words.SIGNS['prohibited']} " if _is_hot(same, hot) else ""
    wide = 7 * len(sign + text) + 10
    return (
        f'<rect x="{x - wide / 2:.0f}" y="{y - 9:.0f}" width="{wide}" height="18" rx="9" fill="#fff" '
        f'class="p-ground"/><text x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle" font-size="11" fill="{TEXT}" '
        f'class="p-text">{sign}{for_html(text)}</text>'
    )


def _note(left_out: int, high: float) -> str:
    if not left_out:
        return ""
    return (
        f'<text x="{MARGIN}" y="{high + 8:.0f}" font-size="12" fill="{QUIET}" class="p-quiet">'
        f"{words.plural(left_out, 'more asset is', 'more assets are')} not drawn; the JSON form has them all.</text>"
    )
