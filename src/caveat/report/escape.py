"""Names come from strangers: a terminal escape, a bidi trick or a tag in one must be seen, never obeyed.

Every form passes every text of others through here, and a text that was made safe has a type of its own.
"""

from __future__ import annotations

import re
from html import escape as _html
from typing import NewType
from unicodedata import category, combining, east_asian_width

#: A text without control, format or unassigned characters, of bounded length.
Shown = NewType("Shown", str)

LONGEST = 600  # characters of any one text in a report
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_STACKED = 2  # combining marks in a row that real languages need
_PLAIN = re.compile(r"[ -~]*")

#: Glyphs of ours for terminals that cannot show them.
ASCII = str.maketrans(
    {
        "✗": "x",
        "✓": "+",
        "○": "o",
        "→": "->",
        "←": "<-",
        "·": "-",
        "§": "s.",
        "…": "...",
        "└": "`",
        "├": "|",
        "│": "|",
        "─": "-",
        "’": "'",
        "“": '"',
        "”": '"',
    }
)

_MARKDOWN = re.compile(r"([\\`*_\[\]|~$]|^(?:[-+#=]|\d+(?=[.)])))")
#: What code hosts turn into links after the markup is gone: an invisible joiner keeps the parts apart.
_LINKING = re.compile(r"(@|#(?=\d)|www(?=\.)|:(?=//)|mailto(?=:))", re.I)
_JOINER = "&#8288;"
_MERMAID = str.maketrans({c: f"#{ord(c)};" for c in '"#;<>&`[]{}()|\\%'})


def visible(text: str, longest: int = LONGEST) -> Shown:
    """The text on one line, every hidden character written as <U+001B>; cut in the middle past `longest`."""
    short = text if len(text) <= longest else _middle_cut(text, longest)
    return Shown(short if _PLAIN.fullmatch(short) else "".join(_seen(short, i) for i in range(len(short))))


def _seen(text: str, i: int) -> str:
    c = text[i]
    if category(c) in _HIDDEN or (c.isspace() and c != " "):
        return f"<U+{ord(c):04X}>"
    stacked = combining(c) and i >= _STACKED and all(combining(d) for d in text[i - _STACKED : i])
    return "" if stacked else c


def cells(text: str) -> int:
    """How many terminal cells the text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(c) for c in text)


def _cells_of(c: str) -> int:
    if combining(c) or category(c) in ("Mn", "Me"):
        return 0
    return 2 if east_asian_width(c) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text in at most `width` cells, its middle left out: the ends of a name tell most."""
    if cells(text) <= width:
        return text
    shorter = min(len(text), max(width, 1))
    while shorter > 1 and cells(_middle_cut(text, shorter)) > width:
        shorter -= 1
    return _middle_cut(text, shorter)


def _middle_cut(text: str, length: int) -> str:
    head = (length - 1) // 2
    tail = length - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :] if tail else ''}"


def for_encoding(text: str, encoding: str) -> str:
    """Our glyphs as ASCII, and what is left as escapes, where the encoding is not one of Unicode."""
    if encoding.lower().replace("_", "-").startswith(("utf-8", "utf8", "utf-16")):
        return text
    return text.translate(ASCII).encode(encoding, "backslashreplace").decode(encoding)


def for_html(text: str, longest: int = LONGEST) -> str:
    """The text for an element or a quoted attribute."""
    return _html(visible(text, longest), quote=True)


def for_markdown(text: str, longest: int = LONGEST) -> str:
    """Prose as Markdown that shows exactly it: no markup, no tag, no mention, no automatic link."""
    shown = visible(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(_kept, _LINKING.sub(rf"\1{_JOINER}", shown))


def _kept(found: re.Match[str]) -> str:
    """The mark with a backslash; a number that would begin a list gets its joiner instead."""
    return found[0] + _JOINER if found[0].isdigit() else f"\\{found[0]}"


def for_code(text: str, longest: int = LONGEST) -> str:
    """A name as a Markdown code span, also inside a table: nothing in it is markup, a mention or a link."""
    shown = visible(text, longest).replace("|", "¦") or " "
    fence = "`" * (max(map(len, re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def for_mermaid(text: str, longest: int = 60) -> str:
    """The text inside a quoted Mermaid label."""
    return cut(visible(text), longest).translate(_MERMAID)
