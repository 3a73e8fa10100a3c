"""What a changed text does to verdicts is said by asking the law without the clause."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.errors import EvidenceError, SettingsError
from caveat.flows.identifying import identified, page, seen_in
from caveat.flows.verifying import verified

MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", "../shared")) / "real" / "cards" / "meta-llama__llama-models"
needs_texts = pytest.mark.skipif(not MATERIAL.is_dir(), reason="the texts are not here (CAVEAT_MATERIAL)")
LICENSE = Path(__file__).parents[2] / "LICENSE"


def without_1bv() -> str:
    text = (MATERIAL / "llama2/LICENSE").read_text(encoding="utf-8")
    return re.sub(r"(?s)\bv\. You will not use.*?(?=2\. Additional)", "", text)


@needs_texts
def test_a_missing_clause_is_told_with_the_verdicts_that_move() -> None:
    seen = seen_in(without_1bv(), "LICENSE")
    does = [words for _, told in seen.matches for t in told for words in t.does]

    assert "without 1.b.v, train another model on its answers: prohibited (by 1.b.v) becomes permitted" in does


@needs_texts
def test_a_moved_limit_is_asked_between_the_two() -> None:
    text = (MATERIAL / "llama2/LICENSE").read_text(encoding="utf-8").replace("700 million", "7 million")
    does = [words for _, told in seen_in(text, "LICENSE").matches for t in told for words in t.does]

    assert does[0] == "the limit of 2 (monthly_users) moves from 700,000,000 to 7,000,000"
    assert does[1] == "run it with monthly_users = 353,500,000: permitted becomes prohibited (by 2)"


def test_a_folder_is_looked_through(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_text(LICENSE.read_text())
    (tmp_path / "model.py").write_text("x = 1")
    seen = identified([str(tmp_path)])

    assert [[m.law for m, _ in s.matches] for s in seen] == [["apache-2.0"]]
    assert page(seen).data["files"][0]["texts"][0]["sure"] == "exact"


def test_what_is_not_there_or_not_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "LICENSE").write_bytes(b"%PDF\x00\x01")

    assert "not text" in identified([str(tmp_path)])[0].problem
    with pytest.raises(EvidenceError):
        identified([str(tmp_path / "nowhere")])


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "html"])
def test_every_form_says_it(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["identify", str(LICENSE), "--format", form, "--exact"]) == 0
    assert "apache-2.0" in capsys.readouterr().out


def test_a_text_is_verified_against_the_one_that_was_read(tmp_path: Path) -> None:
    rewrapped = tmp_path / "LICENSE"
    rewrapped.write_text(LICENSE.read_text().replace("\n", "\r\n"))
    cut = tmp_path / "cut.txt"
    cut.write_text(LICENSE.read_text()[:4000])

    assert verified("apache-2.0", str(rewrapped)).data["same"] in ("words", "differs")
    assert verified("apache-2.0", str(cut)).data["same"] == "differs"
    assert verified("mit", str(rewrapped)).data["same"] == "other"
    with pytest.raises(SettingsError):
        verified("no-such-licence", str(cut))


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "apache-2.0", "--verify", str(LICENSE), "--format", "json"])

    assert json.loads(capsys.readouterr().out)["licence"] == "apache-2.0"
