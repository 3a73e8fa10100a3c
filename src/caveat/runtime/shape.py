"""The shape of a model: everything that decides what it weighs and what its memory grows by, read from names and keys.

Two ways in: config.json of transformers and the keys of a GGUF header. What is not one of the known architectures is
told, because a guess of its tensors would be a wrong number that looks exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

MOST_LAYERS, MOST = 2048, 1 << 24


class Tensor(NamedTuple):
    """A weight by its name in GGUF, dimensions fastest first."""

    name: str
    dimensions: tuple[int, ...]


class Shape(NamedTuple):
    """A dense decoder. Widths in numbers; `window` in tokens (0: every layer sees everything), `period`: one layer in
    so many sees everything; `bias` are the projections with one ("qkv", "qkvo" or "")."""

    architecture: str
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_size: int
    vocabulary: int
    context: int
    tied: bool = False
    bias: str = ""
    head_norms: bool = False
    post_norms: bool = False
    rope_factors: bool = False
    window: int = 0
    period: int = 0

    def grouped(self) -> int:
        """Query heads that share one key head."""
        return self.heads // self.kv_heads


class Unknown(NamedTuple):
    """Why a shape is not told."""

    why: str


class Style(NamedTuple):
    """What an architecture does unless its configuration says otherwise."""

    gguf: str
    tied: bool = False
    bias: str = ""
    head_norms: bool = False
    post_norms: bool = False
    period: int = 0


#: model_type of config.json -> style. llama.cpp runs Mistral as llama and ignores its window.
STYLES = {
    "llama": Style("llama"),
    "mistral": Style("llama"),
    "qwen2": Style("qwen2", bias="qkv"),
    "qwen3": Style("qwen3", head_norms=True),
    "gemma": Style("gemma", tied=True),
    "gemma2": Style("gemma2", tied=True, post_norms=True, period=2),
}
KNOWN = tuple(dict.fromkeys(s.gguf for s in STYLES.values()))
#: key of config.json -> what it says here; the first is needed of each
CONFIG = {"num_hidden_layers": "layers", "hidden_size": "width", "intermediate_size": "feed_forward",
          "num_attention_heads": "heads", "vocab_size": "vocabulary", "max_position_embeddings": "context"}
GGUF = {"block_count": "layers", "embedding_length": "width", "feed_forward_length": "feed_forward",
        "attention.head_count": "heads", "context_length": "context"}


def of_config(config: Mapping[str, Any], tied: bool | None = None) -> Shape | Unknown:
    """The shape a config.json tells. `tied`: what the tensors say of input and output being one, if they were read."""
    kind = config.get("model_type")
    style = STYLES.get(kind) if isinstance(kind, str) else None
    if style is None or _count(config, "num_local_experts") or config.get("mlp_bias") is True:
        return Unknown(f"model_type {str(kind)[:60]!r}: known are {', '.join(STYLES)}, without experts")
    numbers = {to: _count(config, key) for key, to in CONFIG.items()}
    numbers["kv_heads"] = _count(config, "num_key_value_heads") or numbers["heads"]
    numbers["head_size"] = _count(config, "head_dim") or _share(numbers["width"], numbers["heads"])
    if wrong := _wrong(numbers):
        return Unknown(f"config.json: {wrong}")
    said = config.get("tie_word_embeddings")
    glued = said if isinstance(said, bool) else style.tied
    bias = "qkvo" if config.get("attention_bias") is True else style.bias
    return _shape(style.gguf, numbers)._replace(
        tied=glued if tied is None else tied, bias=bias, head_norms=style.head_norms, post_norms=style.post_norms,
        rope_factors=_llama3_rope(config.get("rope_scaling")), period=style.period,
        window=_count(config, "sliding_window") if style.period else 0)


def of_gguf(values: Mapping[str, Any], tensors: Sequence[Tensor]) -> Shape | Unknown:
    """The shape that the keys and tensors of a GGUF header tell."""
    kind = str(values.get("general.architecture") or "")[:60]
    if kind not in KNOWN or _count(values, f"{kind}.expert_count"):
        return Unknown(f"architecture {kind!r}: known are {', '.join(KNOWN)}, without experts")
    names = {t.name: t.dimensions for t in tensors}
    numbers = {to: _count(values, f"{kind}.{key}") for key, to in GGUF.items()}
    numbers["kv_heads"] = _count(values, f"{kind}.attention.head_count_kv") or numbers["heads"]
    numbers["head_size"] = _count(values, f"{kind}.attention.key_length") or _share(numbers["width"], numbers["heads"])
    embedding = names.get("token_embd.weight", ())
    numbers["vocabulary"] = embedding[1] if len(embedding) == 2 else 0
    if wrong := _wrong(numbers):
        return Unknown(f"the header: {wrong}")
    period = next((s.period for s in STYLES.values() if s.gguf == kind), 0)
    return _shape(kind, numbers)._replace(tied="output.weight" not in names, period=period,
                                          window=_count(values, f"{kind}.attention.sliding_window") if period else 0)


def _shape(kind: str, numbers: Mapping[str, int]) -> Shape:
    n = numbers
    return Shape(kind, n["layers"], n["width"], n["feed_forward"], n["heads"], n["kv_heads"], n["head_size"],
                 n["vocabulary"], n["context"])


def _count(values: Mapping[str, Any], key: str) -> int:
    """A whole number, or the one that a list repeats; 0 where there is none that can be believed."""
    value = values.get(key)
    if isinstance(value, list) and value and all(v == value[0] for v in value):
        value = value[0]
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST else 0


def _share(width: int, heads: int) -> int:
    return width // heads if heads and width % heads == 0 else 0


def _wrong(numbers: Mapping[str, int]) -> str:
    """What keeps the numbers from being a shape; "" for nothing."""
    missing = [name for name, n in numbers.items() if not n]
    if missing:
        return f"no single believable number for {', '.join(missing)}"
    if numbers["layers"] > MOST_LAYERS or numbers["heads"] % numbers["kv_heads"]:
        return f"{numbers['layers']} layers, {numbers['heads']} heads over {numbers['kv_heads']}"
    return ""


def _llama3_rope(scaling: object) -> bool:
    """Llama 3.1 and later carry a small table of rope factors."""
    return isinstance(scaling, dict) and "llama3" in (scaling.get("rope_type"), scaling.get("type"))


def tensors(shape: Shape) -> tuple[Tensor, ...]:
    """The weights that a GGUF file of this shape has, in the order of its layers."""
    s = shape
    top = [Tensor("token_embd.weight", (s.width, s.vocabulary)), Tensor("output_norm.weight", (s.width,))]
    top += [] if s.tied else [Tensor("output.weight", (s.width, s.vocabulary))]
    top += [Tensor("rope_freqs.weight", (s.head_size // 2,))] if s.rope_factors else []
    layers = (Tensor(f"blk.{n}.{name}", d) for n in range(s.layers) for name, d in _layer(s))
    return (*top, *layers)


def _layer(s: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    q, kv = s.heads * s.head_size, s.kv_heads * s.head_size
    yield from {"attn_norm.weight": (s.width,), "attn_q.weight": (s.width, q), "attn_k.weight": (s.width, kv),
                "attn_v.weight": (s.width, kv), "attn_output.weight": (q, s.width), "ffn_norm.weight": (s.width,),
                "ffn_gate.weight": (s.width, s.feed_forward), "ffn_up.weight": (s.width, s.feed_forward),
                "ffn_down.weight": (s.feed_forward, s.width)}.items()
    names = {"q": ("attn_q.bias", q), "k": ("attn_k.bias", kv), "v": ("attn_v.bias", kv),
             "o": ("attn_output.bias", s.width)}
    yield from ((name, (n,)) for letter, (name, n) in names.items() if letter in s.bias)
    if s.head_norms:
        yield from {"attn_q_norm.weight": (s.head_size,), "attn_k_norm.weight": (s.head_size,)}.items()
    if s.post_norms:
        yield from {"post_attention_norm.weight": (s.width,), "post_ffw_norm.weight": (s.width,)}.items()
