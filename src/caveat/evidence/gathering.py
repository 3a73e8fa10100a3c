"""Hands every wanted file of a folder to its readers, and puts what they say together under the right asset.

A reader that stumbles loses its own file, never the others': whatever happens, the rest is still judged.
"""

from __future__ import annotations

import importlib
import os
import posixpath
import stat
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError, SettingsError
from caveat.evidence import READERS
from caveat.evidence.folder import File, Walked, asset_folders, grouped, printable, public_name, walk
from caveat.evidence.generated import writers_in
from caveat.evidence.hub_cache import repo_of_folder
from caveat.evidence.planned import YOU
from caveat.evidence.repo_names import is_local
from caveat.evidence.standing import PLANS, chained, inner, settled
from caveat.evidence.wanted import Wanted
from caveat.lineage.claims import (
    AssetClaim,
    Claim,
    Evidence,
    FileClaim,
    LicenceClaim,
    Place,
    Problem,
    StepClaim,
    UseClaim,
)

#: Bytes read of one file unless its reader says otherwise, and of all files together.
FILE_LIMIT, ALL_LIMIT = 4 << 20, 1 << 30
#: Problems of one file that are told one by one.
MOST_PROBLEMS = 20
#: Readers of files that lie beside weights only.
OF_WEIGHTS = frozenset({"config", "adapter_config", "gguf", "safetensors"})
#: Files that make models when they run.
MAKERS = (".py", ".ipynb", ".yml", ".yaml", ".json", ".sh", ".db", ".jsonl", ".parquet", "MLmodel")
#: Licence files below the asset's own folder that still speak of it.
LICENCE_FOLDERS = frozenset({"licenses", "licences", "original", "legal"})

#: What may lie beside merge recipes without making the folder a model itself.
BESIDE_MERGES = frozenset({"mergekit", "licence_file", "python_code"}) | PLANS

Parts = tuple[str, ...]


class Reader(NamedTuple):
    """One reader module, as the gathering sees it."""

    name: str
    globs: tuple[str, ...]
    wants_path: bool
    limit: int
    read: Callable[..., Evidence]


class Asset(NamedTuple):
    """One asset folder: where it is, what it is called, and how that is known."""

    parts: Parts
    name: str
    inferred: bool


@cache
def readers() -> dict[str, Reader]:
    """Every registered reader, imported once."""
    return {name: _reader(name) for name in READERS}


def _reader(name: str) -> Reader:
    module = importlib.import_module(f"caveat.evidence.{name}")
    wants_path = getattr(module, "READS", "bytes") == "path"
    return Reader(name, tuple(module.NAMES), wants_path, getattr(module, "LIMIT", FILE_LIMIT), module.read)


@cache
def wanted() -> Wanted:
    return Wanted({name: r.globs for name, r in readers().items()})


def gather(path: Path, asset: str | None = None) -> Evidence:
    """See `caveat.evidence.gather`."""
    root, walked = _looked_at(Path(path))
    if not walked.files and not walked.problems:
        raise EvidenceError(f"{printable(str(path))} holds nothing that can be read: no card, settings, recipe or code")
    assets = _assets(root, walked.files, asset or _own_name(Path(path)))
    said = _read_all(walked.files, assets)
    own = {a: _of_one(a, parts) for a, parts in said.items()}
    subjects = (*_subjects(assets, own), *_made_beside(assets, own))
    together = sum(own.values(), Evidence())
    problems = tuple(grouped([*walked.problems, *together.problems]))
    claims = chained(_linked(together.claims, {a.parts: a.name for a in assets}))
    return _followed(together._replace(subjects=subjects, claims=claims, problems=problems), root)


def _followed(said: Evidence, root: Path) -> Evidence:
    """With what lies at the paths that recipes name; nothing is imported where there is no plan."""
    if not any(isinstance(c, StepClaim) and c.by == YOU for c in said.claims):
        return said
    from caveat.evidence.local_data import followed

    return followed(said, root, gather)


def _own_name(path: Path) -> str | None:
    """Weights named alone are what is checked, and not the folder in which they happen to lie."""
    return path.stem if path.suffix.lower() in (".gguf", ".safetensors") and path.is_file() else None


