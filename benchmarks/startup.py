"""How long people wait before anything is said: whole processes, as ratios to a bare `python -c pass`.

Every round runs every command once, in turn, so that a busy machine slows all of them alike; medians are compared.
`--profile COMMAND` prints the imports that cost most instead.

    python benchmarks/startup.py [--rounds 15] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
QUESTION = "may I train tiiuae/falcon-7b on output of meta-llama/Llama-2-70b-chat-hf and sell it?"
CAVEAT = [sys.executable, "-m", "caveat"]
COMMANDS: dict[str, list[str]] = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "caveat --help": [*CAVEAT, "--help"],
    "caveat ask": [*CAVEAT, "ask", QUESTION],
    "caveat check": [*CAVEAT, "check", str(ROOT / "examples" / "Intel__neural-chat-7b-v3-1")],
}
#: Compiled modules are kept, as they are for whoever installs it: a machine that forbids them compiles at every start.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
#: What we hold ourselves to, in bare starts of the interpreter.
TARGETS = {"caveat --help": 4.0, "caveat ask": 8.0}


def once(command: Sequence[str]) -> float:
    """Seconds of one whole process. Exit code 1 means findings, which is no failure here."""
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, check=False, env=ENVIRONMENT)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.decode()[-2000:]}")
    return seconds


def measured(rounds: int) -> dict[str, float]:
    """Median seconds per command over interleaved rounds; one round first, unmeasured, fills the caches."""
    for command in COMMANDS.values():
        once(command)
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            seconds[name].append(once(command))
    return {name: median(s) for name, s in seconds.items()}


def profile(command: Sequence[str], most: int = 25) -> None:
    """The imports of one command that take longest themselves, in milliseconds."""
    command = [sys.executable, "-X", "importtime", *command[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=ENVIRONMENT)
    mark = "import time:"
    rows = [line[len(mark):].split("|") for line in done.stderr.splitlines() if line.startswith(mark)]
    costs = sorted(((int(own), name.strip()) for own, _, name in rows[1:]), reverse=True)
    for own, name in costs[:most]:
        print(f"{own / 1000:7.2f} ms  {name}")
    print(f"{sum(own for own, _ in costs) / 1000:7.2f} ms  in {len(costs)} imports")


def main() -> int:
    """Print the table; exit 1 if a target is missed."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--rounds", type=int, default=15)
    cli.add_argument("--json", metavar="FILE", help="write the figures there as well")
    cli.add_argument("--profile", choices=list(COMMANDS))
    options = cli.parse_args()
    if options.profile:
        profile(COMMANDS[options.profile])
        return 0
    seconds = measured(options.rounds)
    bare = seconds["python -c pass"]
    ratios = {name: s / bare for name, s in seconds.items()}
    for name, ratio in ratios.items():
        target = f"  target {TARGETS[name]:g}x" if name in TARGETS else ""
        print(f"{name:<16} {seconds[name] * 1000:7.1f} ms  {ratio:5.2f}x{target}")
    if options.json:
        Path(options.json).write_text(json.dumps({"seconds": seconds, "ratios": ratios}, indent=1) + "\n", "utf-8")
    return int(any(ratios[name] > target for name, target in TARGETS.items()))


if __name__ == "__main__":
    sys.exit(main())
