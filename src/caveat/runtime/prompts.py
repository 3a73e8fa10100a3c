"""Prompts files, read a piece at a time: JSON Lines, plain text, Parquet, of any length and from anybody.

    .jsonl .ndjson   {"prompt": "..."} or {"messages": [...]}, perhaps with "id" and "system"
    .parquet         columns of the same names
    anything else    one prompt a line; blank lines are skipped

A line that cannot be used becomes a `Bad` with its number and why; the others are still read. Duplicates stay.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.engine import missing

LINE_LIMIT, ID_LIMIT, MESSAGES_LIMIT, ROLE_LIMIT, BLOCK = 1 << 20, 1000, 1000, 64, 1 << 20
COLUMNS = ("id", "prompt", "messages", "system")
#: Bytes that one row group's prompts may unpack to, and bytes read of them at once.
GROUP_LIMIT, BATCH_ROWS = 1 << 30, 64
PACKED = {b"\x1f\x8b": "gzip", b"PK": "zip", b"\x28\xb5": "zstandard", b"BZ": "bzip2", b"\xfd7": "xz"}


class Prompt(NamedTuple):
    """One row to be written: `number` counts rows from 0, `line` places in the file from 1."""

    number: int
    line: int
    id: str
    prompt: str  # "" where messages were given
    messages: tuple[dict[str, str], ...]  # () where a prompt was given
    system: str = ""

    def chat(self) -> list[dict[str, str]]:
        """The messages that are sent."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        return [*system, *(self.messages or ({"role": "user", "content": self.prompt},))]


class Bad(NamedTuple):
    """One row that cannot be asked: where and why."""

    number: int
    line: int
    what: str


class Survey(NamedTuple):
    """A prompts file as a whole: SHA-256 (hex), bytes, and how many rows it seems to hold (blank lines count)."""

    sha256: str
    bytes: int
    rows: int


def survey(path: Path) -> Survey:
    """One pass in blocks of 1 MiB. Raises EvidenceError for what is no file, or is packed."""
    digest, lines, size, last = hashlib.sha256(), 0, 0, b"\n"
    with _opened(path) as file:
        _not_packed(path, file)
        while block := file.read(BLOCK):
            digest.update(block)
            lines, size, last = lines + block.count(b"\n"), size + len(block), block[-1:]
    rows = _parquet(path).metadata.num_rows if path.suffix.lower() == ".parquet" else lines + (last != b"\n")
    return Survey(digest.hexdigest(), size, rows)


def read(path: Path) -> Iterator[Prompt | Bad]:
    """Every row in order, memory bounded by one line (1 MiB) or one small batch. Raises EvidenceError."""
    suffix = path.suffix.lower()
    rows = _parquet_rows(path) if suffix == ".parquet" else _line_rows(path, suffix in (".jsonl", ".ndjson"))
    for number, (line, row) in enumerate(rows):
        yield Bad(number, line, row.what) if isinstance(row, _Wrong) else row._replace(number=number, line=line)


class _Wrong(NamedTuple):
    what: str


def _opened(path: Path) -> BinaryIO:
    try:
        if not path.is_file():
            raise EvidenceError(f"{path}: no such prompts file")
        return path.open("rb")
    except OSError as fault:
        raise EvidenceError(f"{path}: {fault.strerror}") from None


def _not_packed(path: Path, file: BinaryIO) -> None:
    start = file.read(2)
    file.seek(0)
    if start in PACKED:
        raise EvidenceError(f"{path}: packed with {PACKED[start]}; unpack it first")


# Lines.


def _line_rows(path: Path, as_json: bool) -> Iterator[tuple[int, Prompt | _Wrong]]:
    with _opened(path) as file:
        for number, line in enumerate(_lines(file), 1):
            if line is None:
                yield number, _Wrong(f"a line longer than {LINE_LIMIT >> 20} MiB")
            elif line.strip():
                yield number, _of_line(line, as_json)


