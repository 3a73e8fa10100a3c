"""Who called: the line of the user's own script, and the trainer that runs a callback but does not hand itself over.

Walking up the stack only reads; it is bounded, and whatever is not found is "" or None.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

FARTHEST = 60
#: Folders of installed code: the first frame outside of them is the user's.
INSTALLED = ("site-packages", "dist-packages", f"{os.sep}caveat{os.sep}guard{os.sep}", "importlib", "<frozen",
             f"{os.sep}lib{os.sep}python")


def users_line() -> str:
    """"train.py:12", the nearest line above that is not of an installed package; "" where there is none."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(FARTHEST):
        if frame is None:
            return ""
        file = frame.f_code.co_filename
        if not any(part in file for part in INSTALLED):
            return f"{_short(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def _short(file: str) -> str:
    inside = os.path.relpath(file) if Path(file).is_absolute() else file
    return file if inside.startswith("..") else inside


def trainer_above(callback: object) -> Any:
    """The object above on the stack whose callback handler holds this callback; None where there is none."""
    frame: FrameType | None = sys._getframe(1)
    for _ in range(FARTHEST):
        if frame is None:
            return None
        held = frame.f_locals.get("self")
        handler = getattr(held, "callback_handler", None)
        if handler is not None and any(c is callback for c in getattr(handler, "callbacks", ())):
            return held
        frame = frame.f_back
    return None
