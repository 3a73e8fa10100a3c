"""Writes small GGUF and safetensors files for the tests of this folder: real headers, weights that are holes."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from caveat.runtime.types import BY_NAME, size

Entry = tuple[str, tuple[int, ...], str]


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words.encode())) + words.encode()


def value(said: Any) -> bytes:
    """A string, a whole number (32 bits) or a list of strings, with its type."""
    if isinstance(said, str):
        return struct.pack("<I", 8) + text(said)
    if isinstance(said, int):
        return struct.pack("<II", 4, said)
    return struct.pack("<IIQ", 9, 8, len(said)) + b"".join(map(text, said))


def gguf(keys: Mapping[str, Any], tensors: Sequence[Entry] = (), count: int | None = None) -> tuple[bytes, int]:
    """(header with padding, bytes of the whole file) of a GGUF file of version 3."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors) if count is None else count, len(keys))
    head += b"".join(text(k) + value(v) for k, v in keys.items())
    offset = 0
    for name, dimensions, kind in tensors:
        head += text(name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions,
                                         BY_NAME[kind].number, offset)
        offset += -(-size(BY_NAME[kind], dimensions) // 32) * 32
    head += bytes(-len(head) % 32)
    return head, len(head) + offset


def write(path: Path, keys: Mapping[str, Any], tensors: Sequence[Entry], less: int = 0) -> Path:
    """The file on disk, weights a hole, `less` bytes cut off its end."""
    head, whole = gguf(keys, tensors)
    path.write_bytes(head)
    os.truncate(path, whole - less)
    return path


def checkpoint(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, tuple[int, ...]]) -> Path:
    """A folder with config.json and one safetensors file in 16 bits, weights a hole."""
    (folder / "config.json").write_text(json.dumps(config))
    header: dict[str, Any] = {}
    at = 0
    for name, shape in tensors.items():
        end = at + 2 * (shape[0] * (shape[1] if len(shape) > 1 else 1))
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [at, end]}
        at = end
    said = json.dumps(header).encode()
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(said)) + said)
    os.truncate(folder / "model.safetensors", 8 + len(said) + at)
    return folder
