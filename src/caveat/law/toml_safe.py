"""Reads and writes TOML about strangers: one error for whatever is wrong, no key that takes hours, no text that ends.

The standard reader takes the square of a dotted key's length, raises ValueError for a number of five thousand digits
and RecursionError for nested lists; all three would otherwise reach people as a hang or a trace of calls.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any
from unicodedata import category

#: Parts of one dotted key, or of a table's name.
MOST_PARTS = 200
BLANKS = re.compile(r"[ \t]+")
RUN = re.compile(r"[\w\"'.-]+")

#: Categories of letters that do not show, or are none.
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})

Broken = tomllib.TOMLDecodeError


def loads(text: str) -> dict[str, Any]:
    """The tables of a TOML text; raises Broken (a ValueError) with the reader's words, and the line it knows."""
    for number, row in enumerate(text.split("\n"), 1):
        if row.count(".") > MOST_PARTS and _dotted(row):
            raise Broken(f"a key of more than {MOST_PARTS} parts (at line {number}, column 1)")
    try:
        return tomllib.loads(text)
    except Broken:
        raise
    except RecursionError:
        raise Broken("nested too deeply") from None
    except ValueError as fault:
        raise Broken(str(fault)) from None


def _dotted(row: str) -> bool:
    return any(run.group().count(".") > MOST_PARTS for run in RUN.finditer(BLANKS.sub("", row)))


def quoted(text: str) -> str:
    """A basic TOML string: quotes, backslashes and everything that does not show are escaped; half a pair is U+FFFD."""
    return '"' + "".join(map(_letter, text)) + '"'


def _letter(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if 0xD800 <= ord(c) <= 0xDFFF:
        return "\\uFFFD"
    if category(c) in HIDDEN:
        return f"\\u{ord(c):04X}" if ord(c) < 0x10000 else f"\\U{ord(c):08X}"
    return c
