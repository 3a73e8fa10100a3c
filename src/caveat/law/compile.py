"""From law files to the compiled shelf. Run by `make law` and by a test that compares; never at start-up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caveat.errors import LawError, nearest
from caveat.law.parse import LawParser, Source, parse_word
from caveat.law.plain import law_to_plain, word_to_plain
from caveat.law.rule import Case, Law, Word, words_in
from caveat.law.shelf import COMPILED, HERE


class Sources:
    """The law files of one folder (licences/, disputed/, hf-tags.toml), parsed on demand."""

    def __init__(self, folder: Path = HERE) -> None:
        self.folder = folder
        self.words = {p.stem: parse_word(Source.read(p)) for p in sorted((folder / "disputed").glob("*.toml"))}
        self.sources = {p.stem: Source.read(p) for p in sorted((folder / "licences").glob("*.toml"))}
        self._laws: dict[str, Law] = {}

    def law(self, id: str) -> Law:
        """Parse one law; siblings (`like`) first. Raises LawError."""
        if id not in self.sources:
            raise LawError(f"{id}.toml", None, f"no law file {id!r}", nearest(id, self.sources))
        if id not in self._laws:
            self._laws[id] = self.parser(id).law()
        return self._laws[id]

    def leave_out_faulty(self) -> None:
        """Drop files that cannot be read, telling each: for authors, while a file is being written."""
        for id in list(self.sources):
            try:
                self.law(id)
            except LawError as fault:
                print(f"left out: {fault}")
                del self.sources[id]

    def parser(self, id: str) -> LawParser:
        return LawParser(self.sources[id], self.words, self.law)

    def cases(self, id: str) -> tuple[Case, ...]:
        return self.parser(id).cases()

    def tags(self) -> dict[str, Any]:
        path = self.folder / "hf-tags.toml"
        return Source.read(path).data if path.exists() else {}


def compile_sources(folder: Path = HERE, keep_going: bool = False) -> dict[str, Any]:
    """The whole shelf as JSON-able data; raises LawError at the first fault, or prints it and leaves that file out."""
    src = Sources(folder)
    if keep_going:
        src.leave_out_faulty()
    tags = src.tags()
    return {
        "laws": {id: packed(law_to_plain(src.law(id))) for id in src.sources},
        "words": {w: packed(word_to_plain(d)) for w, d in src.words.items()},
        "names": _names(src, tags),
        "covers": [[g.lower(), id] for id, s in src.sources.items() for g in s.data.get("covers", [])],
        "tags": {k.lower(): v for k, v in tags.get("tag", {}).items()},
        "licence_names": {k.lower(): v for k, v in tags.get("license_name", {}).items()},
        "everyday": {k.lower(): v for k, v in {**tags.get("spdx", {}), **tags.get("everyday", {})}.items()},
        "digest": digest(folder),
    }


def _names(src: Sources, tags: Mapping[str, Any]) -> dict[str, str]:
    names = names_of(src.sources)
    for section in ("spdx", "everyday", "license_name"):
        names.update({k.lower(): v for k, v in tags.get(section, {}).items() if isinstance(v, str)})
    for tag, row in tags.get("tag", {}).items():
        if row["law"] in src.sources:
            names.setdefault(tag.lower(), row["law"])
    return {k: v for k, v in names.items() if v in src.sources}


def names_of(sources: Mapping[str, Source]) -> dict[str, str]:
    """The words that law files give themselves: aliases, Hugging Face tags, SPDX ids -> law id."""
    own = {id: [*s.data.get("aliases", []), *s.data.get("hf", []), s.data.get("spdx", "")] for id, s in sources.items()}
    return {n.lower(): id for id, names in own.items() for n in names if n}


def digest(folder: Path = HERE) -> str:
    """SHA-256 over all sources, by name: what a test compares to find a stale shelf."""
    h = hashlib.sha256()
    for path in sorted([*folder.glob("licences/*.toml"), *folder.glob("disputed/*.toml"), folder / "hf-tags.toml"]):
        if path.exists():
            h.update(path.name.encode() + b"\0" + path.read_bytes())
    return h.hexdigest()


def write(folder: Path = HERE, to: Path = COMPILED, keep_going: bool = False) -> None:
    text = json.dumps(compile_sources(folder, keep_going), ensure_ascii=False, sort_keys=True, indent=0)
    to.write_text(text + "\n", encoding="utf-8")


def packed(plain: Any) -> str:
    """Plain lists as the string that lies on the shelf until the law is used."""
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def unused_words(laws: Mapping[str, Law], known: Mapping[str, Word]) -> set[str]:
    """Disputed words that no law uses: an author's slip, or one that only explains a fact."""
    return set(known) - {word for law in laws.values() for word in words_in(law)}
