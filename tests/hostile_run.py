"""Runs `caveat check` on a folder as a process of its own, measured and watched.

The child carries an audit hook that writes down whatever a reader of strangers' files has no business to do.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
#: Put before everything else on the child's path: notes every process, connection, write and foreign code.
WATCH = """
import os, sys
_log = os.open(os.environ["CAVEAT_WATCH_LOG"], os.O_WRONLY | os.O_APPEND)
_hostile = os.environ["CAVEAT_WATCH_FOLDER"]
_bad = ("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.", "pickle.", "ctypes.",
        "os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.symlink", "os.truncate",
        "shutil.", "urllib.")
def _hook(event, args):
    told = ""
    if event.startswith(_bad):
        told = f"{event} {args!r:.150}"
    elif event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        told = f"write {args[0]!r:.150}"
    elif event == "exec" and getattr(args[0], "co_filename", "").startswith(_hostile):
        told = f"exec {args[0]!r:.150}"
    elif event == "import" and isinstance(args[1], str) and args[1].startswith(_hostile):
        told = f"import {args!r:.150}"
    if told:
        os.write(_log, told.encode("utf-8", "replace") + b"\\n")
def _peak():
    try:
        with open("/proc/self/status") as status:
            peak = next(row.split()[1] for row in status if row.startswith("VmHWM"))
    except (OSError, StopIteration):
        return
    os.write(_log, f"peak {peak}\\n".encode())
import atexit
atexit.register(_peak)
sys.addaudithook(_hook)
"""


class Run(NamedTuple):
    """What one process did: exit code, its words, seconds (wall and CPU), peak memory in MB, and what was forbidden."""

    code: int
    out: str
    err: str
    wall: float
    cpu: float
    peak: float
    forbidden: tuple[str, ...]

    def line(self, told: str) -> str:
        """The first line that holds a piece of text, without the blanks around it."""
        rows = (self.out + self.err).replace("\n" + " " * 10, " ").splitlines()
        return next((" ".join(r.split()) for r in rows if told and told in " ".join(r.split())), "")


def caveat(
    folder: Path, home: Path, words: Sequence[str] = ("check",), limit: float = 60.0, before: Sequence[str] = ()
) -> Run:
    """`caveat check FOLDER` under watch; `home` is a scratch folder outside it. Killed (code -9) after `limit` seconds.

    `before` are words in front of the command, such as `setpriv ...`.
    """
    home.mkdir(exist_ok=True)
    (home / "sitecustomize.py").write_text(WATCH)
    log = home / "watched"
    log.write_text("")
    env = {
        **os.environ,
        "PYTHONPATH": f"{home}{os.pathsep}{ROOT / 'src'}",
        "CAVEAT_WATCH_LOG": str(log),
        "COLUMNS": "1000",
        "CAVEAT_WATCH_FOLDER": str(folder),
        "HOME": str(home),
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }
    call = [*before, sys.executable, "-m", "caveat", *words, str(folder)]
    began = time.monotonic()
    out, err = home / "out", home / "err"
    with out.open("wb") as o, err.open("wb") as e:
        child = subprocess.Popen(call, stdin=subprocess.DEVNULL, stdout=o, stderr=e, env=env, cwd=home)
        timer = threading.Timer(limit, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        timer.cancel()
    told = _read(log).splitlines()
    # The child tells its own peak: what wait4 tells begins at the size of the process that started it.
    peak = next((int(row.split()[1]) for row in told if row.startswith("peak ")), used.ru_maxrss)
    return Run(
        os.waitstatus_to_exitcode(status),
        _read(out),
        _read(err),
        time.monotonic() - began,
        used.ru_utime + used.ru_stime,
        peak / 1024,
        tuple(row for row in told if not row.startswith("peak ")),
    )


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="surrogateescape")
