"""Duties and how they are met: by files that lie beside the asset, lines on its card, its name, its label.

States: met, unmet, contradicted (the plan itself says otherwise), not checkable (nothing there to look at).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from caveat.law.rule import Rule
from caveat.lineage.claims import FileClaim
from caveat.verdict.event import Event

Look = Callable[[Any, Event, Sequence[FileClaim], str], tuple[str, str]]  # -> state, how in words


def state_of(rule: Rule, event: Event, files: Sequence[FileClaim] | None, law: str) -> tuple[str, str]:
    """The state of a duty and what would meet it. `files` is None where nothing lies on disk (a question)."""
    results = [LOOKS[key](value, event, files, law) if key in ("name-prefix", "name-contains", "licence")
               else _on_disk(key, value, event, files, law) for key, value in rule.check]
    if not results:
        return "not checkable", ""
    worst = min(results, key=lambda r: ("contradicted", "unmet", "not checkable", "met").index(r[0]))
    return worst


def _on_disk(key: str, value: Any, event: Event, files: Sequence[FileClaim] | None, law: str) -> tuple[str, str]:
    met, how = LOOKS[key](value, event, files or (), law)
    return ("not checkable" if files is None else met, how)


def _name_prefix(value: str, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    how = f'a name that begins with "{value}"'
    if not event.named:
        return "not checkable", how
    return ("met", how) if begins(event.named, value) else ("contradicted", f'"{event.named}" is not {how}')


def _name_contains(value: str, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    how = f'a name that contains "{value}"'
    if not event.named:
        return "not checkable", how
    return ("met", how) if plain(value) in plain(event.named) else ("contradicted", f'"{event.named}" is not {how}')


def _file(value: str, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    wanted = FILES.get(value, (value,))
    met = any(f.what in wanted and (f.what not in ("licence-file", "policy-file") or f.value == law) for f in files)
    return ("met" if met else "unmet"), f"a file beside it: {value} of {law}"


def _notice(value: Iterable[str], event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    there = {f.value.partition(":")[2] or f.value for f in files
             if f.what == "notice-file" and f.value.partition(":")[0] in (law, f.value)}
    missing = [part for part in value if part not in there]
    how = f"a notice file with {', '.join(value)}" + (f" (missing: {', '.join(missing)})" if there else "")
    return ("unmet" if missing else "met"), how


def _card(value: Any, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    fields = (value,) if isinstance(value, str) else tuple(value)
    met = all(any(f.what == "card-field" and f.value == v for f in files) for v in fields)
    return ("met" if met else "unmet"), f"the card says: {', '.join(fields)}"


def _line(value: Any, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    lines = (value,) if isinstance(value, str) else tuple(value)
    met = any(f.what == "card-line" and plain(v) in plain(f.value) for v in lines for f in files)
    return ("met" if met else "unmet"), f'a line on the card: "{" or ".join(lines)}"'


def _terms(value: str, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    met = any(f.what in ("policy-file", "licence-file") and f.value in (value, law) for f in files)
    return ("met" if met else "unmet"), f"the limits of {value} in the terms you offer"


def _licence(value: Any, event: Event, files: Sequence[FileClaim], law: str) -> tuple[str, str]:
    allowed = (value,) if isinstance(value, str) else tuple(value)
    how = f"the declared licence is {' or '.join(allowed)}"
    if not event.offered:
        return "not checkable", how
    return ("met" if set(allowed) & set(event.offered) else "contradicted"), how


FILES: dict[str, tuple[str, ...]] = {
    "agreement": ("licence-file",), "licence": ("licence-file",), "notice": ("notice-file",),
    "policy": ("policy-file", "licence-file"), "source": ("source",),
}
LOOKS: dict[str, Any] = {
    "file": _file, "notice": _notice, "name-prefix": _name_prefix, "name-contains": _name_contains, "card": _card,
    "line": _line, "terms": _terms, "licence": _licence,
}


def plain(text: str) -> str:
    """Letters and digits only, lower case: names differ in hyphens and spaces."""
    return "".join(c for c in text.lower() if c.isalnum() or c == ".")


def begins(name: str, prefix: str) -> bool:
    """Whether a name begins with a word, owner prefix and separators aside."""
    return plain(name.rpartition("/")[2]).startswith(plain(prefix))


def prefix_of(rule: Rule) -> str:
    """The word a name must begin with, or ""."""
    return next((str(v) for k, v in rule.check if k == "name-prefix"), "")


def clash(a: str, b: str) -> bool:
    """Two words that cannot both stand first."""
    return not (plain(a).startswith(plain(b)) or plain(b).startswith(plain(a)))
