"""An organisation's own law: licences and words that lie on top of what ships, read with the same checks.

The folder is laid out as ours is (licences/*.toml, disputed/*.toml). A file with a new id adds, one with an id that
ships replaces it; `like` may name any licence that ships, in a replacement its own id ("ours, but with one rule less").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caveat.errors import LawError, nearest
from caveat.law.compile import names_of, packed
from caveat.law.parse import LawParser, Source, parse_word
from caveat.law.plain import law_to_plain, word_to_plain
from caveat.law.rule import Case, Law, Word
from caveat.law.shelf import Shelf

#: Files in one folder, and characters in one file, that are read at most.
MOST_FILES, LONGEST = 500, 1 << 20
ID = re.compile(r"[a-z0-9][a-z0-9.+\-]{0,99}")
#: Not licences but the lack of one: no folder may make them say anything.
FIXED = ("unknown", "web")


class OwnSources:
    """The law files of one folder, parsed on demand over a shelf that holds everything else. Raises LawError."""

    def __init__(self, folder: Path, below: Shelf) -> None:
        self.folder, self.below = folder, below
        self.words = {s.file.removesuffix(".toml"): _word(s, below) for s in _sources(folder, "disputed")}
        self.sources = {s.file.removesuffix(".toml"): s for s in _sources(folder, "licences")}
        if not self.words and not self.sources:
            raise LawError(str(folder), None, "holds no law: it wants licences/*.toml or disputed/*.toml")
        self._laws: dict[str, Law] = {}
        self._open: list[str] = []

    def law(self, id: str) -> Law:
        """One law of this folder."""
        if id not in self._laws:
            self._laws[id] = self._parsed(id)
        return self._laws[id]

    def _parsed(self, id: str) -> Law:
        source = self.sources[id]
        if id in self._open:
            raise LawError(source.file, source.line(key="like"), f"{' and '.join(self._open)} are like each other")
        self._open.append(id)
        try:
            law: Law = _guarded(source, self.parser(id).law)
        finally:
            self._open.remove(id)
        if law.id != id:
            raise LawError(source.file, source.line(key="id"), f"the id {law.id!r} is not the name of the file")
        return law

    def parser(self, id: str) -> LawParser:
        known = {w: self.below.word(w) for w in self.below.word_ids()}
        return LawParser(self.sources[id], {**known, **self.words}, lambda like: self._sibling(id, like))

    def _sibling(self, id: str, like: str) -> Law:
        if like != id and like in self.sources:
            return self.law(like)
        if not self.below.has(like):
            known = [*self.below.ids(), *self.sources]
            raise LawError(self.sources[id].file, self.sources[id].line(key="like"), f"no law {like!r}",
                           nearest(like, known))
        return self.below.law(like)._replace(own="")

    def cases(self, id: str) -> tuple[Case, ...]:
        """The cases inside one file."""
        cases: tuple[Case, ...] = _guarded(self.sources[id], self.parser(id).cases)
        return cases


def _sources(folder: Path, sort: str) -> list[Source]:
    paths = sorted((folder / sort).glob("*.toml"))
    if len(paths) > MOST_FILES:
        raise LawError(f"{folder / sort}", None, f"more than {MOST_FILES} files")
    return [_source(p) for p in paths]


def _source(path: Path) -> Source:
    if not ID.fullmatch(path.stem) or path.stem in FIXED:
        raise LawError(str(path), None, "an id is lower-case letters, digits, dots and hyphens, and neither of "
                                        f"{' and '.join(FIXED)}")
    try:
        if not path.is_file():
            raise LawError(str(path), None, "is not a plain file; it was not opened")
        if path.stat().st_size > LONGEST:
            raise LawError(str(path), None, f"longer than {LONGEST >> 20} MiB")
        return Source.read(path)
    except (OSError, UnicodeDecodeError, RecursionError) as fault:
        raise LawError(str(path), None, f"cannot be read: {fault}") from None


def _word(source: Source, below: Shelf) -> Word:
    """One word. A word of ours keeps its use and its reading ids, or the rules that name them could not be read."""
    word: Word = _guarded(source, lambda: parse_word(source))
    if word.word != source.file.removesuffix(".toml"):
        raise LawError(source.file, source.line(key="word"), f"the word {word.word!r} is not the name of the file")
    ours = below.word(word.word) if word.word in below.word_ids() else word
    if word.used_as != ours.used_as or not set(ours.ids()) <= set(word.ids()):
        raise LawError(source.file, source.line(key="used-as"), f"{word.word} is ours: it keeps used-as = "
                       f"{ours.used_as!r} and the readings {', '.join(ours.ids())}")
    return word


def _guarded(source: Source, read: Any) -> Any:
    """Whatever shape strangers' TOML has, the complaint names the file."""
    try:
        return read()
    except LawError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as fault:
        raise LawError(source.file, None, f"does not have the shape of a law file: {fault!r}") from None


def laid_over(below: Shelf, data: Mapping[str, Any], folder: Path, under: bool = False) -> dict[str, Any]:
    """The compiled data of a shelf with this folder on top, or under what own law lies there already."""
    src, own = OwnSources(folder, below), below.own()
    if under:
        src.sources = {id: s for id, s in src.sources.items() if id not in own["laws"]}
        src.words = {w: d for w, d in src.words.items() if w not in own["words"]}
    name = folder.resolve().name or str(folder)
    covers = [[g.lower(), id] for id, s in src.sources.items() for g in s.data.get("covers", [])]
    laws = {id: packed(law_to_plain(src.law(id))) for id in src.sources}
    return {
        **data,
        "laws": {**data["laws"], **laws},
        "words": {**data["words"], **{w: packed(word_to_plain(d)) for w, d in src.words.items()}},
        "names": {**data["names"], **names_of(src.sources)},
        "covers": [*(row for row in data["covers"] if row[0] not in {c[0] for c in covers}), *covers],
        "own": {"laws": {**own["laws"], **dict.fromkeys(src.sources, name)},
                "words": {**own["words"], **dict.fromkeys(src.words, name)}},
    }

