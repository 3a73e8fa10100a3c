"""What Caveat itself writes beside and into rows, read back: a package address says whose output they are.

    column generator + run_id      of every row, in Parquet and JSON lines
    caveat: [{generator, run_id, by}]        in a card's front matter
    provenance.intoto.json                   (intoto.py)

Each suffices alone. A step that comes from here carries `run ID` as the key of its place: what one of them tells of a
run (who ran it) holds for the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from caveat.evidence.source import place
from caveat.evidence.yaml_safe import Mapping, Sequence
from caveat.lineage import purl
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Place, StepClaim

ON_DISK = " (local)"
#: Folders inside a data set that name no data set.
INNER = frozenset({"data", "train", "default"})
MADE = frozenset({"quantize", "convert", "copy", "finetune", "adapt", "merge", "prune", "distil"})
DAY = re.compile(r"\d{4}-\d\d-\d\d")
HOST = re.compile(r"(?:localhost|\d+\.\d+\.\d+\.\d+|[\w-]+(?:\.[\w-]+)+|\[?[0-9a-fA-F:]*::?[0-9a-fA-F:]*\]?)(?:/|$)")
#: Runs and bases of one file that are looked at.
MOST_RUNS, MOST_BASES = 500, 20
RUN = re.compile(r"[\w.:-]{1,100}")


def is_address(value: object) -> bool:
    """Whether a value is a package address."""
    return isinstance(value, str) and purl.read(value) is not None


def claims_of(asset: str, address: str, run: str, where: Place, by: str = "", column: str = "") -> list[Claim]:
    """That a model wrote `asset`, and what the address alone tells of it: day of the call, bases, terms."""
    parts = purl.read(address)
    if parts is None:
        return []
    name, called = parts.path[:200], _day(parts)
    where = where._replace(key=f"run {run}" if RUN.fullmatch(run) else where.key)
    step = StepClaim(asset, "generate", name, where, by, called, column)
    return [step, *_of_model(parts, name, called, where)]


def _day(parts: purl.Purl) -> date | None:
    """A hosted model's version is the day of the call."""
    if parts.type != "generic" or not DAY.fullmatch(parts.version):
        return None
    try:
        return date.fromisoformat(parts.version)
    except ValueError:
        return None


def _of_model(parts: purl.Purl, name: str, called: date | None, where: Place) -> Iterator[Claim]:
    """Kind; and for what nobody else can look up, the bases and terms in the address."""
    yield AssetClaim(name, "kind", "service" if called else "model", where)
    made = parts.get("made") if parts.get("made") in MADE else "finetune"
    for base in parts.get("base").split(",")[:MOST_BASES]:
        if base and base != name:
            yield StepClaim(name, made, base[:200], where)
    laws = tuple(filter(None, parts.get("laws").split(",")))[:MOST_BASES]
    if laws:
        yield LicenceClaim(name, laws, where, raw=" + ".join(laws))
    elif parts.type == "generic" and HOST.match(parts.namespace + "/"):
        yield AssetClaim(name, "maker", parts.namespace.split("/")[0], where)


def of_front(front: Mapping, file: str, asset: str) -> list[Claim]:
    """The runs that a card's front matter lists under `caveat`."""
    told = front.get("caveat")
    runs = [r for r in told.values if isinstance(r, Mapping)] if isinstance(told, Sequence) else []
    claims: list[Claim] = []
    for run in runs[:MOST_RUNS]:
        address = run.text("generator")
        where = place(file, getattr(told, "line", None), "caveat", address)
        claims += claims_of(asset, address, run.text("run_id"), where, run.text("by")[:200])
    return claims


def home_of(file: str, asset: str) -> str:
    """What the rows of a file belong to: the folder that was named, or the folder in it in which they lie."""
    folders = file.split("/")[:-1]
    while folders and folders[-1] in INNER:
        folders = folders[:-1]
    return folders[-1] + ON_DISK if folders else asset


def whereabouts(child: str, file: str, asset: str, where: Place) -> list[Claim]:
    """Names under which a recipe may speak of the rows: their file, and their folders."""
    folders = ["/".join(file.split("/")[:n]) for n in range(1, file.count("/") + 1)]
    near = [f for f in folders if home_of(f + "/x", asset) == child]
    return [AssetClaim(child, "alias", name, where._replace(key="data file")) for name in (file, *near)]


def is_ours(said: Evidence) -> bool:
    """Whether evidence tells of rows that Caveat wrote."""
    return any(_of_run(c) for c in said.claims)


def rows_in(claims: Iterable[Claim]) -> set[str]:
    """What Caveat wrote."""
    return {c.child for c in claims if isinstance(c, StepClaim) and _of_run(c)}


def writers_in(claims: Iterable[Claim]) -> set[str]:
    """The models that wrote it; how these were made is told of them, and nothing here makes them."""
    return {c.parent for c in claims if isinstance(c, StepClaim) and _of_run(c)}


def _of_run(c: Claim) -> bool:
    return isinstance(c, StepClaim) and c.act == "generate" and c.place.key.startswith("run ")


def signed(said: list[tuple[str, Evidence]]) -> list[tuple[str, Evidence]]:
    """Who ran a run is told in one place; the steps of the same run elsewhere are theirs too."""
    by = {c.place.key: c.by for _, e in said for c in e.claims if isinstance(c, StepClaim) and _of_run(c) and c.by}
    if not by:
        return said
    return [(n, e._replace(claims=tuple(_by(c, by) for c in e.claims))) for n, e in said]


def _by(c: Claim, by: dict[str, str]) -> Claim:
    return c._replace(by=by.get(c.place.key, "")) if isinstance(c, StepClaim) and _of_run(c) and not c.by else c
