"""Rows as they are handed on: Parquet or JSON Lines, with whose output each one is, for three bytes a row.

    id · prompt | messages (· system) · response · finish_reason · prompt_tokens · completion_tokens
    generator · run_id                    the same two words on every row: in Parquet a dictionary holds them once
    seed · row_sha256                     with --verifiable

`row_sha256` is the SHA-256 (hex) of all other fields of the row as JSON: keys sorted, no spaces, UTF-8 as it is,
fields without a value left out.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError
from caveat.runtime.engine import missing
from caveat.runtime.journal import MESSAGES, PROMPT, SYSTEM
from caveat.runtime.provenance import GENERATOR, ROW_HASH, RUN_ID, SEED, OutFile

FORMATS = ("parquet", "jsonl")
FOLDER, PART_ROWS, GROUP_ROWS, GROUP_BYTES = "data", 500_000, 8192, 16 << 20
TEXT, WHOLE, CHAT = "sc:Text", "sc:Integer", "sc:StructuredValue"
#: column -> its schema.org type and which prompts have it (0: all)
COLUMNS = {"id": (TEXT, 0), "prompt": (TEXT, PROMPT), "messages": (CHAT, MESSAGES), "system": (TEXT, SYSTEM),
           "response": (TEXT, 0), "finish_reason": (TEXT, 0), "prompt_tokens": (WHOLE, 0),
           "completion_tokens": (WHOLE, 0), GENERATOR: (TEXT, 0), RUN_ID: (TEXT, 0)}
VERIFIABLE = {SEED: (WHOLE, 0), ROW_HASH: (TEXT, 0)}


class Form(NamedTuple):
    """How rows are written: format, the two words they all carry, whether each is hashed, which prompts there are."""

    format: str
    generator: str
    run_id: str
    verifiable: bool
    kinds: int  # as in the journal

    def columns(self) -> tuple[tuple[str, str], ...]:
        """(name, schema.org type) of the columns there are."""
        all_ = {**COLUMNS, **(VERIFIABLE if self.verifiable else {})}
        return tuple((name, kind) for name, (kind, only) in all_.items() if not only or only & self.kinds)


def finished(fields: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """A journal's fields as a row of the output: in column order, with whose it is."""
    row = {**fields, GENERATOR: form.generator, RUN_ID: form.run_id}
    if not form.verifiable:
        row.pop(SEED, None)
    else:
        row[ROW_HASH] = row_digest(row)
    return {name: row[name] for name, _ in form.columns() if row.get(name) is not None}


def row_digest(row: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of a row's other fields, in the form the module's docstring gives."""
    told = {k: v for k, v in row.items() if k != ROW_HASH and v is not None}
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def write(rows: Iterable[dict[str, Any]], folder: Path, form: Form) -> tuple[OutFile, ...]:
    """Parts of at most 500,000 rows under `folder`/data, each whole or not there. Raises CaveatError on a full disk.

    Memory holds one row group: 8192 rows or 16 MiB of text.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    made: list[OutFile] = []
    stream = iter(rows)
    first = next(stream, None)
    while first is not None or not made:
        name = f"{FOLDER}/part-{len(made):05d}.{form.format}"
        part = _Part(stream, first)
        made.append(_part(part, folder / name, name, form))
        first = next(stream, None)
        if first is None:
            break
    return tuple(made)


class _Part:
    """Up to PART_ROWS rows of a longer stream."""

    def __init__(self, stream: Iterator[dict[str, Any]], first: dict[str, Any] | None) -> None:
        self.stream, self.first, self.count = stream, first, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        row = self.first
        while row is not None:
            self.count += 1
            yield row
            row = next(self.stream, None) if self.count < PART_ROWS else None


def _part(rows: _Part, path: Path, name: str, form: Form) -> OutFile:
    half = path.with_name(f".{path.name}.half")
    try:
        (_parquet if form.format == "parquet" else _jsonl)(rows, half, form)
        sync(half)
        half.replace(path)
    except OSError as fault:
        with suppress(OSError):
            half.unlink()
        raise CaveatError(f"{path}: {fault.strerror or fault}; the journal stands, --resume goes on") from None
    return OutFile(name, file_digest(path), path.stat().st_size, rows.count)


def _jsonl(rows: Iterable[dict[str, Any]], path: Path, form: Form) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def _parquet(rows: Iterable[dict[str, Any]], path: Path, form: Form) -> None:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter
    except ImportError as fault:
        raise missing("writing Parquet", fault) from None
    schema = _schema(pa, form)
    # The two words are all alike in a file: only they and finish_reason gain from a dictionary.
    with ParquetWriter(path, schema, compression="zstd", use_dictionary=[GENERATOR, RUN_ID, "finish_reason"],
                       write_statistics=[GENERATOR, RUN_ID]) as writer:
        for group in _groups(rows):
            columns = [pa.array([row.get(f.name) for row in group], f.type) for f in schema]
            writer.write_table(pa.Table.from_arrays(columns, schema=schema), row_group_size=len(group))


def _groups(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    size = 0
    for row in rows:
        group.append(row)
        size += sum(len(v) if isinstance(v, str) else 200 for v in row.values())
        if len(group) >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _schema(pa: Any, form: Form) -> Any:
    chat = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    types = {TEXT: pa.string(), WHOLE: pa.int64(), CHAT: chat}
    alike = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([(name, alike if name in (GENERATOR, RUN_ID) else types[kind]) for name, kind in form.columns()])


def file_digest(path: Path) -> str:
    """SHA-256 (hex), read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync(path: Path) -> None:
    """Have the disk keep a file before its name is changed."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
