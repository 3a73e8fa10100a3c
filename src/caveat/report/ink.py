"""A small layer between words and terminal cells, because start-up must stay light and names may be hostile.

Text becomes a span only through `span`, which makes hidden characters visible; a line is a tuple of spans;
colour is added last, so every width is counted on what is seen.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from caveat.report import escape

#: Style -> SGR code. Blue to orange, told apart by everyone, in middle tones that are read on black and on white;
#: signs and words say the same.
STYLES = {
    "prohibited": "1;38;5;166",
    "unknown": "1;38;5;133",
    "depends": "1;38;5;136",
    "conditional": "1;38;5;30",
    "permitted": "1;38;5;32",
    "met": "38;5;32",
    "unmet": "38;5;136",
    "contradicted": "1;38;5;166",
    "not checkable": "38;5;133",
    "bold": "1",
    "dim": "2",
    "title": "1;4",
    "role": "38;5;67",
    "name": "1",
}

LEAST = 16  # cells below which a column is too narrow to read


class Span(NamedTuple):
    """A piece of text in one style."""

    text: str
    style: str = ""


Line = tuple[Span, ...]


class Ink(NamedTuple):
    """What the terminal can do: cells per line, colour, and the encoding of the stream."""

    width: int = 80
    colour: bool = False
    encoding: str = "utf-8"

    def span(self, text: str, style: str = "") -> Span:
        return Span(escape.for_encoding(escape.visible(text), self.encoding), style)

    def name(self, text: str, width: int, style: str = "") -> Span:
        """A name cut in its middle."""
        fitting = escape.cut(self.span(text).text, width - 2 * (self.encoding != "utf-8"))
        return Span(escape.for_encoding(fitting, self.encoding), style)

    def paint(self, lines: Iterable[Line]) -> str:
        """The lines as text, without blanks at line ends."""
        return "".join(self._painted(line) + "\n" for line in lines)

    def _painted(self, line: Line) -> str:
        seen = [s for s in _trimmed(line) if s.text]
        if not self.colour:
            return "".join(s.text for s in seen)
        return "".join(f"\x1b[{STYLES[s.style]}m{s.text}\x1b[0m" if s.style else s.text for s in seen)


def _trimmed(line: Line) -> Line:
    """The line without blanks at its end."""
    while line and not line[-1].text.strip():
        line = line[:-1]
    return (*line[:-1], Span(line[-1].text.rstrip(), line[-1].style)) if line else line


def cells(line: Iterable[Span]) -> int:
    """The cells a line takes."""
    return sum(escape.cells(s.text) for s in line)


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """The spans broken at blanks into lines of at most `width` cells; a word longer than that is broken."""
    lines: list[list[Span]] = [[]]
    room = width
    for word in _words(spans, max(width, 8)):
        size = escape.cells(word.text)
        if size > room and lines[-1]:
            lines, room = [*lines, []], width
        if lines[-1] or word.text.strip():
            lines[-1].append(word)
            room -= size
    return [_joined(line) for line in lines]


def _words(spans: Sequence[Span], width: int) -> Iterable[Span]:
    for s in spans:
        for i, word in enumerate(s.text.split(" ")):
            if i:
                yield Span(" ", s.style)
            yield from (Span(piece, s.style) for piece in _pieces(word, width) if piece)


def _pieces(word: str, width: int) -> Iterable[str]:
    while escape.cells(word) > width:
        take = width
        while escape.cells(word[:take]) > width:
            take -= 1
        yield word[:take]
        word = word[take:]
    yield word


def _joined(line: Sequence[Span]) -> Line:
    """Neighbours of one style as one span."""
    out: list[Span] = []
    for s in line:
        if out and out[-1].style == s.style:
            out[-1] = Span(out[-1].text + s.text, s.style)
        else:
            out.append(s)
    return _trimmed(tuple(out))


def indent(lines: Iterable[Line], by: int) -> list[Line]:
    """The lines moved to the right."""
    return [(Span(" " * by), *line) if line else line for line in lines]


def hanging(head: Sequence[Span], body: Sequence[Span], at: int, width: int) -> list[Line]:
    """`head   body`, the body wrapped in a column from `at` on; below, if the head is too wide."""
    at = at if width - at >= LEAST else 4
    text = wrap(body, width - at)
    if not any(text):
        return [tuple(head)]
    if cells(head) >= at:
        above = [tuple(head)] if any(s.text.strip() for s in head) else []
        return [*above, *indent(text, at)]
    return [(*head, Span(" " * (at - cells(head))), *text[0]), *indent(text[1:], at)]


def table(rows: Sequence[Sequence[Sequence[Span]]], width: int, gap: int = 3) -> list[Line]:
    """Columns as wide as they need, the last one wrapped in what is left."""
    fixed = [max(cells(row[i]) for row in rows) + gap for i in range(len(rows[0]) - 1)]
    out: list[Line] = []
    for row in rows:
        head: list[Span] = []
        for size, cell in zip(fixed, row):
            head += [*cell, Span(" " * (size - cells(cell)))]
        out += hanging([*head[:-1]], row[-1], sum(fixed), width)
    return out
