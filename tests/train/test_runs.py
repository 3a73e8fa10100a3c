"""Real trainers under the guard: what the law forbids takes no step, what it allows goes on with its lineage told.

A covering part of the table; `benchmarks/guard_table.py` runs all of it.
"""

from __future__ import annotations

import json
import re

import pytest

from tests.train.runs import GUARD, TWO, WAYS, Outcome, Row, lineage, near, product, refused, start, went_on, wrong
from tests.train.tiny import MISTRAL, OPEN, RESTRICTED, Material

#: Launchers, trainers and ways, each prohibited and lawful, but not every three together.
COVERING = (
    ("python", "sft", "parquet"), ("python", "dpo", "mixed"), ("python", "plain", "saved"), ("python", "loop", "id"),
    ("accelerate", "sft", "folder"), ("accelerate", "loop", "joined"), ("torchrun", "dpo", "id"),
    ("torchrun", "plain", "stream"), ("bash", "sft", "jsonl"),
)
BESIDE = ("llama-into-llama", "only-depends", "restricted-for-evaluation", "adapter", "last-rows")
ROWS = [r for three in COVERING for r in product(*((word,) for word in three))]
NEAR = [r for r in near() if r.remark in BESIDE and r.launcher == "python" and r.trainer != "loop"]
PLAIN = Row("python", "sft", "parquet", WAYS["parquet"][0], False)


@pytest.mark.parametrize("row", [*ROWS, *NEAR], ids=lambda row: row.name)
def test_the_guard_does_right(row: Row, material: Material) -> None:
    outcome = ran(row, material)
    assert not wrong(row, outcome), outcome.printed[-4000:]


def ran(row: Row, material: Material) -> Outcome:
    """The outcome, or that of a second try: torch's gloo may lock itself or abort while it is taken down, after both
    scripts have ended, with and without the guard (its destructor waits for a thread that waits for the GIL)."""
    outcome = start(row, material, limit=150)
    fell = row.lawful and row.launcher in TWO and outcome.code != 0
    return start(row, material) if fell and went_on(outcome, 2) == [f"exit {outcome.code}"] else outcome


def test_without_the_guard_a_prohibited_run_takes_its_steps(material: Material) -> None:
    outcome = start(PLAIN._replace(launcher="torchrun", remark="unguarded"), material, guard=())
    assert not went_on(outcome, 2), outcome.printed[-4000:]
    assert refused(outcome)


def test_a_run_that_only_depends_is_refused_under_strict(material: Material) -> None:
    row = Row("python", "loop", "id", RESTRICTED, False, settings=OPEN, remark="strict")
    outcome = start(row, material, guard=(*GUARD[:-1], "--strict", "--"))
    assert not refused(outcome), outcome.printed[-4000:]


def test_what_is_accepted_goes_on_and_is_written_down(material: Material) -> None:
    row = PLAIN._replace(trainer="plain", remark="accepted")
    first = start(row, material)
    assert not refused(first)
    offered = re.search(r"CAVEAT_ACCEPT=(\S+)", first.printed)
    assert offered, first.printed[-2000:]
    second = start(row, material, env={"CAVEAT_ACCEPT": offered[1]})
    assert not went_on(second), second.printed[-4000:]
    assert offered[1].split("@")[0] in (second.output / "caveat.toml").read_text()


def test_the_callback_refuses_by_itself(material: Material) -> None:
    bad = start(PLAIN._replace(more=("--callback",), remark="callback"), material, guard=())
    assert not refused(bad), bad.printed[-4000:]
    good = Row("python", "sft", "parquet", WAYS["parquet"][1], True, more=("--callback",), remark="callback")
    outcome = start(good, material, guard=())
    assert not went_on(outcome), outcome.printed[-4000:]


def test_a_report_of_the_run_is_written(material: Material) -> None:
    file = material.work / "report.json"
    row = Row("python", "loop", "parquet", WAYS["parquet"][1], True, remark="report")
    outcome = start(row, material, guard=(*GUARD[:-1], "--report", str(file), "--"))
    assert not went_on(outcome) and not lineage(row, outcome), outcome.printed[-4000:]
    report = json.loads(file.read_text())
    assert report["code"] == 0
    assert {MISTRAL, "mixtral.parquet"} <= {load["name"] for load in report["processes"][0]["loads"]}
