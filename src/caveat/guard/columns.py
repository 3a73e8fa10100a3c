"""Who wrote and who marked the rows of a loaded data set, from the values of its columns.

The rules are those of the reader of data files (`evidence/data_columns.py`): a column counts beside a column of text,
a value counts if it names a model that can be known. Caveat's own column holds package addresses (purl): these stay
whole, because they tell bases and terms too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caveat.evidence.data_columns import JUDGES, TEXTS, WRITERS, is_model
from caveat.lineage import purl

#: Package addresses that may name a model.
SORTS = frozenset({"huggingface", "generic", "mlflow", "ollama"})
MOST = 20


class Writers(NamedTuple):
    """Names or addresses of generators and judges, and the column of each in the same order (generators first)."""

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
    """The model that a value names: its name, or its whole package address; "" if it names none."""
    if not isinstance(value, str):
        return ""
    address = purl.read(value)
    if address is not None:
        return value if address.type in SORTS else ""
    return value if is_model(value) else ""


def name_of(value: str) -> str:
    """A generator as people read it: a package address by the name in it."""
    address = purl.read(value)
    return address.path if address else value
