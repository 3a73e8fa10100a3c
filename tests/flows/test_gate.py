"""The gate: baselines, an organisation's rules, and judging before the download, through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.errors import SettingsError
from caveat.evidence.policy import PRESETS, read_file
from caveat.flows.gate import compared, read_baseline
from caveat.flows.places import root_of
from caveat.flows.policy import REFUSED_BY
from caveat.law.shelf import shelf
from caveat.verdict.answer import Finding, Report
from caveat.verdict.gate import failing, fingerprint

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = str(ROOT / "examples" / "Intel__neural-chat-7b-v3-1")
Out = pytest.CaptureFixture[str]
CLEAN = """
[project]
name = "my-chat"
by = "Acme"
licence = "{licence}"
[[step]]
makes = "my-chat"
act = "finetune"
from = "mistralai/Mistral-7B-v0.1"
"""


def folder(tmp_path: Path, more: str = "", licence: str = "apache-2.0") -> str:
    """A model of one's own, made of a permissive one, with more words in its caveat.toml."""
    tmp_path.joinpath("caveat.toml").write_text(CLEAN.format(licence=licence) + more, "utf-8")
    return str(tmp_path)


def said(words: list[str], out: Out) -> tuple[int, dict[str, Any]]:
    code = main(["check", *words, "--format", "json"])
    return code, json.loads(out.readouterr().out.splitlines()[0])


def rules_of(answer: dict[str, Any]) -> list[str]:
    return [r["rule"] for f in answer["findings"] if f["about"] == "policy" for r in f["rules"]]


# --- exit codes and forms ---


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "gitlab", "terminal", "markdown", "html"])
def test_the_exit_code_is_the_same_in_every_form(form: str, capsys: Out) -> None:
    assert main(["check", EXAMPLE, "--format", form]) == 1
    assert main(["check", EXAMPLE, "--format", form, "--fail-on", "none"]) == 0


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_several_folders_are_one_document(form: str, capsys: Out, tmp_path: Path) -> None:
    main(["check", EXAMPLE, folder(tmp_path), "--format", form])

    assert json.loads(capsys.readouterr().out)


def test_files_are_named_from_where_the_check_runs(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)

    assert root_of(inner, tmp_path) == "a/b"
    assert root_of(tmp_path, tmp_path) == root_of(tmp_path, inner) == ""


def test_what_others_did_further_up_is_told_and_does_not_fail(tmp_path: Path, capsys: Out) -> None:
    step = '[[step]]\nmakes = "mine"\nact = "finetune"\nfrom = "Intel/neural-chat-7b-v3-1"\n'
    tmp_path.joinpath("caveat.toml").write_text(f'[project]\nname = "mine"\nby = "Acme"\n{step}', "utf-8")
    code, answer = said([str(tmp_path)], capsys)

    assert ("prohibited", "Intel") in {(f["verdict"], f["whose"]) for f in answer["findings"]}
    assert (code, answer["verdict"]) == (0, "permitted")


# --- baselines ---


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_what_was_known_does_not_fail(form: str, tmp_path: Path, capsys: Out) -> None:
    known = str(tmp_path / f"known.{form}")
    assert main(["check", EXAMPLE, "--format", form, "-o", known]) == 1

    assert main(["check", EXAMPLE, "--baseline", known]) == 0
    assert "0 new" in capsys.readouterr().err


def test_a_baseline_can_be_written_and_this_run_passes(tmp_path: Path, capsys: Out) -> None:
    known = str(tmp_path / "known.json")

    assert main(["check", EXAMPLE, "--write-baseline", known]) == 0
    capsys.readouterr()
    code, answer = said([EXAMPLE, "--baseline", known], capsys)
    assert code == 0
    assert {f["baseline"] for f in answer["findings"] if f["verdict"] != "permitted"} == {"known"}


def test_only_what_is_new_fails_and_is_marked(tmp_path: Path, capsys: Out) -> None:
    known = tmp_path / "known.json"
    _, before = said([EXAMPLE], capsys)
    before["findings"] = [f for f in before["findings"] if f["verdict"] != "prohibited"]
    known.write_text(json.dumps(before), "utf-8")
    code, answer = said([EXAMPLE, "--baseline", str(known)], capsys)

    assert code == 1
    assert [f["verdict"] for f in answer["findings"] if f["baseline"] == "new"] == ["prohibited"]


def test_a_known_finding_that_got_worse_fails() -> None:
    f = Finding("a/b@x", "prohibited", "train", "d", "x", "a")
    report = Report("x", "model", "prohibited", findings=(f,))
    before = {fingerprint(f): read_known("depends")}

    assert failing(compared(report, before), frozenset({"prohibited"}))
    assert not failing(compared(report, {fingerprint(f): read_known("prohibited")}), frozenset({"prohibited"}))


def read_known(verdict: str) -> Any:
    from caveat.flows.gate import Known

    return Known(verdict, frozenset())


