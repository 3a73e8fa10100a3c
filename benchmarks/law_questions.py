"""Questions about one licence, to find out whether a change in its law file can be seen at all.

The cases inside the law files are what must notice a change; these many questions only tell which changes anybody
could notice: a clause that no question tells from its absence is counted apart, and said to be.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caveat.errors import CaveatError
from caveat.evidence.imagine import YOU, imagine
from caveat.evidence.sentence import read
from caveat.flows import asking
from caveat.flows.effects import PUT_ON, sort_of
from caveat.law.rule import Law, Rule, Test
from caveat.law.shelf import Shelf, shelf
from caveat.law.words import ACTS, CONTAINED_IN
from caveat.lineage import graph
from caveat.lineage.graph import Lineage
from caveat.verdict.decide import Asked, Decision, decide

DAY = "2026-11-24"  # questions of one day: law files have dates in them

#: {x} a model under the licence, {law} its id.
MODEL = """
run {x}
copy {x}
evaluate {x}
run quantized {x}
copy quantized {x}
evaluate quantized {x}
convert {x}
quantize {x}
finetune {x} on my-notes
adapt {x} on my-notes
merge {x} and acme/other-7b under apache-2.0
prune {x}
convert {x} and ship it
quantize {x} and ship it
finetune {x} on my-notes and ship it
adapt {x} on my-notes and ship it
merge {x} and acme/other-7b under apache-2.0 and ship it
prune {x} and ship it
finetune quantized {x} on my-notes
quantize finetuned {x}
merge finetuned {x} and acme/other-7b under apache-2.0
prune quantized {x}
adapt quantized {x} on my-notes
convert quantized {x}
filter {x}
mix {x} and acme/other-data under apache-2.0
ship {x}
sell {x}
serve {x}
serve quantized {x}
sell quantized {x}
copy quantized {x} and sell it
bundle {x} into my-app
bundle {x} into my-app and ship it
bundle {x} into my-app and sell it
bundle {x} into my-app and serve it
bundle quantized {x} into my-app and ship it
bundle quantized {x} into my-app
bundle {x} into my-app and run it
bundle {x} into my-app and copy it
bundle {x} into my-app and evaluate it
serve {x} then run it
serve {x} and sell it
serve {x} and ship it
bundle {x} into my-app and bundle it into my-suite
serve {x} and bundle it into my-app
ship output of {x}
sell output of {x}
copy output of {x}
filter output of {x}
mix output of {x} and acme/other-data under apache-2.0
ship output of quantized {x}
retrieve over output of {x} with my-lm
bundle output of {x} into my-app and ship it
convert output of {x}
train my-lm on output of {x}
train my-lm on output of {x} and ship it
train my-lm on output of {x} and sell it
train my-lm on output of {x} and serve it
train my-lm on output of {x} and bundle it into my-app and ship it
train my-lm on output of {x} and run it
train my-lm on output of {x} and quantize it and ship it
train my-lm on output of {x} and finetune it on my-notes and ship it
train my-lm on output of {x} and merge it and acme/other-7b under apache-2.0 and ship it
train my-lm on output of quantized {x}
train my-lm on output of {x} then train my-two on output of it
train my-lm on output of {x} then train my-two on output of it and ship it
train my-lm on output of {x} and evaluate it
train my-lm on output of {x} and copy it
train my-lm on output of {x} and prune it
train my-lm on output of {x} and adapt it on my-notes
train my-lm on output of {x} and convert it
train my-lm on output of {x} then distil it into my-two
train my-lm on output of {x} then annotate my-data with it
train my-lm on output of {x} then ship output of it
train mistral-7b on output of {x} and ship it
train my-lm on found output of {x}
train my-lm on found output of {x} and ship it
ship found output of {x}
sell found output of {x}
annotate my-data with {x}
annotate my-data with {x} and ship it
annotate my-data with {x} and sell it
annotate my-data with {x} then train my-lm on it
annotate my-data with {x} then train my-lm on it and ship it
annotate my-data with quantized {x} then train my-lm on it
annotate my-data with {x} and copy it
annotate my-data with {x} and filter it
annotate my-data with {x} and mix it and acme/other-data under apache-2.0
filter my-data with {x} and ship it
annotate my-data with {x} and convert it and ship it
annotate my-data with {x} and retrieve over it with my-lm
distil {x} into my-lm
distil {x} into my-lm and ship it
distil {x} into my-lm and sell it
distil {x} into my-lm and serve it
distil quantized {x} into my-lm
distil quantized {x} into my-lm and ship it
train my-classifier on output of {x} where target = classifier
train my-lm on output of {x} where target = embedding
distil {x} into my-classifier where target = classifier
train my-lm on output of {x} where target = reward-model
train my-img on output of {x} where target = image-model
ship quantized {x} as {law}
ship {x} as {law}
ship {x} as mit
ship {x} as gpl-3.0
ship {x} as agpl-3.0
ship {x} as cc-by-nc-4.0
ship {x} as cc-by-sa-4.0
ship {x} as {law} + apache-2.0
ship quantized {x} as apache-2.0
ship quantized {x} as mit
ship quantized {x} as gpl-3.0
ship quantized {x} as agpl-3.0
ship quantized {x} as cc-by-nc-4.0
ship quantized {x} as cc-by-sa-4.0
ship quantized {x} as odbl-1.0
ship quantized {x} as {law} + apache-2.0
ship quantized {x} as {law} + gpl-3.0
finetune {x} on my-notes and ship it as {law}
finetune {x} on my-notes and ship it as apache-2.0
finetune {x} on my-notes and ship it as gpl-3.0
finetune {x} on my-notes and ship it as cc-by-sa-4.0
finetune {x} on my-notes and ship it as cc-by-nc-sa-4.0
finetune {x} on my-notes and ship it as cc-by-nc-4.0
finetune {x} on my-notes and ship it as agpl-3.0
finetune {x} on my-notes and ship it as lgpl-3.0
bundle {x} into my-app and ship it as apache-2.0
bundle {x} into my-app and ship it as gpl-3.0
bundle {x} into my-app and ship it as mit
bundle {x} into my-app and ship it as {law}
bundle quantized {x} into my-app and ship it as mit
distil {x} into my-lm and ship it as apache-2.0
distil {x} into my-lm and ship it as {law}
train my-lm on output of {x} and ship it as apache-2.0
train my-lm on output of {x} and ship it as {law}
annotate my-data with {x} and ship it as apache-2.0
ship output of {x} as apache-2.0
serve {x} and ship it as apache-2.0
finetune {x} on my-notes and ship it named "stormy-7b"
train my-lm on output of {x} and ship it named "stormy-7b"
ship {x} named "stormy-7b"
name {x}
ship quantized {x} named "llama-stormy"
finetune {x} on my-notes and name it
merge {x} and acme/second-7b under {law} and ship it
merge {x} and acme/second-7b under gpl-3.0 and ship it
merge {x} and acme/second-7b under cc-by-sa-4.0 and ship it
finetune {x} on output of acme/second-7b under {law}
finetune acme/second-7b under {law} on output of {x}
finetune mistral-7b on output of {x}
merge {x} and mistral-7b where commercial = yes
evaluate my-lm with {x}
train my-lm on my-notes
copy {x} and ship it
copy {x} and sell it
convert {x} and sell it
finetune {x} on my-notes and serve it
finetune {x} on my-notes and sell it
finetune {x} on my-notes and bundle it into my-app and ship it
finetune {x} on my-notes and run it
finetune {x} on my-notes and evaluate it
ship output of finetuned {x}
annotate my-data with finetuned {x}
""".strip().splitlines()
#: {d} a data set under it.
DATA = """
train my-lm on {d}
train my-lm on {d} and ship it
train my-lm on {d} and sell it
train my-lm on {d} and serve it
train my-lm on {d} and ship it as apache-2.0
train my-lm on {d} and ship it as {law}
filter {d}
filter {d} and ship it
filter {d} and sell it
mix {d} and acme/other-data under apache-2.0
mix {d} and acme/other-data under apache-2.0 and ship it
ship {d}
sell {d}
copy {d}
convert {d}
convert {d} and ship it
retrieve over {d} with my-lm
ship {d} as apache-2.0
ship {d} as {law}
ship {d} as gpl-3.0
ship {d} as cc-by-nc-4.0
filter {d} and ship it as apache-2.0
filter {d} and ship it as {law}
filter {d} and ship it as cc-by-sa-4.0
mix {d} and acme/other-data under cc-by-sa-4.0 and ship it
mix {d} and acme/other-data under {law} and ship it
annotate {d} with my-lm and ship it
annotate {d} with acme/j-7b under apache-2.0 and ship it
bundle {d} into my-app and ship it
bundle {d} into my-app
bundle {d} into my-app and ship it as apache-2.0
bundle {d} into my-app and ship it as gpl-3.0
mix {d} and my-notes and ship it
mix {d} and my-notes and ship it as apache-2.0
filter {d} then train my-lm on it
filter {d} then train my-lm on it and ship it
mix {d} and my-notes then train my-lm on it
train my-lm on {d} then ship output of it
train my-lm on {d} and quantize it and ship it
train my-lm on {d} and bundle it into my-app and ship it
train my-lm on {d} and finetune it on my-notes and ship it
train my-lm on {d} and distil it into my-two
train my-lm on {d} where target = embedding
finetune mistral-7b on {d}
train my-lm on {d} and run it
train my-lm on filtered {d}
""".strip().splitlines()
#: What is asked with each fact that a rule looks at.
FACTED = """
run {x}
ship {x}
sell {x}
serve {x}
finetune {x} on my-notes
finetune {x} on my-notes and ship it
bundle {x} into my-app and ship it
ship output of {x}
train my-lm on output of {x}
train my-lm on found output of {x}
distil {x} into my-lm
annotate my-data with {x} then train my-lm on it
train my-lm on output of {x} and ship it
quantize {x} and ship it
bundle {x} into my-app
evaluate my-lm with {x}
""".strip().splitlines()
#: The same of data sets.
FACTED_DATA = """
train my-lm on {d}
ship {d}
filter {d} and ship it
sell {d}
mix {d} and my-notes and ship it
copy {d}
retrieve over {d} with my-lm
""".strip().splitlines()
#: Beginnings of questions that make no sense for a hosted service.
NOT_OF_SERVICES = ("convert", "quantize", "merge", "prune", "adapt")


class Seen(NamedTuple):
    """What a case can hold an answer to: verdict, rules of the law that are cited, duties, doubts, standing rules."""

    verdict: str
    cited: frozenset[str]
    owed: frozenset[tuple[str, str]]
    doubts: frozenset[str]
    standing: frozenset[str]

    def noticed(self, other: Seen) -> bool:
        """Whether a case written from this answer fails on the other."""
        more = bool(self.cited - other.cited or self.doubts - other.doubts or self.standing - other.standing)
        doubted = bool(other.doubts) and not self.doubts
        return more or doubted or (self.verdict, self.owed) != (other.verdict, other.owed)


class Question(NamedTuple):
    """A question, read once: its lineage, and what the law reaches in it."""

    text: str
    lineage: Lineage
    asked: Asked
    seen: Seen
    met: frozenset[tuple[str, str]]  # act, role
    roles: frozenset[str]
    steps: frozenset[str]
    hands_over: bool


def questions(law: Law) -> list[Question]:
    """Every question about a law under no special facts, and under commerce where it asks for that."""
    put_on = PUT_ON[sort_of(law)]
    texts = [t for t in MODEL if _fits(t, put_on)] + (DATA if put_on != "s" else [])
    told = [_filled(t, law) for t in texts]
    tests = [t for r in law.rules for t in tests_of(r)]
    if any(t.key == "commercial" for t in tests):
        told += [_with(t, "commercial = yes") for t in told]
    return _read(law, told)


def questions_on(law: Law, rule: Rule, value: str = "") -> list[Question]:
    """Questions with each fact and reading that a rule looks at (or with one value alone)."""
    templates = FACTED + (FACTED_DATA if "d" in PUT_ON[sort_of(law)] else [])
    facts = dict.fromkeys(f for t in tests_of(rule) for f in _facts(t) if not value or f.endswith(f"= {value}"))
    return _read(law, [_with(_filled(t, law), f) for f in facts for t in templates])


def tests_of(rule: Rule) -> list[Test]:
    return [t for ands in (*rule.when, *rule.unless) for t in ands]


def _fits(template: str, put_on: str) -> bool:
    of_service = put_on == "s"
    return not of_service or not (template.startswith(NOT_OF_SERVICES) or "quantized" in template
                                  or "finetuned" in template)


def _filled(template: str, law: Law) -> str:
    thing, data = f"acme/some-7b under {law.id}", f"acme/data under {law.id}"
    return template.replace("{x}", thing).replace("{d}", data).replace("{law}", law.id)


def _with(text: str, fact: str) -> str:
    return f"{text}{', ' if ' where ' in text else ' where '}{fact}"


def _facts(t: Test) -> list[str]:
    if t.key in ("made-from", "rule"):
        return []
    key = f"reading.{t.key}" if t.key in shelf().word_ids() else t.key
    if t.op == "in":
        return [f"{key} = {v}" for v in t.value]
    near = (t.value // 200, t.value // 2 + 1, t.value - 1, t.value, t.value + 1, t.value * 2 - 1)
    return [f"{key} = {max(n, 0)}" for n in near]


def _read(law: Law, texts: Iterable[str]) -> list[Question]:
    return [q for q in (_question(law.id, t) for t in dict.fromkeys(texts)) if q]


def _question(id: str, text: str) -> Question | None:
    """The question, read and decided; None where it has no sense or offers a choice."""
    book = asking.names()
    try:
        imagined = imagine(read(text, book.licence, book.licence_words, book.known), book, DAY)
        lineage = graph.of(imagined.claims)
        choices, picks = list(graph.choices(lineage)), list(asking._picks(imagined))
        if len(choices) > 1 or len(picks) > 1:
            return None
        asked = Asked(YOU, (), dict(imagined.facts), dict(imagined.readings), DAY)
        asked = asking._picked(imagined, asked, picks[0])
        found = decide(choices[0], asking.books(shelf()), asked)
    except (CaveatError, LookupError):
        return None
    met = frozenset((e.event.act, e.pair.role) for e in found.entries if e.pair and e.pair.law == id)
    roles = frozenset(p.role for pairs in found.reach.values() for p in pairs if p.law == id)
    steps = frozenset(e.act for a in choices[0].assets.values() for e in a.edges)
    gives = any(ACTS[e.event.act].hands_over for e in found.entries)
    return Question(text, choices[0], asked, seen(id, found), met, roles, steps, gives)


def seen(id: str, d: Decision) -> Seen:
    return Seen(
        d.verdict, frozenset(r.rule for f in d.findings for r in f.rules if r.licence == id),
        frozenset((x.cited.licence, x.cited.rule) for f in d.findings for x in f.duties),
        frozenset(x.about for f in d.findings for x in f.doubts),
        frozenset(s.rule for s in d.standing if s.licence == id),
    )


def first_to_notice(id: str, law: Shelf, asked: Iterable[Question]) -> str:
    """The first question whose answer under this shelf is another; "" if none is."""
    books = asking.books(law)
    return next((q.text for q in asked if q.seen.noticed(seen(id, decide(q.lineage, books, q.asked)))), "")


def meeting(asked: Iterable[Question], rule: Rule, do: Iterable[str] = (), on: Iterable[str] = ()) -> list[Question]:
    """The questions in which something is done that the rule may look at (or these acts and roles of it)."""
    acts, named = set(do or rule.do), set(on or rule.on)
    roles = named | {inner for r in named for inner in CONTAINED_IN.get(r, ())}
    open_acts = bool(acts - set(ACTS))
    return [q for q in asked if any((open_acts or a in acts) and (r in roles or r.partition("/")[0] in roles)
                                    for a, r in q.met)]


def moving(asked: Iterable[Question], cell: str) -> list[Question]:
    """The questions in which this cell ("role act") may move something."""
    role, _, act = cell.partition(" ")
    return [q for q in asked if act in q.steps and any(role in (r, r.partition("/")[0]) for r in q.roles)]

