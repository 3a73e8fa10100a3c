"""The shelf: all law, found by id, alias, Hugging Face tag or repository name, and read only when asked for.

What ships is one compiled JSON file whose laws are strings inside it, so that opening the shelf costs one read and
using a licence costs that licence. The TOML sources stay the truth (`compile_sources`; a test compares). An
organisation's own law lies on top in a shelf of its own (`with_own`), in force while `in_force` holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from caveat.law.plain import law_from_plain, word_from_plain
from caveat.law.rule import Law, Word, words_in

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
            law = law_from_plain(json.loads(self._data["laws"][id]))
            self._laws[id] = law._replace(own=self._own_of(law)) if "own" in self._data else law
        return self._laws[id]

    def _own_of(self, law: Law) -> str:
        """Which own folder the law comes from, or the own words it is read with; "" if all of it ships."""
        laws, words = self._data["own"]["laws"], self._data["own"]["words"]
        read = [f"{words[w]} (the word {w})" for w in sorted(words_in(law) & set(words))]
        return ", ".join(dict.fromkeys([*([laws[law.id]] if law.id in laws else []), *read]))

    def own(self) -> dict[str, dict[str, str]]:
        """What does not ship with this version: {"laws": {id: folder name}, "words": {word: folder name}}."""
        return dict(self._data.get("own", {"laws": {}, "words": {}}))

    def own_names(self) -> dict[str, str]:
        """The words that mean a law of an own folder, its id among them; empty where there is none."""
        own = self.own()["laws"]
        named = {n: id for n, id in self._data["names"].items() if id in own} if own else {}
        return {**{id: id for id in own}, **named}

    def own_covering(self, repo: str) -> str | None:
        """The law of an own folder whose `covers` names this asset: it comes before what anybody else says."""
        own = self._data.get("own", {}).get("laws")
        found = self.covering(repo) if own else None
        return found if own and found in own else None

    def with_own(self, folder: Path, under: bool = False) -> Shelf:
        """This shelf with a folder of own law on top (licences/*.toml, disputed/*.toml); raises LawError.

        `under`: what own law already lies here stays on top.
        """
        from caveat.law.own import laid_over

        return Shelf(laid_over(self, self._data, folder, under))

    def replaced(self, *laws: Law) -> Shelf:
        """A shelf in which these values stand for the laws of their ids: for trying out a change."""
        other = Shelf(self._data)
        other._laws.update(self._laws)
        other._words.update(self._words)
        other._laws.update({law.id: law for law in laws})
        return other

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
        """The law whose `covers` names this repository; own law first, then the longest pattern."""
        low, own = repo.lower(), self._data.get("own", {}).get("laws", ())
        hits = [(id in own, len(glob), id) for glob, id in self._data["covers"]
                if _begins(glob, low) and fnmatchcase(low, glob)]
        return max(hits)[2] if hits else None

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


#: The shelf in force here instead of the one that ships: own law, or a law that is tried out.
_IN_FORCE: ContextVar[Shelf | None] = ContextVar("in_force", default=None)


def shelf() -> Shelf:
    """The law in force: what ships with this version, unless own law was laid over it."""
    return _IN_FORCE.get() or shipped()


@cache
def shipped() -> Shelf:
    """The law that ships with this version."""
    return Shelf(json.loads(COMPILED.read_bytes()))


@contextmanager
def in_force(law: Shelf) -> Iterator[Shelf]:
    """Within the block `shelf()` gives this shelf; other threads and tasks keep theirs."""
    before = _IN_FORCE.set(law)
    try:
        yield law
    finally:
        _IN_FORCE.reset(before)