def _looked_at(path: Path) -> tuple[Path, Walked]:
    """The folder meant and the files wanted: a caveat.toml means its folder, another file only itself."""
    if not os.path.lexists(path):
        raise EvidenceError(f"{printable(str(path))} does not exist; name a folder, a file or a repository id")
    if path.is_dir() or path.name == "caveat.toml":
        root = path if path.is_dir() else path.parent
        return root, walk(root, wanted())
    if not stat.S_ISREG(path.stat().st_mode):
        raise EvidenceError(f"{printable(str(path))} is not a plain file; it was not opened")
    names = wanted().readers(path.name) or (("record",) if path.name.endswith(".json") else ())
    if not names:
        raise EvidenceError(f"{printable(path.name)} is no file that a reader knows; name its folder")
    return path.parent, Walked((File(path, printable(path.name), (), path.stat().st_size, names),), ())


def _assets(root: Path, files: tuple[File, ...], asked: str | None) -> tuple[Asset, ...]:
    """The root and every asset folder below it, deepest last."""
    settings = {f.parts: f for f in files if f.path.name == "caveat.toml"}
    found = [Asset((), *_name(root, settings.get(()), asked, ""))]
    for parts, public in sorted(asset_folders(files).items()):
        found.append(Asset(parts, *_name(root.joinpath(*parts), settings.get(parts), None, public)))
    return _told_apart(found)


def _told_apart(found: list[Asset]) -> tuple[Asset, ...]:
    """Folders of one name in several places are several assets: the later ones say where they lie."""
    seen: set[str] = set()
    apart: list[Asset] = []
    for a in found:
        name = a.name if a.name not in seen else f"{a.name} ({printable('/'.join(a.parts[:-1])) or '.'})"
        seen.add(name)
        apart.append(a._replace(name=name))
    return tuple(apart)


def _name(folder: Path, settings: File | None, asked: str | None, public: str) -> tuple[str, bool]:
    """What an asset is called, and whether that is inferred from a folder's name."""
    if asked:
        return printable(asked), False
    from caveat.evidence.caveat_toml import project_name

    said = project_name(_head(settings)) if settings else ""
    if said:
        return printable(said), False
    real = Path(os.path.realpath(folder))
    cached = next((repo_of_folder(p.name) for p in (real, *real.parents) if repo_of_folder(p.name)), "")
    known = public or cached or public_name(real.name)
    return (printable(known), True) if known else (printable(real.name) or "unnamed", False)


def _head(file: File) -> str:
    try:
        with file.path.open("rb") as stream:
            return stream.read(1 << 20).decode("utf-8", "replace")
    except OSError:
        return ""


def _read_all(files: Iterable[File], assets: tuple[Asset, ...]) -> dict[Asset, list[tuple[str, Evidence]]]:
    """What each reader said of each asset, in order of files."""
    by_parts = {a.parts: a for a in assets}
    said: dict[Asset, list[tuple[str, Evidence]]] = {a: [] for a in assets}
    budget = ALL_LIMIT
    for f in files:
        owner = next(by_parts[f.parts[:n]] for n in range(len(f.parts), -1, -1) if f.parts[:n] in by_parts)
        for name in f.readers:
            reader = readers()[name]
            budget -= 0 if reader.wants_path else min(f.size, reader.limit)
            evidence = _read_one(reader, f, owner) if budget >= 0 else _too_much(f)
            if name == "caveat_toml" and f.parts:
                evidence = _of_others(evidence)
            said[owner].append((name, _beside(name, f, owner, evidence)))
    return said


def _read_one(reader: Reader, f: File, owner: Asset) -> Evidence:
    """What one reader says of one file; whatever goes wrong becomes a problem."""
    try:
        if reader.wants_path:
            return _few(reader.read(f.path, f.name, owner.name))
        if f.size > reader.limit:
            return _problem(f, f"larger than {reader.limit >> 20} MiB", "it was not read")
        return _few(reader.read(plain_bytes(f.path, reader.limit), f.name, owner.name))
    except SettingsError as error:
        if not owner.parts:
            raise
        return _problem(f, str(error), "this caveat.toml was left out")
    except OSError as error:
        return _problem(f, f"cannot be opened: {error.strerror or error}", "")
    except Exception as error:  # a stranger's file must not end the run, whatever the reader missed
        return _problem(f, f"{type(error).__name__} while reading it", "it was left out")


