"""Findings: what the folded worlds say about each event and licence, with the proof as data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, overload

from caveat.verdict.answer import Cited, Doubt, Duty, Finding, PathStep
from caveat.verdict.bind import Pair, Reach
from caveat.verdict.duty import state_of
from caveat.verdict.event import Event
from caveat.verdict.fold import Folded, Item, Owed, doubts_that_matter, settings_of, verdict_of_items
from caveat.verdict.inquiry import Inquiry
from caveat.verdict.judge import GRANTED, REFUSED, UNKNOWN
from caveat.verdict.proof import path_to

OFFER = "offer"


class Entry(NamedTuple):
    """One item with where it came from; pair None = the offer (or a clash of names) of a hand-over."""

    number: int  # of the event
    event: Event
    pair: Pair | None
    item: Item


class Findings(Sequence[Finding]):
    """Findings that are put into words when somebody looks: a verdict over a whole hub needs none of them."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], tuple[Finding, ...]]) -> None:
        self._make = make
        self._made: tuple[Finding, ...] | None = None

    def all(self) -> tuple[Finding, ...]:
        if self._made is None:
            self._made = self._make()
        return self._made

    @overload
    def __getitem__(self, at: int) -> Finding: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Finding, ...]: ...
    def __getitem__(self, at: int | slice) -> Finding | tuple[Finding, ...]:
        return self.all()[at]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.all())

    def __len__(self) -> int:
        return len(self.all())


class Told(NamedTuple):
    """What a finding says apart from names: the same for all events that look alike to the same pairs of one law."""

    state: str
    rules: tuple[Cited, ...]
    doubts: tuple[Doubt, ...]
    owed: tuple[tuple[Owed, str], ...]
    telling: int  # which of the members shows the way


def findings(inquiry: Inquiry, reach: Reach, folded: Folded, entries: Sequence[Entry], verdict: str,
             about: str) -> tuple[Finding, ...]:
    """One finding per event and licence, plus one for each offer; a prohibited whole lists no duties."""
    matter = doubts_that_matter(folded)
    grouped: dict[tuple[int, str], list[int]] = {}
    for n, entry in enumerate(entries):
        grouped.setdefault((entry.number, entry.pair.law if entry.pair else OFFER), []).append(n)
    told: dict[tuple[tuple[int, int], ...], Told] = {}
    made = []
    for (_, law), members in grouped.items():
        spots = tuple(folded.where[n] for n in members)
        if spots not in told:
            told[spots] = _told(inquiry, folded, members, matter, verdict)
        made.append(_finding(inquiry, reach, entries, law, members, told[spots], about))
    return tuple(f for f in made if f.licence != OFFER or f.rules)


def _told(inquiry: Inquiry, folded: Folded, members: Sequence[int], matter: Mapping[str, str], verdict: str) -> Told:
    state = verdict_of_items(folded, members)
    telling = next((k for k, n in enumerate(members) if _bites(folded, n)), 0)
    owed = {} if verdict == "prohibited" else _owed(folded, members)
    return Told(state, _rules(inquiry, folded, members, state), _doubts(inquiry, folded, members, matter),
                tuple(owed.items()), telling)


def _finding(inquiry: Inquiry, reach: Reach, entries: Sequence[Entry], law: str, members: Sequence[int], told: Told,
             about: str) -> Finding:
    event, rules = entries[members[0]].event, told.rules
    pair = entries[members[told.telling]].pair
    main = next((r for r in rules if r.says != "may"), rules[0] if rules else None)
    return Finding(
        id=f"{main.licence if main else law}/{main.rule if main else event.act}@{event.made or event.subject}",
        verdict=told.state, act=event.act, asset=event.subject, made=event.made,
        licence=law if law != OFFER else (rules[0].licence if rules else OFFER),
        rules=rules, doubts=told.doubts,
        duties=tuple(_duty(inquiry, event, duty, setting) for duty, setting in told.owed),
        path=_path(reach, event.subject, pair, rules), about=about if law != OFFER else "offered",
        whose=inquiry.actor or None, note=_note(law, event, rules),
    )


