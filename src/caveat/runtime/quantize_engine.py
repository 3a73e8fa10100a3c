"""K- and I-quantizations by llama.cpp itself: the library in a process of its own, or the tool on the PATH.

A process of its own, because a library that meets a lie in a file ends the process it runs in, and because only a
process can be interrupted in the middle. What it wrote goes under a new header before anybody sees it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EngineError, SettingsError, nearest
from caveat.runtime.quantize_types import FILE_TYPES

#: What llama.cpp refuses to make without an importance matrix.
NEEDS_MATRIX = frozenset("Q2_K_S IQ3_XXS IQ2_M IQ2_S IQ2_XS IQ2_XXS IQ1_M IQ1_S".split())
#: Engines in the order in which they are tried; "gguf" is the package, and no engine of llama.cpp.
ENGINES = ("llama-cpp-python", "llama-quantize")
#: "main: build = 4000 (0c1e570)" of older tools, "version: 0.5.0 (build 1, commit 0c1e570)" of newer ones.
BUILD = re.compile(r"build (?:= )?(\d+)(?: \(|, commit )(\w+)\)")
#: Longest tail of an engine's own words that is shown, in lines.
TAIL = 4
INSTALL = ("pip install llama-cpp-python (it compiles llama.cpp, some minutes), or llama.cpp's own llama-quantize on "
           "the PATH")


class Job(NamedTuple):
    """One quantization: from which file into which, under which name, by how many threads."""

    source: Path
    out: Path
    name: str
    threads: int = 1
    pure: bool = False
    matrix: Path | None = None
    again: bool = False  # the source is quantized already


class Engine(NamedTuple):
    """An engine that was found: its name, and what runs it."""

    name: str
    run: Callable[[Job], str]  # -> its version


def found() -> tuple[Engine, ...]:
    """The engines there are, in the order in which they are tried."""
    engines = []
    if find_spec("llama_cpp"):
        engines.append(Engine("llama-cpp-python", _library))
    if shutil.which("llama-quantize"):
        engines.append(Engine("llama-quantize", _tool))
    return tuple(engines)


def chosen(name: str = "") -> Engine:
    """The engine of this name, or the first there is. Raises EngineError where there is none, SettingsError for a name
    that is none."""
    if name and name not in ENGINES:
        raise SettingsError(f"--engine: unknown {name!r}", nearest(name, ENGINES))
    engine = next((e for e in found() if name in ("", e.name)), None)
    if engine is None:
        raise EngineError(f"no {name or 'llama.cpp'} here to make K- and I-quantizations with: {INSTALL}")
    return engine


def checked(job: Job) -> Job:
    """The job, if llama.cpp will take it. Raises SettingsError."""
    if job.name in NEEDS_MATRIX and job.matrix is None:
        raise SettingsError(f"{job.name} needs --imatrix FILE: without one llama.cpp makes garbage of it and refuses")
    if job.matrix is not None and not job.matrix.is_file():
        raise SettingsError(f"--imatrix {job.matrix}: no such file")
    return job


# The tool on the PATH.


def _tool(job: Job) -> str:
    flags = [*(["--allow-requantize"] if job.again else []), *(["--pure"] if job.pure else []),
             *(["--imatrix", str(job.matrix.absolute())] if job.matrix else [])]
    tool = shutil.which("llama-quantize") or "llama-quantize"
    said = _ran([tool, *flags, str(job.source.absolute()), str(job.out.absolute()), job.name, str(job.threads)], job)
    build = BUILD.search(said)
    return f"build {build[1]} ({build[2]})" if build else "of unknown version"


# The library, in a process of its own.


def _library(job: Job) -> str:
    told = {**job._asdict(), "source": str(job.source.absolute()), "out": str(job.out.absolute()),
            "matrix": str(job.matrix.absolute()) if job.matrix else ""}
    said = _ran([sys.executable, "-P", "-m", "caveat.runtime.quantize_engine", json.dumps(told)], job)
    version = re.search(r"^llama_cpp (\S+)$", said, re.MULTILINE)
    return version[1] if version else "of unknown version"


def _ran(command: list[str], job: Job) -> str:
    """What a process wrote; raises EngineError with the last lines of a failed one, and ends it when interrupted."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.threads)}
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=environment, text=True, errors="replace") as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode or not job.out.is_file():
        lines = [line for line in said.splitlines() if line.strip()][-TAIL:]
        raise EngineError(f"{job.name} was not made: {Path(command[0]).name} ended with {process.returncode}"
                          f"{': ' + ' / '.join(lines) if lines else ''}")
    return said


def main(words: list[str]) -> int:
    """Inside the process: one job in JSON, done by llama_cpp."""
    import ctypes

    import llama_cpp

    told = json.loads(words[0])
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.nthread, parameters.ftype = told["threads"], FILE_TYPES[told["name"]]
    parameters.pure, parameters.allow_requantize = told["pure"], told["again"]
    kept: list[Any] = []
    if told["matrix"]:
        kept = _matrix(Path(told["matrix"]), llama_cpp)
        parameters.imatrix = ctypes.cast(kept[0], ctypes.POINTER(llama_cpp.llama_model_imatrix_data))
    failed = llama_cpp.llama_model_quantize(told["source"].encode(), told["out"].encode(), ctypes.byref(parameters))
    print(f"llama_cpp {llama_cpp.__version__}", flush=True)
    return int(bool(failed) or (not kept and bool(told["matrix"])))


def _matrix(path: Path, llama_cpp: Any) -> list[Any]:
    """An importance matrix as llama_model_quantize takes it (an array that ends with an empty name), and its parts.

    Of each weight: sums of squares over the count of tokens, as llama.cpp's tool reads the GGUF form of the file.
    """
    import ctypes

    import numpy
    from gguf import GGUFReader

    tensors = {t.name: numpy.asarray(t.data, dtype=numpy.float32) for t in GGUFReader(path).tensors}
    names = [n.removesuffix(".in_sum2") for n in tensors if n.endswith(".in_sum2")]
    if not names:
        raise SystemExit(f"{path}: no importance matrix in GGUF form (llama-imatrix writes one)")
    means = {n: _mean(tensors[f"{n}.in_sum2"], tensors[f"{n}.counts"]) for n in names if f"{n}.counts" in tensors}
    kind = llama_cpp.llama_model_imatrix_data
    rows = (kind * (len(means) + 1))()
    for row, (name, mean) in zip(rows, means.items()):
        row.name, row.size = name.encode(), mean.size
        row.data = mean.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
    return [rows, means]


def _mean(sums: Any, counts: Any) -> Any:
    import numpy

    s, c = numpy.asarray(sums), numpy.asarray(counts).reshape(-1, 1)
    s = s.reshape(len(c), -1)
    mean = numpy.where(c > 0, s / numpy.where(c > 0, c, 1), 1)
    return numpy.ascontiguousarray(mean, dtype=numpy.float32).reshape(-1)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
