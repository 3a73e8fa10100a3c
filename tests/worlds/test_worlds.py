"""Stories: an input folder in, the whole report out, reviewed as a diff.

    NAME/story.toml      tells: what the story shows; id: what the folder is called on the hub, if it is
    NAME/input/...       small files in our own words (ids, tags, licences: facts only)
    NAME/expected.txt    the report as a terminal of 80 columns shows it
    NAME/expected.json   the same for programs, spread out so that a diff can be read

CAVEAT_ACCEPT_STORIES=1 writes what is told now; whoever does that reads the diff as counsel would.
"""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from pathlib import Path
from typing import Any

import pytest

from caveat.flows.checking import check
from caveat.report import render
from caveat.verdict.answer import Report

from .weights_made import gguf, safetensors

WORLDS = Path(__file__).parent
STORIES = sorted(p.parent.name for p in WORLDS.glob("*/story.toml"))
TODAY = "2026-11-24"

#: Files that are bytes, not words: made here, beside what the story's folder holds.
MADE = {
    "weights": {
        "acme__tuned-8b-gguf/tuned-8b.Q4_K_M.gguf": gguf(
            architecture="llama", name="Tuned 8B", license="llama3.1", file_type=15,
            source__huggingface__repository="acme/tuned-8b", base_model__count=1,
            base_model__0__name="Llama 3.1 8B", base_model__0__organization="Meta Llama",
            base_model__0__repo_url="https://huggingface.co/meta-llama/Llama-3.1-8B"),
        "acme__draft-1b/model.safetensors": safetensors(
            format="pt", base_model="meta-llama/Llama-3.2-1B", license="llama3.2"),
    },
}


def told(story: str, folder: Path) -> list[Report]:
    """The reports of a story, on a fixed day."""
    shutil.copytree(WORLDS / story / "input", folder)
    for name, data in MADE.get(story, {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)
    said = tomllib.loads((WORLDS / story / "story.toml").read_text("utf-8"))
    return check(folder, today=TODAY, asset=said.get("id"))


def forms(reports: list[Report]) -> dict[str, str]:
    """File -> the reports in one form."""
    lines = "\n".join(render("terminal", r, 80, False) for r in reports)
    data = json.dumps([_filled(r.to_dict()) for r in reports], indent=1, ensure_ascii=True)
    return {"expected.txt": lines, "expected.json": data + "\n"}


def _filled(value: Any) -> Any:
    """Without keys that say nothing (the schema's tests watch those): a new key shows where it speaks."""
    if isinstance(value, dict):
        return {k: _filled(v) for k, v in value.items() if v not in (None, "", [], {})}
    return [_filled(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("story", STORIES)
def test_story_is_told_as_before(story: str, tmp_path: Path) -> None:
    for file, text in forms(told(story, tmp_path / "input")).items():
        kept = WORLDS / story / file
        if os.environ.get("CAVEAT_ACCEPT_STORIES") == "1":
            kept.write_text(text, encoding="utf-8", newline="")

        assert kept.read_text("utf-8") == text


def test_every_story_says_what_it_tells() -> None:
    said = {s: tomllib.loads((WORLDS / s / "story.toml").read_text("utf-8")) for s in STORIES}

    assert [s for s, d in said.items() if not str(d.get("tells", "")).endswith(".") and "?" not in d["tells"]] == []
    assert len(STORIES) >= 18
