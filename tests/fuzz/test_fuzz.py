"""Every reader has a target, every target bears its seeds; `make check-deep` fuzzes each for twenty seconds."""

from __future__ import annotations

import os

import pytest

from caveat.evidence import READERS
from tests.fuzz.run import fuzz
from tests.fuzz.targets import targets

SECONDS = int(os.environ.get("CAVEAT_FUZZ_SECONDS", "20"))


def test_every_reader_is_fuzzed() -> None:
    assert set(READERS) - set(targets()) == set()


@pytest.mark.parametrize("name", targets())
def test_seeds_are_borne(name: str) -> None:
    for seed in targets()[name].seeds:
        targets()[name].run(seed)
        targets()[name].run(seed[: len(seed) // 2])


@pytest.mark.deep
@pytest.mark.parametrize("name", targets())
def test_fuzzing_finds_nothing(name: str) -> None:
    pytest.importorskip("atheris", reason="coverage-guided fuzzing needs atheris (pip install atheris)")
    outcome = fuzz(name, SECONDS)

    assert outcome.crash == ""
    assert outcome.runs > 0
