"""Does the guard stop every prohibited run of the table before its first step, and let every lawful one go on?

Real trainers on tiny models (tests/train): launcher x trainer x way of naming the data, each once prohibited and once
lawful, and runs beside the line. Each row is a whole command of its own under `caveat guard`. A step is told by the
script's own file and by the weights it saved; a lawful run must also leave lineage that `caveat check` reads back.
Needs the extra `train`. Run: python benchmarks/guard_table.py [--results FILE] [--only WORD] [--minutes N]
With --results a later run goes on where an earlier one ended; --again runs the rows once more that went wrong.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.train import runs, tiny  # noqa: E402  # the root is no package path otherwise


def main() -> int:
    options = parsed()
    rows = [r for r in runs.table() if all(word in r.name for word in options.only)]
    known = {k: v for k, v in read(options.results).items() if not (options.again and v["wrong"])}
    ends = time.monotonic() + options.minutes * 60
    with tempfile.TemporaryDirectory(prefix="guard-table-") as folder:
        for said in new(rows, known, Path(folder), ends):
            known[said["name"]] = said
            append(options.results, said)
            print(line(said), flush=True)
        if options.beyond:
            material = tiny.make(Path(folder) / "beyond")
            for row in runs.beyond():
                print("not told apart:", line(one(row, material)), flush=True)
    summed(rows, known)
    return int(any(known[r.name]["wrong"] for r in rows if r.name in known))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--results", type=Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--minutes", type=float, default=1e6)
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--beyond", action="store_true", help="also the runs that the guard cannot tell")
    return parser.parse_args()


def new(rows: Iterable[runs.Row], known: dict[str, Any], folder: Path, ends: float) -> Iterator[dict[str, Any]]:
    """The rows that are not known yet, run one after the other, until time is over."""
    left = [r for r in rows if r.name not in known]
    material = tiny.make(folder / "table") if left else None
    for row in left:
        if material is None or time.monotonic() > ends:
            return
        yield one(row, material)


def one(row: runs.Row, material: tiny.Material) -> dict[str, Any]:
    outcome = runs.start(row, material)
    wrong = runs.wrong(row, outcome)
    return {"name": row.name, "lawful": row.lawful, "launcher": row.launcher, "trainer": row.trainer, "way": row.way,
            "code": outcome.code, "steps": outcome.steps, "seconds": round(outcome.seconds, 1), "wrong": wrong,
            "commit": commit(), **({"printed": outcome.printed[-2000:]} if wrong else {})}


def commit() -> str:
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip()


def read(file: Path | None) -> dict[str, Any]:
    """Results by name; the newest of a row counts."""
    if file is None or not file.exists():
        return {}
    return {said["name"]: said for said in map(json.loads, file.read_text().splitlines())}


def append(file: Path | None, said: dict[str, Any]) -> None:
    if file is not None:
        with file.open("a") as stream:
            stream.write(json.dumps(said) + "\n")


def line(said: dict[str, Any]) -> str:
    ok = "ok   " if not said["wrong"] else "WRONG"
    return f"{ok} {said['name']:<62} exit {said['code']}  {said['steps']} step marks  {said['seconds']} s" + \
        "".join(f"\n      {w}" for w in said["wrong"])


def summed(rows: list[runs.Row], known: dict[str, Any]) -> None:
    """The two counts, and what was not run."""
    done = [known[r.name] for r in rows if r.name in known]
    for lawful, words in ((False, "prohibited runs stopped before the first step"),
                          (True, "lawful runs went on, their lineage read back")):
        mine = [d for d in done if d["lawful"] == lawful]
        print(f"{sum(not d['wrong'] for d in mine)} of {len(mine)} {words}")
    if len(done) < len(rows):
        print(f"{len(rows) - len(done)} of {len(rows)} rows were not run")


if __name__ == "__main__":
    sys.exit(main())
