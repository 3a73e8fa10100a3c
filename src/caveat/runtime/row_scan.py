"""Rows of data files, one after another in bounded memory: what they say of themselves, and what they are.

A row's digest is the same in Parquet and JSON lines and after any rewriting (runtime/rows.py), so that rows can be held
to a statement even where the bytes of their file changed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError
from caveat.runtime.engine import missing
from caveat.runtime.provenance import GENERATOR, ROW_HASH, RUN_ID
from caveat.runtime.rows import row_digest

SUFFIXES = (".parquet", ".jsonl", ".ndjson")
BATCH, LINE_LIMIT, DEPTH_LIMIT, GROUP_LIMIT = 1024, 64 << 20, 5000, 4 << 30
COLUMNS = ("id", GENERATOR, RUN_ID)


class Row(NamedTuple):
    """One row: its place (from 1), what it says, its digest ("" if not asked for), and what is odd about it."""

    number: int
    id: str = ""
    generator: str = ""
    run_id: str = ""
    digest: str = ""
    said_digest: str = ""
    odd: str = ""


class RowsDigest:
    """SHA-256 over the digests of rows in their order, one line each: the rows of a run, whatever files hold them."""

    def __init__(self) -> None:
        self._sum, self.rows = sha256(), 0

    def add(self, digest: str) -> None:
        self._sum.update(digest.encode() + b"\n")
        self.rows += 1

    def of(self, rows: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The same rows, counted in as they pass."""
        for row in rows:
            self.add(str(row.get(ROW_HASH) or row_digest(row)))
            yield row

    def hex(self) -> str:
        return self._sum.hexdigest()


def rows_of(path: Path, whole: bool) -> Iterator[Row]:
    """The rows of one file; with `whole` each with its digest. A file that ends in nonsense ends in an odd row.

    Raises CaveatError where Parquet must be read and pyarrow is missing, OSError where the file cannot be read.
    """
    return _parquet(path, whole) if path.suffix == ".parquet" else _lines(path, whole)


def counted(path: Path) -> Counter[tuple[str, str]]:
    """(generator, run id) -> rows of a Parquet file, by columns: fifty times faster than row by row.

    Empty where it cannot be read so, or has no such columns: then `rows_of` says why. Raises OSError.
    """
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as fault:
        raise missing("reading Parquet", fault) from None
    found: Counter[tuple[str, str]] = Counter()
    try:
        with ParquetFile(path, memory_map=False) as table:
            _bounded(table, path)
            for batch in table.iter_batches(batch_size=64 * BATCH, columns=[GENERATOR, RUN_ID], use_threads=False):
                words = (batch.column(name).to_pylist() for name in (GENERATOR, RUN_ID))
                found.update(zip(*words, strict=True))
    except (ValueError, ArithmeticError, NotImplementedError, TypeError, KeyError):
        return Counter()
    return found


def has_words(path: Path) -> bool:
    """Whether the first row names its generator by a package address: else it is no file of rows of ours."""
    first = next(iter(rows_of(path, False)), None)
    return first is not None and first.generator.startswith("pkg:")


def _row(number: int, held: Mapping[str, Any], whole: bool) -> Row:
    def word(key: str) -> str:
        value = held.get(key)
        return value if isinstance(value, str) else "" if value is None else str(value)[:200]

    digest = row_digest(plain(held)) if whole else ""
    return Row(number, word("id"), word(GENERATOR), word(RUN_ID), digest, word(ROW_HASH) if whole else "")


def plain(value: Any) -> Any:
    """A value as it was before Arrow widened it: maps of a list lose the keys that only others of them have."""
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items() if v is not None}
    return [plain(v) for v in value] if isinstance(value, list) else value


def _lines(path: Path, whole: bool) -> Iterator[Row]:
    with path.open("rb") as stream:
        number = 0
        while line := stream.readline(LINE_LIMIT + 1):
            if not line.strip():
                continue
            number += 1
            if len(line) > LINE_LIMIT:
                yield Row(number, odd=f"a line of more than {LINE_LIMIT >> 20} MiB; the rest was not read")
                return
            yield _of_line(number, line, whole)


def _of_line(number: int, line: bytes, whole: bool) -> Row:
    if line.count(b"{") + line.count(b"[") > DEPTH_LIMIT:
        return Row(number, odd="more brackets than a row has")
    try:
        held = json.loads(line)
    except (ValueError, RecursionError):
        return Row(number, odd="not JSON")
    return _row(number, held, whole) if isinstance(held, dict) else Row(number, odd="no object")


def _parquet(path: Path, whole: bool) -> Iterator[Row]:
    try:
        from pyarrow.parquet import ParquetFile
    except ImportError as fault:
        raise missing("reading Parquet", fault) from None
    number = 0
    try:
        with ParquetFile(path, memory_map=False) as table:
            names = [n for n in table.schema_arrow.names if whole or n in COLUMNS]
            _bounded(table, path)
            for batch in table.iter_batches(batch_size=BATCH, columns=names, use_threads=False):
                for held in batch.to_pylist() if names else [{}] * batch.num_rows:
                    number += 1
                    yield _row(number, held, whole)
    except (ValueError, OSError, ArithmeticError, NotImplementedError, TypeError, KeyError) as fault:
        if isinstance(fault, FileNotFoundError):
            raise
        yield Row(number + 1, odd=f"cannot be read as Parquet ({type(fault).__name__})")


def _bounded(table: Any, path: Path) -> None:
    """Raises CaveatError for a row group that would unpack to more than 4 GiB."""
    told = table.metadata
    for group in range(told.num_row_groups):
        size = told.row_group(group).total_byte_size
        if size > GROUP_LIMIT:
            raise CaveatError(f"{path.name}: row group {group} says that it unpacks to {size >> 20} MiB; not read")
