"""An append-only log of what was asked and answered, in SQLite: a chain of digests tells whether a row was taken out.

One thread writes, in batches, so that no request waits for the disk; readers may read meanwhile (WAL). Every exchange
has two rows, one when it was asked and one when it ended, so that even a server that dies leaves what it was asked.

    seq 1, 2, 3 ...    row: JSON text    chain = sha256(chain of the row before + "\\n" + row), hex
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from caveat.errors import CaveatError, EvidenceError

#: "cvt1": told apart from any other SQLite file by its header.
APPLICATION_ID = 0x63767431
FIRST = "0" * 64
BATCH = 500
MOST_WAITING = 20_000
RETRY_SECONDS = 0.5
#: Rows of so many seconds go into one transaction; a server that is killed loses no more than these.
GATHER_SECONDS = 0.02
Row = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
SCHEMA = f"""
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE log (seq INTEGER PRIMARY KEY AUTOINCREMENT, row TEXT NOT NULL, chain TEXT NOT NULL) STRICT;
CREATE TRIGGER log_rows_stay BEFORE DELETE ON log BEGIN SELECT RAISE(ABORT, 'this log is append-only'); END;
CREATE TRIGGER log_rows_keep BEFORE UPDATE ON log BEGIN SELECT RAISE(ABORT, 'this log is append-only'); END;
CREATE TRIGGER log_only_grows BEFORE INSERT ON log
  WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM log)
  BEGIN SELECT RAISE(ABORT, 'this log is append-only'); END;
"""


def link(before: str, row: str) -> str:
    """The chain value (64 hex digits) of a row behind the one whose value is `before`."""
    return sha256(f"{before}\n{row}".encode()).hexdigest()


class Log:
    """Open for appending; `put` never waits. Raises EvidenceError for a file that is no log of ours."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.fault = ""  # why rows cannot be written now; "" = they can
        self._waiting: SimpleQueue[Row | None] = SimpleQueue()
        self._closing = threading.Event()
        _made(self.path)
        self._writer = threading.Thread(target=self._write, name="caveat-log", daemon=True)
        self._writer.start()

    def put(self, row: Row) -> None:
        """Append a row, or what makes one (called in the writing thread, so that no request waits for it)."""
        self._waiting.put(row)

    def open(self) -> bool:
        """Whether more can be taken: what cannot be logged is better refused than answered."""
        return not self._closing.is_set() and self._waiting.qsize() < MOST_WAITING

    def close(self, seconds: float = 10.0) -> int:
        """Write what waits, then stop; the number of rows that could not be written in that time."""
        if not self._closing.is_set():
            self._closing.set()
            self._waiting.put(None)
            self._writer.join(seconds)
        return self._waiting.qsize()

    def _write(self) -> None:
        with closing(_connected(self.path)) as db:
            last = False
            while not last:
                batch = self._batch()
                last = batch[-1] is None
                self._kept(db, [text_of(row) for row in batch if row is not None])

    def _batch(self) -> list[Row | None]:
        batch = [self._waiting.get()]
        if batch[0] is not None:
            self._closing.wait(GATHER_SECONDS)
        try:
            while batch[-1] is not None and len(batch) < BATCH:
                batch.append(self._waiting.get_nowait())
        except Empty:
            pass
        return batch

    def _kept(self, db: sqlite3.Connection, rows: list[str]) -> None:
        """Tried until it works or the log is closed: a full disk or another writer must lose nothing."""
        while rows:
            try:
                _append(db, rows)
                self.fault = ""
                return
            except sqlite3.Error as error:
                self.fault = str(error)
                if self._closing.wait(RETRY_SECONDS):
                    for row in rows:
                        self._waiting.put(json.loads(row))
                    return


def text_of(row: Row) -> str:
    """The JSON text of a row, ASCII, keys sorted. What cannot be made is logged as such: no row vanishes."""
    try:
        return json.dumps(row() if callable(row) else row, sort_keys=True, separators=(",", ":"))
    except Exception as error:
        return json.dumps({"kind": "fault", "time": now(), "what": f"{type(error).__name__}: {error}"[:500]})


def now(seconds: float | None = None) -> str:
    """ISO time in UTC with milliseconds."""
    at = time.time() if seconds is None else seconds
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}.{int(at * 1000) % 1000:03d}Z"


def _append(db: sqlite3.Connection, rows: list[str]) -> None:
    """One transaction. The last link is read inside it: several processes may write one log."""
    with db:
        db.execute("BEGIN IMMEDIATE")
        seq, chain = db.execute("SELECT seq, chain FROM log ORDER BY seq DESC LIMIT 1").fetchone() or (0, FIRST)
        linked = []
        for row in rows:
            seq, chain = seq + 1, link(chain, row)
            linked.append((seq, row, chain))
        db.executemany("INSERT INTO log (seq, row, chain) VALUES (?, ?, ?)", linked)


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=10, isolation_level=None)
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA trusted_schema = OFF")
    return db


def _made(path: Path) -> None:
    """A new log for its owner's eyes only, or the log that is there."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        with closing(_connected(path)) as db:
            db.execute("BEGIN IMMEDIATE")
            id, tables = db.execute("PRAGMA application_id").fetchone()[0], db.execute(
                "SELECT count(*) FROM sqlite_schema").fetchone()[0]
            if not tables and not id:
                _schema(db)
            db.execute("COMMIT")
            if tables and id != APPLICATION_ID:
                raise EvidenceError(f"{path}: an SQLite file, but no log of Caveat; name another file with --log")
            db.execute("PRAGMA journal_mode = WAL")
    except OSError as error:
        raise CaveatError(f"{path}: the log cannot be opened: {error.strerror or error}") from None
    except sqlite3.Error as error:
        raise EvidenceError(f"{path}: the log cannot be opened: {error}") from None


def _schema(db: sqlite3.Connection) -> None:
    """Statement by statement: executescript would commit, and two processes may start at once."""
    statement = ""
    for line in SCHEMA.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""
