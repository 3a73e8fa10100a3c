"""What is known of models without having them: their shapes, and the quality that others measured. Each has a source.

Reads only the two files beside it. A model that nobody measured has no quality here: none is guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class Named(NamedTuple):
    """A model of the table: its name here, the facts of its config.json, where they stand."""

    name: str
    config: Mapping[str, Any]
    source: str


class Quality(NamedTuple):
    """Perplexity over that of the unquantized model (1.0: no loss), a quantization each, and where it was published."""

    ratio: Mapping[str, float]
    source: str = ""
    what: str = ""


@cache
def _tables() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return tuple(tomllib.loads((HERE / f).read_text("utf-8")) for f in ("shapes.toml", "published.toml"))  # type: ignore[return-value]


@cache
def names() -> Mapping[str, Named]:
    """Folded name or other name -> model."""
    models = _tables()[0]["model"]
    return {_fold(n): Named(m["name"], m["config"], m["source"]) for m in models for n in (m["name"], *m["also"])}


def named(word: str) -> Named | None:
    """The model a word names, with or without its owner; None: not in the table."""
    return names().get(_fold(word.rpartition("/")[2]))


def quality(model: str) -> Quality:
    """What was published of a model of the table; empty where nothing was."""
    for row in _tables()[1]["measured"]:
        if row["model"] == model:
            whole = row.get("whole", 1.0)
            ratios = {k: v / whole for k, v in row.get("perplexity", {}).items()}
            return Quality({**ratios, **row.get("ratio", {})}, row["source"], row["what"])
    return Quality({})


def _fold(word: str) -> str:
    return re.sub(r"[-_. ]", "", word.lower())
