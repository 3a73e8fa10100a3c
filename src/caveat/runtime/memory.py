"""What a model needs beside its weights while it runs: the cache of keys and values, and the buffers of one step.

    cache    layers x tokens x (key heads x head size) x 2 x bytes of the cache type     tokens in steps of 256
    buffers  4 x batch x max(vocabulary + 2 width, 3 feed-forward + 4 width) + mask      batch of 512 tokens

The cache is arithmetic. The buffers are a model of what llama.cpp's planner reserves for its worst step, with flash
attention (its default): either all logits of a batch beside two streams, or the feed-forward's three beside four
streams and the mask of 16 bits (tokens x batch x 2). With a quantized cache and a mask as large as a stream, one stream
moves from the second line to the first. Both were fitted to and are measured against its own dry run, where the figures
and the one place that misses stand too (benchmarks/fit.py, docs/fit.md). What a driver takes for itself (a few hundred
MiB on a GPU) is in neither.
"""

from __future__ import annotations

from typing import NamedTuple

from caveat.runtime.shape import Shape
from caveat.runtime.types import BY_NAME

CACHE_TYPES = ("f16", "q8_0", "q4_0")
STEP, BATCH, SMALL = 256, 512, 12 << 10
#: llama.cpp's own automatic fit leaves so much of a GPU free (common_params.fit_params_target).
MARGIN = 1 << 30


class Need(NamedTuple):
    """Bytes while running: weights, cache of keys and values, buffers of a step."""

    weights: int
    cache: int
    buffers: int

    def total(self) -> int:
        return sum(self)


def cells(tokens: int) -> int:
    """Places in a cache for so many tokens: llama.cpp rounds up to steps of 256."""
    return -(-tokens // STEP) * STEP


def cache(shape: Shape, tokens: int, kind: str = "f16") -> int:
    """Bytes of keys and values for a context of `tokens`, with heads grouped and windows as the shape says."""
    type = BY_NAME[kind.upper()]
    row = -(-shape.kv_heads * shape.head_size // type.block) * type.bytes
    full = shape.layers // shape.period if shape.window and shape.period else shape.layers
    near = min(cells(tokens), cells(shape.window + BATCH))
    return 2 * row * (full * cells(tokens) + (shape.layers - full) * near)


def buffers(shape: Shape, tokens: int, kind: str = "f16", batch: int = BATCH) -> int:
    """Bytes of the largest step of `batch` tokens at a context of `tokens`, with a cache of one kind."""
    mask = 2 * cells(tokens) * (2 if shape.window else 1)
    moved = int(kind != "f16" and mask >= 4 * shape.width)
    logits = 4 * (shape.vocabulary + (2 + moved) * shape.width)
    inside = 4 * (3 * shape.feed_forward + (4 - moved) * shape.width) + mask
    return min(batch, cells(tokens)) * max(logits, inside) + SMALL


def need(shape: Shape, weights: int, tokens: int, kind: str = "f16") -> Need:
    """Everything at a context of `tokens` with a cache of one kind."""
    return Need(weights, cache(shape, tokens, kind), buffers(shape, tokens, kind))


def longest(shape: Shape, weights: int, room: int, kind: str = "f16") -> int:
    """The longest context, in tokens, that `room` bytes hold, up to what the model was trained for; 0: none."""
    low, high = 0, -(-shape.context // STEP)
    while low < high:
        middle = (low + high + 1) // 2
        fits = need(shape, weights, middle * STEP, kind).total() <= room
        low, high = (middle, high) if fits else (low, middle - 1)
    return min(low * STEP, shape.context)
