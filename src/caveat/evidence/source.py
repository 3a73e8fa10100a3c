"""Turns whatever a reader was given (text, bytes or a path) into bounded text or bytes.

Every reader has the same front door, so that none of them forgets a bound or trips over an odd encoding.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from caveat.lineage.claims import Place, Problem

#: Longest text that is read of a card or recipe, in characters.
TEXT_LIMIT = 4 << 20
#: The longest quotation that a place keeps.
QUOTE_LIMIT = 120

Source = str | bytes | Path


class Text(NamedTuple):
    """Text with plain line ends and no byte order mark, and what was odd about it."""

    text: str
    problems: tuple[Problem, ...] = ()


def text_of(source: Source, file: str, limit: int = TEXT_LIMIT) -> Text:
    """`source` as text of at most `limit` characters; never raises."""
    problems: list[Problem] = []
    if isinstance(source, Path):
        try:
            with source.open("rb") as stream:
                source = stream.read(limit + 1)
        except OSError as error:
            return Text("", (Problem(file, f"cannot be opened: {error.strerror or error}"),))
    if isinstance(source, bytes):
        source = _decoded(source, file, problems)
    if len(source) > limit:
        problems.append(Problem(file, f"longer than {limit} characters", None, "only the beginning was read"))
        source = source[:limit]
    return Text(plain_lines(source), tuple(problems))


def plain_lines(text: str) -> str:
    """`text` with every sort of line end as one newline (CR CR LF is a doubled crawl) and no BOM."""
    clean = text.removeprefix("\ufeff").replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n")
    return clean.replace("\x00", "\ufffd")


def _decoded(data: bytes, file: str, problems: list[Problem]) -> str:
    coding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError:
        problems.append(Problem(file, f"not {coding[:6]} text", None, "bad bytes were replaced"))
        return data.decode(coding, "replace")


def place(file: str, line: int | None, key: str, quote: str, kind: str = "declared", weak: str = "") -> Place:
    """A Place whose quotation is one line and bounded."""
    return Place(kind, file, line, key, " ".join(quote[:10 * QUOTE_LIMIT].split())[:QUOTE_LIMIT], weak)
