"""Merge recipes name their parents; what only lends a vocabulary or is listed twice is no further parent."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caveat.evidence import mergekit
from caveat.lineage.claims import StepClaim

MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", "../shared")) / "real" / "recipes" / "mergekit"


def steps(text: str) -> list[StepClaim]:
    return [c for c in mergekit.read(text.encode(), "merge.yml", "mine").claims if isinstance(c, StepClaim)]


def parents(text: str) -> list[tuple[str, str]]:
    return [(c.act, c.parent) for c in steps(text)]


def test_models_and_base_are_parents_and_the_tokenizer_is_not() -> None:
    text = "models:\n- model: a/x\n- model: b/y@main\nbase_model: c/z\nmerge_method: ties\ntokenizer_source: d/w\n"

    assert parents(text) == [("merge", "a/x"), ("merge", "b/y"), ("merge", "c/z")]
    assert next((c.place.line, c.place.key) for c in steps(text)) == (2, "models[0].model")


def test_a_self_merge_has_one_parent() -> None:
    layers = "".join(f"- sources:\n  - model: a/x\n    layer_range: [{i}, {i + 9}]\n" for i in range(5))

    assert parents(f"slices:\n{layers}merge_method: passthrough\n") == [("merge", "a/x")]


def test_an_adapter_behind_a_plus_is_an_adapter() -> None:
    assert parents("models:\n- model: a/x+b/lora\nmerge_method: linear\n") == [("merge", "a/x"), ("adapt", "b/lora")]
    text = "models:\n- model:\n    model:\n      path: a/x\n    lora: b/lora\nmerge_method: linear\n"
    assert parents(text) == [("merge", "a/x"), ("adapt", "b/lora")]


def test_a_mixture_names_its_experts() -> None:
    text = "base_model: a/x\ngate_mode: hidden\nexperts:\n- source_model: b/y\n  positive_prompts: [hi]\n"

    assert parents(text) == [("merge", "a/x"), ("merge", "b/y")]


def test_folders_and_placeholders_are_weak() -> None:
    text = "models:\n- model: /home/me/m\n- model: model_a\nmerge_method: slerp\n"
    weak = {c.parent: c.place.weak for c in steps(text)}

    assert weak == {"/home/me/m": "a folder on the writer's disk", "model_a": "a placeholder or a name without owner"}


def test_other_yaml_gives_nothing() -> None:
    assert mergekit.read(b"base_model: a/x\ndatasets:\n- path: b/y\n", "axolotl.yml", "mine").claims == ()
    assert mergekit.read(b"\xff\xfe\x00", "x.yml", "mine").claims == ()


@pytest.mark.skipif(not MATERIAL.is_dir(), reason="the material is not here (CAVEAT_MATERIAL)")
def test_real_recipes_name_their_parents() -> None:
    found = {p.stem: [c.parent for c in steps(p.read_text())] for p in sorted(MATERIAL.glob("*.yml"))}

    assert {name: len(p) for name, p in found.items()} == {
        "arcee_fusion": 2, "bio-merge": 3, "gradient-slerp": 2, "linear": 3, "orcamini-platy-44layer": 2, "ties": 4}
