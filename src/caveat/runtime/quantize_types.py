"""Which type each tensor is written in under the quantizations made here, by the rules of llama.cpp's quantizer.

The rules are facts of llama.cpp (src/llama-quant.cpp): what is no matrix, a norm or a small helper keeps its type; the
output matrix, or the embedding that serves as one, goes to Q6_K under the quantizations of four and five bits. A model
whose architecture has rules of its own there is left to llama.cpp itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.types import BY_NAME, BY_NUMBER, Kind

#: --type made here -> general.file_type
NATIVE = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q8_0": 7, "Q5_0": 8, "Q5_1": 9, "Q6_K": 18,
          "BF16": 32}
#: --type that only llama.cpp makes -> general.file_type (enum llama_ftype)
ENGINE = {
    "Q2_K": 10, "Q3_K_S": 11, "Q3_K_M": 12, "Q3_K_L": 13, "Q4_K_S": 14, "Q4_K_M": 15, "Q5_K_S": 16, "Q5_K_M": 17,
    "IQ2_XXS": 19, "IQ2_XS": 20, "Q2_K_S": 21, "IQ3_XS": 22, "IQ3_XXS": 23, "IQ1_S": 24, "IQ4_NL": 25,
    "IQ3_S": 26, "IQ3_M": 27, "IQ2_S": 28, "IQ2_M": 29, "IQ4_XS": 30, "IQ1_M": 31, "TQ1_0": 36, "TQ2_0": 37,
}
FILE_TYPES = {**NATIVE, **ENGINE}
#: What people call a mixture that has several.
SPELT = {"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}
#: Pieces of names of tensors that keep their type: norms, gates of experts, positions, small convolutions.
KEPT = (
    "_norm.weight", "ffn_gate_inp.weight", "ffn_gate_tid2eid.weight", "altup", "laurel", "per_layer_model_proj",
    "ssm_conv1d", "shortconv.conv.weight", "indexer.k_proj.weight", "indexer.q_proj.weight", "time_mix_first.weight",
    *(f"time_mix_{x}.weight" for x in ("w0", "w1", "w2", "v0", "v1", "v2", "a0", "a1", "a2", "g1", "g2", "decay_w1",
                                       "decay_w2", "lerp_fused")),
    "attn_rel_b.weight", ".position_embd", "sam.pos_embd", "sam.neck.", "sam.net_", ".rel_pos", ".patch_embd",
    ".patch_merger", "a.rvq.codebook", "mm.a.code_embd",
)
KEPT_WHOLE = frozenset({"position_embd.weight", "token_types.weight"})
#: Types that hold no weights but counts and tables.
WHOLE_NUMBERS = frozenset({"I8", "I16", "I32", "I64", "F64"})
#: Architectures for which llama.cpp has rules that are not told here.
OWN_RULES = frozenset({"falcon", "glm5-next", "deepseek4", "kimi-linear", "bailingmoe3"})


class Stored(NamedTuple):
    """A tensor as it lies in a file: dimensions fastest first, its type, and the byte of the file it begins at."""

    name: str
    dimensions: tuple[int, ...]
    kind: Kind
    at: int

    def elements(self) -> int:
        total = 1
        for n in self.dimensions:
            total *= n
        return total

    def bytes(self, kind: Kind | None = None) -> int:
        """Bytes of its data, as it is or in another type."""
        kind = kind or self.kind
        return self.elements() // kind.block * kind.bytes


class Target(NamedTuple):
    """A tensor and the type it is written in."""

    tensor: Stored
    kind: Kind


def named(kind: str) -> str:
    """The one spelling of a quantization's name; raises EvidenceError for what is none."""
    from caveat.errors import nearest

    word = kind.strip().upper().replace("-", "_")
    word = SPELT.get(word, word)
    if word not in FILE_TYPES:
        near = nearest(word, FILE_TYPES)
        raise EvidenceError(f"--type {kind[:40]!r} is no quantization" + (f" (did you mean {', '.join(near)}?)"
                                                                         if near else ""))
    return word


def name_of(file_type: int | None) -> str:
    """The name of a general.file_type; "" for what is not known."""
    return next((name for name, number in FILE_TYPES.items() if number == file_type), "")


def kind_numbered(number: int, tensor: str, file: Path) -> Kind:
    """The type of this number; raises EvidenceError with file and tensor for one that is not known."""
    if number not in BY_NUMBER:
        raise EvidenceError(f"{file}: tensor {tensor[:80]!a} is of type {number}, which is not known")
    return BY_NUMBER[number]


def targets(tensors: Iterable[Stored], name: str, *, pure: bool = False, experts: int = 0) -> tuple[Target, ...]:
    """The type of every tensor under a quantization of NATIVE. `pure`: the output matrix like all others."""
    listed = tuple(tensors)
    tied = not any(t.name == "output.weight" for t in listed)
    return tuple(Target(t, _target(t, BY_NAME[name], pure, tied, experts)) for t in listed)


def _target(tensor: Stored, kind: Kind, pure: bool, tied: bool, experts: int) -> Kind:
    if not _is_weight(tensor):
        return tensor.kind
    if kind.block == 1:
        return kind
    wanted = kind if pure else _wanted(tensor.name, kind, tied, experts)
    return _fitting(wanted, tensor.dimensions[0])


def _is_weight(tensor: Stored) -> bool:
    rank = next((n for n in range(len(tensor.dimensions), 1, -1) if tensor.dimensions[n - 1] > 1), 1)
    kept = tensor.name in KEPT_WHOLE or any(piece in tensor.name for piece in KEPT)
    return rank > 1 and tensor.name.endswith("weight") and not kept and tensor.kind.name not in WHOLE_NUMBERS


def _wanted(name: str, kind: Kind, tied: bool, experts: int) -> Kind:
    if name == "output.weight" or (tied and name == "token_embd.weight"):
        return kind if kind.name == "Q8_0" else BY_NAME["Q6_K"]
    small = experts == 8 and (".attn_v." in name or ".attn_k." in name)  # eight experts: these are cheap to keep well
    return BY_NAME["Q8_0"] if small else kind


def _fitting(kind: Kind, row: int) -> Kind:
    """The type, or what llama.cpp takes where its block does not divide the row."""
    if row % kind.block and kind.name == "Q6_K":
        kind = BY_NAME["Q8_0"]
    return BY_NAME["F16"] if row % kind.block else kind
