"""Reads the header of a .safetensors file: its notes and how many parameters its tensors have.

Format: eight bytes of length (little endian), that many bytes of JSON, then the data, which is never touched. The
format bounds the header at 100 MB; a length beyond the file or the bound, and tensors beyond the data, are lies and
are told. Quantized weights pack several parameters in one number, so their count is a lower bound and marked weak.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from caveat.evidence import json_safe
from caveat.evidence.repo_names import repo_id
from caveat.evidence.source import Source, place
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Problem, StepClaim

NAMES = ("*.safetensors",)
READS = "path"

HEADER_LIMIT = 100_000_000
#: Commas and brackets of a header that is parsed: each may become an object of a hundred bytes. A model of a hundred
#: thousand tensors has a million.
MARKS_LIMIT = 2_000_000
PACKED = frozenset({"I32", "U8", "I8", "F8_E4M3", "F8_E5M2", "F4", "I64"})
BITS = {"F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U8": 8, "BOOL": 8,
        "F8_E4M3": 8, "F8_E5M2": 8, "U16": 16, "U32": 32, "U64": 64}
BASE_KEYS = ("base_model", "ss_sd_model_name", "ss_base_model_version", "modelspec.base_model")
LICENCE_KEYS = ("license", "licence", "modelspec.license")


def read(source: Source, file: str, asset: str) -> Evidence:
    """Parameter count, licence and base of one file's header; never raises."""
    try:
        header, size, problems = _header(source, file)
    except OSError as error:
        return Evidence(problems=(Problem(file, f"cannot be opened: {error.strerror or error}"),))
    tensors = {k: v for k, v in header.items() if k != "__metadata__" and isinstance(v, dict)}
    claims: list[Claim] = [*_parameters(tensors, file, asset), *_notes(header.get("__metadata__"), file, asset)]
    return Evidence(claims=tuple(claims), problems=(*problems, *_lies(tensors, size, file)))


def weights(path: Path, file: str) -> tuple[dict[str, int], int, tuple[Problem, ...]]:
    """(name of a tensor -> its numbers, bytes of all data, problems) from one file's header; never raises."""
    try:
        header, size, problems = _header(path, file)
    except OSError as error:
        return {}, 0, (Problem(file, f"cannot be opened: {error.strerror or error}"),)
    tensors = {k: v for k, v in header.items() if k != "__metadata__" and isinstance(v, dict)}
    return {k: _count(v) for k, v in tensors.items()}, size, (*problems, *_lies(tensors, size, file))


def _header(source: Source, file: str) -> tuple[dict[str, Any], int, tuple[Problem, ...]]:
    """(header, bytes of data behind it, problems); reads no more than the header."""
    if isinstance(source, Path):
        with source.open("rb") as stream:
            return _from_stream(stream, source.stat().st_size, file)
    data = source.encode() if isinstance(source, str) else source
    return _from_stream(BytesIO(data), len(data), file)


def _from_stream(stream: BinaryIO, size: int, file: str) -> tuple[dict[str, Any], int, tuple[Problem, ...]]:
    head = stream.read(8)
    if len(head) < 8:
        return {}, 0, (Problem(file, "too short for a safetensors header"),)
    (length,) = struct.unpack("<Q", head)
    if length > min(HEADER_LIMIT, size - 8):
        return {}, 0, (Problem(file, f"the header says {length} bytes, the file has {size}", None, "not read"),)
    text = stream.read(length)
    if sum(map(text.count, (b",", b"[", b"{"))) > MARKS_LIMIT:
        return {}, 0, (Problem(file, f"a header of more than {MARKS_LIMIT} values", None, "not read"),)
    return _parsed(text, size - 8 - length, file)


def _parsed(text: bytes, size: int, file: str) -> tuple[dict[str, Any], int, tuple[Problem, ...]]:
    try:
        header, told = json_safe.loads(text.decode("utf-8"), file)
    except (ValueError, RecursionError):
        return {}, 0, (Problem(file, "the header is not JSON", None, "not read"),)
    if not isinstance(header, dict):
        return {}, 0, (Problem(file, "the header is no object", None, "not read"),)
    return header, size, told


def _count(tensor: dict[str, Any]) -> int:
    """The elements of one tensor; 0 for a shape that is none."""
    shape = tensor.get("shape")
    good = isinstance(shape, list) and len(shape) <= 16 and all(type(n) is int and 0 <= n < 1 << 48 for n in shape)
    return math.prod(shape) if good and isinstance(shape, list) else 0


def _parameters(tensors: dict[str, Any], file: str, asset: str) -> Iterator[AssetClaim]:
    total = sum(_count(t) for t in tensors.values())
    if total:
        packed = any(str(t.get("dtype")) in PACKED for t in tensors.values())
        weak = "packed numbers: at least so many" if packed else ""
        part = " (one of several files)" if "-of-" in file else ""
        yield AssetClaim(asset, "parameters", str(total), place(file, None, "shapes", f"{len(tensors)} tensors{part}",
                                                                "detected", weak or part.strip(" ()")))


def _notes(notes: object, file: str, asset: str) -> Iterator[Claim]:
    """Licence and base among the free notes of the header."""
    words = {k: v for k, v in notes.items() if isinstance(v, str)} if isinstance(notes, dict) else {}
    for key in LICENCE_KEYS:
        if words.get(key):
            from caveat.evidence.licence_words import laws_of, table

            said = laws_of(words[key], table())
            where = place(file, None, f"__metadata__.{key}", words[key])
            yield LicenceClaim(asset, said.laws, where, said.choice, words[key])
            break
    for key in BASE_KEYS:
        if parent := repo_id(words.get(key, "")):
            yield StepClaim(asset, "adapt" if key.startswith("ss_") else "finetune", parent,
                            place(file, None, f"__metadata__.{key}", words[key], "inferred"))
            break


def _lies(tensors: dict[str, Any], size: int, file: str) -> Iterator[Problem]:
    """Tensors whose place lies outside the data or does not fit their shape."""
    bad = [name for name, t in tensors.items() if not _fits(t, size)]
    if bad:
        yield Problem(file, f"{len(bad)} tensors do not lie where the header says (first: {bad[0][:60]})", None,
                      "the counts rest on the header alone")
    elif sum(t["data_offsets"][1] - t["data_offsets"][0] for t in tensors.values()) > size:
        yield Problem(file, "tensors overlap: together they are larger than the data", None,
                      "the counts rest on the header alone")


def _fits(tensor: dict[str, Any], size: int) -> bool:
    offsets = tensor.get("data_offsets")
    if not (isinstance(offsets, list) and len(offsets) == 2 and all(type(n) is int for n in offsets)):
        return False
    bits = BITS.get(str(tensor.get("dtype")))
    begin, end = offsets
    return 0 <= begin <= end <= size and (bits is None or (end - begin) * 8 == _count(tensor) * bits)
