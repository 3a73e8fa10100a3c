"""Asks whether the run may go on, before its first step; refuses, warns, and writes down which.

The question is answered by Caveat itself in a process of its own, by the Python that started the guard: the training
process imports nothing of it, and may live in another environment. No answer means: go on, and say so loudly; under
--strict it means: stop.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import Any

from .run import Run, rank, run

LONGEST_WAIT = 180


class Refused(SystemExit):
    """The end of a run that may not start: no `except Exception` keeps it, and launchers see the exit code 1."""


def decide(trainer: dict[str, Any], loads: list[dict[str, Any]]) -> None:
    """Raises Refused if this run may not go on; a second attempt in the same process ends the process at once."""
    here = run()
    if here.refused:
        _again(here)
    here.unjudged, here.judged_to = False, len(here.loads)
    if any(d["trainer"] == trainer and d["loads"] == loads for d in here.decisions):
        return
    answer = _answer(here, trainer, loads)
    here.decisions.append({"trainer": trainer, "loads": loads, "folder": os.getcwd(), **answer})  # noqa: PTH109
    _act(here, answer)


def _act(here: Run, answer: dict[str, Any]) -> None:
    if answer.get("text") and rank() == 0:
        sys.stderr.write(answer["text"])
    unseen = here.strict and bool(here.trouble)
    if unseen:
        sys.stderr.write("caveat guard: strict: not all could be seen (above), so the run does not start\n")
    here.refused = bool(answer.get("stop")) or unseen
    answer["stop"] = here.refused
    sys.stderr.flush()
    here.write()
    if here.refused:
        raise Refused(1)


def _again(here: Run) -> None:
    """Somebody caught the refusal and goes on. A notebook's kernel stays, its training does not start."""
    if "IPython" in sys.modules or "ipykernel" in sys.modules:
        raise Refused(1)
    sys.stderr.write("caveat guard: the refusal was caught and training was started again; this process ends\n")
    here.write()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(1)


def _answer(here: Run, trainer: dict[str, Any], loads: list[dict[str, Any]]) -> dict[str, Any]:
    """What Caveat says, or what it means that it says nothing."""
    try:
        return _asked(here.settings, {"trainer": trainer, "loads": loads})
    except Exception as fault:
        here.tell(f"no verdict could be had ({type(fault).__name__}: {fault}); "
                  + ("strict: the run does not start" if here.strict else "the run goes on unjudged"))
        return {"stop": here.strict, "failed": True}


def _asked(settings: dict[str, Any], question: dict[str, Any]) -> dict[str, Any]:
    import subprocess

    asked = json.dumps({**question, "settings": settings, "accept": os.environ.get("CAVEAT_ACCEPT", "")}, default=str)
    # -P: nothing that lies in the working folder is imported in Caveat's place
    done = subprocess.run([settings["python"], "-P", "-m", "caveat.guard.decide"], input=asked, capture_output=True,
                          text=True, encoding="utf-8", errors="replace", timeout=LONGEST_WAIT, check=False,
                          env=_environment(settings))
    if done.returncode != 0:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:300])
    answer = json.loads(done.stdout)
    if not isinstance(answer, dict):
        raise ValueError("an answer that is none")
    return answer


def _environment(settings: dict[str, Any]) -> dict[str, str]:
    """That of this process, without the guard, with the path that the guard's own Python was started with."""
    kept = {k: v for k, v in os.environ.items() if k not in ("CAVEAT_GUARD", "PYTHONPATH", "PYTHONHOME")}
    if settings.get("path"):
        kept["PYTHONPATH"] = settings["path"]
    return kept
