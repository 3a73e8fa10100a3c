"""`caveat verify DIR`: rows, files and statements of a folder belong together, or it is told which of them do not.

Statements are found in the folder and below, each for the files beside it; every file of rows is held to them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from caveat.errors import EvidenceError
from caveat.evidence import card, intoto, json_safe
from caveat.evidence.folder import printable
from caveat.evidence.used import word
from caveat.lineage.claims import StepClaim
from caveat.runtime.provenance import CROISSANT_FILE, PREDICATE
from caveat.runtime.row_scan import SUFFIXES, has_words
from caveat.runtime.verification import Fault, Stated, Subject, Verified, croissant_faults, verified

STATEMENT = ".intoto.json"
#: Folders gone into, statements and files of rows looked at.
DEEPEST, MOST_STATEMENTS, MOST_FILES, MOST_SUBJECTS = 6, 1000, 20_000, 100_000
HEX = re.compile(r"[0-9a-f]{64}")
#: Rows that are no output: what failed, and what was asked.
BESIDE = frozenset({"errors.jsonl"})


def verify(path: str | Path) -> Verified:
    """Everything that was compared. Raises EvidenceError where there is nothing to verify."""
    folder = Path(path)
    if not folder.is_dir():
        raise EvidenceError(f"{printable(str(path))} is no folder; name the folder of a run")
    files = sorted(_files(folder))
    stated = [st for file in files if file.endswith(STATEMENT) for st in _stated(folder, file)][:MOST_STATEMENTS]
    data, aside = _data(folder, files, stated)
    if not stated and not data:
        raise EvidenceError(f"{printable(str(path))} holds no statement and no rows that name their generator")
    try:
        found = verified(folder, stated, data)
    except OSError as fault:
        raise EvidenceError(f"{fault.filename or path}: {fault.strerror or fault}") from None
    faults = [*found.faults, *(() if stated else _unstated()), *_papers(folder, files, stated)]
    notes = (*found.notes, *(f"{printable(f)} names no generator in its first row: left out" for f in aside))
    return found._replace(faults=tuple(dict.fromkeys(faults)), notes=notes)


def _unstated() -> Iterator[Fault]:
    yield Fault("statement", "provenance.intoto.json", "is not here: the rows can be held to nothing")


def _files(folder: Path) -> Iterator[str]:
    """Plain files, relative, not in hidden folders; a linked file counts (the hub's cache is made of these)."""
    for here, folders, names in os.walk(folder):
        depth = len(Path(here).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if not f.startswith(".")) if depth < DEEPEST else []
        for name in names:
            if (Path(here) / name).is_file():
                yield (Path(here) / name).relative_to(folder).as_posix()


def _data(folder: Path, files: Iterable[str], stated: Iterable[Stated]) -> tuple[list[str], list[str]]:
    """Files of rows, and those that only look like it: neither stated, nor beside stated ones, nor naming a writer."""
    known = {s.file for st in stated for s in st.subjects if s.rows or s.file.rpartition("/")[2] not in BESIDE}
    homes = {f.rpartition("/")[0] for f in known if f.endswith(SUFFIXES)}
    data: list[str] = []
    aside: list[str] = []
    for file in (f for f in files if f.endswith(SUFFIXES)):
        if file in known or file.rpartition("/")[0] in homes - {""}:
            data.append(file)
        elif file.rpartition("/")[2] not in BESIDE:
            (data if has_words(folder / file) else aside).append(file)
    if len(data) > MOST_FILES:
        raise EvidenceError(f"more than {MOST_FILES} files of rows; verify the folders in it one by one")
    return data, aside


# Statements.


def _stated(folder: Path, file: str) -> Iterator[Stated]:
    """A statement of a run; one of another builder is none of ours, one that cannot be read is told as a fault."""
    read = json_safe.read(folder / file, file)
    if read.problems or not intoto.recognises(read.data):
        said = tuple(p.what for p in read.problems) or ("is no in-toto statement",)
        yield Stated(file, "", "", (), amiss=said)
        return
    predicate = read.data.get("predicate")
    if read.data.get("predicateType") == PREDICATE and _build_type(predicate) != intoto.BUILD_TYPE:
        return
    yield _of(read.data, predicate, file)


def _build_type(predicate: object) -> str:
    return word(predicate, "buildDefinition", "buildType")


def _of(told: dict[str, Any], predicate: object, file: str) -> Stated:
    subjects, wrong = _subjects(told.get("subject"), file)
    run, generator = word(predicate, "runDetails", "metadata", "invocationId"), _generator(predicate)
    amiss = [*wrong, *_contradictions(predicate, generator, subjects)]
    amiss += [f"has no {what}" for what, value in (("invocationId", run), ("generator", generator)) if not value]
    return Stated(file, run, generator, subjects, _number(predicate, "rows"), _number(predicate, "errors"),
                  word(predicate, "runDetails", "caveat_run", "rowsSha256"), tuple(amiss))


def _generator(predicate: object) -> str:
    return word(predicate, "runDetails", "caveat_run", "generator")


def _subjects(listed: object, file: str) -> tuple[tuple[Subject, ...], list[str]]:
    """Files of the statement, relative to the folder; a name that leads out of it is told and not looked at."""
    home, found, wrong = file.rpartition("/")[0], [], []
    for item in listed[:MOST_SUBJECTS] if isinstance(listed, list) else []:
        name, digest = word(item, "name"), word(item, "digest", "sha256")
        parts = name.split("/")
        if not name or ".." in parts or name.startswith(("/", "~")) or "\\" in name or "\0" in name:
            wrong.append(f"has a subject that is no file of this folder: {printable(name[:100])!r}")
        elif not HEX.fullmatch(digest):
            wrong.append(f"has no SHA-256 digest for {printable(name[:100])}")
        else:
            rows = item.get("annotations", {}).get("rows", 0) if isinstance(item.get("annotations"), dict) else 0
            found.append(Subject(f"{home}/{name}" if home else name, digest, _whole(rows)))
    if not found:
        wrong.append("names no file")
    return tuple(found), wrong[:10]


def _number(predicate: object, key: str) -> int:
    details = predicate.get("runDetails") if isinstance(predicate, dict) else None
    run = details.get("caveat_run") if isinstance(details, dict) else None
    return _whole(run.get(key)) if isinstance(run, dict) else 0


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 50 else 0


def _contradictions(predicate: object, generator: str, subjects: Iterable[Subject]) -> Iterator[str]:
    """A statement tells the model and the rows in several places: who edits one of them may forget the others."""
    definition = predicate.get("buildDefinition") if isinstance(predicate, dict) else None
    parts = definition.get("resolvedDependencies") if isinstance(definition, dict) else None
    models = [word(d, "uri") for d in parts[:100] if word(d, "name") == "model"] if isinstance(parts, list) else []
    told = [word(definition, "externalParameters", "model"), *models,
            word(predicate, "runDetails", "caveat_run", "origin", "purl")]
    for other in dict.fromkeys(t for t in told if t and t != generator):
        yield f"names two generators: {printable(generator[:200])} and {printable(other[:200])}"
    stated, sum_ = _number(predicate, "rows"), sum(s.rows for s in subjects)
    if stated != sum_:
        yield f"says {stated} rows, and {sum_} in its files"


# Card and Croissant.


def _papers(folder: Path, files: list[str], stated: Iterable[Stated]) -> Iterator[Fault]:
    """What the card and the Croissant metadata beside each statement say otherwise."""
    for st in stated:
        home = st.file.rpartition("/")[0]
        prefix = f"{home}/" if home else ""
        beside = [o for o in stated if o.file.rpartition("/")[0] == home]
        if f"{prefix}{CROISSANT_FILE}" in files:
            told = json_safe.read(folder / home / CROISSANT_FILE, CROISSANT_FILE).data
            digests = {s.file.removeprefix(prefix): s.sha256 for o in beside for s in o.subjects}
            yield from croissant_faults(told, digests, f"{prefix}{CROISSANT_FILE}")
        if f"{prefix}README.md" in files:
            yield from _card(folder / home / "README.md", f"{prefix}README.md", beside)


def _card(path: Path, file: str, stated: Iterable[Stated]) -> Iterator[Fault]:
    """Runs that the card's front matter lists; a card that lists none says nothing."""
    with path.open("rb") as stream:
        said = card.read(stream.read(card.LIMIT), file, "rows")
    listed = {c.place.key.removeprefix("run "): c.place.quote for c in said.claims
              if isinstance(c, StepClaim) and c.act == "generate" and c.place.key.startswith("run ")}
    known = {st.run_id: st.generator for st in stated}
    for run, generator in listed.items():
        if run not in known:
            yield Fault("card", file, f"tells of run {run[:100]}, which no statement here knows")
        elif not known[run].startswith(generator):  # a quotation is cut at 120 characters
            yield Fault("card", file, f"says that {printable(generator)} wrote run {run[:100]}; the statement does not")
