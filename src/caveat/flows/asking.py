"""`caveat ask`: sentence -> imagined lineage -> decide -> Verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache, lru_cache
from itertools import islice, product

from caveat.errors import SettingsError
from caveat.evidence.catalogue import Catalogue, load
from caveat.evidence.facts import check_fact, check_reading, fact_name
from caveat.evidence.imagine import YOU, Imagined, Names, imagine
from caveat.evidence.names import NameBook
from caveat.evidence.sentence import Question, read
from caveat.law.shelf import Shelf, shelf
from caveat.law.words import VERDICTS
from caveat.lineage import graph
from caveat.lineage.claims import Problem
from caveat.verdict.answer import Presumed, Verdict
from caveat.verdict.decide import Asked, Books, Decision, decide
from caveat.verdict.event import Use

MOST_PICKS = 256


def names() -> NameBook:
    """Names as the catalogue and the shelf in force know them."""
    return _names(shelf())


@lru_cache(maxsize=8)
def _names(law: Shelf) -> NameBook:
    return NameBook(_catalogue(), law)


@cache
def _catalogue() -> Catalogue:
    return load()


def books(law: Shelf) -> Books:
    return Books(law.law, law.word, frozenset(law.word_ids()))


def ask(text: str, *, facts: Mapping[str, str] | None = None, readings: Mapping[str, str] | None = None,
        presume: bool = True, today: str = "", fixes: bool = True) -> Verdict:
    """One question, one verdict, one proof. Raises QuestionError for what is not understood.

    `facts` and `readings` hold unless the question itself says otherwise; `today` is an ISO date. `fixes` tells the
    smallest changes that would make a bad answer acceptable, at ten milliseconds or so for each bad answer.
    """
    book = names()
    question = read(text, book.licence, book.licence_words, book.known)
    return answered(question, book, facts=facts, readings=readings, presume=presume, today=today, fixes=fixes)


def answered(question: Question, book: Names, *, facts: Mapping[str, str] | None = None,
             readings: Mapping[str, str] | None = None, presume: bool = True, today: str = "",
             fixes: bool = True) -> Verdict:
    """The same for a question that was read already, with names that may know more than the catalogue does."""
    day = today or date.today().isoformat()
    seen = imagine(question, book, (facts or {}).get("date", day))
    lineage = graph.of(seen.claims)
    told = {**checked_facts(facts or {}), **seen.facts}
    asked = Asked(YOU, (), told, {**checked_readings(readings or {}), **seen.readings}, day, presume)
    tried = ((one, _picked(seen, asked, pick)) for one in graph.choices(lineage) for pick in _picks(seen))
    decided = ((one, plan, decide(one, books(shelf()), plan)) for one, plan in tried)
    best = min(decided, key=lambda trial: _goodness(trial[2]))
    chosen = _fixed(*best) if fixes else best[2]
    return _verdict(seen, (*lineage.problems, *seen.problems, *contradicted(told, [u.act for u in seen.uses])), chosen)


def _fixed(lineage: graph.Lineage, asked: Asked, decision: Decision) -> Decision:
    """With the smallest changes that would help, where help is needed: nothing is imported for good news."""
    denied = any(d.state == "contradicted" for f in decision.findings for d in f.duties)
    if decision.verdict in ("permitted", "conditional") and not denied:
        return decision
    from caveat.flows.fixing import fixed_answer

    return fixed_answer(lineage, asked, decision)


def contradicted(facts: Mapping[str, str], acts: Iterable[str]) -> tuple[Problem, ...]:
    """What was said against itself: selling is commerce, whatever else is said."""
    if facts.get("commercial") == "no" and "sell" in acts:
        return (Problem("facts", "commercial = no, yet something is sold", None, "taken as commercial = yes"),)
    return ()


def _picks(seen: Imagined) -> Iterable[tuple[tuple[str, ...], ...]]:
    """Every way to choose where a choice of licences was offered."""
    return islice(product(*seen.offers), MOST_PICKS) if seen.offers else iter([()])


def _picked(seen: Imagined, asked: Asked, pick: tuple[tuple[str, ...], ...]) -> Asked:
    uses = tuple(Use(u.act, u.asset, offered, u.named, u.of) for u, offered in zip(seen.uses, pick))
    return asked._replace(uses=uses)


def _goodness(decision: Decision) -> int:
    return -VERDICTS.index(decision.verdict)


def _verdict(seen: Imagined, problems: tuple[Problem, ...], d: Decision) -> Verdict:
    own = tuple(Presumed(p, "own", _own_words(p)) for p in seen.presumed)
    uses = [n for n, e in enumerate(d.events) if not e.made]
    plans = []
    for plan in seen.plans:
        mine = [n for n, e in enumerate(d.events) if e.made in plan.nodes] + uses[slice(*plan.uses)]
        plans.append((plan.words, d.verdict_for(mine)))
    return Verdict(seen.read_as, seen.subject, d.verdict, tuple(d.findings), d.worlds, (*d.presumed, *own), d.standing,
                   problems, d.law, tuple(plans))


def _own_words(name: str) -> str:
    if name.startswith("publisher of "):
        return f"the {name} claims nothing in it"
    return f"{name} is your own work"


def grammar() -> str:
    """What may be asked: the grammar (the sentence reader's own docstring), acts and facts."""
    from caveat.evidence import sentence
    from caveat.law.words import ACTS, FACTS

    acts = "\n".join(f"    {a.name:<10} {', '.join(a.everyday)}" for a in ACTS.values())
    facts = "\n".join(f"    {f.name:<14} {f.type:<7} {f.says and 'presumed: ' + f.says}" for f in FACTS.values())
    return f"{sentence.__doc__}\nActs, and everyday words for them:\n{acts}\n\nFacts:\n{facts}"


def checked_facts(given: Mapping[str, str]) -> dict[str, str]:
    """Facts from flags or code in their one spelling. Raises SettingsError."""
    return dict(_checked(lambda k, v: (fact_name(k), check_fact(fact_name(k), "=", v, names())), given))


def checked_readings(given: Mapping[str, str]) -> dict[str, str]:
    """Readings from flags or code. Raises SettingsError."""
    return dict(_checked(lambda k, v: (k.lower(), check_reading(k.lower(), v, names())), given))


def _checked(check: Callable[[str, str], tuple[str, str]], given: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, value in given.items():
        try:
            yield check(name, value)
        except LookupError as fault:
            raise SettingsError(*fault.args) from None
