"""Remedies: what is told was tried, it is the smallest, and asking the changed question gives the told verdict."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.evidence.imagine import YOU, imagine
from caveat.evidence.sentence import read
from caveat.flows.asking import ask, books, names
from caveat.flows.checking import check
from caveat.flows.fixing import substitutes
from caveat.law.shelf import shelf
from caveat.lineage import graph
from caveat.verdict.answer import Finding
from caveat.verdict.change import Plan, Setting, changed
from caveat.verdict.decide import Asked, Decision, decide
from caveat.verdict.event import Use
from caveat.verdict.remedy import Remedy, is_bad, outcome, remedies

TODAY = "2026-01-15"
MIXTRAL = "mistralai/Mixtral-8x7B-Instruct-v0.1"


def fixes(text: str) -> dict[str, str]:
    return {change: after for f in ask(text, today=TODAY).findings for change, after in f.fixes}


def planned(text: str) -> tuple[Plan, Decision, Setting]:
    """The plan of a question, decided, and how changes to it are judged."""
    book = names()
    seen = imagine(read(text, book.licence, book.licence_words, book.known), book, TODAY)
    uses = tuple(Use(u.act, u.asset, u.offered, u.named, u.of) for u in seen.uses)
    asked = Asked(YOU, uses, seen.facts, seen.readings, TODAY)
    lineage = graph.choices(graph.of(seen.claims))[0]
    setting = Setting(books(shelf()), frozenset({YOU}), YOU, substitutes(TODAY))
    return Plan(lineage, (asked,)), decide(lineage, setting.books, asked), setting


def card(folder: Path, text: str) -> list[Finding]:
    folder.mkdir()
    (folder / "README.md").write_text(f"---\n{text}---\n# A model\n", encoding="utf-8")
    return [f for report in check(folder, today=TODAY) for f in report.findings]


# -- the changes people need ------------------------------------------------------------------------------------------
def test_another_model_may_write_what_llama_2_may_not() -> None:
    told = fixes("train tiiuae/falcon-7b on output of meta-llama/Llama-2-70b-chat-hf and sell it")

    assert told[f"generate with {MIXTRAL} instead of meta-llama/Llama-2-70b-chat-hf"] == "conditional"


def test_one_of_two_sets_is_left_out() -> None:
    assert fixes("train my-lm on intel/orca_dpo_pairs and my-notes")["drop Intel/orca_dpo_pairs"] == "permitted"


def test_the_only_lesson_is_not_left_out() -> None:
    assert not any("drop" in change for change in fixes("train my-lm on output of llama-2-70b-chat"))


def test_an_apache_label_over_llama_gives_way_to_its_agreement() -> None:
    told = fixes("quantize llama-2-7b and ship it as apache-2.0")

    assert told == {"declare llama-2 instead of apache-2.0": "conditional"}


def test_label_and_name_are_cured_together() -> None:
    told = fixes("finetune llama-3-8b on my-notes and ship it as apache-2.0 named stormy")

    assert told == {'declare llama-3 instead of apache-2.0, and name it "Llama-3-stormy"': "conditional"}


def test_a_name_without_its_prefix_is_a_name_away_from_acceptable() -> None:
    told = fixes("distil llama-3.1-70b into qwen-2.5-7b and ship it named swift-8b")

    assert told['name it "Llama-swift-8b"'] == "conditional"


def test_gpl_and_non_commercial_cannot_go_together_so_one_is_left_out() -> None:
    told = fixes("merge my-a under gpl-3.0 and my-b under cc-by-nc-4.0 and ship it")

    assert told == {"drop my-b": "conditional"}


def test_two_names_that_must_both_come_first_lose_one_parent() -> None:
    question = "merge llama-3.1-8b and my-model under glm-4 and ship it where reading.same-family = any-part"
    changes = fixes(question)

    assert any("both be met" in f.note for f in ask(question, today=TODAY).findings)
    assert changes and all(change.startswith("drop ") for change in changes)


def test_non_commercial_data_is_not_sold() -> None:
    told = fixes("train my-lm on my-notes under cc-by-nc-4.0 and my-own and sell it")

    assert told["drop my-notes"] == "permitted"
    assert told["give it away instead of selling it, for no commercial end"] in ("permitted", "conditional")


def test_a_fact_on_which_the_answer_hangs_may_be_stated() -> None:
    assert fixes("train my-lm on output of gpt-4")["state competes = no (if it is so)"] == "permitted"


def test_an_open_word_is_settled_only_where_the_answer_depends() -> None:
    assert "settle bound = agreed (if counsel agrees)" in fixes("train my-lm on found output of llama-2-13b-chat")
    assert fixes("run acme/thing") == {}


@pytest.mark.parametrize("text", ["run mistral-7b", "quantize llama-2-7b and ship it", "sell output of llama-2-7b"])
def test_good_news_has_no_fix(text: str) -> None:
    assert fixes(text) == {}


# -- check ------------------------------------------------------------------------------------------------------------
def test_check_says_which_set_to_leave_out(tmp_path: Path) -> None:
    found = card(tmp_path / "my-chat", "license: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n"
                                       "datasets:\n- Intel/orca_dpo_pairs\n")
    told = {fix for f in found for fix in f.fixes}

    assert "drop Intel/orca_dpo_pairs" in {change for change, _ in told}


def test_check_declares_and_names_what_is_made_from_llama_3(tmp_path: Path) -> None:
    """A repository bears its name in public; a bare folder's name says nothing, and no rename is asked of it."""
    found = card(tmp_path / "acme__stormy", "license: apache-2.0\nbase_model: meta-llama/Meta-Llama-3-8B\n")
    told = {fix for f in found for fix in f.fixes}

    assert any(change.startswith("declare llama-3") and "Llama-3-stormy" in change for change, _ in told)


