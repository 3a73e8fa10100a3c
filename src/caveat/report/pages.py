"""Pages of `explain` and `compare` in every form: one small function a form, the same parts in each."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from html import escape as html_escape

from caveat.report import escape
from caveat.verdict.document import Document, Part


def tell(form: str, page: Document, width: int = 80, colour: bool = False) -> str:
    """The page in one form; `width` and `colour` matter to the terminal only."""
    if form == "terminal":
        return "\n".join(_terminal(page, width, colour))
    return _FORMS[form](page)


# -- terminal -----------------------------------------------------------------------------------------------------
def _terminal(page: Document, width: int, colour: bool) -> Iterator[str]:
    yield _bold(escape.visible(page.title), colour)
    for part in page.parts:
        yield from _TERMINAL[part.kind](part, width, colour)


def _bold(words: str, colour: bool) -> str:
    return f"\x1b[1m{words}\x1b[0m" if colour else words


def _heading(part: Part, width: int, colour: bool) -> Iterator[str]:
    yield ""
    yield _bold(escape.visible(part.rows[0][0]), colour)


def _paragraph(part: Part, width: int, colour: bool) -> Iterator[str]:
    yield from textwrap.wrap(escape.visible(part.rows[0][0], 4000), width)


def _items(part: Part, width: int, colour: bool) -> Iterator[str]:
    for (item,) in part.rows:
        yield from textwrap.wrap(escape.visible(item, 4000), width, initial_indent="  - ", subsequent_indent="    ")


def _table(part: Part, width: int, colour: bool) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [tuple(escape.visible(c, 2000) for c in row) for row in part.rows]
    widths = _columns(rows, width)
    for n, row in enumerate(rows):
        cells = [textwrap.wrap(c, w) or [""] for c, w in zip(row, widths)]
        for k in range(max(map(len, cells))):
            line = "  ".join((c[k] if k < len(c) else "").ljust(w) for c, w in zip(cells, widths)).rstrip()
            yield _bold(line, colour and n == 0)
        if n == 0:
            yield "  ".join("-" * w for w in widths)


def _columns(rows: list[tuple[str, ...]], width: int) -> list[int]:
    """Widths of columns: as wide as they need, the widest shrinking first until the row fits."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    room = width - 2 * (len(widths) - 1)
    while sum(widths) > room and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    return widths


_TERMINAL: dict[str, Callable[[Part, int, bool], Iterator[str]]] = {
    "heading": _heading, "text": _paragraph, "list": _items, "table": _table,
}


# -- others -------------------------------------------------------------------------------------------------------
def _json(page: Document) -> str:
    return json.dumps(page.to_dict(), ensure_ascii=False)


def _markdown(page: Document) -> str:
    parts = [f"# {escape.for_markdown(page.title)}"]
    for part in page.parts:
        rows = [[escape.for_markdown(c, 4000) for c in row] for row in part.rows]
        if part.kind == "table":
            lines = [f"| {' | '.join(r)} |" for r in rows]
            lines.insert(1, "|" + " --- |" * len(rows[0]))
            parts.append("\n".join(lines))
        else:
            mark = {"heading": "## ", "list": "- "}.get(part.kind, "")
            parts.append("\n".join(mark + r[0] for r in rows))
    return "\n\n".join(parts) + "\n"


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:auto;padding:1rem;color:#1a1a1a;background:#fff}"
    "table{border-collapse:collapse;display:block;overflow-x:auto}td,th{border:1px solid #999;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}@media(prefers-color-scheme:dark){body{color:#eee;background:#161616}}"
)


def _html(page: Document) -> str:
    title = html_escape(escape.visible(page.title))
    body = "\n".join(_html_part(p) for p in page.parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><h1>{title}</h1>\n{body}\n</body></html>\n"
    )


def _html_part(part: Part) -> str:
    rows = [[html_escape(escape.visible(c, 4000)) for c in row] for row in part.rows]
    if part.kind == "table":
        head = "".join(f"<th>{c}</th>" for c in rows[0])
        body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in r) + "</tr>" for r in rows[1:])
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if part.kind == "list":
        return "<ul>" + "".join(f"<li>{r[0]}</li>" for r in rows) + "</ul>"
    tag = {"heading": "h2", "text": "p"}[part.kind]
    return f"<{tag}>{rows[0][0]}</{tag}>"


_FORMS: dict[str, Callable[[Document], str]] = {"json": _json, "markdown": _markdown, "html": _html}
