"""A log is read by whoever doubts it: every link of its chain is computed again, and each row is told as one exchange.

A chain tells a changed, added or missing row. Whoever can write the file can write a whole new chain: a digest of its
head kept elsewhere (`--head`) tells that too.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from caveat.errors import EvidenceError
from caveat.runtime.serving.log import APPLICATION_ID, FIRST, link

LONGEST_ROW = 64 << 20
MOST_FAULTS = 100
MOST_OPEN = 100_000
#: Columns of an exported row, in their order; what is not known is null.
COLUMNS = ("generator", "run_id", "exchange", "time", "model", "answered_as", "terms", "terms_on", "path", "stream",
           "parameters", "messages", "response", "request_sha256", "request_bytes", "status", "response_sha256",
           "response_bytes", "text_sha256", "finish_reason", "tokens", "ended", "cut_by", "seconds")


class Checked(NamedTuple):
    """What a log is worth: rows, the chain value of the last one, what is wrong, and whether a kept head was met."""

    rows: int
    head: str
    faults: tuple[str, ...]


def links(path: Path) -> Iterator[tuple[int, str, str]]:
    """(seq, row, chain) in order. Raises EvidenceError for what is no log."""
    if not path.is_file():
        raise EvidenceError(f"{path}: no such log")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_ROW)
            if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise EvidenceError(f"{path}: no log of Caveat")
            if db.execute("SELECT type FROM sqlite_schema WHERE name = 'log'").fetchone() != ("table",):
                raise EvidenceError(f"{path}: no log of Caveat: its table is missing")
            yield from db.execute("SELECT seq, CAST(row AS TEXT), CAST(chain AS TEXT) FROM log ORDER BY seq")
    except sqlite3.Error as error:
        raise EvidenceError(f"{path}: cannot be read as a log: {error}") from None


def checked(path: Path, head: str = "") -> Checked:
    """The whole chain computed again; `head` is a chain value kept from earlier, which must still be in it."""
    seq, chain, met, faults = 0, FIRST, head in ("", FIRST), []
    for at, row, told in links(path):
        if at != seq + 1:
            faults.append(f"rows {seq + 1} to {at - 1} are missing" if at > seq else f"row {at} is out of order")
        elif told != link(chain, row):
            faults.append(f"row {at} was changed, or what stood before it was")
        seq, chain, met = at, told, met or told == head
        if len(faults) > MOST_FAULTS:
            break
    last = _counted(path)
    if last > seq:
        faults.append(f"rows {seq + 1} to {last} are missing from its end")
    if not met:
        faults.append(f"the head {head[:64]} that was kept is not in it: it was cut or written anew")
    return Checked(seq, chain, tuple(faults))


def _counted(path: Path) -> int:
    """The highest number SQLite ever gave out."""
    with closing(sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'log'").fetchone()
        return int(found[0]) if found and isinstance(found[0], int) else 0


def exchanges(path: Path) -> Iterator[dict[str, Any]]:
    """Each exchange as one flat row, in the order in which they ended; those that never ended last."""
    open_: dict[str, dict[str, Any]] = {}
    for _, text, _ in links(path):
        row = _read(text)
        id = str(row.get("exchange"))
        if row.get("kind") == "asked" and len(open_) < MOST_OPEN:
            open_[id] = row
        elif row.get("kind") == "answered":
            yield _flat({**open_.pop(id, {}), **row})
    for row in open_.values():
        yield _flat({**row, "ended": "never ended"})  # still going on, or its server died


def _read(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(name) for name in COLUMNS}
