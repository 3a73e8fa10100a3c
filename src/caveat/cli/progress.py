"""How far long work is, on one line of stderr: only where a person looks at it."""

from __future__ import annotations

import os
import shutil
import sys
import time
from types import TracebackType

EVERY, BAR, SMOOTH = 0.2, 24, 0.1


class Progress:
    """A line `rows  bar  rate  time left`; nothing in a pipe. No control codes where NO_COLOR is set."""

    def __init__(self, unit: str = "rows") -> None:
        self.unit, self.shown = unit, False
        self.on = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self.plain = bool(os.environ.get("NO_COLOR"))
        self._next, self._began, self._first = 0.0, time.monotonic(), -1

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self.shown:
            print(file=sys.stderr, flush=True)

    def __call__(self, rows: int, errors: int, of: int) -> None:
        """Where it stands; draws at most five times a second."""
        moment = time.monotonic()
        if self._first < 0:
            self._first, self._began = rows + errors, moment
        if not self.on or (moment < self._next and rows + errors < of):
            return
        self._next, self.shown = moment + EVERY, True
        line = self.line(rows, errors, of, moment - self._began)
        width = shutil.get_terminal_size().columns - 1
        end = " " * max(width - len(line), 0) if self.plain else "\x1b[K"
        print(f"\r{line[:width]}{end}", end="", file=sys.stderr, flush=True)

    def line(self, rows: int, errors: int, of: int, seconds: float) -> str:
        """The line itself. Rows that a former run wrote do not count into the rate."""
        done = rows + errors
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        full = round(BAR * min(done / of, 1.0)) if of else BAR
        left = f"{_clock((of - done) / rate)} left" if rate > 0 and of > done else ""
        failed = f"{errors:,} failed" if errors else ""
        parts = (f"{done:,}/{of:,} {self.unit}", f"[{'#' * full}{'.' * (BAR - full)}]", f"{rate:,.1f}/s", left, failed)
        return "  ".join(p for p in parts if p)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(min(seconds, 8_640_000)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
