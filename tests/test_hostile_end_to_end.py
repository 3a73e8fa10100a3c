"""`caveat check` on folders made to hurt, as people run it: a process, its words, its exit code, its time and memory.

One clear line for what is wrong, everything else in the folder still judged, and nothing run, written or fetched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from caveat.report import FORMS
from tests.fuzz.targets import harmless
from tests.hostile_folders import FOLDERS, GOOD, Hostile
from tests.hostile_run import Run, caveat

#: Bounds of one check: seconds of CPU and megabytes at the peak; an idle check takes 0.3 s and 25 MB.
SECONDS, MEGABYTES = 10.0, 300.0


def _rows() -> list[object]:
    return [pytest.param(h, id=h.name, marks=[pytest.mark.deep] if h.deep else []) for h in FOLDERS]


def built(h: Hostile, home: Path) -> Path:
    folder = home / "m"
    folder.mkdir()
    if h.good:
        (folder / "README.md").write_text(GOOD)
    h.build(folder)
    return folder


def fine(run: Run) -> None:
    assert run.cpu < SECONDS and run.peak < MEGABYTES
    assert run.forbidden == ()
    assert "\x1b" not in run.out + run.err and "Traceback" not in run.err


@pytest.mark.parametrize("h", _rows())
def test_hostile_folder_is_told_in_a_line_and_the_rest_is_judged(h: Hostile, tmp_path: Path) -> None:
    run = caveat(built(h, tmp_path), tmp_path / "home")

    fine(run)
    assert run.code in h.codes
    assert not h.told or run.line(h.told)
    assert not h.good or "mistralai/Mistral-7B-v0.1" in run.out or "deed" in run.out
    assert run.code != 2 or len(run.err.splitlines()) == 1


@pytest.mark.skipif(os.getuid() != 0 or not shutil.which("setpriv"), reason="needs root and setpriv to become nobody")
def test_what_may_not_be_read_is_told_and_the_rest_is_judged(tmp_path: Path) -> None:
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    for parent in (tmp_path, *tmp_path.parents):
        if parent != Path("/tmp") and parent.stat().st_uid == 0 and str(parent).startswith("/tmp"):
            parent.chmod(0o755)
    if subprocess.run([*nobody, sys.executable, "-c", "import caveat"], capture_output=True).returncode:
        pytest.skip("nobody may not run this Python")
    folder, home = tmp_path / "m", tmp_path / "home"
    folder.mkdir()
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    (folder / "README.md").write_text(GOOD)
    (folder / "LICENSE").write_text("secret")
    (folder / "LICENSE").chmod(0)
    (folder / "closed").mkdir(mode=0)
    log = home / "watched"
    log.touch()
    log.chmod(0o666)
    run = caveat(folder, home, before=nobody)

    fine(run)
    assert run.line("LICENSE: cannot be opened: Permission denied")
    assert run.line("closed: cannot be opened: Permission denied")
    assert "mistralai/Mistral-7B-v0.1" in run.out


def test_no_form_obeys_a_hostile_folder(tmp_path: Path) -> None:
    h = next(h for h in FOLDERS if h.name == "card with escapes and html")
    folder = built(h, tmp_path)
    (folder / "\x1b[2J<script>\n`|](x).py").write_text('LLM("\x1b[31m<img src=x>")')
    (folder / "config.json").write_text('{"_name_or_path": "\\ud800\\u001b[31m/<b>x"}')
    runs = {form: caveat(folder, tmp_path / f"home-{form}", ("check", "--format", form)) for form in FORMS}

    for run in runs.values():
        fine(run)
        assert run.code in (0, 1) and run.err == ""
    harmless({form if form != "json_form" else "json": run.out for form, run in runs.items()})


def test_a_chain_of_a_hundred_thousand_steps_is_ordered_without_recursion() -> None:
    from caveat.lineage import graph
    from caveat.lineage.claims import Place, StepClaim

    place = Place("declared", "x", 1)
    claims = [StepClaim(f"a/{i}", "finetune", f"a/{i + 1}", place) for i in range(100_000)]
    closed = StepClaim("a/100000", "finetune", "a/0", place)
    whole, ring = graph.of(claims), graph.of([*claims, closed])

    assert len(whole.above(["a/0"])) == 100_001 and not whole.problems
    assert [p.what[:10] for p in ring.problems] == ["a ring: a/"]
    assert all(len(p.what) < 200 for p in ring.problems)


def test_a_picture_of_five_thousand_assets_is_drawn_in_part() -> None:
    import time

    from caveat.report import render
    from caveat.verdict.answer import Graph, GraphEdge, GraphNode

    ids = [f"a/{i}" for i in range(5_000)]
    edges = tuple(GraphEdge(ids[i], "merge", ids[j]) for i in range(4_999) for j in {i + 1, min(4_999, i * 2 + 1)})
    graph = Graph(tuple(GraphNode(i, "model") for i in ids), edges)
    began = time.process_time()
    told = {form: render(form, graph) for form in FORMS}

    assert time.process_time() - began < SECONDS
    assert "assets are not drawn" in told["html"]