def _few(said: Evidence) -> Evidence:
    """The problems of one file, few enough to be read: a file may be wrong in a hundred thousand places."""
    rest = len(said.problems) - MOST_PROBLEMS
    if rest <= 0:
        return said
    more = Problem(said.problems[0].file, f"{rest} more problems in this file", None, "they are not listed")
    return said._replace(problems=(*said.problems[:MOST_PROBLEMS], more))


def plain_bytes(path: Path, limit: int) -> bytes:
    """The bytes of a plain file, at most `limit`; a pipe put in its place meanwhile is refused, not waited for."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise OSError(0, "not a plain file")
        return stream.read(limit)


def _problem(f: File, what: str, instead: str) -> Evidence:
    return Evidence(problems=(Problem(f.name, what, None, instead),))


def _too_much(f: File) -> Evidence:
    return _problem(f, f"more than {ALL_LIMIT >> 30} GiB of text in all", "it was not read")


def _of_others(said: Evidence) -> Evidence:
    """A caveat.toml deeper down is a part's: it tells lineage, but its facts, uses, settlements and acceptances are
    not the asker's, or a download could accept findings in their name."""
    kept = (c._replace(by="" if c.by == "you" else c.by) if isinstance(c, StepClaim) else c for c in said.claims
            if not isinstance(c, UseClaim) and not (isinstance(c, AssetClaim) and c.field == "own"))
    return Evidence(claims=tuple(kept), problems=said.problems)


def _beside(reader: str, f: File, owner: Asset, said: Evidence) -> Evidence:
    """A licence file deep inside an asset speaks of what lies there (a part of others), not of the asset."""
    if reader != "licence_file":
        return said
    below = f.parts[len(owner.parts):]
    if not below or below[0] == "snapshots" or below[-1].lower() in LICENCE_FOLDERS:
        return said
    return said._replace(claims=tuple(c for c in said.claims if not isinstance(c, LicenceClaim)))


def _of_one(asset: Asset, said: list[tuple[str, Evidence]]) -> Evidence:
    """All that was said of one asset, each claim once."""
    said = settled(_apart(said), asset.name, _kinds_told(said, asset.name), bool(asset.parts))
    if _is_model(said, asset.name):
        only_code = all(n == "python_code" for n, e in said if e.claims)
        said = [(n, _without_product(e, only_code) if n == "python_code" else e) for n, e in said]
    together = sum((e for _, e in said), Evidence())
    named: tuple[Claim, ...] = ()
    # A folder on somebody's disk is no name under which anything goes out; a repository's is.
    if asset.inferred and "/" in asset.name and together.claims:
        where = Place("inferred", "/".join(map(printable, asset.parts)) or ".", None, "folder name", asset.name)
        named = (AssetClaim(asset.name, "name", asset.name, where),)
    return together._replace(claims=tuple(dict.fromkeys((*named, *together.claims))),
                   problems=tuple(dict.fromkeys(together.problems)))


def _is_model(said: list[tuple[str, Evidence]], asset: str) -> bool:
    """Whether a card, weights or a training script make it a model or data set: then code beside it is its own."""
    return bool(_kinds_told(said, asset) & {"model", "dataset"})


def _kinds_told(said: list[tuple[str, Evidence]], asset: str) -> frozenset[str]:
    """What cards, weights and code say that an asset is."""
    of_it = [(n, c) for n, e in said for c in e.claims if getattr(c, "asset", "") == asset]
    kinds = {c.value for _, c in of_it if isinstance(c, AssetClaim) and c.field == "kind"}
    return frozenset(kinds | ({"model"} if any(n in OF_WEIGHTS for n, _ in of_it) else set()))


