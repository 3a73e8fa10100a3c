"""Values of strangers as bounded plain text: names may hold terminal codes, lists may be endless, `str` may raise."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable

LONGEST, MOST = 400, 64
#: Frames that are looked at to find the line of the user's own code.
DEEPEST = 80
NOT_OURS = ("site-packages", "dist-packages", os.sep + "lib" + os.sep + "python", "<frozen", "_caveat_guard")
ROOMS = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib is slow to import


def plain(value: object, longest: int = LONGEST) -> str:
    """One bounded line that no terminal obeys; "" for None and for what cannot even be printed."""
    if value is None:
        return ""
    try:
        text = value if isinstance(value, str) else str(value)
        return "".join([c if c.isprintable() else "\ufffd" for c in text[:longest]])
    except Exception:  # __str__ of somebody's object
        return ""


def plains(values: object, most: int = MOST) -> list[str]:
    """Text, path, list or mapping of such, as a flat bounded list."""
    found: list[str] = []
    todo: list[object] = [values]
    while todo and len(found) < most:
        here = todo.pop(0)
        if isinstance(here, dict):
            todo[:0] = list(here.values())[:most]
        elif isinstance(here, (list, tuple)):
            todo[:0] = list(here[:most])
        elif plain(here):
            found.append(plain(here))
    return found


def where() -> str:
    """The nearest line of code that is neither a library's nor the guard's: "train.py:12"."""
    frame = sys._getframe(1)
    for _ in range(DEEPEST):
        file = frame.f_code.co_filename
        if not file.startswith(ROOMS) and not _foreign(file, NOT_OURS):
            return f"{_short(file)}:{frame.f_lineno}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


def _foreign(file: str, marks: Iterable[str]) -> bool:
    return any(mark in file for mark in marks)


def _short(file: str) -> str:
    here = os.getcwd() + os.sep  # noqa: PTH109
    return plain(file[len(here):] if file.startswith(here) else file)