def test_the_label_that_check_tells_is_right_when_it_is_put_there(tmp_path: Path) -> None:
    before = card(tmp_path / "Llama-3-mine", "license: mit\nbase_model: meta-llama/Meta-Llama-3-8B\n")
    told = dict(fix for f in before for fix in f.fixes)
    (tmp_path / "again").mkdir()
    after = card(tmp_path / "again" / "Llama-3-mine", "license: llama3\nbase_model: meta-llama/Meta-Llama-3-8B\n")

    assert told == {"declare llama-3 instead of mit": "conditional"}
    assert not any(is_bad(f) for f in after)


# -- what must hold for every question --------------------------------------------------------------------------------
MODELS = ("llama-2-7b", "llama-3-8b", "llama-3.1-8b", "gemma-7b", "mistral-7b", "bigscience/bloom", "acme/secret")
SETS = ("output of llama-2-70b-chat", "found output of gpt-4", "my-notes", "my-set under cc-by-nc-4.0",
        "intel/orca_dpo_pairs", "output of llama-3.1-70b", "my-code under gpl-3.0", "acme/texts")
ENDS = ("", " and ship it as apache-2.0", " and sell it", " and ship it named swift", " and ship it as mit named swift",
        " and serve it", " and sell it as gpl-3.0")


def drawn(random: Random) -> str:
    """A question such as people ask: a making of two or three parts, and what is then done with it."""
    model, other = random.sample(MODELS, 2)
    a, b = random.sample(SETS, 2)
    makings = (f"finetune {model} on {a}", f"train my-lm on {a} and {b}", f"merge {model} and {other}",
               f"finetune {model} on {a} and {b}", f"distil {model} into {other}", f"quantize {model}")
    return random.choice(makings) + random.choice(ENDS)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_told_is_what_is_decided(seed: int) -> None:
    """The told verdict is that of the changed plan, decided anew; nothing smaller among the told changes does it."""
    plan, decision, setting = planned(drawn(Random(seed)))
    for remedy in remedies(plan, [decision], setting):
        after = plan
        for change in remedy.changes:
            after = changed(after, change, setting)
        again = decide(after.lineage, setting.books, after.asks[0])

        assert again.verdict == remedy.verdict
        assert better(decision, again)
        assert smallest(plan, remedy, setting)


def better(before: Decision, after: Decision) -> bool:
    order = ("prohibited", "unknown", "depends", "conditional", "permitted")
    cured = any(map(is_bad, before.findings)) and not any(map(is_bad, after.findings))
    return cured or order.index(after.verdict) > order.index(before.verdict)


def smallest(plan: Plan, remedy: Remedy, setting: Setting) -> bool:
    """No one change can be left out of a cure."""
    parts = [tuple(c for c in remedy.changes if c != left) for left in remedy.changes]
    afters = [outcome(plan, part, setting) for part in parts if part]
    return not any(after and after.acceptable for after in afters)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_a_told_fact_or_reading_answers_the_question_so(seed: int) -> None:
    text = drawn(Random(seed))
    plan, decision, setting = planned(text)
    for remedy in remedies(plan, [decision], setting):
        facts = {c.at[0]: c.value[0] for c in remedy.changes if c.kind == "state"}
        readings = {c.at[0]: c.value[0] for c in remedy.changes if c.kind == "settle"}
        if len(facts) + len(readings) == len(remedy.changes):
            assert ask(text, facts=facts, readings=readings, today=TODAY).verdict == remedy.verdict


def test_fixes_move_no_verdict() -> None:
    for seed in range(20):
        text = drawn(Random(seed))
        with_, without = ask(text, today=TODAY), ask(text, today=TODAY, fixes=False)

        assert with_.verdict == without.verdict
        assert [f._replace(fixes=()) for f in with_.findings] == list(without.findings)


def test_the_substitutes_are_known() -> None:
    assert MIXTRAL in dict(substitutes(date.today().isoformat()))
