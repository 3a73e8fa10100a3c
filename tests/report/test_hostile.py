"""Names come from strangers: no form may let one act, whatever stands in it."""

from __future__ import annotations

import re
import sys
import unicodedata
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from caveat.report import escape, render
from caveat.report.ink import Ink, cells, wrap
from caveat.report.outline import Answer
from caveat.report.picture import draw
from caveat.verdict.answer import Cited, Finding, Graph, GraphEdge, GraphNode, Report

sys.path.insert(0, str(Path(__file__).parent))
import samples

#: Texts that try something, mixed with anything at all.
NASTY = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["\x1b[31m", "\u202e", "<script>", "</title>", "`", "``` ", "|", "](javascript:x)", "![", "@all", "#1", '"',
             "'", "&lt;", "http://x.y", "www.x.y", "a@b.cd", "mailto:x", "- ", "1. ", "# ", "\n\n", "%%{init}%%", "end",
             "{{ 7*7 }}", "{% x %}", "]]>", "--", "$x$", "~~", "**", "\ud800", "e\u0301\u0301\u0301\u0301"]
        ),
        max_size=8,
    ).map("".join),
)  # fmt: skip


def _answer(name: str) -> Report:
    """A report in which the name stands wherever a stranger can write."""
    graph = Graph((GraphNode(name, name, (name,), ((name, name),), (), True), GraphNode("x", "model")),
                  (GraphEdge(name, name, "x", name),))  # fmt: skip
    found = Finding("id", "prohibited", name, name, name, name, (Cited(name, name, name, "must", name),), note=name,
                    whose=name)  # fmt: skip
    return Report(name, name, "prohibited", findings=(found,), graph=graph)


@given(NASTY, st.integers(20, 200))
@settings(max_examples=60, deadline=None)
def test_terminal_prints_only_what_is_seen(name: str, width: int) -> None:
    told = render("terminal", _answer(name), width)

    assert {c for c in told if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")} <= {"\n"}
    assert max(map(escape.cells, told.splitlines())) <= max(width, 40)


@given(NASTY)
@settings(max_examples=40, deadline=None)
def test_ascii_terminal_prints_ascii(name: str) -> None:
    assert render("terminal", _answer(name), 80, False, "ascii").isascii()


@given(NASTY)
@settings(max_examples=40, deadline=None)
def test_page_has_our_tags_only(name: str) -> None:
    told, plain = render("html", _answer(name)), render("html", _answer("plain"))

    assert set(_tags(told)) <= set(_tags(plain))
    assert "javascript:" not in re.sub(r">[^<]*<", "><", told)


@pytest.mark.parametrize("name", samples.ALL)
def test_page_runs_nothing_and_loads_nothing(name: str) -> None:
    told = render("html", samples.ALL[name])
    attributes = {a for _, attrs in _Tags.of(told) for a in attrs}

    assert acting(attributes) == set()
    assert "script" not in set(_tags(told)) and "default-src 'none'" in told
    assert "@import" not in told and "url(http" not in told


def acting(attributes: set[str]) -> set[str]:
    return {a for a in attributes if a.startswith("on") or a in ("src", "href", "style", "srcdoc", "action")}


@given(NASTY)
@settings(max_examples=40, deadline=None)
def test_drawing_is_well_formed(name: str) -> None:
    ElementTree.fromstring(draw(_answer(name).graph))


@given(NASTY)
@settings(max_examples=60, deadline=None)
def test_markdown_makes_no_tag_no_link_no_picture_of_a_name(name: str) -> None:
    told = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(render("markdown", _answer(name)))
    inner = [t for block in told for t in (block, *(block.children or ()))]
    html = {t.content.strip() for t in inner if t.type.startswith("html")}

    assert {t.type for t in inner}.isdisjoint({"link_open", "image", "s_open", "hr"})
    assert html <= {"<details><summary>Proof: the way it came here</summary>", "</details>", "<br>"}


@given(NASTY)
def test_prose_shows_exactly_the_text(text: str) -> None:
    """What a reader sees is what was written, hidden characters named and joiners aside."""
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parseInline("x" + escape.for_markdown(text))
    shown = "".join(t.content for t in tokens[0].children or ()).replace("\u2060", "")

    assert shown.split() == ("x" + escape.visible(text)).split()


def test_linked_words_are_kept_apart() -> None:
    assert escape.for_markdown("@a #1 http://x") == "@&#8288;a #&#8288;1 http:&#8288;//x"


@given(NASTY, st.integers(8, 60))
def test_cut_fits_and_keeps_both_ends(text: str, width: int) -> None:
    seen = escape.visible(text)
    short = escape.cut(seen, width)

    assert escape.cells(short) <= width
    assert short == seen or "…" in short


@given(st.text(max_size=200), st.integers(8, 60))
def test_wrapped_lines_fit_and_lose_no_word(text: str, width: int) -> None:
    lines = wrap([Ink().span(text)], width)

    assert all(cells(line) <= width for line in lines)
    assert "".join(s.text for line in lines for s in line).replace(" ", "") == escape.visible(text).replace(" ", "")


def test_huge_and_circular_lineages_stay_bounded() -> None:
    """A thousand assets in a ring and a mesh are drawn in part, and the part says so."""
    ids = [f"a{i}" for i in range(1000)]
    edges = tuple(GraphEdge(ids[i], "merge", ids[(i * k + 1) % 1000]) for i in range(1000) for k in (1, 2, 7))
    graph: Answer = Graph(tuple(GraphNode(i, "model") for i in ids), edges)

    assert "940 more assets are not drawn" in render("html", graph)
    assert "940 more assets are not drawn" in render("markdown", graph)
    assert len(render("terminal", graph).splitlines()) < 1000


class _Tags(HTMLParser):
    """Collects tags with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(a for a, _ in attrs)))

    @classmethod
    def of(cls, text: str) -> list[tuple[str, tuple[str, ...]]]:
        parser = cls()
        parser.feed(text)
        return parser.found


def _tags(text: str) -> list[str]:
    return [tag for tag, _ in _Tags.of(text)]
