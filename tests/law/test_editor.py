"""The schemas that editors complete law files by: fresh, true of every file that ships, and blind to no slip."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from caveat.law import editor

LAW = Path(editor.__file__).parent
FILES = [(folder, p) for folder in ("licences", "disputed") for p in sorted((LAW / folder).glob("*.toml"))]
SHAPES = {"licences": "licence.schema.json", "disputed": "word.schema.json"}


def plain(value: Any) -> Any:
    """TOML as an editor's checker sees it: days are text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, date) else value


def checker(folder: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads((editor.FOLDER / SHAPES[folder]).read_text("utf-8")))


def faults(folder: str, text: str) -> list[str]:
    return [e.message for e in checker(folder).iter_errors(plain(tomllib.loads(text)))]


def test_schemas_are_made_from_the_vocabulary_as_it_is() -> None:
    kept = {p.name: p.read_text("utf-8") for p in editor.FOLDER.glob("*.json")}

    assert kept == editor.schemas(), "run `python -m caveat.law schema`"


@pytest.mark.parametrize("folder", SHAPES)
def test_every_law_file_keeps_its_schema(folder: str) -> None:
    check = checker(folder)
    wrong = {p.name: [e.message for e in check.iter_errors(plain(tomllib.loads(p.read_text("utf-8"))))]
             for f, p in FILES if f == folder}

    assert {name: found for name, found in wrong.items() if found} == {}


@pytest.mark.parametrize("slip", [
    'id = "x"\nbind = "contract"',
    'id = "x"\n[[rule]]\nid = "r"\nat = "1"\nsays = "may"\ndo = ["runn"]',
    'id = "x"\n[[rule]]\nid = "r"\nat = "1"\nsays = "shall"\ndo = ["run"]',
    'id = "x"\n[[rule]]\nid = "r"\nat = "1"\nsays = "may"\ndo = ["run"]\nwhen = { monthly_user = { over = 5 } }',
    'id = "x"\n[[case]]\nask = "run x"\nanswer = "allowed"',
    'id = "x"\n[roles]\n"output trein" = "trained"',
])
def test_a_slip_is_underlined(slip: str) -> None:
    assert faults("licences", slip) != []
