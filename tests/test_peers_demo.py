"""The demo folder of the comparison with peers: Caveat names what is wrong in it and is silent where nothing is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from caveat.cli import main

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripts of benchmarks/peers, found by their own names for the time of one test."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "peers"))
    for name in ("demo", "marks", "peers"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("peers")
def test_every_real_problem_is_found_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The text of the Llama 2 agreement is not held here: that it is missing is the one thing to be told."""
    from demo import LAWFUL, REAL, make, texts
    from marks import score
    from peers import caveat
    make(tmp_path, texts())

    code = main(["check", *sorted(str(p) for p in tmp_path.iterdir()), "--format", "json"])
    said = list(caveat(capsys.readouterr().out, tmp_path))
    found = score(said)

    assert code == 1
    assert {p.id for p in REAL} == found.found
    assert [s.text[:20] for s in said if s.folder in LAWFUL] == ["owed: llama-2 §1.b.i"]
