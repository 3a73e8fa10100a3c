"""Does a training step cost more under the guard? The same few hundred steps of real trainers, with it and without.

Tiny models (tests/train), where a step is short and a cost would show most. Each round runs both in turn; the median
step of each whole process is taken, and the difference is held against the spread of the rounds without the guard.
Time is that of the processor: on a machine that does other things besides, a clock measures those.
Needs the extra `train`. Run: python benchmarks/guard_steps.py [--rounds 5] [--steps 300]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.train import runs, tiny  # noqa: E402  # the root is no package path otherwise

TRAINERS = ("loop", "plain", "sft")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--trainer", action="append", choices=TRAINERS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="guard-steps-") as folder:
        material = tiny.make(Path(folder) / "made")
        for trainer in options.trainer or TRAINERS:
            compared(trainer, material, options.rounds, options.steps)
    return 0


def compared(trainer: str, material: tiny.Material, rounds: int, steps: int) -> None:
    """One line: medians of the rounds in processor milliseconds a step, and the spread of either side."""
    row = runs.Row("python", trainer, "parquet", "mixtral.parquet", True, more=("--steps", str(steps)))
    took: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for guarded in (False, True):
            outcome = runs.start(row, material, runs.GUARD if guarded else ())
            if outcome.code:
                sys.exit(f"{trainer} ended with {outcome.code}:\n{outcome.printed[-2000:]}")
            took[guarded].append(a_step(outcome))
    bare, held = took[False], took[True]
    print(f"{trainer}: {median(bare):.3f} ms a step without ({min(bare):.3f} to {max(bare):.3f}), "
          f"{median(held):.3f} ms with ({min(held):.3f} to {max(held):.3f}); ratio {median(held) / median(bare):.3f}, "
          f"{rounds} rounds of {steps} steps", flush=True)


def a_step(outcome: runs.Outcome) -> float:
    """Processor milliseconds of the median step of a process, the first ten left out."""
    ends = [float(m.split()[-1]) for m in outcome.marks if m.startswith("step")]
    return median(later - one for one, later in pairwise(ends[10:])) * 1e3


if __name__ == "__main__":
    sys.exit(main())
