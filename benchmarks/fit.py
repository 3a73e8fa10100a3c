"""Is what `caveat fit` says what llama.cpp would do, and how fast is a header read?

Against llama.cpp's own dry runs (`llama_model_quantize` with `dry_run`, and a model and context with `no_alloc`), on
sparse files of real shapes without weights. The engine is the shared library of node-llama-cpp, which is prebuilt:

    npm pack @node-llama-cpp/linux-x64@3.22.1 && tar xzf node-llama-cpp-linux-x64-3.22.1.tgz
    pip install gguf
    python benchmarks/fit.py --engine package/bins/linux-x64 [--model some-model.gguf]

No weight is read or written and no GPU is used; the files are holes and are removed. One thread.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import re
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from caveat.evidence import gguf_tensors
from caveat.flows.fitting import fit
from caveat.runtime import memory, mixes, published
from caveat.runtime.shape import Shape, of_config, tensors

MODELS = ("Llama-2-7B", "Llama-2-13B", "Llama-2-70B", "Llama-3-8B")
BESIDE = ("Mistral-7B", "SmolLM2-135M", "Qwen2.5-7B", "Llama-3-70B")
#: Shapes that were not looked at while the formula was found (their config.json at huggingface.co).
UNSEEN = {
    "Gemma-7B": {"model_type": "gemma", "num_hidden_layers": 28, "hidden_size": 3072, "intermediate_size": 24576,
                 "num_attention_heads": 16, "head_dim": 256, "vocab_size": 256000, "max_position_embeddings": 8192},
    "Gemma-2-2B": {"model_type": "gemma2", "num_hidden_layers": 26, "hidden_size": 2304, "intermediate_size": 9216,
                   "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 256000,
                   "max_position_embeddings": 8192, "sliding_window": 4096},
    "Qwen3-4B": {"model_type": "qwen3", "num_hidden_layers": 36, "hidden_size": 2560, "intermediate_size": 9728,
                 "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151936,
                 "max_position_embeddings": 40960, "tie_word_embeddings": True},
}
CONTEXTS = (512, 4096, 6144, 7168, 8192, 32768, 131072)
FILE_TYPES = {"Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12,
              "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17, "Q6_K": 18, "IQ2_XXS": 19,
              "IQ2_XS": 20, "Q2_K_S": 21, "IQ3_XS": 22, "IQ3_XXS": 23, "IQ1_S": 24, "IQ4_NL": 25, "IQ3_S": 26,
              "IQ3_M": 27, "IQ2_S": 28, "IQ2_M": 29, "IQ4_XS": 30, "IQ1_M": 31}
CACHE = {"f16": 1, "q8_0": 8, "q4_0": 2}
MIB = 1 << 20


# -- files of real shapes without weights -----------------------------------------------------------------------------
def sparse(shape: Shape, path: Path, vocabulary: bool = False) -> None:
    """A GGUF file of a shape in 16 bits whose weights are a hole."""
    import gguf
    import numpy as np

    writer = gguf.GGUFWriter(path, shape.architecture)
    for add, value in ((writer.add_block_count, shape.layers), (writer.add_context_length, shape.context),
                       (writer.add_embedding_length, shape.width), (writer.add_feed_forward_length, shape.feed_forward),
                       (writer.add_head_count, shape.heads), (writer.add_head_count_kv, shape.kv_heads),
                       (writer.add_layer_norm_rms_eps, 1e-5), (writer.add_file_type, 1)):
        add(value)
    _odd(writer, shape)
    _tokenizer(writer, shape, vocabulary)
    total = 0
    for tensor in tensors(shape):
        kind = np.dtype(np.float16 if len(tensor.dimensions) > 1 else np.float32)
        size = int(np.prod(tensor.dimensions)) * kind.itemsize
        writer.add_tensor_info(tensor.name, tensor.dimensions[::-1], kind, size)
        total += -(-size // 32) * 32
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    os.truncate(path, -(-path.stat().st_size // 32) * 32 + total)


def _odd(writer: Any, shape: Shape) -> None:
    """Keys that only some shapes need."""
    if shape.head_size * shape.heads != shape.width:
        writer.add_key_length(shape.head_size)
        writer.add_value_length(shape.head_size)
    if shape.window:
        writer.add_sliding_window(shape.window)
        writer.add_attn_logit_softcapping(50.0)
        writer.add_final_logit_softcapping(30.0)


def _tokenizer(writer: Any, shape: Shape, whole: bool) -> None:
    if not whole:
        writer.add_tokenizer_model("no_vocab")
        writer.add_vocab_size(shape.vocabulary)
        return
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"t{n:x}" for n in range(shape.vocabulary)])
    writer.add_token_types([1] * shape.vocabulary)
    writer.add_token_merges([f"t{n:x} t{n * 7 % 99991:x}" for n in range(280_147)])  # as many as Llama 3 has


# -- the engine -------------------------------------------------------------------------------------------------------
class Words(ctypes.Structure):
    """Parameters passed by value; larger than any version of them, written at places that are checked first."""

    _fields_ = (("b", ctypes.c_ubyte * 256),)


class Place(NamedTuple):
    """What stands at a place of the default parameters, or this is another version."""

    of: str
    at: int
    expected: int


LAYOUT = (Place("model_quantize", 0, 0), Place("model_quantize", 4, 7), Place("model", 20, 1), Place("model", 24, -1),
          Place("context", 0, 512), Place("context", 4, 2048), Place("context", 8, 512), Place("context", 52, -1),
          Place("context", 104, 1), Place("context", 108, 1))


class Engine:
    """llama.cpp through its C interface: dry runs only."""

    def __init__(self, folder: Path) -> None:
        for name in ("libggml-base", "libggml", "libllama"):
            found = sorted(p for p in folder.glob(f"{name}.*so*"))
            self.lib = ctypes.CDLL(str(found[0]), mode=ctypes.RTLD_GLOBAL)
            if name == "libggml":
                self.lib.ggml_backend_load_all_from_path(str(folder).encode())
        self.said: list[str] = []
        call = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)
        self._keep = call(lambda level, text, data: self.said.append(text.decode("utf-8", "replace")))
        self.lib.llama_log_set(self._keep, None)
        self.lib.llama_backend_init()
        for place in LAYOUT:
            (found_here,) = struct.unpack_from("<i", self.defaults(place.of).b, place.at)
            if found_here != place.expected:
                raise SystemExit(f"blocked: another version of llama.cpp ({place} is {found_here})")

    def defaults(self, of: str) -> Words:
        make = getattr(self.lib, f"llama_{of}_default_params")
        make.restype = Words
        return make()  # type: ignore[no-any-return]

    def quantized(self, path: Path, number: int) -> tuple[float, dict[str, str]]:
        """(MiB of all weights, tensor -> type) of a dry run of the quantizer."""
        words = self.defaults("model_quantize")
        struct.pack_into("<ii", words.b, 0, 1, number)
        words.b[21] = 1  # dry_run
        self.said.clear()
        self.lib.llama_model_quantize(str(path).encode(), b"never-written.gguf", ctypes.byref(words))
        text = "".join(self.said)
        size = re.search(r"quant size +=\s+([\d.]+) MiB", text)
        kinds = dict(re.findall(r"\] +(\S+) .*\((\w+)\)\n", text))
        return (float(size[1]) if size else 0.0), {name: kind.upper() for name, kind in kinds.items()}

    def load(self, path: Path) -> int:
        words = self.defaults("model")
        struct.pack_into("<i", words.b, 24, 0)  # no memory map
        words.b[76] = 1  # no_alloc
        self.lib.llama_model_load_from_file.argtypes = [ctypes.c_char_p, Words]
        self.lib.llama_model_load_from_file.restype = ctypes.c_void_p
        return int(self.lib.llama_model_load_from_file(str(path).encode(), words) or 0)

    def context(self, model: int, tokens: int, kind: str) -> tuple[float, float]:
        """(MiB of keys and values, MiB of buffers) that a context would take."""
        words = self.defaults("context")
        struct.pack_into("<I", words.b, 0, tokens)
        struct.pack_into("<ii", words.b, 104, CACHE[kind], CACHE[kind])
        words.b[132] = 0  # swa_full: as the programs of llama.cpp have it
        self.lib.llama_init_from_model.argtypes = [ctypes.c_void_p, Words]
        self.lib.llama_init_from_model.restype = ctypes.c_void_p
        self.lib.llama_free.argtypes = [ctypes.c_void_p]
        self.said.clear()
        made = self.lib.llama_init_from_model(model, words)
        text = "".join(self.said)
        if made:
            self.lib.llama_free(made)
        caches = re.findall(r"llama_kv_cache: size = +([\d.]+)", text)  # two where some layers have a window
        buffers = re.findall(r"compute buffer size = +([\d.]+)", text)
        return sum(map(float, caches)), sum(map(float, buffers))


# -- what is measured -------------------------------------------------------------------------------------------------
def shape_of(name: str) -> Shape:
    found = published.named(name)
    shape = of_config(UNSEEN.get(name, found.config if found else {}))
    assert isinstance(shape, Shape)
    return shape


def weights(engine: Engine, folder: Path) -> Iterator[dict[str, Any]]:
    """Every quantization of every shape: bytes, and the type of every tensor."""
    for name in (*MODELS, *BESIDE, *UNSEEN):
        shape, path = shape_of(name), folder / f"{name}.gguf"
        sparse(shape, path)
        for mix, number in FILE_TYPES.items():
            theirs, kinds = engine.quantized(path, number)
            ours = mixes.weight(tensors(shape), mix, shape, matrix=False) / MIB
            said = {t.name: mixes.kind_of(t, mix, shape, matrix=False).name for t in tensors(shape)}
            yield {"model": name, "type": mix, "ours": ours, "theirs": theirs, "off": _off(ours, theirs),
                   "tensors": len(kinds), "wrong": sum(said[n] != kind for n, kind in kinds.items())}


def running(engine: Engine, folder: Path) -> Iterator[dict[str, Any]]:
    """Keys, values and buffers at several contexts and types of cache."""
    for name in (*MODELS, *BESIDE, *UNSEEN):
        shape, model = shape_of(name), engine.load(folder / f"{name}.gguf")
        for tokens in CONTEXTS:
            for kind in CACHE:
                cache, buffers = engine.context(model, tokens, kind)
                ours = memory.cache(shape, tokens, kind) / MIB, memory.buffers(shape, tokens, kind) / MIB
                yield {"model": name, "tokens": tokens, "cache": kind, "kv_off": _off(ours[0], cache),
                       "buffers_off": _off(ours[1], buffers), "kv": (ours[0], cache), "buffers": (ours[1], buffers)}


def header(folder: Path) -> dict[str, float]:
    """Reading the header of a file with the vocabulary of Llama 3, against gguf.GGUFReader, taken in turns."""
    import gguf

    path = folder / "vocabulary.gguf"
    sparse(shape_of("Llama-3-8B"), path, vocabulary=True)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(3):
        theirs.append(_seconds(lambda: gguf.GGUFReader(path)))
        ours += [_seconds(lambda: gguf_tensors.tensors(path, path.name)) for _ in range(5)]
    return {"ours_ms": min(ours) * 1e3, "gguf_reader_ms": min(theirs) * 1e3, "times": min(theirs) / min(ours)}


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _off(ours: float, theirs: float) -> float:
    """How far ours is from theirs, as a share; 1.0 where they said nothing."""
    return abs(ours / theirs - 1) if theirs else 1.0


def _worst(rows: list[dict[str, Any]], key: str, among: tuple[str, ...]) -> str:
    row = max((r for r in rows if r["model"] in among), key=lambda r: float(r[key]))
    where = " ".join(str(row[k]) for k in ("model", "type", "tokens", "cache") if k in row)
    return f"{row[key] * 100:.4f} % ({where})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", type=Path, help="folder of llama.cpp's shared libraries")
    parser.add_argument("--model", help="a real GGUF file, whose size should be told exactly")
    parser.add_argument("--rows", action="store_true", help="print every row as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print("header of a 128k vocabulary:", {k: round(v, 1) for k, v in header(Path(name)).items()})
        if options.engine:
            _against(Engine(options.engine), Path(name), options.rows)
    if options.model:
        data = fit(options.model).page.data
        print(f"file {data['file_bytes']} bytes, by its header {data['expected_bytes']}")


def _against(engine: Engine, folder: Path, rows: bool) -> None:
    weighed, ran = list(weights(engine, folder)), list(running(engine, folder))
    for row in (*weighed, *ran) if rows else ():
        print(json.dumps(row))
    for among in (MODELS, BESIDE, tuple(UNSEEN)):
        some = [r for r in weighed if r["model"] in among]
        print(f"{', '.join(among)}: {len(some)} files of {len(FILE_TYPES)} quantizations")
        print(f"  weights: worst {_worst(weighed, 'off', among)}; {sum(r['wrong'] for r in some)} wrong types of "
              f"{sum(r['tensors'] for r in some):,} tensors")
        print(f"  keys and values: worst {_worst(ran, 'kv_off', among)}")
        plain = [r for r in ran if r["cache"] == "f16"]
        other = [r for r in ran if r["model"] in among and r["cache"] != "f16"]
        print(f"  buffers: worst {_worst(plain, 'buffers_off', among)}; with a quantized cache "
              f"{_worst(other, 'buffers_off', among)}, {sum(r['buffers_off'] > 0.02 for r in other)} of {len(other)} "
              "off by more than 2 %")


if __name__ == "__main__":
    main()
