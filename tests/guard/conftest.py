"""Real processes under a real `caveat guard`, on stand-ins for the libraries (fakes/): everyday tests need no torch."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

FAKES = Path(__file__).resolve().parent / "fakes" / "site-packages"


class Ended(NamedTuple):
    """How a guarded run ended, and how many steps it took."""

    code: int
    out: str
    err: str
    steps: int


Guard = Callable[..., Ended]


@pytest.fixture
def guard(tmp_path: Path) -> Guard:
    """Runs `caveat guard OPTIONS -- WORDS`; words default to a script with the given text."""
    def run(script: str = "", *options: str, words: Sequence[str] = (), env: Mapping[str, str] | None = None,
            path: Sequence[Path] = (), name: str = "sft.py") -> Ended:
        if script:
            (tmp_path / name).write_text(script)
        steps = tmp_path / "steps"
        steps.unlink(missing_ok=True)
        given = {**os.environ, "STEPS": str(steps), "PYTHONPATH": os.pathsep.join(map(str, (*path, FAKES)))}
        given.pop("CAVEAT_ACCEPT", None)
        done = subprocess.run(
            [sys.executable, "-m", "caveat", "guard", *options, "--", *(words or (sys.executable, name))],
            cwd=tmp_path, env={**given, **(env or {})}, capture_output=True, text=True, check=False, timeout=120)
        return Ended(done.returncode, done.stdout, done.stderr, len(steps.read_text().split()) if steps.exists() else 0)

    return run
