"""What can drift is written again and compared."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_reference_is_what_the_program_says(generate: ModuleType) -> None:
    assert generate.stale(generate.pages()) == [], "run `make docs`"


def test_links_between_pages_lead_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, target) for page in pages
             for target in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]+)", _prose(page.read_text("utf-8")))]

    assert [f"{page.relative_to(ROOT)} -> {target}" for page, target in links
                  if not (page.parent / target).exists()] == []


def _prose(text: str) -> str:
    """Without fences and code spans: patterns in them look like links."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def test_every_decision_is_numbered_in_a_row() -> None:
    names = sorted(p.name for p in (ROOT / "docs" / "decisions").glob("*.md"))

    assert [f"{n:04}" for n in range(1, len(names) + 1)] == [name[:4] for name in names]
