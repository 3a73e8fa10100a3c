"""Modelfiles say what a local model is built from, in whatever spelling people use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caveat.evidence import modelfile
from caveat.lineage.claims import Evidence, LicenceClaim, StepClaim

MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", "../shared")) / "real" / "recipes" / "ollama"


def steps(text: str) -> list[tuple[str, str]]:
    return [(c.act, c.parent) for c in read(text).claims if isinstance(c, StepClaim)]


def read(text: str) -> Evidence:
    return modelfile.read(text.encode(), "Modelfile", "mine")


def test_keywords_may_stand_in_any_case_and_the_last_line_may_lack_its_end() -> None:
    assert steps("from llama3.2:1b") == [("copy", "llama3.2:1b")]
    assert steps("FROM llama3.2:latest") == [("copy", "llama3.2")]


def test_a_tag_that_names_a_quantization_is_copied_as_the_library_quantized_it() -> None:
    assert steps("FROM mistral:7b-instruct-q4_K_M\n") == [("copy", "mistral:7b-instruct-q4_K_M")]
    assert steps("FROM hf.co/owner/name-GGUF:Q8_0\n") == [("copy", "owner/name-GGUF")]


@pytest.mark.parametrize("written", [r'"C:\Users\a b\x.gguf"', "./x.gguf", "x.gguf", "/mnt/x", "../x/"])
def test_a_file_is_the_model_itself_and_no_parent(written: str) -> None:
    said = read(f"FROM {written}\n")

    assert [c for c in said.claims if isinstance(c, StepClaim)] == []
    assert said.problems[0].what.startswith("built from a file, x")


def test_lines_inside_three_quotes_are_no_instructions() -> None:
    text = 'FROM a\nSYSTEM """\nFROM b\nADAPTER c\n"""\nADAPTER owner/lora\n'

    assert steps(text) == [("copy", "a"), ("adapt", "owner/lora")]


def test_quotes_that_never_close_are_told() -> None:
    said = read('FROM a\nSYSTEM """\nhello\n')

    assert [(p.line, p.what) for p in said.problems] == [(2, "three quotes that are never closed")]


def test_a_licence_inside_is_recognised_at_its_line() -> None:
    said = read('FROM a\nLICENSE """\nApache License\nVersion 2.0, January 2004\n"""\n')
    licences = [c for c in said.claims if isinstance(c, LicenceClaim)]

    assert [(c.laws, c.place.line) for c in licences] == [(("apache-2.0",), 3)]


def test_a_modelfile_without_a_base_is_a_problem() -> None:
    assert [p.what for p in read("PARAMETER temperature 1\n").problems] == ["a Modelfile without FROM"]


@pytest.mark.skipif(not MATERIAL.is_dir(), reason="the material is not here (CAVEAT_MATERIAL)")
def test_real_modelfiles_read_without_surprise() -> None:
    said = {p.parent.name: modelfile.read(p.read_bytes(), "Modelfile", "m") for p in MATERIAL.glob("*/Modelfile")}
    named = {n: [c.parent for c in e.claims if isinstance(c, StepClaim)] for n, e in said.items()}

    assert {n: p for n, p in named.items() if p} == {"0rfboy__ollama13b": ["llama3.2:1b"], "24kr__Ollama": ["llama3.2"]}
