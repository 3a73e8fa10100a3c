"""Is what we convert what llama.cpp's converter makes, how fast, and in how much memory?

    python benchmarks/convert.py --llama-cpp DIR --python FILE [--layers N] [--runs N]

DIR holds convert_hf_to_gguf.py; FILE is a Python with torch and transformers that runs it. The model has SmolLM2-135M's
shape with random weights in bf16. Both convert it in turn, each in a process of its own; medians. What starting takes
is measured on a model of two tiny layers and told apart. The limit is copying as many bytes: read, and written anew.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from gguf import GGUFReader  # noqa: E402
from tests.runtime import checkpoints  # noqa: E402

THEIRS = ROOT / "tests" / "runtime" / "their_converter.py"
OURS = """
import sys
from pathlib import Path
from caveat.runtime.convert.converting import convert, plan
convert(plan(Path(sys.argv[1]), sys.argv[3]), Path(sys.argv[2]))
"""
COPY = """
import sys
with open(sys.argv[1], "rb", buffering=0) as source, open(sys.argv[2], "wb", buffering=0) as out:
    while block := source.read(4 << 20):
        out.write(block)
"""
#: Runs one program and tells its seconds, its processor's seconds and its largest memory.
WATCH = """
import json, os, resource, subprocess, sys, time
begun = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if done.returncode: sys.exit(done.stderr.decode()[-2000:])
print(json.dumps([time.monotonic() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""


def large(folder: Path, layers: int) -> Path:
    """SmolLM2-135M's shape: 49,152 tokens, 576 wide, 9 heads over 3, tied; written a tensor at a time."""
    config = checkpoints.config(hidden_size=576, num_attention_heads=9, num_key_value_heads=3, num_hidden_layers=layers,
                                intermediate_size=1536, vocab_size=49152, tie_word_embeddings=True)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    checkpoints._tokenizer(folder, "spm", 49152)
    shapes, at, entries = checkpoints.shapes(config), 0, {}
    for name, shape in shapes.items():
        size = 2 * math.prod(shape)
        entries[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    file, chance = folder / "model.safetensors", np.random.default_rng(0)
    checkpoints.raw(file, entries)
    with file.open("ab") as out:
        for shape in shapes.values():
            out.write(checkpoints.packed("BF16", chance.standard_normal(shape, np.float32)))
    return folder


def watched(*words: str) -> tuple[float, float, float]:
    done = subprocess.run([sys.executable, "-c", WATCH, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    wall, processor, memory = json.loads(done.stdout)
    return wall, processor, memory


def medians(runs: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    wall, processor, memory = (statistics.median(r[i] for r in runs) for i in range(3))
    return wall, processor, memory


def same(one: Path, two: Path) -> str:
    a, b = ({t.name: (t.tensor_type, t.data.tobytes()) for t in GGUFReader(p).tensors} for p in (one, two))
    whole = one.read_bytes() == two.read_bytes()
    return f"{sum(a[n] == b.get(n) for n in a)} of {len(b)} tensors identical, whole file {'too' if whole else 'not'}"


def memory_speed(size: int) -> float:
    """Seconds to copy as many bytes within memory."""
    source = np.ones(size, np.uint8)
    out = np.empty_like(source)
    np.copyto(out, source)
    begun = time.monotonic()
    np.copyto(out, source)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--llama-cpp", default="", metavar="DIR")
    parser.add_argument("--python", default=sys.executable, metavar="FILE")
    parser.add_argument("--layers", type=int, default=30)
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        measured(asked, Path(place))


def measured(asked: argparse.Namespace, place: Path) -> None:
    model, tiny = large(place / "model", asked.layers), checkpoints.checkpoint(place / "tiny")
    weights = model / "model.safetensors"
    largest = 2 * 49152 * 576
    print(f"{weights.stat().st_size / 1e6:.0f} MB of weights in bf16, largest tensor {largest / 1e6:.0f} MB")
    for kind in ("bf16", "f16", "f32"):
        ours, theirs, copied = place / "ours.gguf", place / "theirs.gguf", place / "copy"
        run = {"caveat": (sys.executable, "-c", OURS, str(model), str(ours), kind),
               "copy": (sys.executable, "-c", COPY, str(weights), str(copied)),
               "caveat, start": (sys.executable, "-c", OURS, str(tiny), str(place / "t1.gguf"), kind)}
        if asked.llama_cpp:
            run["llama.cpp"] = (asked.python, str(THEIRS), asked.llama_cpp, "", str(model), str(theirs), kind)
            run["llama.cpp, start"] = (asked.python, str(THEIRS), asked.llama_cpp, "", str(tiny),
                                       str(place / "t2.gguf"), kind)
        taken: dict[str, list[tuple[float, float, float]]] = {name: [] for name in run}
        for _ in range(asked.runs):
            for name, words in run.items():
                taken[name].append(watched(*words))
        told(kind, {n: medians(t) for n, t in taken.items()}, ours.stat().st_size)
        if asked.llama_cpp:
            print(f"  {same(ours, theirs)}")


def told(kind: str, t: dict[str, tuple[float, float, float]], size: int) -> None:
    (wall, used, peak), (begin, _, begin_peak) = t["caveat"], t["caveat, start"]
    net = max(1e-3, wall - begin)
    print(f"{kind}: caveat {wall:.2f} s ({used:.2f} s of processor), of it {begin:.2f} s to start; "
          f"{size / net / 1e6:.0f} MB/s written after that")
    print(f"  x {net / max(1e-3, t['copy'][0] - 0.02):.2f} of copying the weights' file; "
          f"x {net / memory_speed(size):.1f} of copying as much in memory")
    print(f"  peak memory {peak / 1e6:.0f} MB, {(peak - begin_peak) / 1e6:.0f} MB over that of a tiny model")
    if "llama.cpp" in t:
        (w, u, p), (b, _, bp) = t["llama.cpp"], t["llama.cpp, start"]
        print(f"  llama.cpp's converter {w:.2f} s ({u:.2f} s of processor), of it {b:.2f} s to start: caveat is "
              f"x {w / wall:.1f} as fast, x {max(1e-3, w - b) / net:.1f} after the start")
        print(f"  its peak memory {p / 1e6:.0f} MB ({(p - bp) / 1e6:.0f} MB over that of a tiny model): "
              f"caveat's is x {peak / p:.2f} of it")


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
