"""What was written stands, however it ended: every cut, every flipped byte, every kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from caveat.errors import SettingsError
from caveat.runtime import journal as kinds
from caveat.runtime.journal import HEAD, MAGIC, Journal

WRITER = """
import sys
from caveat.runtime.asking_rows import Manner, ask_all
from caveat.runtime.journal import Journal
from caveat.runtime import prompts
from pathlib import Path

class Instant:
    def chat(self, request):
        text = "re: " + request["messages"][0]["content"]
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}

folder = Path(sys.argv[1])
kept = Journal(folder / "j")
print("open", flush=True)
ask_all(Instant(), prompts.read(folder / "p.txt"), kept, Manner({}, 1), lambda: None)
kept.close()
"""


def made(path: Path, rows: int) -> list[int]:
    """A journal of so many rows; where each record ends."""
    ends = []
    kept = Journal(path)
    for n in range(rows):
        kept.add(n, kinds.ROW | kinds.PROMPT, {"id": str(n), "response": "é" * n})
        ends.append(path.stat().st_size)
    kept.close()
    return ends


def rows_of(path: Path) -> list[int]:
    kept = Journal(path)
    try:
        return [k.number for k in kept.in_order()]
    finally:
        kept.close()


def test_cut_anywhere_all_whole_records_stand_and_the_rest_is_gone(tmp_path: Path) -> None:
    ends = made(tmp_path / "j", 3)
    data = (tmp_path / "j").read_bytes()

    for size in range(len(data) + 1):
        (tmp_path / "cut").write_bytes(data[:size])
        expected = [n for n, end in enumerate(ends) if end <= size]
        assert rows_of(tmp_path / "cut") == expected, size
        whole = max([len(MAGIC), *(e for e in ends if e <= size)])
        assert (tmp_path / "cut").stat().st_size == whole


@pytest.mark.parametrize("seed", range(5))
def test_a_flipped_byte_costs_what_follows_it_and_is_never_taken_for_a_row(tmp_path: Path, seed: int) -> None:
    ends = made(tmp_path / "j", 6)
    data = bytearray((tmp_path / "j").read_bytes())
    at = random.Random(seed).randrange(len(MAGIC), len(data))
    data[at] ^= 1 << seed
    (tmp_path / "j").write_bytes(data)

    assert rows_of(tmp_path / "j") == [n for n, end in enumerate(ends) if end <= at]


def test_zeros_that_a_power_cut_leaves_are_no_rows(tmp_path: Path) -> None:
    ends = made(tmp_path / "j", 3)
    with (tmp_path / "j").open("ab") as file:
        file.write(bytes(4096))

    kept = Journal(tmp_path / "j")

    assert (kept.rows, kept.cut, (tmp_path / "j").stat().st_size) == (3, 4096, ends[-1])
    kept.close()


def test_a_row_is_kept_once_and_a_retried_error_becomes_a_row(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "j")
    kept.add(1, kinds.ERROR, {"error": "down"})
    assert (kept.done(1, False), kept.done(1, True), kept.done(0, False)) == (True, False, False)
    kept.add(1, kinds.ROW | kinds.MESSAGES, {"response": "first"})
    kept.add(1, kinds.ROW | kinds.PROMPT, {"response": "second"})
    kept.add(1, kinds.ERROR, {"error": "late"})
    kept.close()
    again = Journal(tmp_path / "j")

    assert [k.fields for k in again.in_order()] == [{"response": "first"}]
    assert list(again.in_order(errors=True)) == []
    assert (again.rows, again.errors, again.kinds) == (1, 0, kinds.ROW | kinds.MESSAGES)
    again.close()


def test_rows_come_out_in_the_order_of_their_prompts(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "j")
    for n in (5, 0, 3):
        kept.add(n, kinds.ROW, {"n": n})

    assert [k.fields["n"] for k in kept.in_order()] == [0, 3, 5]
    kept.close()


def test_two_runs_do_not_write_into_one_journal_and_other_files_are_left_alone(tmp_path: Path) -> None:
    kept = Journal(tmp_path / "j")
    with pytest.raises(SettingsError, match="another run is writing"):
        Journal(tmp_path / "j")
    kept.close()
    (tmp_path / "other").write_bytes(b"my diary, with more than eight letters")
    with pytest.raises(SettingsError, match="no journal"):
        Journal(tmp_path / "other")

    assert (tmp_path / "other").read_bytes().startswith(b"my diary")


def test_a_record_that_claims_a_place_beyond_any_file_is_no_record(tmp_path: Path) -> None:
    payload = b"{}"
    (tmp_path / "j").write_bytes(MAGIC + HEAD.pack(len(payload), 0, 1 << 60, 1) + payload)

    assert rows_of(tmp_path / "j") == []


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.deep)])
def test_killed_again_and_again_no_row_is_lost_and_none_comes_twice(tmp_path: Path, kills: int) -> None:
    """A real process, kill -9 while it writes; what it had written stands and is never written again."""
    rows = 12_000 * kills
    (tmp_path / "p.txt").write_text("".join(f"question {n}\n" for n in range(rows)))
    chance, stood = random.Random(5), 0
    for _ in range(kills):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(chance.uniform(0.02, 0.2))
            os.kill(child.pid, signal.SIGKILL)
        kept = rows_of(tmp_path / "j")
        assert kept == list(range(len(kept)))
        assert len(kept) >= stood
        stood = len(kept)
    assert 0 < stood < rows
    kept = Journal(tmp_path / "j")
    assert all(k.fields["response"] == f"re: question {k.number}" for k in kept.in_order())
    assert len(set(kept._at)) == kept.rows  # one record a row: none was written again
    kept.close()
    assert (tmp_path / "j").read_bytes().count(b'"response"') == stood
