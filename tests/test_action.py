"""The GitHub Action run by hand through its steps, with a gh that only writes calls down; pre-commit for real.

The everyday tests stand in for the install with this very interpreter; `make check-deep` installs as a runner would.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = ACTION["runs"]["steps"]
EXAMPLE = "Intel__neural-chat-7b-v3-1"
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
#: A gh that answers with the id of an older comment, if there is one, and keeps each call on a line of its own.
GH = """#!{python}
import json, os, pathlib, sys
home = pathlib.Path(os.environ["FAKE_GH"])
words = sys.argv[1:]
files = {{w.split("=@", 1)[0]: pathlib.Path(w.split("=@", 1)[1]).read_text("utf-8") for w in words if "=@" in w}}
with (home / "calls").open("a") as out:
    out.write(json.dumps([words, files]) + "\\n")
if "--method" not in words:
    sys.stdout.write(os.environ.get("FAKE_COMMENT", ""))
sys.exit(int(os.environ.get("FAKE_FAILS", "0")) if "--method" in words else 0)
"""


class Runner:
    """A machine of GitHub as far as the steps can tell."""

    def __init__(self, home: Path) -> None:
        self.home, self.work, self.temp = home, home / "work", home / "temp"
        self.outputs: dict[str, dict[str, str]] = {}
        for folder in (self.work, self.temp, home / "bin", home / "gh"):
            folder.mkdir()
        self.script(home / "bin" / "gh", GH.format(python=sys.executable))
        self.extra: dict[str, str] = {}

    def script(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(0o755)

    def stand_in(self) -> None:
        """What the install step leaves behind, by this interpreter."""
        for name, module in (("caveat", " -m caveat"), ("python", "")):
            self.script(self.temp / "caveat" / "venv" / "bin" / name,
                        f'#!/bin/sh\nexec "{sys.executable}"{module} "$@"\n')

    def environment(self) -> dict[str, str]:
        files = {name: str(self.home / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for file in files.values():
            Path(file).touch()
        return {
            **os.environ, **files, "PATH": f"{self.home / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "GITHUB_ACTION_PATH": str(ROOT), "GITHUB_REPOSITORY": "acme/chat", "GITHUB_SHA": "f" * 40,
            "GITHUB_REF": "refs/pull/7/merge", "RUNNER_TEMP": str(self.temp), "FAKE_GH": str(self.home / "gh"),
            **self.extra,
        }

    def step(self, name: str, inputs: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run one step as it stands in action.yml."""
        (step,) = [s for s in STEPS if s["name"] == name]
        env = {k: self.valued(v, inputs) for k, v in step.get("env", {}).items()}
        done = subprocess.run(["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", step["run"]],
                              cwd=self.work, env={**self.environment(), **env}, capture_output=True, text=True)
        said = (self.home / "GITHUB_OUTPUT").read_text("utf-8").splitlines()
        self.outputs["check"] = dict(line.split("=", 1) for line in said)
        return done

    def valued(self, text: str, inputs: Mapping[str, str]) -> str:
        """The expressions that action.yml uses, and no others."""
        def value(m: re.Match[str]) -> str:
            scope, _, rest = m[1].partition(".")
            if scope == "inputs":
                return inputs.get(rest, str(ACTION["inputs"][rest]["default"]))
            if scope == "steps":
                return self.outputs["check"][rest.rpartition(".")[2]]
            return {"github.event.pull_request.number": "7", "github.token": "t"}[m[1]]

        return EXPRESSION.sub(value, text)

    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        file = self.home / "gh" / "calls"
        return [(w, f) for w, f in map(json.loads, file.read_text("utf-8").splitlines())] if file.exists() else []


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    made = Runner(tmp_path)
    made.stand_in()
    shutil.copytree(ROOT / "examples" / EXAMPLE, made.work / EXAMPLE)
    yield made


def through(runner: Runner, inputs: Mapping[str, str]) -> int:
    """Every step after the install; the exit code of the gate."""
    for name in ("Check", "Comment", "Upload to code scanning"):
        done = runner.step(name, inputs)
        assert done.returncode == 0, done.stderr
    return runner.step("Gate", inputs).returncode


# --- what stands in action.yml ---


def test_no_step_uses_another_action_or_puts_an_input_into_a_command() -> None:
    assert not [s for s in STEPS if "uses" in s]
    assert not [s["name"] for s in STEPS if EXPRESSION.search(s["run"])]
    assert all(s["shell"] == "bash" for s in STEPS)


def test_every_script_that_is_named_is_there_and_parses() -> None:
    named = [m for s in STEPS for m in re.findall(r"\.github/action/[\w.]+", s["run"])]

    assert len(named) == 4
    for script in named:
        assert subprocess.run(["bash", "-n", ROOT / script]).returncode == 0


# --- the steps ---


def test_a_breach_fails_the_gate_and_is_told_where_people_look(runner: Runner) -> None:
    assert through(runner, {"paths": EXAMPLE}) == 1

    summary = (runner.home / "GITHUB_STEP_SUMMARY").read_text("utf-8")
    assert "Findings that fail the gate" in summary and "llama-2/no-improving-others" in summary
    log = json.loads(Path(runner.outputs["check"]["sarif"]).read_text("utf-8"))
    places = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in log["runs"][0]["results"]}
    assert places == {f"{EXAMPLE}/README.md"}


def test_nothing_to_fail_on_passes(runner: Runner) -> None:
    assert through(runner, {"paths": EXAMPLE, "fail-on": "none"}) == 0


