"""The words and signs that every form shares, so that a verdict looks the same wherever it is read.

A sign never stands without its word, and no meaning hangs on colour alone.
"""

import re
from typing import NamedTuple

from caveat.law.words import VERDICTS
from caveat.lineage.claims import Acceptance, Place, Problem, Settlement
from caveat.report.escape import cut, visible
from caveat.verdict.answer import Cited, Doubt, Duty, Finding, GraphNode, LawUsed, May

#: Verdict -> its sign.
SIGNS = {"prohibited": "✗", "unknown": "?", "depends": "~", "conditional": "!", "permitted": "✓"}

#: Verdict -> what it means, in one plain sentence.
MEANINGS = {
    "prohibited": "Not allowed, however the open words are read.",
    "unknown": "Nobody can say: something that matters has no known terms, and silence is not permission.",
    "depends": "Allowed under one reading and refused under another; the open points are named.",
    "conditional": "Allowed, as long as what is owed below is met.",
    "permitted": "Allowed; nothing is owed beyond the standing duties.",
}

#: State of a duty -> its sign.
DUTY_SIGNS = {"met": "✓", "unmet": "○", "contradicted": "✗", "not checkable": "?"}


class Look(NamedTuple):
    """How a role is drawn: its shape, its line and fill in light and dark, and what it means."""

    shape: str
    line: str
    fill: str
    dark: str
    says: str


#: Role -> look. Lines are of a palette safe for every common colour blindness; the shape says it again.
ROLES = {
    "materials": Look("box", "#0072b2", "#e3f1fa", "#12324a", "the licensed thing itself"),
    "derivative": Look("round", "#2b87a8", "#e6f5f4", "#123a40", "changed, and still under the licence"),
    "output": Look("slant", "#b87400", "#fff3d9", "#453108", "what it wrote"),
    "trained": Look("hexagon", "#c04a00", "#fdeadf", "#4a2410", "learned from what it wrote"),
    "judged": Look("notched", "#a0527f", "#f9e9f2", "#43203a", "chosen or marked by it"),
    "service": Look("pill", "#00795a", "#e2f4ee", "#0c3b30", "reached over a network"),
    "bundled": Look("double", "#5f6368", "#f1f1ee", "#33363a", "inside a product"),
}
FREE = Look("plain", "#767676", "#fafafa", "#26282b", "no rule of a licence looks at it")

#: Which role a thing is drawn as when several licences reach it: the one that binds most.
ROLE_ORDER = tuple(ROLES)

#: about -> the section of a report.
SECTIONS = (
    ("made", "How it was made"),
    ("offered", "How it is offered"),
    ("use", "Intended uses"),
    ("policy", "Your organisation's rules"),
)
UPSTREAM_TITLE = "Further up, by others (shown, not counted against this asset)"
MAY_TITLE = "What you may do with it"
DISCLAIMER = "Not legal advice."


def sign(verdict: str) -> str:
    """`✗ prohibited`: the sign and the word."""
    return f"{SIGNS.get(verdict, '?')} {verdict}"


def mark(m: str) -> str:
    """A mark of the drawing, with its sign."""
    return f"{SIGNS.get(m, '✗')} {m}"


def badness(verdict: str) -> int:
    """0 for the worst verdict, for sorting."""
    return VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)


def look(role: str) -> Look:
    """The look of a role; a sub-role looks as its base."""
    return ROLES.get(role.split("/", 1)[0], FREE)


def clause(c: Cited) -> str:
    """`llama-2 §1.b.v`: where it stands."""
    return f"{c.licence} §{c.clause}" if c.clause else c.licence


def telling(f: Finding) -> tuple[Cited, ...]:
    """The rules a person must read: what refuses or is owed; grants only where there is nothing else."""
    return tuple(r for r in f.rules if r.says != "may") or f.rules


def hangs(f: Finding) -> str:
    """`openai-tou-2022 §2.c.iii; hangs on bound, competes`: a finding's reasons in one line."""
    clauses = ", ".join(clause(r) for r in f.rules if r.says != "may")
    doubts = ", ".join(d.about for d in f.doubts if d.effect == "verdict")
    return "; ".join(filter(None, (clauses or f.licence, f"hangs on {doubts}" if doubts else "")))


def deed(f: Finding) -> str:
    """`train notes → my-chat`: the act in the order of things."""
    made = f" → {named(f.made)}" if f.made and f.made != f.asset else ""
    return f"{f.act} {named(f.asset)}{made}".strip()


_REPOSITORY = re.compile(r"([\w.-]+)/([\w.-]+)")


def owner_and_name(asset: str) -> tuple[str, str]:
    """The two parts of a repository id; of anything else, nothing and the whole."""
    parts = _REPOSITORY.fullmatch(asset)
    return (parts[1], parts[2]) if parts else ("", asset)


def named(asset: str, longest: int = 64) -> str:
    """A name inside a sentence: hidden characters shown, cut in its middle."""
    return cut(visible(asset), longest)


