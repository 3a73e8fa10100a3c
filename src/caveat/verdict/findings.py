"""Findings: what the folded worlds say about each event and licence, with the proof as data."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

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


def findings(inquiry: Inquiry, reach: Reach, folded: Folded, entries: Sequence[Entry], verdict: str,
             about: str) -> tuple[Finding, ...]:
    """One finding per event and licence, plus one for each offer; a prohibited whole lists no duties."""
    matter = doubts_that_matter(folded)
    grouped: dict[tuple[int, str], list[int]] = {}
    for n, entry in enumerate(entries):
        grouped.setdefault((entry.number, entry.pair.law if entry.pair else OFFER), []).append(n)
    made = (_finding(inquiry, reach, folded, entries, law, members, matter, verdict, about)
            for (_, law), members in grouped.items())
    return tuple(f for f in made if f.licence != OFFER or f.rules)


def _finding(inquiry: Inquiry, reach: Reach, folded: Folded, entries: Sequence[Entry], law: str,
             members: Sequence[int], matter: Mapping[str, str], verdict: str, about: str) -> Finding:
    event = entries[members[0]].event
    state = verdict_of_items(folded, members)
    rules = _rules(inquiry, folded, members, state)
    telling = next((n for n in members if _bites(folded, n)), members[0])
    pair = entries[telling].pair
    main = next((r for r in rules if r.says != "may"), rules[0] if rules else None)
    return Finding(
        id=f"{main.licence if main else law}/{main.rule if main else event.act}@{event.made or event.subject}",
        verdict=state, act=event.act, asset=event.subject, made=event.made,
        licence=law if law != OFFER else (rules[0].licence if rules else OFFER),
        rules=rules, doubts=_doubts(inquiry, folded, members, matter),
        duties=() if verdict == "prohibited" else _duties(inquiry, folded, entries, members, event),
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
    mine = {d for n in members for w, _ in folded.groups[folded.where[n][0]].leaves for d in w
            if _hinges(folded, n, d)}
    return tuple(
        Doubt(d, "word" if d in inquiry.words else "fact", matter[d],
              tuple((v, verdict_of_items(folded, members, {d: v})) for v in inquiry.domains[d]))
        for d in sorted(mine & set(matter))
    )


def _hinges(folded: Folded, item: int, doubt: str) -> bool:
    """Whether anything in this item changes with the doubt alone."""
    group, spot = folded.where[item]
    leaves = folded.groups[group].leaves
    for n, (world, outcomes) in enumerate(leaves):
        for other, outcomes2 in leaves[n + 1:]:
            apart = [d for d in world if other.get(d, world[d]) != world[d]]
            if apart == [doubt] and outcomes[spot][::2] != outcomes2[spot][::2]:
                return True
    return False


def _duties(inquiry: Inquiry, folded: Folded, entries: Sequence[Entry], members: Sequence[int],
            event: Event) -> tuple[Duty, ...]:
    owed: dict[Owed, str] = {}
    for n in members:
        group, spot = folded.where[n]
        for k, (_, outcomes) in enumerate(folded.groups[group].leaves):
            if folded.groups[group].state(k) != GRANTED:
                continue
            for duty in outcomes[spot].duties:
                setting = settings_of(folded, n, duty)
                owed[duty] = "always" if "always" in (setting, owed.get(duty)) else setting
    return tuple(_duty(inquiry, event, duty, setting) for duty, setting in owed.items())


def _duty(inquiry: Inquiry, event: Event, duty: Owed, setting: str) -> Duty:
    law = inquiry.law_of(duty[0])
    thing = event.made or event.subject
    files = inquiry.lineage.assets[thing].files if thing in inquiry.on_disk else None
    state, how = state_of(law.rule(duty[1]), event, files, law.id)
    return Duty(cite(inquiry, duty), state, setting, how)
