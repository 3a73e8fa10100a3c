"""`[policy]` of a caveat.toml, or of a file that an organisation gives to every check: its own rules, not a licence's.

    [policy]                   wherever the thing goes
    preset   = ["no-unknown"]                         rules with a name, see PRESETS
    allow    = ["apache-2.0", "mit"]                  no other licence, however far up
    deny     = ["cc-by-nc-4.0"]                       not this one
    verdicts = ["permitted", "conditional"]           no finding may be anything else
    steps    = 1                                      licences are looked at so many steps up; left out: all the way
    [policy.distributed]       the same keys, for one channel: internal, hosted, distributed, product
    [policy.settle]            improve = "any-help"   readings that the organisation settled

Read as strictly as the rest of caveat.toml: an unknown word is a SettingsError with its line and the nearest known one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caveat.errors import SettingsError, nearest
from caveat.evidence.caveat_toml_decided import settlement
from caveat.law.words import FACTS, VERDICTS
from caveat.lineage.claims import Evidence, PolicyRule, Settlement

if TYPE_CHECKING:
    from caveat.evidence.caveat_toml import Reading

#: Preset -> what it asks, in one sentence.
PRESETS = {
    "permissive-only": "every licence behind it is known and permissive: it restricts nothing and claims no whole",
    "no-noncommercial": "no licence behind it keeps commerce out",
    "no-unknown": "nothing behind it is under unknown terms, and no finding is unknown",
}
CHANNELS = FACTS["channel"].values
RULES = ("preset", "allow", "deny", "verdicts")
KEYS = (*RULES, "steps")
#: A policy file may hold nothing else: it is the organisation's, and says nothing about one asset.
OF_A_FILE = ("policy",)


def read_file(path: Path) -> Evidence:
    """The rules and settled readings of a policy file. Raises SettingsError with file, line and the nearest word."""
    from caveat.evidence.caveat_toml import LIMIT, Reading
    from caveat.evidence.source import text_of

    source = text_of(path, str(path), LIMIT)
    if source.problems:
        raise SettingsError(source.problems[0].what, place=str(path))
    reading = Reading(source.text, str(path), "")
    for table in reading.data:
        if table not in OF_A_FILE:
            raise reading.wrong(table, f"a policy file holds [policy] and no [{table}]")
    if "policy" not in reading.data:
        raise SettingsError("a policy file without [policy]", place=str(path))
    return Evidence(settlements=tuple(settled(reading)), policy=tuple(rules(reading)))


def rules(reading: Reading) -> Iterator[PolicyRule]:
    """Every rule, those for one channel after those for all."""
    table = reading.table("policy")
    for key in table:
        if key not in (*KEYS, *CHANNELS, "settle"):
            known = (*KEYS, *CHANNELS, "settle")
            raise reading.wrong(f"policy.{key}", f"the key {key!r} is not known", nearest(key, known) or list(known))
    yield from _of_channel(reading, "", {k: v for k, v in table.items() if k in KEYS})
    for channel in CHANNELS:
        yield from _of_channel(reading, channel, _table(reading, channel))


def settled(reading: Reading) -> Iterator[Settlement]:
    """Readings that the organisation chose, each as `word = "reading"`."""
    for word in (row := _table(reading, "settle")):
        yield settlement(reading, word, f"policy.settle.{word}", {"reading": row[word], "by": "policy"})


def _table(reading: Reading, key: str) -> Mapping[str, Any]:
    row = reading.table("policy").get(key, {})
    if not isinstance(row, Mapping):
        raise reading.wrong(f"policy.{key}", f"[policy.{key}] must be a table")
    return row


def _of_channel(reading: Reading, channel: str, row: Mapping[str, Any]) -> Iterator[PolicyRule]:
    path = f"policy.{channel}" if channel else "policy"
    for what in row:
        if what not in KEYS:
            raise reading.wrong(f"{path}.{what}", f"the key {what!r} is not known", nearest(what, KEYS) or list(KEYS))
    steps = _steps(reading, row, path)
    for what in (key for key in row if key in RULES):
        values = _values(reading, row, path, what)
        if not values and what != "allow":
            raise reading.wrong(f"{path}.{what}", f"{what} is empty: leave it out")
        yield PolicyRule(channel, what, values, reading.place(f"{path}.{what}", ", ".join(values)), steps)


def _steps(reading: Reading, row: Mapping[str, Any], path: str) -> int:
    steps = row.get("steps", 0)
    if "steps" in row and (not isinstance(steps, int) or isinstance(steps, bool) or not 0 < steps < 1000):
        raise reading.wrong(f"{path}.steps", "steps must be a number from 1 on; leave it out to look all the way up")
    return int(steps)


def _values(reading: Reading, row: Mapping[str, Any], path: str, what: str) -> tuple[str, ...]:
    """Law ids of allow and deny; known words of the others."""
    if what in ("allow", "deny"):
        return reading.licences(row, path, what)[0]
    known = tuple(PRESETS) if what == "preset" else VERDICTS
    values = reading.words(row, path, what)
    for value in values:
        if value not in known:
            raise reading.wrong(f"{path}.{what}", f"the {what} {value!r} is not known", nearest(value, known) or known)
    return values