def _path(reach: Reach, subject: str, pair: Pair | None, rules: Sequence[Cited]) -> tuple[PathStep, ...]:
    """The way of the pair that tells; of an offer, that of the first licence whose demand is broken."""
    demands = {r.licence for r in rules[:1]}
    shown = pair or next((p for p in reach[subject] if p.law in demands), None)
    return path_to(reach, subject, shown) if shown else ()


def _note(law: str, event: Event, rules: Sequence[Cited]) -> str:
    if law != OFFER:
        return ""
    if event.offered:
        return f"offered as {' + '.join(event.offered)}"
    return "no licence meets every demand" if len(rules) < 2 else "these cannot both be met"


def _rules(inquiry: Inquiry, folded: Folded, members: Sequence[int], state: str) -> tuple[Cited, ...]:
    """What is cited: over all worlds, first what refuses, then what grants."""
    worst: dict[Owed, int] = {}
    for n in members:
        group, spot = folded.where[n]
        for _, outcomes in folded.groups[group].leaves:
            for rule in outcomes[spot].rules:
                worst[rule] = max(worst.get(rule, GRANTED), outcomes[spot].state)
    order = sorted(worst, key=lambda r: -worst[r])
    return tuple(cite(inquiry, r) for r in order)


def cite(inquiry: Inquiry, rule: Owed) -> Cited:
    law = inquiry.law_of(rule[0])
    if rule[1].startswith("@"):
        return Cited(law.id, "outbound", rule[1][1:], "must", "What is handed over stays under these terms.")
    r = law.rule(rule[1])
    return Cited(law.id, r.id, r.at, r.says, r.gist)


def _bites(folded: Folded, n: int) -> bool:
    group, spot = folded.where[n]
    return any(os[spot].state in (REFUSED, UNKNOWN) or os[spot].duties for _, os in folded.groups[group].leaves)


def _doubts(inquiry: Inquiry, folded: Folded, members: Sequence[int], matter: Mapping[str, str]) -> tuple[Doubt, ...]:
    mine = {d for n in members for d in _hinges(folded, n)}
    return tuple(
        Doubt(d, "word" if d in inquiry.words else "fact", matter[d],
              tuple((v, verdict_of_items(folded, members, {d: v})) for v in inquiry.domains[d]))
        for d in sorted(mine & set(matter))
    )


def _hinges(folded: Folded, item: int) -> set[str]:
    """The doubts with which alone something in this item changes."""
    group, spot = folded.where[item]
    leaves = [(world, outcomes[spot][::2]) for world, outcomes in folded.groups[group].leaves]
    found: set[str] = set()
    for n, (world, outcome) in enumerate(leaves):
        for other, outcome2 in leaves[n + 1:]:
            if outcome != outcome2:
                apart = [d for d in world if other.get(d, world[d]) != world[d]]
                found.update(apart if len(apart) == 1 else ())
    return found


def _owed(folded: Folded, members: Sequence[int]) -> dict[Owed, str]:
    owed: dict[Owed, str] = {}
    for n in members:
        group, spot = folded.where[n]
        for k, (_, outcomes) in enumerate(folded.groups[group].leaves):
            if folded.groups[group].state(k) != GRANTED:
                continue
            for duty in outcomes[spot].duties:
                setting = settings_of(folded, n, duty)
                owed[duty] = "always" if "always" in (setting, owed.get(duty)) else setting
    return owed


def _duty(inquiry: Inquiry, event: Event, duty: Owed, setting: str) -> Duty:
    law = inquiry.law_of(duty[0])
    thing = event.made or event.subject
    files = inquiry.lineage.assets[thing].files if thing in inquiry.on_disk else None
    state, how = state_of(law.rule(duty[1]), event, files, law.id)
    return Duty(cite(inquiry, duty), state, setting, how)
