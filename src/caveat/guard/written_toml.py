"""The lineage of one run as tables of a caveat.toml, and how they are put into a file that may hold somebody's own.

    # >>> caveat: ...      what stands between the marks is replaced by the next run
    [project] [assets.X] [[step]] [[accept]]
    # <<< caveat

What the file says outside of the marks wins: tables and steps that stand there are not written again. The text is read
back before it is kept, so a file that `caveat check` could not read is never written.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.evidence.caveat_toml import LONGEST, Reading
from caveat.evidence.caveat_toml_words import ASSET_FIELDS, known_licence
from caveat.evidence.starter import comment
from caveat.guard.judged import Judged
from caveat.guard.planned import YOU, asset_of
from caveat.guard.seen import Load
from caveat.law import toml_safe
from caveat.law.toml_safe import quoted
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, Place, StepClaim

BEGIN = "# >>> caveat: written after a run; the next run replaces what stands between these marks"
END = "# <<< caveat"
#: How long what was accepted for one run is lived with before somebody must look at it again.
GRACE = timedelta(days=90)
MOST_STEPS, MOST_COLUMNS = 500, 40
#: Fields of an asset that are its nature; names and aliases are the project's own affair.
KEPT = frozenset(ASSET_FIELDS) - {"name", "alias"}
OUTSIDE = re.compile(r"^(?:[./~\\]|[A-Za-z]:[\\/])")


class Step(NamedTuple):
    """One [[step]]; `told` is where it was read, as a comment."""

    makes: str
    act: str
    parent: str
    by: str = ""  # "" = you
    day: date | None = None
    column: str = ""
    revision: str = ""
    split: str = ""
    config: str = ""
    columns: tuple[str, ...] = ()
    told: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        return (self.makes, self.act, self.parent, self.column)


class Taken(NamedTuple):
    """One [[accept]]."""

    finding: str
    why: str
    owner: str
    until: date


class Record(NamedTuple):
    """All that is written of one run. `assets`: name -> (key, value) pairs."""

    name: str
    by: str
    day: date
    steps: tuple[Step, ...]
    assets: Mapping[str, tuple[tuple[str, str], ...]]
    taken: tuple[Taken, ...]
    resumed: bool = False


# From claims to a record.


def record(evidence: Evidence, loads: Sequence[Load], judged: Judged, accept: Iterable[str], day: date, owner: str = "",
           resumed: bool = False) -> Record:
    """The run's claims as tables; names that lead out of the folder become names of their last two parts."""
    child = evidence.subjects[0]
    known = {asset_of(load): load for load in loads}
    names = _names(evidence)
    steps = [_step(c, child, known, names, evidence, day) for c in evidence.claims if isinstance(c, StepClaim)]
    whose = {names.get(c.asset, c.asset) for c in evidence.claims if not isinstance(c, StepClaim)}
    used = {child} | {x for s in steps for x in (s.makes, s.parent)}
    made = frozenset(s.makes for s in steps)
    assets = {n: _asset(n, evidence, names, n in made) for n in sorted(whose & used - {child})}
    return Record(names.get(child, child), evidence.you, day, _reached(steps, child)[:MOST_STEPS],
                  {n: rows for n, rows in assets.items() if rows}, tuple(_taken(judged, accept, day, owner)), resumed)


def _reached(steps: Iterable[Step], child: str) -> tuple[Step, ...]:
    """The steps that lead to the model, nearest first: other things a project declares are not its lineage."""
    left, found, edge = list(dict.fromkeys(steps)), list[Step](), [child]
    while edge:
        here = [s for s in left if s.makes in edge]
        left = [s for s in left if s not in here]
        found += here
        edge = [s.parent for s in here]
    return tuple({s.key: s for s in reversed(found)}.values())[::-1]


def _names(evidence: Evidence) -> dict[str, str]:
    """Name -> the name it is written under, where a caveat.toml may not hold it as it is."""
    every = dict.fromkeys(x for c in evidence.claims
                          for x in ((c.child, c.parent) if isinstance(c, StepClaim) else (c.asset,)))
    new: dict[str, str] = {}
    for name in every:
        if OUTSIDE.match(name) or not name.strip() or len(name) > LONGEST:
            parts = [p for p in re.split(r"[/\\]", name) if p not in ("", ".", "..", "~")]
            short = "/".join(parts[-2:])[:200] or "disk"
            held = {*new.values(), *every}
            new[name] = next(n for n in (short, *(f"{short} ({i})" for i in range(2, 10_000))) if n not in held)
    return new


