"""The doors of the guard never break what people import, whatever is wrong with the guard itself."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

import caveat.guard

DOORS = Path(caveat.guard.__file__).parent / "inside" / "doors.py"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """doors.py in a package that holds nothing else, as after half an upgrade."""
    package = ModuleType("_alone")
    package.__path__ = []
    spec = importlib.util.spec_from_file_location("_alone.doors", DOORS)
    assert spec is not None and spec.loader is not None
    doors = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "_alone", package)
    monkeypatch.setitem(sys.modules, "_alone.doors", doors)
    spec.loader.exec_module(doors)
    return doors


def test_a_broken_guard_is_told_and_the_import_stands(alone: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    alone._show(ModuleType(next(iter(alone.WATCHED))))

    assert "cannot look at" in capsys.readouterr().err


def test_under_strict_a_broken_guard_ends_the_process(alone: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(alone.os, "_exit", ended.append)
    monkeypatch.setenv("CAVEAT_GUARD", '{"strict": true}')
    alone._show(ModuleType(next(iter(alone.WATCHED))))

    assert ended == [1]
