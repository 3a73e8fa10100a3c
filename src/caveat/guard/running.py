"""Runs a command under the guard: judges what it names, starts it with the start-up folder in front, passes signals and
the exit code on, and sums up. The one place in the house that starts a stranger's program, because that was asked for.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.guard import before, summary
from caveat.guard.command import RECIPES, read
from caveat.guard.decide import accepted_ids, recipe_of
from caveat.guard.judged import Judged, Settings
from caveat.guard.telling import brief, told

#: When this process came here, for telling what was written meanwhile.
BEGAN = time.time()
STARTUP = Path(__file__).resolve().parent / "startup"
#: Passed on to the command; SIGINT comes to the whole group from the terminal by itself.
PASSED_ON = ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")


class Guarded(NamedTuple):
    """How a run ended: the exit code for the shell, what was planned, and what its processes saw."""

    code: int
    plans: tuple[tuple[str, Judged], ...] = ()
    records: tuple[summary.Record, ...] = ()
    blind: tuple[str, ...] = ()
    written: tuple[str, ...] = ()  # folders in which the lineage of a run was written down

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `--report`."""
        return {"caveat": 1, "code": self.code, "blind": list(self.blind), "written": list(self.written),
                "plans": [{"file": name, **judged.report.to_dict()} for name, judged in self.plans],
                "processes": summary.to_dict(self.records)}


def guard(words: Sequence[str], settings: Settings, *, strict: bool = False, recipes: Sequence[Path] = (),
          law: Sequence[str] = (), out: Path | None = None, colour: bool = False) -> Guarded:
    """Judge, run, sum up. Raises SettingsError where there is no command or a file named is not there."""
    command = read(words)
    accept = accepted_ids(os.environ.get("CAVEAT_ACCEPT", ""))
    command = command._replace(files=tuple(dict.fromkeys((*recipes, *command.files))))
    plans = tuple(before.planned(command, settings, accept))
    for name, judged in plans:
        say(told(judged, name, strict, colour=colour) if judged.stops(strict) or command.blind else brief(judged, name))
    if any(judged.stops(strict) for _, judged in plans):
        say("caveat guard: nothing was started\n")
        return Guarded(1, plans, (), command.blind)
    for line in command.blind:
        say(f"caveat guard: {line}\n")
    if strict and command.blind:
        say("caveat guard: strict: nothing was started\n")
        return Guarded(1, plans, (), command.blind)
    if deaf := of_axolotl(command.words, command.files):
        say("".join(f"caveat guard: {line}\n" for line in (*deaf, "nothing was started")))
        return Guarded(1, plans, (), command.blind)
    planning = [name for name, _ in plans if Path(name) in command.files]
    with records_folder() as folder:
        code = run(words, environment(settings, folder, strict, law, planning))
        found = tuple(summary.records(folder))
        deaf = of_axolotl(command.words, command.files, folder)
    say(summary.told(found, command.blind))
    say("".join(f"caveat guard: {line}\n" for line in deaf))
    folders, trouble = written_down(found, settings, accept, out, planning)
    say("".join(f"caveat guard: {line}\n" for line in (*(f"lineage written into {f}" for f in folders), *trouble)))
    return Guarded(1 if code == 0 and (summary.refused(found) or deaf) else code, plans, found, command.blind, folders)


def of_axolotl(words: Sequence[str], files: Sequence[Path], records: Path | None = None) -> list[str]:
    """Where Axolotl is run and a recipe names Caveat's plugin: why it cannot be loaded, or (after the run) that it was
    never asked. Axolotl itself only logs a plugin that it cannot load."""
    if not any("axolotl" in word.lower() for word in words if Path(word).suffix.lower() not in RECIPES):
        return []
    from caveat.guard import axolotl_plugin

    return axolotl_plugin.misspelt(files) if records is None else axolotl_plugin.unheard(files, records)


