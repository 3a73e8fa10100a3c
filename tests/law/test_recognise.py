"""A text is known by its clauses whatever it was wrapped in, and every edit is told where it was made."""

from __future__ import annotations

import os
import re
import textwrap
import time
from html import escape
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.law.prints import FILE, prints
from caveat.law.recognise import SURE, Match, identify, unexplained
from caveat.law.shelf import shelf
from caveat.law.shingles import words_of

MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", "../shared")) / "real" / "cards" / "meta-llama__llama-models"
needs_texts = pytest.mark.skipif(not MATERIAL.is_dir(), reason="the texts are not here (CAVEAT_MATERIAL)")
APACHE = (Path(__file__).parents[2] / "LICENSE").read_text(encoding="utf-8")


def llama(version: str, file: str = "LICENSE") -> str:
    return (MATERIAL / f"llama{version}" / file).read_text(encoding="utf-8")


def only(text: str) -> Match:
    found = identify(text)

    assert len(found) == 1
    return found[0]


def test_a_known_text_is_exact() -> None:
    match = only(APACHE)

    assert (match.laws, match.sure, match.share, match.differences) == (("apache-2.0",), "exact", "whole", ())


@pytest.mark.parametrize("dressed", [
    lambda t: t.replace("\n", "\r\r\n"),
    lambda t: textwrap.fill(t, 57),
    lambda t: "".join(f"<p>{escape(row)}</p>\n" for row in t.split("\n")),
    lambda t: t.replace('"', "\u201c").replace("'", "\u2019"),
    lambda t: "# A card\n\nWords about a model of ours, which is good.\n\n" + t + "\n\n## More\n\nThe end.\n",
    lambda t: re.sub(r"(?m)^", "> ", t),
])
def test_dress_does_not_matter(dressed) -> None:  # type: ignore[no-untyped-def]
    assert (only(dressed(APACHE)).law, only(dressed(APACHE)).sure) == ("apache-2.0", "exact")


def test_a_cut_text_is_a_part_and_nothing_of_it_is_called_missing() -> None:
    match = only(APACHE[:len(APACHE) // 3])

    assert (match.law, match.share, match.of("missing")) == ("apache-2.0", "first part", ())


@needs_texts
@pytest.mark.parametrize(("version", "law"), [("2", "llama-2"), ("3_1", "llama-3.1"), ("3_2", "llama-3.2")])
def test_siblings_are_told_apart(version: str, law: str) -> None:
    agreement, policy = only(llama(version)), only(llama(version, "USE_POLICY.md"))

    assert (agreement.laws, agreement.part, agreement.sure) == ((law,), "agreement", "exact")
    assert (policy.laws, policy.part, policy.sure) == ((law,), "policy", "exact")


@needs_texts
def test_a_deleted_clause_is_told_by_its_number() -> None:
    cut = re.sub(r"(?s)\bv\. You will not use.*?(?=2\. Additional)", "", llama("2"))

    assert [(d.kind, d.clause) for d in only(cut).differences] == [("missing", "1.b.v")]


@needs_texts
@pytest.mark.parametrize("now", ["7 million", "7,000,000"])
def test_another_number_is_told_with_the_old_one(now: str) -> None:
    found = only(llama("3_1").replace("700 million", now)).differences

    assert [(d.kind, d.clause, d.was, d.now) for d in found] == [("number", "2", "700000000", "7000000")]


@needs_texts
@pytest.mark.parametrize("name", ["Acme", "Zenithal AI", "Google"])
def test_another_vendor_is_told_as_such(name: str) -> None:
    found = only(re.sub(r"\bMeta\b", name, llama("3_1"))).differences

    assert [(d.kind, d.was, d.now) for d in found] == [("renamed", "meta", name.lower().split()[0])]


@needs_texts
def test_one_word_that_turns_a_clause_round_is_told() -> None:
    found = only(llama("2").replace("You will not use", "You may use")).differences

    assert ("altered", "1.b.v") in [(d.kind, d.clause) for d in found]


@needs_texts
def test_a_passage_put_in_is_told_with_its_line() -> None:
    passage = "You pay a tenth of all you earn with it, each year anew."
    text = llama("2").replace("5. Intellectual", passage + "\n5. Intellectual")
    added = only(text).of("added")

    assert len(added) == 1
    assert text.split("\n")[added[0].lines[0] - 1].startswith(("You pay", "4", "THE"))


@needs_texts
def test_several_texts_in_one_file_keep_their_lines() -> None:
    texts = [llama("3_1"), llama("3_1", "USE_POLICY.md"), APACHE, llama("2")]
    found = identify("\n\n".join(texts))

    assert [(m.law, m.part) for m in found] == [
        ("llama-3.1", "agreement"), ("llama-3.1", "policy"), ("apache-2.0", "agreement"), ("llama-2", "agreement")]
    assert all(a.lines[1] < b.lines[0] for a, b in pairwise(found))
    assert {m.sure for m in found} == {"exact"}


def test_lines_that_nothing_explains_are_told() -> None:
    text = "You must also give us a tenth of everything that you ever earn.\n\n" + APACHE

    assert unexplained(text, identify(text))[0][0] == 1


@pytest.mark.parametrize("text", ["", "MIT", "the quick brown fox jumps over the lazy dog " * 80, "1 2 3 " * 4000])
def test_what_is_no_licence_is_called_none(text: str) -> None:
    assert identify(text) == ()


def test_a_text_built_from_another_is_not_called_that() -> None:
    words = APACHE.split()
    mixed = " ".join(w if n % 7 else "aardvark" for n, w in enumerate(words))

    assert identify(mixed) == ()


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=400))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    identify(text + APACHE[:400] + text)


@pytest.mark.parametrize("text", [
    "@" * 500_000, "https://www." * 80_000, "<a" * 200_000, "a." * 300_000, "x-\n" * 200_000])
def test_hostile_texts_cost_little(text: str) -> None:
    begun = time.perf_counter()
    identify(text)

    assert time.perf_counter() - begun < 8


def test_the_fingerprints_are_small_and_about_laws_that_there_are() -> None:
    assert FILE.stat().st_size < 1_500_000
    assert {law for law, _, _ in prints().rows()} <= set(shelf().ids())
    assert set(SURE) == {"exact", "edited", "part", "likely"}


def test_no_sentence_is_stored() -> None:
    """What is stored of a text in letters: ids, clause numbers and names of vendors and products, never a phrase."""
    for n in range(len(prints())):
        edition = prints().edition(n)
        assert all(len(c.label) < 20 and " " not in c.label for c in edition.clauses)
        assert all(" " not in name for name in edition.names)


def test_names_and_numbers_become_marks() -> None:
    words = words_of("Llama 3.1 of Meta Platforms, Inc. for 700 million users and 7,000,000 more")

    assert words.words == ("@", "#", "of", "@", "for", "#", "users", "and", "#", "more")
    assert [words.numbers[n] for n in sorted(words.numbers)] == ["3.1", "700000000", "7000000"]
