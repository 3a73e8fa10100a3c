"""Real trainers need real libraries; without them these tests are left out, and say what is missing."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.train.tiny import Material, make

LACKING = [name for name in ("torch", "transformers", "trl", "datasets", "accelerate", "peft") if not find_spec(name)]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is marked `train`, and skipped where a library is not installed."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("train")
            if LACKING:
                item.add_marker(pytest.mark.skip(reason=f"the extra 'train' is not installed: {', '.join(LACKING)}"))


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    return make(tmp_path_factory.mktemp("train") / "made")
