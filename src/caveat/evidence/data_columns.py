"""Columns of data files that name who wrote a row: the model, the generator, the metadata of a synthesis tool.

    rows.jsonl: {"messages": [...], "model": "gpt-4"}      rows.parquet: a column `model_name` of one value

Only the head of a file is looked at (JSON lines), or the footer of a Parquet file where pyarrow is installed: its
statistics tell the values of a column without reading a row. A column counts only beside a column of text, and a value
only if it is a repository id or a model that is spoken to: a column `model` of cars says nothing. Rows that Caveat
wrote (`generator` a package address, `run_id`) are read to the end of the file, within bounds: sets are merged, and the
last row may be another model's.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caveat.evidence import generated
from caveat.evidence.generated_rows import Writers, lines_of, table_of
from caveat.evidence.repo_names import ID, is_local
from caveat.evidence.source import place
from caveat.evidence.used import SERVICE
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

NAMES = ("*.jsonl", "*.ndjson", "*.parquet")
READS = "path"
LIMIT = 64 << 10
ROWS, MOST = 200, 20
WRITERS = re.compile(
    r"(?:chosen_|rejected_|response_|answer_|teacher_|generator_|generation_|source_|distilabel_)?"
    r"(?:model|generator|model_name|model_id|generated_by|generations_model|teacher|generation_models?)(?:_name)?")
JUDGES = re.compile(r"(?:judge|annotator|rating|scoring|reward|critic)(?:_model)?(?:_name)?")
TEXTS = frozenset((
    "messages conversations conversation response responses output completion chosen rejected text answer generation "
    "generations instruction prompt content solution question").split())
NESTED = ("distilabel_metadata", "distilabel_meta", "metadata", "meta", "caveat")


def read(path: Path, file: str, asset: str) -> Evidence:
    """Who wrote the rows of one data file, as far as its columns tell."""
    parquet = path.name.endswith(".parquet")
    try:
        writers = (table_of if parquet else lines_of)(path)
        if writers.runs:
            return of_runs(writers, file, asset)
        named = _footer(path) if parquet else _lines(path)
    except OSError as error:
        return Evidence(problems=(Problem(file, f"cannot be opened: {error.strerror or error}"),))
    told = claims_of(named, file)
    return told._replace(problems=(*told.problems, *(Problem(file, what) for what in writers.problems)))


def of_runs(writers: Writers, file: str, asset: str) -> Evidence:
    """Rows that Caveat wrote, by generator and run."""
    child = file if "/" not in file else generated.home_of(file, file.rsplit("/", 1)[-1])
    where = place(file, None, "generator", child, "detected")
    claims: list[Claim] = [AssetClaim(child, "kind", "dataset", where),
                           *generated.whereabouts(child, file, asset, where)]
    for (address, run), count in sorted(writers.runs.items(), key=lambda n: (-n[1], n[0])):
        told = f"{address} ({count} rows)" if count else address
        claims += generated.claims_of(child, address, run, where._replace(quote=told[:120]), column="generator")
    return Evidence(claims=tuple(claims), problems=tuple(Problem(file, what) for what in writers.problems))


def claims_of(named: dict[tuple[str, str], int], file: str) -> Evidence:
    """Column and value -> rows, as steps of the file (a data set named as the file is)."""
    child = file.rsplit("/", 1)[-1]
    claims: list[Claim] = []
    for (column, value), count in sorted(named.items(), key=lambda n: (-n[1], n[0]))[:MOST]:
        act = "annotate" if JUDGES.fullmatch(column.rsplit(".", 1)[-1]) else "generate"
        where = place(file, 1, column, f"{value} ({count} of the rows looked at)" if count else value, "detected")
        claims.append(StepClaim(child, act, value, where, column=column))
        if SERVICE.match(value):
            claims.append(AssetClaim(value, "kind", "service", where))
    if not claims:
        return Evidence()
    whole = place(file, None, "data file", child, "detected")
    own = (AssetClaim(child, "kind", "dataset", whole), AssetClaim(child, "alias", file, whole))
    return Evidence(claims=(*own, *claims))


def is_model(value: object) -> bool:
    """Whether a value of such a column names a model, as far as its form tells."""
    if not isinstance(value, str) or not 3 <= len(value) < 120 or " " in value:
        return False
    return bool(SERVICE.match(value)) or (bool(ID.fullmatch(value)) and not is_local(value))


def _lines(path: Path) -> dict[tuple[str, str], int]:
    with path.open("rb") as stream:
        head = stream.read(LIMIT).decode("utf-8", "replace")
    rows = head.split("\n")
    found: Counter[tuple[str, str]] = Counter()
    for text in rows[:ROWS]:
        found.update(set(_of_row(_row(text))))
    return found


def _row(text: str) -> dict[str, Any]:
    if not text.startswith("{") or text.count("{") + text.count("[") > 5000:
        return {}
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


def _of_row(row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not TEXTS & row.keys():
        return
    nested = ((f"{k}.{inner}", v) for k in NESTED if isinstance(row.get(k), dict) for inner, v in row[k].items())
    for column, held in (*row.items(), *nested):
        last = column.rsplit(".", 1)[-1]
        if WRITERS.fullmatch(last) or JUDGES.fullmatch(last):
            yield from ((column, v) for v in (held[:MOST] if isinstance(held, list) else [held]) if is_model(v))


def _footer(path: Path) -> dict[tuple[str, str], int]:
    """Values of a column where its statistics say that least and greatest are one; nothing without pyarrow."""
    if importlib.util.find_spec("pyarrow") is None:
        return {}
    import pyarrow.parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    try:
        told = pyarrow.parquet.ParquetFile(path, memory_map=False).metadata
        return dict(_of_columns(told))
    except (ValueError, OSError):  # pyarrow's own errors are of these kinds
        return {}


def _of_columns(told: Any) -> Iterator[tuple[tuple[str, str], int]]:
    names = [told.schema.column(i).path for i in range(min(told.num_columns, 2000))]
    if not TEXTS & {n.split(".")[0] for n in names}:
        return
    for i, name in enumerate(names):
        if WRITERS.fullmatch(name.split(".")[0]) or JUDGES.fullmatch(name.split(".")[0]):
            for group in range(min(told.num_row_groups, 1000)):
                held = told.row_group(group).column(i).statistics
                for value in {held.min, held.max} if held is not None and held.has_min_max else ():
                    if is_model(value):
                        yield (name.split(".")[0], value), 0
