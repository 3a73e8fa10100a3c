"""From the text of a licence to its clauses, each under the number that the text prints: for authors of fingerprints.

Numbers stand at the start of a line (`1.`, `(a)`, `iv.`, `3.1`, `Section 4`, `Attachment A`, bullets) or, in a list
inside a sentence, as `(a) ... (b) ...`; texts that print no numbers are numbered by their indentation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

ROMAN = ("i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii xviii xix xx").split()
CHAPTER = re.compile(r"(?:(?:section|article)\s+([0-9]{1,2})|"
                     r"(?:attachment|exhibit|appendix|annex)\s+([0-9]{1,2}|[A-Z]))\b[.: –—-]*", re.I)
DECIMAL = re.compile(r"((?:[A-Z]\.)?[0-9]{1,2}(?:\.[0-9]{1,2})+(?:\.[a-z])?)[.)]?\s+|([A-Z]\.[0-9]{1,2})\.\s*|"
                     r"([0-9]{1,2}\.[0-9]{1,2})\.?(?=[A-Z])")
NUMBER = re.compile(r"(\()?([0-9]{1,2})(\.|\))\s*")
LETTER = re.compile(r"(\()?([A-Za-z])(\.|\)\.?)\s+")
SMALL = re.compile(r"(\()?([ivx]{1,5}|[IVX]{1,5})(\.|\)\.?)\s+")
BULLET = re.compile(r"([-*•·●○])\s+")
#: A text with a longer line than this has one line a paragraph.
WRAPPED = 250
#: A chapter number may follow on a clause such as 5.2: it opens chapter 6.
OPENED_BY = {"number.a": "decimal"}
INSIDE = re.compile(r"(?<=[\s:;,])\(([a-z]|[ivx]{2,5}|[A-Z]|[0-9])\)\s")


class Segment(NamedTuple):
    """One clause: its label as printed ("1.b.v"), and the pieces of text that belong to it alone."""

    label: str
    pieces: tuple[str, ...]


class Rung(NamedTuple):
    """One step of the ladder from the chapter down to where a line stands."""

    style: str
    indent: int
    label: str
    count: int
    printed: int = 0


class Shape(NamedTuple):
    """How a text numbers its clauses. `form`: how each level is labelled ("1ai"), whatever is printed; `outline`: from
    this indentation on, paragraphs without a number are counted (-1: never), once a line matched `start`;
    `headings`: beginnings of lines (lower case) that open a clause of their own."""

    form: str = ""
    outline: int = -1
    start: str = ""
    headings: tuple[tuple[str, str], ...] = ()


def segments(text: str, shape: Shape) -> list[Segment]:
    """The clauses of a text in written order."""
    found: list[Segment] = []
    for label, row in _labelled(text, shape):
        for inner, piece in _inside(label, row):
            if found and found[-1].label == inner:
                found[-1] = Segment(inner, (*found[-1].pieces, piece))
            else:
                found.append(Segment(inner, (piece,)))
    return found


def _labelled(text: str, shape: Shape) -> Iterator[tuple[str, str]]:
    """Paragraphs with the label that they stand under; wrapped lines are joined."""
    ladder: list[Rung] = []
    label, held, blank, open = "head", [], True, not shape.start
    heads, unwrapped = 0, max(map(len, text.split("\n"))) > WRAPPED
    for row in text.replace("\r", "").split("\n"):
        bare = re.sub(r"^[#>\s]+", "", row.replace("**", "").replace("\\", "").replace("__", "").expandtabs(4)).strip()
        indent = len(row.expandtabs(4)) - len(row.expandtabs(4).lstrip(" #>"))
        if not bare:
            blank = True
            continue
        open = open or bool(re.match(shape.start, bare))
        counted = open and (blank or unwrapped) and 0 <= shape.outline <= indent
        step = _step(bare, indent, ladder, counted, shape.headings) if open else None
        if step is not None:
            if held:
                yield label, "\n".join(held)
            ladder, bare = step
            label, held = _spelt(ladder, shape.form), [bare]
        elif blank:
            yield label, "\n".join(held)
            ladder = _dropped(ladder, indent)
            heads += not ladder
            label, held = _spelt(ladder, shape.form) if ladder else f"head.{heads}", [bare]
        else:
            held.append(bare)
        blank = False
    yield label, "\n".join(held)


def _step(bare: str, indent: int, ladder: list[Rung], outline: bool,
          headings: tuple[tuple[str, str], ...]) -> tuple[list[Rung], str] | None:
    """The new ladder and the rest of the line, if the line opens a clause."""
    bulleted = BULLET.match(bare)
    inner = bare[bulleted.end():] if bulleted else bare
    for start, name in headings:
        if inner.lower().startswith(start) or NUMBER.sub("", inner, count=1).lower().startswith(start):
            style, count = ("number.a", int(name)) if name.isdigit() else ("heading", 1)
            return [Rung(style, -1, name, count, count)], inner
    if chapter := CHAPTER.match(bare):
        return [Rung("chapter", -1, chapter[1] or chapter[2], 1)], bare[chapter.end():]
    if decimal := DECIMAL.match(inner):
        found = next(g for g in decimal.groups() if g)
        chapter = found.split(".")[0]
        return [Rung("decimal", -1, found, 1, int(chapter) if chapter.isdigit() else 0)], inner[decimal.end():]
    for style, pattern in (("number", NUMBER), ("letter", LETTER), ("small", SMALL)):
        if (match := pattern.match(inner)) and (rungs := _climb(style, match, indent, ladder)):
            return rungs, inner[match.end():]
    if bulleted:
        return _counted("bullet", indent, ladder), inner
    return (_counted("outline", indent, ladder), bare) if outline else None


def _climb(style: str, match: re.Match[str], indent: int, ladder: list[Rung]) -> list[Rung] | None:
    """A printed number: the next at a level that is open, or the first of a new one below."""
    printed = match[2]
    style = f"{style}{match[1] or ''}{match[3][0]}{'A' if printed.isupper() else 'a'}"
    value = _value(style, printed)
    if value is None:
        return None
    for depth in range(len(ladder) - 1, -1, -1):
        rung = ladder[depth]
        if rung.style == style and value == 1 and rung.indent == indent > 0:
            return [*ladder[:depth], Rung(style, indent, printed, rung.count + 1, 1)]  # Markdown that counts anew
        skipped = rung.style == style == "number.a" and rung.indent == indent and rung.printed + 2 == value
        follows = rung.style in (style, OPENED_BY.get(style)) and rung.printed + 1 == value
        if (follows or skipped) and not (rung.indent < indent - 1 and value == 1):
            return [*ladder[:depth], Rung(style, indent, printed, rung.count + 1, value)]
    if value == 1 and ladder and ladder[-1].style == style and ladder[-1].indent == indent:
        return [*ladder, Rung(style, indent + 1, printed, 1, 1)]  # "1. Definitions", then "1." again
    if value == 1 or printed == "0" or (
            ladder and style == ladder[-1].style == "number.a" and indent > ladder[-1].indent + 1):
        while ladder and ladder[-1].style in ("outline", "bullet") and ladder[-1].indent >= indent:
            ladder = ladder[:-1]
        above = [r for r in ladder if not _gives_way(r, style, indent)]
        return [*above, Rung(style, indent, printed, int(printed != "0"), value)]
    return None


def _gives_way(rung: Rung, style: str, indent: int) -> bool:
    """Whether a level ends where another begins: one of the same style not left of it, or `(1)` before `1.`."""
    return (rung.style == style and rung.indent >= indent) or (rung.style.startswith("number(") and "(" not in style)


def _value(style: str, printed: str) -> int | None:
    if style.startswith("number"):
        return int(printed)
    low = printed.lower()
    if style.startswith("small"):
        return ROMAN.index(low) + 1 if low in ROMAN else None
    return ord(low) - ord("a") + 1


def _counted(style: str, indent: int, ladder: list[Rung]) -> list[Rung]:
    """A bullet or an indented paragraph: the next of its level, counted."""
    kept = [r for r in ladder if r.style not in ("bullet", "outline") or r.indent <= indent]
    if kept and kept[-1].style == style and kept[-1].indent == indent:
        count = kept[-1].count + 1
        return [*kept[:-1], Rung(style, indent, str(count), count)]
    return [*kept, Rung(style, indent, "1", 1)]


def _dropped(ladder: list[Rung], indent: int) -> list[Rung]:
    """A paragraph without a number belongs to the clause that it is not left of."""
    while len(ladder) > 1 and ladder[-1].indent > indent:
        ladder = ladder[:-1]
    return ladder


def _spelt(ladder: list[Rung], form: str) -> str:
    labels = [r.label for r in ladder]
    for depth, style in enumerate(form[:len(ladder)]):
        if ladder[0].style in ("chapter", "heading", "decimal"):
            break
        count = ladder[depth].count
        labels[depth] = {"1": str(count), "a": chr(96 + count), "A": chr(64 + count),
                         "i": ROMAN[min(count, 20) - 1], "I": ROMAN[min(count, 20) - 1].upper(), "-": ""}[style]
    return ".".join(x for x in labels if x) or "head"


def _inside(label: str, row: str) -> Iterator[tuple[str, str]]:
    """A list inside a sentence, `(a) ... (b) ...`, as clauses of its own."""
    marks = _in_order(list(INSIDE.finditer(" " + row)))
    if len(marks) < 2:
        yield label, row
        return
    padded = " " + row
    yield label, padded[:marks[0].start()]
    for mark, after in zip(marks, [*marks[1:], None]):
        yield f"{label}.{mark[1]}", padded[mark.end():after.start() if after else len(padded)]


def _in_order(marks: list[re.Match[str]]) -> list[re.Match[str]]:
    """The marks that count on from the first of their kind; references such as "2(b)" do not."""
    kept: list[re.Match[str]] = []
    for mark in marks:
        first = {"a": "a", "i": "i", "A": "A", "1": "1"}
        if (not kept and mark[1] in first) or (kept and mark[1] == _next(kept[-1][1], kept[0][1])):
            kept.append(mark)
    return kept


def _next(printed: str, first: str) -> str:
    if first == "i":
        return ROMAN[ROMAN.index(printed) + 1] if printed in ROMAN[:-1] else ""
    return str(int(printed) + 1) if printed.isdigit() else chr(ord(printed) + 1)
