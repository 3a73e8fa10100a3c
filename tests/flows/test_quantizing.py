"""What `caveat quantize` lays beside a file is what `caveat check` then finds; what is forbidden is never begun."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.evidence.gguf import header
from caveat.flows.checking import check
from caveat.verdict.answer import Duty, Report
from tests.runtime.quantize_made import small

ROOT = Path(__file__).resolve().parents[2]
#: No licence has these words; only the title and the names are needed for what is tested.
GEMMA_STORY = """Gemma Terms of Use

Last modified: March 24, 2025

(In this story only the title stands here. Write into the notice: "Gemma is provided in this story; the Gemma Terms of
Use lie at ai.google.dev/gemma/terms".)
"""


class Place:
    """A model with what lies beside it, and an empty folder for what is made."""

    def __init__(self, folder: Path) -> None:
        self.input, self.out = folder / "in", folder / "out"
        self.input.mkdir()
        self.out.mkdir()

    def model(self, name: str, owner: str) -> Path:
        keys = {"general.name": name, "general.organization": owner, "general.author": "somebody"}
        return small(self.input / "model.gguf", {k: v for k, v in keys.items() if v})

    def copy(self, source: Path, name: str = "LICENSE") -> None:
        shutil.copy(source, self.input / name)

    def quantize(self, *words: str, out: str = "made-Q8_0.gguf", kind: str = "Q8_0") -> int:
        return main(["quantize", str(self.input / "model.gguf"), "-o", str(self.out / out), "--type", kind, *words])

    def checked(self) -> Report:
        (report,) = check(self.out)
        return report

    def files(self) -> list[str]:
        return sorted(p.name for p in self.out.iterdir())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def owed(report: Report) -> dict[str, str]:
    """Duties of the offer that are the maker's own -> state."""
    found: list[Duty] = [d for f in report.findings if f.about == "offered" for d in f.duties if not d.whose]
    return {f"{d.cited.licence} {d.cited.rule}": d.state for d in found}


def mit_with_a_holder() -> Path:
    """The MIT text of an installed package, with its own copyright line."""
    return next(Path(str(p.locate())) for p in files("pytest") or [] if p.name == "LICENSE")


def llama(version: str, material: Path) -> Path:
    return material / "real" / "cards" / "meta-llama__llama-models" / version / "LICENSE"


# Everything that a hand-over owes.


def test_llama_2_goes_out_with_agreement_notice_and_policy(place: Place, material: Path) -> None:
    place.model("Llama-2-7b-chat-hf", "meta-llama")
    place.copy(llama("llama2", material))
    place.copy(llama("llama2", material).with_name("USE_POLICY.md"), "USE_POLICY.md")

    assert place.quantize() == 0
    assert owed(place.checked()) == {"llama-2 pass-on-the-agreement": "met", "llama-2 notice": "met"}
    assert place.files() == ["LICENSE", "NOTICE", "README.md", "USE_POLICY.md", "made-Q8_0.gguf"]
    assert (place.out / "LICENSE").read_bytes() == llama("llama2", material).read_bytes()
    notice = (place.out / "NOTICE").read_text()
    assert " ".join(notice.split()) in " ".join(llama("llama2", material).read_text().split())


def test_llama_3_1_shows_its_label_and_its_name(place: Place, material: Path) -> None:
    place.model("Llama-3.1-8B-Instruct", "meta-llama")
    place.copy(llama("llama3_1", material))

    assert place.quantize("--card", "acme/Llama-3.1-8B-Instruct-GGUF") == 0
    (report,) = check(place.out, asset="acme/Llama-3.1-8B-Instruct-GGUF")
    assert owed(report) == {"llama-3.1 agreement-with-copies": "met", "llama-3.1 built-with": "met",
                            "llama-3.1 name-begins": "met", "llama-3.1 notice": "met"}
    assert "**Built with Llama**" in (place.out / "README.md").read_text()


def test_gemma_goes_out_with_terms_notice_and_the_change_told(place: Place) -> None:
    place.model("gemma-2-9b-it", "google")
    (place.input / "LICENSE.txt").write_text(GEMMA_STORY)

    assert place.quantize() == 0
    assert owed(place.checked()) == {"gemma limits-not-passed-on": "met", "gemma terms-not-handed-over": "met",
                                     "gemma change-not-marked": "met", "gemma no-notice": "met"}
    assert "Gemma is provided in this story" in (place.out / "NOTICE").read_text()


@pytest.mark.skipif(find_spec("licensedcode") is None, reason="licensedcode (texts of licences) is not installed")
def test_a_package_of_texts_serves_where_it_is_installed(place: Place) -> None:
    place.model("gemma-2-9b-it", "google")

    assert place.quantize() == 0
    assert set(owed(place.checked()).values()) == {"met"}


def test_apache_goes_out_with_its_text_the_change_and_the_credit(place: Place) -> None:
    place.model("Mistral-7B-v0.1", "mistralai")
    place.copy(ROOT / "LICENSE")

    assert place.quantize() == 0
    assert owed(place.checked()) == {"apache-2.0 licence-text-missing": "met", "apache-2.0 changes-not-marked": "met",
            "apache-2.0 notices-dropped": "met"}


def test_a_notice_file_of_the_original_travels_along(place: Place) -> None:
    """Apache's NOTICE goes along word for word, the user's own line after it."""
    place.model("Mistral-7B-v0.1", "mistralai")
    place.copy(ROOT / "LICENSE")
    (place.input / "NOTICE").write_text("A notice of the original.\n")

    assert place.quantize("--notice", "Quantized by acme.") == 0
    assert (place.out / "NOTICE").read_text() == "A notice of the original.\n\nQuantized by acme.\n"


def test_mit_goes_out_with_the_line_of_its_holder(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.model("phi-4", "microsoft")
    place.copy(mit_with_a_holder())

    assert place.quantize() == 0
    assert owed(place.checked()) == {"mit notice": "met"}
    assert "(Copyright (c) 2004 Holger Krekel and others)" in " ".join(capsys.readouterr().out.split())


# What is not here stays unmet, and is said.


@pytest.mark.parametrize(("name", "owner", "law"), [
    ("Llama-2-7b-hf", "meta-llama", "llama-2"), ("phi-4", "microsoft", "mit"),
    ("Mistral-7B-v0.1", "mistralai", "apache"),
])
def test_without_a_copy_the_duty_stays_unmet(place: Place, capsys: pytest.CaptureFixture[str],
                                             monkeypatch: pytest.MonkeyPatch, name: str, owner: str, law: str) -> None:
    """It is told which text is missing and where its publisher has it."""
    monkeypatch.setattr("caveat.flows.licence_copies.find_spec", lambda package: None)
    place.model(name, owner)

    assert place.quantize("--fail-on", "prohibited,unmet") == 1
    said = " ".join(capsys.readouterr().out.split())
    assert f"the text of {law}" in said
    assert "no copy of it is here" in said
    assert "https://" in said.partition("Missing")[2]
    assert "unmet" in owed(place.checked()).values()
    assert "LICENSE" not in place.files()


def test_a_text_without_its_holder_is_not_passed_off_as_the_models(place: Place,
                                                                  capsys: pytest.CaptureFixture[str]) -> None:
    place.model("phi-4", "microsoft")
    text = mit_with_a_holder().read_text()
    line = next(row for row in text.splitlines() if "Copyright (c)" in row)
    (place.input / "LICENSE").write_text(text.replace(line, "Copyright (c) <year> <copyright holders>"))

    assert place.quantize() == 0
    assert "names no copyright holder" in " ".join(capsys.readouterr().out.split())
    assert owed(place.checked()) == {"mit notice": "unmet"}


def test_a_wrong_text_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.model("Llama-2-7b-hf", "meta-llama")

    assert place.quantize("--licence-from", str(ROOT / "LICENSE")) == 2
    assert "holds Apache License 2.0 (apache-2.0); what goes along is Llama 2" in capsys.readouterr().err
    assert place.files() == []


def test_files_of_others_are_never_written_over(place: Place) -> None:
    """A README and a LICENSE that lie there already stay; ours get other names."""
    place.model("Mistral-7B-v0.1", "mistralai")
    place.copy(ROOT / "LICENSE")
    (place.out / "README.md").write_text("mine")
    (place.out / "LICENSE").write_text("mine too")

    assert place.quantize() == 0
    assert (place.out / "README.md").read_text() == "mine"
    assert (place.out / "LICENSE").read_text() == "mine too"
    assert {"LICENSE-2", "README-2.md"} < set(place.files())


def test_a_second_quantization_shares_card_and_texts(place: Place) -> None:
    place.model("Mistral-7B-v0.1", "mistralai")
    place.copy(ROOT / "LICENSE")

    assert place.quantize() == 0
    assert place.quantize(out="made-Q4_0.gguf", kind="Q4_0") == 0
    assert place.files() == ["LICENSE", "README.md", "made-Q4_0.gguf", "made-Q8_0.gguf"]
    card = (place.out / "README.md").read_text()
    assert "| `made-Q4_0.gguf` | Q4_0 |" in card
    assert "| `made-Q8_0.gguf` | Q8_0 |" in card


# The header.


def test_the_header_says_whose_it_is_and_who_quantized_it(place: Place) -> None:
    place.model("Llama-2-7b-hf", "meta-llama")
    (place.out / "caveat.toml").write_text('[project]\nby = "acme"\n')

    assert place.quantize(kind="Q4_0") == 0
    values = header(place.out / "made-Q8_0.gguf", "made").values
    told = {k.removeprefix("general."): v for k, v in values.items() if k.startswith("general.")}
    assert told["author"] == "somebody"
    assert told["license"] == "llama2"
    assert told["license.name"] == "Llama 2 Community License Agreement"
    assert told["license.link"] == "https://ai.meta.com/llama/license/"
    assert (told["base_model.count"], told["base_model.0.name"]) == (1, "Llama-2-7b-hf")
    assert told["base_model.0.organization"] == "meta-llama"
    assert told["base_model.0.repo_url"] == told["source.repo_url"] == "https://huggingface.co/meta-llama/Llama-2-7b-hf"
    assert (told["quantized_by"], told["file_type"], told["quantization_version"]) == ("acme", 2, 2)


# The law is asked first.


@pytest.mark.parametrize("purpose", ["ship as apache-2.0", "train mistral-7b on its output"])
def test_a_prohibited_purpose_is_refused_before_anything_is_read(place: Place, capsys: pytest.CaptureFixture[str],
                                                                 monkeypatch: pytest.MonkeyPatch, purpose: str) -> None:
    """Exit code 1, the clause, nothing made, no weights touched."""
    place.model("Llama-2-7b-hf", "meta-llama")
    monkeypatch.setattr("caveat.flows.origin.file_digest", lambda path: pytest.fail("the weights were read"))
    monkeypatch.setattr("caveat.flows.quantizing.made", lambda *a: pytest.fail("it was begun"))

    assert place.quantize("--purpose", purpose) == 1
    said = capsys.readouterr()
    assert "llama-2 §1.b." in said.out
    assert "nothing was made" in said.err
    assert place.files() == []


def test_a_name_that_the_licence_does_not_allow_is_refused(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.model("Llama-3.1-8B", "meta-llama")

    assert place.quantize("--card", "acme/Hamster-8B") == 1
    assert "contradicted" in capsys.readouterr().out
    assert place.files() == []


def test_an_allowed_purpose_goes_on(place: Place) -> None:
    place.model("Mistral-7B-v0.1", "mistralai")

    assert place.quantize("--purpose", "ship as mit") == 0
    assert header(place.out / "made-Q8_0.gguf", "made").word("general.license") == "mit"


def test_an_unknown_model_is_made_and_told(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    """Unknown is no permission: the file is made for its owner, the exit code says it."""
    place.model("Nobody-knows-7B", "")

    assert place.quantize() == 1
    assert "unknown" in capsys.readouterr().out
    assert place.quantize("--force", "--fail-on", "prohibited") == 0
    assert "Unknown is not permission" in (place.out / "README.md").read_text()


def test_programs_read_one_object(place: Place, capsys: pytest.CaptureFixture[str],
                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caveat.flows.licence_copies.find_spec", lambda package: None)
    place.model("Llama-2-7b-hf", "meta-llama")

    assert place.quantize("--format", "json") == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["type"] == "Q8_0"
    assert told["verdict"]["verdict"] == "permitted"
    assert len(told["sha256"]) == 64
    assert {d["state"] for d in told["duties"]} == {"unmet"}


# Places.


@pytest.mark.parametrize(("words", "error"), [
    (["{in}", "-o", "{in}"], "is the input itself"), (["{in}", "-o", "{out}"], "name the file to write"),
    (["{in}", "-o", "{out}/no/x.gguf"], "no folder"), (["{out}", "-o", "{out}/x.gguf"], "no such file"),
    (["{in}", "-o", "{out}/x.gguf", "--threads", "0"], "--threads wants"),
    (["{in}", "-o", "{out}/x.gguf", "--purpose", "zzz"], "zzz"),
    (["{in}", "-o", "{out}/x.gguf", "--perplexity", "{out}/none.txt"], "No such file"),
    (["{in}", "-o", "{out}/x.gguf", "--engine", "llamma-quantize", "--imatrix", "{in}"], "did you mean"),
])
def test_places_and_words_that_are_none_are_told(place: Place, capsys: pytest.CaptureFixture[str], words: list[str],
                                                 error: str) -> None:
    source = place.model("Llama-2-7b-hf", "meta-llama")
    before = source.read_bytes()
    said = [w.replace("{in}", str(source)).replace("{out}", str(place.out)) for w in words]

    assert main(["quantize", *said, "--type", "Q8_0"]) == 2
    assert error in capsys.readouterr().err
    assert place.files() == []
    assert source.read_bytes() == before


def test_the_output_is_never_written_over_unasked(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    place.model("Mistral-7B-v0.1", "mistralai")

    assert place.quantize() == 0
    assert place.quantize() == 2
    assert "--force" in capsys.readouterr().err


def test_a_project_around_the_output_is_not_searched(place: Place, capsys: pytest.CaptureFixture[str],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    place.model("Mistral-7B-v0.1", "mistralai")
    (place.out / "src").mkdir()
    monkeypatch.setattr("caveat.flows.beside.check", lambda *a, **b: pytest.fail("the project was read"))

    assert place.quantize() == 0
    assert "holds other things too" in " ".join(capsys.readouterr().out.split())


def test_when_the_papers_cannot_be_laid_the_file_is_said_to_be_bare(place: Place, capsys: pytest.CaptureFixture[str],
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    place.model("Mistral-7B-v0.1", "mistralai")
    monkeypatch.setattr("caveat.flows.handing_over.put", interrupted)

    assert place.quantize() == 130
    assert "is whole, yet not all that goes along lies beside it" in capsys.readouterr().err
