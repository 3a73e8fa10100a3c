"""Who wrote and who marked the rows of a loaded data set, from the values of its columns.

The rules are those of the reader of data files (`evidence/data_columns.py`): a column counts beside a column of text,
a value counts if it names a model that can be known; Caveat's own column holds package addresses (purl).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from caveat.evidence.data_columns import JUDGES, TEXTS, WRITERS, is_model

PURL = re.compile(r"pkg:(?P<sort>huggingface|generic|mlflow|ollama)/(?P<name>[^@?#]{3,200})(?:@[^?#]*)?(?:[?#].*)?")
MOST = 20


class Writers(NamedTuple):
    """Names of generators and judges, and the column of each in the same order (generators first)."""

    generators: tuple[str, ...]
    judges: tuple[str, ...]
    named_in: tuple[str, ...]


def writers(columns: Iterable[str], values: Mapping[str, object]) -> Writers:
    """From column -> texts that were seen in it."""
    texts = TEXTS & {c.split(".")[0] for c in columns}
    said = [(c, named(v)) for c, vs in values.items() if isinstance(c, str) and isinstance(vs, list) for v in vs[:MOST]]
    wrote = dict.fromkeys((v, c) for c, v in said if v and texts and _is(WRITERS, c))
    judged = dict.fromkeys((v, c) for c, v in said if v and texts and _is(JUDGES, c))
    both = [*wrote, *(pair for pair in judged if pair not in wrote)]
    return Writers(tuple(v for v, _ in wrote), tuple(v for v, _ in both[len(wrote):]), tuple(c for _, c in both))


def _is(sort: re.Pattern[str], column: str) -> bool:
    return bool(sort.fullmatch(column.rsplit(".", 1)[-1]))


def named(value: object) -> str:
    """The model that a value names, with a package address opened; "" if it names none."""
    purl = PURL.fullmatch(value) if isinstance(value, str) and len(value) < 1000 else None
    name = unquote(purl["name"]) if purl else value
    return name if isinstance(name, str) and is_model(name) else ""
