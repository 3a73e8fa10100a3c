"""The pairs of the GGUF header: the model's shape from its config, whose it is, and its vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import packages, shown
from caveat.runtime.convert.model import QWEN2, QWEN3, Model
from caveat.runtime.convert.tensors import Piece
from caveat.runtime.convert.vocabulary import Vocabulary, put
from caveat.runtime.quantize_header import Value

FILE_TYPES = {"F32": 0, "F16": 1, "BF16": 32}
#: Vocabularies by whose size llama.cpp's converter knows models that need more: Code Llama, IBM's Granite and SmolLM.
CODE_LLAMA, NO_START = 32016, 49152
#: Architectures whose size of a head is always told (transformers gives their configs one).
HEADS_TOLD = ("LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM")
END_OF_INFILL = 32010


def header(model: Model, folder: Path, pieces: Sequence[Piece], words: Vocabulary, kind: str,
           about: Mapping[str, Value], title: str) -> Any:
    """A GGUFWriter with every pair; its tensors are added by `writing.written`.

    `about`: pairs that say whose it is, over those told by the model's name. Raises EvidenceError.
    """
    _, gguf = packages()
    made = gguf.GGUFWriter(None, model.family.gguf)
    made.add_type(gguf.GGUFType.MODEL)
    _names(made, title, pieces)
    for key, value in about.items():
        _pair(made, key, value)
    _shape(made, model)
    _positions(made, model)
    _norms(made, model)
    made.add_file_type(FILE_TYPES[kind])
    _family(made, model)
    made.add_quantization_version(gguf.GGML_QUANT_VERSION)
    put(made, folder, words, model.vocabulary)
    _known_sizes(made, model)
    return made


def _pair(made: Any, key: str, value: Value) -> None:
    if isinstance(value, str):
        made.add_string(key, value)
    elif isinstance(value, int):
        made.add_uint32(key, value)
    else:
        made.add_array(key, list(value))


def _names(made: Any, title: str, pieces: Sequence[Piece]) -> None:
    """Name, family, size: told from the name of the folder or repository, as other converters do."""
    _, gguf = packages()
    total = sum(_count(p) for p in pieces)
    told = gguf.Metadata.apply_metadata_heuristic(gguf.Metadata(), None, None, Path(title), total)
    told.name = told.name or title
    if told.size_label is None:
        experts = next((p.shape[0] for p in pieces if "_exps." in p.name), 0)
        each = sum(_count(p) // p.shape[0] for p in pieces if "_exps." in p.name)
        shared = sum(_count(p) for p in pieces if "_exps." not in p.name)
        told.size_label = gguf.size_label(total, shared, each, experts)
    told.set_gguf_meta_model(made)


def _count(piece: Piece) -> int:
    from math import prod

    return prod(piece.shape)


def _shape(made: Any, model: Model) -> None:
    config = model.config
    made.add_block_count(model.layers)
    if (context := _whole(config, "max_position_embeddings")) is not None:
        made.add_context_length(context)
    made.add_embedding_length(model.width)
    made.add_feed_forward_length(model.feed)
    made.add_head_count(model.heads)
    made.add_head_count_kv(model.key_heads)


def _norms(made: Any, model: Model) -> None:
    """What llama.cpp's converter tells after the positions: kept in its order, so that whole files compare."""
    config = model.config
    made.add_layer_norm_rms_eps(_small(config, "rms_norm_eps"))
    if model.experts:
        made.add_expert_count(model.experts)
        made.add_expert_used_count(_whole(config, "num_experts_per_tok") or 2)
    if config.get("head_dim") is not None or model.name in HEADS_TOLD:
        made.add_key_length(model.head)
        made.add_value_length(model.head)


def _whole(config: Mapping[str, Any], name: str) -> int | None:
    value = config.get(name)
    if value is not None and (type(value) is not int or not 0 < value < 1 << 32):
        raise EvidenceError(f"config.json: {name} has to be a whole number, not {shown(str(value))}")
    return value


def _small(config: Mapping[str, Any], name: str) -> float:
    value = config.get(name, 1e-6)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 1:
        raise EvidenceError(f"config.json: {name} has to be a number from 0 to 1, not {shown(str(value))}")
    return float(value)


def _positions(made: Any, model: Model) -> None:
    """How positions turn: theta, and how a context was stretched (llama3 does it by a tensor of its own)."""
    _, gguf = packages()
    rope, kind = model.rope, str(model.rope.get("rope_type") or "").lower()
    if kind in ("linear", "yarn"):
        made.add_rope_scaling_type(gguf.RopeScalingType.LINEAR if kind == "linear" else gguf.RopeScalingType.YARN)
        made.add_rope_scaling_factor(rope["factor"])
    if kind == "yarn":
        if type(rope.get("original_max_position_embeddings")) is not int:
            raise EvidenceError("config.json: yarn positions need original_max_position_embeddings")
        made.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        for name, put_ in (("extrapolation_factor", made.add_rope_scaling_yarn_ext_factor),
                           ("attention_factor", made.add_rope_scaling_yarn_attn_factor),
                           ("attn_factor", made.add_rope_scaling_yarn_attn_factor),
                           ("beta_fast", made.add_rope_scaling_yarn_beta_fast),
                           ("beta_slow", made.add_rope_scaling_yarn_beta_slow)):
            if rope.get(name) is not None and not (name == "attn_factor" and rope.get("attention_factor")):
                put_(rope[name])
    if rope.get("rope_theta") is not None:
        made.add_rope_freq_base(rope["rope_theta"])


def _family(made: Any, model: Model) -> None:
    if model.family not in (QWEN2, QWEN3):
        made.add_vocab_size(model.vocabulary)
        made.add_rope_dimension_count(model.head)


def _known_sizes(made: Any, model: Model) -> None:
    """Facts that the files of some models do not tell; models are known by the size of their vocabulary."""
    if model.family in (QWEN2, QWEN3):
        return
    if model.vocabulary == CODE_LLAMA:
        made.add_eot_token_id(END_OF_INFILL)
    if model.vocabulary == NO_START:
        made.add_add_bos_token(False)
