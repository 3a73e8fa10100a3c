"""The catalogue as it is asked: a name becomes an asset, an asset its claims with those of everything behind it.

Records are kept as JSON text and read when wanted, so that opening the catalogue costs a few milliseconds.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from caveat.errors import nearest as nearest_words
from caveat.evidence.catalogue.asset import Asset, Step, Term, from_record, from_text
from caveat.evidence.catalogue.names import COPIERS, LONGEST, Glob, fits, fold, in_case_of, without_suffix
from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, Place, StepClaim


class Terms(NamedTuple):
    """The terms of a hosted service on a day. held: text | quote | none; neighbours: known texts on either side."""

    laws: tuple[str, ...]
    held: str
    neighbours: tuple[str, ...] = ()
    note: str = ""


class Catalogue:
    """Facts about well-known assets, read from the compiled form (a plain dict)."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self._names: dict[str, str] = compiled["names"]
        self._loose: dict[str, str] = compiled["loose"]
        self._records: dict[str, str] = compiled["records"]
        self._patterns: list[dict[str, Any]] = compiled["patterns"]
        self._services: list[dict[str, Any]] = compiled["services"]
        self._globbed: dict[str, Glob | None] = {}

    def __len__(self) -> int:
        return len(self._records)

    def ids(self) -> tuple[str, ...]:
        """Every id that has a record of its own."""
        return tuple(self._records)

    def names(self) -> tuple[str, ...]:
        """Every name (lower case) that resolves strictly, without those that only a pattern knows."""
        return tuple(self._names)

    @cached_property
    def _globs(self) -> list[Glob]:
        globs = [Glob(p["match"], "pattern", i) for i, p in enumerate(self._patterns)]
        globs += [Glob(n, "service", i) for i, s in enumerate(self._services) for n in s["names"]]
        return sorted(globs, key=lambda g: (-len(g.glob), g.glob))

    @cached_property
    def _by_letter(self) -> dict[str, list[Glob]]:
        """The globs that can fit a name with this first letter, in their order; "*": those that fit any letter."""
        letters = {g.glob[:1].lower() for g in self._globs} | {"*"}
        return {a: [g for g in self._globs if g.glob[:1].lower() in (a, "*")] for a in letters}

    def resolve(self, name: str, loose: bool = False) -> str | None:
        """The id that a name means, or None. Loose also reads titles, tags and names that say "a copy of"."""
        name = name.strip()
        if not name or len(name) > LONGEST:
            return None
        return self._exact(name) or self._by_suffix(name, loose) or (self._loosely(name) if loose else None)

    def _exact(self, name: str) -> str | None:
        return self._names.get(name.lower()) or self._by_glob(name)

    def _by_glob(self, name: str) -> str | None:
        glob = self._glob_of(name)
        if glob is None:
            return None
        return in_case_of(glob.glob, name) if glob.sort == "pattern" else self._service_id(name)

    def _glob_of(self, name: str) -> Glob | None:
        """Remembered: in a big lineage every name is asked for many times, and most fit no glob at all."""
        if name not in self._globbed:
            near = self._by_letter.get(name[:1].lower(), self._by_letter["*"])
            self._globbed[name] = next((g for g in near if fits(g.glob, name)), None)
        return self._globbed[name]

    def _service_id(self, name: str) -> str:
        """openai/gpt-4o and gpt-4o are one service."""
        bare = name.lower().rpartition("/")[2]
        known = any(g.sort == "service" and "/" not in g.glob and fits(g.glob, bare) for g in self._globs)
        return bare if known else name.lower()

    def _by_suffix(self, name: str, loose: bool) -> str | None:
        """INVARIANT: a name made only of a known model and a suffix stays itself; `asset` gives it the step."""
        return name if self._origin(name, loose) else None

    def _loosely(self, name: str) -> str | None:
        known = self._loose.get(name.lower()) or self._loose.get(fold(name))
        if known or "/" not in name:
            return known
        return name if self._copied(name) else None

    def _origin(self, name: str, loose: bool) -> Step | None:
        """The step that a suffix tells of. Strictly only for owners known to re-upload, or the maker himself."""
        told = without_suffix(name)
        if told is None:
            return None
        act, stem = told
        owner, _, bare = stem.rpartition("/")
        if not loose and owner.lower() not in COPIERS:
            return None
        base = self._names.get(stem.lower()) or self._names.get(bare.lower()) or self._loose.get(fold(bare))
        return Step(act, base, owner, weak="only the name says so") if base and self._is_model(base) else None

    def _copied(self, name: str) -> Step | None:
        owner, _, bare = name.rpartition("/")
        base = self._names.get(bare.lower())
        if base is None or not self._is_model(base) or base.lower() == name.lower():
            return None
        return Step("copy", base, owner, weak="only the name says so")

    def _is_model(self, asset_id: str) -> bool:
        return '"kind": "model"' in self._records.get(asset_id, "")

    def asset(self, asset_id: str) -> Asset | None:
        """The record of an id that `resolve` gave, or one made from its pattern, service or name; else None."""
        if asset_id in self._records:
            return from_text(self._records[asset_id])
        if asset_id.lower() in self._names:
            return self.asset(self._names[asset_id.lower()])
        glob = self._glob_of(asset_id)
        if glob is None:
            return self._made_of_name(asset_id)
        return self._of_pattern(asset_id, glob) if glob.sort == "pattern" else self._of_service(asset_id, glob)

    def _of_pattern(self, asset_id: str, glob: Glob) -> Asset:
        pattern = self._patterns[glob.at]
        origin = self._origin(asset_id, True)
        steps = [_plain(origin)] if origin and origin.parent != asset_id else []
        return from_record({**pattern, "id": in_case_of(glob.glob, asset_id), "steps": steps})

    def _of_service(self, asset_id: str, glob: Glob) -> Asset:
        service = self._services[glob.at]
        terms = tuple(_term(t) for t in service["terms"])
        return Asset(self._service_id(asset_id), "service", service.get("maker", ""), terms,
                     source=service.get("source", ""))

    def _made_of_name(self, asset_id: str) -> Asset | None:
        step = self._origin(asset_id, True) or self._copied(asset_id)
        base = self.asset(step.parent) if step else None
        if step is None or base is None:
            return None
        return Asset(asset_id, base.kind, step.by, base.licences, (), (), base.target, base.parameters,
                     base.multimodal, source=base.source, steps=(step,), weak=step.weak)

    def terms(self, service: str, day: date | None = None) -> Terms | None:
        """Which terms a call to that service on that day is under; None if it is no known service."""
        glob = self._glob_of(self._names.get(service.lower(), service))
        if glob is None or glob.sort != "service":
            return None
        spans = self._services[glob.at]["terms"]
        at = next((i for i, t in enumerate(spans) if day is None or _term(t).holds(day)), None)
        if day is None:
            at = len(spans) - 1
        if at is None:
            return Terms(("unknown",), "none", _known(spans[:1] + spans[-1:]), "no terms known for that day")
        span = spans[at]
        around = () if span["held"] == "text" else _known(spans[max(at - 1, 0):at] + spans[at + 1:at + 2])
        return Terms(_term(span).laws, span["held"], around, span.get("note", ""))

    def nearest(self, name: str) -> list[str]:
        """Up to three known names that look most like a name: first those that begin alike, then difflib's."""
        start = fold(name)
        alike = sorted((n for n in self._names if "/" not in n and start and fold(n).startswith(start)), key=len)
        heads = (g.glob.rstrip("*-").lower() for g in self._globs if g.sort == "service")
        known = [n for n in (*self._names, *heads) if ("/" in n) == ("/" in name)]
        also = nearest_words(name.lower(), dict.fromkeys(known))
        return list(dict.fromkeys(alike[:2] + also))[:3]

    def claims(self, asset_id: str, day: date | None = None) -> tuple[Claim, ...]:
        """All that is known of an asset and of everything it was made from; licences and terms as of the day.

        A service reached by a dated step gets the terms of that step's day (place key "of DATE").
        """
        told: list[Claim] = []
        todo: list[tuple[str, date | None]] = [(self.resolve(asset_id, loose=True) or asset_id, day)]
        seen: set[tuple[str, date | None]] = set()
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            asset = self.asset(at[0])
            if asset is None:
                continue
            again = any(s[0] == at[0] and s != at for s in seen)
            told += _licence_claims(asset, at[1]) if again else _asset_claims(asset, at[1])
            todo += [(s.parent, s.when if self.is_service(s.parent) else day) for s in reversed(asset.steps)]
        return tuple(told)

    def is_service(self, name: str) -> bool:
        """Whether a name is a hosted service, whose terms hang on the day of the call."""
        if name in self._records:
            return False
        glob = self._glob_of(name)
        return glob is not None and glob.sort == "service"


