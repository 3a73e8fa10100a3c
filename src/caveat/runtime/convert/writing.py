"""Writes the numbers of a GGUF file a piece at a time, so that memory holds some rows and never a whole matrix.

    safetensors rows -> 32 bits, if the type changes -> rows paired within a head -> bytes -> out
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import packages, shown
from caveat.runtime.convert.safetensors import BYTES, Tensor
from caveat.runtime.convert.tensors import Piece
from caveat.runtime.quantize import Tell, silent, whole_or_nothing

#: Bytes read at once; queries and keys are read one head at a time where a head is larger.
BLOCK = 4 << 20
ALIGNMENT = 32
Made = Callable[[Any], Any]


def written(out: Path, header: Any, pieces: Sequence[Piece], tell: Tell = silent) -> None:
    """Writes `out` whole or not at all; `header` is a GGUFWriter with all pairs.

    Raises EvidenceError for numbers that do not fit, SettingsError where it cannot be written.
    """
    total, done = sum(p.bytes() for p in pieces), 0
    with whole_or_nothing(out) as made:
        _head(made, header, pieces)
        for piece in pieces:
            tell(done, total, piece.name)
            _padded(made)
            _numbers(made, piece)
            done += piece.bytes()
        _padded(made)
        tell(done, total, "")


def _head(made: BinaryIO, header: Any, pieces: Sequence[Piece]) -> None:
    """Pairs and places of tensors, by the `gguf` package, into a file that is open already."""
    np, gguf = packages()
    for p in pieces:
        header.add_tensor_info(p.name, p.shape, np.dtype(np.float32), p.bytes(), gguf.GGMLQuantizationType[p.kind])
    header.fout, header.state = [made], gguf.gguf_writer.WriterState.EMPTY
    header.write_header_to_file()
    header.write_kv_data_to_file()
    header.write_ti_data_to_file()


def _padded(made: BinaryIO) -> None:
    made.write(bytes(-made.tell() % ALIGNMENT))


def _numbers(made: BinaryIO, piece: Piece) -> None:
    np, _ = packages()
    if piece.numbers:
        made.write(np.array(piece.numbers, np.float32).tobytes())
    for source in piece.sources:
        change = changer(source, piece)
        for block in _blocks(source, piece):
            made.write(change(_paired(block, source, piece)).data)


def _blocks(source: Tensor, piece: Piece) -> Iterator[Any]:
    """The bytes of some numbers at a time: whole heads where rows are paired anew. One buffer is used again."""
    np, _ = packages()
    head = source.size // piece.heads if piece.heads else BYTES[source.kind]
    step = max(1, BLOCK // max(1, head)) * head
    buffer = np.empty(min(step, max(1, source.size)), np.uint8)
    with source.file.open("rb", buffering=0) as stream:
        stream.seek(source.at)
        for first in range(0, source.size, step):
            block = buffer[:min(step, source.size - first)]
            view, filled = memoryview(block), 0
            while filled < len(block):
                got = stream.readinto(view[filled:])
                if not got:
                    raise EvidenceError(f"{source.file}: ends inside tensor {shown(source.name)}")
                filled += got
            yield block


def _paired(block: Any, source: Tensor, piece: Piece) -> Any:
    """Rows (0, n/2, 1, n/2+1, ...) of each head in turn."""
    if not piece.heads:
        return block
    np, _ = packages()
    head = source.shape[0] // piece.heads
    row = source.size // source.shape[0]
    return np.ascontiguousarray(block.reshape(-1, 2, head // 2, row).swapaxes(1, 2)).reshape(-1)


def changer(source: Tensor, piece: Piece) -> Made:
    """How bytes of the source's type become bytes of the piece's."""
    if source.kind == piece.kind:
        return lambda block: block
    read, write = _READ[source.kind], _WRITE[piece.kind]
    where = f"{source.file}: tensor {shown(source.name)}"
    return lambda block: write(read(block), where)


def _from_bf16(block: Any) -> Any:
    np, _ = packages()
    wide = np.empty(len(block) // 2, np.uint32)
    np.left_shift(block.view(np.uint16), 16, out=wide, dtype=np.uint32, casting="unsafe")
    return wide.view(np.float32)


def _from_f64(block: Any) -> Any:
    np, _ = packages()
    return block.view(np.float64).astype(np.float32)


def _to_f32(numbers: Any, where: str) -> Any:
    np, _ = packages()
    return numbers.astype(np.float32, copy=False).view(np.uint8)


def _to_f16(numbers: Any, where: str) -> Any:
    """16 bits; numbers beyond their reach are refused rather than made infinite."""
    np, _ = packages()
    with np.errstate(over="ignore"):
        half = numbers.astype(np.float16)
    if np.isinf(half).any() and not np.isinf(numbers).any():
        raise EvidenceError(f"{where} holds numbers beyond the reach of f16: use --type bf16 or f32")
    return half.view(np.uint8)


def _to_bf16(numbers: Any, where: str) -> Any:
    """The upper 16 of 32 bits, rounded to the nearest and to even; what is no number stays none."""
    np, _ = packages()
    bits = numbers.astype(np.float32, copy=False).view(np.uint32)
    nan = (bits & 0x7FFFFFFF) > 0x7F800000
    rounded = (bits + (0x7FFF + ((bits >> 16) & 1))) >> 16
    return np.where(nan, (bits >> 16) | 64, rounded).astype(np.uint16).view(np.uint8)


def _as(name: str) -> Made:
    return lambda block: block.view(name)


_READ: dict[str, Made] = {"BF16": _from_bf16, "F16": _as("<f2"), "F32": _as("<f4"), "F64": _from_f64}
_WRITE: dict[str, Callable[[Any, str], Any]] = {"F32": _to_f32, "F16": _to_f16, "BF16": _to_bf16}
