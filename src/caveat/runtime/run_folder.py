"""The folder of a run: what was asked, kept beside the rows, so that a resumed run is the same run or an error.

    DIR/.caveat-run/run.json       the run: its id, digests and settings, and whether it is finished
    DIR/.caveat-run/rows.journal   rows as they came (journal.py); kept while there are errors that may be retried
                                   (once every row has its answer both are gone, and the statement tells of the run)
    DIR/data/part-00000.parquet    rows as they are handed on, with README.md, croissant.json and the statement
    DIR/errors.jsonl               rows that have no answer: file, line, why
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, SettingsError
from caveat.runtime.provenance import STATEMENT_FILE

STATE_FOLDER, STATE_FILE, JOURNAL_FILE, ERRORS_FILE = ".caveat-run", "run.json", "rows.journal", "errors.jsonl"
STATE_LIMIT, STATEMENT_LIMIT = 1 << 20, 64 << 20
#: What a run is asked with and its statement does not tell, or not always.
UNTOLD = frozenset({"asked_as", "url", "format"})


class Begun(NamedTuple):
    """One run as it was begun: its id, when (ISO 8601, Z), and what it asked, all that must stay the same.

    `versions`: of the engine, in the order they answered; more than one where it was resumed under another.
    """

    run_id: str
    started: str
    asked: dict[str, Any]
    finished: bool = False
    versions: tuple[str, ...] = ()


def ready(folder: Path, before: Begun | None, asked: Mapping[str, Any], *, resume: bool) -> None:
    """Raises SettingsError where the folder is not what was meant: a new run's empty place, or this very run."""
    if before is None:
        if resume:
            raise SettingsError(f"{folder}: no run to resume; leave out --resume")
        return _empty(folder)
    if not resume:
        raise SettingsError(f"{folder}: holds a run already ({'finished' if before.finished else 'unfinished'}): "
                            "--resume goes on with it, another folder begins a new one")
    return _same(folder, before.asked, asked)


def begin(folder: Path, asked: Mapping[str, Any]) -> Begun:
    """A new run, written down before anything is asked."""
    state = Begun(str(uuid.uuid4()), now(), dict(asked))
    keep(folder, state)
    return state


def begun(folder: Path) -> Begun | None:
    """The run that a folder holds, by its state or else its statement. Raises SettingsError for a state nobody reads.

    A run of which only the statement is left is finished; what that does not tell is missing from `asked`.
    """
    path = folder / STATE_FOLDER / STATE_FILE
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(STATE_LIMIT))
        return Begun(str(told["run_id"]), str(told["started"]), dict(told["asked"]), bool(told["finished"]),
                     tuple(str(v) for v in told.get("versions", ())))
    except FileNotFoundError:
        return _stated(folder / STATEMENT_FILE)
    except NotADirectoryError:
        raise SettingsError(f"{folder}: a file stands where the folder of the run should be") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as fault:
        raise SettingsError(f"{path}: no state of a run that can be read ({fault})") from None


def _stated(path: Path) -> Begun | None:
    """A finished run as its statement tells it; None where there is no statement of ours."""
    try:
        with path.open("rb") as file:
            told = json.loads(file.read(STATEMENT_LIMIT))
        made, run = told["predicate"]["buildDefinition"], told["predicate"]["runDetails"]
        given, more = made["externalParameters"], run["caveat_run"]
        forms = {Path(s["name"]).suffix.removeprefix(".") for s in told["subject"] if s["annotations"].get("rows")}
        asked = {"model": given["model"], "prompts": given["prompts"]["digest"]["sha256"], "terms_on": more["termsOn"],
                 "purpose": given["purpose"], "verifiable": made["internalParameters"]["verifiable"],
                 **given["parameters"], **({"format": forms.pop()} if len(forms) == 1 else {})}
        return Begun(str(run["metadata"]["invocationId"]), str(run["metadata"]["startedOn"]), asked, True)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def clear(folder: Path) -> None:
    """Takes the state away, the journal first: what is published is rows and papers, and no prompt stands twice."""
    for path in (folder / STATE_FOLDER / JOURNAL_FILE, folder / STATE_FOLDER / STATE_FILE):
        path.unlink(missing_ok=True)
    with suppress(OSError):  # somebody put something there; it is theirs
        (folder / STATE_FOLDER).rmdir()


def keep(folder: Path, state: Begun) -> None:
    write_text(folder / STATE_FOLDER / STATE_FILE, json.dumps(state._asdict(), indent=1, ensure_ascii=False) + "\n")


def _empty(folder: Path) -> None:
    """A folder with other things in it is not written over. What a run killed at its very start left is nothing."""
    try:
        there = sorted(p.name for p in folder.iterdir() if p.name != STATE_FOLDER)
    except FileNotFoundError:
        return
    except OSError as fault:
        raise SettingsError(f"{folder}: {fault.strerror}") from None
    if there:
        raise SettingsError(f"{folder}: holds other things ({', '.join(there[:5])}); name a new folder")


def _same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    differs = [f"{k} was {before.get(k)!r}, is {now.get(k)!r}"
               for k in sorted({*before, *now} - (UNTOLD - before.keys())) if before.get(k) != now.get(k)]
    if differs:
        raise SettingsError(f"{folder}: cannot be resumed, it is another run: {'; '.join(differs)}"[:2000])


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """JSON Lines, whole or not there; no file where there are no rows. Returns how many."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.half")
    with half.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            count += 1
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
        out.flush()
        os.fsync(out.fileno())
    if count:
        half.replace(path)
    else:
        half.unlink()
        path.unlink(missing_ok=True)
    return count


def write_text(path: Path, text: str) -> None:
    """One small file, whole or not there. What a kill leaves of it is written over next time.

    Raises CaveatError naming it.
    """
    half = path.with_name(f".{path.name}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with half.open("w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        half.replace(path)
    except OSError as fault:
        with suppress(OSError):
            half.unlink()
        raise CaveatError(f"{path}: {fault.strerror}") from None


def now() -> str:
    """The moment, ISO 8601 to the second, with Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
