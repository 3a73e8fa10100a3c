"""What the guard costs a training process: its start, its steps, and the one decision; with it and without, in turn.

    python benchmarks/guard.py [--python PATH] [--rounds 15] [--steps 200]

`--python` names the Python of the environment that trains (with torch and transformers; what it lacks is left out and
said). A start is a whole process; medians of interleaved rounds are compared. Processor time is told beside the time on
the clock, because a busy machine hides milliseconds on the clock; it is what is held to 100 ms.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from caveat.guard.judged import Settings
from caveat.guard.running import environment

LIMIT_MS = 100
STARTS = {"python -c pass": "pass", "import torch, transformers": "import torch, transformers"}
#: A loop on one small tensor: the step itself is all there is, so that a hook would show. Prints the first step in
#: milliseconds, then the median of the others in microseconds.
LOOP = """
import sys, time, torch
weight = torch.nn.Parameter(torch.zeros(64))
optimizer = torch.optim.SGD([weight], lr=0.1)
took = []
for _ in range(int(sys.argv[1])):
    weight.grad = torch.ones(64)
    start = time.perf_counter(); optimizer.step(); took.append(time.perf_counter() - start)
print(took[0] * 1e3, sorted(took[1:])[len(took) // 2] * 1e6)
"""


class Ran(NamedTuple):
    """One whole process: seconds on the clock and of the processor, and what it printed."""

    clock: float
    processor: float
    said: str


def once(command: list[str], env: Mapping[str, str]) -> Ran:
    used, start = _processor(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(env))
    clock = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return Ran(clock, _processor() - used, done.stdout)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def environments(folder: Path) -> dict[str, dict[str, str]]:
    """Without the guard, and as `caveat guard` hands it on."""
    bare = {k: v for k, v in os.environ.items() if k not in ("PYTHONDONTWRITEBYTECODE", "CAVEAT_GUARD")}
    guarded = environment(Settings(), folder, strict=False)
    return {"without": bare, "with": {**bare, **{k: guarded[k] for k in ("CAVEAT_GUARD", "PYTHONPATH")}}}


def in_turn(command: list[str], envs: Mapping[str, Mapping[str, str]],
            rounds: int) -> dict[str, list[Ran]]:
    """Every round runs both, in turn; one round first, unmeasured, fills the caches."""
    found: dict[str, list[Ran]] = {name: [] for name in envs}
    for n in range(rounds + 1):
        for name, env in envs.items():
            ran = once(command, env)
            found[name] += [ran] if n else []
    return found


def starts(python: str, envs: Mapping[str, Mapping[str, str]], rounds: int) -> bool:
    """One line for each start; whether all stay under the limit."""
    good = True
    for name, code in STARTS.items():
        if not _has(python, code):
            print(f"{name}: left out, {python} has not got them")
            continue
        ran = in_turn([python, "-c", code], envs, rounds)
        for what in ("clock", "processor"):
            bare, guarded = (median(getattr(r, what) for r in ran[k]) * 1e3 for k in ("without", "with"))
            print(f"{name}, {what}: {bare:.1f} ms without, {guarded:.1f} ms with; difference of medians "
                  f"{guarded - bare:+.1f} ms (ratio {guarded / bare:.2f}, limit {LIMIT_MS} ms)")
            good &= what == "clock" or guarded - bare < LIMIT_MS
    return good


def steps(python: str, envs: Mapping[str, Mapping[str, str]], rounds: int, many: int) -> None:
    """The median step with and without, and the first one, which holds the decision."""
    if not _has(python, "import torch"):
        print(f"steps and decision: left out, {python} has no torch")
        return
    ran = in_turn([python, "-c", LOOP, str(many)], envs, max(3, rounds // 3))
    told = {k: [tuple(map(float, r.said.split())) for r in v] for k, v in ran.items()}
    step = {k: median(t[1] for t in v) for k, v in told.items()}
    first = {k: median(t[0] for t in v) for k, v in told.items()}
    print(f"step of a {many}-step loop: {step['without']:.2f} us without, {step['with']:.2f} us with "
          f"(ratio {step['with'] / step['without']:.3f})")
    print(f"first step: {first['without']:.1f} ms without, {first['with']:.1f} ms with: "
          f"the decision takes {first['with'] - first['without']:.0f} ms, once")


def _has(python: str, code: str) -> bool:
    return subprocess.run([python, "-c", code], capture_output=True, check=False).returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        envs = environments(Path(folder))
        good = starts(options.python, envs, options.rounds)
        steps(options.python, envs, options.rounds, options.steps)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
