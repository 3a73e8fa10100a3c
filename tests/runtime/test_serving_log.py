"""The log only grows, and whoever takes something out of it is told on."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.errors import CaveatError, EvidenceError
from caveat.runtime.serving import log as writing
from caveat.runtime.serving.log import Log
from caveat.runtime.serving.reading import checked, exchanges, links


def made(path: Path, many: int = 6) -> Path:
    log = Log(path)
    for n in range(many):
        log.put({"kind": "asked", "exchange": str(n), "generator": "pkg:x/y"})
        log.put({"kind": "answered", "exchange": str(n), "ended": "finished", "cut_by": None})
    assert log.close() == 0
    return path


def forced(path: Path, *statements: str) -> None:
    """What somebody does who can write the file: the triggers are theirs to drop."""
    db = sqlite3.connect(path)
    for name, in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def test_a_whole_log_is_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = made(tmp_path / "log")

    assert checked(path)[::2] == (12, ())
    assert len(list(exchanges(path))) == 6
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("statement", [
    "UPDATE log SET row = '{}' WHERE seq = 3",
    "DELETE FROM log WHERE seq = 3",
    "INSERT OR REPLACE INTO log VALUES (3, '{}', '')",
    "INSERT INTO log VALUES (99, '{}', '')",
])
def test_rows_are_neither_changed_nor_removed_nor_slipped_in(statement: str, tmp_path: Path) -> None:
    db = sqlite3.connect(made(tmp_path / "log"))

    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        db.execute(statement)


@pytest.mark.parametrize("statement, told", [
    ("UPDATE log SET row = replace(row, 'pkg:x/y', 'pkg:x/z') WHERE seq = 5", "row 5 was changed"),
    ("DELETE FROM log WHERE seq IN (4, 5)", "rows 4 to 5 are missing"),
    ("DELETE FROM log WHERE seq > 10", "rows 11 to 12 are missing from its end"),
    ("UPDATE log SET chain = 'x' WHERE seq = 7", "row 7 was changed"),
    ("INSERT INTO log VALUES (0, '{}', 'x')", "row 0 is out of order"),
])
def test_tampering_is_told(statement: str, told: str, tmp_path: Path) -> None:
    path = made(tmp_path / "log")
    forced(path, statement)

    assert told in " ".join(checked(path).faults)
    assert main(["log", str(path)]) == 1


def test_a_log_written_anew_is_told_by_a_head_that_was_kept(tmp_path: Path) -> None:
    head = checked(made(tmp_path / "log")).head
    anew = made(tmp_path / "anew", 5)

    assert checked(tmp_path / "log", head).faults == ()
    assert "the head" in checked(anew, head).faults[0]


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "log"
    code = f"from caveat.runtime.serving.log import Log\nlog = Log({str(path)!r})\n" \
           "for n in range(200): log.put({'kind': 'answered', 'exchange': n})\nassert log.close(30) == 0"
    writers = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]

    assert [w.wait(60) for w in writers] == [0, 0]
    assert checked(path)[::2] == (400, ())


def test_a_row_that_cannot_be_made_is_logged_as_such(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.put(lambda: {"x": 1 / 0})
    log.put({"x": object()})
    log.close()

    assert [json.loads(row)["kind"] for _, row, _ in links(tmp_path / "log")] == ["fault", "fault"]


def test_rows_wait_while_another_holds_the_file_and_are_counted_if_it_never_lets_go(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = writing._append
    monkeypatch.setattr(writing, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(writing, "_append", lambda db, rows: (_ for _ in ()).throw(sqlite3.OperationalError("full")))
    log = Log(tmp_path / "log")
    log.put({"n": 1})
    from tests.runtime.serving_parts import wait_until
    wait_until(lambda: log.fault)
    monkeypatch.setattr(writing, "_append", real)
    wait_until(lambda: not log.fault)
    monkeypatch.setattr(writing, "_append", lambda db, rows: (_ for _ in ()).throw(sqlite3.OperationalError("full")))
    log.put({"n": 2})
    wait_until(lambda: log.fault)

    assert log.close(2) == 1
    assert [json.loads(row)["n"] for _, row, _ in links(tmp_path / "log")] == [1]


def test_what_is_no_log_is_left_as_it_is(tmp_path: Path) -> None:
    other, text = tmp_path / "other.sqlite", tmp_path / "notes.txt"
    sqlite3.connect(other).execute("CREATE TABLE mine (x)").connection.close()
    text.write_text("my notes " * 100)
    before = other.read_bytes(), text.read_bytes()
    for path in (other, text, tmp_path / "no" / "such"):
        with pytest.raises(CaveatError, match=path.name):
            Log(path)
        with pytest.raises(EvidenceError, match=path.name):
            checked(path)

    assert before == (other.read_bytes(), text.read_bytes())


def test_an_exchange_without_an_end_is_exported_as_such(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.put({"kind": "asked", "exchange": "a", "generator": "pkg:x/y"})
    log.close()

    row, = exchanges(tmp_path / "log")
    assert (row["ended"], row["cut_by"], row["generator"]) == ("never ended", None, "pkg:x/y")
