"""Licence words of records (SPDX ids and expressions) as claims about their things.

An expression that is not understood as a whole stays as written, and is unknown rather than guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from caveat.evidence.licence_words import laws_of, table
from caveat.evidence.source import place
from caveat.lineage.claims import LicenceClaim

if TYPE_CHECKING:
    from caveat.evidence.record import Record

NOTHING_SAID = frozenset({"", "NOASSERTION", "NONE"})


def licence_claims(asset: str, words: list[str], record: Record, key: str) -> Iterator[LicenceClaim]:
    """A claim for each word or expression; several words hold all at once."""
    for word in words[:20]:
        if word.strip() not in NOTHING_SAID:
            read = laws_of(word.strip(), table())
            where = place(record.file, record.line(word), key, word)
            yield LicenceClaim(asset, read.laws, where, read.choice, word)
