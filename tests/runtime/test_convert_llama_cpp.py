"""llama.cpp's own converter as the measure: every tensor byte for byte, and the pairs of the header but a named few.

Deep: it needs llama.cpp's sources (CAVEAT_LLAMA_CPP) and a Python with torch and transformers (CAVEAT_TRAIN_PYTHON).
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from caveat.runtime.convert.converting import convert, plan
from tests.runtime import checkpoints

gguf = pytest.importorskip("gguf")
pytestmark = pytest.mark.deep
HERE = Path(__file__).resolve().parent
C = checkpoints.config
LLAMA3 = C(rope_scaling=checkpoints.LLAMA3_ROPE, rope_theta=500000.0, tie_word_embeddings=True, hidden_size=512,
           max_position_embeddings=131072)
LONGER = {**checkpoints.LLAMA3_ROPE, "factor": 32.0}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "grouped heads": ({}, "f16"),
    "all heads": ({"said": C(num_key_value_heads=4)}, "f32"),
    "mistral": ({"said": C(architectures=["MistralForCausalLM"], model_type="mistral", head_dim=32, sliding_window=64),
                 "kind": "BF16"}, "auto"),
    "llama 3, tied": ({"said": LLAMA3, "tokenizer": "llama3", "kind": "BF16"}, "bf16"),
    "llama 3.2, narrow heads": ({"said": {**LLAMA3, "rope_scaling": LONGER, "hidden_size": 256},
                                 "tokenizer": "llama3", "kind": "BF16"}, "f32"),
    "biases": ({"said": C(attention_bias=True), "kind": "F16"}, "auto"),
    "several files": ({"kind": "BF16", "pieces": 3}, "f16"),
    "rounded to bf16": ({}, "bf16"),
    "double precision": ({"kind": "F64"}, "f16"),
    "mixtral": ({"said": C(architectures=["MixtralForCausalLM"], model_type="mixtral", num_local_experts=4,
                           num_experts_per_tok=2)}, "f16"),
    "qwen2": ({"said": C(architectures=["Qwen2ForCausalLM"], model_type="qwen2", vocab_size=330),
               "tokenizer": "gpt2"}, "f16"),
    "qwen3": ({"said": C(architectures=["Qwen3ForCausalLM"], model_type="qwen3", head_dim=32), "tokenizer": "smollm"},
              "bf16"),
    "code llama": ({"said": C(vocab_size=32016)}, "f16"),
    "smollm": ({"said": C(vocab_size=49152, tie_word_embeddings=True), "tokenizer": "smollm"}, "f16"),
    "yarn": ({"said": C(rope_scaling={"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64})}, "f16"),
    "linear": ({"said": C(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 1e6}, rope_theta=None)},
               "f16"),
}
#: transformers adds a token of its own to a Qwen2 tokenizer that lacks it.
MAY_DIFFER = {"qwen2": {"tokenizer.ggml.tokens", "tokenizer.ggml.token_type"}}


@pytest.fixture(scope="module")
def theirs() -> tuple[str, str]:
    """llama.cpp's folder, and a Python that can run its converter."""
    sources, python = os.environ.get("CAVEAT_LLAMA_CPP", ""), os.environ.get("CAVEAT_TRAIN_PYTHON", "")
    if not (Path(sources) / "convert_hf_to_gguf.py").is_file() or not Path(python).is_file():
        pytest.skip("set CAVEAT_LLAMA_CPP to llama.cpp's sources and CAVEAT_TRAIN_PYTHON to a Python with torch")
    return sources, python


@pytest.mark.parametrize("name", CASES)
def test_tensors_are_byte_identical_and_pairs_agree(name: str, theirs: tuple[str, str], tmp_path: Path) -> None:
    settings, kind = CASES[name]
    folder = checkpoints.checkpoint(tmp_path / "model", **settings)
    planned, ours, other = plan(folder, kind), tmp_path / "ours.gguf", tmp_path / "theirs.gguf"
    convert(planned, ours)
    pre = planned.words.way if planned.words.sort == "gpt2" else ""
    done = subprocess.run([theirs[1], str(HERE / "their_converter.py"), theirs[0], pre, str(folder), str(other), kind],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    (pairs, tensors), (their_pairs, their_tensors) = read(ours), read(other)
    assert tensors == their_tensors
    apart = {k for k in pairs.keys() | their_pairs.keys() if pairs.get(k) != their_pairs.get(k)}
    assert apart <= MAY_DIFFER.get(name, set())
    if not apart:
        assert ours.read_bytes() == other.read_bytes()


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Pairs without the reader's own, and (type, shape, bytes) of each tensor."""
    reader = gguf.GGUFReader(path)
    return ({k: f.contents() for k, f in reader.fields.items() if not k.startswith("GGUF.")},
            {t.name: (t.tensor_type, tuple(map(int, t.shape)), t.data.tobytes()) for t in reader.tensors})
