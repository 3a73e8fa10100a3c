"""No meaning hangs on colour, and a drawing keeps its boxes apart and its lines going down."""

from __future__ import annotations

import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveat.law.words import ROLES, VERDICTS
from caveat.report import markdown, picture, render, words
from caveat.report.layout import layered

sys.path.insert(0, str(Path(__file__).parent))
import samples

NODES = [f"n{i}" for i in range(9)]
EDGES = st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda e: e[0] != e[1]), max_size=16)


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_colour_adds_nothing_but_colour(name: str, width: int) -> None:
    plain, coloured = (render("terminal", samples.ALL[name], width, colour) for colour in (False, True))

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_every_verdict_and_role_of_the_vocabulary_has_a_look() -> None:
    assert set(words.SIGNS) == set(words.MEANINGS) == set(VERDICTS)
    assert set(words.ROLES) == set(ROLES)
    assert {look.shape for look in (*words.ROLES.values(), words.FREE)} == set(picture.SHAPES) == set(markdown.SHAPES)
    assert len(set(words.SIGNS.values())) == len(VERDICTS)


def test_each_role_has_a_shape_of_its_own() -> None:
    assert len({look.shape for look in words.ROLES.values()}) == len(words.ROLES)


@given(EDGES)
def test_boxes_of_one_layer_are_apart(edges: list[tuple[str, str]]) -> None:
    spots = layered(NODES, edges).spots
    rows = [sorted(s.x for s in spots.values() if s.layer == i) for i in range(len(NODES))]

    assert all(b - a > 0.999 for row in rows for a, b in pairwise(row))


@given(EDGES)
def test_lines_go_down_one_layer_at_a_time_unless_they_close_a_circle(edges: list[tuple[str, str]]) -> None:
    drawn = layered(NODES, edges)
    down = [line for line in drawn.lines.values() if line[0].layer < line[-1].layer and len(line) > 2]

    assert set(drawn.lines) == set(edges)
    assert all(b.layer - a.layer == 1 for line in down for a, b in pairwise(line))


def test_lineage_in_order_of_making_is_drawn_without_a_crossing() -> None:
    """Two chains that never meet stay side by side."""
    spots = layered(["a", "b", "c", "x", "y", "z"], [("a", "b"), ("b", "c"), ("x", "y"), ("y", "z")]).spots

    assert spots["a"].x == spots["b"].x == spots["c"].x
    assert spots["x"].x == spots["y"].x == spots["z"].x
