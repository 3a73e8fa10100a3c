"""What must stay true of every question over the law that ships: reading is total, equal questions have one answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from caveat.errors import QuestionError
from caveat.flows.asking import ask
from caveat.verdict.answer import Verdict

from .drawn import DRAWS
from .sentences import DATA, LICENCES, MODELS, a_making, a_model, a_question, a_set, facts, garbage

asked = partial(ask, today="2026-01-01", fixes=False)
FINE = ("conditional", "permitted")


def every(draws: int) -> Callable[[Callable[[Random], None]], Callable[[], None]]:
    quick = settings(max_examples=max(draws, 1), deadline=None, derandomize=DRAWS <= 500, database=None,
                     suppress_health_check=list(HealthCheck), phases=[Phase.generate])
    return lambda test: quick(given(st.integers(0, 2**40).map(Random))(test))


def as_strict(a: Verdict, b: Verdict) -> bool:
    """Whether `a` is at least as strict as `b`."""
    return (b.verdict != "prohibited" or a.verdict == "prohibited") and (a.verdict not in FINE or b.verdict in FINE)


def told(v: Verdict) -> tuple[str, set[tuple[str, str]], set[str]]:
    """What an answer comes to, names of things aside."""
    owed = {(d.cited.licence, d.cited.rule) for f in v.findings for d in f.duties}
    return v.verdict, owed, {d.about for f in v.findings for d in f.doubts}


@every(DRAWS // 2)
def test_reading_is_total(r: Random) -> None:
    text = garbage(r)
    try:
        asked(text)
    except QuestionError as fault:
        assert 0 <= fault.at <= len(text) + 1, text


@every(DRAWS // 5)
def test_what_was_read_reads_the_same(r: Random) -> None:
    text = a_question(r)
    first = asked(text)
    assert told(asked(first.read_as)) == told(first), f"{text}\n{first.read_as}"


@every(DRAWS // 5)
def test_one_sentence_in_steps_by_it_and_by_name(r: Random) -> None:
    model, data, tail = a_model(r, 0), r.choice(DATA), r.choice(("", " and ship it", " and sell it"))
    writer, given_facts = a_model(r, 1), facts(r)
    nested = asked(f"finetune {model} on output of {writer}{tail}{given_facts}")
    stepped = asked(f"generate my-set with {writer} then finetune {model} on it{tail}{given_facts}")
    named = asked(f"generate my-set with {writer} then finetune {model} on my-set{tail}{given_facts}")
    assert told(nested) == told(stepped) == told(named), f"{model} {writer} {tail} {given_facts}"
    once = asked(f"train my-lm on {data}{tail}{given_facts}")
    assert told(asked(f"train my-lm on {data}{tail.replace('it', 'my-lm')}{given_facts}")) == told(once), data


@every(DRAWS // 5)
def test_merge_order_does_not_matter(r: Random) -> None:
    how = ("", "quantized ", "finetuned ", "pruned ")
    tail = r.choice(("", " and ship it", f" and ship it as {r.choice(LICENCES)}"))
    a, b = (r.choice(how) + r.choice(MODELS) for _ in range(2))  # nothing that would take the "and" for its own
    assert told(asked(f"merge {a} and {b}{tail}")) == told(asked(f"merge {b} and {a}{tail}")), f"{a} | {b}{tail}"


@every(DRAWS // 5)
def test_handing_over_is_no_looser_than_running(r: Random) -> None:
    making, tail = a_making(r), facts(r)
    run, ship, sell = (asked(f"{making} and {use} it{tail}") for use in ("run", "ship", "sell"))
    assert as_strict(ship, run) and (as_strict(sell, ship) or "commercial" in tail), f"{making}{tail}"


@every(DRAWS // 5)
def test_found_is_no_stricter_than_own(r: Random) -> None:
    own = asked(text := f"train my-lm on output of {a_model(r, 0)}{facts(r)}")
    assert as_strict(own, asked(text.replace("output", "found output"))), text


@every(DRAWS // 5)
def test_one_more_source_never_loosens(r: Random) -> None:
    """For what is trained from the start: tuning one model more is what `made-from` speaks of."""
    less, more = a_set(r), a_set(r)
    text, tail = f"train my-lm on {less}", r.choice(("", " and ship it")) + facts(r)
    assert as_strict(asked(f"{text} and {more}{tail}"), asked(text + tail)), f"{less} | {more}{tail}"


@every(DRAWS // 10)
def test_ones_own_licence_is_no_worse_than_none(r: Random) -> None:
    model = r.choice(MODELS)
    bare = asked(f"quantize {model} and ship it")
    licences = {u.licence for u in bare.law}
    if len(licences) == 1:
        under = asked(f"quantize {model} and ship it as {licences.pop()}")
        assert as_strict(bare, under), model
