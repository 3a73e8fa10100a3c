"""Law files into law values, refusing what nobody knows with file, line and the nearest known word.

`tomllib` keeps no lines, so the place of a fault is found again by looking for the table and key in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from caveat.errors import LawError, nearest
from caveat.law import toml_safe, words
from caveat.law.rule import Case, Cell, Condition, Demand, Law, Reading, Rule, Test, Word

LAW_KEYS = frozenset(
    "id spdx name publisher since until source checked weak root binds family covers hf aliases rolling tdm "
    "restricts includes like drop needs-grant roles rule outbound case note".split()
)
RULE_KEYS = frozenset(
    "id at says do on to when unless gist check standing contained whose duty-of ends since until".split()
)
OUTBOUND_KEYS = frozenset({"on", "demand", "at", "alone"})
CASE_KEYS = frozenset(
    ["id", "ask", "answer", "by", "duties", "not-owed", "doubts", "only-duties", "no-doubts", "standing", "each", "why",
     "sure"]
)
WORD_KEYS = frozenset({"word", "ask", "used-as", "presumed", "reading", "note"})
READING_KEYS = frozenset({"id", "means", "held-by", "acts", "also", "targets", "grants"})
RESTRICTIONS = frozenset({"commerce", "field", "users", "name", "share-alike", "changes"})
INHERITED = ("root", "binds", "rolling", "tdm", "restricts", "needs-grant", "family")


class Source:
    """The text of one law file, and where in it something stands."""

    def __init__(self, file: str, text: str) -> None:
        self.file, self.text = file, text
        try:
            self.data: dict[str, Any] = toml_safe.loads(text)
        except toml_safe.Broken as fault:
            at = re.search(r"line (\d+)", str(fault))
            raise LawError(file, int(at[1]) if at else None, f"not TOML: {fault}") from None

    @classmethod
    def read(cls, path: Path) -> Source:
        return cls(path.name, path.read_text(encoding="utf-8"))

    def line(self, table: str = "", number: int = 0, key: str = "") -> int | None:
        """The line (from 1) of `key` in the `number`-th `[[table]]` (from 0); of the table if the key is not seen."""
        start, seen = 0, -1
        lines = self.text.splitlines()
        for n, text in enumerate(lines):
            if table and re.match(rf"\s*\[+\s*{re.escape(table)}\s*\]+", text):
                seen += 1
                if seen == number:
                    start = n
                    break
        for n in range(start, len(lines)):
            if key and re.match(rf'\s*"?{re.escape(key)}"?\s*[=.]', lines[n]):
                return n + 1
            if n > start and table and lines[n].lstrip().startswith("["):
                break
        return start + 1 if lines else None

    def refuse(self, what: str, known: Iterable[str], word: str, table: str = "", number: int = 0,
               key: str = "") -> LawError:
        return LawError(self.file, self.line(table, number, key or word), f"{what} {word!r}", nearest(word, known))


def known_keys(source: Source, table: Mapping[str, Any], known: frozenset[str], name: str = "",
               number: int = 0) -> None:
    for key in table:
        if key not in known:
            raise source.refuse("unknown key", known, key, name, number)


def parse_word(source: Source) -> Word:
    """A disputed word; raises LawError."""
    data = source.data
    known_keys(source, data, WORD_KEYS)
    readings = tuple(_reading(source, n, r) for n, r in enumerate(data.get("reading", [])))
    if len(readings) < 2:
        raise LawError(source.file, 1, "a disputed word needs at least two readings")
    return Word(data["word"], data.get("ask", ""), data.get("used-as", "condition"), readings, data.get("presumed", ""))


def _reading(source: Source, n: int, r: dict[str, Any]) -> Reading:
    known_keys(source, r, READING_KEYS, "reading", n)
    acts = expand_acts(source, r.get("acts", []), "reading", n, frozenset())
    also = []
    for item in r.get("also", []):
        act, _, role = item.partition(" ")
        if act not in words.ACTS or role not in words.ROLES:
            raise source.refuse("unknown act or role", [*words.ACTS, *words.ROLES], item, "reading", n, "also")
        also.append((act, role))
    return Reading(r["id"], r.get("means", ""), r.get("held-by", ""), acts, tuple(also),
                   tuple(r.get("targets", [])), tuple(r.get("grants", [])))


class LawParser:
    """Turns one source into a Law, given the disputed words and a way to find siblings (`like`)."""

    def __init__(self, source: Source, disputed: Mapping[str, Word], sibling: Any) -> None:
        self.source, self.words, self.sibling = source, disputed, sibling

    def law(self) -> Law:
        s, d = self.source, self.source.data
        known_keys(s, d, LAW_KEYS)
        base = self.sibling(d["like"]) if "like" in d else None
        d = {**_headline(base), **d} if base and d["like"] == d["id"] else d
        head = {**(_inherited(base) if base else {}), **{k: v for k, v in d.items() if k in INHERITED}}
        checked = d.get("checked", {})
        self._one_of(head.get("binds", "contract"), words.BINDS, "binds")
        self._one_of(head.get("root", "materials"), words.ROLES, "root")
        for r in head.get("restricts", ()):
            self._one_of(r, RESTRICTIONS, "restricts")
        return Law(
            id=d["id"], name=d.get("name", d["id"]), spdx=d.get("spdx", ""), publisher=d.get("publisher", ""),
            since=_iso(d.get("since")), source=d.get("source", ""), checked=_iso(checked.get("on")),
            against=checked.get("against", ""), sha256=checked.get("sha256", ""), weak=d.get("weak", ""),
            root=head.get("root", "materials"), binds=head.get("binds", "contract"),
            family=tuple(head.get("family", [d["id"]])), rolling=head.get("rolling", False), tdm=head.get("tdm", False),
            restricts=tuple(head.get("restricts", [])), includes=tuple(d.get("includes", [])),
            needs_grant=tuple(head.get("needs-grant", [])), roles=self._roles(base),
            rules=self._named_rules(self._rules(base)), outbound=self._outbound(base),
        )

    def cases(self) -> tuple[Case, ...]:
        rows = enumerate(self.source.data.get("case", []))
        return tuple(self._case(n, one) for n, c in rows for one in _each(c))

    def _one_of(self, word: str, known: Iterable[str], key: str, table: str = "", n: int = 0) -> str:
        if word not in known:
            raise self.source.refuse(f"unknown {key}", known, word, table, n, key)
        return word

    def _rules(self, base: Law | None) -> tuple[Rule, ...]:
        own = {r.id: r for r in (self._rule(n, r) for n, r in enumerate(self.source.data.get("rule", [])))}
        if base is None:
            return tuple(own.values())
        drop = set(self.source.data.get("drop", []))
        for id in drop - {r.id for r in base.rules}:
            raise self.source.refuse("no such rule to drop", [r.id for r in base.rules], id, key="drop")
        kept = {r.id: r for r in base.rules if r.id not in drop}
        return tuple({**kept, **own}.values())

    def _named_rules(self, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        """The rules, if every `unless = { rule = ... }` names one of them."""
        known = [r.id for r in rules]
        for r in rules:
            for name in (n for ands in r.unless for t in ands if t.key == "rule" for n in t.value):
                if name not in known:
                    raise self.source.refuse("no such rule:", known, name, key="unless")
        return rules

    def _rule(self, n: int, r: dict[str, Any]) -> Rule:
        s = self.source
        known_keys(s, r, RULE_KEYS, "rule", n)
        for key in ("id", "at", "says", "do"):
            if key not in r:
                raise LawError(s.file, s.line("rule", n), f"a rule needs {key!r}")
        self._one_of(r["says"], words.SAYS, "says", "rule", n)
        do = expand_acts(s, r["do"], "rule", n, frozenset(w for w, d in self.words.items() if d.used_as == "acts"))
        on = tuple(self._role(x, "rule", n, "on") for x in _listed(r.get("on", words.DEFAULT_ON)))
        return Rule(
            r["id"], str(r["at"]), r["says"], do, on, self._targets(n, _listed(r.get("to", []))),
            self._condition(n, r.get("when"), "when"), self._condition(n, r.get("unless"), "unless"),
            r.get("gist", ""), self._check(n, r.get("check", {})), bool(r.get("standing", False)),
            bool(r.get("contained", True)), r.get("whose", "any"), r.get("duty-of", ""),
            r.get("ends", "everything" if r["says"] == "ends" else ""), _iso(r.get("since")), _iso(r.get("until")),
        )

    def _role(self, role: str, table: str, n: int, key: str) -> str:
        self._one_of(role.partition("/")[0], words.ROLES, key, table, n)
        return role

    def _targets(self, n: int, targets: tuple[str, ...]) -> tuple[str, ...]:
        known = {*words.TARGETS, *words.KINDS, "any", *(w for w, d in self.words.items() if d.used_as == "targets")}
        return tuple(self._one_of(t, known, "to", "rule", n) for t in targets)

    def _check(self, n: int, check: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        for key in check:
            self._one_of(key, words.CHECKS, "check", "rule", n)
        return tuple((k, tuple(v) if isinstance(v, list) else v) for k, v in check.items())

    def _condition(self, n: int, value: Any, key: str) -> Condition:
        tables = value if isinstance(value, list) else [value] if value else []
        return tuple(tuple(self._test(n, k, v, key) for k, v in t.items()) for t in tables)

    def _test(self, n: int, name: str, value: Any, key: str) -> Test:
        known = {*words.FACTS, *self.words, *(("made-from", "rule") if key == "unless" else ())}
        self._one_of(name, known, key, "rule", n)
        if isinstance(value, dict):
            ((op, number),) = value.items()
            self._one_of(op, ("over", "at_most", "under", "at_least"), key, "rule", n)
            return Test(name, op, number)
        values = tuple(_listed(value))
        for v in values if name in self.words else ():
            self._one_of(v, self.words[name].ids(), key, "rule", n)
        for v in values if name == "purpose" else ():
            self._one_of(v, words.PURPOSES, key, "rule", n)
        return Test(name, "in", values)

    def _roles(self, base: Law | None) -> dict[str, dict[str, Cell]]:
        table = {role: dict(row) for role, row in base.roles.items()} if base else {}
        for name, cell in self.source.data.get("roles", {}).items():
            role, _, act = name.partition(" ")
            self._role(role, "roles", 0, name)
            self._one_of(act, words.ACTS, name, "roles")
            table.setdefault(role, {})[act] = self._cell(name, cell)
        return table

    def _cell(self, name: str, cell: Any) -> Cell:
        if isinstance(cell, dict) and cell["if"]:
            ((word, readings),) = cell["if"].items()
            self._one_of(word, self.words, name, "roles")
            for r in _listed(readings):
                self._one_of(r, self.words[word].ids(), name, "roles")
        return cell_of(cell)

    def _outbound(self, base: Law | None) -> tuple[Demand, ...]:
        if "outbound" not in self.source.data:
            return base.outbound if base else ()
        return tuple(self._demand(n, d) for n, d in enumerate(self.source.data["outbound"]))

    def _demand(self, n: int, d: dict[str, Any]) -> Demand:
        known_keys(self.source, d, OUTBOUND_KEYS, "outbound", n)
        on = tuple(self._role(x, "outbound", n, "on") for x in d["on"])
        want = d["demand"]
        demand = Demand(on, "any", str(d.get("at", "")), alone=str(d.get("alone", "")))
        if isinstance(want, str):
            return demand._replace(want=self._one_of(want, ("any", "keep"), "demand", "outbound", n))
        if "asks" in want:
            return demand._replace(want="asks", asks=want["asks"])
        if "sole" in want:
            return demand._replace(want="sole", sole=tuple(want["sole"]), sole_with=tuple(want.get("sole-with", ())))
        ((word, readings),) = want["if"].items()
        self._one_of(word, self.words, "demand", "outbound", n)
        then = want["then"]
        plain = self._demand(n, {**d, "demand": then})
        return plain._replace(word=word, readings=tuple(_listed(readings)), other=want["else"])

    def _case(self, n: int, c: dict[str, Any]) -> Case:
        known_keys(self.source, c, CASE_KEYS, "case", n)
        self._one_of(c["answer"], (*words.VERDICTS, "error"), "answer", "case", n)
        return Case(c["ask"], c["answer"], tuple(c.get("by", [])), tuple(c.get("duties", [])),
                    tuple(c.get("not-owed", [])), tuple(c.get("doubts", [])), bool(c.get("only-duties", False)),
                    bool(c.get("no-doubts", False)), c.get("why", ""), tuple(c.get("standing", [])))


def _each(case: dict[str, Any]) -> list[dict[str, Any]]:
    """A case that is asked once for each value of `each`, where its question has {}."""
    values = case.get("each")
    return [{**case, "ask": str(case["ask"]).replace("{}", str(v))} for v in values] if values else [case]


def expand_acts(source: Source, do: Any, table: str, n: int, as_words: frozenset[str]) -> tuple[str, ...]:
    """Acts with groups written out; disputed words that read as acts stay as they are."""
    out: list[str] = []
    for item in _listed(do):
        if item in words.GROUPS:
            out += sorted(words.GROUPS[item])
        elif item in words.ACTS or item in as_words:
            out.append(item)
        else:
            raise source.refuse("unknown act", [*words.ACTS, *words.GROUPS, *as_words], item, table, n, "do")
    return tuple(dict.fromkeys(out))


def cell_of(cell: Any) -> Cell:
    """A cell of a role table as written ("role", "" or {if, then, else, same-party})."""
    if isinstance(cell, str):
        return Cell(cell)
    ((word, readings),) = cell["if"].items()
    return Cell(cell["then"], word, tuple(_listed(readings)), cell["else"], bool(cell.get("same-party", False)))


def _inherited(base: Law) -> dict[str, Any]:
    return {"root": base.root, "binds": base.binds, "rolling": base.rolling, "tdm": base.tdm,
            "restricts": base.restricts, "needs-grant": base.needs_grant}


def _headline(base: Law) -> dict[str, Any]:
    """What one's own version of a licence keeps of it, besides what every sibling does."""
    return {"name": base.name, "spdx": base.spdx, "publisher": base.publisher, "since": base.since,
            "source": base.source, "family": base.family, "includes": base.includes, "weak": base.weak}


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value or "")
