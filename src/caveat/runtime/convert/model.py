"""What a checkpoint's config.json says of its shape, each number checked before anything is built on it.

The families here differ in their GGUF name and in whether the rows of queries and keys are paired anew: llama.cpp
turns neighbours (0,1), (2,3) while the checkpoints turn halves (0, n/2), (1, n/2+1).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import document, shown


class Family(NamedTuple):
    """How an architecture is called in GGUF, whether queries and keys are paired anew, and whether heads have norms."""

    gguf: str
    paired: bool
    normed: bool = False


LLAMA, QWEN2, QWEN3 = Family("llama", True), Family("qwen2", False), Family("qwen3", False, True)
FAMILIES = {"LlamaForCausalLM": LLAMA, "LLaMAForCausalLM": LLAMA, "MistralForCausalLM": LLAMA,
            "MixtralForCausalLM": LLAMA, "Qwen2ForCausalLM": QWEN2, "Qwen3ForCausalLM": QWEN3}
ELSEWHERE = ("convert it with llama.cpp's own script: --converter path/to/convert_hf_to_gguf.py")
#: Whole numbers of a config: name -> (smallest, largest).
BOUNDS = {"num_hidden_layers": (1, 2048), "hidden_size": (1, 1 << 20), "num_attention_heads": (1, 4096),
          "num_key_value_heads": (1, 4096), "head_dim": (2, 1 << 16), "intermediate_size": (1, 1 << 22),
          "vocab_size": (1, 1 << 22), "max_position_embeddings": (1, 1 << 31), "num_local_experts": (1, 4096),
          "num_experts_per_tok": (1, 4096)}
ROPES = ("", "default", "linear", "yarn", "llama3")


class Model(NamedTuple):
    """The shape of a model. `rope` are the settings of its turning positions, with type and theta in one place."""

    name: str  # of the architecture, as in the config
    family: Family
    config: dict[str, Any]
    layers: int
    width: int
    heads: int
    key_heads: int
    head: int
    feed: int
    vocabulary: int
    experts: int  # 0 = none
    rope: dict[str, Any]


def architecture(folder: Path) -> str:
    """The first architecture that config.json names, "" where it names none."""
    config = document(folder, "config.json")
    if config is None:
        raise EvidenceError(f"{folder}: no config.json; caveat convert takes a checkpoint folder")
    names = config.get("architectures")
    return names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""


def model_of(folder: Path) -> Model:
    """The shape, from config.json. Raises EvidenceError for other architectures and for numbers that cannot be."""
    name, where = architecture(folder), folder / "config.json"
    if name not in FAMILIES:
        raise EvidenceError(f"{where}: architecture {shown(name) if name else 'not named'} is not converted here "
                            f"({', '.join(FAMILIES)} are); {ELSEWHERE}")
    config = document(folder, "config.json") or {}
    if config.get("quantization_config"):
        raise EvidenceError(f"{where}: the weights are quantized already (quantization_config); {ELSEWHERE}")
    say = _Reader(config, where)
    heads, width = say.number("num_attention_heads"), say.number("hidden_size")
    keys = say.number("num_key_value_heads", heads)
    if heads % keys:
        raise EvidenceError(f"{where}: {heads} heads cannot share {keys} key heads")
    head = say.number("head_dim", width // heads)
    if head % 2 or (config.get("head_dim") is None and width % heads):
        raise EvidenceError(f"{where}: {width} numbers in {heads} heads make no even head")
    return Model(name, FAMILIES[name], config, say.number("num_hidden_layers"), width, heads, keys, head,
                 say.number("intermediate_size"), say.number("vocab_size"),
                 say.number("num_local_experts", 0), _rope(config, where))


class _Reader:
    """Whole numbers of a config within their bounds."""

    def __init__(self, config: dict[str, Any], where: Path) -> None:
        self.config, self.where = config, where

    def number(self, name: str, otherwise: int | None = None) -> int:
        value = self.config.get(name)
        if value is None and otherwise is not None:
            return otherwise
        low, high = BOUNDS[name]
        if type(value) is not int or not low <= value <= high:
            raise EvidenceError(f"{self.where}: {name} has to be a whole number from {low} to {high}, "
                                f"not {shown(str(value))}")
        return value


def _rope(config: dict[str, Any], where: Path) -> dict[str, Any]:
    """Old configs keep theta beside `rope_scaling`, new ones within `rope_parameters`; here all are together."""
    said = config.get("rope_parameters", config.get("rope_scaling")) or {}
    if not isinstance(said, dict):
        raise EvidenceError(f"{where}: rope_parameters has to be an object")
    rope = dict(said)
    for key, other in (("rope_theta", config.get("rope_theta")), ("rope_type", rope.get("type")),
                       ("original_max_position_embeddings", config.get("original_max_position_embeddings"))):
        if key not in rope and other is not None:
            rope[key] = other
    kind = str(rope.get("rope_type") or "").lower()
    if kind not in ROPES:
        raise EvidenceError(f"{where}: positions of type {shown(kind)} are not converted here; {ELSEWHERE}")
    for key, value in rope.items():
        if key not in ("rope_type", "type") and not _finite(value):
            raise EvidenceError(f"{where}: {shown(key)} has to be a positive number, not {shown(str(value))}")
    if kind in ("linear", "yarn") and "factor" not in rope:
        raise EvidenceError(f"{where}: {kind} positions without a factor")
    return rope


def _finite(value: Any) -> bool:
    if value is None or isinstance(value, (bool, str, list, dict)):
        return isinstance(value, bool) or value is None
    return math.isfinite(value) and 0 <= value <= 1e15
