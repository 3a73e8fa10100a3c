"""An organisation's own rules over what `check` found: licences and verdicts that it lets pass, channel by channel.

A breach is a finding of its own, named as the organisation's rule: the licence may well allow what the house does not.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from caveat.evidence.policy import PRESETS
from caveat.law.rule import Law
from caveat.law.shelf import shelf
from caveat.lineage.claims import PolicyRule, Problem
from caveat.verdict.answer import Cited, Declared, Finding, Graph, GraphEdge, GraphNode, May, PathStep

#: Where an act takes the thing: the channel that a finding about it belongs to.
CHANNEL_OF = {"ship": "distributed", "sell": "product", "bundle": "product", "serve": "hosted"}
#: What "what you may do with it" is asked for, where the channel is stated.
ACT_IN = {"internal": "run", "hosted": "serve", "distributed": "ship", "product": "sell"}
#: What a stranger's repository without any label is under: silence is not permission.
UNKNOWN = "unknown"


REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+")


class Seen(NamedTuple):
    """What a policy looks at: one asset, what it is made of, and what the licences say of it."""

    subject: str
    graph: Graph
    declared: tuple[Declared, ...]
    findings: tuple[Finding, ...]  # those that count
    may: tuple[May, ...]
    channel: str  # as stated, or ""


class Held(NamedTuple):
    """A licence, and the asset that is under it."""

    law: str
    asset: str


def breaches(rules: Iterable[PolicyRule], seen: Seen) -> Iterator[Finding]:
    """Every breach, in the order of the rules; the same asset and licence once a rule."""
    channels = in_force(seen)
    for rule in rules:
        if not rule.channel or rule.channel in channels:
            yield from CHECKS[rule.what](rule, seen)


def in_force(seen: Seen) -> frozenset[str]:
    """The channels it goes to: the one stated, else those of its offer and of the uses written down."""
    if seen.channel:
        return frozenset({seen.channel})
    return frozenset(CHANNEL_OF.get(f.act, "internal") for f in seen.findings if f.about in ("offered", "use"))


def silent(rules: Iterable[PolicyRule], seen: Seen) -> Iterator[Problem]:
    """Rules for a channel that nobody said the thing goes to: they were not asked, and that is told."""
    idle = [r for r in rules if r.channel and r.channel not in in_force(seen)]
    if idle and not seen.channel:
        names = ", ".join(dict.fromkeys(r.channel for r in idle))
        yield Problem(idle[0].place.file, f"{seen.subject}: the policy for {names} was not asked", idle[0].place.line,
                      "nothing says that it goes there; state the fact channel to ask it")


# --- the rules ---


def _preset(rule: PolicyRule, seen: Seen) -> Iterator[Finding]:
    for name in rule.values:
        refused = REFUSED_BY[name]
        for held in _held(rule, seen):
            if refused(shelf().law(held.law)):
                yield _breach(rule, seen, held, name, f"{held.asset} is under {held.law}")
        if name == "no-unknown":
            yield from _verdicts_not_in(rule, seen, ("permitted", "conditional", "depends", "prohibited"), name)


def _allow(rule: PolicyRule, seen: Seen) -> Iterator[Finding]:
    for held in _held(rule, seen):
        if held.law not in rule.values:
            said = ", ".join(rule.values) or "none"
            yield _breach(rule, seen, held, "", f"{held.asset} is under {held.law}, which is not allowed ({said} are)")


def _deny(rule: PolicyRule, seen: Seen) -> Iterator[Finding]:
    for held in _held(rule, seen):
        if held.law in rule.values:
            yield _breach(rule, seen, held, "", f"{held.asset} is under {held.law}, which is denied")


def _verdicts(rule: PolicyRule, seen: Seen) -> Iterator[Finding]:
    yield from _verdicts_not_in(rule, seen, rule.values, "")


CHECKS: dict[str, Callable[[PolicyRule, Seen], Iterator[Finding]]] = {
    "preset": _preset, "allow": _allow, "deny": _deny, "verdicts": _verdicts,
}


def _permissive(law: Law) -> bool:
    sole = any(d.want == "sole" for d in law.outbound)
    return not law.restricts and not sole and law.root != "service"


#: Preset -> whether a licence breaks it.
REFUSED_BY: dict[str, Callable[[Law], bool]] = {
    "permissive-only": lambda law: law.id == UNKNOWN or (law.id != "web" and not _permissive(law)),
    "no-noncommercial": lambda law: "commerce" in law.restricts,
    "no-unknown": lambda law: law.id == UNKNOWN,
}
assert set(REFUSED_BY) == set(PRESETS)


def _held(rule: PolicyRule, seen: Seen) -> Iterator[Held]:
    """Every licence that the asset or anything as far up as the rule looks is under, once, the asset's own first."""
    near = _near(seen, rule.steps)
    own = [Held(law, seen.subject) for d in seen.declared for law in d.laws]
    behind = [Held(law, n.id) for n in reversed(seen.graph.nodes) if n.id in near
              for law in n.licences or _silence(n)]
    known = set(shelf().ids())
    yield from dict.fromkeys(h if h.law in known else h._replace(law=UNKNOWN) for h in [*own, *behind])


