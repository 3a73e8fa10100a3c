"""From what a process was seen to load to claims about the model it is going to make, each with the line of the load.

A load with a public name is that asset; one from a disk is read where it lies (card, caveat.toml, headers); rows that
came from memory stay of unknown origin: they are named, told as a problem, and never guessed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path
from typing import NamedTuple

from caveat.errors import CaveatError
from caveat.evidence import generated
from caveat.evidence.planned import dull
from caveat.evidence.planned import on_disk as spelt_as_path
from caveat.evidence.repo_names import repo_id
from caveat.evidence.used import SERVICE
from caveat.guard.seen import USUAL, Load, Trainer
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Place, Problem, StepClaim, UseClaim

YOU = "you"
#: A file of a repository, as `datasets` and `fsspec` spell it.
ON_HUB = re.compile(r"hf://(?:datasets/|models/)?([\w.-]{1,96}/[\w.-]{1,96})(?=[@/]|$)")
#: Loads of one run that are judged; a loop may load without end.
MOST_LOADS = 200
MOST_PROBLEMS = 20
KINDS = {"data": "dataset"}
SORTS = {"data": "datasets", "model": "models"}


class Project(NamedTuple):
    """What the project's own file says of names: who you are, and which things it declares."""

    you: str = ""
    spelt: frozenset[str] = frozenset()


def evidence_of(loads: Sequence[Load], trainer: Trainer, spelt: frozenset[str] = frozenset(),
                you: str = "") -> Evidence:
    """The claims of one run. The subject is the model that it makes; `spelt` are names that the project declares."""
    project = Project(you, spelt)
    child = child_of(trainer, loads)
    where = place_of(trainer.where, trainer.how, child)
    found = Evidence((child,), (AssetClaim(child, "kind", "model", where),))
    weights = {load.name for load in loads if load.what == "model"}
    for load in dict.fromkeys(loads[:MOST_LOADS]):
        if load.what == "architecture" and any(same_place(load.name, name) for name in weights):
            continue
        found += _of_load(load, child, project)
    if len(loads) > MOST_LOADS:
        found += told(trainer.where, f"{len(loads)} things were loaded", f"the first {MOST_LOADS} were judged")
    if not trainer.tracked and loads:
        found += told(trainer.where, "which of what was loaded goes into the training was not seen",
                      "all of it is presumed to")
    return found._replace(subjects=(child,))


def child_of(trainer: Trainer, loads: Sequence[Load] = ()) -> str:
    """What the model made is called: a hub id, else a folder with a name of its own, else for the script."""
    script = trainer.where.rpartition(":")[0] or trainer.where
    stem = Path(script).stem or "run"
    leaf = re.split(r"[/\\]", trainer.output.rstrip("/\\"))[-1]
    by_script = stem if not dull(stem) else f"{Path(script).resolve().parent.name}-{stem}"
    name = trainer.hub or (leaf if leaf and not dull(leaf) else by_script)
    return f"{name} (trained)" if any(name == load.name for load in loads) else name


def asset_of(load: Load, spelt: Set[str] = frozenset()) -> str:
    """The asset id of a load: the repository, or the path, spelt so that a folder is no claim to be a known asset."""
    written = load.name or f"rows from memory ({load.where or load.how})"
    if not on_disk(load):
        address = ON_HUB.match(written)
        return address[1] if address else repo_id(written) or written
    path = _tidy(written)
    if load.what != "data" or path in spelt or not _known(path):
        return path
    return f"{Path(written).resolve().parent.name or '.'}/{path}"


def _known(name: str) -> bool:
    """Whether a folder here is called like an asset that everybody knows."""
    from caveat.flows.asking import names

    return names().resolve_read(name) is not None


def _tidy(written: str) -> str:
    """A path as it is spelt from here: no leading dots, no end."""
    path = os.path.normpath(written.removeprefix("file://"))
    inside = os.path.relpath(path)
    return (path if inside.startswith("..") else inside).replace(os.sep, "/")


def same_place(name: str, other: str) -> bool:
    """Whether two names, spelt as they were given, are the same asset."""
    return asset_of(Load("model", name)) == asset_of(Load("model", other))


def on_disk(load: Load) -> bool:
    """Whether a name is a path: it is spelt like one, or something of that name lies here."""
    return bool(load.name) and (spelt_as_path(load.name) or Path(load.name).exists())


def place_of(where: str, key: str, quote: str = "") -> Place:
    """The place of a call, "train.py:12"."""
    file, sign, line = where.rpartition(":")
    if not sign or not line.isdigit():
        return Place("detected", where, None, key, quote[:120])
    return Place("detected", file, int(line), key, quote[:120])


def told(where: str, what: str, instead: str) -> Evidence:
    place = place_of(where, "")
    return Evidence(problems=(Problem(place.file, what, place.line, instead),))


