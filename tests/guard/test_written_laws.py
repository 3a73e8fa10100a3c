"""Laws of what is written, over drawn files: nothing of anybody's is lost, and writing twice is writing once."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.guard import written_card, written_toml
from caveat.guard.seen import Load
from caveat.guard.written import Run, evidence_of_run, run_of
from caveat.guard.written_licence import Label
from tests.guard.runs import FREE, MISTRAL, run

#: Few by day; `make check-deep` asks for many, of which each costs a hundredth of a second.
DRAWS = min(int(os.environ.get("CAVEAT_DRAWS", "25")), 1000)
TERMS = Label(("apache-2.0",), "checked", (("license", "apache-2.0"),))
CARD = (
    "---\n", "---", "\n", "license: mit\n", "licence: license\n", "datasets:\n- a/b\n", "datasets: [a/b, c/d]\n",
    "  - x: y\n", "tags:\n- sft\n", "tags: foo\n", "# T\n", "text\n",
    f"{written_card.BEGIN}\n", f"{written_card.END}\n",
    "base_model: x/y\n", "model-index:\n- name: z\n  results: []\n", "\ufeff", "é😀\n", "datasets: &a\n",
    "<!-- caveat: added !!! -->\n", ">-\n  folded\n", "\t- tab\n", "# comment\n", "datasets: 'a/b'\n",
)
TOML = (
    '[project]\nname = "x"\n', "[[step]]\nmakes='a'\nact='train'\nfrom=['b']\n", "step = 3\n", "[facts]\n", "# c\n",
    f"{written_toml.BEGIN}\n", f"{written_toml.END}\n", "\n", "assets = {}\n", "[assets.\"q/r\"]\nkind='model'\n",
    "accept = []\n", "[project]\n", "x", "\ufeff", "[[accept]]\nfinding='a'\nwhy='b'\nowner='c'\nuntil=2030-01-01\n",
)


def drawn(parts: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(parts), max_size=10).map("".join)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("out") / "my-chat", Load("model", MISTRAL), Load("data", FREE))


def card(old: str, done: Run, resumed: bool = False) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(written_card, "label", lambda *_: TERMS)
        return written_card.completed(old, evidence_of_run(done), done.loads, done.judged, done.settings, resumed)


@given(old=drawn(CARD))
@settings(max_examples=DRAWS, deadline=None)
def test_a_second_writing_of_a_card_changes_nothing(done: Run, old: str) -> None:
    once = card(old, done)

    assert once == card(once, done)


@given(old=drawn(CARD))
@settings(max_examples=DRAWS, deadline=None)
def test_every_line_of_a_body_outlives_the_completion(done: Run, old: str) -> None:
    """All but what stands between our own marks."""
    _, body = written_card.cut(old)
    lines = body.split("\n")
    start, end = written_card._marks(lines)
    mine = lines if start < 0 else lines[:start] + lines[end + 1:]
    kept = written_card.cut(card(old, done))[1].split("\n")

    assert not Counter(line for line in mine if line.strip()) - Counter(kept)


@given(old=drawn(TOML))
@settings(max_examples=DRAWS, deadline=None)
def test_a_caveat_toml_loses_no_line_and_a_second_writing_changes_nothing(done: Run, old: str) -> None:
    record = run_of(done, evidence_of_run(done))
    new = written_toml.compose(old, record, Path("out/my-chat"))
    if new is None:
        return
    before, _, after = written_toml.parted(old)

    assert not [line for line in (before + after).split("\n") if line.strip() and line not in new.split("\n")]
    assert new == written_toml.compose(new, record, Path("out/my-chat"))
