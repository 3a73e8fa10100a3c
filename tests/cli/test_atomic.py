"""Written files are whole, and as readable as any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from caveat.cli.atomic import write
from caveat.errors import SettingsError


def test_a_new_file_is_readable_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "by-hand").write_text("")
    write(str(tmp_path / "report.html"), "whole")

    assert (tmp_path / "by-hand").stat().st_mode == (tmp_path / "report.html").stat().st_mode


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("before")
    target.chmod(0o640)
    write(str(target), "after")

    assert (target.stat().st_mode & 0o777, target.read_text()) == (0o640, "after")


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nowhere"):
        write(str(tmp_path / "nowhere" / "report.html"), "text")