def _of_load(load: Load, child: str, project: Project) -> Evidence:
    asset, act = asset_of(load, project.spelt), load.act or USUAL.get(load.what, "")
    where = place_of(load.where, load.how or load.what, _quote(load))
    own: list[Claim] = [AssetClaim(asset, "kind", KINDS.get(load.what, "model"), where)]
    steps = tuple(_steps(act, asset, child, where))
    mute = told(load.where, f"{asset}: {load.unknown}", "it stays of unknown origin") if load.unknown else Evidence()
    if load.what == "architecture":
        return told(load.where, f"only the architecture of {asset} was seen", "it says nothing of the weights")
    if not steps:
        mute += told(load.where, f"{asset} was loaded ({load.what}) and is not among what is trained",
                     "its part in the run is not judged") if act != "evaluate" else Evidence()
        return mute
    said = Evidence(claims=tuple(_writers(load, asset, where))) + _beside(load, asset)
    if on_disk(load) or not load.name:
        said = said._replace(claims=tuple(_by_you(c, asset) for c in said.claims))
        own += [_ownerless(asset, said, where, project.you)] if asset not in project.spelt else []
    return Evidence(claims=(*own, *steps)) + said + mute


def _ownerless(asset: str, said: Evidence, where: Place, you: str) -> Claim:
    """What lies on this disk and tells only how it was made is yours. Terms beside it are those of somebody, or they
    would bind nobody; where it is silent, nobody knows whose it is."""
    sorts = {type(c) for c in said.claims}
    return AssetClaim(asset, "maker", (you or YOU) if sorts & {StepClaim} and LicenceClaim not in sorts else "somebody",
                      where)


def _by_you(claim: Claim, asset: str) -> Claim:
    """A step into what lies on this disk, told by nobody else, was yours."""
    mine = isinstance(claim, StepClaim) and claim.child == asset and not claim.by
    return claim._replace(by=YOU) if mine and isinstance(claim, StepClaim) else claim


def _quote(load: Load) -> str:
    more = ", ".join(filter(None, (load.config, load.split, *load.files[:3])))
    name = f"{load.name}@{load.revision}" if load.revision else load.name
    return f"{name} ({more})" if more else name


def _steps(act: str, asset: str, child: str, where: Place) -> Iterator[Claim]:
    """The step into the model; marks make a set of answers in between."""
    if act in ("train", "finetune", "adapt", "distil"):
        yield StepClaim(child, act, asset, where, YOU)
    elif act == "annotate":
        answers = f"answers of {child}, scored"
        yield from (AssetClaim(answers, "kind", "dataset", where), AssetClaim(answers, "own", "yes", where))
        yield StepClaim(answers, "annotate", asset, where, YOU)
        yield StepClaim(child, "train", answers, where, YOU)


def _writers(load: Load, asset: str, where: Place) -> Iterator[Claim]:
    """Who wrote and who marked the rows, as the columns tell."""
    acts = [("generate", g) for g in load.generators] + [("annotate", j) for j in load.judges]
    for n, (act, name) in enumerate(acts):
        column = load.named_in[n] if n < len(load.named_in) else ""
        seen = where._replace(key=f"column {column}" if column else "metadata", quote=name[:120])
        if generated.is_address(name):
            said = generated.claims_of(asset, name, "", seen, column=column)
            yield from (c._replace(act=act) if isinstance(c, StepClaim) and c.child == asset else c for c in said)
            continue
        yield StepClaim(asset, act, name, seen, column=column)
        if SERVICE.match(name):
            yield AssetClaim(name, "kind", "service", seen)


# What lies beside a load.


def _beside(load: Load, asset: str) -> Evidence:
    """What a folder or file on this disk, or the local cache, says of it; a stranger's folder settles nothing here."""
    folder = _folder(load, asset)
    if folder is None:
        return Evidence()
    from caveat.evidence import gather

    try:
        said = gather(folder, asset)
    except CaveatError as fault:
        quiet = not on_disk(load) or folder.exists()
        return Evidence() if quiet else told(load.where, str(fault), f"{asset} stays of unknown origin")
    return Evidence(claims=tuple(_of_others(said, asset)), problems=said.problems[:MOST_PROBLEMS])


def _folder(load: Load, asset: str) -> Path | None:
    from caveat.evidence import hub_cache

    if on_disk(load):
        return Path(load.name.removeprefix("file://"))
    if "/" not in asset or not hub_cache.is_repo(asset):
        return None
    sort = SORTS.get(load.what, "models")
    return hub_cache.snapshot_in(hub_cache.cache_home() / f"{sort}--{asset.replace('/', '--')}")


def _of_others(said: Evidence, asset: str) -> Iterator[Claim]:
    """Its lineage and terms; other things that lie in the folder go into it, and nothing there speaks for you."""
    made = [s for s in said.subjects if s != asset]
    leaf = asset.rsplit("/", 1)[-1]
    for claim in said.claims:
        if isinstance(claim, UseClaim) or (isinstance(claim, AssetClaim) and claim.field in ("own", "alias")):
            continue
        yield _as_asset(claim, leaf, asset) if leaf not in made else claim
    yield from (StepClaim(asset, "mix", s, Place("inferred", key="lies in its folder"), YOU) for s in made)


def _as_asset(claim: Claim, leaf: str, asset: str) -> Claim:
    """A reader of one file calls its asset by the file's name."""
    if isinstance(claim, StepClaim):
        return claim._replace(child=asset) if claim.child == leaf else claim
    return claim._replace(asset=asset) if claim.asset == leaf else claim


def names_in(loads: Iterable[Load]) -> tuple[str, ...]:
    """Every asset of these loads, once."""
    return tuple(dict.fromkeys(map(asset_of, loads)))
