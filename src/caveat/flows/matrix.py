"""`caveat compare`: licences side by side by what they let you do, differences first; few in words, many as signs.

Both ask the same effects. A matrix is cut into blocks of as many licences as a terminal's width holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from caveat.errors import SettingsError, nearest
from caveat.flows.effects import Effect, asked, effects_of, in_short, in_words
from caveat.flows.explaining import condition_words
from caveat.law.rule import Law, Rule
from caveat.law.shelf import shelf
from caveat.report.words import SIGNS
from caveat.verdict.answer import Verdict
from caveat.verdict.document import Document, Part, heading, table, text

#: Cells of one column of a matrix, and of the column that names the act.
COLUMN, FIRST = 18, 22
MOST = 40  # licences in one matrix


class Row(NamedTuple):
    """One effect, asked under each licence."""

    effect: Effect
    answers: tuple[Verdict | None, ...]

    def words(self) -> tuple[str, ...]:
        return tuple(in_words(a) for a in self.answers)

    def signs(self) -> tuple[str, ...]:
        return tuple(in_short(a) for a in self.answers)

    def differs(self) -> bool:
        """Whether the licences do not all say the same of it: verdict, doubts and, by number, what is owed."""
        return len(set(self.words())) > 1


def compare(*licences: str) -> Document:
    """Licences side by side, by effect: differences first. Raises SettingsError for a licence nobody knows."""
    laws = [known(name) for name in licences]
    rows = _rows(laws)
    apart, same = [r for r in rows if r.differs()], [r for r in rows if not r.differs()]
    verdicts = [r for r in apart if len({_verdict(a) for a in r.answers}) > 1]
    owed = [r for r in apart if r not in verdicts]
    head = ("you", *(law.id for law in laws))
    parts = [*_block("Where they differ", head, verdicts),
             *_block("Where the verdict is the same, by other clauses or with other duties", head, owed)]
    parts = parts or [text("No difference in what they let you do, among the acts compared.")]
    if same:
        parts += [heading("Where they agree"), table(("you", "all"), [(r.effect.label, r.words()[0]) for r in same])]
    changed = _clauses(laws) if len(laws) == 2 else []
    parts += [heading("Clauses that differ"), table(("clause", "rule", "change"), changed)] if changed else []
    data = {"licences": [law.id for law in laws], "effects": [_data(r, laws) for r in (*verdicts, *owed, *same)],
            "clauses": [{"clause": c, "rule": r, "change": x} for c, r, x in changed]}
    return Document(" against ".join(law.id for law in laws), tuple(parts), data)


def matrix(*licences: str, width: int = 80) -> Document:
    """Acts by licences in short cells. `width` in terminal cells, 0 for one block. Raises SettingsError."""
    laws = [known(name) for name in dict.fromkeys(licences)]
    if len(laws) > MOST:
        raise SettingsError(f"a matrix holds {MOST} licences at most, not {len(laws)}")
    rows = sorted(_rows(laws), key=lambda r: not r.differs())
    at_once = max((width - FIRST) // (COLUMN + 2), 1) if width else len(laws)
    blocks: list[Part] = []
    for n in range(0, len(laws), at_once):
        head = ("you", *(law.id for law in laws[n:n + at_once]))
        cells = [(r.effect.short or r.effect.label, *r.signs()[n:n + at_once]) for r in rows]
        blocks += [*([heading(", ".join(head[1:]))] if len(laws) > at_once else []), table(head, cells)]
    parts = (*blocks, text(_legend()), text("Rows in which the licences differ come first."))
    data = {"licences": [law.id for law in laws], "effects": [_data(r, laws) for r in rows]}
    return Document(f"{len(laws)} licences by what they let you do", parts, data)


def _legend() -> str:
    signs = ", ".join(f"{sign} {verdict}" for verdict, sign in SIGNS.items())
    return (f"{signs}. Numbers are clauses: what is owed, or what refuses; a ? after one: owed in one reading. "
            "Words are what it depends on.")


def known(name: str) -> Law:
    """The law of a word for a licence. Raises SettingsError with the nearest known words."""
    law = shelf()
    id = law.resolve(name)
    if id is None:
        raise SettingsError(f"no licence is known as {name!r}", nearest(name.lower(), law.names()))
    return law.law(id)


def _rows(laws: Sequence[Law]) -> list[Row]:
    return [Row(e, tuple(asked(e, law.id) for law in laws)) for e in effects_of(laws)]


def _verdict(answer: Verdict | None) -> str:
    return answer.verdict if answer else ""


def _block(title: str, head: tuple[str, ...], rows: Sequence[Row]) -> list[Part]:
    return [heading(title), table(head, [(r.effect.label, *r.words()) for r in rows])] if rows else []


def _data(row: Row, laws: Sequence[Law]) -> dict[str, Any]:
    ids = [law.id for law in laws]
    return {"effect": row.effect.label, "outcomes": dict(zip(ids, row.words())), "short": dict(zip(ids, row.signs())),
            "verdicts": dict(zip(ids, map(_verdict, row.answers))), "differs": row.differs()}


def _clauses(laws: Sequence[Law]) -> list[tuple[str, str, str]]:
    """Rules of the same name that say something else, and rules that only one of two has; for versions of one text."""
    old, new = ({r.id: r for r in law.rules} for law in laws)
    shared = [(old[id], new[id]) for id in old if id in new]
    if len(shared) * 2 < min(len(old), len(new)):
        return []  # strangers to each other: names that happen to agree say nothing
    gone = [(r.at, r.id, f"only in {laws[0].id}: {r.gist}") for id, r in old.items() if id not in new]
    come = [(r.at, r.id, f"only in {laws[1].id}: {r.gist}") for id, r in new.items() if id not in old]
    moved = [(f"{a.at} -> {b.at}" if a.at != b.at else a.at, a.id, said) for a, b in shared if (said := _changed(a, b))]
    return [*moved, *gone, *come]


def _changed(a: Rule, b: Rule) -> str:
    """What changed between two rules of one name, in words; "" if nothing that counts."""
    return "; ".join(_moved(name, x, y) for name, x, y in _sides(a, b) if x != y)


def _sides(a: Rule, b: Rule) -> Iterable[tuple[str, Any, Any]]:
    yield "says", a.says, b.says
    for name in ("do", "on", "to"):
        yield name, set(getattr(a, name)), set(getattr(b, name))
    yield "when", condition_words(a.when), condition_words(b.when)
    yield "unless", condition_words(a.unless), condition_words(b.unless)
    yield "owed by", a.duty_of or "all", b.duty_of or "all"


def _moved(name: str, x: Any, y: Any) -> str:
    if isinstance(x, set):
        signed = [*(f"+{v}" for v in sorted(y - x)), *(f"-{v}" for v in sorted(x - y))]
        return f"{name} {' '.join(signed)}"
    return f"{name} {x or 'nothing'} -> {y or 'nothing'}"
