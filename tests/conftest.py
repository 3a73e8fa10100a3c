"""What several rooms of tests share: where material lies that is too big, or not ours, to be kept in the repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def material() -> Path:
    """The folder CAVEAT_MATERIAL names (default: ../shared beside the repository); the test is skipped without it."""
    folder = Path(os.environ.get("CAVEAT_MATERIAL", ROOT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"the material is not here: set CAVEAT_MATERIAL ({folder} is no folder)")
    return folder
