"""Where each tensor lies in a checkpoint's safetensors files, believed only after everything has been checked.

Format: eight bytes of length (little endian), that many bytes of JSON (name -> dtype, shape, data_offsets), the data.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import parsed, shown, weights

HEADER_LIMIT = 100_000_000
#: Types that are converted, with their bytes.
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
OTHER = {"I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "U16": 2, "U32": 4, "U64": 8, "F8_E4M3": 1,
         "F8_E5M2": 1}
MOST_DIMENSIONS, LARGEST = 6, 1 << 40


class Tensor(NamedTuple):
    """One tensor: its type (F64 | F32 | F16 | BF16 | ...), shape (rows first), and bytes from `at` on in `file`."""

    name: str
    kind: str
    shape: tuple[int, ...]
    file: Path
    at: int
    size: int


def tensors(folder: Path) -> dict[str, Tensor]:
    """All tensors of a folder, file by file. Raises EvidenceError naming file and tensor."""
    files, index = weights(folder)
    found: dict[str, Tensor] = {}
    for file in files:
        for tensor in of_file(file):
            if tensor.name in found:
                raise EvidenceError(f"{file}: tensor {shown(tensor.name)} stands in {found[tensor.name].file.name} too")
            found[tensor.name] = tensor
    _as_indexed(folder, found, index)
    return found


def _as_indexed(folder: Path, found: dict[str, Tensor], index: dict[str, str]) -> None:
    for name, file in index.items():
        if name not in found or found[name].file.name != file:
            raise EvidenceError(f"{folder / file}: tensor {shown(name)} is not in it, though the index says so")
    extra = next((t for t in found.values() if index and t.name not in index), None)
    if extra:
        raise EvidenceError(f"{extra.file}: tensor {shown(extra.name)} is not in the index")


def of_file(file: Path) -> tuple[Tensor, ...]:
    """The tensors of one file by name (llama.cpp's order); raises EvidenceError for headers that lie."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = _length(stream.read(8), size, file)
            header = parsed(stream.read(length), str(file), unique=True)
    except OSError as fault:
        raise EvidenceError(f"{file}: {fault.strerror}") from None
    header.pop("__metadata__", None)
    start = 8 + length
    placed = sorted((_tensor(n, v, file, start, size) for n, v in header.items()), key=lambda t: (t.at, t.size))
    for lie in _overlaps(placed):
        raise EvidenceError(lie)
    return tuple(sorted(placed, key=lambda t: t.name))


def _length(head: bytes, size: int, file: Path) -> int:
    if len(head) < 8:
        raise EvidenceError(f"{file}: {size} bytes are no safetensors file")
    length = int(struct.unpack("<Q", head)[0])
    if length > HEADER_LIMIT or length + 8 > size:
        raise EvidenceError(f"{file}: its header is said to have {length:,} bytes, the file has {size:,} "
                            f"(and a header {HEADER_LIMIT:,} at most)")
    return length


def _tensor(name: str, said: Any, file: Path, start: int, size: int) -> Tensor:
    """One entry of the header, checked against the file."""
    where = f"{file}: tensor {shown(name)}"
    if not isinstance(said, dict):
        raise EvidenceError(f"{where}: no object describes it")
    kind, shape, offsets = said.get("dtype"), _numbers(said.get("shape")), _numbers(said.get("data_offsets"))
    if not isinstance(kind, str) or (kind not in BYTES and kind not in OTHER):
        raise EvidenceError(f"{where}: type {shown(str(kind))} is not known")
    if shape is None or len(shape) > MOST_DIMENSIONS or offsets is None or len(offsets) != 2:
        raise EvidenceError(f"{where}: shape and data_offsets have to be lists of whole numbers")
    first, end = offsets
    wanted = math.prod(shape) * (BYTES.get(kind) or OTHER[kind])
    if not first <= end <= size - start:
        raise EvidenceError(f"{where}: its bytes {first:,} to {end:,} lie outside of the file's {size - start:,}")
    if end - first != wanted:
        raise EvidenceError(f"{where}: {list(shape)} numbers of {kind} are {wanted:,} bytes, not {end - first:,}")
    return Tensor(name, kind, tuple(shape), file, start + first, wanted)


def _numbers(value: Any) -> list[int] | None:
    fine = isinstance(value, list) and all(type(n) is int and 0 <= n <= LARGEST for n in value)
    return value if fine else None


def _overlaps(placed: list[Tensor]) -> Iterator[str]:
    for one, two in pairwise(t for t in placed if t.size):
        if two.at < one.at + one.size:
            yield f"{one.file}: tensors {shown(one.name)} and {shown(two.name)} share bytes"
