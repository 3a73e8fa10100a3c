"""SARIF as the standard's schema and GitHub's limits want it; JUnit and GitLab as their readers want them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import validator_for

from caveat.flows.checking import check
from caveat.lineage.claims import Acceptance, Place
from caveat.report import gitlab, junit, sarif
from caveat.report.where import address
from caveat.verdict.answer import Cited, Finding, PathStep, Report
from caveat.verdict.gate import fingerprint

sys.path.insert(0, str(Path(__file__).parent))
import samples

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "Intel__neural-chat-7b-v3-1"
#: The package that ships the schema and the validator with GitHub's own rules.
PACKAGE = "@microsoft/sarif-multitool-linux"
JUDGED = [name for name, answer in samples.ALL.items() if hasattr(answer, "findings")]


def log(*answers: Any) -> dict[str, Any]:
    return json.loads(sarif.render_all(answers))  # type: ignore[no-any-return]


def run_of(*answers: Any) -> dict[str, Any]:
    return log(*answers)["runs"][0]  # type: ignore[no-any-return]


def _package() -> Path:
    """Where npm put the package: CAVEAT_SARIF_TOOL, or node_modules of the repository."""
    return Path(os.environ.get("CAVEAT_SARIF_TOOL", ROOT / "node_modules" / PACKAGE))


needs_package = pytest.mark.skipif(
    not (_package() / "sarif-2.1.0.json").is_file(),
    reason=f"the SARIF schema is in the npm package {PACKAGE}: npm install it, or name its folder in CAVEAT_SARIF_TOOL")


@needs_package
@pytest.mark.parametrize("name", JUDGED)
def test_the_schema_of_the_standard_holds(name: str) -> None:
    schema = json.loads((_package() / "sarif-2.1.0.json").read_text("utf-8-sig"))

    assert [e.message for e in validator_for(schema)(schema).iter_errors(log(samples.ALL[name]))] == []


@needs_package
def test_the_schema_of_the_standard_holds_for_a_real_folder() -> None:
    schema = json.loads((_package() / "sarif-2.1.0.json").read_text("utf-8-sig"))
    written = log(*check(EXAMPLE))

    assert written["runs"][0]["results"]
    assert [e.message for e in validator_for(schema)(schema).iter_errors(written)] == []


@needs_package
def test_githubs_own_rules_find_nothing(tmp_path: Path) -> None:
    """The validator of the standard's authors with the rules of GitHub's code scanning; a broken log shows it looks."""
    good, bad = tmp_path / "good.sarif", tmp_path / "bad.sarif"
    good.write_text(sarif.render_all(check(EXAMPLE)), "utf-8")
    broken = log(*check(EXAMPLE))
    del broken["runs"][0]["results"][0]["locations"]
    bad.write_text(json.dumps(broken), "utf-8")

    assert _told(good) == []
    assert _told(bad) != []


def _told(file: Path) -> list[str]:
    tool = shutil.copy(_package() / "Sarif.Multitool", file.parent / "tool")
    Path(tool).chmod(0o755)
    out = file.with_suffix(".found")
    subprocess.run([tool, "validate", str(file), "--rule-kind", "Sarif;Ghas", "-o", str(out), "--level",
                    "Error;Warning"], check=False, capture_output=True, cwd=_package())
    found = json.loads(out.read_text("utf-8-sig"))["runs"][0]["results"]
    return [f"{r['ruleId']}: {r.get('message')}" for r in found]


# --- GitHub's documented limits and wants, as rules ---


@pytest.mark.parametrize("name", JUDGED)
def test_every_result_has_what_code_scanning_asks(name: str) -> None:
    run = run_of(samples.ALL[name])
    rules = run["tool"]["driver"]["rules"]

    for result in run["results"]:
        place = result["locations"][0]["physicalLocation"]
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"].strip()
        assert result["level"] in ("error", "warning", "note")
        assert re.fullmatch(r"[0-9a-f]{32}", result["partialFingerprints"]["primaryLocationLineHash"])
        assert place["region"]["startLine"] >= 1
        assert re.fullmatch(r"(?!/)(?!.*\.\.)[\w.~/%-]+", place["artifactLocation"]["uri"])
        assert len(result.get("relatedLocations", [])) < 100


@pytest.mark.parametrize("name", JUDGED)
def test_every_rule_has_what_code_scanning_asks(name: str) -> None:
    rules = run_of(samples.ALL[name])["tool"]["driver"]["rules"]

    assert len({r["id"] for r in rules}) == len(rules)
    for rule in rules:
        assert {"id", "name", "shortDescription", "fullDescription", "help", "helpUri"} <= rule.keys()
        assert all(0 < len(rule[k]["text"].strip()) <= 1024 for k in ("shortDescription", "fullDescription"))
        assert rule["helpUri"].startswith("https://")
        assert len(rule["properties"]["tags"]) <= 10


def test_a_flood_is_cut_at_what_is_taken_and_that_is_told() -> None:
    many = tuple(Finding(f"a/b@{n}", "depends", "ship", f"x{n}", "", "a") for n in range(sarif.MOST_RESULTS + 5))
    worst = Finding("a/c@z", "prohibited", "ship", "z", "", "a")
    run = run_of(Report("x", "model", "depends", findings=(*many, worst)))

    assert len(run["results"]) == sarif.MOST_RESULTS
    assert run["results"][0]["level"] == "error"
    assert "6 more results" in run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"]


def test_several_answers_are_one_run() -> None:
    both = log(samples.neural_chat, samples.hostile)

    assert len(both["runs"]) == 1
    assert {r["level"] for r in both["runs"][0]["results"]} >= {"error", "warning"}


# --- prints, positions, suppressions ---


def test_a_print_does_not_move_with_lines_verdicts_or_words() -> None:
    f = samples.neural_chat.findings[2]
    moved = f._replace(verdict="depends", note="other words", path=(
        PathStep("elsewhere", "output", "", "", (Place("declared", "README.md", 99),)),))

    assert fingerprint(f) == fingerprint(moved) == fingerprint(f.to_dict())
    assert fingerprint(f) != fingerprint(f._replace(asset="other/data"))


def test_a_finding_stands_where_the_step_was_read_below_where_the_check_ran() -> None:
    report = samples.neural_chat._replace(root="models/neural chat")
    by_verdict = {r["properties"]["verdict"]: r for r in run_of(report)["results"]}
    place = by_verdict["prohibited"]["locations"][0]["physicalLocation"]

    assert place == {"artifactLocation": {"uri": "models/neural%20chat/README.md"}, "region": {"startLine": 12}}


def test_a_step_far_up_stands_where_its_heir_is_named() -> None:
    far = Finding(f"a/b@{samples.ORCA}", "depends", "generate", samples.LLAMA_CHAT, samples.ORCA, "a", about="made",
                  whose="somebody")
    (result,) = run_of(samples.neural_chat._replace(findings=(far,), declared=()))["results"]

    assert result["level"] == "note"
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 12}


def test_what_somebody_accepts_is_suppressed_with_owner_and_end() -> None:
    accepted = Acceptance("x", "Research only.", "research", date(2027, 1, 31))
    f = samples.neural_chat.findings[2]._replace(accepted=accepted)
    (result,) = run_of(samples.neural_chat._replace(findings=(f,)))["results"]

    assert result["suppressions"] == [{
        "kind": "external", "status": "accepted", "justification": "by research until 2027-01-31: Research only.",
        "properties": {"owner": "research", "until": "2027-01-31"}}]


def test_what_could_not_be_read_is_a_notification() -> None:
    told = [n["message"]["text"] for n in run_of(samples.hostile)["invocations"][0]["toolExecutionNotifications"]]

    assert any("front matter has no end" in t for t in told)


@given(st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_no_name_becomes_a_link_a_placeholder_or_a_way_out(name: str) -> None:
    f = Finding(f"a/b@{name}", "prohibited", "ship", name, name, name, (Cited(name, name, name, "must", name),),
                path=(PathStep(name, name, "", "", (Place("declared", name, 3),)),))
    (result,) = run_of(Report(name, "model", "prohibited", findings=(f,)))["results"]
    text = result["message"]["text"].replace("\\\\", "").replace("\\[", "").replace("\\]", "")

    assert "[" not in text and "]" not in text
    assert "{" not in text.replace("{{", "") and "}" not in text.replace("}}", "")
    assert not any(part in ("", ".", "..") for part in address(name).split("/"))


# --- JUnit and GitLab ---


@pytest.mark.parametrize("name", JUDGED)
def test_junit_is_xml_whose_counts_are_right(name: str) -> None:
    root = ElementTree.fromstring(junit.render(samples.ALL[name]))

    assert int(root.attrib["tests"]) == len(root.findall(".//testcase")) == len(samples.ALL[name].findings)
    assert int(root.attrib["failures"]) == len(root.findall(".//failure"))
    assert int(root.attrib["skipped"]) == len(root.findall(".//skipped"))


def test_junit_fails_what_fail_on_says() -> None:
    usual = ElementTree.fromstring(junit.render_all([samples.neural_chat]))
    strict = ElementTree.fromstring(junit.render_all([samples.neural_chat], frozenset({"prohibited", "depends"})))

    assert (usual.attrib["failures"], strict.attrib["failures"]) == ("1", "2")


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_junit_shows_any_name_and_stays_xml(name: str) -> None:
    f = Finding("a@b", "prohibited", name, name, name, name)
    report = samples.neural_chat._replace(subject=name, findings=(f,))

    assert ElementTree.fromstring(junit.render(report)).find(".//failure") is not None


@pytest.mark.parametrize("name", JUDGED)
def test_gitlab_issues_have_every_key_and_a_print_of_their_own(name: str) -> None:
    issues = json.loads(gitlab.render(samples.ALL[name]))

    assert len({i["fingerprint"] for i in issues}) == len(issues)
    for issue in issues:
        assert issue.keys() == {"description", "check_name", "fingerprint", "severity", "location"}
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith(("/", "./"))
