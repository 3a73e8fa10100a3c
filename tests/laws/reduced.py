"""A failing question made small, and shown in a few lines; Hypothesis cannot do it for draws that grow from a seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from spec import verdict_spec as spec

from caveat.law.rule import Law
from caveat.law.words import ROLES
from caveat.lineage.graph import Asset, Lineage

from .drawn import ALL


def least(q: spec.Question, fails: Callable[[spec.Question], object]) -> spec.Question:
    """The smallest question found that still fails."""
    while True:
        for less in smaller(q):
            if _fails(fails, less):
                q = less
                break
        else:
            return q


def _fails(fails: Callable[[spec.Question], object], q: spec.Question) -> bool:
    try:
        return bool(fails(q))
    except (KeyError, IndexError, StopIteration, RecursionError):
        return False


def smaller(q: spec.Question) -> Iterator[spec.Question]:
    """Everything that can be taken away in one step, the biggest things first."""
    yield from (q._replace(uses=(*q.uses[:n], *q.uses[n + 1:])) for n in range(len(q.uses)))
    yield from (q._replace(facts={k: v for k, v in q.facts.items() if k != gone}) for gone in q.facts)
    for id, asset in q.lineage.assets.items():
        others = {k: v for k, v in q.lineage.assets.items() if k != id}
        yield q._replace(lineage=Lineage(others))
        for less in (*(asset._replace(edges=(*asset.edges[:n], *asset.edges[n + 1:])) for n in range(len(asset.edges))),
                     *(changed(asset, k, v) for k, v in Asset._field_defaults.items()
                       if getattr(asset, k) != v and k not in ("edges", "kind", "maker"))):
            yield q._replace(lineage=Lineage({k: less if k == id else v for k, v in q.lineage.assets.items()}))
    for id, law in q.laws.items():
        if law.name != "unknown":
            yield from (q._replace(laws={**q.laws, id: less}) for less in _less_law(law))


def _less_law(law: Law) -> Iterator[Law]:
    for part in ("rules", "outbound"):
        items = getattr(law, part)
        for n, item in enumerate(items):
            yield changed(law, part, (*items[:n], *items[n + 1:]))
            for k, v in item._field_defaults.items():
                if getattr(item, k) != v and k != "ends":
                    yield changed(law, part, (*items[:n], changed(item, k, v), *items[n + 1:]))
    for role in law.roles:
        yield law._replace(roles={k: v for k, v in law.roles.items() if k != role})


def changed(value: Any, field: str, to: Any) -> Any:
    return value._replace(**{field: to})


def shown(q: spec.Question) -> str:
    """A question in a few lines, for those who read a failure."""
    lines = [f"uses {[tuple(u) for u in q.uses]} facts {dict(q.facts)} readings {dict(q.readings)} "
             f"presume {q.presume} tell_later {q.tell_later}"]
    for a in q.lineage.assets.values():
        lines.append(f"  {a.id} {a.kind} {a.target} {a.family} {a.parameters or ''} by {a.maker} own={a.own} "
                     f"under {a.laws()} contents={a.contents} name={a.name} <- "
                     f"{[(e.act, e.parent, e.by, e.when) for e in a.edges]}")
    for law in q.laws.values():
        if law.name != "unknown":
            lines.append(f"  {law.id}: root {law.root} binds {law.binds} family {law.family} tdm {law.tdm} "
                         f"restricts {law.restricts} needs {law.needs_grant}")
            lines += [f"    {role} {act} = {tuple(c)}" for role, row in law.roles.items() for act, c in row.items()]
            lines += [f"    {_told(r)}" for r in (*law.rules, *law.outbound)]
    return "\n".join(lines)


def _told(value: Any) -> str:
    """Only what differs from the default."""
    told = {k: v for k, v in value._asdict().items() if v != value._field_defaults.get(k, "")}
    return " ".join(f"{k}={'all' if v in (ALL, tuple(ROLES)) else v}" for k, v in told.items())
