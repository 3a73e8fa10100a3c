"""`caveat detect`: whether a text, a file or a folder of rows carries the watermark of a key."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, EvidenceError, SettingsError
from caveat.runtime.watermark import CERTAIN, Found, Key, Tokenizer, counted, read_key
from caveat.verdict.document import Document, Part, table, text

#: Columns that hold what a model wrote, first found.
COLUMNS = ("response", "text", "completion", "output")
MOST_TEXT, MOST_LINE, MOST_ROWS = 64 << 20, 16 << 20, 10_000
SHOWN = 10


class Row(NamedTuple):
    """One text with where it came from."""

    where: str
    text: str


def detect(what: str, key_file: Path, model: Path, most: int = MOST_ROWS, certain: float = CERTAIN) -> Document:
    """The count over all of it and over each row. `what`: words, a file (.txt, .jsonl, .parquet) or a folder of rows.

    Raises SettingsError for a key or bound that is none, EvidenceError where there is nothing to read.
    """
    if not 0 < certain < 1 or not 1 <= most <= 1 << 24:
        raise SettingsError("--certain wants a probability, --most a number of rows")
    if not model.is_file():
        raise SettingsError(f"--model {model}: no such file; it is the GGUF file whose tokens the text is cut into")
    key, rows = read_key(key_file), _rows(what, most)
    cutter = Tokenizer(model)
    cut = [(row, cutter.tokens(row.text)) for row in rows]
    if not cut:
        raise EvidenceError(f"{what[:200]}: no text in it")
    whole = counted(key, (tokens for _, tokens in cut))
    each = [(row, counted(key, [tokens])) for row, tokens in cut]
    return _page(what, key, whole, each, certain)


def _page(what: str, key: Key, whole: Found, each: list[tuple[Row, Found]], certain: float) -> Document:
    says = whole.says(certain)
    parts: list[Part] = [text(
        f"{whole.green} of {whole.pairs} distinct pairs are green, {whole.gamma:.0%} are by chance: "
        f"z = {whole.z:.2f}, p = {whole.p:.2g} (marked below {certain:g})")]
    alone = [(r, f) for r, f in each if f.says(certain) == "marked"]
    if len(each) > 1:
        parts.append(text(f"{len(alone)} of {len(each)} rows are marked each by itself"))
        worst = sorted(each, key=lambda rf: rf[1].p)[:SHOWN]
        parts.append(table(("row", "pairs", "green", "z", "p"), [
            (r.where, str(f.pairs), str(f.green), f"{f.z:.2f}", f"{f.p:.2g}") for r, f in worst]))
    shown = what if len(what) <= 60 else f"{what[:57]}..."
    return Document(f"{shown}: {says}", tuple(parts), {
        "what": what[:200], "says": says, "key_id": key.id(), "certain": certain, **_told(whole),
        "rows": [{"where": r.where, **_told(f)} for r, f in each]})


def _told(f: Found) -> dict[str, Any]:
    return {"pairs": f.pairs, "green": f.green, "gamma": f.gamma, "z": round(f.z, 4), "p": f.p}


def _rows(what: str, most: int) -> list[Row]:
    path = Path(what) if len(what) < 4096 and "\n" not in what and "\0" not in what else None
    try:
        there = path is not None and path.exists()
    except OSError:
        there = False
    if path is None or not there:
        return [Row("text", what)] if what.strip() else []
    files = [path] if path.is_file() else sorted(p for e in ("jsonl", "parquet") for p in path.rglob(f"*.{e}")
                                                 if not any(part.startswith(".") for part in p.relative_to(path).parts))
    rows: list[Row] = []
    for file in files:
        for row in _of_file(file):
            rows.append(row)
            if len(rows) >= most:
                return rows
    return rows


def _of_file(file: Path) -> Iterable[Row]:
    if file.suffix == ".parquet":
        return _parquet(file)
    if file.suffix == ".jsonl":
        return _lines(file)
    if file.stat().st_size > MOST_TEXT:
        raise EvidenceError(f"{file}: {file.stat().st_size:,} bytes; a text of {MOST_TEXT:,} at most is read")
    return [Row(file.name, file.read_text("utf-8", "replace"))]


def _lines(file: Path) -> Iterator[Row]:
    with file.open("rb") as stream:
        for n, line in enumerate(iter(lambda: stream.readline(MOST_LINE), b""), 1):
            try:
                said = json.loads(line) if line.strip() else {}
            except (ValueError, RecursionError):
                raise EvidenceError(f"{file}:{n}: no JSON") from None
            words = _words(said)
            if words:
                yield Row(f"{file.name}:{n}", words)


def _words(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    return next((said[c] for c in COLUMNS if isinstance(said.get(c), str)), "")


def _parquet(file: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise CaveatError("reading Parquet needs pyarrow: pip install 'caveat[run]'") from None
    try:
        table_ = parquet.ParquetFile(file)
        column = next((c for c in COLUMNS if c in table_.schema_arrow.names), None)
        n = 0
        for batch in table_.iter_batches(1024, columns=[column]) if column else ():
            for value in batch.column(0).to_pylist():
                n += 1
                if isinstance(value, str) and value:
                    yield Row(f"{file.name}:{n}", value)
    except (ArrowException, OSError, ValueError) as fault:
        raise EvidenceError(f"{file}: cannot be read as Parquet ({str(fault)[:120]!a})") from None
