"""The words a `caveat.toml` may use: acts, licences, disputed words, fields of assets, and the values of facts."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from caveat.evidence import licence_words
from caveat.law.words import ACTS, PURPOSES, Fact

ASSET_FIELDS = ("target", "family", "parameters", "multimodal", "maker", "contents", "name", "alias")
EVERYDAY: dict[str, str] = {word: a.name for a in ACTS.values() for word in (a.name, *a.everyday)}


def plain_value(value: Any) -> str:
    """A TOML value in the words of facts: yes and no, ISO dates, lists joined by commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (date, datetime)):
        return value.isoformat()[:10]
    if isinstance(value, (list, tuple)):
        return ",".join(plain_value(v) for v in value)
    return str(value)


def values_of(fact: Fact) -> tuple[str, ...]:
    """The values a fact may have; empty = open."""
    return tuple(PURPOSES) if fact.name == "purpose" else fact.values


def fits(fact: Fact, value: Any) -> bool:
    """Whether a TOML value is one this fact may have."""
    if fact.type == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    if fact.type == "date":
        return isinstance(value, date)
    if fact.type == "set":
        return isinstance(value, (str, list)) and all(v in PURPOSES for v in plain_value(value).split(","))
    if fact.type == "yes-no":
        return isinstance(value, bool) or value in ("yes", "no")
    return isinstance(value, (str, bool)) and (not fact.values or plain_value(value) in fact.values)


def said_of(raw: str) -> licence_words.Said:
    """What a written licence means; law ids of the shelf come before tags and SPDX words."""
    law = _shelf_law(raw)
    return licence_words.Said((law,), False, raw) if law else licence_words.laws_of(raw, licence_words.table())


def known_licence(raw: str) -> bool:
    return raw.strip().lower() == licence_words.UNKNOWN or said_of(raw).known


def licence_names() -> list[str]:
    """Every word for a licence that is known, for the nearest-word line of an error."""
    from caveat.law import shelf

    own = shelf.shelf().names() if shelf.COMPILED.is_file() else []
    return sorted({*own, *licence_words.table().laws})


def _shelf_law(raw: str) -> str:
    from caveat.law import shelf

    return (shelf.shelf().resolve(raw) or "") if shelf.COMPILED.is_file() else ""


def disputed() -> dict[str, tuple[str, ...]]:
    """Every disputed word with its readings; empty where the law has not been compiled yet."""
    from caveat.law import shelf

    if not shelf.COMPILED.is_file():
        return {}
    law = shelf.shelf()
    return {word: law.word(word).ids() for word in law.word_ids()}
