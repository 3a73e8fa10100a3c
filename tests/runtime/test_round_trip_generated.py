"""The whole way by the command line: generate, verify, check the folder, check a recipe that trains on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from tests.runtime.answering import serving, smollm2
from tests.runtime.run_made import DAY, LLAMA_2, recipe, run_folder, stripped


def generated(folder: Path, *more: str) -> Path:
    (folder / "p.txt").write_text("What is a cat?\nName a colour.\nSay hello.\n")
    code = main(["generate", "--prompts", str(folder / "p.txt"), "-o", str(folder / "rows"), "--on", DAY,
                 "--max-tokens", "12", "--verifiable", *more])

    assert code == 0
    return folder / "rows"


def checked(path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    main(["check", str(path), "--format", "json"])
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def may_train(told: dict[str, Any]) -> str:
    return next(str(m["verdict"]) for m in told["may"] if m["act"] == "train on it")


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_llama_2_behind_an_address(tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        rows = generated(tmp_path, "--model", LLAMA_2, "--url", server.url, "--format", form)

    assert main(["verify", str(rows)]) == 0
    assert may_train(checked(rows, capsys)) == "prohibited"
    assert checked(recipe(tmp_path, "./rows"), capsys)["verdict"] == "prohibited"


def test_an_unmarked_copy_of_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving() as server:
        rows = generated(tmp_path, "--model", LLAMA_2, "--url", server.url)
    stripped(rows)

    assert main(["verify", str(rows)]) == 1
    assert checked(recipe(tmp_path, "./rows"), capsys)["verdict"] == "prohibited"


@pytest.mark.deep
def test_smollm2_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A real model writes real rows; Apache lets them train what they like, and what it learned from is told."""
    rows = generated(tmp_path, "--model", str(smollm2()), "--purpose", "train falcon-7b")
    before = checked(recipe(tmp_path, "./rows"), capsys)

    assert main(["verify", str(rows)]) == 0
    assert may_train(checked(rows, capsys)) == "permitted"
    assert {f["verdict"] for f in before["findings"] if f["act"] == "train" and f["whose"] == "you"} == {"permitted"}
    stripped(rows)
    after = checked(tmp_path / "recipe.yml", capsys)

    assert after["verdict"] == before["verdict"]


@pytest.mark.deep
def test_the_library_people_push_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loaded, cut into other shards and saved by `datasets`: with digests of rows, still the rows that are stated."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    datasets = pytest.importorskip("datasets", reason="datasets is not installed: pip install datasets")
    rows = tmp_path / "rows"
    run_folder(rows, LLAMA_2, rows=20, verifiable=True)
    loaded = datasets.load_dataset("parquet", data_files=str(rows / "data" / "*.parquet"), split="train",
                                   cache_dir=str(tmp_path / "cache"))
    for old in rows.glob("data/*"):
        old.unlink()
    for n in range(2):
        loaded.shard(2, n, contiguous=True).to_parquet(str(rows / "data" / f"train-0000{n}-of-00002.parquet"))

    assert main(["verify", str(rows)]) == 0
