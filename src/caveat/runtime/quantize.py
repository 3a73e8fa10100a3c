"""Writes a model in another type, some rows at a time: memory holds a piece of one tensor, never the model.

    in.gguf -> header anew -> each tensor: copied as it is, or rows -> numbers -> blocks -> out.gguf, renamed at the end

Nothing of the target is seen before it is whole; whatever goes wrong, the source is only ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from caveat.errors import EvidenceError, SettingsError
from caveat.runtime.quantize_blocks import amiss, packages, to_bytes, to_numbers
from caveat.runtime.quantize_header import Layout, Value, aligned, copied, padded, write
from caveat.runtime.quantize_types import Stored, Target
from caveat.runtime.whole import replacing

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Numbers held at once: 256 KiB in 32 bits, which a cache holds; for Q6_K, whose search takes many steps, more.
PIECE, LONG = 1 << 16, 1 << 18
Tell = Callable[[int, int, str], None]  # bytes done, bytes in all, tensor


def silent(done: int, total: int, name: str) -> None:
    """Tells nobody."""


def quantize(layout: Layout, out: Path, targets: Sequence[Target], changes: Mapping[str, Value],
             tell: Tell = silent) -> None:
    """Writes `out` with every tensor in its target's type. Raises EvidenceError for numbers that a type cannot hold,
    SettingsError where it cannot be written."""
    packages()
    total, done = sum(t.tensor.bytes() for t in targets), 0
    with whole_or_nothing(out) as made, layout.path.open("rb", buffering=0) as source:
        write(made, layout, changes, targets)
        for target in targets:
            tell(done, total, target.tensor.name)
            _tensor(source, made, target, layout)
            done += target.tensor.bytes()
            padded(made, target.tensor.bytes(target.kind), layout.alignment)
        tell(done, total, "")


def rewritten(layout: Layout, out: Path, changes: Mapping[str, Value]) -> None:
    """The same tensors, byte for byte, under a header with other pairs."""
    with whole_or_nothing(out) as made, layout.path.open("rb") as source:
        write(made, layout, changes, [Target(t, t.kind) for t in layout.tensors])
        for t in layout.tensors:
            copied(source, made, t.at, t.bytes())
            padded(made, t.bytes(), layout.alignment)


def size_of(layout: Layout, targets: Sequence[Target]) -> int:
    """Bytes of all tensors with their padding, without the header."""
    return sum(aligned(t.tensor.bytes(t.kind), layout.alignment) for t in targets)


def _tensor(source: BinaryIO, out: BinaryIO, target: Target, layout: Layout) -> None:
    tensor, kind = target.tensor, target.kind
    if kind == tensor.kind:
        copied(source, out, tensor.at, tensor.bytes())
        return
    for data in _rows(source, tensor, layout.path, LONG if kind.name == "Q6_K" else PIECE):
        numbers = _numbers(data, tensor, layout)
        if wrong := amiss(numbers, kind):
            raise EvidenceError(f"{layout.path}: tensor {tensor.name[:80]!a} holds {wrong}")
        out.write(to_bytes(numbers, kind).data)


def _numbers(data: NDArray, tensor: Stored, layout: Layout) -> NDArray:  # type: ignore[type-arg]
    """Rows of numbers; what cannot be read back is told with its file and tensor."""
    try:
        return to_numbers(data, tensor.kind, tensor.dimensions[0])
    except EvidenceError as fault:
        raise EvidenceError(f"{layout.path}: tensor {tensor.name[:80]!a} cannot be read: {fault}") from None


def _rows(source: BinaryIO, tensor: Stored, path: Path, piece: int) -> Iterator[NDArray]:  # type: ignore[type-arg]
    """The bytes of some rows at a time, in one buffer that is used again."""
    np, _ = packages()
    row = tensor.dimensions[0] // tensor.kind.block * tensor.kind.bytes
    count = tensor.bytes() // row
    step = min(count, max(1, piece // tensor.dimensions[0]))
    buffer = np.empty(step * row, np.uint8)
    source.seek(tensor.at)
    for first in range(0, count, step):
        part = buffer[:min(step, count - first) * row]
        view, filled = memoryview(part), 0
        while filled < len(part):
            got = source.readinto(view[filled:])  # type: ignore[attr-defined]
            if not got:
                raise EvidenceError(f"{path}: ends inside tensor {tensor.name[:80]!a}")
            filled += got
        yield part


@contextmanager
def whole_or_nothing(out: Path) -> Iterator[BinaryIO]:
    """A file that takes its name when it is whole; raises SettingsError where it cannot be written."""
    try:
        with replacing(out) as made:
            yield made
    except OSError as fault:
        raise SettingsError(f"cannot write {out}: {fault.strerror}; nothing is left of it") from None