def _step(c: StepClaim, child: str, known: Mapping[str, Load], names: Mapping[str, str], evidence: Evidence,
          day: date) -> Step:
    load = known.get(c.parent) if c.child == child else None
    by = c.by or _maker(c.child, evidence)
    mine = by in (YOU, evidence.you, "") if c.child == child or c.by else by == YOU
    step = Step(names.get(c.child, c.child), c.act, names.get(c.parent, c.parent), "" if mine else by or "somebody",
                c.when or (day if c.child == child else None), c.column, told=_where(c.place))
    if load is None:
        return step
    return step._replace(revision=load.revision, split=load.split, config=load.config,
                         columns=load.columns[:MOST_COLUMNS])


def _where(place: Place) -> str:
    return f"{place.file}:{place.line}" if place.line else place.file


def _maker(asset: str, evidence: Evidence) -> str:
    """Whoever is told, else the owner in the name, else you: what is made here under a bare name is yours."""
    told = [c.value for c in evidence.claims if isinstance(c, AssetClaim) and (c.asset, c.field) == (asset, "maker")]
    owner = asset.partition("/")[0] if "/" in asset and not OUTSIDE.match(asset) else ""
    return (told or [owner or YOU])[0]


def _asset(name: str, evidence: Evidence, names: Mapping[str, str], made: bool) -> tuple[tuple[str, str], ...]:
    """What was read of one asset. A bare name without terms would be declared as one's own: unless it is, it gets
    `unknown`."""
    mine = [c for c in evidence.claims if not isinstance(c, StepClaim) and names.get(c.asset, c.asset) == name]
    fields = {c.field: c.value for c in reversed(mine) if isinstance(c, AssetClaim)}
    laws = dict.fromkeys(law for c in mine if isinstance(c, LicenceClaim) for law in c.laws)
    rows = [("kind", fields["kind"])] if "kind" in fields else []
    known = [law for law in laws if law != "unknown" and known_licence(law)]
    whose = fields.get("maker") or (YOU if made else "")
    mine_too = whose in (YOU, evidence.you or YOU) or "own" in fields
    if known:
        rows.append(("licence", "\0".join(known)))
    elif "/" not in name and not mine_too:
        rows.append(("licence", "unknown"))
    if mine_too and "maker" in fields:
        fields["maker"] = evidence.you or YOU  # the party that signs the steps
    rows += [(f, v) for f, v in sorted(fields.items()) if f in KEPT]
    return () if "/" in name and [key for key, _ in rows] == ["kind"] else tuple(rows)  # its act says its kind


def _taken(judged: Judged, accept: Iterable[str], day: date, owner: str) -> Iterator[Taken]:
    """What somebody lives with: their own words where a file held them, else that it was accepted for this run."""
    wanted = frozenset(accept)
    for f in judged.accepted:
        if f.accepted is not None:
            yield Taken(f.id, f.accepted.why, f.accepted.owner, f.accepted.until)
        elif f.id in wanted:
            yield Taken(f.id, f"accepted for the run of {day.isoformat()}", owner or user(), day + GRACE)


def user() -> str:
    """Who runs this, as the environment or the system says."""
    for key in ("USER", "LOGNAME", "USERNAME"):
        if os.environ.get(key, "").strip():
            return os.environ[key].strip()[:100]
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "somebody"


# From a record to text.


def compose(old: str, run: Record, output: Path) -> str | None:
    """The whole file; None where what stands in it already cannot take these tables in."""
    before, block, after = parted(old)
    said = _parsed(before + after)
    if said is None:
        return None
    run = _kept(run, block) if run.resumed else run
    run = _under(run, said, output)
    lines = [BEGIN, comment(f"run of {run.day.isoformat()}: {run.name}"), *_tables(run, said), END]
    head = before.rstrip("\n") + "\n\n" if before.strip() else ""
    tail = "\n" + after.lstrip("\n") if after.strip() else ""
    text = f"{head}{chr(10).join(lines)}\n{tail}"
    return text if _reads(text, output) else None


def parted(old: str) -> tuple[str, str, str]:
    """What stands before our marks, between them, and after them."""
    end = old.rfind(f"{END}\n") if f"{END}\n" in old else (old.rfind(END) if old.endswith(END) else -1)
    start = old.rfind(BEGIN, 0, end) if end >= 0 else -1
    if start < 0 or (start and old[start - 1] != "\n"):
        return old, "", ""
    return old[:start], old[start:end], old[end + len(END):].removeprefix("\n")


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        return toml_safe.loads(text)
    except toml_safe.Broken:
        return None


