"""Tensor entries of a GGUF header are read to the byte, and every lie ends the reading without an exception."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from caveat.evidence import gguf, gguf_tensors
from tests.runtime import files

KEYS = {"general.architecture": "llama", "tokenizer.ggml.tokens": [f"t{n}" for n in range(1000)], "last": 7}
TENSORS = (("token_embd.weight", (64, 100), "Q8_0"), ("blk.0.attn_norm.weight", (64,), "F32"))


def test_entries_stand_behind_a_long_vocabulary() -> None:
    head, whole = files.gguf(KEYS, TENSORS)
    read = gguf_tensors.of_bytes(head, "a.gguf")

    assert read.problems == ()
    assert [(t.name, t.dimensions, t.kind) for t in read.tensors] == [
        ("token_embd.weight", (64, 100), 8), ("blk.0.attn_norm.weight", (64,), 0)]
    assert read.start == len(head) and read.start % 32 == 0
    assert read.start + read.tensors[1].offset + 256 == whole
    assert read.header.values["last"] == 7 and len(read.header.values["tokenizer.ggml.tokens"]) == 256  # type: ignore[arg-type]


def test_a_header_cut_anywhere_is_told_and_never_raises() -> None:
    head, _ = files.gguf({"general.architecture": "llama", "k": ["a"] * 300}, TENSORS)
    end = len(head.rstrip(b"\0"))

    for at in range(0, end - 8, 7):
        read = gguf_tensors.of_bytes(head[:at], "a.gguf")
        assert read.tensors == () and read.problems


@pytest.mark.parametrize("count", [3, 1 << 20, 1 << 62])
def test_more_tensors_than_stand_there_are_a_lie(count: int) -> None:
    head, _ = files.gguf({"a": 1}, TENSORS, count)
    read = gguf_tensors.of_bytes(head, "a.gguf")

    assert read.tensors == () and "tensors ask for" in read.problems[0].what


@pytest.mark.parametrize("entry", [
    struct.pack("<I", 9) + bytes(100), struct.pack("<I4Q", 4, *[1 << 20] * 4) + bytes(50)], ids=["rank", "numbers"])
def test_tensors_beyond_all_measure_are_a_lie(entry: bytes) -> None:
    head, _ = files.gguf({"a": 1}, count=1)
    read = gguf_tensors.of_bytes(head.rstrip(b"\0") + bytes(3) + files.text("x") + entry, "a.gguf")

    assert read.tensors == () and read.problems


def test_a_hole_of_a_terabyte_is_left_soon(tmp_path: Path) -> None:
    path = tmp_path / "hole.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 10, 2) + files.text("k") + struct.pack("<IIQ", 9, 8, 1 << 36))
    os.truncate(path, 1 << 40)

    read = gguf_tensors.tensors(path, path.name)

    assert read.tensors == () and "more than" in read.problems[0].what


def test_a_text_longer_than_the_file_ends_a_vocabulary() -> None:
    head, _ = files.gguf({"k": ["a"] * 400})
    lie = head.replace(files.text("a"), struct.pack("<Q", 1 << 63) + b"a")
    late = head[:-40] + struct.pack("<Q", (1 << 64) - 1) + bytes(32)

    assert gguf.header(lie, "a").problems and gguf.header(late, "a").problems


def test_parts_of_a_model_are_found_in_order(tmp_path: Path) -> None:
    paths = [tmp_path / f"m-0000{n}-of-00003.gguf" for n in (1, 2, 3)]
    for path in reversed(paths):
        path.write_bytes(b"")

    assert gguf_tensors.parts(paths[0]) == tuple(paths)
    assert [gguf_tensors.is_later_part(p) for p in paths] == [False, True, True]
    assert gguf_tensors.parts(tmp_path / "m.gguf") == (tmp_path / "m.gguf",)
