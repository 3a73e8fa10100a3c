"""Reads the names, shapes and types of the tensors of a .gguf file, because what a model weighs stands there exactly.

After the keys of the header comes one entry a tensor: name, dimensions (fastest first), type number, and where its data
lies from the first aligned byte on. The data is never touched; entries that the file cannot hold end the reading.
"""

from __future__ import annotations

import mmap
import re
from math import prod
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.gguf import KEY_LENGTH, Cursor, Header, Lie, walk
from caveat.lineage.claims import Problem

TENSORS_LIMIT, DIMENSIONS_LIMIT, ELEMENTS_LIMIT, PARTS_LIMIT = 100_000, 8, 1 << 50, 512
#: The smallest entry: an empty name, one dimension, type and place (version 1: half as wide).
SMALLEST = 20
ALIGNMENT = 32
PART = re.compile(r"^(.*)-(\d{5})-of-(\d{5})\.gguf$")


class TensorInfo(NamedTuple):
    """One tensor: dimensions fastest first, GGML type number, bytes from the start of the data."""

    name: str
    dimensions: tuple[int, ...]
    kind: int
    offset: int

    def elements(self) -> int:
        return prod(self.dimensions)


class Tensors(NamedTuple):
    """Header and tensors of one file. `start` is where the data begins, `size` what the file weighs, in bytes."""

    header: Header
    tensors: tuple[TensorInfo, ...] = ()
    start: int = 0
    alignment: int = ALIGNMENT
    size: int = 0
    problems: tuple[Problem, ...] = ()


def tensors(path: Path, file: str) -> Tensors:
    """Header and tensors of one GGUF file, memory-mapped; never raises."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return of_bytes(data, file)
    except (OSError, ValueError) as error:
        return Tensors(Header({}), problems=(Problem(file, f"cannot be opened: {error}"),))


def of_bytes(data: bytes | mmap.mmap, file: str) -> Tensors:
    """Header and tensors in bytes or a map; never raises."""
    header, cursor = walk(data, file)
    if cursor is None:
        return Tensors(header, size=len(data), problems=header.problems)
    alignment = _alignment(header)
    try:
        found = _entries(cursor, header.version)
    except Lie as lie:
        told = Problem(file, f"the tensors ask for {lie}", None, "no tensor was read")
        return Tensors(header, size=len(data), problems=(*header.problems, told))
    return Tensors(header, found, _aligned(cursor.at, alignment), alignment, len(data), header.problems)


def _entries(cursor: Cursor, version: int) -> tuple[TensorInfo, ...]:
    if cursor.tensors > TENSORS_LIMIT:
        raise Lie(f"{cursor.tensors} tensors, more than {TENSORS_LIMIT}")
    cursor.need(cursor.tensors * SMALLEST)
    return tuple(_entry(cursor, "I" if version == 1 else "Q") for _ in range(cursor.tensors))


def _entry(cursor: Cursor, wide: str) -> TensorInfo:
    name = cursor.text(KEY_LENGTH)
    rank = int(cursor.take("I"))
    if rank > DIMENSIONS_LIMIT:
        raise Lie(f"a tensor of {rank} dimensions")
    shape = tuple(int(cursor.take(wide)) for _ in range(rank))
    if prod(shape) > ELEMENTS_LIMIT:
        raise Lie(f"a tensor of {prod(shape)} numbers")
    return TensorInfo(name, shape, int(cursor.take("I")), int(cursor.take("Q")))


def _alignment(header: Header) -> int:
    """What data is aligned to, in bytes; a value that is no power of two is not believed."""
    said = header.number("general.alignment") or ALIGNMENT
    return said if 0 < said <= 1 << 20 and said & (said - 1) == 0 else ALIGNMENT


def _aligned(at: int, to: int) -> int:
    return -(-at // to) * to


def parts(path: Path) -> tuple[Path, ...]:
    """The files of a model cut in pieces, first to last, those that are there; the file alone where it is whole."""
    cut = PART.match(path.name)
    if not cut or not 0 < int(cut[3]) <= PARTS_LIMIT:
        return (path,)
    names = (f"{cut[1]}-{n:05}-of-{cut[3]}.gguf" for n in range(1, int(cut[3]) + 1))
    return tuple(p for name in names if (p := path.with_name(name)).is_file()) or (path,)


def is_later_part(path: Path) -> bool:
    """Whether the file is a piece of a model that begins in another file."""
    cut = PART.match(path.name)
    return cut is not None and int(cut[2]) > 1
