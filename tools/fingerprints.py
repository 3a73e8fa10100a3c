"""Write src/caveat/law/_fingerprints.bin: what `caveat identify` knows licence texts by.

    python tools/fingerprints.py --licensedcode DIR [--texts DIR] [--show EDITION]

DIR of --licensedcode is the `data/licenses` folder of the scancode-toolkit package (development only); --texts holds
texts from elsewhere, `<law>~<part>~<edition>.txt`. Only hashes, numbers, names and clause numbers are written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from array import array
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))

from editions import EDITIONS, Edition
from segments import Segment, segments

from caveat.law.shelf import shelf
from caveat.law.shingles import LENGTH, Words, digest, gram, grams, words_of

TO = Path(__file__).parents[1] / "src/caveat/law/_fingerprints.bin"


class Clause(NamedTuple):
    """One clause as facts."""

    label: str
    length: int  # words a gram
    hashes: frozenset[int]
    numbers: tuple[str, ...]
    words: int


def without_front_matter(text: str) -> str:
    return re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)


def read(edition: Edition, licensedcode: Path, texts: Path | None) -> str | None:
    """The text of one edition, or None if it is not at hand."""
    path = licensedcode / f"{edition.key}.LICENSE"
    if edition.key.endswith(".txt"):
        path = (texts or Path("/nonexistent")) / edition.key
    if not path.exists():
        return None
    text = without_front_matter(path.read_text(encoding="utf-8", errors="replace")).replace("\r\r\n", "\n")
    if edition.after:
        found = re.search(edition.after, text)
        text = text[found.start():] if found else ""
    if edition.before:
        found = re.search(edition.before, text)
        text = text[:found.start()] if found else text
    return text


def clauses(edition: Edition, text: str) -> list[Clause]:
    parts = segments(text, edition.shape)
    return [c for part in parts if (c := clause(part, edition.prefix)) is not None]


def clause(part: Segment, prefix: str) -> Clause | None:
    """Hashes and numbers of one clause; None if it has fewer than two words."""
    read = [words_of(piece) for piece in part.pieces]
    longest = max((len(w.words) for w in read), default=0)
    length = min(LENGTH, longest)
    if length < 2:
        return None
    hashes = frozenset(h for w in read for h in grams(w.words, length))
    numbers = tuple(n for w in read for at, n in sorted(w.numbers.items()) if len(w.words) >= length)
    label = ".".join(x for x in (prefix, part.label if not (prefix and part.label == "head") else "") if x)
    return Clause(label or "head", length, hashes, numbers, sum(len(w.words) for w in read))


def names_of(words: Words) -> list[tuple[str, int]]:
    counted = Counter(n for run in words.names.values() for n in run.split())
    return counted.most_common()


def common_grams(licensedcode: Path, own: set[str]) -> set[int]:
    """Grams that stand in any text of the package that no law file is about: they tell nothing."""
    seen: set[int] = set()
    for path in sorted(licensedcode.glob("*.LICENSE")):
        if path.stem not in own:
            seen.update(grams(words_of(without_front_matter(path.read_text(errors="replace"))).words))
    return seen


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--licensedcode", type=Path, required=True)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--show", default="")
    options = parser.parse_args()
    known: list[tuple[Edition, list[Clause], Words]] = []
    for edition in EDITIONS:
        text = read(edition, options.licensedcode, options.texts)
        if text is None:
            print(f"no text at hand: {edition.law} {edition.part} {edition.key}")
            continue
        parts = clauses(edition, text)
        known.append((edition, parts, words_of(text)))
        if options.show and options.show in edition.key:
            for c in parts:
                print(f"  {c.label:<16} {c.words:>5} words  {' '.join(c.numbers[:8])}")
    _tell_unmatched(known)
    if not options.show:
        write(known, common_grams(options.licensedcode, {e.key for e in EDITIONS}))
    return 0


def _tell_unmatched(known: list[tuple[Edition, list[Clause], Words]]) -> None:
    """Clauses that a law file cites and no edition of it has under that number."""
    law = shelf()
    labels: dict[str, set[str]] = {}
    for edition, parts, _ in known:
        labels.setdefault(edition.law, set()).update(c.label for c in parts)
    for id, have in sorted(labels.items()):
        cited = {r.at for r in law.law(id).rules} if law.has(id) else set()
        lost = sorted(at for at in cited if not any(x == at or at.startswith(x + ".") or x.startswith(at + ".")
                                                    for x in have))
        if lost:
            print(f"{id}: cited, not found by number: {' '.join(lost)}")


def write(known: list[tuple[Edition, list[Clause], Words]], common: set[int]) -> None:
    """Header as JSON, then all grams in order, a byte each that says whether it is common, and clause members."""
    every = array("I", sorted({h for _, parts, _ in known for c in parts for h in c.hashes}))
    place = {h: n for n, h in enumerate(every)}
    members, where = array("I"), {}
    header: list[dict[str, Any]] = []
    for edition, parts, words in known:
        rows = []
        for c in parts:
            if c.hashes not in where:
                where[c.hashes] = len(members)
                members.extend(sorted(place[h] for h in c.hashes))
            rows.append([c.label, c.length, where[c.hashes], len(c.hashes), list(c.numbers), c.words])
        header.append({"law": edition.law, "part": edition.part, "version": edition.version, "key": edition.source,
                       "words": digest(words.words, words.numbers), "names": names_of(words), "clauses": rows})
    marks = bytes(int(h in common) for h in every)
    head = json.dumps({"editions": header}, ensure_ascii=False, separators=(",", ":")).encode()
    sizes = array("I", [len(head), len(every), len(members)])
    for numbers in (sizes, every, members):
        if sys.byteorder == "big":
            numbers.byteswap()
    TO.write_bytes(sizes.tobytes() + head + every.tobytes() + members.tobytes() + marks)
    print(f"{len(header)} editions, {len(every)} grams, {sum(marks)} common, {TO.stat().st_size:,} bytes")


assert gram  # the runtime and this script must agree on the hash
if __name__ == "__main__":
    sys.exit(main())
