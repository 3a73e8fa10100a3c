"""Every answer in every form, whole, as it was last looked at: a change shows as a diff to be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from caveat.report import FORMS, render

sys.path.insert(0, str(Path(__file__).parent))
import samples

EXPECTED = Path(__file__).parent / "expected"
ROOM = Path(__file__).parents[2] / "src" / "caveat" / "report"

#: Name of the telling -> form, width, colour, encoding.
TELLINGS = {
    "terminal-80": ("terminal", 80, False, "utf-8"),
    "terminal-120": ("terminal", 120, False, "utf-8"),
    "terminal-48-ascii": ("terminal", 48, False, "ascii"),
    "terminal-80-colour": ("terminal", 80, True, "utf-8"),
    "html": ("html", 80, False, "utf-8"),
    "json": ("json", 80, False, "utf-8"),
    "markdown": ("markdown", 80, False, "utf-8"),
    "sarif": ("sarif", 80, False, "utf-8"),
    "junit": ("junit", 80, False, "utf-8"),
    "gitlab": ("gitlab", 80, False, "utf-8"),
}


@pytest.mark.parametrize("telling", TELLINGS)
@pytest.mark.parametrize("name", samples.ALL)
def test_story_is_told_as_before(name: str, telling: str) -> None:
    """CAVEAT_ACCEPT_STORIES=1 writes what is told now; the diff is then the review."""
    told = render(TELLINGS[telling][0], samples.ALL[name], *TELLINGS[telling][1:])
    kept = EXPECTED / f"{name}.{telling}.txt"
    if os.environ.get("CAVEAT_ACCEPT_STORIES") == "1":
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(told, encoding="utf-8", newline="")

    assert kept.read_text(encoding="utf-8") == told


def test_no_story_is_left_over() -> None:
    """A sample that was renamed takes its files with it."""
    wanted = {f"{name}.{telling}.txt" for name in samples.ALL for telling in TELLINGS}

    assert {p.name for p in EXPECTED.iterdir()} == wanted


def test_forms_are_the_files_that_render() -> None:
    """The table and the folder say the same, and the table is sorted."""
    rendering = {p.stem for p in ROOM.glob("*.py") if p.stem != "__init__" and "\ndef render(" in p.read_text("utf-8")}

    assert {module for module, _ in FORMS.values()} == rendering
    assert list(FORMS) == sorted(FORMS)


def test_terminal_answer_loads_no_page_and_no_template() -> None:
    """Start-up stays light: Jinja2 is for the page alone."""
    code = (
        "import sys; from caveat.report import render; from caveat.verdict.answer import Verdict;"
        "render('terminal', Verdict('run x', 'x', 'permitted')); print({'jinja2', 'json'} & set(sys.modules))"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "set()"
