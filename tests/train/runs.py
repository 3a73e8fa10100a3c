"""One run of the table: a launcher, a trainer, a way of naming the data, and whether the law allows it; how it is
started, and what it left. Whether a step was taken is told by the script's own file of steps and by the weights that
it saved, never by the guard.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from tests.train.tiny import (
    HELPFUL,
    HUMAN,
    LLAMA,
    LLAMA_CHAT,
    MISTRAL,
    MIXTRAL,
    OPEN,
    RESTRICTED,
    STRICT,
    Material,
)

BIN = Path(sys.executable).parent
GUARD = (str(BIN / "caveat"), "guard", "--")
PROCESSES = ("--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no")
#: What stands before the script and its arguments.
LAUNCHERS: dict[str, tuple[str, ...]] = {
    "python": (sys.executable,),
    "module": (sys.executable, "-m"),
    "bash": ("bash", "run.sh"),
    "accelerate": (str(BIN / "accelerate"), "launch", "--multi_gpu", *PROCESSES),
    "torchrun": (str(BIN / "torchrun"), "--nproc_per_node", "2", "--master_addr", "127.0.0.1"),
}
#: Launchers of two processes. Accelerate starts two under `--multi_gpu` only; where no GPU is, they train by gloo.
TWO = ("accelerate", "torchrun")
#: Clauses whose number must stand in what is printed when a run is refused.
CLAUSE = "1.b.v"


class Row(NamedTuple):
    """One run. `data` is what the way takes: an id, a path, or several with + between them."""

    launcher: str
    trainer: str
    way: str
    data: str
    lawful: bool
    model: str = MISTRAL
    more: tuple[str, ...] = ()
    settings: str = STRICT
    remark: str = ""
    argv: bool = False  # data and model stand on the command line, where they are read before anything starts

    @property
    def name(self) -> str:
        what = "lawful" if self.lawful else "prohibited"
        return "-".join(filter(None, (what, self.launcher, self.trainer, self.way, self.remark)))


class Outcome(NamedTuple):
    """What a run left: its exit code, the lines it wrote of its steps, its output folder, what it printed."""

    code: int
    marks: tuple[str, ...]  # "step rank 0 at 12.345678 1.234567": seconds of a clock and of the processor
    output: Path
    printed: str
    seconds: float

    @property
    def steps(self) -> int:
        """Optimizer steps begun, over all processes."""
        return sum(m.startswith(("step", "about to step")) for m in self.marks)

    @property
    def weights(self) -> bool:
        return any(self.output.rglob("*.safetensors"))


#: Way of naming the data -> what a prohibited run is given, and what a lawful one.
WAYS: dict[str, tuple[str, str]] = {
    "id": (RESTRICTED, HUMAN),
    "folder": ("./answers-llama", "./answers-mixtral"),
    "parquet": ("llama.parquet", "mixtral.parquet"),
    "jsonl": ("llama.jsonl", "human.jsonl"),
    "stream": ("llama.parquet", "mixtral.parquet"),
    "stream-id": (RESTRICTED, HELPFUL),
    "saved": ("llama-saved", "mixtral-saved"),
    "joined": ("human.parquet+llama.parquet", "human.parquet+mixtral.parquet"),
    "mixed": (f"{HUMAN}+{RESTRICTED}", f"{HUMAN}+{HELPFUL}"),
    "mixed-stream": ("mixtral.parquet+llama.jsonl", "mixtral.parquet+human.jsonl"),
}
TRAINERS = ("sft", "dpo", "plain", "loop")


def product(launchers: Sequence[str] = tuple(LAUNCHERS), trainers: Sequence[str] = TRAINERS,
            ways: Sequence[str] = tuple(WAYS)) -> Iterator[Row]:
    """Launcher x trainer x way, each once prohibited and once lawful."""
    for launcher in launchers:
        for trainer in trainers:
            for way in ways:
                bad, good = WAYS[way]
                yield Row(launcher, trainer, way, bad, False)
                yield Row(launcher, trainer, way, good, True)


def each_launcher() -> Iterator[Row]:
    """What the issue names: three launchers, every trainer, five ways."""
    return product(("python", "accelerate", "torchrun"), TRAINERS, ("id", "folder", "parquet", "stream", "mixed"))


def each_way() -> Iterator[Row]:
    """The other ways in one process, and the other starters with two ways."""
    yield from product(("python",), TRAINERS, ("jsonl", "stream-id", "saved", "joined", "mixed-stream"))
    yield from product(("module", "bash"), ("sft", "loop"), ("id", "parquet"))


def table() -> tuple[Row, ...]:
    """Every row: the ones beside the line first, the others mixed up, so that a part of the table is a fair part."""
    rest = sorted((*each_launcher(), *each_way()), key=lambda row: sha256(row.name.encode()).digest())
    return (*near(), *rest)


def beyond() -> tuple[Row, ...]:
    """What the guard cannot tell, shown and not counted. In a loop of one's own all that was loaded counts as taught
    on, so a lawful run is refused; of a stream of lines only the first rows are seen, so a breach may go on."""
    return (Row("python", "loop", "jsonl", "human.jsonl", True, remark="restricted-only-looked-at",
                more=("--glance", RESTRICTED)),
            Row("python", "loop", "stream-jsonl", "late.jsonl", False, remark="last-rows"))


def near() -> tuple[Row, ...]:
    """Runs beside the line: lawful ones that look like breaches, and breaches that look lawful."""
    return (
        Row("python", "sft", "parquet", "llama.parquet", True, LLAMA, remark="llama-into-llama"),
        Row("accelerate", "dpo", "parquet", "llama.parquet", True, LLAMA, remark="llama-into-llama"),
        Row("python", "dpo", "id", RESTRICTED, True, settings=OPEN, remark="only-depends"),
        Row("torchrun", "plain", "id", RESTRICTED, True, settings=OPEN, remark="only-depends"),
        Row("python", "sft", "parquet", "mixtral.parquet", True, remark="restricted-for-evaluation",
            more=("--eval-way", "parquet", "--eval-data", "llama.parquet")),
        Row("python", "sft", "parquet", "mixtral.parquet", True, "our-mistral", remark="local-model"),
        Row("python", "sft", "parquet", "llama.parquet", False, "our-mistral", remark="local-model"),
        Row("python", "sft", "parquet", "llama.parquet", False, remark="lora", more=("--lora",)),
        Row("python", "sft", "parquet", "mixtral.parquet", True, remark="lora", more=("--lora",)),
        Row("python", "dpo", "jsonl", "llama.jsonl", False, remark="lora", more=("--lora",)),
        Row("python", "plain", "folder", "./answers-llama", False, remark="adapter",
            more=("--adapter", "our-adapter")),
        Row("python", "plain", "folder", "./answers-mixtral", True, remark="adapter",
            more=("--adapter", "our-adapter")),
        Row("python", "dpo", "parquet", "human.parquet", True, remark="reference-model",
            more=("--ref-model", "our-mistral")),
        Row("python", "sft", "parquet", "late.parquet", False, remark="last-rows"),
        Row("python", "loop", "jsonl", "late.jsonl", False, remark="last-rows"),
        Row("python", "sft", "stream", "late.parquet", False, remark="last-rows"),
        Row("python", "dpo", "joined", "mixtral.parquet+late.parquet", False, remark="last-rows"),
        Row("python", "sft", "id", RESTRICTED, False, remark="command-line", argv=True),
        Row("torchrun", "plain", "stream-id", RESTRICTED, False, remark="command-line", argv=True),
        Row("accelerate", "sft", "id", HUMAN, True, remark="command-line", argv=True),
    )


def command(row: Row) -> list[str]:
    """The whole command line of the launcher."""
    script = row.trainer if row.launcher == "module" else f"{row.trainer}.py"
    port = {"torchrun": ["--master_port", str(free_port())], "accelerate": ["--main_process_port", str(free_port())]}
    told = words(row) if row.argv else []
    return [*LAUNCHERS[row.launcher], *port.get(row.launcher, ()), script, *told]


def words(row: Row) -> list[str]:
    """What the script is told."""
    return ["--model", row.model, "--way", row.way, "--data", row.data, "--output", f"out/{row.name}", *row.more]


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def environment(material: Material, row: Row) -> dict[str, str]:
    """Offline, one thread, a home of its own; nothing that this process was told."""
    hidden = {} if row.argv else {"RUN": shlex.join(words(row))}
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR", "COVERAGE_PROCESS_START")}
    return {**kept, **hidden, "PATH": f"{BIN}:{kept.get('PATH', '')}", "HF_HOME": str(material.home),
            "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore",
            "HF_HUB_DISABLE_TELEMETRY": "1", "TRL_EXPERIMENTAL_SILENCE": "1"}


def start(row: Row, material: Material, guard: Sequence[str] = GUARD, limit: float = 300,
          env: Mapping[str, str] | None = None) -> Outcome:
    """Runs the row and says what it left. A run that never ends counts as one that failed."""
    output = material.work / "out" / row.name
    shutil.rmtree(output, ignore_errors=True)
    steps = output.with_name(output.name + ".steps")
    steps.unlink(missing_ok=True)
    output.parent.mkdir(exist_ok=True)
    (material.work / "caveat.toml").write_text(row.settings)
    began = time.monotonic()
    given = {**environment(material, row), **(env or {})}
    code, printed = ended([*guard, *command(row)], material.work, given, limit)
    marks = tuple(steps.read_text().splitlines()) if steps.exists() else ()
    return Outcome(code, marks, output, printed, time.monotonic() - began)


def ended(words: list[str], folder: Path, env: Mapping[str, str], limit: float) -> tuple[int, str]:
    """Exit code and what was printed; -1 for a run that did not end, and then all of its processes are ended."""
    with subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          start_new_session=True) as run:
        try:
            printed, _ = run.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            return -1, run.communicate()[0]
        return run.returncode, printed


def wrong(row: Row, outcome: Outcome) -> list[str]:
    """What is not as it must be; nothing where the guard did right."""
    if not row.lawful:
        return refused(outcome)
    return went_on(outcome, 2 if row.launcher in TWO else 1) or lineage(row, outcome)


def lineage(row: Row, outcome: Outcome) -> list[str]:
    """What is missing where `caveat check OUTPUT` reads back what the guard wrote: base, data and who wrote them."""
    done = subprocess.run([str(BIN / "caveat"), "check", str(outcome.output), "--format", "json"],
                          capture_output=True, text=True, timeout=60)
    if done.returncode not in (0, 1):
        return [f"caveat check: exit {done.returncode}: {done.stderr[-200:]}"]
    report = json.loads(done.stdout.splitlines()[0])
    seen = {node["id"] for node in report["lineage"]["nodes"]}
    missing = [f"{name} is not in the lineage" for name in behind(row) if name not in seen]
    return missing + (["read back as prohibited"] if report["verdict"] == "prohibited" else [])


def behind(row: Row) -> tuple[str, ...]:
    """Public names that must stand behind what the run made."""
    parts = row.data.split("+")
    wrote = [name for label, name in (("mixtral", MIXTRAL), ("llama", LLAMA_CHAT)) if any(label in p for p in parts)]
    base = row.model if "/" in row.model else MISTRAL
    return (base, *(p for p in parts if p in (HUMAN, HELPFUL, RESTRICTED)), *wrote)


def refused(outcome: Outcome) -> list[str]:
    """What is wrong with the refusal of a prohibited run; nothing is as it must be."""
    return [what for what, wrong in (
        ("exit 0", outcome.code == 0),
        ("did not end", outcome.code == -1),
        (f"{outcome.steps} steps taken", outcome.steps > 0),
        ("weights were written", outcome.weights),
        (f"the clause {CLAUSE} is not named", CLAUSE not in outcome.printed),
    ) if wrong]


def went_on(outcome: Outcome, processes: int = 1, steps: int = 2) -> list[str]:
    """What is wrong with a lawful run that must have gone on to its end, in each of its processes."""
    ended = len({m.split(" at ")[0] for m in outcome.marks if m.startswith("ended")})
    return [what for what, wrong in (
        (f"exit {outcome.code}", outcome.code != 0),
        (f"{outcome.steps} steps taken", outcome.steps < steps * processes),
        (f"{ended} of {processes} processes ended", ended != processes),
        ("no weights were written", not outcome.weights),
    ) if wrong]