def actor(f: Finding) -> str:
    """Whose act it is, or nothing where nobody is named."""
    return f"by {f.whose}" if f.whose else ""


def place(p: Place) -> str:
    """Where something was read, on one line: `README.md:12 datasets[1]`."""
    where = f"{p.file}:{p.line}" if p.line else p.file
    kind = "" if p.kind == "declared" else f"{p.kind}:"
    weak = f"(weak: {p.weak})" if p.weak else ""
    return " ".join(part for part in (kind, where, p.key, _quoted(p), weak) if part)


def _quoted(p: Place) -> str:
    """A quote helps only where neither file nor key already says it."""
    return f'"{p.quote}"' if p.quote and not p.key else ""


def places(evidence: tuple[Place, ...], most: int = 2) -> str:
    """The first places, and how many more there are."""
    more = f" (+{len(evidence) - most} more)" if len(evidence) > most else ""
    return "; ".join(place(p) for p in evidence[:most]) + more


def held_as(n: GraphNode) -> list[str]:
    """The roles of an asset, and the licences of its own that no role names yet."""
    own = [law for law in n.licences if law not in {reaching for reaching, _ in n.roles}]
    under = [f"under {' + '.join(own)}"] if own else []
    return [*under, *(f"{role} {'under' if law in n.licences else 'of'} {law}" for law, role in n.roles)]


def setting(owed: str) -> str:
    """When a duty is owed, in words; nothing if always."""
    return "" if owed in ("always", "") else f"only if {owed.replace('=', ' = ')}"


def outcomes(d: Doubt) -> str:
    """`weights → prohibited · any-help → permitted`."""
    return " · ".join(f"{value} → {verdict}" for value, verdict in d.outcomes)


def doubt_kind(d: Doubt) -> str:
    """What sort of open point it is."""
    kind = "an open word" if d.kind == "word" else "a fact you may state"
    return f"{kind}, changes what is owed" if d.effect == "duty" else kind


def duty_state(d: Duty) -> str:
    """`○ unmet`; what only the maker owes has no state here."""
    return f"· {d.whose}'s" if d.whose else f"{DUTY_SIGNS.get(d.state, '?')} {d.state}"


def duty_order(d: Duty) -> tuple[bool, int]:
    """The pressing ones first, those of others last."""
    pressing = ("contradicted", "unmet", "not checkable", "met")
    return bool(d.whose), pressing.index(d.state) if d.state in pressing else len(pressing)


def duty(d: Duty) -> str:
    """What is owed, and under which settings, without its state."""
    when = setting(d.owed)
    return f"{d.cited.gist} ({when})" if when else d.cited.gist


def may_says(m: May) -> list[str]:
    """What stands against an act, what it hangs on, and what is owed, a line each."""
    refused = m.verdict not in ("permitted", "conditional")
    against = [f"{clause(r)} {r.rule}" for r in m.rules] if refused else []
    owed = [f"{_state(d)}{d.cited.rule} ({clause(d.cited)}){'' if d.owed == 'always' else ', if ' + d.owed}"
            for d in m.duties]
    return [*against, *(f"hangs on {d.about}" for d in m.doubts), *owed]


def _state(d: Duty) -> str:
    """What is to come is owed; its state is worth a word only where something can be seen."""
    return "owed: " if d.state == "not checkable" else f"{DUTY_SIGNS.get(d.state, '?')} {d.state}: "


def law_used(u: LawUsed) -> str:
    """`llama-2 (checked 2026-11-24)`; `acme-terms (own law: acme-law)`."""
    said = [f"own law: {u.own}" if u.own else "", f"checked {u.checked}" if u.checked else ""]
    return f"{u.licence} ({', '.join(filter(None, said))})" if any(said) else u.licence


def law_read(u: LawUsed) -> str:
    """The same with the hash of the text that was read, and what is weak in the table: for pages with room."""
    return law_used(u) + (f", text sha256 {u.sha256}" if u.sha256 else "") + (f": weak, {u.weak}" if u.weak else "")


def accepted(a: Acceptance) -> str:
    """Who lives with a finding, until when, and why."""
    return f"by {a.owner} until {a.until.isoformat()}: {a.why}"


#: Against a baseline -> what it means.
BASELINE = {"new": "new since the baseline", "known": "known from the baseline; it does not fail the check",
            "worse": "worse than in the baseline"}


def settled(s: Settlement) -> str:
    """A reading an organisation chose."""
    until = f", until {s.until.isoformat()}" if s.until else ""
    by = f" by {s.by}" if s.by else ""
    return f"{s.word} = {s.reading}{by}{until}{': ' + s.why if s.why else ''}"


def problem(p: Problem) -> str:
    """What could not be read, where, and what was done instead."""
    where = f"{p.file}:{p.line}" if p.line else p.file
    return f"{where}: {p.what}{' → ' + p.instead if p.instead else ''}"


def plural(n: int, one: str, many: str = "") -> str:
    """`1 finding`, `2 findings`."""
    return f"{n} {one if n == 1 else many or one + 's'}"
