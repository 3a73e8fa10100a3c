"""One small real model for all tests that need one: opening it takes longer than most of what is asked of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from caveat.runtime.engine import Engine, local
from tests.runtime.answering import smollm2


class Shared:
    """An engine that others use too: closing it does nothing."""

    def __init__(self, engine: Engine) -> None:
        self.name, self.version, self._server = engine.name, engine.version, engine._server  # type: ignore[attr-defined]
        self.chat, self.stream = engine.chat, engine.stream

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def small() -> Iterator[Any]:
    """SmolLM2-135M-Instruct in this process, for 1,024 tokens."""
    engine = local(smollm2(), context=1024)
    yield Shared(engine)
    engine.close()
