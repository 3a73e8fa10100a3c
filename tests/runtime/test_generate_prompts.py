"""Prompts files come from anybody: what can be asked is asked, what cannot is told with its line, nothing hangs."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caveat.errors import EvidenceError
from caveat.runtime import prompts
from caveat.runtime.prompts import Bad, Prompt


def read(tmp_path: Path, data: bytes, name: str = "p.jsonl") -> list[Prompt | Bad]:
    file = tmp_path / name
    file.write_bytes(data)
    return list(prompts.read(file))


def test_each_form_of_a_row_becomes_the_messages_that_are_sent(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    rows = [{"prompt": "hello", "id": 7, "extra": [1]}, {"messages": chat, "id": "x", "system": "be kind"}]

    first, second = read(tmp_path, "\n".join(map(json.dumps, rows)).encode())

    assert first == Prompt(0, 1, "7", "hello", (), "")
    assert isinstance(second, Prompt)
    assert second.chat() == [{"role": "system", "content": "be kind"}, *chat]


def test_plain_text_is_a_prompt_a_line_and_duplicates_stay(tmp_path: Path) -> None:
    rows = read(tmp_path, "\ufefföne\r\n\n  \ntwo\ntwo".encode(), "p.txt")

    assert [(r.number, r.line, r.prompt) for r in rows if isinstance(r, Prompt)] == \
        [(0, 1, "öne"), (1, 4, "two"), (2, 5, "two")]


BAD = {
    b"{": "no JSON", b"[1]": "no object", b"{}": "a prompt or messages", b'{"prompt": 1}': "want text",
    b'{"prompt": "a", "messages": []}': "not both", b'{"prompt": "a\\u0000b"}': "NUL",
    b'{"prompt": "\\ud800"}': "surrogate",
    b'{"prompt": " "}': "blanks", b'{"prompt": "\xff"}': "not UTF-8 (byte 12", b"[" * 200_000: "nests too deeply",
    b'{"prompt": "a", "id": {"b": 1}}': "id wants", b'{"prompt": "a", "id": "' + b"x" * 2000 + b'"}': "id wants",
    b'{"messages": []}': "a list of", b'{"messages": ["a"]}': "a role",
    b'{"messages": [{"role": "user"}]}': "want text",
    b'{"messages": [{"role": "", "content": "a"}]}': "a role", b'{"prompt": "a", "system": 3}': "want text",
    b'{"prompt": 1' + b"0" * 5000 + b"}": "no JSON", b"\0\0\0": "no JSON",
}


@pytest.mark.parametrize("line", BAD, ids=lambda b: b[:40].decode("latin-1"))
def test_a_bad_line_is_told_with_its_number_and_the_next_is_read(tmp_path: Path, line: bytes) -> None:
    bad, good = read(tmp_path, line + b"\n" + b'{"prompt": "fine"}')

    assert isinstance(bad, Bad)
    assert (bad.number, bad.line) == (0, 1)
    assert BAD[line] in bad.what
    assert isinstance(good, Prompt)
    assert (good.number, good.line, good.prompt) == (1, 2, "fine")


def test_a_line_of_a_hundred_megabytes_costs_no_memory(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    with file.open("wb") as out:
        out.write(b'{"prompt": "')
        out.truncate(100 << 20)
        out.seek(100 << 20)
        out.write(b'"}\n{"prompt": "fine"}\n')
    tracemalloc.start()
    try:
        bad, good = prompts.read(file)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert bad == Bad(0, 1, "a line longer than 1 MiB")
    assert isinstance(good, Prompt)
    assert most < 8 << 20


def test_the_survey_knows_the_file_and_a_packed_or_missing_one_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(b"abc\nabc")
    packed = tmp_path / "p.jsonl.gz"
    packed.write_bytes(gzip.compress(b"x" * 1000))

    assert prompts.survey(file) == (hashlib.sha256(b"abc\nabc").hexdigest(), 7, 2)
    with pytest.raises(EvidenceError, match="packed with gzip"):
        prompts.survey(packed)
    with pytest.raises(EvidenceError, match="no such prompts file"):
        prompts.survey(tmp_path)


def parquet(tmp_path: Path, columns: dict[str, Any]) -> Path:
    file = tmp_path / "p.parquet"
    pq.write_table(pa.table(columns), file)
    return file


def test_parquet_gives_the_same_rows(tmp_path: Path) -> None:
    chat = [{"role": "user", "content": "a"}]
    file = parquet(tmp_path, {"id": ["x", None, None], "prompt": ["hi", None, None], "messages": [None, chat, None],
                              "other": [1, 2, 3]})

    first, second, third = prompts.read(file)

    assert first == Prompt(0, 1, "x", "hi", (), "")
    assert isinstance(second, Prompt)
    assert second.chat() == chat
    assert third == Bad(2, 3, "a prompt or messages is wanted, and not both")
    assert prompts.survey(file).rows == 3


def test_parquet_that_is_none_or_lies_or_has_no_prompts_is_refused(tmp_path: Path) -> None:
    file = parquet(tmp_path, {"prompt": ["hi"] * 1000})
    data = bytearray(file.read_bytes())
    data[4:40] = b"\xff" * 36
    file.write_bytes(data)
    with pytest.raises(EvidenceError, match="cannot be read"):
        list(prompts.read(file))
    file.write_bytes(b"PAR1" + b"\xff" * 100 + b"PAR1")
    with pytest.raises(EvidenceError, match="no Parquet file"):
        prompts.survey(file)
    with pytest.raises(EvidenceError, match="no column prompt or messages; there are text"):
        list(prompts.read(parquet(tmp_path, {"text": ["a"]})))


def test_a_parquet_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "GROUP_LIMIT", 1 << 20)
    file = tmp_path / "p.parquet"
    pq.write_table(pa.table({"prompt": ["x" * 4096] * 2048}), file, compression="zstd", use_dictionary=False)

    assert file.stat().st_size < 100_000
    with pytest.raises(EvidenceError, match="row group 0 unpacks to"):
        list(prompts.read(file))