def _without_product(said: Evidence, told: bool) -> Evidence:
    """The code without what it calls; `told` where no card or weights say that it is a model's own code."""
    calls = [c for c in said.claims if isinstance(c, StepClaim) and c.act == "bundle"]
    kept = (c for c in said.claims if not (isinstance(c, StepClaim) and c.act == "bundle")
            and not (isinstance(c, AssetClaim) and c.field == "kind" and c.value == "product"))
    aside = tuple(Problem(c.place.file, f"calls {c.parent} beside a program that trains", c.place.line,
                          "taken as a tool of the training; check its folder alone if it is an application")
                  for c in calls if told and not is_local(c.parent))
    return said._replace(claims=tuple(kept), problems=(*said.problems, *aside))


def _subjects(assets: tuple[Asset, ...], said: dict[Asset, Evidence]) -> tuple[str, ...]:
    """The root, unless it is only a folder around others, and the assets below it that nothing here is made from."""
    root, *below = assets
    speaks = _speaks(said[root], root.name) or (bool(said[root].you) and not _made_beside(assets, said))
    if not below and not speaks:
        return () if _made_beside(assets, said) else (root.name,)
    used = _used(said[root]) if speaks else frozenset()
    tops = [a for a in below if not any(a.parts[:len(b.parts)] == b.parts for b in below if b is not a)]
    others = (a.name for a in tops if a.name not in used and "/".join(a.parts) not in used)
    return tuple(dict.fromkeys((*((root.name,) if speaks else ()), *others)))


def _used(said: Evidence) -> frozenset[str]:
    """What the root's own steps start from, by name or by folder: those are told of in its own report."""
    return frozenset(c.parent.removeprefix("./").rstrip("/") for c in said.claims if isinstance(c, StepClaim))


def _made_beside(assets: tuple[Asset, ...], said: dict[Asset, Evidence]) -> tuple[str, ...]:
    """Models that the root's own code or recipes make under other names: they are what a check is about, too."""
    known = {a.name for a in assets} | writers_in(said[assets[0]].claims)
    own = chained(said[assets[0]].claims)
    on_the_way = inner(own)
    made = (c.child for c in own if isinstance(c, StepClaim) and c.place.kind != "inferred" and c.by in ("", YOU)
            and c.child not in known and c.child not in on_the_way and c.place.file.endswith(MAKERS))
    return tuple(dict.fromkeys(made))


def _apart(said: list[tuple[str, Evidence]]) -> list[tuple[str, Evidence]]:
    """Several merge recipes in a folder that is no model make several models, each named for its file."""
    recipes = [e.claims[0].place.file for n, e in said if n == "mergekit" and e.claims]
    if len(recipes) < 2 or any(n not in BESIDE_MERGES for n, e in said if e.claims):
        return said
    return [(n, _renamed(e) if n == "mergekit" else e) for n, e in said]


def _renamed(said: Evidence) -> Evidence:
    def under(c: Claim) -> Claim:
        stem = c.place.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        if isinstance(c, StepClaim):
            return c._replace(child=stem)
        return c._replace(asset=stem)

    return said._replace(claims=tuple(map(under, said.claims)))


def _speaks(root: Evidence, asset: str) -> bool:
    """Whether anything is said of the folder itself, rather than of what its code makes or lies below."""
    own = (c for c in root.claims if not isinstance(c, (LicenceClaim, FileClaim)))
    return any(isinstance(c, UseClaim) or getattr(c, "child", "") == asset or getattr(c, "asset", "") == asset
               for c in own)


def _linked(claims: tuple[Claim, ...], names: dict[Parts, str]) -> tuple[Claim, ...]:
    """A parent that is a folder beside, and an asset of its own, goes by that asset's name; code that loads some
    other folder of its writer's disk bundles nothing that anybody can look at."""
    folders = {"/".join(parts): name for parts, name in names.items() if parts}
    linked = (_relinked(c, folders) if isinstance(c, StepClaim) else c for c in claims)
    return tuple(c for c in linked if not (isinstance(c, StepClaim) and c.act == "bundle" and is_local(c.parent)))


def _relinked(step: StepClaim, folders: dict[str, str]) -> StepClaim:
    name = folders.get(posixpath.normpath(step.parent.replace("\\", "/")), "")
    return step._replace(parent=name) if name and name != step.child else step
