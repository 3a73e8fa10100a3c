"""What a verdict is, as data: findings with rules, doubts, duties and the path that proves them.

Reports turn these into words; `to_dict` is the published JSON (schema: `report/schema.json`).
"""

from typing import Any, NamedTuple

from caveat.lineage.claims import Acceptance, Place, Problem, Settlement


class Cited(NamedTuple):
    """One rule of one licence, as cited: law id, rule id, clause number, our gist, what it says."""

    licence: str
    rule: str
    clause: str
    says: str
    gist: str

    def to_dict(self) -> dict[str, Any]:
        return {"licence": self.licence, "rule": self.rule, "clause": self.clause, "says": self.says, "gist": self.gist}


class Doubt(NamedTuple):
    """An open word or fact that changes the verdict or a duty, with the outcome on either side."""

    about: str
    kind: str  # word | fact
    effect: str  # verdict | duty
    outcomes: tuple[tuple[str, str], ...]  # value -> verdict

    def to_dict(self) -> dict[str, Any]:
        return {"about": self.about, "kind": self.kind, "effect": self.effect, "outcomes": dict(self.outcomes)}


class Duty(NamedTuple):
    """What is owed, whether it is met, and under which settings: owed = "always" or "hand-over=access-too"."""

    cited: Cited
    state: str  # met | unmet | contradicted | not checkable
    owed: str
    how: str = ""  # what would meet it, or what contradicts it, in words
    whose: str = ""  # "maker" where only the maker owes it; shown, not owed by the asker

    def to_dict(self) -> dict[str, Any]:
        return {**self.cited.to_dict(), "state": self.state, "owed": self.owed, "how": self.how, "whose": self.whose}


class PathStep(NamedTuple):
    """One step of a proof: the asset, its role in the eyes of the licence, and the act that led to it."""

    asset: str
    role: str
    act: str  # "" at the origin
    by: str
    evidence: tuple[Place, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"asset": self.asset, "role": self.role, "act": self.act or None, "by": self.by or None,
                "evidence": [place_dict(p) for p in self.evidence]}


class Finding(NamedTuple):
    """One event under one licence (or the offer as a whole): its verdict and everything that proves it."""

    id: str  # "llama-2/no-improving-others@my-chat"
    verdict: str
    act: str
    asset: str  # what the act is done to
    made: str  # what it makes, or ""
    licence: str
    rules: tuple[Cited, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    duties: tuple[Duty, ...] = ()
    path: tuple[PathStep, ...] = ()
    about: str = "use"  # made | offered | use | policy
    whose: str | None = "you"
    note: str = ""  # one sentence where the rules alone do not say it ("two names that must both come first")
    accepted: Acceptance | None = None  # somebody lives with it, until a date
    fixes: tuple[tuple[str, str], ...] = ()  # smallest changes in words, and the verdict after each
    baseline: str = ""  # new | known | worse than in a former answer; "" = none was compared

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id, "verdict": self.verdict, "act": self.act, "asset": self.asset, "made": self.made or None,
            "licence": self.licence, "about": self.about, "whose": self.whose, "note": self.note,
            "rules": [r.to_dict() for r in self.rules], "doubts": [d.to_dict() for d in self.doubts],
            "duties": [d.to_dict() for d in self.duties], "path": [s.to_dict() for s in self.path],
            "accepted": _acceptance_dict(self.accepted) if self.accepted else None,
            "fixes": [{"change": change, "verdict": verdict} for change, verdict in self.fixes],
            "baseline": self.baseline or None,
        }


class LawUsed(NamedTuple):
    """Which law file a verdict rests on: checked when, against which text, and whether the table is weak."""

    licence: str
    name: str
    checked: str  # ISO date
    against: str = ""
    weak: str = ""
    sha256: str = ""  # of the text it was checked against
    own: str = ""  # the folder of own law it comes from, or whose words it is read with; "" = it ships with Caveat

    def to_dict(self) -> dict[str, Any]:
        return {"licence": self.licence, "name": self.name, "checked": self.checked, "against": self.against,
                "weak": self.weak, "sha256": self.sha256, "own": self.own}


class Presumed(NamedTuple):
    """A fact or word that was presumed, in words."""

    about: str
    value: str
    says: str

    def to_dict(self) -> dict[str, Any]:
        return {"about": self.about, "value": self.value, "says": self.says}


