"""Faults put into the engine on purpose are noticed: one every day, all of them in the deep check."""

from __future__ import annotations

import pytest
from benchmarks import mutations


def test_every_fault_has_its_line() -> None:
    """A fault whose line was rewritten must be rewritten too, or it is tried no more."""
    assert [f.name for f in mutations.FAULTS if not mutations.applies(f)] == []


def test_a_fault_is_noticed() -> None:
    fault = next(f for f in mutations.FAULTS if f.name == "derivative does not contain materials")
    assert any(mutations.tried(fault, 300, quick=True).values())


@pytest.mark.deep
@pytest.mark.parametrize("fault", mutations.FAULTS, ids=lambda f: f.name)
def test_all_faults_are_noticed(fault: mutations.Fault) -> None:
    assert any(mutations.tried(fault, 3000, quick=True).values())
