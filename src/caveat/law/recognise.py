"""Which licence, which version, and where it differs: a text told from its fingerprints, clause by clause.

    text -> words -> which grams are known -> best edition, its siblings weighed by what they do not explain
         -> each clause: as it was, altered, missing; numbers, names and passages that were not there

A text is never called a licence for a few shared phrases: most of what stands in its place must be that licence's own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caveat.law.laying import FEW, PRESENT, Reading, Text, best, ends, numbers, spread
from caveat.law.prints import Prints, prints
from caveat.law.shingles import COMPANY, LENGTH, LIMIT, NAME, NAMES, Words, words_of

#: How many texts one file may hold, and how often names are looked for.
MOST_TEXTS, ROUNDS = 12, 4
#: A name begins with a capital and has two letters or more.
_CAPITAL = re.compile(r"\b[A-Z][^\W\d_]+")
#: A passage of so many unknown words is told as added.
PASSAGE = 8
#: A tail or head missing is a cut, not a deletion, from this share of the whole on.
CUT = 0.15

#: sure -> (what it means, how often that was wrong in benchmarks/identify.py)
SURE: dict[str, tuple[str, str]] = {
    "exact": ("every clause as it was read", "wrong in 0 of 108 tries"),
    "edited": ("this licence, with differences", "wrong in 0 of 146 tries"),
    "part": ("a part of this licence", "wrong in 0 of 49 tries"),
    "likely": ("mostly this licence, much altered", "not measured: read it yourself"),
}


class Difference(NamedTuple):
    """One difference from the text that was read. kind: missing | altered | number | renamed | added."""

    kind: str
    clause: str
    lines: tuple[int, int]  # in the text given; (0, 0) for what is missing
    was: str = ""
    now: str = ""


class Match(NamedTuple):
    """One licence text in a file. `laws` holds more than one id if nothing tells them apart."""

    laws: tuple[str, ...]
    part: str  # agreement | policy | terms
    version: str
    source: str
    score: float  # share of the clauses' grams that are there, 0 to 1
    sure: str  # a key of SURE
    share: str  # whole | first part | last part | middle part
    lines: tuple[int, int]
    present: tuple[str, ...]
    differences: tuple[Difference, ...]

    @property
    def law(self) -> str:
        return self.laws[0]

    def of(self, kind: str) -> tuple[Difference, ...]:
        return tuple(d for d in self.differences if d.kind == kind)


def identify(text: str) -> tuple[Match, ...]:
    """Every licence text we know that stands in `text`, in written order."""
    known = prints()
    words, new_names = _named(words_of(text), text, known)
    seen, matches = Text(words, known), list[Match]()
    for _ in range(MOST_TEXTS):
        found = best(seen)
        if found is None:
            break
        matches.append(_match(found, seen, new_names))
        seen.take(*found[0].region)
    return tuple(sorted(matches, key=lambda m: m.lines))


def unexplained(text: str, matches: Iterable[Match]) -> tuple[tuple[int, int], ...]:
    """Runs of lines with at least a passage of words that no match covers."""
    held = {n for m in matches for n in range(m.lines[0], m.lines[1] + 1)}
    counted = Counter(n for n in words_of(text).lines if n not in held)
    runs: list[list[int]] = []
    for n in sorted(counted):
        if runs and not held & set(range(runs[-1][-1], n)):
            runs[-1].append(n)
        else:
            runs.append([n])
    return tuple((r[0], r[-1]) for r in runs if sum(counted[n] for n in r) >= PASSAGE)


# -- names that took a name's place ---------------------------------------------------------------------------------
def _named(words: Words, text: str, known: Prints) -> tuple[Words, frozenset[str]]:
    """The text with every word marked as a name that stands where a licence we know has one; and these words."""
    found: frozenset[str] = frozenset()
    for _ in range(ROUNDS):
        more = _strangers(_mended(words, known), text, known)
        if not more:
            break
        found |= more
        words = words_of(text, found)
    return _mended(words, known), found


def _strangers(words: Words, text: str, known: Prints) -> frozenset[str]:
    """Capitalised words that turn unknown grams into known ones when they are read as a name."""
    row = words.words
    places = [known.find(row[at:at + LENGTH]) for at in range(len(row) - LENGTH + 1)]
    if sum(p >= 0 for p in places) < FEW:
        return frozenset()
    covered = spread((at for at, p in enumerate(places) if p >= 0), LENGTH)
    capital = Counter(w.lower() for w in _CAPITAL.findall(text[:LIMIT]))
    uses, gains = Counter(row), Counter[str]()
    for at, word in enumerate(row):
        if at not in covered and word not in COMPANY and 2 * capital[word] > uses[word]:
            gains[word] += _gain(row, at, known)
    return frozenset(w for w, n in gains.items() if n >= 2 and 2 * n >= uses[w])


def _gain(row: tuple[str, ...], at: int, known: Prints) -> bool:
    """Whether a name at this place makes a known gram; neighbours that are names or strangers fold into one mark."""
    first, last = at, at
    while first > 0 and row[first - 1] == NAME:
        first -= 1
    while last + 1 < len(row) and row[last + 1] == NAME:
        last += 1
    line = (*row[max(0, first - LENGTH + 1):first], NAME, *row[last + 1:last + LENGTH])
    return any(known.find(line[n:n + LENGTH]) >= 0 for n in range(len(line) - LENGTH + 1)
               if NAME in line[n:n + LENGTH])


def _mended(words: Words, known: Prints) -> Words:
    """Words that a hyphen broke over two lines, whole again where a licence we know has them whole."""
    row, gone = list(words.words), set[int]()
    for at in words.broken:
        if at + 1 >= len(row):
            continue
        whole, before, after = row[at] + row[at + 1], row[max(0, at - LENGTH + 1):at], row[at + 2:at + 1 + LENGTH]
        if _known((*before, whole, *after), known) > _known((*before, *row[at:at + 2], *after), known):
            row[at] = whole
            gone.add(at + 1)
    return _without(words._replace(words=tuple(row)), gone) if gone else words


def _known(row: tuple[str, ...], known: Prints) -> int:
    return sum(known.find(row[n:n + LENGTH]) >= 0 for n in range(len(row) - LENGTH + 1))


def _without(words: Words, gone: set[int]) -> Words:
    kept = [n for n in range(len(words.words)) if n not in gone]
    moved = {old: new for new, old in enumerate(kept)}
    return Words(tuple(words.words[n] for n in kept), tuple(words.lines[n] for n in kept),
                 {moved[n]: v for n, v in words.numbers.items() if n in moved},
                 {moved[n]: v for n, v in words.names.items() if n in moved}, ())


# -- telling it -----------------------------------------------------------------------------------------------------
def _match(found: tuple[Reading, tuple[str, ...]], seen: Text, new_names: frozenset[str]) -> Match:
    reading, laws = found
    share, kept = _share(reading)
    reading = reading._replace(covered=_explained(reading, seen))
    differences = tuple(_differences(reading, seen.words, kept)) + tuple(_renamed(reading, seen.words, new_names))
    there = [s.clause.label for s in reading.spans if s.share >= PRESENT]
    inner = reading.spans[kept[0]:kept[1]]
    score = sum(s.share * len(s.clause.grams) for s in inner) / max(1, sum(len(s.clause.grams) for s in inner))
    return Match(laws, reading.edition.part, reading.edition.version, reading.edition.source, round(score, 4),
                 _certainty(share, score, differences), share, _lines(seen.words, *reading.region),
                 tuple(dict.fromkeys(there)), differences)


def _explained(reading: Reading, seen: Text) -> frozenset[int]:
    """The words of the region that stand in any gram of the edition, also where a phrase comes twice."""
    found = set(reading.covered)
    for length, row in seen.grams.items():
        own = frozenset().union(*(c.grams for c in reading.edition.clauses if c.length == length))
        first, end = reading.region[0], min(reading.region[1], len(row))
        found |= spread((p for p in range(first, end) if row[p] in own), length)
    return frozenset(found)


def _certainty(share: str, score: float, differences: tuple[Difference, ...]) -> str:
    if score < 0.6:
        return "likely"
    if share != "whole":
        return "part"
    return "edited" if differences else "exact"


def _share(reading: Reading) -> tuple[str, tuple[int, int]]:
    """Whether the text is whole, and from which clause to which (end not included) it goes."""
    spans = reading.spans
    first, last = ends(spans)
    size = sum(len(s.clause.grams) for s in spans)
    tail_cut = sum(len(s.clause.grams) for s in spans[last + 1:]) >= CUT * size
    head_cut = sum(len(s.clause.grams) for s in spans[:first]) >= CUT * size
    name = {(False, False): "whole", (False, True): "first part", (True, False): "last part",
            (True, True): "middle part"}[head_cut, tail_cut]
    return name, (first if head_cut else 0, last + 1 if tail_cut else len(spans))


def _differences(reading: Reading, words: Words, kept: tuple[int, int]) -> Iterator[Difference]:
    told: set[int] = set()
    for n, s in enumerate(reading.spans[kept[0]:kept[1]], kept[0]):
        at_cut = (n == kept[1] - 1 and kept[1] < len(reading.spans)) or (n == kept[0] and kept[0] > 0)
        if s.share < PRESENT:
            yield Difference("missing", s.clause.label, (0, 0))
            continue
        if s.share < 1 and not at_cut:
            places = range(s.first, s.last + 1)
            told.update(places)
            yield Difference("altered", s.clause.label, _lines(words, s.first, s.last + 1),
                             now=_quoted(words, [p for p in places if p not in reading.covered]))
        lost, gained = numbers(s, words)
        if s.share >= 0.7 and not at_cut:
            yield from (Difference("number", s.clause.label, _lines(words, s.first, s.last + 1), a, b)
                        for a, b in zip(lost, gained))
    yield from _added(reading, words, told)


def _added(reading: Reading, words: Words, told: set[int]) -> Iterator[Difference]:
    """Passages inside the region that nothing explains."""
    strange = [p for p in range(*reading.region) if p not in reading.covered and p not in told]
    run: list[int] = []
    for p in [*strange, -1]:
        if run and p != run[-1] + 1:
            if len(run) >= PASSAGE:
                yield Difference("added", "", _lines(words, run[0], run[-1] + 1), now=_quoted(words, run))
            run = []
        run.append(p)


def _renamed(reading: Reading, words: Words, new_names: frozenset[str]) -> Iterator[Difference]:
    """Names that took the place of the licence's own."""
    places = [p for p in range(*reading.region) if p in words.names and p in reading.covered]
    here = Counter(n for p in places for n in words.names[p].split())
    own = reading.edition.names
    new = [n for n, _ in here.most_common() if n not in own and (n in new_names or n in NAMES)]
    gone = [n for n, count in own.items() if 2 * here[n] < count]
    if new:
        first = next(p for p in places if set(words.names[p].split()) & set(new))
        yield Difference("renamed", "", _lines(words, first, first + 1), " ".join(gone), " ".join(new))


def _quoted(words: Words, places: list[int]) -> str:
    """The given text's own words at these places, a few."""
    said = [words.names.get(p) or words.numbers.get(p) or words.words[p] for p in places[:12]]
    return " ".join(said) + (" ..." if len(places) > 12 else "")


def _lines(words: Words, first: int, end: int) -> tuple[int, int]:
    return words.lines[first], words.lines[end - 1]
