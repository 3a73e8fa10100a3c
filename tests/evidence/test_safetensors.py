"""Only the header is read, and a header that lies is told."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from caveat.evidence import safetensors
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim


def made(header: Any, data: int = 0, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data


def read(data: bytes, file: str = "model.safetensors") -> Evidence:
    return safetensors.read(data, file, "me/mine")


def parameters(evidence: Evidence) -> list[str]:
    return [c.value for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "parameters"]


TWO = {"a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [0, 12]},
       "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]}}


def test_parameters_are_counted_from_the_shapes() -> None:
    evidence = read(made(TWO, 16))

    assert parameters(evidence) == ["7"]
    assert evidence.problems == ()


def test_a_file_is_read_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(made(TWO, 16))

    assert parameters(safetensors.read(path, "model.safetensors", "me/mine")) == ["7"]
    assert safetensors.read(tmp_path / "none", "none", "me/mine").problems


def test_notes_name_a_licence_and_a_base() -> None:
    evidence = read(made({"__metadata__": {"license": "mit", "base_model": "a/b"}, **TWO}, 16))

    assert [c.raw for c in evidence.claims if isinstance(c, LicenceClaim)] == ["mit"]
    assert [c.parent for c in evidence.claims if isinstance(c, StepClaim)] == ["a/b"]


def test_lies_are_told() -> None:
    long = read(made(TWO, 16, 10**15))
    beyond = read(made(TWO, 3))
    other = read(made({"a": {"dtype": "F16", "shape": [10**9, 10**9], "data_offsets": [0, 2]}}, 2))

    assert "the header says" in long.problems[0].what
    assert beyond.problems[0].what.startswith("1 tensors") or beyond.problems[0].what.startswith("2 tensors")
    assert other.problems


def test_rubbish_never_raises() -> None:
    for data in (b"", b"123", made([]), made({"a": 1}), made({"a": {"shape": "x"}}), made({"a": {"shape": [-1]}}),
                 made({"a": {"shape": [2**60] * 16, "data_offsets": [0, 0]}}), struct.pack("<Q", 2) + b"{{",
                 struct.pack("<Q", 4) + b"[[[["):
        read(data)


def test_packed_numbers_are_a_lower_bound() -> None:
    claim = read(made({"a": {"dtype": "I32", "shape": [4], "data_offsets": [0, 16]}}, 16)).claims[0]

    assert claim.place.weak == "packed numbers: at least so many"
