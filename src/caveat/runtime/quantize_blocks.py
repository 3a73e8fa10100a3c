"""Numbers into the blocks of a quantization and back: the `gguf` package, our quicker ones, and Q6_K, which it lacks.

Every routine takes whole rows and gives bytes, so that a caller may hand over as few rows at a time as he likes.
Q6_K follows llama.cpp's reference (ggml/src/ggml-quants.c, quantize_row_q6_K_ref), sum by sum in single precision, so
that the bytes come out the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from caveat.errors import CaveatError, EvidenceError
from caveat.runtime.quantize_columns import TYPES, blocks
from caveat.runtime.types import Kind

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float32]
    Bytes = NDArray[np.uint8]

SUPER, GROUP, MOST = 256, 16, 32
#: A group whose largest number is smaller is all zero.
NOTHING = 1e-15
#: Numbers from here on are infinite in 16 bits; how many times that a type's blocks still reach.
HALF = 65520.0
ROOM = {"F16": 1, "Q4_1": 1, "Q5_1": 1, "Q4_0": 8, "Q5_0": 16, "Q8_0": 127, "Q6_K": 32 * 127}


def packages() -> tuple[Any, Any]:
    """numpy and gguf.quants; raises CaveatError naming what to install."""
    try:
        import numpy
        from gguf import quants
    except ImportError:
        raise CaveatError("quantizing needs numpy and gguf: pip install 'caveat[run]'") from None
    return numpy, quants


def to_numbers(data: Bytes, kind: Kind, row: int) -> Numbers:
    """Rows of numbers in 32 bits, (rows, row), from their bytes. Raises EvidenceError for a type not to be read."""
    np, quants = packages()
    if kind.name == "F32":
        return data.view(np.float32).reshape(-1, row)  # type: ignore[no-any-return]
    if kind.name == "F16":
        return data.view(np.float16).astype(np.float32).reshape(-1, row)  # type: ignore[no-any-return]
    if kind.name == "BF16":
        return (data.view(np.uint16).astype(np.uint32) << 16).view(np.float32).reshape(-1, row)  # type: ignore[no-any-return]
    try:
        return quants.dequantize(data.reshape(-1, row // kind.block * kind.bytes),  # type: ignore[no-any-return]
                                 _number(kind)).reshape(-1, row)
    except (NotImplementedError, KeyError, ValueError):
        raise EvidenceError(f"tensors of type {kind.name} cannot be read back into numbers here") from None


def to_bytes(numbers: Numbers, kind: Kind) -> Bytes:
    """The bytes of rows of numbers in a type. Raises EvidenceError for numbers that a type cannot hold."""
    np, quants = packages()
    if kind.name == "F32":
        return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1)  # type: ignore[no-any-return]
    with np.errstate(all="ignore"):
        if kind.name in TYPES:
            made = blocks(numbers, kind.name, np)
        elif kind.name in OWN:
            made = OWN[kind.name](numbers, np)
        else:
            made = quants.quantize(numbers, _number(kind))
    return np.ascontiguousarray(made).view(np.uint8).reshape(-1)  # type: ignore[no-any-return]


def amiss(numbers: Numbers, kind: Kind) -> str:
    """Why rows of numbers cannot be written in a type; "" for nothing."""
    np, _ = packages()
    top = max(float(np.max(numbers)), -float(np.min(numbers))) if numbers.size else 0.0
    if not np.isfinite(top):
        return "numbers that are not finite"
    if top / ROOM.get(kind.name, 1e38) >= HALF:
        return f"a number of {top:g}, which {kind.name} cannot hold; BF16 can"
    return ""


def _number(kind: Kind) -> Any:
    from gguf.constants import GGMLQuantizationType

    return GGMLQuantizationType(kind.number)


def _upper_halves(numbers: Numbers, np: Any) -> Any:
    """BF16: the upper half of each number in 32 bits, rounded to the nearest, halves to even; no number is NaN here."""
    bits = np.ascontiguousarray(numbers).view(np.uint32)
    rounded = (bits >> 16) & 1
    rounded += 0x7FFF
    rounded += bits
    rounded >>= 16
    return rounded.astype(np.uint16)


# Q6_K.


def _q6_k(numbers: Numbers, np: Any) -> Bytes:
    """Blocks of 256 numbers as 128 low halves, 64 quarters, 16 scales and a 16-bit scale of scales."""
    groups = np.ascontiguousarray(numbers, dtype=np.float32).reshape(-1, GROUP)
    scales, factors = _scales(groups, np)
    many = (-1, SUPER // GROUP)
    levels, small, whole = _levels(groups.reshape(*many, GROUP), scales.reshape(many), factors.reshape(many), np)
    low, high = _packed(levels.reshape(-1, 2, 4, 32), np)
    made = np.concatenate([low, high, small.view(np.uint8), whole.view(np.uint8)], axis=1)
    made[np.abs(scales.reshape(many)).max(axis=1) < NOTHING] = 0
    return made  # type: ignore[no-any-return]


def _scales(groups: Any, np: Any) -> tuple[Any, Any]:
    """The scale of every group of 16 with the smallest weighted error among nineteen tries, and the factor tried."""
    at = np.abs(groups).argmax(axis=1, keepdims=True)
    top = np.take_along_axis(groups, at, axis=1)[:, 0]
    columns, none = np.ascontiguousarray(groups.T), np.abs(top) < NOTHING
    weight = columns * columns
    heavy = weight * columns
    safe = np.where(none, np.float32(1), top)
    chosen = np.float32(-MOST) / safe
    up, down = _sums(columns, weight, heavy, chosen, np)
    scale = np.where(down > 0, up / down, np.float32(0))
    best = scale * up
    for step in (*range(-9, 0), *range(1, 10)):
        factor = -(np.float32(MOST) + np.float32(0.1) * np.float32(step)) / safe
        up, down = _sums(columns, weight, heavy, factor, np)
        better = (down > 0) & (up * up > best * down)
        scale = np.where(better, up / down, scale)
        best = np.where(better, scale * up, best)
        chosen = np.where(better, factor, chosen)
    return np.where(none, np.float32(0), scale), np.where(none, np.float32(0), chosen)


def _sums(columns: Any, weight: Any, heavy: Any, factor: Any, np: Any) -> tuple[Any, Any]:
    """Sums of w x l and w l l over a group, added up in the order in which llama.cpp adds them."""
    up, down = np.zeros_like(factor), np.zeros_like(factor)
    for x, w, wx in zip(columns, weight, heavy, strict=True):
        level = np.rint(factor * x)
        np.minimum(np.maximum(level, -MOST, out=level), MOST - 1, out=level)
        up += wx * level
        down += w * level * level
    return up, down


def _levels(groups: Any, scales: Any, factors: Any, np: Any) -> tuple[Any, Any, Any]:
    """Levels 0 to 63 of every number, scales as 8-bit numbers, and the scale of scales in 16 bits."""
    largest = np.take_along_axis(scales, np.abs(scales).argmax(axis=1, keepdims=True), axis=1)
    inverse = np.float32(-128) / np.where(largest == 0, np.float32(1), largest)
    whole = (np.float32(1) / inverse).astype(np.float16)
    small = np.minimum(127, np.rint(inverse * scales)).astype(np.int8)
    step = whole.astype(np.float32) * small.astype(np.float32)
    none = step == 0
    levels = _clipped(groups / np.where(none, np.float32(1), step)[:, :, None], np)
    if none.any():  # a scale that rounds to nothing keeps the levels of its search; an empty group has level 0
        searched = np.where(factors[:, :, None] == 0, 0, _clipped(groups * factors[:, :, None], np))
        levels = np.where(none[:, :, None], searched, levels)
    return levels.astype(np.uint8), small, whole


def _clipped(levels: Any, np: Any) -> Any:
    return np.clip(np.rint(levels), -MOST, MOST - 1).astype(np.int16) + MOST


def _packed(levels: Any, np: Any) -> tuple[Any, Any]:
    """Low halves of byte pairs and the upper two bits of four levels to a byte, in llama.cpp's order."""
    first, second, third, fourth = (levels[:, :, n] for n in range(4))
    low = np.stack([(first & 15) | (third << 4), (second & 15) | (fourth << 4)], axis=2)
    high = (first >> 4) | ((second >> 4) << 2) | ((third >> 4) << 4) | ((fourth >> 4) << 6)
    return low.reshape(len(levels), 128), high.reshape(len(levels), 64)


OWN = {"BF16": _upper_halves, "Q6_K": _q6_k}
