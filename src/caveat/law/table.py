"""The default role table as cells, built once."""

from __future__ import annotations

from caveat.law.rule import Cell
from caveat.law.words import DEFAULT_ROLES


def _cell(cell: object) -> Cell:
    if isinstance(cell, str):
        return Cell(cell)
    assert isinstance(cell, dict)
    ((word, reading),) = cell["if"].items()
    return Cell(cell["then"], word, (reading,), cell["else"], bool(cell.get("same-party")))


DEFAULT_CELLS: dict[str, dict[str, Cell]] = {
    role: {act: _cell(cell) for act, cell in row.items()} for role, row in DEFAULT_ROLES.items()
}
