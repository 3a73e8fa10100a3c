"""Two conditions on one word meet in the readings that satisfy both, and only there: stated over every reading."""

from __future__ import annotations

from itertools import combinations, product

from caveat.verdict.bind import guard_allows, join

READINGS = ("a", "b", "c")
CONDITIONS = [tuple(sign + r for r in named) for sign, size in product(("", "!"), (1, 2))
              for named in combinations(READINGS, size)]


def allowed(condition: tuple[str, ...]) -> set[str]:
    return {r for r in READINGS if guard_allows(condition, r)}


def test_a_joined_guard_allows_what_both_conditions_allow() -> None:
    for first, second in product(CONDITIONS, CONDITIONS):
        joined = join((("word", first),), "word", second)
        both = allowed(first) & allowed(second)

        assert both == (allowed(dict(joined)["word"]) if joined is not None else set()), (first, second)


def test_conditions_on_two_words_stand_side_by_side() -> None:
    assert join((("one", ("a",)),), "two", ("b",)) == (("one", ("a",)), ("two", ("b",)))