def test_a_first_run_writes_one_comment_and_the_next_writes_it_again(runner: Runner) -> None:
    through(runner, {"paths": EXAMPLE})
    runner.extra["FAKE_COMMENT"] = "41\n"
    through(runner, {"paths": EXAMPLE})
    told = [(w[2], w[3], f["body"]) for w, f in runner.calls() if "body" in f]

    assert [t[:2] for t in told] == [("POST", "repos/acme/chat/issues/7/comments"),
                                     ("PATCH", "repos/acme/chat/issues/comments/41")]
    assert all(body.startswith("<!-- caveat: summary -->") and len(body) < 65_536 for *_, body in told)


def test_code_scanning_gets_the_file_as_it_wants_it(runner: Runner) -> None:
    through(runner, {"paths": EXAMPLE})
    (words, files) = next((w, f) for w, f in runner.calls() if "sarif" in f)

    assert words[3] == "repos/acme/chat/code-scanning/sarifs"
    assert f"commit_sha={'f' * 40}" in words and "ref=refs/pull/7/merge" in words
    assert json.loads(gzip.decompress(base64.b64decode(files["sarif"])))["version"] == "2.1.0"


def test_a_refused_comment_or_upload_decides_nothing(runner: Runner) -> None:
    runner.extra["FAKE_FAILS"] = "1"

    assert through(runner, {"paths": EXAMPLE, "fail-on": "none"}) == 0


def test_wrong_usage_fails_the_gate_and_says_why(runner: Runner) -> None:
    assert through(runner, {"paths": "no/such/place"}) == 2
    assert "did not run" in (runner.home / "GITHUB_STEP_SUMMARY").read_text("utf-8")


def test_inputs_cannot_become_commands(runner: Runner) -> None:
    evil = '$(touch /tmp/owned);`touch owned`;"; touch owned; "'
    through(runner, {"paths": evil, "args": evil, "fail-on": evil, "policy": evil, "baseline": evil})

    assert not list(runner.home.rglob("owned")) and not Path("/tmp/owned").exists()


def test_hostile_names_stay_text_in_the_summary(runner: Runner) -> None:
    place = runner.work / "evil"
    place.mkdir()
    place.joinpath("README.md").write_text(
        "---\nlicense: other\nbase_model: 'evil/<img src=x> | @everyone [x](javascript:y)'\n---\n", "utf-8")
    through(runner, {"paths": "evil"})
    summary = (runner.home / "GITHUB_STEP_SUMMARY").read_text("utf-8")

    blocks = MarkdownIt("commonmark").enable("table").parse(summary)
    tokens = [t for block in blocks for t in (block, *(block.children or ()))]
    assert not [t.type for t in tokens if t.type in ("link_open", "image")]
    assert {t.content for t in tokens if t.type.startswith("html")} <= {"<br>", "</details>", "</details>\n"} | {
        t.content for t in tokens if t.content.startswith("<details><summary>Could not be read")}
    assert not [t.content for t in tokens if t.type == "text" and "@everyone" in t.content]


def test_several_paths_a_policy_and_a_baseline(runner: Runner) -> None:
    runner.work.joinpath("policy.toml").write_text('[policy]\nverdicts = ["permitted", "conditional"]\n', "utf-8")
    inputs = {"paths": f"{EXAMPLE}\n{EXAMPLE}", "policy": "policy.toml", "args": "--fact\ncompetes=yes"}
    assert through(runner, inputs) == 1
    shutil.copy(runner.outputs["check"]["sarif"], runner.work / "known.sarif")

    assert through(runner, {**inputs, "baseline": "known.sarif"}) == 0


# --- as a runner installs it ---


@pytest.mark.deep
def test_the_install_step_makes_a_caveat_of_this_commit(tmp_path: Path) -> None:
    runner = Runner(tmp_path)
    shutil.copytree(ROOT / "examples" / EXAMPLE, runner.work / EXAMPLE)
    done = runner.step("Install Caveat from this commit", {"python": sys.executable})
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("the locked wheels are not to be had here")
    assert done.returncode == 0, done.stderr

    assert through(runner, {"paths": EXAMPLE}) == 1


def _run(*words: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(w) for w in words], cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True)


@pytest.mark.deep
def test_pre_commit_refuses_a_breach_and_passes_a_lawful_commit(tmp_path: Path) -> None:
    """The real pre-commit, with the hook installed from this repository at its last commit."""
    venv, work = tmp_path / "venv", tmp_path / "work"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    if _run(venv / "bin" / "pip", "install", "-q", "pre-commit", cwd=tmp_path).returncode:
        pytest.skip("pre-commit is not to be had here")
    work.mkdir()
    _run("git", "init", "-q", cwd=work)
    head = _run("git", "rev-parse", "HEAD", cwd=ROOT).stdout.strip()
    config: dict[str, Any] = {"repos": [{"repo": str(ROOT), "rev": head, "hooks": [{"id": "caveat-check"}]}]}
    work.joinpath(".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
    card = "---\nlicense: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n---\n"
    work.joinpath("README.md").write_text(card, "utf-8")
    lawful = _hook(venv, work, tmp_path)
    step = '[[step]]\nmakes = "{}"\nact = "{}"\nfrom = "{}"\n'
    steps = (("answers", "generate", "meta-llama/Llama-2-13b-chat-hf"), ("chat", "train", "answers"))
    work.joinpath("caveat.toml").write_text('[project]\nname = "chat"\nby = "Acme"\n'
                                            + "".join(step.format(*s) for s in steps), "utf-8")
    breach = _hook(venv, work, tmp_path)

    assert lawful.returncode == 0, lawful.stdout + lawful.stderr
    assert breach.returncode == 1 and "no-improving-others" in breach.stdout


def _hook(venv: Path, work: Path, home: Path) -> subprocess.CompletedProcess[str]:
    _run("git", "add", "-A", cwd=work)
    return _run(venv / "bin" / "pre-commit", "run", "--all-files", cwd=work, PRE_COMMIT_HOME=str(home / "cache"))