def test_what_was_accepted_is_no_baseline(tmp_path: Path, capsys: Out) -> None:
    """Else an acceptance would hold for ever through the baseline."""
    known = tmp_path / "known.json"
    _, before = said([EXAMPLE], capsys)
    for f in before["findings"]:
        f["accepted"] = {"finding": f["id"], "why": "w", "owner": "o", "until": "2020-01-01"}
    known.write_text(json.dumps(before), "utf-8")

    assert read_baseline(known) == {}
    assert main(["check", EXAMPLE, "--baseline", str(known)]) == 1


@pytest.mark.parametrize("text", ["", "{}", "[1]", "not json", "[" * 100_000, '{"$schema": "x", "runs": [{}]}',
                                  '{"findings": [{}]}'])
def test_a_baseline_that_is_none_is_wrong_usage(text: str, tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "b.json"
    file.write_text(text, "utf-8")

    assert main(["check", EXAMPLE, "--baseline", str(file)]) == (1 if text == "" else 2)
    assert main(["check", EXAMPLE, "--baseline", str(tmp_path / "none")]) == 2


# --- an organisation's rules ---


def test_a_policy_allows_what_it_names(tmp_path: Path, capsys: Out) -> None:
    code, answer = said([folder(tmp_path, '[policy]\nallow = ["apache-2.0", "mit"]\n')], capsys)

    assert (code, rules_of(answer)) == (0, [])


def test_a_breach_is_the_organisations_and_not_the_licences(tmp_path: Path, capsys: Out) -> None:
    code, answer = said([folder(tmp_path, '[policy]\nallow = ["mit"]\n')], capsys)
    found = [f for f in answer["findings"] if f["about"] == "policy"]

    assert code == 1
    assert {f["asset"] for f in found} == {"my-chat", "mistralai/Mistral-7B-v0.1"}
    assert {(f["licence"], f["verdict"]) for f in found} == {("policy", "prohibited")}
    assert all("not the licence's" in f["note"] for f in found)
    assert all(f["verdict"] in ("permitted", "conditional") for f in answer["findings"] if f["about"] != "policy")


def test_a_breach_tells_the_way_and_the_line_of_the_rule(tmp_path: Path, capsys: Out) -> None:
    _, answer = said([folder(tmp_path, '[policy]\ndeny = ["apache-2.0"]\n')], capsys)
    far = next(f for f in answer["findings"] if f["about"] == "policy" and f["asset"].startswith("mistralai"))

    assert [s["asset"] for s in far["path"]] == ["mistralai/Mistral-7B-v0.1", "my-chat"]
    assert "caveat.toml:" in far["rules"][0]["gist"]


@pytest.mark.parametrize(
    ("preset", "licence", "broken"),
    [
        ("permissive-only", "apache-2.0", False), ("permissive-only", "mit", False),
        ("permissive-only", "gpl-3.0", True), ("permissive-only", "llama-2", True),
        ("permissive-only", "cc-by-sa-4.0", True),
        ("no-noncommercial", "cc-by-nc-4.0", True), ("no-noncommercial", "llama-3.1", False),
        ("permissive-only", "unknown", True), ("permissive-only", "web", False),
        ("no-unknown", "unknown", True), ("no-unknown", "apache-2.0", False),
    ],
)
def test_presets(preset: str, licence: str, broken: bool) -> None:
    assert REFUSED_BY[preset](shelf().law(licence)) is broken


def test_every_preset_is_explained() -> None:
    assert set(PRESETS) == set(REFUSED_BY)
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in PRESETS)


@pytest.mark.parametrize("rule", ['allow = ["apache-2.0"]', 'preset = "permissive-only"', 'preset = "no-unknown"'])
def test_a_repository_that_says_nothing_is_under_unknown_terms(rule: str, tmp_path: Path, capsys: Out) -> None:
    step = '[[step]]\nmakes = "my-chat"\nact = "train"\nfrom = ["somebody/notes", "my-notes"]\n'
    _, answer = said([folder(tmp_path, f"{step}[policy]\n{rule}\n")], capsys)
    found = [f["asset"] for f in answer["findings"] if f["about"] == "policy" and "under unknown" in f["id"]]

    assert found == ["somebody/notes"]


