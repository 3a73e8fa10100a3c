"""Writes the header of a GGUF file anew while every pair that does not change is copied as it lies there.

    magic, version, counts | pairs kept, byte for byte | pairs set | tensors: name, dimensions, type, place | padding

A vocabulary is never parsed for it; text, whole numbers (32 bits) and lists of text can be set, "" and () remove a key.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.quantize_types import Stored, Target
from caveat.runtime.types import size

Value = str | int | Sequence[str]
MAGIC, VERSION, TEXT, LIST, COUNT = b"GGUF", 3, 8, 9, 4
BLOCK = 4 << 20
#: Keys of a model that was cut in pieces; what is written here is whole.
SPLIT = ("split.no", "split.count", "split.tensors.count")


class Layout(NamedTuple):
    """A GGUF file as it lies there: pairs with their bytes, tensors with theirs (from the start of the file)."""

    path: Path
    spans: tuple[tuple[str, int, int], ...]
    tensors: tuple[Stored, ...]
    alignment: int
    size: int


def checked(layout: Layout) -> Layout:
    """The layout, if the file holds what its header says; raises EvidenceError naming the first lie."""
    seen: set[str] = set()
    for t in layout.tensors:
        row = t.dimensions[0] if t.dimensions else 0
        if t.name in seen:
            raise EvidenceError(f"{layout.path}: tensor {_shown(t.name)} stands twice")
        if not t.dimensions or 0 in t.dimensions or row % t.kind.block:
            raise EvidenceError(f"{layout.path}: tensor {_shown(t.name)} of {list(t.dimensions)} numbers is no "
                                f"{t.kind.name} tensor (blocks of {t.kind.block})")
        end = t.at + t.bytes()
        if end > layout.size:
            raise EvidenceError(f"{layout.path}: tensor {_shown(t.name)} ends at byte {end}, the file at "
                                f"{layout.size}: it is cut off, or its header lies")
        if t.at % layout.alignment:
            raise EvidenceError(f"{layout.path}: tensor {_shown(t.name)} is not aligned to {layout.alignment} bytes")
        seen.add(t.name)
    if not layout.tensors:
        raise EvidenceError(f"{layout.path}: no tensors")
    return layout


def _shown(name: str) -> str:
    return ascii(name[:80])


def write(out: BinaryIO, layout: Layout, changes: Mapping[str, Value], targets: Sequence[Target]) -> None:
    """The whole header with its padding; data has to follow in the order of `targets`, each padded to the alignment."""
    kept = _kept(layout, changes)
    values = {k: v for k, v in changes.items() if v not in ("", ())}
    out.write(MAGIC + struct.pack("<IQQ", VERSION, len(targets), len(kept) + len(values)))
    with layout.path.open("rb") as source:
        for first, end in _joined((a, b) for _, a, b in kept):
            copied(source, out, first, end - first)
    for key, value in values.items():
        out.write(_text(key) + _value(value))
    place = 0
    for t in targets:
        dimensions = t.tensor.dimensions
        out.write(_text(t.tensor.name) + struct.pack(f"<I{len(dimensions)}QIQ", len(dimensions), *dimensions,
                                                     t.kind.number, place))
        place += aligned(size(t.kind, dimensions), layout.alignment)
    padded(out, out.tell(), layout.alignment)


def _kept(layout: Layout, changes: Mapping[str, Value]) -> list[tuple[str, int, int]]:
    """Pairs that stay: of a key that stands twice the first."""
    gone = {*changes, *SPLIT}
    kept: dict[str, tuple[str, int, int]] = {}
    for span in layout.spans:
        if span[0] not in gone:
            kept.setdefault(span[0], span)
    return list(kept.values())


def _joined(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Ranges that touch as one."""
    held: tuple[int, int] | None = None
    for first, end in ranges:
        if held and held[1] == first:
            held = (held[0], end)
        else:
            if held:
                yield held
            held = (first, end)
    if held:
        yield held


def copied(source: BinaryIO, out: BinaryIO, first: int, count: int) -> None:
    """Copies bytes of a file a block at a time; raises EvidenceError where the file ends before."""
    source.seek(first)
    while count:
        block = source.read(min(BLOCK, count))
        if not block:
            raise EvidenceError(f"{source.name}: ends before byte {first + count}")
        out.write(block)
        count -= len(block)


def aligned(at: int, to: int) -> int:
    return -(-at // to) * to


def padded(out: BinaryIO, at: int, to: int) -> None:
    """Zeros up to the next multiple."""
    out.write(bytes(aligned(at, to) - at))


def _text(words: str) -> bytes:
    said = words.encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(said)) + said


def _value(value: Value) -> bytes:
    if isinstance(value, str):
        return struct.pack("<I", TEXT) + _text(value)
    if isinstance(value, int):
        return struct.pack("<II", COUNT, value)
    return struct.pack("<IIQ", LIST, TEXT, len(value)) + b"".join(map(_text, value))
