"""What `caveat convert` lays beside a file is what `caveat check` finds; what somebody accepted is made and said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.flows.checking import check
from caveat.verdict.answer import Report
from tests.runtime import checkpoints

pytest.importorskip("gguf")
pytest.importorskip("sentencepiece")
ROOT = Path(__file__).resolve().parents[2]


class Place:
    """A checkpoint with what lies beside it, and an empty folder for what is made."""

    def __init__(self, folder: Path) -> None:
        self.input, self.out = folder / "in", folder / "out"
        checkpoints.checkpoint(self.input)
        self.out.mkdir()

    def convert(self, base: str, *words: str) -> int:
        return main(["convert", str(self.input), "-o", str(self.out / "made-f16.gguf"), "--base", base, *words])

    def files(self) -> list[str]:
        return sorted(p.name for p in self.out.iterdir())

    def owed(self, asset: str | None = None) -> dict[str, str]:
        """Duties of the offer that are the maker's own -> state, as `caveat check` tells them."""
        (report,) = check(self.out, asset=asset)
        found = [d for f in report.findings if f.about == "offered" for d in f.duties if not d.whose]
        return {f"{d.cited.licence} {d.cited.rule}": d.state for d in found}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def acts(report: Report) -> set[tuple[str, str]]:
    return {(e.act, e.parent) for e in report.graph.edges}


def test_llama_2_goes_out_with_agreement_notice_and_policy(place: Place, material: Path) -> None:
    theirs = material / "real" / "cards" / "meta-llama__llama-models" / "llama2"
    shutil.copy(theirs / "LICENSE", place.input)
    shutil.copy(theirs / "USE_POLICY.md", place.input)

    assert place.convert("meta-llama/Llama-2-7b-hf", "--fail-on", "prohibited,contradicted,unknown,unmet") == 0
    assert place.owed() == {"llama-2 pass-on-the-agreement": "met", "llama-2 notice": "met"}
    assert place.files() == ["LICENSE", "NOTICE", "README.md", "USE_POLICY.md", "made-f16.gguf"]


def test_apache_goes_out_with_its_text_under_the_name_it_is_published(place: Place) -> None:
    shutil.copy(ROOT / "LICENSE", place.input)

    assert place.convert("mistralai/Mistral-7B-v0.1", "--card", "acme/Orchard-7B", "--notice", "By acme.") == 0
    owed = place.owed("acme/Orchard-7B")
    assert owed["apache-2.0 licence-text-missing"] == "met"
    assert set(owed.values()) == {"met"}
    assert (place.out / "NOTICE").read_text() == "By acme.\n"
    card = (place.out / "README.md").read_text()
    assert "base_model: mistralai/Mistral-7B-v0.1" in card
    assert "quantized" not in card.partition("## What you may do")[0]
    (report,) = check(place.out, asset="acme/Orchard-7B")
    assert acts(report) == {("convert", "mistralai/Mistral-7B-v0.1")}


def test_without_a_copy_the_duty_stays_unmet_and_the_exit_says_so(place: Place, capsys: pytest.CaptureFixture[str],
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caveat.flows.licence_copies.find_spec", lambda package: None)

    assert place.convert("meta-llama/Llama-2-7b-hf", "--fail-on", "unmet", "--format", "json") == 1
    said = json.loads(capsys.readouterr().out)
    assert {d["state"] for d in said["duties"]} == {"unmet"}
    assert any("the text of llama-2" in line for line in said["missing"])


def test_papers_can_be_left_out(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert place.convert("meta-llama/Llama-2-7b-hf", "--no-papers") == 0
    assert place.files() == ["made-f16.gguf"]
    assert "Owed when it is handed over" in capsys.readouterr().out


def test_what_somebody_accepted_is_made_and_said(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """A prohibited conversion is refused; with its finding accepted in caveat.toml it is made, and who accepted it,
    why and until when is shown."""
    law = place.input.parent / "law" / "licences"
    law.mkdir(parents=True)
    (law / "no-change.toml").write_text(checkpoints.NO_CHANGE)
    words = ("--law", str(law.parent))

    assert place.convert("someone/model", *words, "--format", "json") == 1
    assert place.files() == []
    (refused,) = [f for f in json.loads(capsys.readouterr().out)["findings"] if f["verdict"] == "prohibited"]
    (place.out / "caveat.toml").write_text(
        f'[[accept]]\nfinding = "{refused["id"]}"\nwhy = "Leave of the publisher"\nowner = "legal"\n'
        "until = 2999-01-01\n")

    assert place.convert("someone/model", *words) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "prohibited" in said
    assert "accepted" in said
    assert "legal" in said
    assert "Leave of the publisher" in said
    assert "2999-01-01" in said
    assert "made-f16.gguf" in place.files()


def test_several_terms_of_which_one_has_no_tag_are_all_read_again(place: Place) -> None:
    """The hub has one word, `other`, for terms it does not know: the name then tells all of them."""
    (place.input / "README.md").write_text("---\nlicense: other\nlicense_name: yi-2.0 AND mit\n---\n# mine\n")

    assert place.convert("me/tune", "--card", "me/tune-GGUF") == 0
    (report,) = check(place.out, asset="me/tune-GGUF")
    assert {d.laws for d in report.declared} == {("yi-2.0", "mit")}