def test_a_rule_looks_as_far_up_as_it_says(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "policy.toml"
    far = {}
    for steps in ("", "steps = 1\n", "steps = 2\n"):
        file.write_text(f'[policy]\ndeny = ["llama-2"]\n{steps}', "utf-8")
        far[steps] = {f["asset"] for f in said([EXAMPLE, "--policy", str(file)], capsys)[1]["findings"]
                      if f["about"] == "policy"}

    assert far["steps = 1\n"] == set()
    assert far["steps = 2\n"] == {"meta-llama/Llama-2-13b-chat-hf"}
    assert far[""] == {"meta-llama/Llama-2-13b-chat-hf", "meta-llama/Llama-2-13b-hf"}


def test_rules_for_a_channel_hold_where_it_goes(tmp_path: Path, capsys: Out) -> None:
    rule = '[policy.{}]\ndeny = ["apache-2.0"]\n'
    _, offered = said([folder(tmp_path, rule.format("distributed"))], capsys)
    _, hosted = said([folder(tmp_path, rule.format("hosted"))], capsys)
    _, stated = said([folder(tmp_path, rule.format("hosted")), "--fact", "channel=hosted"], capsys)

    assert "distributed.deny" in rules_of(offered)
    assert rules_of(hosted) == []
    assert any("hosted" in p["what"] for p in hosted["problems"])
    assert "hosted.deny" in rules_of(stated)


def test_a_verdict_that_a_house_does_not_take_is_a_breach(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[policy]\nverdicts = ["permitted", "conditional"]\n', "utf-8")
    _, answer = said([EXAMPLE, "--policy", str(file)], capsys)
    breaches = [f for f in answer["findings"] if f["about"] == "policy"]

    assert {"depends"} == {f["note"].split(" is ")[1].split()[0] for f in breaches}


def test_a_policy_settles_readings(tmp_path: Path, capsys: Out) -> None:
    file = tmp_path / "policy.toml"
    file.write_text('[policy.settle]\nbound = "agreed"\n', "utf-8")
    _, answer = said([EXAMPLE, "--policy", str(file)], capsys)

    assert [(s["word"], s["reading"], s["by"]) for s in answer["settled"]] == [("bound", "agreed", "policy")]
    assert not any(d["about"] == "bound" for f in answer["findings"] for d in f["doubts"])


def test_a_breach_can_be_accepted_with_owner_and_end(tmp_path: Path, capsys: Out) -> None:
    rule = '[policy]\ndeny = ["mit"]\n'
    accept = '[[accept]]\nfinding = "{}"\nwhy = "until the move"\nowner = "legal"\nuntil = 2099-01-01\n'
    place = folder(tmp_path, rule, "mit")
    code, answer = said([place], capsys)
    (breach,) = [f for f in answer["findings"] if f["about"] == "policy"]
    after, _ = said([folder(tmp_path, rule + accept.format(breach["id"]), "mit")], capsys)

    assert (code, after) == (1, 0)


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ('[policy]\nallow = ["apache-2"]\n', ""), ('[policy]\nallow = ["apacke-2.0"]\n', "apache-2.0"),
        ('[policy]\npreset = "permisive-only"\n', "permissive-only"),
        ('[policy]\nverdicts = ["permited"]\n', "permitted"),
        ("[policy.hostd]\n", "hosted"), ('[policy.hosted]\nalow = ["mit"]\n', "allow"), ("[polcy]\n", "policy"),
        ('[policy.settle]\nimprov = "weights"\n', "improve"), ("[policy]\nhosted = 3\n", "table"),
        ("[policy]\ndeny = []\n", "leave it out"), ("[policy]\nsteps = 0\n", "from 1"),
        ('[facts]\nsued = "no"\n', "no [facts]"), ("", "without"),
    ],
)
def test_an_unknown_word_is_met_with_the_nearest(text: str, near: str, tmp_path: Path) -> None:
    file = tmp_path / "policy.toml"
    file.write_text(text, "utf-8")
    if not near:
        assert read_file(file).policy[0].values == ("apache-2.0",)
        return

    with pytest.raises(SettingsError, match=near.replace("[", r"\[")):
        read_file(file)


# --- before the download ---


def test_a_repository_is_judged_before_its_bytes_move(tmp_path: Path, capsys: Out,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    code, answer = said(["--pull", "Intel/neural-chat-7b-v3-1"], capsys)

    assert (code, answer["verdict"]) == (1, "prohibited")
    assert "from the catalogue" in answer["problems"][0]["what"]
    assert ("use", "run") in {(f["about"], f["act"]) for f in answer["findings"]}


def test_what_nobody_knows_is_not_permitted(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    code, answer = said(["--pull", "nobody/knows-this"], capsys)

    assert (code, answer["verdict"]) == (1, "unknown")
    assert "its name alone" in answer["problems"][0]["what"]


def test_the_cache_is_read_and_named(tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shot = tmp_path / "models--acme--tiny" / "snapshots" / "0123456789abcdef"
    shot.mkdir(parents=True)
    shot.joinpath("README.md").write_text("---\nlicense: apache-2.0\n---\n", "utf-8")
    code, answer = said(["--pull", "acme/tiny"], capsys)

    assert (code, answer["verdict"] in ("permitted", "conditional")) == (0, True)
    assert "the local cache at commit 0123456789ab" in answer["problems"][0]["what"]


def test_pull_wants_a_repository_id(capsys: Out) -> None:
    assert main(["check", "--pull", "./here"]) == 2
    assert "owner/name" in capsys.readouterr().err
