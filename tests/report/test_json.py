"""The published schema holds what is printed, for every sample and for a question that was not understood."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from caveat.errors import QuestionError
from caveat.report import json_form

sys.path.insert(0, str(Path(__file__).parent))
import samples

SCHEMA = json.loads(Path(json_form.__file__).with_name("schema.json").read_text(encoding="utf-8"))


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", samples.ALL)
def test_sample_validates(name: str) -> None:
    line = json_form.render(samples.ALL[name])

    assert line.isascii() and line.count("\n") == 1
    assert [e.message for e in Draft202012Validator(SCHEMA).iter_errors(json.loads(line))] == []


@pytest.mark.parametrize("name", samples.ALL)
def test_schema_names_every_key_that_is_printed(name: str) -> None:
    """A key that the schema does not know is a contract nobody wrote down."""
    closed = _closed(SCHEMA)

    errors = [
        e.message for e in Draft202012Validator(closed).iter_errors(json.loads(json_form.render(samples.ALL[name])))
    ]
    assert errors == []


def test_misunderstood_question_validates() -> None:
    line = json_form.render_error(QuestionError("may I tarin x", 6, "unknown act tarin", ("train",)))

    assert json.loads(line) == {"caveat": 1, "error": "unknown act tarin (did you mean train?)", "at": 6}
    assert Draft202012Validator(SCHEMA).is_valid(json.loads(line))


def _closed(schema: Any) -> Any:
    """The schema with no room for unknown keys."""
    if isinstance(schema, list):
        return [_closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {k: _closed(v) for k, v in schema.items()}
    return {**inner, "additionalProperties": False} if "properties" in inner and "type" in inner else inner
