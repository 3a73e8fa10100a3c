"""What people point `check` at by mistake or in haste: one line that helps, or the report of just that thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.cli import main

from ..worlds.weights_made import gguf

CARD = "---\nlicense: mit\nbase_model: microsoft/phi-2\n---\n# Small\n"


def said(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = main(["check", *words])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize("named, helps", [
    ("gone.txt", "no such file or folder"), ("gone/too", "not in the local Hugging Face cache"),
    ("", "an empty name"), ("empty", "holds nothing that can be read"), ("notes.txt", "name its folder"),
])
def test_what_cannot_be_read_is_told_in_one_line(named: str, helps: str, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch,
                                                 capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("nothing")
    code, out, err = said([named], capsys)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert helps in err


def test_weights_named_alone_are_judged_under_their_own_name(tmp_path: Path,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "small.Q4_K_M.gguf").write_bytes(gguf(architecture="llama", license="llama3.1", file_type=15))
    _, out, _ = said([str(tmp_path / "small.Q4_K_M.gguf"), "--format", "json"], capsys)

    assert json.loads(out)["subject"] == "small.Q4_K_M"


def test_a_folder_s_name_on_disk_contradicts_no_name_rule(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = CARD.replace("mit", "llama3.1").replace("microsoft/phi-2", "meta-llama/Llama-3.1-8B")
    (tmp_path / "README.md").write_text(card)
    _, out, _ = said([str(tmp_path), "--format", "json"], capsys)
    states = {d["rule"]: d["state"] for f in json.loads(out)["findings"] for d in f["duties"]}

    assert states["name-begins"] == "not checkable"


def test_several_paths_in_json_are_one_object_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(CARD)
    _, out, _ = said([str(tmp_path / "one" / "README.md"), str(tmp_path / "two"), "--format", "json"], capsys)

    assert [json.loads(line)["subject"] for line in out.splitlines()] == ["one", "two"]
