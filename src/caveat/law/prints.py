"""The compiled fingerprints of licence texts: editions and their clauses as hashes, read once and only when asked for.

What is kept of a text is facts: which grams each clause has, its numbers in order, the names it uses. The file is
written by tools/fingerprints.py from texts that are not part of the package.
"""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from caveat.law.shingles import gram

#: How many looked-up grams are remembered.
MOST_HELD = 200_000
FILE = Path(__file__).parent / "_fingerprints.bin"


class Clause(NamedTuple):
    """One clause. `grams` are places in the list of all grams; `length` is the words a gram (short clauses: 2 or 3)."""

    label: str
    length: int
    grams: frozenset[int]
    numbers: tuple[str, ...]
    words: int


class Edition(NamedTuple):
    """One text of one law: `part` is agreement, policy or terms; `digest` is SHA-256 over its words."""

    law: str
    part: str
    version: str
    source: str
    digest: str
    names: dict[str, int]  # how often each stands in it
    clauses: tuple[Clause, ...]

    @property
    def size(self) -> int:
        """How many grams it has."""
        return sum(len(c.grams) for c in self.clauses)


class Prints:
    """All fingerprints. Clauses of an edition are made when that edition is looked at."""

    def __init__(self, data: bytes) -> None:
        sizes = _numbers(data[:12])
        head, every, members = 12 + sizes[0], sizes[1] * 4, sizes[2] * 4
        self._rows = json.loads(data[12:head])["editions"]
        self._every = _numbers(data[head:head + every])
        self._members = _numbers(data[head + every:head + every + members])
        self._common = data[head + every + members:]
        self._editions: dict[int, Edition] = {}
        self._found: dict[tuple[str, ...], int] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, words: tuple[str, ...]) -> int:
        """The place of some words' gram in the list of all; -1 if no text has it."""
        if words not in self._found:
            if len(self._found) > MOST_HELD:
                self._found.clear()
            wanted = gram(words)
            at = bisect_left(self._every, wanted)
            self._found[words] = at if at < len(self._every) and self._every[at] == wanted else -1
        return self._found[words]

    def telling(self, places: Iterable[int]) -> int:
        """How many of these grams stand in no text but those we know."""
        return sum(not self._common[p] for p in places)

    def hits(self, found: Iterable[int]) -> list[int]:
        """For every edition, how many of these grams its clauses have."""
        flags, of_clause = bytearray(len(self._every)), dict[int, int]()
        for place in found:
            flags[place] = 1
        counted = []
        for row in self._rows:
            for _, _, start, count, *_ in row["clauses"]:
                if start not in of_clause:
                    of_clause[start] = sum(map(flags.__getitem__, self._members[start:start + count]))
            counted.append(sum(of_clause[c[2]] for c in row["clauses"]))
        return counted

    def rows(self) -> list[tuple[str, str, str]]:
        """Law, part and version of every edition."""
        return [(r["law"], r["part"], r["version"]) for r in self._rows]

    def edition(self, number: int) -> Edition:
        if number not in self._editions:
            r = self._rows[number]
            self._editions[number] = Edition(r["law"], r["part"], r["version"], r["key"], r["words"],
                                             dict(r["names"]), tuple(self._clause(c) for c in r["clauses"]))
        return self._editions[number]

    def _clause(self, row: list[int]) -> Clause:
        label, length, start, count, numbers, words = row
        return Clause(str(label), length, frozenset(self._members[start:start + count]), tuple(numbers), words)  # type: ignore[arg-type]


def _numbers(data: bytes) -> array[int]:
    found = array("I")
    found.frombytes(data)
    if sys.byteorder == "big":
        found.byteswap()
    return found


@cache
def prints() -> Prints:
    """The fingerprints that ship with this version."""
    return Prints(FILE.read_bytes())
