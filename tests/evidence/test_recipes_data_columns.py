"""A column that names who wrote the rows is lineage; a column of cars is none, and rows beside a model are samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.evidence import data_columns, gather
from caveat.lineage.claims import Evidence, StepClaim


def rows(folder: Path, *items: object, name: str = "rows.jsonl") -> Evidence:
    (folder / name).write_text("\n".join(map(json.dumps, items)))
    return data_columns.read(folder / name, name, "mine")


def steps(evidence: Evidence) -> set[tuple[str, str, str, str]]:
    return {(c.child, c.act, c.parent, c.column) for c in evidence.claims if isinstance(c, StepClaim)}


def test_writers_and_judges(tmp_path: Path) -> None:
    read = rows(tmp_path, {"messages": [], "model": "gpt-4o", "judge_model": "a/judge", "chosen_model": "b/y"},
                {"messages": [], "model": "gpt-4o", "distilabel_metadata": {"model_name": "c/z"}})

    assert steps(read) == {
        ("rows.jsonl", "generate", "gpt-4o", "model"), ("rows.jsonl", "annotate", "a/judge", "judge_model"),
        ("rows.jsonl", "generate", "b/y", "chosen_model"),
        ("rows.jsonl", "generate", "c/z", "distilabel_metadata.model_name")}
    assert "gpt-4o (2 of the rows looked at)" in {c.place.quote for c in read.claims}


@pytest.mark.parametrize("row", [
    {"model": "Civic", "text": "a car"}, {"model": "gpt-4o", "price": 3}, {"text": "no column"}, [1], 3,
    {"text": "x", "model": {"a": 1}}, {"text": "x", "model": "./local/path"}, {"text": "x", "model": "two words gpt-4"},
])
def test_what_says_nothing(tmp_path: Path, row: object) -> None:
    assert rows(tmp_path, row) == Evidence()


def test_rows_in_folders(tmp_path: Path) -> None:
    row = {"messages": [], "model": "gpt-4o"}
    rows(tmp_path, row)
    assert gather(tmp_path).subjects == ("rows.jsonl",)
    (tmp_path / "plan.yml").write_text("base_model: a/x\ndatasets:\n- path: ./rows.jsonl\noutput_dir: out/chat\n")
    found = gather(tmp_path)
    assert found.subjects == ("chat",)
    assert ("chat", "train", "rows.jsonl", "") in steps(found)


@pytest.mark.parametrize(("card", "told"), [
    ("---\ntask_categories: [text-generation]\nlicense: mit\n---\n", {("me/it", "generate", "gpt-4o", "model")}),
    ("---\npipeline_tag: text-generation\nlicense: mit\n---\n", set()),
])
def test_rows_beside_a_card(tmp_path: Path, card: str, told: set[tuple[str, ...]]) -> None:
    rows(tmp_path, {"messages": [], "model": "gpt-4o"})
    (tmp_path / "README.md").write_text(card)

    assert steps(gather(tmp_path, "me/it")) == told


def test_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed: the footer cannot be read")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": ["a", "b"], "model": ["gpt-4o", "gpt-4o"]}), tmp_path / "rows.parquet")

    assert steps(data_columns.read(tmp_path / "rows.parquet", "rows.parquet", "mine")) == {
        ("rows.parquet", "generate", "gpt-4o", "model")}


def test_a_parquet_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 nothing")

    assert data_columns.read(tmp_path / "rows.parquet", "rows.parquet", "mine") == Evidence()
