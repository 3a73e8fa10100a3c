"""Recipes and records of strangers, cut and torn: readers say what they can, within bounds, and never fall over."""

from __future__ import annotations

import json
import sqlite3
import time
from pathlib import Path
from random import Random

import pytest

from caveat.evidence import data_columns, gather, launch_lines, python_code, recipe, record
from caveat.lineage.claims import StepClaim

TEXTS = (
    "base_model: a/x\nadapter: lora\nrl: dpo\ndatasets:\n- path: json\n"
    "  data_files: [r.jsonl, {a: 1}]\n- b/y\n- {path: [1]}\n",
    "model_name_or_path: a/x\ndataset_mixer: {b/y: 1, c/z: [2]}\n"
    "dataset_mixture: {datasets: [{id: d/w}, 3]}\njudge: [x/y]\n",
    "#  tune download a/x --output-dir /tmp/x\nmodel: {_component_: a.lora_b}\n"
    "checkpointer: {checkpoint_dir: [/tmp/x]}\n"
    "dataset: [{_component_: torchtune.datasets.alpaca_dataset}, {source: parquet, data_files: x}, null]\n",
    "model_name_or_path: a/x\nstage: dpo\nfinetuning_type: lora\n"
    "dataset: [one, 'two,three', {a: b}]\ndataset_dir: ../..\n",
    "distilabel: 1\n"
    "pipeline: {steps: [{step: {llm: {model: m, type_info: [1]}, type_info: {name: [x]}}}, 4], connections: 1}\n",
    "apiVersion: serving.kserve.io/v1\n"
    "spec: {args: [--model, [x], --lora-modules, {a: b}], uri: [hf://a/x]}\nmetadata: 3\n",
    "flavors: {transformers: {source_model_name: [a/x]}, 3: [4]}\nrun_id: {}\nartifact_path: [a]\n",
)
RECORDS: tuple[object, ...] = (
    {"bomFormat": "CycloneDX", "metadata": [1], "components": [{"type": "data", "purl": 3, "modelCard": [],
                                                                "licenses": [3]}]},
    {"bomFormat": "CycloneDX", "metadata": {"component": 3}, "components": {"type": "data"}, "services": [3]},
    {"spdxVersion": 3, "packages": [{"SPDXID": [], "externalRefs": [3]}],
     "relationships": [{"relationshipType": "CONTAINS"}]},
    {"@graph": [{"type": "ai_AIPackage", "name": 3, "to": {}}, {"type": "Relationship", "to": [3]}]},
    {"model": "m", "training_file": {}, "method": {"x": {"grader": {"graders": [3]}}}},
    {"resourceSpans": [{"resource": 3, "scopeSpans": [{"spans": [{"attributes": [{"key": 3}, 4]}]}]}]},
    {"descriptor": {"name": [], "licenses": "MIT", "sourceURL": 3}, "modelfs": 3},
    [{"model": 3, "prompt": [], "response": {}}, 4],
)


def torn(text: str, draw: Random) -> str:
    """The text with a piece cut out, doubled, or overwritten by an odd character."""
    start = draw.randrange(len(text))
    end = min(len(text), start + draw.randrange(1, 30))
    odd = draw.choice(["", text[start:end] * 3, "\x00", "\t", "[", "{", ": ", "&a *a ", "!!python/object ", "'"])
    return text[:start] + odd + text[end:]


@pytest.mark.parametrize("text", TEXTS)
def test_torn_recipes(text: str) -> None:
    draw = Random(7)
    recipe.of_text(text, "x.yaml", "mine")
    for _ in range(120):
        recipe.of_text(torn(text, draw), "x.yaml", "mine", Path("/nowhere/x.yaml"))


@pytest.mark.parametrize("data", RECORDS)
def test_odd_records(data: object) -> None:
    draw = Random(7)
    text = json.dumps(data)
    record.of_text(text, "x.json", "mine")
    for _ in range(60):
        record.of_text(torn(text, draw), "x.json", "mine")


def test_long_lines_cost_little() -> None:
    start = time.perf_counter()
    for value in ("{{" * 200_000, "${" + "a." * 200_000, "/x" * 200_000):
        recipe.of_text(f"base_model: {value}\ndatasets:\n- path: b/y\n", "x.yaml", "mine")
    launch_lines.of_text(("python train.py --model " + "\\\n" * 50_000), "x.sh", "mine")
    launch_lines.of_text(("A=$A$A\n" * 300 + "python train.py --model $A --dataset b/y\n"), "x.sh", "mine")
    launch_lines.of_text(("python train.py '" + "a " * 200_000), "x.sh", "mine")
    cell = {"cell_type": "code", "source": "!x \\\n" * 20_000 + "from_pretrained"}
    python_code.read(json.dumps({"cells": [cell]}).encode(), "x.ipynb", "mine")

    assert time.perf_counter() - start < 10


def test_links_and_large_files(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset_info.json").symlink_to("/etc/hostname")
    plan = "model_name_or_path: a/x\nstage: sft\nfinetuning_type: full\ndataset: slimorca\n"
    (tmp_path / "plan.yaml").write_text(plan)
    (tmp_path / "large.yaml").write_text("base_model: a/x\n" + "#" * (2 << 20))
    (tmp_path / "rows.jsonl").write_text('{"text": "x", "model": "gpt-4o"' + "[" * 60_000)
    (tmp_path / "sbom.json").write_text('{"bomFormat": "CycloneDX", "x": ' + "[" * 1000)
    steps = {(c.act, c.parent) for c in gather(tmp_path).claims if isinstance(c, StepClaim)}

    assert steps == {("finetune", "a/x"), ("train", "Open-Orca/SlimOrca")}


def test_a_database_that_works_for_ever_is_given_up(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "logs.db")
    base.execute("create table responses (model text)")
    base.executemany("insert into responses values (?)", ((f"m{n}",) for n in range(3000)))
    base.commit()
    base.close()

    assert len([c for c in gather(tmp_path).claims if isinstance(c, StepClaim)]) == 200


def test_rows_that_are_no_rows(tmp_path: Path) -> None:
    row = b'{"text": 1, "model": ["gpt-4o", 3, {}]}\n'
    (tmp_path / "x.jsonl").write_bytes(b"\xff\xfe\x00{\n" + row + b"{" * 50_000)

    read = data_columns.read(tmp_path / "x.jsonl", "x.jsonl", "m")

    assert [c.parent for c in read.claims if isinstance(c, StepClaim)] == ["gpt-4o"]
