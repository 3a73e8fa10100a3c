"""Which type each tensor gets under a quantization's name, because "Q4_K_M" is a mixture and not one width.

The facts are those of llama.cpp's quantizer (src/llama-quant.cpp), said here as a table: a row is read as "under these
names, a tensor of this part, when this holds, gets that type"; the first row that holds counts. Dense models only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from caveat.runtime.shape import Shape, Tensor
from caveat.runtime.types import BY_NAME, Kind, size

#: name of a quantization -> the type of what no row names, largest first
MIXES = {
    "F16": "F16", "BF16": "BF16", "Q8_0": "Q8_0", "Q6_K": "Q6_K", "Q5_1": "Q5_1", "Q5_K_M": "Q5_K", "Q5_K_S": "Q5_K",
    "Q5_0": "Q5_0", "Q4_1": "Q4_1", "Q4_K_M": "Q4_K", "Q4_K_S": "Q4_K", "Q4_0": "Q4_0", "IQ4_NL": "IQ4_NL",
    "IQ4_XS": "IQ4_XS", "Q3_K_L": "Q3_K", "Q3_K_M": "Q3_K", "IQ3_M": "IQ3_S", "Q3_K_S": "Q3_K", "IQ3_S": "IQ3_S",
    "IQ3_XS": "IQ3_S", "IQ3_XXS": "IQ3_XXS", "Q2_K": "Q2_K", "Q2_K_S": "Q2_K", "IQ2_M": "IQ2_S", "IQ2_S": "IQ2_XS",
    "IQ2_XS": "IQ2_XS", "IQ2_XXS": "IQ2_XXS", "IQ1_M": "IQ1_M", "IQ1_S": "IQ1_S",
}
#: What llama.cpp refuses to make without an importance matrix.
NEEDS_MATRIX = frozenset("Q2_K_S IQ3_XS IQ3_XXS IQ2_M IQ2_S IQ2_XS IQ2_XXS IQ1_M IQ1_S".split())
TINY = frozenset("IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ1_S IQ1_M".split())
#: type whose block does not divide the row -> what is taken instead
FALLBACK = {**dict.fromkeys("IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S IQ4_XS".split(), "IQ4_NL"),
            "Q2_K": "Q4_0", "Q3_K": "Q4_0", "Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0"}
PARTS = {"token_embd": "embedding", "output": "output", "attn_v": "value", "attn_qkv": "value", "attn_k": "key",
         "attn_q": "query", "attn_output": "mixed", "ffn_up": "up", "ffn_gate": "up", "ffn_down": "down"}


class Seat(NamedTuple):
    """Where a tensor sits: layer of layers, whether four or more heads share a key, whether there is a matrix."""

    layer: int
    layers: int
    grouped: bool
    matrix: bool


def _always(seat: Seat) -> bool:
    return True


def _grouped(seat: Seat) -> bool:
    return seat.grouped


def _more_bits(seat: Seat) -> bool:
    """The first and the last eighth, and every third between."""
    eighth = seat.layers // 8
    return seat.layer < eighth or seat.layer >= 7 * seat.layers // 8 or (seat.layer - eighth) % 3 == 2


def _first(share: int) -> Callable[[Seat], bool]:
    return lambda seat: seat.layer < seat.layers // share


def _first_layers(count: int) -> Callable[[Seat], bool]:
    return lambda seat: seat.layer < count


def _middle(seat: Seat) -> bool:
    return seat.layers // 8 <= seat.layer < 7 * seat.layers // 8


def _no_matrix(seat: Seat) -> bool:
    return not seat.matrix


def _first_eighth_no_matrix(seat: Seat) -> bool:
    return not seat.matrix and seat.layer < seat.layers // 8


Row = tuple[str, str, Callable[[Seat], bool], str]
ROWS: tuple[Row, ...] = (
    ("IQ2_XXS IQ2_XS IQ1_S IQ1_M", "embedding", _always, "Q2_K"),
    ("IQ2_S IQ2_M IQ3_XXS", "embedding", _always, "IQ3_S"),
    ("IQ2_XXS IQ2_XS IQ2_S IQ2_M IQ1_S IQ1_M", "value", _grouped, "Q4_K"),
    ("IQ2_S IQ2_M", "value", _always, "IQ3_S"),
    ("IQ2_XXS IQ2_XS IQ1_S IQ1_M", "value", _always, "Q2_K"),
    ("IQ2_S IQ2_M", "down", _first(8), "IQ3_S"),
    ("IQ2_XXS IQ2_XS IQ1_S IQ1_M", "down", _first(8), "Q2_K"),
    ("IQ1_S IQ1_M", "mixed", _always, "IQ2_XXS"),
    ("IQ2_S IQ2_M", "mixed", _always, "IQ3_S"),
    ("Q2_K Q2_K_S IQ3_XXS IQ3_XS IQ3_S", "value", _grouped, "Q4_K"),
    ("Q2_K", "value", _always, "Q3_K"),
    ("IQ3_XXS", "value", _no_matrix, "IQ3_S"),
    ("IQ3_M", "value", _always, "Q4_K"),
    ("Q3_K_M", "value", _first_layers(2), "Q5_K"),
    ("Q3_K_M", "value", _always, "Q4_K"),
    ("Q3_K_L", "value", _always, "Q5_K"),
    ("IQ4_NL IQ4_XS", "value", _grouped, "Q5_K"),
    ("Q4_K_M Q5_K_M", "value", _more_bits, "Q6_K"),
    ("Q4_K_S", "value", _first_layers(4), "Q5_K"),
    ("IQ3_XS", "key", _always, "IQ3_XXS"), ("IQ3_XXS", "key", _always, "IQ2_S"),
    ("IQ3_XS", "query", _always, "IQ3_XXS"), ("IQ3_XXS", "query", _always, "IQ2_S"),
    ("Q2_K", "down", _always, "Q3_K"),
    ("Q2_K_S", "down", _first(8), "Q4_K"),
    ("IQ3_XXS", "down", _first_eighth_no_matrix, "Q4_K"),
    ("IQ3_XXS", "down", _no_matrix, "Q3_K"),
    ("Q3_K_M", "down", _first(16), "Q5_K"),
    ("Q3_K_M", "down", _always, "Q4_K"),
    ("IQ3_M", "down", _first(8), "Q4_K"),
    ("Q3_K_L", "down", _always, "Q5_K"),
    ("Q4_K_M Q5_K_M", "down", _more_bits, "Q6_K"),
    ("IQ4_NL IQ4_XS", "down", _first_eighth_no_matrix, "Q5_K"),
    ("Q4_K_S", "down", _first(8), "Q5_K"),
    ("Q2_K", "mixed", _always, "Q3_K"),
    ("IQ3_XXS", "mixed", _always, "IQ3_S"),
    ("Q3_K_M IQ3_M", "mixed", _always, "Q4_K"),
    ("Q3_K_L", "mixed", _always, "Q5_K"),
    ("IQ3_XS", "up", _middle, "IQ3_XXS"),
)
#: (quantization, part) -> its rows, in order
BY_PART: dict[tuple[str, str], list[Row]] = {}
for _row in ROWS:
    for _mix in _row[0].split():
        BY_PART.setdefault((_mix, _row[1]), []).append(_row)


def kind_of(tensor: Tensor, mix: str, shape: Shape, matrix: bool | None = None) -> Kind:
    """The type of one tensor under a quantization. `matrix`: whether one is used (None: where it is needed)."""
    part = PARTS.get(re.sub(r"^blk\.\d+\.", "", tensor.name).removesuffix(".weight"), "")
    if len(tensor.dimensions) < 2 or not tensor.name.endswith(".weight") or tensor.name.endswith("_norm.weight"):
        return BY_NAME["F32"]
    if MIXES[mix] in ("F16", "BF16"):
        return BY_NAME[MIXES[mix]]
    return _fitting(_wanted(tensor, part, mix, shape, mix in NEEDS_MATRIX if matrix is None else matrix), tensor)


def _wanted(tensor: Tensor, part: str, mix: str, shape: Shape, matrix: bool) -> str:
    if part == "output" or (part == "embedding" and shape.tied):
        return _output(tensor, mix)
    layer = re.match(r"blk\.(\d+)\.", tensor.name)
    seat = Seat(int(layer[1]) if layer else 0, shape.layers, shape.grouped() >= 4, matrix)
    found = next((row[3] for row in BY_PART.get((mix, part), ()) if row[2](seat)), MIXES[mix])
    # Eighty layers with shared keys (the 70B models): their value tensors are small enough for a better type.
    large = part == "value" and shape.layers == 80 and shape.grouped() > 1 and mix not in TINY
    return "Q5_K" if large and found in ("Q3_K", "Q4_K") else found


def _output(tensor: Tensor, mix: str) -> str:
    """The output matrix, or the embedding that serves as one, is kept better than the rest."""
    kind = BY_NAME[MIXES[mix]]
    if tensor.dimensions[0] % kind.block:
        return "Q8_0"
    return "Q5_K" if mix in TINY or mix == "IQ3_XXS" else "Q8_0" if kind.name == "Q8_0" else "Q6_K"


def _fitting(name: str, tensor: Tensor) -> Kind:
    """The type, or what is taken where its block does not divide the row."""
    if tensor.dimensions[0] % BY_NAME[name].block == 0:
        return BY_NAME[name]
    other = BY_NAME[FALLBACK.get(name, "F16")]
    return other if tensor.dimensions[0] % other.block == 0 else BY_NAME["F16"]


def weight(tensors: Iterable[Tensor], mix: str, shape: Shape, matrix: bool | None = None) -> int:
    """Bytes of all weights under a quantization, without the file's header."""
    return sum(size(kind_of(t, mix, shape, matrix), t.dimensions) for t in tensors)


def elements(tensors: Sequence[Tensor]) -> int:
    """How many numbers the weights are."""
    return sum(size(Kind("", 0, 1, 1), t.dimensions) for t in tensors)