def written_down(found: Sequence[summary.Record], settings: Settings, accept: Sequence[str],
                 out: Path | None, recipes: Sequence[str] = ()) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Writes the lineage of every run that was let go on, once, as the first rank saw it: into `out`, or into the
    trainer's own folder if the run made it. Gives the folders, and what could not be written."""
    from caveat.guard import written
    from caveat.guard.judged import base_in, judge

    folders, trouble = [], []
    for d in {d.subject: d for r in reversed(found) for d in r.decisions if not d.stop and not d.failed}.values():
        made = d.trainer.output or d.saved
        folder = out or (Path(d.folder) / made if made else None)
        if folder is None or not (out or folder.is_dir()):
            continue
        recipe = recipe_of({"recipes": recipes}, d.loads)
        judged = judge(d.loads, d.trainer, recipe=recipe, accept=accept, settings=settings)
        run_ = written.Run(judged, d.loads, d.trainer, tuple(accept), date.today(), settings,
                           more=base_in(recipe, judged.report.subject),
                           resumed=written.since(folder, BEGAN))  # a callback's declarations of this run are kept
        told = written.write(folder, run_)
        trouble += told
        folders += [str(folder)] if not told else []
    return tuple(folders), tuple(trouble)


def say(text: str) -> None:
    """On stderr: standard output is the command's."""
    sys.stderr.write(text)
    sys.stderr.flush()


@contextmanager
def records_folder() -> Iterator[Path]:
    """A private folder for the records of one run, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="caveat-guard-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(settings: Settings, records: Path, strict: bool, law: Sequence[str] = (),
                recipes: Sequence[str] = ()) -> dict[str, str]:
    """The environment of the command: ours, with the start-up folder in front and the settings in one variable.
    `recipes` plan the run; they tell of the base where a process loads weights by a way that is not seen."""
    path = os.environ.get("PYTHONPATH", "")
    said: dict[str, Any] = {
        "python": sys.executable, "path": _own_path(path), "records": str(records), "strict": strict,
        "facts": dict(settings.facts), "readings": dict(settings.readings), "presume": settings.presume,
        "recipes": [str(Path(file).resolve()) for file in dict.fromkeys(recipes)],
        "law": [str(Path(folder).resolve()) for folder in law],
        "policy": _absolute(settings.policy), "project": _absolute(settings.project),
    }
    return {**os.environ, "CAVEAT_GUARD": json.dumps(said),
            "PYTHONPATH": os.pathsep.join(filter(None, (str(STARTUP), path)))}


def _own_path(path: str) -> str:
    """What the Python that decides needs to find Caveat again, wherever it was found this time."""
    home = str(Path(__file__).resolve().parents[2])
    return os.pathsep.join(filter(None, (home, path)))


def _absolute(path: Path | None) -> str:
    return str(path.resolve()) if path else ""


def run(words: Sequence[str], env: Mapping[str, str]) -> int:
    """Runs the command to its end; its exit code, or minus the number of the signal that ended it.

    Raises SettingsError if there is no such command.
    """
    try:
        child = subprocess.Popen(list(words), env=dict(env))
    except OSError as fault:
        raise SettingsError(f"cannot run {words[0]!r}: {fault.strerror or fault}") from None
    with passing_on(child):
        return child.wait()


@contextmanager
def passing_on(child: subprocess.Popen[bytes]) -> Iterator[None]:
    """Signals go to the command meanwhile; the guard itself waits for its end."""
    names = [getattr(signal, n) for n in PASSED_ON if hasattr(signal, n)]
    former = {n: signal.signal(n, lambda number, _: child.send_signal(number)) for n in names}
    former[signal.SIGINT] = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def end_as(code: int) -> int:
    """The exit code for a shell; a command that a signal ended ends the guard by the same signal."""
    if code >= 0:
        return code
    signal.signal(-code, signal.SIG_DFL) if -code not in (signal.SIGKILL, signal.SIGSTOP) else None
    os.kill(os.getpid(), -code)
    return 128 - code
