"""What can drift is written again and compared."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from caveat.law.compile import Sources

ROOT = Path(__file__).resolve().parent.parent


def script(name: str) -> ModuleType:
    """A script of docs/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return script("generate")


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


@pytest.mark.parametrize("kind", ["licence", "word", "reader"])
def test_a_new_file_has_the_shape_of_its_neighbours(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    new = script("new")
    monkeypatch.setattr(new, "ROOT", tmp_path)
    path = tmp_path / new.KINDS[kind][0].format(name="acme-1", module="acme_1")
    path.parent.mkdir(parents=True)

    assert new.main([kind, "acme-1"]) == 0
    assert new.main([kind, "acme-1"]) == 2, "nothing is overwritten"
    if kind == "reader":
        compile(path.read_text("utf-8"), path.name, "exec")
    else:
        law = Sources(path.parents[1])
        assert law.words["acme-1"].readings if kind == "word" else law.law("acme-1").rules


@pytest.mark.parametrize("words", [[], ["licence"], ["poem", "x"], ["licence", "../x"], ["licence", "A B"]])
def test_a_new_file_needs_a_kind_and_a_plain_name(words: list[str]) -> None:
    assert script("new").main(words) == 2
