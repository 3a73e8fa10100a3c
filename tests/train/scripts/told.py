"""What a run says of itself, in a file beside its output: started, every step taken, ended. The table reads it; the
guard has no part in it.
"""

import argparse
import os
import shlex
import time
from pathlib import Path

from transformers import TrainerCallback


def options():
    """What every script of this folder may be told, on its command line or, out of sight of it, in RUN."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--way", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--eval-way", default="")
    parser.add_argument("--eval-data", default="")
    parser.add_argument("--lora", action="store_true")
    parser.add_argument("--adapter", default="", help="start from this LoRA adapter")
    parser.add_argument("--ref-model", default="")
    parser.add_argument("--callback", action="store_true", help="judge in code, by Caveat's own callback")
    parser.add_argument("--glance", default="", help="a data set that is loaded to be looked at, and not trained on")
    return parser.parse_args(shlex.split(os.environ.get("RUN", "")) or None)


def mark(output, what):
    """One line more in OUTPUT.steps: what, by which process, at which second of a clock and of its processor."""
    when = f"{time.perf_counter():.6f} {time.process_time():.6f}"
    with Path(f"{output}.steps").open("a") as stream:
        stream.write(f"{what} rank {os.environ.get('RANK', '0')} at {when}\n")


class Told(TrainerCallback):
    """Writes down each step just before the optimizer takes it, and after."""

    def __init__(self, output):
        self.output = output

    def on_pre_optimizer_step(self, args, state, control, **rest):
        mark(self.output, "about to step")

    def on_step_end(self, args, state, control, **rest):
        mark(self.output, "step")
