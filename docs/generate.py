"""Writes docs/reference/ from what the program itself reads: law files, word tables, docstrings, options, schema.

Hand-written reference drifts; this cannot, because a test writes it again and compares.

    python docs/generate.py            write
    python docs/generate.py --check    exit 1 and name the pages that are stale
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from caveat.cli import COMMANDS
from caveat.evidence import READERS
from caveat.law import words as w
from caveat.law.compile import Sources
from caveat.law.rule import Case, Cell, Condition, Demand, Law, Rule, Test, Word

REFERENCE = Path(__file__).resolve().parent / "reference"
SCHEMA = Path(import_module("caveat.report").__file__ or "").parent / "schema.json"
GENERATED = "<!-- Written by docs/generate.py. Change the source it is made from, then run: make docs -->\n\n"
OPS = {"over": ">", "at_most": "<=", "under": "<", "at_least": ">="}


def pages() -> dict[str, str]:
    """Every page of the reference: path below docs/reference/ -> Markdown."""
    law = Sources()
    ids = sorted(law.sources)
    made = {f"licences/{id}.md": licence(law.law(id), law.cases(id), law.words) for id in ids}
    made["licences/index.md"] = index([law.law(id) for id in ids])
    made |= {"words.md": words(law.words), "readers.md": readers(), "cli.md": commands(), "schema.md": schema()}
    return {path: GENERATED + text.strip("\n") + "\n" for path, text in made.items()}


# --- Markdown ---------------------------------------------------------------------------------------------------

def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, or a line that says it is empty."""
    body = ["| " + " | ".join(_cell_text(c) for c in row) + " |" for row in rows]
    if not body:
        return "None.\n"
    return "\n".join(["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads), *body]) + "\n"


def _cell_text(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").strip()


def _list(values: Iterable[str]) -> str:
    return ", ".join(values)


def _doc(module: str) -> str:
    """A docstring as it stands, as text that no Markdown reader rearranges."""
    return "```text\n" + (import_module(module).__doc__ or "").strip() + "\n```\n"


# --- law --------------------------------------------------------------------------------------------------------

def index(laws: Iterable[Law]) -> str:
    rows = [(f"[{x.id}]({x.id}.md)", x.name, x.publisher, x.since, x.binds, _list(x.restricts), str(len(x.rules)),
             "in part" if x.weak else "") for x in laws]
    heads = ("id", "name", "publisher", "since", "rests on", "restricts", "rules", "weak")
    return f"# Licences and terms\n\n{len(rows)} law files, in our own words.\n\n{table(heads, rows)}"


def licence(law: Law, cases: Sequence[Case], known: Mapping[str, Word]) -> str:
    facts = {
        "publisher": law.publisher, "SPDX": law.spdx, "published at": law.source, "since": law.since,
        "checked": f"{law.checked} against {law.against}".removesuffix(" against "), "first role": law.root,
        "rests on": law.binds, "families": _list(law.family), "restricts": _list(law.restricts),
        "takes in": _list(law.includes), "moves over time": "yes" if law.rolling else "", "weak": law.weak,
    }
    parts = [
        f"# {law.name}\n", table(("", ""), [(k, v) for k, v in facts.items() if v]),
        "## Clauses\n", table(("clause", "rule", "says", "in our words", "when", "unless"), map(_rule, law.rules)),
        "## Roles that differ from the default\n", table(("role", "act", "leads to"), _roles(law)),
        "## What it asks of the licence the whole goes out under\n",
        table(("for", "asks", "clause"), map(_demand, law.outbound)),
        "## Disputed words in it\n", _disputed(law, known), "## Cases\n", "\n".join(map(_case, cases)),
    ]
    return "\n".join(parts)


def _rule(r: Rule) -> tuple[str, ...]:
    says = f"{r.says} {_acts(r.do)}" + (f" to {_list(r.to)}" if r.to else "") + f"; on {_list(r.on)}"
    marks = [m for m, on in (("standing", r.standing), ("maker's alone", r.duty_of == "maker"),
                             ("own output only", r.whose == "own"), (f"from {r.since}", r.since),
                             (f"until {r.until}", r.until)) if on]
    return r.at, f"`{r.id}`", says, r.gist + (f" ({_list(marks)})" if marks else ""), _when(r.when), _when(r.unless)


def _acts(do: Sequence[str]) -> str:
    return "anything" if w.GROUPS["all"] <= set(do) else _list(do)


def _when(condition: Condition) -> str:
    return " or ".join(" and ".join(map(_test, ands)) for ands in condition)


def _test(t: Test) -> str:
    return f"{t.key} {OPS[t.op]} {t.value:,}" if t.op in OPS else f"{t.key} = {' / '.join(map(str, t.value))}"


def _roles(law: Law) -> Iterable[tuple[str, ...]]:
    return [(role, act, _cell(cell)) for role, row in law.roles.items() for act, cell in row.items()]


def _cell(cell: Cell) -> str:
    if not cell.word:
        return cell.then or "nothing"
    return f"{cell.then or 'nothing'} if {cell.word} = {' / '.join(cell.readings)}, else {cell.other or 'nothing'}"


def _demand(d: Demand) -> tuple[str, ...]:
    asked = {"keep": "this licence is kept", "any": "nothing", "asks": f"some licence that restricts {d.asks}",
             "sole": f"only one of {_list(d.sole)}" + (f" (with {_list(d.sole_with)})" if d.sole_with else "")}
    want = asked[d.want] + (f", if {d.word} = {' / '.join(d.readings)}" if d.word else "")
    return _list(d.on), want, d.at


def _disputed(law: Law, known: Mapping[str, Word]) -> str:
    used = {x for r in law.rules for x in (*r.do, *r.to, *(t.key for ands in (*r.when, *r.unless) for t in ands))}
    used |= {c.word for row in law.roles.values() for c in row.values()} | {d.word for d in law.outbound}
    mine = sorted(used & set(known))
    return "\n".join(f"- [{x}](../words.md#{x}): {known[x].ask}" for x in mine) + "\n" if mine else "None.\n"


def _case(c: Case) -> str:
    return f"- `caveat ask {json.dumps(c.ask, ensure_ascii=False)}`: **{c.answer}**. {c.why}"


# --- words ------------------------------------------------------------------------------------------------------

def words(disputed: Mapping[str, Word]) -> str:
    acts = table(("act", "works from", "makes", "everyday words"),
                 [(a.name, _list(a.works_from), a.makes or "nothing: a use", _list(a.everyday))
                  for a in w.ACTS.values()])
    groups = table(("group", "acts"), [(g, _acts(sorted(a))) for g, a in w.GROUPS.items()])
    kinds = f"{_list(w.KINDS)}.\n\n{_list(w.TARGETS)}.\n"
    roles = table(("role", "needs a grant"), [(r, "yes" if needs else "no") for r, needs in w.ROLES.items()])
    facts = table(("fact", "type", "values", "if not said"),
                  [(f.name, f.type, _list(f.values), f"presumed: {f.says}" if f.presumed else "a doubt, where asked")
                   for f in w.FACTS.values()])
    purposes = table(("purpose", "everyday words"), [(p, _list(e)) for p, e in w.PURPOSES.items()])
    checks = table(("check", "what meets the duty"), w.CHECKS.items())
    return "\n".join(("# Words\n", "One vocabulary for licences, lineages and questions (`src/caveat/law/words.py`).\n",
                      "## Acts\n", acts, "## Groups of acts\n", groups, "## Roles\n", roles, "## Facts\n", facts,
                      "## Purposes\n", purposes, "## Kinds and targets\n", kinds,
                      "## How duties are looked for\n", checks, "## Disputed words\n",
                      "\n".join(map(_word, disputed.values()))))


def _word(word: Word) -> str:
    rows = [(f"`{r.id}`", r.means, _list(r.acts or r.targets), r.held_by) for r in word.readings]
    presumed = f"Presumed: `{word.presumed}`.\n\n" if word.presumed else ""
    return f"### {word.word}\n\n{word.ask}\n\n{presumed}{table(('reading', 'means', 'covers', 'held by'), rows)}"


# --- readers, commands, schema ------------------------------------------------------------------------------------

def readers() -> str:
    parts = ["# Readers\n", "Each reads one file format into claims; none judges.\n"]
    for name in READERS:
        module = f"caveat.evidence.{name}"
        files = getattr(import_module(module), "NAMES", ())
        parts += [f"## {name}\n", f"Files: {_list(f'`{f}`' for f in files)}\n", _doc(module)]
    return "\n".join(parts)


def commands() -> str:
    """From the parsers themselves, not their printed help: its layout changes with the Python version."""
    first = table(("command", "what it does"), [(f"[{c}](#{c})", line) for c, line in COMMANDS.items()])
    parts = ["# Commands\n", first]
    for name in COMMANDS:
        module = import_module(f"caveat.cli.{name.replace('-', '_')}")
        parser = argparse.ArgumentParser(prog=f"caveat {name}", add_help=False)
        module.arguments(parser)
        rows = [_option(a) for a in parser._actions]
        parts += [f"## {name}\n", _doc(module.__name__), table(("argument", "values", "what it is for"), rows)]
    parts.append("Exit codes: 0 nothing at or above `--fail-on`; 1 findings; 2 wrong usage or unreadable input.\n")
    return "\n".join(parts)


def _option(action: argparse.Action) -> tuple[str, ...]:
    flags = _list(f"`{f}`" for f in action.option_strings) or f"`{action.metavar or action.dest}`"
    metavar = str(action.metavar or "") if action.option_strings else ""
    return flags, _list(map(str, action.choices)) if action.choices else metavar, action.help or ""


def schema() -> str:
    """The published schema as tables: one per object."""
    data = json.loads(SCHEMA.read_text("utf-8"))
    parts = [f"# What programs read\n\n{data['title']}. {data['description']}\n\nThe contract itself is "
             "`src/caveat/report/schema.json`.\n"]
    for name, shape in data["$defs"].items():
        parts += [f"## {name}\n", shape.get("description", "") + "\n"]
        if "properties" in shape:
            parts.append(table(("key", "type", "always", "what"), _properties(shape)))
        elif "enum" in shape:
            parts.append(_list(f"`{v}`" for v in shape["enum"]) + "\n")
    return "\n".join(parts)


def _properties(shape: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    needed = set(shape.get("required", ()))
    return [(f"`{k}`", _type(v), "yes" if k in needed else "", v.get("description", ""))
            for k, v in shape["properties"].items()]


def _type(v: Mapping[str, Any]) -> str:
    if "$ref" in v:
        name = v["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if v.get("type") == "array":
        return f"list of {_type(v.get('items', {}))}"
    if "enum" in v:
        return _list(map(str, v["enum"]))
    if "anyOf" in v or "oneOf" in v:
        return " or ".join(map(_type, v.get("anyOf", v.get("oneOf"))))
    kind = v.get("type", str(v.get("const", "any")))
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


# --- writing ----------------------------------------------------------------------------------------------------

def stale(made: Mapping[str, str]) -> list[str]:
    """Pages that differ from what is on disk, and files on disk that nothing makes."""
    there = {p.relative_to(REFERENCE).as_posix(): p.read_text("utf-8") for p in REFERENCE.rglob("*.md")}
    return sorted(path for path in {*made, *there} if made.get(path) != there.get(path))


def write(made: Mapping[str, str]) -> None:
    for path in stale(made):
        page = REFERENCE / path
        if path not in made:
            page.unlink()
            continue
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(made[path], "utf-8")


def main(argv: Sequence[str]) -> int:
    made = pages()
    if "--check" not in argv:
        write(made)
        return 0
    old = stale(made)
    if old:
        print(f"docs/reference is stale ({_list(old[:8])}{' ...' if len(old) > 8 else ''}); run: make docs")
    return int(bool(old))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
