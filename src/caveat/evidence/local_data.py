"""Follows a recipe to the data that lies beside it: rows on one's own disk tell who wrote them, if anything does.

    datasets: [{path: ./rows}]        a folder or file, from the recipe's folder or one further up, as trainers look

Only what lies inside one of those folders is opened (a recipe is a stranger's, and names any place it likes), and of it
only cards, statements and the columns that name a writer. Where nothing tells, the data stays of unknown origin.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from caveat.errors import CaveatError
from caveat.evidence.generated import INNER, ON_DISK
from caveat.evidence.planned import ON_DISK as UNKNOWN
from caveat.evidence.planned import YOU
from caveat.lineage.claims import Claim, Evidence, StepClaim

#: Acts whose parent is data.
OF_DATA = frozenset({"train", "mix", "filter", "annotate", "distil"})
#: Folders above the recipe in which a path may begin; a folder of the whole machine is none.
HIGHEST, LEAST_DEPTH = 5, 3
#: Places that are followed in one go.
MOST = 50
STATEMENT = "provenance.intoto.json"
GLOB = re.compile(r"[*?\[{]")
Gather = Callable[[Path], Evidence]


def followed(said: Evidence, root: Path, gather: Gather) -> Evidence:
    """The same evidence, and what the data tells that its recipes name by a path under or near `root`."""
    known = {c.child for c in said.claims if isinstance(c, StepClaim)}
    told: dict[str, Evidence] = {}
    for name in list(_named(said, known, root))[:MOST]:
        if name in known:  # read already, as an asset of its own
            told[name] = Evidence((name,))
        elif found := _read(name, root, gather):
            told[name] = found
    claims = tuple(_linked(c, told) for c in said.claims)
    left = {(c.place.file, c.place.line) for c in claims if isinstance(c, StepClaim) and _open(c)}
    problems = tuple(p for p in said.problems if p.what != UNKNOWN or (p.file, p.line) in left)
    more = sum(told.values(), Evidence())
    return said._replace(claims=(*claims, *more.claims), problems=(*problems, *more.problems))


def _named(said: Evidence, known: set[str], root: Path) -> dict[str, None]:
    """Names of data that are paths, and those that could be a repository's but are a folder here: trainers take it."""
    steps = [c for c in said.claims if isinstance(c, StepClaim) and c.act in OF_DATA and c.by == YOU]
    return dict.fromkeys(c.parent for c in steps if _open(c) or (c.parent not in known and _here(c.parent, root)))


def _here(name: str, root: Path) -> bool:
    return len(name) < 200 and name.count("/") < 3 and any((base / name).is_dir() for base in _bases(root))


def _open(c: StepClaim) -> bool:
    return c.place.weak == UNKNOWN


def _linked(c: Claim, told: dict[str, Evidence]) -> Claim:
    if not isinstance(c, StepClaim) or c.act not in OF_DATA or c.by != YOU or c.parent not in told:
        return c
    return c._replace(parent=told[c.parent].subjects[0], place=c.place._replace(weak=""))


def _read(written: str, root: Path, gather: Gather) -> Evidence | None:
    """What the place tells, under one name that no catalogue can mistake; None if it tells no origin."""
    for place in _places(written, root):
        try:
            said = gather(place)
        except (CaveatError, OSError):
            continue
        if any(isinstance(c, StepClaim) and c.act == "generate" for c in said.claims):
            return _renamed(said, written, place)
    return None


def _renamed(said: Evidence, written: str, place: Path) -> Evidence:
    name = f"{place.name}{ON_DISK}"
    subjects = set(said.subjects)
    here = written.rstrip("/")
    claims = tuple(_under(c, subjects, name, here) for c in said.claims)
    problems = tuple(p._replace(file=_below(here, p.file)) for p in said.problems)
    return Evidence((name,), tuple(dict.fromkeys(claims)), problems)


def _under(c: Claim, subjects: set[str], name: str, here: str) -> Claim:
    where = c.place._replace(file=_below(here, c.place.file))
    if isinstance(c, StepClaim):
        return c._replace(child=name if c.child in subjects else c.child, place=where)
    return c._replace(asset=name if c.asset in subjects else c.asset, place=where)


def _below(here: str, file: str) -> str:
    """Where a file lies: below the folder that was written, or it is itself what was written."""
    return (here if here.rsplit("/", 1)[-1] == file else f"{here}/{file}")[-300:]


def _places(written: str, root: Path) -> Iterator[Path]:
    """Folders and plain files that the path may mean, each inside the folder from which it is taken."""
    start = GLOB.split(written, maxsplit=1)[0] if GLOB.search(written) else written
    start = start.rpartition("/")[0] if start != written else start
    for base in _bases(root):
        place = Path(os.path.normpath(base / start)) if start else base
        if place != base and _inside(place, base) and _plain(place):
            yield _whole(place, base)


def _whole(place: Path, base: Path) -> Path:
    """The data set of which a file or an inner folder is a part, where a statement shows that it is one."""
    whole = place.parent if place.is_file() else place
    while whole.name in INNER and _inside(whole.parent, base):
        whole = whole.parent
    return whole if (whole / STATEMENT).is_file() and _inside(whole, base) else place


def _bases(root: Path) -> Iterable[Path]:
    here = Path(os.path.realpath(root))
    return [p for p in (here, *list(here.parents)[:HIGHEST]) if p == here or len(p.parts) > LEAST_DEPTH]


def _inside(place: Path, base: Path) -> bool:
    real = os.path.realpath(place)
    return real.startswith(str(base) + os.sep)


def _plain(place: Path) -> bool:
    try:
        mode = place.stat().st_mode
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(mode) or stat.S_ISREG(mode)
