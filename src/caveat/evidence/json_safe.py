"""Reads JSON that strangers wrote within bounds: size, depth, duplicate keys, and never an exception.

A configuration is small; whatever is larger or deeper is not one, and is told rather than read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from caveat.evidence.source import Source, text_of
from caveat.lineage.claims import Problem

SIZE_LIMIT = 8 << 20
DEPTH_LIMIT = 64


class Read(NamedTuple):
    """The object (empty: nothing could be read), its text for line numbers, and what was wrong."""

    data: dict[str, Any]
    text: str = ""
    problems: tuple[Problem, ...] = ()

    def line(self, key: str, value: str = "") -> int | None:
        """The line on which `key` (with `value`) first stands, counted from 1."""
        tail = rf"\s*:\s*{re.escape(json.dumps(value))}" if value else r"\s*:"
        match = re.search(rf'"{re.escape(key)}"{tail}', self.text) or re.search(rf'"{re.escape(key)}"\s*:', self.text)
        return self.text.count("\n", 0, match.start()) + 1 if match else None

    def word(self, key: str) -> str:
        """The string under `key`, or ""."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""


def read(source: Source, file: str) -> Read:
    """One JSON object; anything else gives an empty one and a Problem."""
    text, problems = text_of(source, file, SIZE_LIMIT)
    if any("longer than" in p.what for p in problems):
        return Read({}, "", (Problem(file, f"JSON of more than {SIZE_LIMIT} bytes", None, "it was not read"),))
    if not text and problems:
        return Read({}, "", problems)
    if _depth(text) > DEPTH_LIMIT:
        return Read({}, text, (*problems, Problem(file, f"JSON nested deeper than {DEPTH_LIMIT}", None, "not read")))
    return _parsed(text, file, problems)


def _parsed(text: str, file: str, problems: tuple[Problem, ...]) -> Read:
    try:
        data, told = loads(text, file)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        return Read({}, text, (*problems, Problem(file, f"not JSON: {str(error)[:120]}", line, "nothing was read")))
    if not isinstance(data, dict):
        return Read({}, text, (*problems, Problem(file, "JSON that is no object", 1, "nothing was read")))
    return Read(data, text, problems + told)


def loads(text: str, file: str) -> tuple[Any, tuple[Problem, ...]]:
    """JSON, and a Problem for each of the first five objects with a key that stands twice.

    Raises ValueError and RecursionError as `json.loads` does.
    """
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        one = dict(items)
        if len(one) < len(items):
            twice.append(first_twice(k for k, _ in items))
        return one

    data = json.loads(text, object_pairs_hook=pairs)
    told = (Problem(file, f"the key {k[:80]!r} stands twice", None, "the last one counts") for k in twice[:5])
    return data, tuple(told)


def first_twice(keys: Iterable[str]) -> str:
    """The first key that stands again, or ""."""
    seen: set[str] = set()
    for key in keys:
        if key in seen:
            return key
        seen.add(key)
    return ""


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside strings."""
    deepest = depth = 0
    for mark in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text):
        if mark.group(0) in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif mark.group(0) in "]}":
            depth -= 1
    return deepest


def strings_in(value: object) -> Iterator[str]:
    """Every string among the values of `value` (bounded depth), in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for v in value.values():
            yield from strings_in(v)
    elif isinstance(value, list):
        for v in value[:1000]:
            yield from strings_in(v)
