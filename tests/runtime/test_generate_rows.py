"""Rows carry whose output they are, for about three bytes each; a hash holds each one together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from caveat.errors import CaveatError
from caveat.runtime import rows
from caveat.runtime.journal import MESSAGES, PROMPT, SYSTEM
from caveat.runtime.rows import Form, finished, row_digest

PURL = "pkg:huggingface/HuggingFaceTB/SmolLM2-135M-Instruct?checksum=sha256:" + "ab" * 32
RUN = "8730c36d-b1a3-4267-a59b-c5e90f79ad3d"


def form(format: str = "parquet", verifiable: bool = False, kinds: int = PROMPT) -> Form:
    return Form(format, PURL, RUN, verifiable, kinds)


def fields(count: int) -> Iterator[dict[str, Any]]:
    for n in range(count):
        text = hashlib.sha256(str(n).encode()).hexdigest()
        yield {"id": str(n), "prompt": f"about {text[:20]}", "response": text, "finish_reason": "stop", "seed": n}


def written(folder: Path, f: Form, count: int = 5) -> tuple[rows.OutFile, ...]:
    return rows.write((finished(x, f) for x in fields(count)), folder, f)


def test_the_two_words_are_dictionary_columns_in_the_file_itself(tmp_path: Path) -> None:
    (file,) = written(tmp_path, form())
    group = pq.ParquetFile(tmp_path / file.name).metadata.row_group(0)
    encodings = {group.column(n).path_in_schema: group.column(n).encodings for n in range(group.num_columns)}
    table = pq.read_table(tmp_path / file.name)

    assert all("RLE_DICTIONARY" in encodings[name] for name in ("generator", "run_id"))
    assert set(table["generator"].to_pylist()) == {PURL}
    assert set(table["run_id"].to_pylist()) == {RUN}
    assert table.column_names == ["id", "prompt", "response", "finish_reason", "prompt_tokens", "completion_tokens",
                                  "generator", "run_id"]


def test_provenance_costs_no_more_than_three_bytes_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows with and without the two columns: the difference of the files."""
    (full,) = written(tmp_path / "full", form(), 3000)
    plain = {k: v for k, v in rows.COLUMNS.items() if k not in ("generator", "run_id")}
    monkeypatch.setattr(rows, "COLUMNS", plain)
    (bare,) = written(tmp_path / "bare", form(), 3000)

    assert 0 < (full.bytes - bare.bytes) / 3000 <= 3


def test_both_formats_hold_the_same_rows(tmp_path: Path) -> None:
    (a,) = written(tmp_path, form("parquet", True))
    (b,) = written(tmp_path, form("jsonl", True))
    lines = [json.loads(line) for line in (tmp_path / b.name).read_text("utf-8").splitlines()]
    table = [{k: v for k, v in r.items() if v is not None} for r in pq.read_table(tmp_path / a.name).to_pylist()]

    assert table == lines
    assert (a.rows, b.rows, b.sha256) == (5, 5, hashlib.sha256((tmp_path / b.name).read_bytes()).hexdigest())


def test_the_hash_of_a_row_is_what_the_documentation_says_and_changes_with_every_field(tmp_path: Path) -> None:
    row = finished(next(fields(1)), form(verifiable=True))
    said = {k: v for k, v in row.items() if k != "row_sha256"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    assert row["row_sha256"] == hashlib.sha256(text.encode()).hexdigest()
    for name in said:
        assert row_digest({**row, name: "other"}) != row["row_sha256"], name
    assert "seed" not in finished(next(fields(1)), form())


def test_conversations_keep_their_shape(tmp_path: Path) -> None:
    f = form(kinds=MESSAGES | SYSTEM)
    chat = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    row = {"id": "0", "messages": chat, "system": "s", "response": "r", "finish_reason": "stop", "prompt_tokens": 3}
    (file,) = rows.write([finished(row, f)], tmp_path, f)
    (read,) = pq.read_table(tmp_path / file.name).to_pylist()

    assert (read["messages"], read["system"], read["prompt_tokens"]) == (chat, "s", 3)
    assert "prompt" not in read
    assert ("messages", "sc:StructuredValue") in f.columns()


def test_long_runs_become_parts_and_no_rows_are_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "PART_ROWS", 4)
    many = written(tmp_path / "many", form(), 10)
    (none,) = written(tmp_path / "none", form(), 0)
    exact = written(tmp_path / "exact", form(), 8)

    assert [(f.name, f.rows) for f in many] == [(f"data/part-0000{n}.parquet", r) for n, r in enumerate((4, 4, 2))]
    assert pq.read_table(tmp_path / "many" / "data")["id"].to_pylist() == [str(n) for n in range(10)]
    assert (none.rows, pq.read_table(tmp_path / "none" / none.name).num_rows) == (0, 0)
    assert [f.rows for f in exact] == [4, 4]


def test_a_file_that_cannot_be_written_leaves_no_half_of_it(tmp_path: Path) -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield finished(next(fields(1)), form("jsonl"))
        raise OSError(28, "No space left on device")

    with pytest.raises(CaveatError, match="No space left on device; the journal stands"):
        rows.write(broken(), tmp_path, form("jsonl"))

    assert list((tmp_path / "data").iterdir()) == []
