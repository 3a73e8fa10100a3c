"""Tiny weight files for stories, made when a test runs: a header that says what real ones say, and no weights."""

from __future__ import annotations

import json
import struct


def gguf(**words: str | int) -> bytes:
    """A GGUF file of version 3 with these `general.*` keys (an underscore pair stands for a dot) and no tensors."""
    pairs = b"".join(_pair("general." + key.replace("__", "."), value) for key, value in words.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(words)) + pairs


def _pair(key: str, value: str | int) -> bytes:
    if isinstance(value, int):
        return _text(key) + struct.pack("<II", 4, value)
    return _text(key) + struct.pack("<I", 8) + _text(value)


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def safetensors(**notes: str) -> bytes:
    """A safetensors file with one tensor of four numbers and these notes."""
    header = {"__metadata__": notes, "x": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}}
    data = json.dumps(header).encode()
    return struct.pack("<Q", len(data)) + data + bytes(8)
