"""What a `caveat.toml` says people decided: uses they mean, facts, readings they chose, findings they live with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from caveat.errors import nearest
from caveat.evidence.caveat_toml_words import disputed, fits, plain_value, values_of
from caveat.law.words import FACTS, Fact
from caveat.lineage.claims import Acceptance, Claim, Settlement, UseClaim

if TYPE_CHECKING:
    from caveat.evidence.caveat_toml import Reading


def uses(reading: Reading) -> Iterator[Claim]:
    """What is meant to be done, one claim a [[use]]."""
    for path, row in reading.rows("use"):
        yield _use(reading, path, row)


def _use(reading: Reading, path: str, row: Mapping[str, Any]) -> Claim:
    of = reading.word(row, path, "of")
    asset = reading.asset_name(of, f"{path}.of") if of else reading.name
    laws = reading.licences(row, path, "as")[0] if "as" in row else ()
    act = reading.act(row, path)
    return UseClaim(asset, act, reading.place(f"{path}.act", act), laws, reading.word(row, path, "named"))


def facts(reading: Reading) -> Iterator[tuple[str, str]]:
    """Facts and, as "reading.WORD", readings that stand among them."""
    for key, value in reading.table("facts").items():
        path = f"facts.{key}"
        if key == "reading" and isinstance(value, Mapping):
            yield from ((f"reading.{w}", plain_value(r)) for w, r in value.items())
        elif key.startswith("reading."):
            yield key, plain_value(value)
        elif key not in FACTS:
            raise reading.wrong(path, f"the fact {key!r} is not known", nearest(key, FACTS))
        else:
            yield key, _fact(reading, FACTS[key], value, path)


def _fact(reading: Reading, fact: Fact, value: Any, path: str) -> str:
    written = plain_value(value)
    if not fits(fact, value):
        known = values_of(fact)
        what = f"{fact.name} = {written!r} is not a {fact.type}" + (f" of {', '.join(known[:8])}" if known else "")
        raise reading.wrong(path, what, nearest(written, known))
    return written


def readings(reading: Reading, facts: tuple[tuple[str, str], ...]) -> Iterator[Settlement]:
    """Readings that stand among the facts."""
    for key, chosen in facts:
        if key.startswith("reading."):
            yield settlement(reading, key[8:], f"facts.{key}", {"reading": chosen})


def settled(reading: Reading) -> Iterator[Settlement]:
    """The readings of [settle.WORD]."""
    for word, row in reading.table("settle").items():
        path, checked = reading.checked("settle", f"settle.{word}", row)
        yield settlement(reading, word, path, checked)


def settlement(reading: Reading, word: str, path: str, row: Mapping[str, Any]) -> Settlement:
    """One word's reading; raises SettingsError for a word that is not disputed and a reading that it has not."""
    known = disputed()
    if known and word not in known:
        raise reading.wrong(path, f"the word {word!r} is not disputed", nearest(word, known) or sorted(known)[:6])
    chosen = reading.word(row, path, "reading")
    if known and chosen not in known[word]:
        near = nearest(chosen, known[word]) or list(known[word])
        raise reading.wrong(f"{path}.reading", f"{word} has no reading {chosen!r}", near)
    return Settlement(word, chosen, reading.word(row, path, "why"), reading.word(row, path, "by"),
                      reading.day(row, path, "until"), reading.place(path, chosen))


def accepted(reading: Reading) -> Iterator[Acceptance]:
    """Findings somebody lives with; raises SettingsError where why, owner or until is left out."""
    for path, row in reading.rows("accept"):
        finding, until = reading.word(row, path, "finding"), reading.day(row, path, "until")
        if until is None or not finding or not reading.word(row, path, "why") or not reading.word(row, path, "owner"):
            raise reading.wrong(path, "an acceptance needs finding, why, owner and until, none of them empty")
        yield Acceptance(finding, reading.word(row, path, "why"), reading.word(row, path, "owner"), until,
                         reading.place(f"{path}.finding", finding))
