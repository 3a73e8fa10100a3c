"""How long ago the law under an answer was read: terms change, and an old table must not pass for today's.

A law file that was checked too long ago, or never, is a problem told in the answer; `--fail-on stale` makes it count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import TypeVar

from caveat.lineage.claims import Problem
from caveat.verdict.answer import LawUsed, Report, Verdict

T = TypeVar("T", Verdict, Report)


def stale(law: Iterable[LawUsed], days: int, today: str = "") -> tuple[LawUsed, ...]:
    """The law files checked more than `days` days before `today` (ISO), or never against any text."""
    first = (date.fromisoformat(today or date.today().isoformat()) - timedelta(days)).isoformat()
    return tuple(u for u in law if u.checked < first and u.licence not in ("unknown", "web"))


def dated(answer: T, days: int | None, today: str = "") -> T:
    """The answer with a problem for each stale law file; unchanged where no age was asked for."""
    late: tuple[LawUsed, ...] = () if days is None else stale(answer.law, days, today)
    if not late:
        return answer
    problems: tuple[Problem, ...] = (*answer.problems, *(_problem(u, days) for u in late))
    return answer._replace(problems=problems)


def _problem(u: LawUsed, days: int | None) -> Problem:
    when = f"was checked on {u.checked}, more than {days} days ago" if u.checked else "was never checked against a text"
    return Problem(f"law file {u.licence}", f"{u.name} {when}", None, "judged by it all the same; read its text again")
