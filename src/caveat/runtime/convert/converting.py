"""One call for the whole way from a folder to a file, planned first so that lies are told before a byte is written."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError
from caveat.runtime.convert.folder import shown
from caveat.runtime.convert.header import header
from caveat.runtime.convert.model import Model, model_of
from caveat.runtime.convert.safetensors import tensors
from caveat.runtime.convert.tensors import Piece, kind_of, pieces
from caveat.runtime.convert.vocabulary import Vocabulary, vocabulary
from caveat.runtime.convert.writing import written
from caveat.runtime.quantize import Tell, silent
from caveat.runtime.quantize_header import Value


class Plan(NamedTuple):
    """All that will be written but the numbers: the shape, each tensor, the vocabulary, and the type of matrices."""

    folder: Path
    model: Model
    pieces: tuple[Piece, ...]
    words: Vocabulary
    kind: str

    def bytes(self) -> int:
        return sum(p.bytes() for p in self.pieces)


def plan(folder: Path, kind: str = "auto", way: str = "") -> Plan:
    """Everything checked, from headers and small files alone. Raises EvidenceError naming file and place."""
    model, found = model_of(folder), tensors(folder)
    kind = kind_of(kind, found)
    made = pieces(model, found, kind, folder / "config.json")
    return Plan(folder, model, made, vocabulary(folder, model.vocabulary, way), kind)


def convert(planned: Plan, out: Path, about: Mapping[str, Value] | None = None, title: str = "",
            tell: Tell = silent) -> None:
    """Writes the file, whole or not at all. `about` are pairs that say whose it is; `title` names the model."""
    try:
        head = header(planned.model, planned.folder, planned.pieces, planned.words, planned.kind, about or {},
                      title or planned.folder.resolve().name)
        written(out, head, planned.pieces, tell)
    except (UnicodeError, struct.error, OverflowError, TypeError) as fault:  # what GGUF has no place for
        raise EvidenceError(f"{planned.folder}: its config or tokenizer says what no GGUF file can hold: "
                            f"{shown(str(fault))}") from None
