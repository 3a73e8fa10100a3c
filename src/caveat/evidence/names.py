"""Names and licence words behind one door: the catalogue knows assets, the shelf knows licences and words.

The sentence reader and the file readers ask here; nothing is guessed, and what nobody knows is None.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from caveat.evidence.catalogue import Catalogue, load
from caveat.law.shelf import Shelf
from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, Place

REPO = re.compile(r"^[\w.\-]+/[\w.\-]+$")


class NameBook(NamedTuple):
    """Everything about names that reading needs."""

    catalogue: Catalogue
    shelf: Shelf

    @classmethod
    def open(cls, shelf: Shelf) -> "NameBook":
        return cls(load(), shelf)

    def known(self, name: str) -> bool:
        return self.resolve(name) is not None

    def resolve(self, name: str) -> str | None:
        """The id of a well-known asset, or a repository that a law file says it covers."""
        found = self.catalogue.resolve(name)
        if found:
            return found
        if not (REPO.match(name) and self.shelf.covering(name)):
            return None
        return self.resolve_read(name) or name  # its claims are looked up as loosely: one id for both

    def resolve_read(self, name: str) -> str | None:
        """The same for names that were read, not typed: titles, tags and names that say "a copy of" count too."""
        return self.catalogue.resolve(name, loose=True)

    def on_shelf(self, law: str) -> str:
        """The law id if there is a file, else `unknown`."""
        return law if self.shelf.has(law) else "unknown"

    def claims(self, id: str, day: date | None) -> tuple[Claim, ...]:
        """What is known of it and of everything behind it, as of the day."""
        told = tuple(self._on_shelf(c) for c in self.catalogue.claims(id, day))
        covering = None if told else self.shelf.covering(id)
        if covering:
            place = Place("catalogue", f"law file {covering}", key="covers")
            return (LicenceClaim(id, (covering,), place, raw=covering), AssetClaim(id, "kind", "model", place))
        return told

    def _on_shelf(self, claim: Claim) -> Claim:
        """A licence without a law file is unknown, and said to be."""
        if not isinstance(claim, LicenceClaim):
            return claim
        own = self.shelf.own_covering(claim.asset)
        if own:
            return LicenceClaim(claim.asset, (own,), Place("catalogue", f"own law {own}", key="covers"), raw=own)
        if all(map(self.shelf.has, claim.laws)):
            return claim
        laws = tuple(dict.fromkeys(map(self.on_shelf, claim.laws)))
        return LicenceClaim(claim.asset, laws, claim.place, claim.choice, claim.raw)

    def is_service(self, id: str) -> bool:
        return self.catalogue.terms(id) is not None

    def not_held(self, id: str, day: date) -> tuple[str, ...] | None:
        """For a service on a day whose text nobody holds: the laws on either side; None otherwise."""
        terms = self.catalogue.terms(id, day)
        return terms.neighbours if terms is not None and terms.held == "none" else None

    def nearest(self, name: str) -> list[str]:
        return self.catalogue.nearest(name)

    def words(self) -> list[str]:
        return self.shelf.word_ids()

    def readings(self, word: str) -> tuple[str, ...]:
        return self.shelf.word(word).ids()

    def licence(self, written: str) -> tuple[tuple[str, ...], ...] | None:
        """The choices that a licence word or SPDX expression means; None if any part is not known."""
        one = self.one_licence(written)
        if one:
            return ((one,),)
        if not re.search(r"\s(AND|OR|WITH)\s", written, re.IGNORECASE):
            return None
        return self._expression(written)

    def one_licence(self, word: str) -> str | None:
        found = self.shelf.resolve(word)
        if found:
            return found
        row = self.shelf.tag(word)
        return row["law"] if row else None

    def law_names(self) -> list[str]:
        """Every law id and every family of laws."""
        families = {f for id in self.shelf.ids() for f in self.shelf.law(id).family}
        return [*self.shelf.ids(), *sorted(families)]

    def law_or_family(self, name: str) -> str | None:
        return self.one_licence(name) or (name if name in self.law_names() else None)

    def _expression(self, written: str) -> tuple[tuple[str, ...], ...] | None:
        """A OR B is a choice, A AND B is both; brackets as in SPDX."""
        sets = _Expression(written, self.one_licence).either()
        return tuple(sets) if sets else None

    def licence_words(self) -> Iterable[str]:
        return [*self.shelf.names(), *self.shelf.tags()]


class _Expression:
    """SPDX expressions in the little that matters: AND, OR and brackets."""

    def __init__(self, text: str, lookup: object) -> None:
        self.tokens = re.findall(r"\(|\)|[^\s()]+", text)
        self.here, self.lookup = 0, lookup

    def either(self) -> list[tuple[str, ...]]:
        found = self.both()
        while self._next("or"):
            found += self.both()
        return found

    def both(self) -> list[tuple[str, ...]]:
        found = self.one()
        while self._next("and"):
            right = self.one()
            found = [(*a, *b) for a in found for b in right]
        return found

    def one(self) -> list[tuple[str, ...]]:
        if self._next("("):
            inner = self.either()
            self._next(")")
            return inner
        if self.here >= len(self.tokens):
            return []
        word = self.tokens[self.here]
        self.here += 1
        law = self.lookup(word)  # type: ignore[operator]
        return [(law,)] if law else []

    def _next(self, word: str) -> bool:
        if self.here < len(self.tokens) and self.tokens[self.here].lower() == word:
            self.here += 1
            return True
        return False
