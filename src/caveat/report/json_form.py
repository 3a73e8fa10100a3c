"""The answer for programs: one object on one line, keys stable, the schema beside this file is the contract.

Everything outside ASCII is written as an escape, so a hostile name cannot reach a terminal through a pipe.
"""

from __future__ import annotations

import json
from typing import Any

from caveat.errors import CaveatError, QuestionError
from caveat.report.outline import Answer
from caveat.verdict.answer import Graph


def render(answer: Answer) -> str:
    """One JSON object and a line end."""
    return _line({"caveat": 1, "lineage": answer.to_dict()} if isinstance(answer, Graph) else answer.to_dict())


def render_error(error: CaveatError) -> str:
    """The line of a question that was not answered; `at` is a column counted from 0."""
    at = error.at if isinstance(error, QuestionError) else 0
    return _line({"caveat": 1, "error": str(error), "at": at})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(", ", ": ")) + "\n"
