"""Which tensors of a checkpoint become which tensors of a GGUF file, with every shape checked against the config.

    q (heads x head, width) --paired--> blk.N.attn_q       experts X of a layer --stacked--> blk.N.ffn_*_exps
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import packages, shown
from caveat.runtime.convert.model import Model
from caveat.runtime.convert.safetensors import BYTES, Tensor

TYPES = ("f32", "f16", "bf16", "auto")
#: Buffers that older checkpoints keep and that are computed anew.
COMPUTED = (".rotary_emb.inv_freq", ".attention.masked_bias", ".attention.bias")
EXPERT = re.compile(r"model\.layers\.(\d{1,4})\.block_sparse_moe\.experts\.(\d{1,4})\.w([123])\.weight")
EXPERTS = {"1": "ffn_gate_exps", "2": "ffn_down_exps", "3": "ffn_up_exps"}
BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.(weight|bias)")
ALWAYS_F32 = ("ffn_gate_inp",)


class Piece(NamedTuple):
    """One tensor of the GGUF file: where its numbers come from (one after the other), or the numbers themselves."""

    name: str
    shape: tuple[int, ...]  # rows first
    kind: str  # F32 | F16 | BF16
    sources: tuple[Tensor, ...] = ()
    heads: int = 0  # rows are paired anew within so many heads; 0 = they stay
    numbers: tuple[float, ...] = ()

    def bytes(self) -> int:
        return math.prod(self.shape) * BYTES[self.kind]


def kind_of(wanted: str, found: dict[str, Tensor]) -> str:
    """F32, F16 or BF16. `auto` keeps the 16 bits of the first matrix and makes F16 of everything else."""
    if wanted != "auto":
        return wanted.upper()
    first = next((t for t in found.values() if len(t.shape) > 1), None)
    return first.kind if first and first.kind in ("BF16", "F16") else "F16"


def pieces(model: Model, found: dict[str, Tensor], kind: str, where: Path) -> tuple[Piece, ...]:
    """All tensors to be written, in the checkpoint's order, stacks where their last part stands.

    Raises EvidenceError for one too few, too many, or of another shape.
    """
    made = [*_singles(model, found, kind, where), *_experts(model, found, kind, where)]
    _complete(model, {p.name for p in made}, where)
    order = {name: n for n, name in enumerate(found)}
    return (*_frequencies(model), *sorted(made, key=lambda p: max(order[t.name] for t in p.sources)))


def _singles(model: Model, found: dict[str, Tensor], kind: str, where: Path) -> Iterator[Piece]:
    _, gguf = packages()
    arch = next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == model.family.gguf)
    names, taken, shapes = gguf.get_tensor_name_map(arch, model.layers), set(), _shapes(model)
    for tensor in found.values():
        if tensor.name.endswith(COMPUTED) or EXPERT.fullmatch(tensor.name):
            continue
        name = names.get_name(tensor.name, try_suffixes=(".weight", ".bias"))
        if name is None or name in taken or _expected(name, shapes) is None:
            raise EvidenceError(f"{tensor.file}: tensor {shown(tensor.name)} has no place in a {model.name}")
        taken.add(name)
        _fits(tensor, _expected(name, shapes), where)
        yield Piece(name, tensor.shape, _kind(name, tensor.shape, kind), (tensor,), _heads(model, name))


def _kind(name: str, shape: tuple[int, ...], kind: str) -> str:
    """Vectors, norms and the routing of experts stay in 32 bits."""
    return "F32" if len(shape) < 2 or name.endswith("_norm.weight") or any(w in name for w in ALWAYS_F32) else kind


def _heads(model: Model, name: str) -> int:
    if not model.family.paired:
        return 0
    return model.heads if ".attn_q." in name else model.key_heads if ".attn_k." in name else 0


def _shapes(model: Model) -> dict[str, tuple[int, ...]]:
    """The shape of every sort of tensor, rows first; those of a bias are the first number alone."""
    width, feed, queries, keys = model.width, model.feed, model.heads * model.head, model.key_heads * model.head
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (model.vocabulary, width), "output": (model.vocabulary, width), "output_norm": (width,),
        "attn_norm": (width,), "ffn_norm": (width,), "attn_q": (queries, width), "attn_k": (keys, width),
        "attn_v": (keys, width), "attn_output": (width, queries)}
    if model.family.normed:
        shapes |= {"attn_q_norm": (model.head,), "attn_k_norm": (model.head,)}
    if model.experts:
        return {**shapes, "ffn_gate_inp": (model.experts, width)}
    return {**shapes, "ffn_gate": (feed, width), "ffn_up": (feed, width), "ffn_down": (width, feed)}


def _expected(name: str, shapes: dict[str, tuple[int, ...]]) -> tuple[int, ...] | None:
    block = BLOCK.fullmatch(name)
    what, _, ending = (block[2], "", block[3]) if block else name.rpartition(".")
    shape = shapes.get(what)
    return shape[:1] if shape and ending == "bias" else shape


def _fits(tensor: Tensor, shape: tuple[int, ...] | None, where: Path) -> None:
    if tensor.shape != shape:
        raise EvidenceError(f"{tensor.file}: tensor {shown(tensor.name)} is {list(tensor.shape)}, by {where.name} it "
                            f"has to be {list(shape or ())}")
    if tensor.kind not in BYTES:
        raise EvidenceError(f"{tensor.file}: tensor {shown(tensor.name)} is of type {tensor.kind}: quantized weights "
                            "are not converted here")


def _experts(model: Model, found: dict[str, Tensor], kind: str, where: Path) -> Iterator[Piece]:
    """The experts of each layer, stacked: gate, down and up."""
    there: dict[tuple[int, str], dict[int, Tensor]] = {}
    for name, tensor in found.items():
        match = EXPERT.fullmatch(name)
        if match:
            there.setdefault((int(match[1]), match[3]), {})[int(match[2])] = tensor
    for (layer, which), experts in there.items():
        shape = (model.width, model.feed) if which == "2" else (model.feed, model.width)
        if sorted(experts) != list(range(model.experts)) or layer >= model.layers:
            raise EvidenceError(f"{where.parent}: layer {layer} has {len(experts)} experts, {where.name} says "
                                f"{model.experts} in each of {model.layers} layers")
        for tensor in experts.values():
            _fits(tensor, shape, where)
        yield Piece(f"blk.{layer}.{EXPERTS[which]}.weight", (model.experts, *shape), kind,
                    tuple(experts[n] for n in range(model.experts)))


def _complete(model: Model, made: set[str], where: Path) -> None:
    """Every layer whole; the output matrix may be that of the input (tied)."""
    feeds = tuple(EXPERTS.values()) if model.experts else ()
    for what in (*_shapes(model), *feeds):
        names = ([f"{what}.weight"] if what in ("token_embd", "output", "output_norm") else
                 [f"blk.{n}.{what}.weight" for n in range(model.layers)])
        missing = next((n for n in names if n not in made), "")
        if missing and not (what == "output" and model.config.get("tie_word_embeddings") is not False):
            raise EvidenceError(f"{where.parent}: tensor {missing} is missing, by {where.name} it has to be there")


def _frequencies(model: Model) -> Iterator[Piece]:
    """How much slower each pair turns where a context was stretched as Llama 3.1 does it.

    Wavelengths shorter than the original context / high turn as before, longer than context / low turn `factor` times
    slower, between them the two are mixed (numbers in 32 bits, as the weights of the model were trained with).
    """
    np, _ = packages()
    rope = model.rope
    if str(rope.get("rope_type") or "").lower() != "llama3":
        return
    factor, context = rope.get("factor", 8.0), rope.get("original_max_position_embeddings", 8192)
    low, high = rope.get("low_freq_factor", 1.0), rope.get("high_freq_factor", 4.0)
    if not factor or not low or not high or high == low:
        raise EvidenceError("config.json: llama3 positions need factor, low_freq_factor and high_freq_factor, not 0")
    one = np.float32
    steps = np.arange(0, model.head, 2, dtype=one) / one(model.head)
    waves = one(2 * math.pi) / (one(1) / np.power(one(rope.get("rope_theta", 10000.0)), steps))
    yield Piece("rope_freqs.weight", (model.head // 2,), "F32", numbers=tuple(
        float(_slower(one(w), factor, context, low, high, one)) for w in waves))


def _slower(wave: Any, factor: float, context: float, low: float, high: float, one: Any) -> Any:
    if wave < context / high:
        return one(1)
    if wave > context / low:
        return one(factor)
    smooth = (one(context) / wave - one(low)) / one(high - low)
    return one(1) / ((one(1) - smooth) / one(factor) + smooth)
