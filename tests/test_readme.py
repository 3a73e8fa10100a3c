"""What the README shows is what comes out: its runs and pictures are made again and compared."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_runs_and_pictures_are_fresh() -> None:
    command = [sys.executable, "docs/runs.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.stdout.strip() == "fresh", done.stdout + done.stderr
