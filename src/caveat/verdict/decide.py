"""The decision, on one page: bind roles, list items, fold worlds, say what was found.

    lineage + law --bind--> pairs        which licence reaches what, in which role
    events x pairs --items--> fold       refused, unknown or granted, in every world that matters
    folded --findings--> Decision        one finding per event and licence, one for each offer
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from caveat.law.rule import Law, Word
from caveat.law.words import ACTS, FACTS, ROLES
from caveat.lineage.graph import Lineage
from caveat.lineage.graph import families as families_of
from caveat.verdict.answer import Cited, Finding, LawUsed, Presumed
from caveat.verdict.bind import LawOf, Pair, Reach, bind, left_behind
from caveat.verdict.duty import clash, prefix_of
from caveat.verdict.event import Event, Use, channel_of, events_of
from caveat.verdict.findings import Entry, Findings, findings
from caveat.verdict.fold import Folded, Item, fold, verdict_of, verdict_of_items
from caveat.verdict.inquiry import Inquiry, domains_of
from caveat.verdict.judge import NOTHING, REFUSED, Outcome, judge
from caveat.verdict.offer import offer
from caveat.verdict.world import World


class Asked(NamedTuple):
    """What is asked about a lineage: by whom, which uses, with which facts and readings."""

    actor: str
    uses: tuple[Use, ...] = ()
    facts: Mapping[str, str] = {}
    readings: Mapping[str, str] = {}
    today: str = ""
    presume: bool = True
    tell_later: bool = False
    within: frozenset[str] | None = None  # judge only steps that made these assets; None = all
    about: str = "use"
    on_disk: frozenset[str] = frozenset()


class Decision(NamedTuple):
    """What was decided, with everything a report needs."""

    verdict: str
    findings: Sequence[Finding]  # put into words when first looked at
    worlds: int
    presumed: tuple[Presumed, ...]
    standing: tuple[Cited, ...]
    law: tuple[LawUsed, ...]
    reach: Reach
    folded: Folded
    entries: tuple[Entry, ...]
    events: tuple[Event, ...]

    def verdict_for(self, events: Iterable[int]) -> str:
        """The verdict of some events alone (by their position)."""
        wanted = set(events)
        return verdict_of_items(self.folded, [n for n, e in enumerate(self.entries) if e.number in wanted])


class Books(NamedTuple):
    """Where law and words are looked up."""

    law_of: LawOf
    word_of: Callable[[str], Word]
    words: frozenset[str]


def decide(lineage: Lineage, books: Books, asked: Asked) -> Decision:
    """Judge every step that the actor took and every use. Raises TooManyWorlds."""
    reach = bind(lineage, books.law_of, asked.actor)
    inquiry = inquire(lineage, books, asked, reach)
    entries = tuple(_entries(inquiry, reach))
    folded = fold([e.item for e in entries], inquiry.domains)
    verdict = verdict_of(folded)
    used = dict.fromkeys(e.pair.law for e in entries if e.pair)
    told = Findings(lambda: findings(inquiry, reach, folded, entries, verdict, asked.about))
    return Decision(
        verdict, told, folded.worlds, _presumed(inquiry), _standing(inquiry, used),
        tuple(_law_used(books.law_of(law)) for law in used), reach, folded, entries, inquiry.events,
    )


def inquire(lineage: Lineage, books: Books, asked: Asked, reach: Reach) -> Inquiry:
    """Everything that rules may look at, gathered once."""
    licensed = {a.id: tuple(f for law in a.laws() for f in books.law_of(law).family)
                for a in lineage.assets.values() if a.kind in ("model", "service", "") and a.licensed}
    families = families_of(lineage, licensed)
    facts = _settled_facts(asked)
    events = events_of(lineage, families, asked.actor, asked.uses, facts.get("target", ""), asked.within)
    inquiry = Inquiry(
        lineage, events, books.law_of, books.word_of, books.words, asked.actor, asked.today, facts,
        asked.readings, asked.presume, asked.tell_later, asked.on_disk, _accepted(events, reach), families, {}, {},
        channel_of(events),
    )
    laws = {pair.law for pair in _met(events, reach)}
    inquiry.domains.update(domains_of(inquiry, [books.law_of(law) for law in sorted(laws)]))
    return inquiry


def _settled_facts(asked: Asked) -> dict[str, str]:
    """What was said; selling anything makes everything commercial, whatever else was said."""
    facts = dict(asked.facts)
    if any(use.act == "sell" for use in asked.uses):
        facts["commercial"] = "yes"
    if facts.get("guardrails") == "removed":
        facts["purpose"] = ",".join(filter(None, (facts.get("purpose"), "remove-safeguards")))
    return facts


def _accepted(events: Sequence[Event], reach: Reach) -> frozenset[str]:
    """Laws whose materials the actor holds, runs or calls anywhere in the question."""
    return frozenset(p.law for p in _met(events, reach) if ROLES[p.base_role] and not p.stranger)


def _met(events: Iterable[Event], reach: Reach) -> set[Pair]:
    """Every pair that some event meets."""
    return {pair for subject in {e.subject for e in events} for pair in reach[subject]}


def _entries(inquiry: Inquiry, reach: Reach) -> Iterable[Entry]:
    """Each event under each pair. Events that look alike to rules share their items: most of a big lineage does."""
    shared: dict[tuple[int, Pair], Item] = {}
    alike: dict[Event, int] = {}
    for number, event in enumerate(inquiry.events):
        sort = alike.setdefault(event.signature(), len(alike))
        for pair in reach[event.subject]:
            if left_behind(pair, event.column):
                continue
            if (sort, pair) not in shared:
                shared[sort, pair] = _item(inquiry, event, pair)
            yield Entry(number, event, pair, shared[sort, pair])
        if ACTS[event.act].hands_over and not event.made:
            pairs = list(reach[event.subject])
            yield Entry(number, event, None, _offer_item(inquiry, event, pairs))
            yield from (Entry(number, event, None, item) for item in _clashes(inquiry, event, pairs))


def _item(inquiry: Inquiry, event: Event, pair: Pair) -> Item:
    return Item((event.signature(), pair), lambda world: judge(inquiry, event, pair, world))


def _offer_item(inquiry: Inquiry, event: Event, pairs: Sequence[Pair]) -> Item:
    key = ("offer", event.signature(), tuple(pairs))
    return Item(key, lambda world: offer(inquiry, event, pairs, world))


def _clashes(inquiry: Inquiry, event: Event, pairs: Sequence[Pair]) -> Iterable[Item]:
    """Two names that must both come first cannot both be met: the whole is refused where both are owed."""
    naming = [(p, r) for p in pairs for r in inquiry.law_of(p.law).rules if prefix_of(r)]
    for n, (pair, rule) in enumerate(naming):
        for pair2, rule2 in naming[n + 1:]:
            if pair.law != pair2.law and clash(prefix_of(rule), prefix_of(rule2)):
                owed = ((pair, (pair.law, rule.id)), (pair2, (pair2.law, rule2.id)))
                yield Item(("clash", event.signature(), owed), _both_owed(inquiry, event, owed))


def _both_owed(inquiry: Inquiry, event: Event,
               owed: tuple[tuple[Pair, tuple[str, str]], ...]) -> Callable[[World], Outcome]:
    def judged(world: World) -> Outcome:
        if all(duty in judge(inquiry, event, pair, world).duties for pair, duty in owed):
            return Outcome(REFUSED, tuple(duty for _, duty in owed))
        return NOTHING

    return judged


def _presumed(inquiry: Inquiry) -> tuple[Presumed, ...]:
    return tuple(Presumed(name, value, _presumption(inquiry, name, value)) for name, value in inquiry.noted.items())


def _presumption(inquiry: Inquiry, name: str, value: str) -> str:
    if name in FACTS:
        return FACTS[name].says
    return next((r.means for r in inquiry.word_of(name).readings if r.id == value), value)


def _standing(inquiry: Inquiry, laws: Iterable[str]) -> tuple[Cited, ...]:
    return tuple(Cited(law, r.id, r.at, r.says, r.gist) for law in laws
                 for r in inquiry.law_of(law).rules if r.standing)


def _law_used(law: Law) -> LawUsed:
    return LawUsed(law.id, law.name, law.checked, law.against, law.weak, law.sha256, law.own)
