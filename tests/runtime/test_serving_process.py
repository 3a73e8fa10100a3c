"""The commands as processes: what they say, how they end, and what is left when they are killed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.errors import EvidenceError
from caveat.runtime.serving.log import APPLICATION_ID
from caveat.runtime.serving.reading import checked, exchanges
from tests.runtime.serving_parts import QUESTION, Upstream, event, httpx, piece, stream_head, wait_until


async def endless(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
    out.write(stream_head())
    while True:
        out.write(piece(event("x")))
        await out.drain()
        await asyncio.sleep(0.005)


@contextmanager
def proxy(upstream: str, log: Path, *more: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with closing(socket.create_server(("127.0.0.1", 0))) as s:
        port = s.getsockname()[1]
    words = [sys.executable, "-m", "caveat", "proxy", "--upstream", upstream, "--port", str(port), "--log", str(log)]
    running = subprocess.Popen([*words, *more], stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: not socket.socket().connect_ex(("127.0.0.1", port)), 30)
        yield port, running
    finally:
        running.kill()
        running.wait(10)


def test_killed_outright_it_leaves_a_whole_log_that_knows_what_was_asked(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Upstream(endless) as upstream, proxy(upstream.url, log) as (port, running), \
            httpx.stream("POST", f"http://127.0.0.1:{port}/v1/chat/completions", json=QUESTION) as answer:
        pieces = answer.iter_raw()  # kept: a reader that is dropped hangs up
        next(pieces)
        wait_until(lambda: list(exchanges(log)))
        running.kill()
        running.wait(10)
        row, = exchanges(log)

    assert (row["ended"], row["model"], row["status"]) == ("never ended", QUESTION["model"], None)
    assert checked(log).faults == ()


@pytest.mark.deep
def test_interrupted_it_ends_well_and_says_who_cut_the_answer_off(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with Upstream(endless) as upstream, proxy(upstream.url, log, "--host", "127.0.0.1") as (port, running), \
            httpx.stream("POST", f"http://127.0.0.1:{port}/v1/chat/completions", json=QUESTION) as answer:
        pieces = answer.iter_raw()  # kept: a reader that is dropped hangs up
        next(pieces)
        start = time.monotonic()
        running.send_signal(signal.SIGINT)
        code = running.wait(30)
        seconds = time.monotonic() - start
        told = running.stderr.read() if running.stderr else ""

    row, = exchanges(log)
    assert (code, row["ended"], row["cut_by"]) == (0, "cut off", "server")
    assert row["response_bytes"] > 0 and seconds < 15
    assert told.startswith(f"http://127.0.0.1:{port}/caveat/  run serve-") and "Traceback" not in told


@pytest.mark.deep
def test_a_taken_port_and_an_open_door_are_told(tmp_path: Path) -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as s:
        words = ["proxy", "--upstream", "http://127.0.0.1:9", "--host", "0.0.0.0", "--port", str(s.getsockname()[1])]
        done = subprocess.run([sys.executable, "-m", "caveat", *words], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "warning: everybody who reaches 0.0.0.0" in done.stderr and "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_log_tells_and_exports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.runtime.test_serving_log import made

    made(tmp_path / "log")
    assert main(["log", str(tmp_path / "log"), "-o", str(tmp_path / "rows.jsonl"), "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert (told["rows"], told["faults"], told["ended"]) == (12, [], {"finished": 6})
    assert [json.loads(row)["exchange"] for row in (tmp_path / "rows.jsonl").read_text().splitlines()] == list("012345")
    assert main(["log", str(tmp_path / "log"), "--head", told["head"]]) == 0
    assert main(["log", str(tmp_path / "log"), "--head", "0" * 63 + "1"]) == 1


@pytest.mark.parametrize("made", [
    "CREATE VIEW log AS WITH RECURSIVE n(seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n) SELECT seq, '{}' AS row, "
    "'' AS chain FROM n",
    "CREATE TABLE log (seq INTEGER, row BLOB, chain BLOB)", "CREATE TABLE other (x)",
])
def test_a_file_that_only_looks_like_a_log_is_told(made: str, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "log")) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(made)
        if "BLOB" in made:
            db.execute("INSERT INTO log VALUES (1, x'ff00', x'fe')")
        db.commit()

    with pytest.raises(EvidenceError, match="log"):
        checked(tmp_path / "log")
