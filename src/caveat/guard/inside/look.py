"""A bounded look into a loaded data set: the values of columns that may name who wrote a row.

Of a table at most ten windows of a thousand rows are looked at, spread evenly, in Arrow's own memory; of a stream the
first rows, and only where its columns say that they name somebody. What the names mean is not decided here.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

from .plain import plain

WINDOWS, WINDOW = 10, 1000
FIRST_ROWS = 64
MOST_COLUMNS, MOST_VALUES, FEW = 16, 20, 40
#: A package address tells bases, digest and terms.
LONGEST_ADDRESS = 1000
#: Columns that may name a writer or a judge; wide on purpose, the reader of columns decides.
WORTH = re.compile(r"model|generat|teacher|annotat|judge|critic|rating|reward|scor|distilabel|metadata|^meta$|caveat")


def columns_of(part: Any, most: int = 64) -> list[str]:
    try:
        names = part.column_names
    except Exception:  # a stream that does not know yet
        return []
    return [plain(n, 120) for n in list(names)[:most]] if isinstance(names, (list, tuple)) else []


def look(part: Any, memory: bool = False) -> dict[str, list[str]]:
    """Column (dotted inside a struct) -> distinct texts, at most MOST_VALUES each."""
    columns = columns_of(part, 2000)
    wanted = [c for c in columns if WORTH.search(c.lower())][:MOST_COLUMNS]
    table = getattr(getattr(part, "data", None), "table", None)
    if table is not None:
        return {k: v for c in wanted for k, v in _of_column(table, c).items()}
    if memory or (columns and not wanted):
        return {}
    return _of_rows(islice(iter(part), FIRST_ROWS)) if hasattr(part, "_ex_iterable") or wanted else {}


def _of_column(table: Any, name: str) -> dict[str, list[str]]:
    column, rows = table.column(name), table.num_rows
    step = max(1, rows // WINDOWS)
    starts = range(0, rows, step) if rows > WINDOWS * WINDOW else range(0, rows, WINDOW)
    found: dict[str, list[str]] = {}
    for start in list(starts)[:WINDOWS + 1]:
        _add(found, name, _distinct(column.slice(start, WINDOW)))
    if rows > WINDOW:
        _add(found, name, _distinct(column.slice(rows - WINDOW, WINDOW)))
    return found


def _distinct(piece: Any) -> list[Any]:
    """Distinct values of a piece of a column; nested ones by the first rows."""
    try:
        return list(piece.unique().slice(0, FEW * 5).to_pylist())
    except Exception:  # Arrow tells no distinct structs or lists
        return list(piece.slice(0, FEW).to_pylist())


def _of_rows(rows: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in rows:
        for name, value in list(row.items())[:2000] if isinstance(row, dict) else ():
            if isinstance(name, str) and WORTH.search(name.lower()) and (name in found or len(found) < MOST_COLUMNS):
                _add(found, plain(name, 120), [value])
    return found


def _add(found: dict[str, list[str]], name: str, values: list[Any]) -> None:
    for value in values:
        if isinstance(value, dict):
            for key, inner in list(value.items())[:MOST_COLUMNS]:
                _add(found, f"{name}.{plain(key, 60)}", [inner] if not isinstance(inner, dict) else [])
        elif isinstance(value, (list, tuple)):
            _add(found, name, [v for v in value[:MOST_VALUES] if not isinstance(v, (dict, list, tuple))])
        elif isinstance(value, str) and len(value) < (LONGEST_ADDRESS if value.startswith("pkg:") else 200):
            held = found.setdefault(name, [])
            text = plain(value, LONGEST_ADDRESS)
            if text and text not in held and len(held) < MOST_VALUES:
                held.append(text)