def _reads(text: str, output: Path) -> bool:
    try:
        Reading(text, "caveat.toml", output.resolve().name).evidence()
    except SettingsError:
        return False
    return True


def _under(run: Record, said: Mapping[str, Any], output: Path) -> Record:
    """The model under the name that the file's own [project] gives it; without a name there, that of the folder."""
    project = said.get("project")
    if not isinstance(project, Mapping):
        return run
    name = project.get("name") or output.resolve().name
    if not isinstance(name, str) or name == run.name:
        return run
    steps = tuple(s._replace(makes=_renamed(s.makes, run.name, name), parent=_renamed(s.parent, run.name, name))
                  for s in run.steps)
    return run._replace(name=name, steps=steps)


def _renamed(asset: str, old: str, new: str) -> str:
    return new if asset == old else f"answers of {new}, scored" if asset == f"answers of {old}, scored" else asset


def _kept(run: Record, block: str) -> Record:
    """A run that went on from a checkpoint: what went into it before still went into it."""
    old = _parsed(block) or {}
    found = {s.key for s in run.steps}
    steps = (_former(row, parent) for row in _rows(old, "step") for parent in _listed(row.get("from")))
    kept = tuple(s for s in steps if s.key not in found and s.parent != run.name)
    assets = {n: tuple((k, _joined(v)) for k, v in row.items()) for n, row in old.get("assets", {}).items()}
    return run._replace(steps=(*run.steps, *kept), assets={**assets, **run.assets})


def _former(row: Mapping[str, Any], parent: str) -> Step:
    """A step as an earlier run wrote it."""
    said = {k: str(row[k]) for k in ("by", "column", "revision", "split", "config") if k in row}
    day = row.get("date")
    return Step(str(row.get("makes", "")), str(row.get("act", "")), parent, day=day if isinstance(day, date) else None,
                columns=_listed(row.get("columns")), told="an earlier part of the run", **said)


def _listed(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _joined(value: object) -> str:
    return "\0".join(map(str, value)) if isinstance(value, list) else str(value)


def _rows(said: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    rows = said.get(path, [])
    return [r for r in rows if isinstance(r, Mapping)] if isinstance(rows, list) else []


def _tables(run: Record, said: Mapping[str, Any]) -> Iterator[str]:
    if "project" not in said:
        yield from ("[project]", f"name = {quoted(run.name)}", *([f"by = {quoted(run.by)}"] if run.by else []), "")
    told = said.get("assets", {})
    for name, rows in run.assets.items():
        if not isinstance(told, Mapping) or name not in told:
            yield from (f"[assets.{quoted(name)}]", *(f"{k} = {_value(k, v)}" for k, v in rows), "")
    there = {(r.get("makes"), r.get("act"), p) for r in _rows(said, "step")
             for p in _listed(r.get("from"))}
    for step in run.steps:
        if (step.makes, step.act, step.parent) not in there:
            yield from _step_lines(step)
    living = {r.get("finding") for r in _rows(said, "accept")}
    for one in run.taken:
        if one.finding not in living:
            yield from ("[[accept]]", f"finding = {quoted(one.finding)}", f"why = {quoted(one.why)}",
                        f"owner = {quoted(one.owner)}", f"until = {one.until.isoformat()}", "")


def _step_lines(s: Step) -> Iterator[str]:
    yield "[[step]]"
    yield f"makes = {quoted(s.makes)}"
    yield f"act = {quoted(s.act)}"
    yield f"from = [{quoted(s.parent)}]" + (f"  {comment(s.told)}" if s.told else "")
    for key, value in (("by", s.by), ("column", s.column), ("revision", s.revision), ("config", s.config),
                       ("split", s.split)):
        if value:
            yield f"{key} = {quoted(value)}"
    if s.columns:
        yield f"columns = [{', '.join(map(quoted, s.columns))}]"
    if s.day:
        yield f"date = {s.day.isoformat()}"
    yield ""


def _value(key: str, value: str) -> str:
    several = value.split("\0")
    if key == "parameters" and re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", value):
        return value
    return quoted(value) if len(several) == 1 else f"[{', '.join(map(quoted, several))}]"
