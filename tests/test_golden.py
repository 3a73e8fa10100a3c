"""Questions with settled answers, kept apart from the code: verdict, clauses in the proof, duties owed and not owed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from caveat.errors import CaveatError
from caveat.flows.asking import ask

#: Questions on which the file and we differ, with the reason; each is told, none is hidden.
DISAGREE: frozenset[str] = frozenset()


def clauses(answer: Mapping[str, Any], key: str) -> set[str]:
    return {f"{r['licence']} {r['clause']}" for f in answer["findings"] for r in f[key]}


def faults(case: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterable[str]:
    """What is wrong with an answer, one sentence each."""
    owed, doubts = clauses(answer, "duties"), {d["about"] for f in answer["findings"] for d in f["doubts"]}
    wanted = set(case.get("duties", ()))
    if answer["verdict"] != case["answer"]:
        yield f"verdict {answer['verdict']}, expected {case['answer']}"
    yield from (f"proof lacks {x}" for x in set(case.get("by", ())) - clauses(answer, "rules") - owed)
    yield from (f"duty not listed: {x}" for x in wanted - owed)
    yield from (f"false duty: {x}" for x in owed & set(case.get("not_owed", ())))
    yield from (f"false duty: {x}" for x in owed - wanted if case.get("only_duties"))
    yield from (f"needless doubt: {x}" for x in doubts if case.get("no_doubts"))
    yield from (f"doubt not named: {x}" for x in set(case.get("doubts", ())) - doubts)


def told(case: Mapping[str, Any]) -> list[str]:
    try:
        answer = ask(case["ask"]).to_dict()
    except CaveatError as fault:
        return [] if case["answer"] == "error" else [f"not understood: {fault}"]
    return sorted(faults(case, answer))


def test_golden_questions(material: Path) -> None:
    """All files of the folder at once: a question that goes wrong is shown with everything that is wrong with it."""
    files = sorted((material / "golden").glob("*.toml"))
    if not files:
        pytest.skip(f"no golden questions in {material / 'golden'}")
    cases = [c for f in files for c in tomllib.loads(f.read_text("utf-8"))["case"]]
    wrong = {c["id"]: (c["ask"], found) for c in cases if (found := told(c)) and c["id"] not in DISAGREE}

    assert wrong == {}
