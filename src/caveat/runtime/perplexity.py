"""How well a model foretells a text, before and after: perplexity as llama.cpp's own tool counts it.

The text's tokens are cut into windows of `context` tokens; each begins with the token that begins a text where the
model has one, and only the second half is scored, so that every token has at least half a window before it:
perplexity = exp(mean of -log p(token | the window before it)), with its standard error (tools/perplexity of llama.cpp).
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EngineError, SettingsError

CONTEXT, MOST_TEXT = 512, 16 << 20
INSTALL = ("perplexity needs the model's probabilities for every token of the text, which xllamacpp does not give: pip "
           "install llama-cpp-python, or llama.cpp's own llama-perplexity on the PATH")
ESTIMATE = re.compile(r"Final estimate: PPL = ([\d.]+) \+/- ([\d.]+)")
WINDOWS = re.compile(r"over (\d+) chunks")


class Perplexity(NamedTuple):
    """Perplexity and its standard error, how many windows and tokens were scored, and by what."""

    value: float
    error: float
    windows: int
    scored: int
    engine: str


def engine() -> str:
    """What can count it here. Raises EngineError naming what to install."""
    if find_spec("llama_cpp"):
        return "llama-cpp-python"
    if shutil.which("llama-perplexity"):
        return "llama-perplexity"
    raise EngineError(INSTALL)


def text_checked(path: Path) -> Path:
    """The text, if it is one that can be read; raises SettingsError."""
    try:
        size = path.stat().st_size
        path.read_text("utf-8") if size <= MOST_TEXT else None
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"--perplexity {path}: {getattr(fault, 'strerror', None) or 'not UTF-8 text'}") from None
    if size > MOST_TEXT:
        raise SettingsError(f"--perplexity {path}: more than {MOST_TEXT >> 20} MiB of text")
    return path


def perplexity(model: Path, text: Path, threads: int = 1, context: int = CONTEXT) -> Perplexity:
    """The perplexity of a GGUF model on a UTF-8 text of at least two windows. Raises EngineError."""
    name = engine()
    files = (str(model.absolute()), str(text.absolute()))
    if name == "llama-cpp-python":
        asked = json.dumps({"model": files[0], "text": files[1], "threads": threads, "context": context})
        said = _ran([sys.executable, "-P", "-m", "caveat.runtime.perplexity", asked], model, threads)
        return Perplexity(**json.loads(said.splitlines()[-1]))
    said = _ran([shutil.which(name) or name, "-m", files[0], "-f", files[1], "-c", str(context), "-b", str(context),
                 "-t", str(threads), "--no-warmup"], model, threads)
    return _told(said, context, model)


def _ran(command: list[str], model: Path, threads: int) -> str:
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace",
                          env={**os.environ, "OMP_NUM_THREADS": str(threads)}) as process:
        try:
            said, _ = process.communicate()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        lines = " / ".join([line for line in said.splitlines() if line.strip()][-3:])
        raise EngineError(f"{model}: no perplexity ({lines or f'ended with {process.returncode}'})")
    return said


def _told(said: str, context: int, model: Path) -> Perplexity:
    """What llama-perplexity printed."""
    found, windows = ESTIMATE.search(said), WINDOWS.search(said)
    if not found:
        lines = " / ".join([line for line in said.splitlines() if "need" in line or "rror" in line][-2:])
        raise EngineError(f"{model}: no perplexity ({lines or 'llama-perplexity gave no estimate'})")
    count = int(windows[1]) if windows else 0
    return Perplexity(float(found[1]), float(found[2]), count, count * (context - context // 2 - 1), "llama-perplexity")


# Inside a process of its own.


def main(words: list[str]) -> int:
    """One model and text in JSON; prints the perplexity in JSON on the last line."""
    import llama_cpp

    asked = json.loads(words[0])
    window = asked["context"]
    model = llama_cpp.Llama(asked["model"], n_ctx=window, n_batch=window, n_threads=asked["threads"],
                            n_threads_batch=asked["threads"], logits_all=True, verbose=False)
    tokens = model.tokenize(Path(asked["text"]).read_bytes(), add_bos=True, special=False)
    if len(tokens) < 2 * window:
        print(f"the text is {len(tokens)} tokens; two windows of {window} are the least")
        return 1
    begins = llama_cpp.llama_vocab_get_add_bos(llama_cpp.llama_model_get_vocab(model.model))
    lost = [x for first in range(0, len(tokens) - window + 1, window)
            for x in _window(model, tokens[first:first + window], begins)]
    print(json.dumps(_counted(lost, len(tokens) // window, f"llama-cpp-python {llama_cpp.__version__}")))
    return 0


def _window(model: Any, tokens: list[int], begins: bool) -> list[float]:
    """-log p of every token of the second half but the first, which the first half foretells."""
    import numpy

    half, last = len(tokens) // 2, len(tokens) - 1
    model.reset()
    model.eval([model.token_bos(), *tokens[1:]] if begins else tokens)
    scores = numpy.asarray(model.scores[half:last], dtype=numpy.float64)
    top = scores.max(axis=1)
    whole = top + numpy.log(numpy.exp(scores - top[:, None]).sum(axis=1))
    picked = scores[numpy.arange(last - half), tokens[half + 1:]]
    return [float(x) for x in whole - picked]


def _counted(lost: list[float], windows: int, engine: str) -> dict[str, Any]:
    mean = math.fsum(lost) / len(lost)
    spread = math.sqrt(max(0.0, math.fsum(x * x for x in lost) / len(lost) - mean * mean) / max(1, len(lost) - 1))
    value = math.exp(mean)
    return {"value": value, "error": spread * value, "windows": windows, "scored": len(lost), "engine": engine}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
