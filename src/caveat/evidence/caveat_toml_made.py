"""What a `caveat.toml` says was made: the project itself, its assets, and the steps between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from caveat.evidence.caveat_toml_words import ASSET_FIELDS, plain_value
from caveat.law.words import ACTS, KINDS, TARGETS
from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, Place, StepClaim

if TYPE_CHECKING:
    from caveat.evidence.caveat_toml import Reading


def claims(reading: Reading) -> Iterator[Claim]:
    """Of the project itself, of assets, and of steps, in this order."""
    yield from _project(reading)
    for name, row in reading.table("assets").items():
        yield from _asset(reading, name, f"assets.{name}", row)
    for path, row in reading.rows("step"):
        yield from _step(reading, path, row)


def _project(reading: Reading) -> Iterator[Claim]:
    row = reading.table("project")
    if reading.name and "name" in row:
        if "/" not in reading.name or reading.name.split("/")[0] == reading.you:
            yield AssetClaim(reading.name, "own", "yes", reading.place("project.name", reading.name))
        yield AssetClaim(reading.name, "name", reading.name, reading.place("project.name", reading.name))
    kind = reading.one_of(row, "project", "kind", KINDS)
    if kind:
        yield AssetClaim(reading.name, "kind", kind, reading.place("project.kind", kind))
    if "licence" in row:
        laws, choice, raw = reading.licences(row, "project", "licence")
        yield LicenceClaim(reading.name, laws, reading.place("project.licence", raw), choice, raw)


def _asset(reading: Reading, name: str, path: str, row: Any) -> Iterator[Claim]:
    path, row = reading.checked("assets", path, row)
    asset = reading.asset_name(name, path)
    kind = reading.one_of(row, path, "kind", KINDS)
    if kind:
        yield AssetClaim(asset, "kind", kind, reading.place(f"{path}.kind", kind))
    if "licence" in row:
        laws, choice, raw = reading.licences(row, path, "licence")
        yield LicenceClaim(asset, laws, reading.place(f"{path}.licence", raw), choice, raw)
    elif "/" not in asset:
        # A bare name that is declared here is the asker's own work.
        yield AssetClaim(asset, "own", "yes", reading.place(path, name))
    reading.one_of(row, path, "target", TARGETS)
    for field in ASSET_FIELDS:
        if field in row:
            yield AssetClaim(asset, field, plain_value(row[field]), reading.place(f"{path}.{field}", row[field]))


def _step(reading: Reading, path: str, row: Mapping[str, Any]) -> Iterator[Claim]:
    act = reading.act(row, path)
    child = reading.asset_name(reading.word(row, path, "makes"), f"{path}.makes")
    by, when = reading.word(row, path, "by"), reading.day(row, path, "date")
    party = "you" if by in ("", reading.you) else by
    where = reading.place(f"{path}.makes", child)
    if ACTS[act].makes == "":
        raise reading.wrong(f"{path}.act", f"{act} makes nothing: write it as [[use]]")
    if ACTS[act].makes in KINDS:
        yield AssetClaim(child, "kind", ACTS[act].makes, where)
    if party == "you" and "/" not in child:
        yield AssetClaim(child, "own", "yes", where)
    for i, parent in enumerate(reading.words(row, path, "from")):
        key = f"{path}.from"
        named = reading.asset_name(parent, key)
        if named == child:
            raise reading.wrong(key, f"{child!r} cannot be made from itself")
        quote = _quote(reading, row, path, parent)[:120]
        place = Place("declared", reading.file, reading.lines.of(key), f"{key}[{i}]", quote)
        yield StepClaim(child, act, named, place, party, when, reading.word(row, path, "column"))


def _quote(reading: Reading, row: Mapping[str, Any], path: str, parent: str) -> str:
    """The parent as written, with what of it went in: "owner/rows@4f1c (train; prompt, answer)"."""
    revision = reading.word(row, path, "revision")
    part = ", ".join(filter(None, (reading.word(row, path, "config"), reading.word(row, path, "split"))))
    more = "; ".join(filter(None, (part, ", ".join(reading.words(row, path, "columns")))))
    return f"{parent}{f'@{revision}' if revision else ''}{f' ({more})' if more else ''}"
