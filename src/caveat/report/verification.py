"""`caveat verify` for a terminal: whether the parts agree, which rows are whose, and what does not belong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from caveat.report.escape import visible
from caveat.report.words import plural

MOST = 100


def text(folder: str, wrote: Iterable[Mapping[str, Any]], faults: Iterable[Mapping[str, Any]], notes: Iterable[str],
         rows: int, files: int, unproven: str) -> str:
    """The whole answer, one fact a line."""
    wrong = list(faults)
    sign, said = ("✗", plural(len(wrong), "thing does not belong", "things do not belong")) if wrong else \
        ("✓", "rows, files and statement agree")
    head = f"{sign} {visible(folder)}: {said}; {plural(rows, 'row')} in {plural(files, 'file')}"
    told = (f"  note  {visible(n)}" for n in notes)
    return "\n".join((head, *_table(wrote), *_faults(wrong), *told, f"  {unproven}"))


def _table(wrote: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for w in wrote:
        yield f"  {w['rows']:>9}  {visible(w['generator'] or 'nobody named')}"
        yield f"             run {visible(w['run_id'] or 'not named')}, {plural(len(w['files']), 'file')}"


def _faults(faults: list[Mapping[str, Any]]) -> Iterator[str]:
    """Rows of one file of which the same is said stand together."""
    alike: dict[tuple[str, str], list[int]] = {}
    for f in faults:
        alike.setdefault((f["file"], f["what"]), []).extend([f["row"]] if f["row"] else [])
    for (file, what), rows in list(alike.items())[:MOST]:
        yield f"  ✗ {visible(file)}{_rows(rows)} {visible(what)}"
    if len(alike) > MOST:
        yield f"  ✗ … and {len(alike) - MOST} more (--format json has them all)"


def _rows(rows: list[int]) -> str:
    """`row 3`, `rows 3, 7`, `rows 3-9`, none for a file as a whole."""
    if not rows:
        return ""
    first, last = rows[0], rows[-1]
    if len(rows) > 2 and rows == list(range(first, last + 1)):
        return f" rows {first}-{last}"
    return f" {'row' if len(rows) == 1 else 'rows'} {', '.join(map(str, rows))}"
