"""What `check` says of cards as people write them: silence is told as silence, and no false duty is claimed."""

from __future__ import annotations

from pathlib import Path

import pytest

from caveat.flows.checking import check
from caveat.verdict.answer import Finding, Report

DAY = "2026-11-24"


def checked(folder: Path, name: str, *front: str) -> Report:
    place = folder / name.replace("/", "__")
    place.mkdir(parents=True)
    (place / "README.md").write_text("\n".join(("---", *front, "---", "")), encoding="utf-8")
    return check(place, today=DAY)[0]


def offered(report: Report) -> list[Finding]:
    return [f for f in report.findings if f.about == "offered"]


@pytest.mark.parametrize("front", [(), ("license: other",), ("license: unknown", "pipeline_tag: text-generation")])
def test_somebodys_repository_without_terms_is_unknown(tmp_path: Path, front: tuple[str, ...]) -> None:
    report = checked(tmp_path, "acme/enigma", *front)

    assert report.verdict == "unknown"
    assert [(r.licence, r.rule) for f in offered(report) for r in f.rules] == [("unknown", "no-licence")]
    assert offered(report)[0].whose == "acme"


@pytest.mark.parametrize("name, front", [("enigma", ()), ("acme/enigma", ("license: mit",))])
def test_own_work_and_labelled_work_say_enough(tmp_path: Path, name: str, front: tuple[str, ...]) -> None:
    assert checked(tmp_path, name, *front).verdict == "permitted"


def test_a_tune_without_a_label_is_silent_about_its_own_part(tmp_path: Path) -> None:
    report = checked(tmp_path, "acme/tuned", "base_model: meta-llama/Llama-2-7b-hf")

    assert report.verdict == "unknown"
    assert {"pass-on-the-agreement", "notice"} == {d.cited.rule for f in offered(report) for d in f.duties}


def test_a_quantization_without_a_label_is_under_the_terms_of_its_base(tmp_path: Path) -> None:
    front = ("base_model: meta-llama/Llama-2-7b-hf", "base_model_relation: quantized")

    assert checked(tmp_path, "acme/bare-GGUF", *front).verdict == "conditional"


def test_a_label_that_says_nothing_gives_way_to_what_is_known(tmp_path: Path) -> None:
    report = checked(tmp_path, "internlm/internlm2-chat-20b", "license: other")

    assert [(d.raw, d.laws) for d in report.declared] == [("other", ("internlm",))]
    assert "unknown" not in {r.licence for m in report.may for r in m.rules}


def test_a_label_that_names_unread_terms_stays_unknown(tmp_path: Path) -> None:
    front = ("license: other", "license_name: some-other-licence")

    assert ("unknown",) in [d.laws for d in checked(tmp_path, "internlm/internlm2-chat-20b", *front).declared]


def states(report: Report, rule: str) -> set[str]:
    return {d.state for f in offered(report) for d in f.duties if d.cited.rule == rule}


@pytest.mark.parametrize("name, base", [
    ("acme/Meta-Llama-3-8B-Instruct-GGUF", "meta-llama/Meta-Llama-3-8B-Instruct"),
    ("acme/meta-llama_Llama-3.1-8B-Instruct-GGUF", "meta-llama/Llama-3.1-8B-Instruct"),
])
def test_a_copy_may_keep_the_publisher_in_front_of_its_name(tmp_path: Path, name: str, base: str) -> None:
    label = "llama3.1" if "3.1" in base else "llama3"
    report = checked(tmp_path, name, f"license: {label}", f"base_model: {base}", "base_model_relation: quantized")

    assert states(report, "name-begins") == {"met"}


def test_a_tune_that_is_named_otherwise_is_told(tmp_path: Path) -> None:
    front = ("license: llama3", "base_model: meta-llama/Meta-Llama-3-8B", "base_model_relation: finetune")

    assert states(checked(tmp_path, "acme/Meta-Llama-3-8B-notes", *front), "name-begins") == {"contradicted"}


def test_the_card_of_a_quantized_sibling_tells_the_bases_of_the_sibling(tmp_path: Path) -> None:
    report = checked(tmp_path, "NousResearch/Nous-Hermes-2-Mistral-7B-DPO-GGUF", "license: apache-2.0",
                     "base_model: mistralai/Mistral-7B-v0.1", "datasets: [teknium/OpenHermes-2.5]")
    edges = {(e.child, e.act, e.parent) for e in report.graph.edges}

    assert {p for c, act, p in edges if c == report.subject} == {"NousResearch/Nous-Hermes-2-Mistral-7B-DPO"}
    assert not [p for c, act, p in edges if c == "mistralai/Mistral-7B-v0.1"]


@pytest.mark.parametrize("name, label, told", [
    ("acme/Llama2-Chinese-7b-Chat", "apache-2.0", True), ("acme/notes-gemma-2b", "mit", True),
    ("acme/Llama-3.1-notes", "apache-2.0", True), ("acme/Llama2-notes-7b", "llama2", False),
    ("acme/TinyLlama-1.1B-notes", "apache-2.0", False), ("acme/open-llama-3b-notes", "apache-2.0", False),
    ("acme/gemma-4-notes", "apache-2.0", False), ("acme/mistral-notes", "apache-2.0", False),
])
def test_a_name_that_speaks_of_an_unnamed_base_is_told(tmp_path: Path, name: str, label: str, told: bool) -> None:
    report = checked(tmp_path, name, f"license: {label}")

    assert any("speaks of" in p.what for p in report.problems) == told
    assert report.verdict == "permitted"


def test_silence_is_told_once(tmp_path: Path) -> None:
    report = checked(tmp_path, "acme/enigma", "base_model: other/enigma")

    assert [f.verdict for f in offered(report)] == ["unknown"]


def test_half_a_label_is_half_silent(tmp_path: Path) -> None:
    assert checked(tmp_path, "acme/enigma", "license: [mit, openrail]").verdict == "unknown"


@pytest.mark.parametrize(("base", "label", "relation", "rule"), [
    ("acme/orchard-7b", "yi-2.1", "base_model", "source-not-named"),
    ("acme/registers", "odc-by-1.0", "datasets", "origin-not-told"),
    ("acme/registers", "odbl-1.0", "datasets", "origin-not-told"),
])
def test_where_it_comes_from_is_told_by_a_card_that_names_it(tmp_path: Path, base: str, label: str, relation: str,
                                                             rule: str) -> None:
    """A card that names the original and its licence in its text meets the duty; the front matter alone does not."""
    (tmp_path / "caveat.toml").write_text(f'[project]\nname = "mine"\n[assets."{base}"]\nlicence = "{label}"\n')
    words = f"Made from [{base}](https://huggingface.co/{base}), licence: [text](https://example.org/license).\n"
    # For Yi the text goes along too: its title tells it.
    (tmp_path / "LICENSE").write_text("Yi Series Models Community License Agreement\nVersion 2.1\n")
    found = []
    for body in ("", words):
        (tmp_path / "README.md").write_text(f"---\nlicense: {label}\n{relation}:\n- {base}\n---\n# mine\n\n{body}")
        (report,) = check(tmp_path, today=DAY)
        found.append(states(report, rule))

    assert found == [{"unmet"}, {"met"}]
