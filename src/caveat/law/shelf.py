"""The shelf: all law, found by id, alias, Hugging Face tag or repository name, and read only when asked for.

What ships is one compiled JSON file whose laws are strings inside it, so that opening the shelf costs one read and
using a licence costs that licence. The TOML sources stay the truth (`compile_sources`; a test compares).
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from caveat.law.plain import law_from_plain, word_from_plain
from caveat.law.rule import Law, Word

HERE = Path(__file__).parent
COMPILED = HERE / "_compiled.json"


class Shelf:
    """All law files, compiled. Immutable for those who use it; laws and words are built on first use."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data
        self._laws: dict[str, Law] = {}
        self._words: dict[str, Word] = {}

    def ids(self) -> list[str]:
        return sorted(self._data["laws"])

    def has(self, id: str) -> bool:
        return id in self._data["laws"]

    def law(self, id: str) -> Law:
        """The law with this id; KeyError if there is none."""
        if id not in self._laws:
            self._laws[id] = law_from_plain(json.loads(self._data["laws"][id]))
        return self._laws[id]

    def word_ids(self) -> list[str]:
        return sorted(self._data["words"])

    def word(self, name: str) -> Word:
        if name not in self._words:
            self._words[name] = word_from_plain(json.loads(self._data["words"][name]))
        return self._words[name]

    def resolve(self, name: str) -> str | None:
        """A law id for what people type: id, alias, SPDX id, Hugging Face tag or everyday name; None if not known."""
        low = _without_address(name.strip().lower())
        if low in self._data["laws"]:
            return low
        found: str | None = self._data["names"].get(low)
        return found

    def names(self) -> list[str]:
        """Every word that `resolve` knows."""
        return sorted({*self._data["laws"], *self._data["names"]})

    def tag(self, tag: str) -> dict[str, str] | None:
        """The row of a Hugging Face licence tag: name, law, spdx, why, note."""
        row: dict[str, str] | None = self._data["tags"].get(tag.strip().lower())
        return row

    def tags(self) -> dict[str, dict[str, str]]:
        return dict(self._data["tags"])

    def covering(self, repo: str) -> str | None:
        """The law whose `covers` names this repository; the longest pattern wins."""
        low = repo.lower()
        hits = [(len(glob), id) for glob, id in self._data["covers"] if _begins(glob, low) and fnmatchcase(low, glob)]
        return max(hits)[1] if hits else None

    def raw(self, section: str) -> Any:
        """A section of the compiled data as it stands (licence_names, everyday)."""
        return self._data[section]


def _without_address(low: str) -> str:
    """A licence's web address without what says nothing: scheme, www, trailing slash, deed or legal code."""
    if "/" not in low:
        return low
    bare = low.partition("://")[2] or low
    bare = bare.removeprefix("www.").rstrip("/")
    return bare.removesuffix("/legalcode").removesuffix("/deed").removesuffix(".en").rstrip("/")


def _begins(glob: str, name: str) -> bool:
    """Whether the name has the glob's fixed beginning: cheap, and saves building a pattern for nearly every row."""
    return name.startswith(glob.partition("*")[0].partition("?")[0].partition("[")[0])


@cache
def shelf() -> Shelf:
    """The law that ships with this version."""
    return Shelf(json.loads(COMPILED.read_bytes()))
