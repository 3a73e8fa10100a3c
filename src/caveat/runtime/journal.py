"""Rows as they come, kept against kill -9 and power cuts: an append-only file of records with length and checksum.

    record   length u32 · crc32 u32 · row index u64 · kind u8 · payload (`length` bytes of JSON)
             little-endian; the checksum is over index, kind and payload

Each record is one write to the file as soon as its row is there: what was written stands after kill -9, whatever else
happens. The disk is told to keep it (fdatasync) every five seconds and at the end: a power cut costs at most that.
What does not check out at the end of the file is cut off when it is opened again, and those rows are asked anew.
"""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, SettingsError

MAGIC = b"CAVEATJ1"
HEAD = struct.Struct("<IIQB")
SIGNED = struct.Struct("<QB")
RECORD_LIMIT, SYNC_SECONDS = 64 << 20, 5.0
ROWS_LIMIT = 1 << 32
#: Kinds: a row, by the fields its prompt had, or what went wrong with it. Bits, so that a set of them is a number.
ROW, ERROR, PROMPT, MESSAGES, SYSTEM = 1, 2, 4, 8, 16


class Kept(NamedTuple):
    """One record: `number` is the row's place in the prompts file, whether it is an error, and its fields."""

    number: int
    error: bool
    fields: dict[str, Any]


class Journal:
    """One journal, open for appending by one process. Holds eight bytes of memory a row: where its record begins."""

    def __init__(self, path: Path) -> None:
        """Opens or begins it. Raises SettingsError where another process writes it, or it is no journal."""
        self.path, self.cut, self.kinds = path, 0, 0
        self.rows = self.errors = 0
        self._at = array("Q")  # index -> where its record begins; 0 = none
        self._state = bytearray()  # index -> 0 none, ROW or ERROR
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._synced = time.monotonic()
        try:
            _lock(self._file, path)
            self._end = self._scan()
        except BaseException:
            os.close(self._file)
            raise

    def done(self, index: int, again: bool) -> bool:
        """Whether the row needs no asking: it is there, or it failed and failures are not asked `again`."""
        state = self._state[index] if index < len(self._state) else 0
        return state == ROW or (state == ERROR and not again)

    def add(self, index: int, kind: int, fields: dict[str, Any]) -> None:
        """Keep one row (kind ROW | ...) or error (ERROR). A row already there stays: none is written twice."""
        if self.done(index, True):
            return
        payload = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        signed = SIGNED.pack(index, kind) + payload
        _write(self._file, HEAD.pack(len(payload), zlib.crc32(signed), index, kind) + payload, self.path)
        self._note(index, kind, self._end)
        self._end += HEAD.size + len(payload)
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        (getattr(os, "fdatasync", None) or os.fsync)(self._file)  # macOS has only the second
        self._synced = time.monotonic()

    def in_order(self, *, errors: bool = False) -> Iterator[Kept]:
        """The rows (or the errors) by their place in the prompts file, one at a time."""
        wanted = ERROR if errors else ROW
        for index, state in enumerate(self._state):
            if state == wanted:
                yield self._record(index, self._at[index])

    def close(self) -> None:
        if self._file >= 0:
            self.sync()
            os.close(self._file)
            self._file = -1

    def _record(self, index: int, at: int) -> Kept:
        length = HEAD.unpack(os.pread(self._file, HEAD.size, at))[0]
        fields = json.loads(os.pread(self._file, length, at + HEAD.size))
        return Kept(index, self._state[index] == ERROR, fields)

    def _scan(self) -> int:
        """Reads what is there, cuts off what does not check out; returns where the next record goes."""
        size = os.fstat(self._file).st_size
        start = os.pread(self._file, len(MAGIC), 0)
        if not MAGIC.startswith(start):
            raise SettingsError(f"{self.path}: no journal of a run")
        end = len(MAGIC)
        while (after := self._sound(end, size)) > end:
            end = after
        self.cut = max(size - end, 0)
        if start != MAGIC:
            os.pwrite(self._file, MAGIC, 0)
        os.ftruncate(self._file, end)
        os.lseek(self._file, end, os.SEEK_SET)
        return end

    def _sound(self, at: int, size: int) -> int:
        """Where the record at `at` ends; `at` itself where there is none that checks out."""
        head = os.pread(self._file, HEAD.size, at)
        if len(head) < HEAD.size:
            return at
        length, sum_, index, kind = HEAD.unpack(head)
        if length > RECORD_LIMIT or at + HEAD.size + length > size or index >= ROWS_LIMIT:
            return at
        payload = os.pread(self._file, length, at + HEAD.size)
        if zlib.crc32(payload, zlib.crc32(SIGNED.pack(index, kind))) != sum_:
            return at
        self._note(index, kind, at)
        return at + HEAD.size + int(length)

    def _note(self, index: int, kind: int, at: int) -> None:
        missing = index + 1 - len(self._state)
        if missing > 0:
            self._state.extend(bytes(missing))
            self._at.extend([0] * missing)
        before, now = self._state[index], ERROR if kind & ERROR else ROW
        self._state[index], self._at[index] = now, at
        self.rows += (now == ROW) - (before == ROW)
        self.errors += (now == ERROR) - (before == ERROR)
        self.kinds |= kind if now == ROW else 0


def _write(file: int, data: bytes, path: Path) -> None:
    """All of it, or an error: a full disk must not leave a run that believes it was kept."""
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(file, view):]
    except OSError as fault:
        raise CaveatError(f"{path}: {fault.strerror}; what was kept so far stands, --resume goes on") from None


def _lock(file: int, path: Path) -> None:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise SettingsError(f"{path.parent.parent}: another run is writing here") from None