def _near(seen: Seen, steps: int) -> frozenset[str]:
    """The assets at most so many steps above the subject; all of them for 0."""
    if not steps:
        return frozenset(n.id for n in seen.graph.nodes)
    found = layer = frozenset({seen.subject})
    for _ in range(steps):
        layer = frozenset(e.parent for e in seen.graph.edges if e.child in layer) - found
        found |= layer
    return found


def _silence(node: GraphNode) -> tuple[str, ...]:
    """A repository of somebody that says nothing is under unknown terms; a bare name is one's own work."""
    return (UNKNOWN,) if REPOSITORY.fullmatch(node.id) and not node.subject else ()


def _verdicts_not_in(rule: PolicyRule, seen: Seen, allowed: Iterable[str], name: str) -> Iterator[Finding]:
    """What the licences themselves refuse is a finding already; a policy adds what they leave open."""
    lets = frozenset(allowed)
    for f in seen.findings:
        here = not rule.channel or f.about == "made" or CHANNEL_OF.get(f.act, "internal") == rule.channel
        if here and f.verdict not in lets and f.verdict != "prohibited" and f.accepted is None:
            yield _finding(rule, seen, name, f.asset, f"{f.id} ({f.act} {f.asset})",
                           f"{f.act} {f.asset} is {f.verdict} under {f.licence}", f.path)
    if rule.channel and seen.channel == rule.channel:
        yield from (_finding(rule, seen, name, seen.subject, f"{seen.subject} ({m.act})",
                             f"to {m.act} it is {m.verdict}", ())
                    for m in seen.may if m.act == ACT_IN[rule.channel] and m.verdict not in lets)


# --- the finding ---


def _breach(rule: PolicyRule, seen: Seen, held: Held, name: str, note: str) -> Finding:
    path = _way(seen, held)
    return _finding(rule, seen, name, held.asset, f"{held.asset} under {held.law}", note, path)


def _finding(rule: PolicyRule, seen: Seen, name: str, asset: str, at: str, note: str,
             path: tuple[PathStep, ...]) -> Finding:
    called = ".".join(filter(None, (rule.channel, name or rule.what)))
    where = f"{rule.place.file}:{rule.place.line}" if rule.place.line else rule.place.file
    cited = Cited("policy", called, "", "must not", f"{_gist(rule, name)} ({where}).")
    return Finding(f"policy/{called}@{at}", "prohibited", "", asset, "", "policy", (cited,), path=path, about="policy",
                   note=f"{note}: your organisation's rule, not the licence's")


def _gist(rule: PolicyRule, name: str) -> str:
    """The rule as the organisation wrote it, in a sentence."""
    to = f"For what is {rule.channel}: " if rule.channel else ""
    said = {"allow": "no licence but {}", "deny": "nothing under {}", "verdicts": "no verdict but {}"}
    text = PRESETS[name] if name else said[rule.what].format(", ".join(rule.values) or "none")
    return f"{to}{text}" if to else text[:1].upper() + text[1:]


def _way(seen: Seen, held: Held) -> tuple[PathStep, ...]:
    """From the asset under the licence down to the subject, each step with where it was read."""
    below: Mapping[str, GraphEdge] = {e.parent: e for e in reversed(seen.graph.edges)}
    declared = tuple(d.place for d in seen.declared if held.asset == seen.subject and held.law in d.laws)
    steps, here = [PathStep(held.asset, f"under {held.law}", "", "", declared)], held.asset
    told = {here}
    while here != seen.subject and here in below and below[here].child not in told:
        edge = below[here]
        steps.append(PathStep(edge.child, "", edge.act, edge.by, edge.evidence))
        here = edge.child
        told.add(here)
    return tuple(steps)
