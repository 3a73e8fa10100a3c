"""A purpose in plain words becomes a question about rows that the asker is going to generate.

    "train mistral-7b"      generate with the model, then train mistral-7b on the rows
    "sell it"               generate with the model, then sell the rows
    "publish as mit"        generate with the model, then publish the rows as mit
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from caveat.errors import QuestionError, SettingsError
from caveat.evidence.names import NameBook
from caveat.evidence.sentence import Plan, Question, Thing, read
from caveat.evidence.two_place import TWO_PLACE
from caveat.lineage.claims import Claim
from caveat.runtime.origin import Origin

LONGEST = 500
IT = Thing("it", 0)
TEACHING = frozenset({"train", "finetune", "fine-tune", "pretrain", "align", "adapt"})


class OriginBook(NamedTuple):
    """Names as the book knows them, and one more: the model that generates, known from its file."""

    book: NameBook
    name: str
    told: tuple[Claim, ...]
    service: bool

    def resolve(self, name: str) -> str | None:
        return self.name if name == self.name else self.book.resolve(name)

    def claims(self, id: str, day: date | None) -> tuple[Claim, ...]:
        return self.told if id == self.name else self.book.claims(id, day)

    def is_service(self, id: str) -> bool:
        return self.service if id == self.name else self.book.is_service(id)

    def not_held(self, id: str, day: date) -> tuple[str, ...] | None:
        return self.book.not_held(id, day)

    def nearest(self, name: str) -> list[str]:
        return self.book.nearest(name)

    def readings(self, word: str) -> tuple[str, ...]:
        return self.book.readings(word)

    def words(self) -> list[str]:
        return self.book.words()

    def law_or_family(self, name: str) -> str | None:
        return self.book.law_or_family(name)

    def law_names(self) -> list[str]:
        return self.book.law_names()


def question_of(origin: Origin, purpose: str, book: NameBook, told: Iterable[Claim]) -> tuple[Question, OriginBook]:
    """The question, and names that know the origin. Raises SettingsError for a purpose that is not understood."""
    if not purpose.strip() or len(purpose) > LONGEST:
        raise SettingsError(f"--purpose wants some words ('train mistral-7b', 'sell it'), at most {LONGEST} letters")
    try:
        said = read(_completed(purpose), book.licence, book.licence_words, book.known)
    except QuestionError as fault:
        raise SettingsError(f"--purpose {purpose!r}: {fault}") from None
    plans = tuple(map(_with_rows, said.plans[:1])) + said.plans[1:]
    if not any(map(_of_rows, plans)):
        raise SettingsError(f"--purpose {purpose!r} does nothing with what is generated: say 'train mistral-7b', "
                            "'sell it', 'publish as mit'")
    writing = Plan("generate", "generate", 0, (), (("with", (Thing("name", 0, origin.name),)),))
    asked = Question(said.text, (writing, *plans), said.facts)
    return asked, OriginBook(book, origin.name, tuple(told), origin.kind == "service")


def _completed(purpose: str) -> str:
    """An act alone is done to the rows: "sell" is "sell it", "publish as mit" is "publish it as mit"."""
    words = purpose.strip().rstrip("?.!").split()
    if words[1:] == [] and words[0].lower() in TEACHING:
        return f"{words[0]} my-model on it"
    if len(words) == 1 or words[1].lower() in ("as", "where", "and", "then", "under", "commercially", "internally"):
        return " ".join([words[0], "it", *words[1:]])
    return " ".join(words)


def _with_rows(plan: Plan) -> Plan:
    """"train mistral-7b" says of itself on what: the rows."""
    if TWO_PLACE[plan.act].model_first and not plan.preps and plan.things and plan.things[0].how != "it":
        return plan._replace(preps=(("on", (IT,)),))
    return plan


def _of_rows(plan: Plan) -> bool:
    return any(_is_rows(t) for t in (*plan.things, *(t for _, ts in plan.preps for t in ts)))


def _is_rows(thing: Thing) -> bool:
    return thing.how == "it" or any(map(_is_rows, (*thing.inner, *thing.on)))
