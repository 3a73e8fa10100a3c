"""A page of prose and tables as data: what `explain` and `compare` answer, before a report gives it a form."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class Part(NamedTuple):
    """One part of a page. kind: heading | text | list | table; a table's first row is its head."""

    kind: str
    rows: tuple[tuple[str, ...], ...]


class Document(NamedTuple):
    """A titled page; `data` is the same for programs (`--format json`)."""

    title: str
    parts: tuple[Part, ...]
    data: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        return {"caveat": 1, **self.data}


def heading(text: str) -> Part:
    return Part("heading", ((text,),))


def text(words: str) -> Part:
    return Part("text", ((words,),))


def listed(items: Iterable[str]) -> Part:
    return Part("list", tuple((i,) for i in items))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Part:
    return Part("table", (head, *rows))
