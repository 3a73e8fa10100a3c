"""How many bytes a number takes in each type of GGML, because sizes are sums of whole blocks of such numbers.

Facts of the format (ggml/src/ggml-common.h of llama.cpp): a block of so many numbers takes so many bytes. A row of a
tensor is cut into blocks, so its length has to be a multiple of the block.
"""

from __future__ import annotations

from typing import NamedTuple


class Kind(NamedTuple):
    """A type: its number in GGUF files, numbers in a block, bytes of a block."""

    name: str
    number: int
    block: int
    bytes: int


KINDS = tuple(Kind(*row) for row in (
    ("F32", 0, 1, 4), ("F16", 1, 1, 2), ("BF16", 30, 1, 2), ("F64", 28, 1, 8),
    ("I8", 24, 1, 1), ("I16", 25, 1, 2), ("I32", 26, 1, 4), ("I64", 27, 1, 8),
    ("Q4_0", 2, 32, 18), ("Q4_1", 3, 32, 20), ("Q5_0", 6, 32, 22), ("Q5_1", 7, 32, 24),
    ("Q8_0", 8, 32, 34), ("Q8_1", 9, 32, 36), ("MXFP4", 39, 32, 17),
    ("Q2_K", 10, 256, 84), ("Q3_K", 11, 256, 110), ("Q4_K", 12, 256, 144),
    ("Q5_K", 13, 256, 176), ("Q6_K", 14, 256, 210), ("Q8_K", 15, 256, 292),
    ("IQ1_S", 19, 256, 50), ("IQ1_M", 29, 256, 56),
    ("IQ2_XXS", 16, 256, 66), ("IQ2_XS", 17, 256, 74), ("IQ2_S", 22, 256, 82),
    ("IQ3_XXS", 18, 256, 98), ("IQ3_S", 21, 256, 110),
    ("IQ4_NL", 20, 32, 18), ("IQ4_XS", 23, 256, 136),
    ("TQ1_0", 34, 256, 54), ("TQ2_0", 35, 256, 66),
))
BY_NAME = {k.name: k for k in KINDS}
BY_NUMBER = {k.number: k for k in KINDS}


def size(kind: Kind, dimensions: tuple[int, ...]) -> int:
    """Bytes of a tensor, dimensions fastest first; a row that is no whole number of blocks is rounded up."""
    row, rest = dimensions[0] if dimensions else 1, dimensions[1:]
    total = -(-row // kind.block) * kind.bytes
    for n in rest:
        total *= n
    return total
