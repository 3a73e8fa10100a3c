"""JSON Schemas of law files, so that editors complete and check them while they are written.

They are made from the vocabulary (`words.py`), the parser's keys and the disputed words, and written to `schema/` by
`python -m caveat.law schema`; a test compares. The loader stays the judge: a schema cannot follow `like`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from caveat.law import parse, words
from caveat.law.compile import Sources

FOLDER = Path(__file__).parent / "schema"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
DAY = {"type": "string", "format": "date"}


def one_of(values: Iterable[str]) -> dict[str, Any]:
    return {"enum": sorted(values)}


def listed(item: dict[str, Any]) -> dict[str, Any]:
    """One value or a list of them, as law files allow."""
    return {"anyOf": [item, {"type": "array", "items": item}]}


def ref(name: str) -> dict[str, Any]:
    """A shape that is said once and used often."""
    return {"$ref": f"#/$defs/{name}"}


def table(keys: Iterable[str], known: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """A table that has these keys and no others; a key without a shape of its own is text."""
    return {"type": "object", "additionalProperties": False, "required": sorted(required),
            "properties": {key: known.get(key, TEXT) for key in sorted(keys)}}


def licence_schema(src: Sources) -> dict[str, Any]:
    """What a file of `licences/` may say."""
    roles = {f"{role} {act}" for role in words.ROLES for act in words.ACTS}
    shapes = {
        "since": DAY, "until": DAY, "root": one_of(words.ROLES), "binds": one_of(words.BINDS),
        "restricts": listed(one_of(parse.RESTRICTIONS)), "needs-grant": listed(one_of(words.ROLES)),
        "family": listed(TEXT), "covers": listed(TEXT), "hf": listed(TEXT), "aliases": listed(TEXT),
        "includes": listed(TEXT), "drop": listed(TEXT), "rolling": FLAG, "tdm": FLAG,
        "like": TEXT,
        "checked": table(("on", "against", "sha256"), {"on": DAY}),
        "roles": {"type": "object", "properties": {name: ref("cell") for name in sorted(roles)},
                  "patternProperties": {r"^[a-z]+/[a-z\-]+ [a-z]+$": ref("cell")}, "additionalProperties": False},
        "rule": {"type": "array", "items": _rule(src)},
        "outbound": {"type": "array", "items": table(parse.OUTBOUND_KEYS, {"on": listed(_role()), "demand": {}},
                                                     ("on", "demand"))},
        "case": {"type": "array", "items": _case(src)},
    }
    shared = {"cell": _cell(src), "condition": _condition(src, False), "exception": _condition(src, True)}
    return {"$schema": DRAFT, "title": "A licence, as Caveat reads it", "$defs": shared,
            **table(parse.LAW_KEYS, shapes, ("id",))}


def word_schema() -> dict[str, Any]:
    """What a file of `disputed/` may say."""
    reading = table(parse.READING_KEYS, {
        "acts": listed(one_of({*words.ACTS, *words.GROUPS})), "also": listed(TEXT),
        "grants": listed(one_of(words.ACTS)),
        "targets": listed(one_of({*words.TARGETS, *words.KINDS, "any"})),
    }, ("id",))
    shapes = {"used-as": one_of(("acts", "targets", "condition")),
              "reading": {"type": "array", "minItems": 2, "items": reading}}
    return {"$schema": DRAFT, "title": "A disputed word, as Caveat reads it",
            **table(parse.WORD_KEYS, shapes, ("word", "reading"))}


def _role() -> dict[str, Any]:
    return {"anyOf": [one_of(words.ROLES), {"type": "string", "pattern": r"^[a-z]+/[a-z\-]+$"}]}


def _cell(src: Sources) -> dict[str, Any]:
    where = {"type": "object", "properties": {w: listed(one_of(d.ids())) for w, d in sorted(src.words.items())},
             "additionalProperties": False}
    return {"anyOf": [TEXT, table(("if", "then", "else", "same-party"), {"if": where, "same-party": FLAG},
                                  ("if", "then", "else"))]}


def _rule(src: Sources) -> dict[str, Any]:
    as_acts = {w for w, d in src.words.items() if d.used_as == "acts"}
    as_targets = {w for w, d in src.words.items() if d.used_as == "targets"}
    shapes = {
        "says": one_of(words.SAYS), "do": listed(one_of({*words.ACTS, *words.GROUPS, *as_acts})), "on": listed(_role()),
        "to": listed(one_of({*words.TARGETS, *words.KINDS, "any", *as_targets})),
        "at": {"type": ["string", "number"]},
        "when": listed(ref("condition")), "unless": listed(ref("exception")),
        "check": {"type": "object", "additionalProperties": False,
                  "properties": {k: {"description": v} for k, v in sorted(words.CHECKS.items())}},
        "standing": FLAG, "contained": FLAG, "whose": one_of(("any", "own")), "duty-of": one_of(("maker",)),
        "ends": one_of(("everything", "patents")), "since": DAY, "until": DAY,
    }
    return table(parse.RULE_KEYS, shapes, ("id", "at", "says", "do"))


def _condition(src: Sources, exception: bool) -> dict[str, Any]:
    facts = {name: _fact(fact) for name, fact in words.FACTS.items()}
    asked = {w: listed(one_of(d.ids())) for w, d in src.words.items()}
    more = {"made-from": TEXT, "rule": TEXT} if exception else {}
    known = dict(sorted({**facts, **asked, **more}.items()))
    return {"type": "object", "additionalProperties": False, "properties": known}


def _fact(fact: words.Fact) -> dict[str, Any]:
    if fact.type == "number":
        return {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": False,
                "properties": {op: {"type": "number"} for op in ("at_least", "at_most", "over", "under")}}
    return listed(one_of(words.PURPOSES) if fact.type == "set" else one_of(fact.values) if fact.values else TEXT)


def _case(src: Sources) -> dict[str, Any]:
    shapes = {"answer": one_of((*words.VERDICTS, "error")), "by": listed(TEXT), "duties": listed(TEXT),
              "not-owed": listed(TEXT), "doubts": listed(one_of({*src.words, *words.FACTS})), "standing": listed(TEXT),
              "each": listed(TEXT), "only-duties": FLAG, "no-doubts": FLAG}
    return table(parse.CASE_KEYS, shapes, ("ask", "answer"))


def schemas() -> dict[str, str]:
    """File name -> text of each schema."""
    made = {"licence.schema.json": licence_schema(Sources()), "word.schema.json": word_schema()}
    return {name: json.dumps(shape, indent=1, ensure_ascii=False) + "\n" for name, shape in made.items()}


def write(folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
