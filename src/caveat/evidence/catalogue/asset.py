"""What the catalogue knows of one asset, as frozen values. A record is the plain (JSON-able) form of the same."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple


class Step(NamedTuple):
    """`asset <-act- parent`; `by` is "" where the publisher took the step himself."""

    act: str
    parent: str
    by: str = ""
    when: date | None = None
    column: str = ""
    source: str = ""
    weak: str = ""


class Term(NamedTuple):
    """The law ids (all at once) that an asset was under in a span of days, both included; None = open."""

    laws: tuple[str, ...]
    start: date | None = None
    end: date | None = None

    def holds(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


class Asset(NamedTuple):
    """One well-known asset. `parameters` is a count or None; `weak` says why little should be built on it."""

    id: str
    kind: str
    maker: str = ""
    licences: tuple[Term, ...] = ()
    aliases: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    target: str = ""
    parameters: int | None = None
    multimodal: bool = False
    contents: str = ""
    source: str = ""
    steps: tuple[Step, ...] = ()
    weak: str = ""

    def laws(self, day: date | None = None) -> tuple[str, ...]:
        """Law ids of that day; without a day the newest, before the first day the first."""
        if not self.licences:
            return ()
        held = [t for t in self.licences if day is not None and t.holds(day)]
        if held:
            return held[-1].laws
        first = self.licences[0]
        early = day is not None and first.start is not None and day < first.start
        return first.laws if early else self.licences[-1].laws


def from_record(record: Mapping[str, Any]) -> Asset:
    """The asset of a plain record as `compile` writes it."""
    return Asset(
        id=record["id"], kind=record["kind"], maker=record.get("maker", ""),
        licences=tuple(_term(t) for t in record.get("licences", ())),
        aliases=tuple(record.get("aliases", ())), families=tuple(record.get("families", ())),
        target=record.get("target", ""), parameters=_parameters(record), contents=record.get("contents", ""),
        multimodal=record.get("multimodal", False), source=record.get("source", ""),
        steps=tuple(_step(s) for s in record.get("steps", ())), weak=record.get("weak", ""),
    )


def from_text(text: str) -> Asset:
    """As from_record, of a record kept as a JSON string."""
    return from_record(json.loads(text))


_SIZE = re.compile(
    r"(?<![\d.a-z])(?:(?P<times>\d{1,3})x)?(?P<n>\d{1,4}(?:[._]\d{1,3})?)(?P<unit>[bm])(?P<tenth>\d)?(?![a-z\d])",
    re.IGNORECASE,
)
_UNIT = {"b": 1_000_000_000, "m": 1_000_000}


def size_in(name: str) -> int | None:
    """Parameters as a name tells them: 7b, 1.1B, 360M, 8x7B, 7b1; None where it tells nothing."""
    found = _SIZE.search(name.rpartition("/")[2][:200])
    if not found:
        return None
    number = float(found["n"].replace("_", ".") + ("." + found["tenth"] if found["tenth"] else ""))
    return round(number * int(found["times"] or 1) * _UNIT[found["unit"].lower()])


def _parameters(record: Mapping[str, Any]) -> int | None:
    if record.get("parameters"):
        return int(record["parameters"])
    return size_in(record["id"]) if record["kind"] == "model" else None


def _term(t: Mapping[str, Any]) -> Term:
    return Term(tuple(t["laws"]), _day(t.get("from")), _day(t.get("to")))


def _step(s: Mapping[str, Any]) -> Step:
    return Step(s["act"], s["from"], s.get("by", ""), _day(s.get("date")), s.get("column", ""), s.get("source", ""))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
