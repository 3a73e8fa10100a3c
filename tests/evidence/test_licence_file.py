"""The text beside an asset is recognised by title and date, and what is not recognised is said, never guessed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from caveat.evidence import licence_file
from caveat.lineage.claims import Evidence, FileClaim, LicenceClaim

CARDS = Path(os.environ.get("CAVEAT_MATERIAL", "../shared")) / "real" / "cards"
LLAMA = CARDS / "meta-llama__llama-models"
needs_cards = pytest.mark.skipif(not CARDS.is_dir(), reason="the material is not here (CAVEAT_MATERIAL)")


def read(text: str, name: str = "LICENSE") -> Evidence:
    return licence_file.read(text.encode(), name, "m")


def files(said: Evidence) -> list[tuple[str, str]]:
    return [(c.what, c.value) for c in said.claims if isinstance(c, FileClaim)]


def laws(said: Evidence) -> list[str]:
    return [law for c in said.claims if isinstance(c, LicenceClaim) for law in c.laws]


@needs_cards
@pytest.mark.parametrize(("folder", "law"), [
    ("llama2", "llama-2"), ("llama3", "llama-3"), ("llama3_1", "llama-3.1"), ("llama3_2", "llama-3.2")])
def test_llama_versions_are_told_apart_by_their_heads(folder: str, law: str) -> None:
    agreement = licence_file.read((LLAMA / folder / "LICENSE").read_bytes(), "LICENSE", "m")
    policy = licence_file.read((LLAMA / folder / "USE_POLICY.md").read_bytes(), "USE_POLICY.md", "m")

    assert laws(agreement) == [law]
    assert ("licence-file", law) in files(agreement)
    assert files(policy) == [("policy-file", law)]


@needs_cards
def test_a_text_without_title_is_recognised_too() -> None:
    assert laws(licence_file.read((CARDS / "deepseek-ai__DeepSeek-R1/LICENSE").read_bytes(), "LICENSE", "m")) == ["mit"]


@pytest.mark.parametrize(("head", "law"), [
    ("Apache License\n   Version 2.0, January 2004\n", "apache-2.0"),
    ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007\n", "gpl-3.0"),
    ("Mozilla Public License Version 2.0\n====\n", "mpl-2.0"),
    ("# Qwen LICENSE AGREEMENT\n\nQwen LICENSE AGREEMENT Release Date: September 19, 2024\n", "qwen-2024"),
    ("Qwen RESEARCH LICENSE AGREEMENT\n\nQwen RESEARCH LICENSE AGREEMENT Release Date: September 19, 2024",
     "qwen-research-2024"),
    ("Gemma Terms of Use\nLast modified: April 1, 2024\n", "gemma"),
    ("DEEPSEEK LICENSE AGREEMENT\nVersion 1.0, 23 October 2023\n", "deepseek-la-1.0"),
    ("Attribution-NonCommercial-ShareAlike 4.0 International\n====\nCreative Commons Corporation", "cc-by-nc-sa-4.0"),
    ("LLAMA 3.3 COMMUNITY LICENSE AGREEMENT\nLlama 3.3 Version Release Date: December 6, 2024", "llama-3.3"),
])
def test_titles_with_version_or_date_are_recognised(head: str, law: str) -> None:
    assert laws(read(head)) == [law]


@pytest.mark.parametrize("text", [
    "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nsome other head",
    "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: April 18, 2024",
    "Our own terms: be nice.", "This is not the Apache License at all",
    "Modified MIT License\nPermission is hereby granted, free of charge, to any person obtaining a copy",
])
def test_what_is_not_recognised_is_said_and_not_guessed(text: str) -> None:
    said = read(text)

    assert laws(said) == []
    assert files(said) == []
    assert len(said.problems) == 1


def test_doubled_line_ends_and_several_texts_in_one_file() -> None:
    text = "Apache License\r\r\nVersion 2.0, January 2004\r\r\n\r\r\nLLAMA 2 COMMUNITY LICENSE AGREEMENT\r\r\n" \
           "Llama 2 Version Release Date: July 18, 2023\r\r\n"
    said = read(text)

    assert laws(said) == ["apache-2.0", "llama-2"]
    assert [c.place.line for c in said.claims if isinstance(c, LicenceClaim)] == [1, 4]


def test_a_file_that_only_names_a_licence_does_not_hold_it() -> None:
    said = read("The weights are under the Llama 2 Community License.")

    assert laws(said) == ["llama-2"]
    assert files(said) == []
    assert said.problems[0].what == "names llama-2 without its text"


def test_the_licence_of_the_code_is_not_that_of_the_weights() -> None:
    said = read("Apache License\nVersion 2.0, January 2004", "LICENSE-CODE")

    assert (laws(said), files(said)) == ([], [("licence-file", "apache-2.0")])


@pytest.mark.parametrize(("text", "law", "parts"), [
    ("Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. "
     "All Rights Reserved.",
     "llama-3.1", {"name", "licence", "copyright", "reservation"}),
    ("Llama 2 is licensed under the LLAMA 2 Community License.", "llama-2", {"name", "licence"}),
    ("Qwen is licensed under the Qwen LICENSE AGREEMENT, Copyright (c) Alibaba Cloud. All Rights Reserved.",
     "qwen-2024", {"name", "licence", "copyright", "reservation"}),
    ("Gemma is provided under the Gemma Terms of Use found at ai.google.dev/gemma/terms", "gemma",
     {"name", "licence", "terms-link"}),
])
def test_a_notice_is_read_by_its_parts(text: str, law: str, parts: set[str]) -> None:
    values = [value for what, value in files(read(text, "Notice.txt")) if what == "notice-file"]

    assert {v.split(":")[1] for v in values if v.startswith(f"{law}:")} == parts
    assert not [v for v in values if ":" in v and not v.startswith((f"{law}:", "qwen-research"))]


def test_an_agreement_that_quotes_its_notice_is_no_notice() -> None:
    text = "LLAMA 2 COMMUNITY LICENSE AGREEMENT\nLlama 2 Version Release Date: July 18, 2023\n" \
           "Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms"

    assert files(read(text)) == [("licence-file", "llama-2")]


def test_bytes_and_empty_files_are_problems() -> None:
    assert [p.what for p in licence_file.read(b"\x00\x01\x02", "LICENSE", "m").problems] == ["not text"]
    assert [p.what for p in read(" \n").problems] == ["an empty licence file"]
