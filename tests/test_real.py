"""Real folders: `check` ends well on every one, its answer keeps to the published schema, and the lineage it builds is
what people read there (benchmarks/real_facts.py says what counts). Skipped where the material is not here.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from caveat.evidence import gather
from caveat.flows.asking import names
from caveat.flows.checking import check
from caveat.flows.gathering import lineage_of
from caveat.report import json_form

ROOT = Path(__file__).resolve().parents[1]


def _benchmark() -> ModuleType:
    """The test and the printed table are one measurement."""
    spec = importlib.util.spec_from_file_location("real_facts", ROOT / "benchmarks" / "real_facts.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["real_facts"] = module
    spec.loader.exec_module(module)
    return module


FACTS = _benchmark()
REAL: Path = FACTS.REAL
SCHEMA = Draft202012Validator(json.loads(Path(json_form.__file__).with_name("schema.json").read_text("utf-8")))
pytestmark = pytest.mark.skipif(
    not (REAL / "facts.toml").is_file(), reason="no real material here: set CAVEAT_MATERIAL to its folder")

#: Every eighth folder is judged whole each day; `make check-deep` (the mark deep) judges all.
EACH_DAY = 8


def folders() -> list[Path]:
    if not REAL.is_dir():
        return []
    return [d for part in ("cards", "datasets") for d in sorted((REAL / part).iterdir()) if d.is_dir()]


def wrong_with(folder: Path) -> Iterator[str]:
    """What is wrong with the reports of a folder: no report, or an answer that the schema does not allow."""
    reports = check(folder, today="2026-11-24")
    if not reports:
        yield f"{folder.name}: no report"
    for report in reports:
        answer = json.loads(json_form.render(report))
        yield from (f"{folder.name}: {e.json_path} {e.message[:200]}" for e in SCHEMA.iter_errors(answer))


def test_every_folder_is_read_into_a_lineage() -> None:
    """Nothing is lost to a reader that stumbled: "Error while reading it" is a fault of ours, not of the file."""
    book, stumbled, empty = names(), [], []
    for folder in folders():
        found = lineage_of(gather(folder), book, "2026-11-24")
        stumbled += [f"{folder.name}: {p.what}" for p in found.problems if "Error while reading" in p.what]
        empty += [] if found.subjects else [folder.name]

    assert (stumbled, empty) == ([], [])


def test_an_eighth_of_all_folders_is_judged_and_the_answer_keeps_to_the_schema() -> None:
    assert [w for f in folders()[::EACH_DAY] for w in wrong_with(f)] == []


@pytest.mark.deep
def test_every_folder_is_judged_and_the_answer_keeps_to_the_schema() -> None:
    assert [w for f in folders() for w in wrong_with(f)] == []


def test_recipes_are_read_without_a_stumble() -> None:
    """Merge recipes and Modelfiles say what they are made from; recipes of other tools must simply not hurt."""
    recipes = REAL / "recipes"
    said = {tool.name: gather(tool) for tool in sorted(recipes.iterdir())}
    stumbled = [p for e in said.values() for p in e.problems if "Error while reading" in p.what]

    assert stumbled == []
    assert len({c.child for c in said["mergekit"].claims if hasattr(c, "child")}) == 6


def test_every_merge_recipe_and_modelfile_is_judged() -> None:
    recipes = REAL / "recipes"
    files = [*sorted((recipes / "mergekit").glob("*.yml")), *sorted((recipes / "ollama").glob("*/Modelfile"))]

    assert [w for f in files for w in wrong_with(f)] == []


@cache
def measured() -> dict[str, Any]:
    return dict(FACTS.total(FACTS.measure()))


@pytest.mark.parametrize("field", FACTS.FIELDS)
def test_lineage_is_what_people_read(field: str, capsys: pytest.CaptureFixture[str]) -> None:
    count = measured()[field]
    with capsys.disabled():
        print(f"\n{field:8} recall {count.recall:.3f} of {count.expected}, "
              f"precision {count.precision:.3f} of {count.told}")

    assert count.recall >= 0.98, count.wrong
    assert count.precision >= 0.98, count.wrong
