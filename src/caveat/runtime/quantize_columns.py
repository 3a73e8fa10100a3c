"""Blocks of 32 as columns: the types of 8, 5 and 4 bits, several times faster than along rows, and the same bytes.

numpy is quick along long axes and slow along short ones, so a piece is turned on its side first: row n of it holds the
n-th number of every block. What a block becomes follows llama.cpp's reference (ggml/src/ggml-quants.c,
quantize_row_*_ref) in single precision; the signs of its zeros too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

BLOCK = 32
Columns = Any  # float32, (32, blocks)


def blocks(numbers: Any, name: str, np: Any) -> Any:
    """The bytes of all blocks, (blocks, bytes of a block), for a type of TYPES."""
    return TYPES[name](np.array(numbers.reshape(-1, BLOCK).T, dtype=np.float32, order="C"), np)


def _eight(c: Columns, np: Any) -> Any:
    """A scale, and whole numbers from -127 to 127, halves rounded away from zero."""
    d = np.maximum(c.max(axis=0), np.abs(c.min(axis=0))) / np.float32(127)
    c *= _inverse(d, np)
    whole = np.rint(c)
    half = np.abs(c - np.trunc(c)) == np.float32(0.5)
    if half.any():
        whole[half] = np.trunc(c[half]) + np.sign(c[half])
    return _joined([d], [whole.astype(np.int8).view(np.uint8).T], np)


def _around_zero(bits: int) -> Callable[[Columns, Any], Any]:
    """A scale such that the number farthest from zero is the lowest level; the first of several."""
    half = 1 << (bits - 1)

    def made(c: Columns, np: Any) -> Any:
        d = _farthest(c, np) / np.float32(-half)
        c *= _inverse(d, np)
        c += np.float32(half + 0.5)
        return _joined([d], _levels(c, bits, np), np)

    return made


def _from_least(bits: int) -> Callable[[Columns, Any], Any]:
    """A scale and the least number: levels count from there."""

    def made(c: Columns, np: Any) -> Any:
        least = _first_zero(c, c.min(axis=0), np)
        d = (c.max(axis=0) - least) / np.float32((1 << bits) - 1)
        c -= least
        c *= _inverse(d, np)
        c += np.float32(0.5)
        return _joined([d, least], _levels(c, bits, np), np)

    return made


def _farthest(c: Columns, np: Any) -> Any:
    low, high = c.min(axis=0), c.max(axis=0)
    top = np.where(high > -low, high, low)
    tie = (high == -low) & (high != 0)
    if tie.any():
        even = c[:, tie]
        top[tie] = even[np.abs(even).argmax(axis=0), np.arange(even.shape[1])]
    top[(high == 0) & (low == 0)] = 0
    return top


def _first_zero(c: Columns, least: Any, np: Any) -> Any:
    """Of zeros of both signs the first counts."""
    zero = least == 0
    if zero.any():
        some = c[:, zero]
        least[zero] = some[(some == 0).argmax(axis=0), np.arange(some.shape[1])]
    return least


def _inverse(d: Any, np: Any) -> Any:
    return np.divide(np.float32(1), d, out=np.zeros_like(d), where=d != 0)


def _levels(c: Columns, bits: int, np: Any) -> list[Any]:
    """Low halves of level n and n + 16 in a byte; of five bits the fifth ones before, 32 in four bytes."""
    q = c.astype(np.uint8)
    np.minimum(q, (1 << bits) - 1, out=q)
    low = ((q[:16] & 15) | (q[16:] << 4)).T
    return [np.packbits(q >> 4, axis=0, bitorder="little").T, low] if bits == 5 else [low]


def _joined(heads: list[Any], bodies: list[Any], np: Any) -> Any:
    """16-bit heads, then bodies, side by side."""
    count = len(heads[0])
    parts = [*(h.astype(np.float16).view(np.uint8).reshape(count, 2) for h in heads), *bodies]
    made, at = np.empty((count, sum(p.shape[1] for p in parts)), np.uint8), 0
    for part in parts:
        made[:, at:at + part.shape[1]] = part
        at += part.shape[1]
    return made


TYPES: dict[str, Callable[[Columns, Any], Any]] = {
    "Q8_0": _eight, "Q5_1": _from_least(5), "Q5_0": _around_zero(5), "Q4_1": _from_least(4), "Q4_0": _around_zero(4),
}
