"""Law as plain lists and back: the compiled shelf is JSON, and JSON knows neither tuples nor names.

Each value type of `rule.py` is written as a list of its fields with trailing defaults cut off.
"""

from __future__ import annotations

from typing import Any

from caveat.law.rule import Cell, Demand, Law, Reading, Rule, Test, Word


def cut(value: tuple[Any, ...]) -> list[Any]:
    """A named tuple as a list without its trailing default fields."""
    defaults: dict[str, Any] = getattr(value, "_field_defaults", {})
    items = list(value)
    for field in reversed(value._fields):  # type: ignore[attr-defined]
        if field not in defaults or items[-1] != defaults[field]:
            break
        items.pop()
    return items


def law_to_plain(law: Law) -> list[Any]:
    roles = {role: {act: cut(cell) for act, cell in row.items()} for role, row in law.roles.items()}
    plain = law._replace(roles=roles, rules=[cut(r) for r in law.rules],  # type: ignore[arg-type]
                         outbound=[cut(d) for d in law.outbound])  # type: ignore[arg-type]
    return list(plain)[:-1]  # whose it is (`own`) is known by the shelf it lies on


def law_from_plain(plain: list[Any]) -> Law:
    *head, roles, rules, outbound = plain
    family, rolling, tdm, restricts, includes, needs = head[12:]
    id, name, spdx, publisher, since, source, checked, against, sha256, weak, root, binds = head[:12]
    return Law(
        id, name, spdx, publisher, since, source, checked, against, sha256, weak, root, binds, tuple(family),
        rolling, tdm, tuple(restricts), tuple(includes), tuple(needs),
        {role: {act: _cell(c) for act, c in row.items()} for role, row in roles.items()},
        tuple(_rule(r) for r in rules), tuple(_demand(d) for d in outbound),
    )


def word_to_plain(word: Word) -> list[Any]:
    return list(word._replace(readings=[cut(r) for r in word.readings]))  # type: ignore[arg-type]


def word_from_plain(plain: list[Any]) -> Word:
    word, ask, used_as, readings, presumed = plain
    return Word(word, ask, used_as, tuple(_reading(r) for r in readings), presumed)


def _cell(p: list[Any]) -> Cell:
    fields: Any = [_tupled(x) for x in p]
    return Cell(*fields)


def _rule(p: list[Any]) -> Rule:
    id, at, says, do, on, *rest = p
    rule = Rule(id, at, says, tuple(do), tuple(on), *rest)
    return rule._replace(to=tuple(rule.to), when=_condition(rule.when), unless=_condition(rule.unless),
                         check=tuple((k, _tupled(v)) for k, v in rule.check))


def _condition(p: Any) -> tuple[tuple[Test, ...], ...]:
    return tuple(tuple(Test(k, op, _tupled(v)) for k, op, v in ands) for ands in p)


def _demand(p: list[Any]) -> Demand:
    fields: Any = [_tupled(x) for x in p]
    return Demand(*fields)


def _reading(p: list[Any]) -> Reading:
    fields: Any = [_tupled(x) for x in p]
    r = Reading(*fields)
    return r._replace(also=tuple((a, b) for a, b in r.also))


def _tupled(v: Any) -> Any:
    return tuple(v) if isinstance(v, list) else v
