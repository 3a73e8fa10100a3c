"""Makes tiny Llama-shaped GGUF files with weights that are the same on every machine, for quantizing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFWriter

from caveat.flows.quantize_plan import layout_of


def numbers(*shape: int, seed: int = 1) -> Any:
    """Whole numbers over a power of two, so that no rounding differs: spread, small groups, empty groups, outliers."""
    count = int(np.prod(shape))
    at = np.arange(count, dtype=np.int64)
    x = ((at * (7919 + 2 * seed) + at * at * 104729 % 65521 * 31) % 8192 - 4096).astype(np.float32) / np.float32(65536)
    x = x.reshape(shape)
    if len(shape) > 1:
        x[0, :64] = 0
        x[1, :32] *= np.float32(2**-12)
        x[2] *= np.float32(16)
    return x


def tiny(path: Path, *, width: int = 256, layers: int = 1, vocabulary: int = 300, tied: bool = False,
         keys: Mapping[str, str] | None = None, kind: Any = np.float32, odd: bool = False) -> Path:
    """A whole model that llama.cpp loads too: byte tokens, `layers` layers, four heads over two."""
    out, heads, shared, inner = GGUFWriter(path, "llama"), 4, 2, 2 * width
    for key, value in (keys or {}).items():
        out.add_string(key, value)
    out.add_context_length(512)
    out.add_embedding_length(width)
    out.add_block_count(layers)
    out.add_feed_forward_length(inner)
    out.add_head_count(heads)
    out.add_head_count_kv(shared)
    out.add_layer_norm_rms_eps(1e-5)
    out.add_rope_dimension_count(width // heads)
    out.add_file_type(0 if kind is np.float32 else 1)
    out.add_tokenizer_model("llama")
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256))]
    out.add_token_list([*pieces, *(f"t{n}" for n in range(vocabulary - len(pieces)))])
    out.add_token_scores([0.0] * vocabulary)
    out.add_token_types([2, 3, 3] + [6] * 256 + [1] * (vocabulary - 259))
    for n, (name, shape) in enumerate(_shapes(width, layers, vocabulary, inner, width * shared // heads, tied)):
        x = numbers(*shape, seed=n)
        out.add_tensor(name, x.astype(kind) if len(shape) > 1 else x + np.float32(1))
    if odd:
        out.add_tensor("blk.0.odd.weight", numbers(8, 40))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def _shapes(width: int, layers: int, vocabulary: int, inner: int, shared: int,
            tied: bool) -> list[tuple[str, tuple[int, ...]]]:
    top = [("token_embd.weight", (vocabulary, width)), ("output_norm.weight", (width,))]
    top += [] if tied else [("output.weight", (vocabulary, width))]
    layer = {"attn_norm": (width,), "attn_q": (width, width), "attn_k": (shared, width), "attn_v": (shared, width),
             "attn_output": (width, width), "ffn_norm": (width,), "ffn_gate": (inner, width), "ffn_up": (inner, width),
             "ffn_down": (width, inner)}
    return top + [(f"blk.{n}.{name}.weight", shape) for n in range(layers) for name, shape in layer.items()]


def small(path: Path, keys: Mapping[str, str] | None = None, kind: Any = np.float32) -> Path:
    """Three tensors and a header: enough for everything but running it."""
    out = GGUFWriter(path, "llama")
    for key, value in (keys or {}).items():
        out.add_string(key, value)
    out.add_block_count(1)
    out.add_file_type(0)
    for n, (name, shape) in enumerate({"token_embd.weight": (96, 64), "output_norm.weight": (64,),
                                       "blk.0.ffn_up.weight": (64, 64)}.items()):
        out.add_tensor(name, numbers(*shape, seed=n).astype(kind) if len(shape) > 1 else numbers(*shape, seed=n))
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()
    return path


def tensors(path: Path) -> dict[str, tuple[str, str]]:
    """Type and digest of every tensor."""
    layout = layout_of(path)[0]
    with path.open("rb") as stream:
        return {t.name: (t.kind.name, _digest(stream, t.at, t.bytes())) for t in layout.tensors}


def _digest(stream: object, at: int, count: int) -> str:
    stream.seek(at)  # type: ignore[attr-defined]
    return hashlib.sha256(stream.read(count)).hexdigest()  # type: ignore[attr-defined]