class Verdict(NamedTuple):
    """The answer to one question, or to one plan of it."""

    read_as: str
    subject: str
    verdict: str
    findings: tuple[Finding, ...] = ()
    worlds: int = 1
    presumed: tuple[Presumed, ...] = ()
    standing: tuple[Cited, ...] = ()
    problems: tuple[Problem, ...] = ()
    law: tuple[LawUsed, ...] = ()
    plans: tuple[tuple[str, str], ...] = ()  # each plan in words, and its own verdict

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `--format json`; keys are stable, more may be added."""
        return {
            "caveat": 1, "read_as": self.read_as, "subject": self.subject, "verdict": self.verdict,
            "plans": [{"plan": p, "verdict": v} for p, v in self.plans],
            "findings": [f.to_dict() for f in self.findings], "worlds": self.worlds,
            "presumed": [p.about for p in self.presumed], "presumptions": [p.to_dict() for p in self.presumed],
            "standing": [s.to_dict() for s in self.standing],
            "problems": [problem_dict(p) for p in self.problems], "law": [u.to_dict() for u in self.law],
        }


class May(NamedTuple):
    """What somebody may do with the asset as it stands: one row of the table."""

    act: str
    verdict: str
    duties: tuple[Duty, ...] = ()
    rules: tuple[Cited, ...] = ()
    doubts: tuple[Doubt, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {"act": self.act, "verdict": self.verdict, "duties": [d.to_dict() for d in self.duties],
                "rules": [r.to_dict() for r in self.rules], "doubts": [d.to_dict() for d in self.doubts]}


class GraphNode(NamedTuple):
    """One asset of the picture. roles: (law id, role) pairs that reach it; marks: conflict | prohibited | depends."""

    id: str
    kind: str
    licences: tuple[str, ...] = ()
    roles: tuple[tuple[str, str], ...] = ()
    marks: tuple[str, ...] = ()
    subject: bool = False


class GraphEdge(NamedTuple):
    """One step of the picture, child <-act- parent."""

    child: str
    act: str
    parent: str
    by: str = ""
    evidence: tuple[Place, ...] = ()


class Graph(NamedTuple):
    """The lineage as a report draws it."""

    nodes: tuple[GraphNode, ...] = ()
    edges: tuple[GraphEdge, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "nodes": [{"id": n.id, "kind": n.kind, "licences": list(n.licences), "subject": n.subject,
                       "roles": [{"licence": law, "role": role} for law, role in n.roles], "marks": list(n.marks)}
                      for n in self.nodes],
            "edges": [{"child": e.child, "act": e.act, "parent": e.parent, "by": e.by or None,
                       "evidence": [place_dict(p) for p in e.evidence]} for e in self.edges],
        }


class Declared(NamedTuple):
    """What the asset says of itself: the raw words, the law ids they mean, where, and whether it is weak."""

    raw: str
    laws: tuple[str, ...]
    place: Place

    def to_dict(self) -> dict[str, Any]:
        return {"raw": self.raw, "laws": list(self.laws), "evidence": place_dict(self.place)}


class Report(NamedTuple):
    """The answer of `check` about one asset: made, offered, used; and what you may do with it."""

    subject: str
    kind: str
    verdict: str  # folds made, offered and use
    declared: tuple[Declared, ...] = ()
    findings: tuple[Finding, ...] = ()
    may: tuple[May, ...] = ()
    graph: Graph = Graph()
    worlds: int = 1
    presumed: tuple[Presumed, ...] = ()
    standing: tuple[Cited, ...] = ()
    settled: tuple[Settlement, ...] = ()
    problems: tuple[Problem, ...] = ()
    law: tuple[LawUsed, ...] = ()
    maker: str = ""  # who publishes it
    root: str = ""  # where its files lie, relative to where the check ran; positions of findings need it

    def to_dict(self) -> dict[str, Any]:
        """The JSON object of `check --format json`."""
        return {
            "caveat": 1, "read_as": f"check {self.subject}", "subject": self.subject, "kind": self.kind,
            "maker": self.maker or None, "verdict": self.verdict, "declared": [d.to_dict() for d in self.declared],
            "findings": [f.to_dict() for f in self.findings], "may": [m.to_dict() for m in self.may],
            "lineage": self.graph.to_dict(), "worlds": self.worlds, "presumed": [p.about for p in self.presumed],
            "presumptions": [p.to_dict() for p in self.presumed], "standing": [s.to_dict() for s in self.standing],
            "settled": [_settlement_dict(s) for s in self.settled],
            "problems": [problem_dict(p) for p in self.problems], "law": [u.to_dict() for u in self.law],
        }


def place_dict(p: Place) -> dict[str, Any]:
    return {"kind": p.kind, "file": p.file, "line": p.line, "key": p.key, "quote": p.quote, "weak": p.weak}


def problem_dict(p: Problem) -> dict[str, Any]:
    return {"file": p.file, "line": p.line, "what": p.what, "instead": p.instead}


def _acceptance_dict(a: Acceptance) -> dict[str, Any]:
    return {"finding": a.finding, "why": a.why, "owner": a.owner, "until": a.until.isoformat()}


def _settlement_dict(s: Settlement) -> dict[str, Any]:
    return {"word": s.word, "reading": s.reading, "why": s.why, "by": s.by,
            "until": s.until.isoformat() if s.until else None}
