"""Words for a licence become law ids, and unknown words stay unknown."""

from __future__ import annotations

import pytest

from caveat.evidence import card
from caveat.evidence import licence_words as lw
from caveat.law.shelf import shelf
from caveat.lineage.claims import LicenceClaim

WORDS = lw.words_from({
    "tag": {"mit": {"law": "mit", "spdx": "MIT"}, "gpl-3.0": {"law": "gpl-3.0", "spdx": "GPL-3.0-only"},
            "apache-2.0": {"law": "apache-2.0", "spdx": "Apache-2.0"}, "bsd": {"law": "unknown"}},
    "everyday": {"llama 2": "llama-2"},
})


def test_words_of_many_sorts_mean_one_law() -> None:
    words = {
        "mit": "mit", "MIT": "mit", "MIT License": "mit",
        "Apache License 2.0": "apache-2.0", "Apache-2.0": "apache-2.0",
        "Llama 2": "llama-2", "GPL-3.0-only": "gpl-3.0", "GPL-3.0-or-later": "gpl-3.0", "cc by nc 4.0": "cc-by-nc-4.0",
        "Creative Commons Attribution-ShareAlike 4.0 International": "cc-by-sa-4.0", "gpl-3.0": "gpl-3.0",
    }

    assert words == {w: lw.laws_of(w, WORDS).laws[0] for w in words}


def test_unknown_words_stay_as_they_were_written() -> None:
    assert lw.laws_of("my-terms", WORDS) == lw.Said(("unknown",), False, "my-terms")
    assert lw.laws_of("bsd", WORDS) == lw.Said(("unknown",), False, "bsd")


def test_an_expression_is_a_choice_or_all_at_once() -> None:
    assert lw.laws_of("MIT OR Apache-2.0", WORDS) == lw.Said(("mit", "apache-2.0"), True, "MIT OR Apache-2.0")
    assert lw.laws_of("MIT AND Apache-2.0", WORDS) == lw.Said(("mit", "apache-2.0"), False, "MIT AND Apache-2.0")
    assert lw.laws_of("(MIT AND OR", WORDS).laws == ("unknown",)
    assert lw.laws_of("MIT OR (Apache-2.0 AND GPL-3.0-only)", WORDS).laws == ("unknown",)


def test_only_whole_names_count_in_a_sentence() -> None:
    assert lw.named_in("It is under the MIT License and CC BY-NC 4.0.") == ("mit", "cc-by-nc-4.0")
    assert lw.named_in("We permit use at MIT; a gpl-like idea of commons.") == ()


def test_the_table_that_ships_knows_the_common_tags() -> None:
    table = lw.table()
    if not table.laws:
        return

    assert lw.laws_of("llama2", table).laws[0] == "llama-2"
    assert lw.laws_of("other", table).laws == ("unknown",)


@pytest.mark.parametrize("law", sorted(set(shelf().ids()) - {"unknown"}))
def test_every_law_is_known_by_its_own_name_on_a_card(law: str) -> None:
    """`license_name: <id>`, as Caveat's own cards and people write it, is that law."""
    said = card.read(f"---\nlicense: other\nlicense_name: {law}\n---\n", "README.md", "me/mine")

    assert [c.laws for c in said.claims if isinstance(c, LicenceClaim)] == [(law,)]
