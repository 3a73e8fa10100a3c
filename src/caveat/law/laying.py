"""An edition laid over a text: where each of its clauses stands, and what it leaves unexplained.

Nothing here tells differences; it finds the edition that explains most, and siblings are weighed by what they do not
explain: words in their place that are not theirs, grams, numbers and names that they should have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from caveat.law.prints import Clause, Edition, Prints
from caveat.law.shingles import LENGTH, Words

#: How many siblings are weighed, and from which share of the best one's hits on.
SIBLINGS, NEAR, TRIES = 16, 0.88, 4
#: Fewer known grams than this are not looked into.
FEW = 20
#: A clause with fewer of its grams than this is missing.
PRESENT = 0.34
#: So many words in a row, of which this share is as it was, are enough whatever else has them.
VERBATIM, ALL_OF_IT, HEAD = 150, 0.95, 0.05
#: A clause with fewer grams than this, or with none found so near, does not tell where a text was cut.
SOLID, COMPANY = 8, 3
#: A text is called a licence if it has this much of it, or this much and enough that no other text has.
MOSTLY, SOME, OWN, DENSE = 0.8, 0.12, 25, 0.5
#: and this share of it stands in clauses of which at least this much is there.
HALF, NEARLY = 0.65, 0.9


class Span(NamedTuple):
    """Where one clause lies: its hits, and how much of it is there."""

    clause: Clause
    hits: tuple[int, ...]
    share: float

    @property
    def first(self) -> int:
        return self.hits[0]

    @property
    def last(self) -> int:
        return self.hits[-1] + self.clause.length - 1


class Reading(NamedTuple):
    """One edition laid over a text: spans in the edition's order, and what speaks against it."""

    edition: Edition
    spans: tuple[Span, ...]
    region: tuple[int, int]
    covered: frozenset[int]  # places of words that it explains
    cost: float
    shown: float  # share of its grams that are there
    dense: float  # share of the region that it explains


class Text:
    """A text with its grams looked up; what is explained already is taken out."""

    def __init__(self, words: Words, known: Prints) -> None:
        self.words, self.known = words, known
        self.grams = {LENGTH: self._places(LENGTH)}
        self.free = [True] * len(words.words)
        self._where: dict[int, dict[int, list[int]]] = {}
        self._spans: dict[tuple[frozenset[int], int], tuple[tuple[int, ...], float]] = {}

    def _places(self, length: int) -> list[int]:
        row, find = self.words.words, self.known.find
        return [find(row[at:at + length]) for at in range(len(row) - length + 1)]

    def places(self, length: int) -> dict[int, list[int]]:
        """gram -> where it stands, among words that nothing explains yet."""
        if length not in self.grams:
            self.grams[length] = self._places(length)
        if length not in self._where:
            where = self._where[length] = dict[int, list[int]]()
            for at, found in enumerate(self.grams[length]):
                if found >= 0 and self.free[at]:
                    where.setdefault(found, []).append(at)
        return self._where[length]

    def span(self, clause: Clause) -> Span:
        """Where most of a clause stands; siblings share clauses, so each is looked for once."""
        key = (clause.grams, clause.words)
        if key not in self._spans:
            self._spans[key] = _densest(clause, self.places(clause.length))
        return Span(clause, *self._spans[key])

    def take(self, first: int, end: int) -> None:
        """These words are explained."""
        self._where.clear()
        self._spans.clear()
        self.free[first:end] = [False] * (end - first)