def opened(compiled: bytes) -> Catalogue:
    """The catalogue of a compiled file's bytes."""
    return Catalogue(json.loads(compiled))


def _asset_claims(asset: Asset, day: date | None) -> list[Claim]:
    return [*_licence_claims(asset, day), *_fact_claims(asset), *_step_claims(asset)]


def _licence_claims(asset: Asset, day: date | None) -> list[Claim]:
    key = f"of {day.isoformat()}" if asset.kind == "service" and day else "licence"
    place = Place("catalogue", asset.source, key=key, weak=asset.weak)
    laws = asset.laws(day)
    return [LicenceClaim(asset.id, laws, place, raw=" + ".join(laws))] if laws else []


def _fact_claims(asset: Asset) -> Iterator[Claim]:
    place = Place("catalogue", asset.source, weak=asset.weak)
    facts = [("kind", asset.kind), ("maker", asset.maker), ("target", asset.target), ("contents", asset.contents)]
    facts += [("family", family) for family in asset.families]
    facts += [("parameters", str(asset.parameters))] if asset.parameters else []
    facts += [("multimodal", "yes")] if asset.multimodal else []
    return (AssetClaim(asset.id, field, value, place) for field, value in facts if value)


def _step_claims(asset: Asset) -> Iterator[Claim]:
    for s in asset.steps:
        place = Place("catalogue", s.source or asset.source, weak=s.weak or asset.weak)
        yield StepClaim(asset.id, s.act, s.parent, place, s.by, s.when, s.column)


def _plain(step: Step) -> dict[str, str]:
    return {"act": step.act, "from": step.parent}


def _term(t: Mapping[str, Any]) -> Term:
    day = date.fromisoformat
    return Term(tuple(t["laws"]), day(t["from"]) if t.get("from") else None, day(t["to"]) if t.get("to") else None)


def _known(spans: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(law for span in spans for law in span["laws"] if law != "unknown")
