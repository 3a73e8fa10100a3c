"""The columns `generator` and `run_id` of data files, read alone: whoever wrote a row is told by the row.

Parquet is read column by column (with pyarrow): where the statistics of a row group say that least and greatest value
are one, not even that. JSON lines are searched as bytes, in blocks. Both have bounds, and what is past them is told.
"""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caveat.evidence.generated import MOST_RUNS, is_address

HEAD, BLOCK, MOST_BYTES = 64 << 10, 4 << 20, 2 << 30
MOST_GROUPS, MOST_COLUMNS, MOST_COLUMN_BYTES = 20_000, 2000, 256 << 20
#: Some writers of JSON put a backslash before every slash.
GENERATOR = re.compile(rb'"generator"\s{0,4}:\s{0,4}"(pkg:(?:[^"\\\s]|\\/){1,1000})"')
RUN = re.compile(rb'"run_id"\s{0,4}:\s{0,4}"([\w.:-]{1,100})"')


class Writers(NamedTuple):
    """(generator, run id) -> rows that say so; and what could not be read, in words."""

    runs: Mapping[tuple[str, str], int]
    problems: tuple[str, ...] = ()


NOBODY = Writers({})


def lines_of(path: Path) -> Writers:
    """The writers of a file of JSON lines; nobody if its head has no such column. Raises OSError."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
        if not GENERATOR.search(head):
            return NOBODY
        stream.seek(0)
        found: Counter[tuple[str, str]] = Counter()
        for line in _lines(stream, MOST_BYTES):
            found.update(_of_line(line))
            if len(found) > MOST_RUNS:
                return _bounded(found)
        size = path.stat().st_size
    return Writers(found, (f"only the first {MOST_BYTES >> 30} GiB were read",) if size > MOST_BYTES else ())


def _lines(stream: Any, most: int) -> Iterator[bytes]:
    """Lines, block by block; a line longer than a block is looked at in pieces."""
    rest, read = b"", 0
    while read < most and (block := stream.read(BLOCK)):
        read += len(block)
        *whole, rest = (rest + block).split(b"\n")
        yield from whole
        if len(rest) > BLOCK:
            yield rest
            rest = b""
    if rest:
        yield rest


def _of_line(line: bytes) -> Iterator[tuple[str, str]]:
    match = GENERATOR.search(line)
    if match and is_address(address := match[1].replace(b"\\/", b"/").decode("utf-8", "replace")):
        run = RUN.search(line)
        yield address, run[1].decode() if run else ""


def _bounded(found: Counter[tuple[str, str]]) -> Writers:
    kept = dict(found.most_common(MOST_RUNS))
    return Writers(kept, (f"more than {MOST_RUNS} runs wrote these rows: the verdict is about the first {MOST_RUNS}",))


def table_of(path: Path) -> Writers:
    """The writers of a Parquet file; nobody without pyarrow, without such a column, or if it is no Parquet file."""
    if importlib.util.find_spec("pyarrow") is None:
        return NOBODY
    import pyarrow.parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    try:
        with pyarrow.parquet.ParquetFile(path, memory_map=False) as table:
            return _of_table(table)
    except (ValueError, OSError, ArithmeticError, NotImplementedError):  # pyarrow's own errors are of these kinds
        return NOBODY


def _of_table(table: Any) -> Writers:
    told = table.metadata
    names = [told.schema.column(i).path for i in range(min(told.num_columns, MOST_COLUMNS))]
    if "generator" not in names:
        return NOBODY
    columns = [names.index(n) for n in ("generator", "run_id") if n in names]
    found: Counter[tuple[str, str]] = Counter()
    problems: list[str] = []
    for group in range(min(told.num_row_groups, MOST_GROUPS)):
        read = told.row_group(group)
        if sum(read.column(i).total_uncompressed_size for i in columns) > MOST_COLUMN_BYTES:
            problems.append(f"row group {group}: columns of more than {MOST_COLUMN_BYTES >> 20} MiB were not read")
            continue
        found.update(_constant(read, columns) or _read(table, group, [names[i] for i in columns]))
        if len(found) > MOST_RUNS:
            return _bounded(found)
    if told.num_row_groups > MOST_GROUPS:
        problems.append(f"only the first {MOST_GROUPS} row groups were read")
    return Writers({k: n for k, n in found.items() if is_address(k[0])}, tuple(problems[:5]))


def _constant(group: Any, columns: list[int]) -> dict[tuple[str, str], int]:
    """The one generator and run of a row group, where its statistics say that there is one and no row lacks it."""
    values = []
    for i in columns:
        held = group.column(i).statistics
        if held is None or not held.has_min_max or held.min != held.max or held.null_count not in (0, None):
            return {}
        values.append(str(held.min))
    return {(values[0], values[1] if len(values) > 1 else ""): group.num_rows}


def _read(table: Any, group: int, names: list[str]) -> Counter[tuple[str, str]]:
    rows = table.read_row_group(group, columns=names, use_threads=False)
    generators = rows.column("generator").to_pylist()
    runs = rows.column("run_id").to_pylist() if "run_id" in names else [""] * len(generators)
    return Counter((str(g), str(r or "")) for g, r in zip(generators, runs, strict=False) if g is not None)
