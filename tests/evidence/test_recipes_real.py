"""Every recipe of the material is read, and what it says agrees with facts that were read file by file."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
RECIPES = Path(os.environ.get("CAVEAT_MATERIAL", ROOT / ".." / "shared")) / "real" / "recipes"

pytestmark = pytest.mark.skipif(not RECIPES.is_dir(), reason="the material is not here: set CAVEAT_MATERIAL")


@cache
def benchmark() -> Any:
    spec = importlib.util.spec_from_file_location("recipes", ROOT / "benchmarks" / "recipes.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_recipe_has_facts() -> None:
    found = {str(p.relative_to(RECIPES)) for p in RECIPES.rglob("*.y*ml")}

    assert found == set(benchmark().facts())


def test_precision_and_recall_of_each_tool() -> None:
    measured = benchmark().accuracy()
    print("\n".join(benchmark().accuracy_rows()))

    assert {tool for tool, c in measured.items() if min(c.recall, c.precision) < 0.99} == set()


def test_the_whole_folder_has_a_subject_for_each_plan() -> None:
    from caveat.evidence import gather

    subjects = gather(RECIPES / "axolotl").subjects

    assert len(subjects) == len(set(subjects)) == sum(f.startswith("axolotl/") for f in benchmark().facts())


@pytest.mark.parametrize(("file", "verdict", "law"), [
    ("alignment-handbook/zephyr-7b-beta/sft/config_full.yaml", "depends", "openai-tou-2023-03-14"),
    ("axolotl/mistral/mixtral/mixtral.yml", "depends", "openai-tou-2022"),
    ("torchtune/llama3_2/8B_to_1B_KD_lora_single_device.yaml", "depends", "openai-tou-2022"),
    ("open-instruct/dpo/valpy_dpo.yaml", "unknown", "unknown"),
])
def test_verdicts_follow(file: str, verdict: str, law: str) -> None:
    from caveat.flows.checking import check

    report = check(RECIPES / file, today="2026-11-24")[0]

    assert report.verdict == verdict
    assert law in {f.licence for f in report.findings if f.verdict == verdict}