def best(seen: Text) -> tuple[Reading, tuple[str, ...]] | None:
    """The edition that explains most of what is left, and laws that explain it as well; None if none is sure enough."""
    where = seen.places(LENGTH)
    if len(where) < FEW:
        return None
    known = seen.known
    hits = sorted(((count, n) for n, count in enumerate(known.hits(where)) if count >= FEW // 2), reverse=True)
    for _ in range(TRIES):
        near = [h for h in hits if h[0] >= hits[0][0] * NEAR][:SIBLINGS]
        readings = [r for _, n in near if (r := _laid(known.edition(n), seen)) is not None and _sure(r, seen)]
        if readings:
            first = min(readings, key=lambda r: r.cost)
            return first, tuple(dict.fromkeys(r.edition.law for r in (first, *readings) if r.cost <= first.cost))
        hits = hits[len(near):]
    return None


def _sure(reading: Reading, seen: Text) -> bool:
    """Whether it may be called this licence: enough of it, most clauses whole, enough that is its own."""
    if _intact(reading.spans) < HALF:
        return False
    if reading.shown >= MOSTLY:
        return True
    if _verbatim(reading):
        return True
    own = seen.known.telling({seen.grams[s.clause.length][p] for s in reading.spans if s.share >= PRESENT
                              for p in s.hits})
    return reading.shown >= SOME and own >= OWN and reading.dense >= DENSE


def _verbatim(reading: Reading) -> bool:
    """Whether it is this licence word for word from its beginning on. Other licences take over whole lists of uses,
    so an end or a middle part is not enough."""
    before = sum(len(s.clause.grams) for s in reading.spans[:ends(reading.spans)[0]])
    return (before <= HEAD * reading.edition.size and reading.dense >= ALL_OF_IT
            and len(reading.covered) >= VERBATIM and _intact(reading.spans) >= MOSTLY)


def ends(spans: tuple[Span, ...]) -> tuple[int, int]:
    """The first and the last clause that is there, long enough to tell and not alone, as a stray phrase is."""
    found = [n for n, s in enumerate(spans) if s.share >= PRESENT and len(s.clause.grams) >= SOLID]
    there = [n for n in found if any(0 < abs(n - m) <= COMPANY for m in found)] or found
    return min(there, default=0), max(there, default=len(spans) - 1)


def _intact(spans: tuple[Span, ...]) -> float:
    """Of what lies between the first and the last clause found, the share in clauses that are nearly whole: a licence
    that was built from another's text has few of them, an edited copy many."""
    first, last = ends(spans)
    between = spans[first:last + 1]
    size = sum(len(s.clause.grams) for s in between)
    return sum(len(s.clause.grams) for s in between if s.share >= NEARLY) / max(1, size)


def _laid(edition: Edition, seen: Text) -> Reading | None:
    """The edition laid over the text: each clause where most of it stands."""
    spans = _alone(tuple(seen.span(c) for c in edition.clauses))
    strong = [s for s in spans if s.share >= 0.5]
    if not strong:
        return None
    spans, region = _one_copy(spans, strong)
    if region[0] >= region[1]:
        return None
    inside = [s for s in spans if s.hits]
    covered = frozenset(_spread_all(inside))
    shown = sum(s.share * len(s.clause.grams) for s in spans) / max(1, edition.size)
    dense = len(covered) / max(1, region[1] - region[0])
    return Reading(edition, spans, region, covered, _cost(edition, spans, region, covered, seen.words), shown, dense)


def _alone(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """A clause that seems half there, in words that another clause has whole, is not there: they share a phrase."""
    taken = {p for s in spans if s.share >= NEARLY for p in range(s.first, s.last + 1)}
    return tuple(s if s.share >= NEARLY or not s.hits else _less(s, taken) for s in spans)


def _less(span: Span, taken: set[int]) -> Span:
    hits = tuple(p for p in span.hits if p not in taken)
    if len(hits) == len(span.hits):
        return span
    return Span(span.clause, hits, span.share * len(hits) / len(span.hits) if hits else 0.0)


def _densest(clause: Clause, where: Mapping[int, list[int]]) -> tuple[tuple[int, ...], float]:
    """The stretch of text that has most of a clause's grams, and the share of them that it has."""
    at = sorted((p, g) for g in clause.grams if g in where for p in where[g])
    room = int(1.5 * clause.words) + 12
    best, low, held = (0, 0, 0), 0, Counter[int]()
    for high, (place, one) in enumerate(at):
        held[one] += 1
        while place - at[low][0] > room:
            held[at[low][1]] -= 1
            if not held[at[low][1]]:
                del held[at[low][1]]
            low += 1
        if len(held) > best[0]:
            best = (len(held), low, high)
    hits = tuple(p for p, _ in at[best[1]:best[2] + 1]) if best[0] else ()
    return hits, best[0] / len(clause.grams)


def _one_copy(spans: tuple[Span, ...], strong: list[Span]) -> tuple[tuple[Span, ...], tuple[int, int]]:
    """The region in which the clauses follow each other; clauses found far outside of it are not there."""
    size = sum(s.clause.words for s in spans)
    starts = sorted((s.first, s.last, len(s.hits)) for s in strong)
    best, low, held = (0, 0, 0), 0, 0
    for high, (_, last, weight) in enumerate(starts):
        held += weight
        while last - starts[low][0] > 1.6 * size + 60:
            held -= starts[low][2]
            low += 1
        if held > best[0]:
            best = (held, low, high)
    first, last = starts[best[1]][0], max(s[1] for s in starts[best[1]:best[2] + 1])
    kept = tuple(s if s.hits and s.first >= first and s.last <= last else Span(s.clause, (), 0.0) for s in spans)
    return kept, (first, last + 1)


def spread(places: Iterable[int], length: int) -> set[int]:
    return {p + n for p in places for n in range(length)}


def _spread_all(spans: Iterable[Span]) -> Iterator[int]:
    for s in spans:
        yield from spread(s.hits, s.clause.length)


def _cost(edition: Edition, spans: tuple[Span, ...], region: tuple[int, int], covered: frozenset[int],
          words: Words) -> float:
    """What an edition leaves unexplained: words in its place, grams it should have, numbers and names not its own."""
    first, last = ends(spans)
    between = spans[first:last + 1]
    lost = sum(len(s.clause.grams) * (1 - s.share) for s in between)
    moved = sum(len(a) + len(b) for a, b in (numbers(s, words) for s in between if s.share >= PRESENT))
    names = {n for at in range(*region) if at in words.names for n in words.names[at].split()}
    return (region[1] - region[0] - len(covered)) + lost + 6 * moved + 4 * len(names ^ set(edition.names))


def numbers(span: Span, words: Words) -> tuple[list[str], list[str]]:
    """Numbers that a clause lost and gained, where its words stand."""
    places = spread(span.hits, span.clause.length)
    now = Counter(words.numbers[p] for p in places if p in words.numbers)
    was = Counter(span.clause.numbers)
    return list((was - now).elements()), list((now - was).elements())