def _lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Lines without their ends; None for one that is too long, which is stepped over in blocks."""
    while line := file.readline(LINE_LIMIT + 1):
        if line.endswith(b"\n") or len(line) <= LINE_LIMIT:
            yield line.removesuffix(b"\n").removesuffix(b"\r")
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(BLOCK)
        yield None


def _of_line(line: bytes, as_json: bool) -> Prompt | _Wrong:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        return _Wrong(f"not UTF-8 (byte {fault.start} of the line)")
    if not as_json:
        return _prompt({"prompt": text})
    try:
        row = json.loads(text)
    except RecursionError:
        return _Wrong("JSON that nests too deeply")
    except ValueError as fault:
        return _Wrong(f"no JSON: {fault}"[:200])
    return _prompt(row) if isinstance(row, dict) else _Wrong("no object: {\"prompt\": ...} is wanted")


def _prompt(row: dict[str, Any]) -> Prompt | _Wrong:
    """One row's fields, checked; the first thing wrong is told."""
    said, messages, system, id = (row.get(k) for k in ("prompt", "messages", "system", "id"))
    if (said is None) == (messages is None):
        return _Wrong("a prompt or messages is wanted, and not both")
    if not isinstance(id, (str, int, type(None))) or isinstance(id, bool) or len(str(id)) > ID_LIMIT:
        return _Wrong(f"id wants a text or a whole number of at most {ID_LIMIT} letters")
    asked = _unsound([said]) if messages is None else _wrong_messages(messages)
    wrong = asked or _unsound(["system", system or ""]) or _unsound([f"id {id}"])
    if wrong:
        return _Wrong(wrong)
    kept = tuple({"role": m["role"], "content": m["content"]} for m in messages or ())
    return Prompt(0, 0, "" if id is None else str(id), said or "", kept, system or "")


def _wrong_messages(messages: Any) -> str:
    if not isinstance(messages, list) or not 0 < len(messages) <= MESSAGES_LIMIT:
        return f"messages wants a list of 1 to {MESSAGES_LIMIT}"
    if not all(isinstance(m, dict) and isinstance(m.get("role"), str) and 0 < len(m["role"]) <= ROLE_LIMIT
               for m in messages):
        return "each message wants a role"
    return _unsound([t for m in messages for t in (m["role"], m.get("content"))])


def _unsound(texts: list[Any]) -> str:
    """Why these are no texts a model can be asked; "" where they are."""
    if not all(isinstance(t, str) for t in texts):
        return "prompt, system, role and content want text"
    if any("\0" in t for t in texts):
        return "a NUL byte in the text"
    try:
        "".join(texts).encode("utf-8")
    except UnicodeEncodeError:
        return "half a surrogate pair in the text"
    return "" if any(t.strip() for t in texts) else "nothing but blanks"


# Parquet.


def _parquet(path: Path) -> Any:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as fault:
        raise missing("reading Parquet", fault) from None
    try:
        file = ParquetFile(path, pre_buffer=False)
    except (ArrowException, OSError, ValueError) as fault:
        raise EvidenceError(f"{path}: no Parquet file that can be read ({str(fault)[:200]})") from None
    if not {"prompt", "messages"} & set(file.schema_arrow.names):
        there = ", ".join(file.schema_arrow.names[:20])
        raise EvidenceError(f"{path}: no column prompt or messages; there are {there}")
    return file


def _parquet_rows(path: Path) -> Iterator[tuple[int, Prompt | _Wrong]]:
    from pyarrow import ArrowException

    file = _parquet(path)
    _small_enough(path, file)
    columns = [c for c in COLUMNS if c in file.schema_arrow.names]
    number = 0
    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=columns, use_threads=False):
            for row in batch.to_pylist():
                number += 1
                yield number, _of_row(row)
    except (ArrowException, OSError, ValueError) as fault:
        raise EvidenceError(f"{path}: row {number + 1}: cannot be read ({str(fault)[:200]})") from None


def _small_enough(path: Path, file: Any) -> None:
    """Refuses a file whose row groups unpack to more than memory should hold."""
    meta = file.metadata
    for group in range(meta.num_row_groups):
        sizes = [meta.row_group(group).column(c) for c in range(meta.num_columns)]
        size = sum(c.total_uncompressed_size for c in sizes if c.path_in_schema.split(".")[0] in COLUMNS)
        if size > GROUP_LIMIT:
            raise EvidenceError(f"{path}: row group {group} unpacks to {size:,} bytes; write smaller ones")


def _of_row(row: dict[str, Any]) -> Prompt | _Wrong:
    texts: list[Any] = [row.get("prompt"), row.get("system")]
    texts += [m.get("content") for m in row.get("messages") or () if isinstance(m, dict)]
    if sum(len(t) for t in texts if isinstance(t, str)) > LINE_LIMIT:
        return _Wrong(f"a row longer than {LINE_LIMIT >> 20} MiB")
    return _prompt(row)
