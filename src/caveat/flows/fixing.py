"""`caveat fix`, and the `fix` lines of every answer: the smallest changes that make a plan acceptable.

Imported only where a verdict is bad, so that good news costs nothing; what may stand in for a generator is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache

from caveat.evidence.imagine import YOU
from caveat.evidence.services import dated
from caveat.flows.asking import books, names
from caveat.law.shelf import Shelf, shelf
from caveat.law.words import VERDICTS
from caveat.lineage import graph
from caveat.verdict.answer import Finding
from caveat.verdict.change import Plan, Setting
from caveat.verdict.decide import Asked, Decision
from caveat.verdict.remedy import remedies, with_fixes

#: Well-known writers whose terms let others learn from what they wrote; the engine decides whether they do.
SUBSTITUTES = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "meta-llama/Llama-3.1-70B-Instruct")


def fixed_answer(lineage: graph.Lineage, asked: Asked, decision: Decision) -> Decision:
    """The decision of one question with `fixes` on its refusing findings."""
    setting = Setting(books(shelf()), frozenset({asked.actor}), YOU, substitutes(asked.today))
    told = remedies(Plan(lineage, (asked,)), [decision], setting)
    return with_fixes([decision], told, setting)[0]


def fixed_report(lineage: graph.Lineage, judged: Sequence[tuple[Asked, Decision]], you: str, ours: tuple[str, ...],
                 counts: Callable[[Finding], bool]) -> list[Decision]:
    """The decisions of one report with `fixes` on the refusing findings that count; the verdict folds them all."""
    asks, decisions = [a for a, _ in judged], [d for _, d in judged]
    setting = Setting(books(shelf()), frozenset(ours), you, substitutes(asks[0].today), True,
                      lambda after: worst(f.verdict for d in after for f in d.findings if counts(f)), counts)
    told = remedies(Plan(lineage, tuple(asks)), decisions, setting)
    return with_fixes(decisions, told, setting)


def worst(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=VERDICTS.index, default="permitted")


def substitutes(today: str) -> tuple[tuple[str, graph.Lineage], ...]:
    """Each substitute that the catalogue knows, with everything behind it, as of the day and the law in force."""
    return _substitutes(shelf(), today)


@lru_cache(maxsize=8)
def _substitutes(law: Shelf, today: str) -> tuple[tuple[str, graph.Lineage], ...]:
    book, day = names(), date.fromisoformat(today)
    claims = ((name, dated(book.claims(name, day), book.is_service, name)) for name in SUBSTITUTES)
    return tuple((name, graph.of(told)) for name, told in claims if told)
