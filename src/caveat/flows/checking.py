"""`caveat check`: three things told apart. How the asset was made and whose act each step was; how it is offered;
what you may do with it. Every maker's steps are judged as his own; nothing of others is judged as yours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple, TypeVar

from caveat.evidence.imagine import YOU
from caveat.flows.asking import books, checked_facts, checked_readings, contradicted, names
from caveat.flows.gathering import Gathered, lineage_of
from caveat.flows.naming import bare_name
from caveat.flows.picture import graph_of
from caveat.flows.policy import Seen, breaches, silent
from caveat.flows.silence import unsaid
from caveat.law.shelf import shelf
from caveat.law.words import VERDICTS
from caveat.lineage import graph
from caveat.lineage.claims import Acceptance, Evidence, Problem, Settlement, UseClaim
from caveat.verdict.answer import Declared, Finding, LawUsed, May, Report
from caveat.verdict.decide import Asked, Decision, decide
from caveat.verdict.event import Use

T = TypeVar("T")
Judged = tuple[Asked, Decision]
#: Rows of "what you may do with it": kind -> (label, act, then an act on what that made).
MAY_ACTS: dict[str, tuple[tuple[str, str, str], ...]] = {
    "model": (("run", "run", ""), ("finetune", "finetune", ""), ("quantize", "quantize", ""), ("ship", "ship", ""),
              ("serve", "serve", ""), ("sell", "sell", ""), ("train others on its output", "generate", "train")),
    "dataset": (("train on it", "train", ""), ("filter", "filter", ""), ("ship", "ship", ""), ("sell", "sell", "")),
    "service": (("run", "run", ""), ("bundle", "bundle", ""), ("train others on its output", "generate", "train")),
    "product": (("run", "run", ""), ("ship", "ship", ""), ("serve", "serve", ""), ("sell", "sell", "")),
}


class Context(NamedTuple):
    """One check: what was gathered, and what was said about it."""

    found: Gathered
    facts: Mapping[str, str]
    readings: Mapping[str, str]
    today: str
    presume: bool
    you: str
    spots: Mapping[str, int]  # asset -> its place in the lineage, parents first
    meant: tuple[UseClaim, ...]


def check(path: str | Path, *, facts: Mapping[str, str] | None = None, readings: Mapping[str, str] | None = None,
          presume: bool = True, today: str = "", asset: str | None = None,
          policy: Evidence | None = None) -> list[Report]:
    """A report for each asset found under `path` (a folder, a file, or a caveat.toml).

    `policy` is what a policy file says (evidence/policy.py), over what the caveat.toml of the place says.
    Raises EvidenceError if nothing can be read, SettingsError for an unknown word in caveat.toml.
    """
    from caveat.evidence import gather
    from caveat.flows.own_law import law_beside

    with law_beside(Path(path)):
        evidence = gather(Path(path), asset) + (policy or Evidence())
        return check_evidence(evidence, facts=facts, readings=readings, presume=presume, today=today)


def check_evidence(evidence: Evidence, *, facts: Mapping[str, str] | None = None,
                   readings: Mapping[str, str] | None = None, presume: bool = True, today: str = "") -> list[Report]:
    """The same for evidence that was gathered already."""
    day = today or date.today().isoformat()
    found = lineage_of(evidence, names(), day)
    meant = tuple(u for u in found.evidence.claims if isinstance(u, UseClaim))
    settled, late = settled_readings(found.evidence.settlements, day)
    told = {**checked_facts(dict(found.evidence.facts)), **checked_facts(facts or {})}
    problems = (*found.problems, *late, *contradicted(told, [u.act for u in meant]))
    spots = {id: n for n, id in enumerate(found.lineage.assets)}
    context = Context(found._replace(problems=problems), told, {**settled, **checked_readings(readings or {})}, day,
                      presume, evidence.you or YOU, spots, meant)
    return [_report(context, subject) for subject in found.subjects]


def may_of(evidence: Evidence, *, today: str = "") -> tuple[May, ...]:
    """Only "what you may do with it", of the first subject: much quicker where nobody asks how it was made."""
    found = lineage_of(evidence, names(), today or date.today().isoformat())
    facts = checked_facts(dict(found.evidence.facts))
    context = Context(found, facts, {}, today or date.today().isoformat(), True, evidence.you or YOU, {}, ())
    return tuple(_may(context, graph.choices(found.lineage)[0], found.subjects[0]))


def settled_readings(settlements: Iterable[Settlement], today: str) -> tuple[dict[str, str], list[Problem]]:
    """Readings in force, and a problem for each that has run out."""
    held: dict[str, str] = {}
    late = []
    for s in settlements:
        if _over(s, today):
            late.append(Problem(s.place.file, f"the settled reading {s.word} = {s.reading} ran out on {s.until}",
                                s.place.line, "the word is open again"))
        else:
            held[s.word] = s.reading
    return held, late


def _over(s: Settlement, today: str) -> bool:
    return bool(s.until and s.until.isoformat() < today)


def _report(c: Context, subject: str) -> Report:
    best = min((_judged(c, one, subject) for one in graph.choices(_behind(c, subject))),
               key=lambda r: -VERDICTS.index(r.verdict))
    return best


def _behind(c: Context, subject: str) -> graph.Lineage:
    """What stands behind one subject and its uses: of a thousand plans in one folder each is judged by itself."""
    whole = c.found.lineage
    if len(c.found.subjects) == 1:
        return whole
    used = {x for u in c.meant for x in (u.asset, u.of) if x in whole.assets}
    kept = sorted(whole.above([subject, *used]), key=c.spots.__getitem__)
    return graph.Lineage({id: whole.assets[id] for id in kept}, whole.problems)


def _judged(c: Context, lineage: graph.Lineage, subject: str) -> Report:
    asset = lineage.assets[subject]
    maker = asset.maker or c.you
    judged = [*_made(c, lineage, subject), *_offered(c, lineage, subject, maker), *_uses(c, lineage, subject)]
    accepted, late = in_force(c.found.evidence.acceptances, c.today)
    ours = (maker, c.you)
    decisions = _fixed(c, lineage, judged, ours, lambda f: _accept(f, accepted).accepted is None and _counts(f, ours))
    findings = tuple(_accept(f, accepted) for d in decisions for f in d.findings if _worth(f, subject, ours))
    counted = [f for f in findings if f.accepted is None and _counts(f, ours)]
    may = tuple(_may(c, lineage, subject))
    reach = decisions[-1].reach if decisions else {}
    drawn = graph_of(lineage, reach, subject, findings)
    declared = _declared(asset)
    quiet = _silence(c, lineage, asset, findings)
    seen = Seen(subject, drawn, declared, (*counted, *quiet), may, c.facts.get("channel", ""))
    broken = tuple(_accept(f, accepted) for f in dict.fromkeys((*quiet, *breaches(c.found.evidence.policy, seen))))
    findings, counted = (*findings, *broken), [*counted, *(f for f in broken if f.accepted is None)]
    unused = [Problem(a.place.file, f"nothing is found that {a.finding} accepts", a.place.line, "it may be removed")
              for a in accepted if not any(f.accepted == a for f in findings)]
    return Report(
        subject, asset.kind or "model", _worst(f.verdict for f in counted), declared, findings, may,
        drawn, max([d.worlds for d in decisions], default=1),
        _once(p for d in decisions for p in d.presumed), _once(s for d in decisions for s in d.standing),
        tuple(s for s in c.found.evidence.settlements if not _over(s, c.today)),
        (*c.found.problems, *late, *unused, *silent(c.found.evidence.policy, seen)), _law(decisions), maker,
    )


def _counts(f: Finding, ours: tuple[str, ...]) -> bool:
    """What others did further up is told and moves nothing."""
    return f.whose in ours or f.about != "made"


def _fixed(c: Context, lineage: graph.Lineage, judged: list[Judged], ours: tuple[str, ...],
           counts: Callable[[Finding], bool]) -> list[Decision]:
    """With the smallest changes that would help, where help is needed: nothing is imported for good news."""
    mine = [n for n, (asked, _) in enumerate(judged) if asked.actor in ours]
    decisions = [decision for _, decision in judged]
    told = [f for n in mine for f in decisions[n].findings if counts(f)]
    denied = any(d.state == "contradicted" for f in told for d in f.duties)
    if not denied and all(f.verdict in ("permitted", "conditional") for f in told):
        return decisions
    from caveat.flows.fixing import fixed_report

    fixed = fixed_report(lineage, [judged[n] for n in mine], c.you, ours, counts)
    return [fixed[mine.index(n)] if n in mine else d for n, d in enumerate(decisions)]


def _worst(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=VERDICTS.index, default="permitted")


def _worth(f: Finding, subject: str, ours: tuple[str, ...]) -> bool:
    """Told: all of the subject's own making, and of others' steps further up what their terms forbid or may forbid."""
    if f.about != "made" or f.made == subject:
        return True
    return f.verdict != "permitted" if f.whose in ours else f.verdict in ("prohibited", "depends")


def _once(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))


def _asked(c: Context, actor: str) -> Asked:
    facts = c.facts if actor == c.you else {}
    return Asked(actor, (), facts, c.readings, c.today, c.presume, on_disk=c.found.on_disk)


def _judge(lineage: graph.Lineage, asked: Asked) -> Judged:
    return asked, decide(lineage, books(shelf()), asked)


def _made(c: Context, lineage: graph.Lineage, subject: str) -> list[Judged]:
    """Every party's own steps in the making of the subject, the subject's maker first."""
    above = frozenset(lineage.above([subject]))
    order = (subject, *(id for id in reversed(lineage.assets) if id in above))  # never in the order of a set
    parties = dict.fromkeys(e.by for id in order for e in lineage.assets[id].edges if e.by)
    return [_judge(lineage, _asked(c, party)._replace(within=above, about="made", tell_later=True))
            for party in parties]


def _offered(c: Context, lineage: graph.Lineage, subject: str, maker: str) -> list[Judged]:
    """The subject as its maker hands it over: under its label, with what lies beside it, under its name."""
    asset = lineage.assets[subject]
    if not _published(c, asset):
        return []
    laws = tuple(x for x in _label(asset) if x not in ("unknown", "other"))
    use = Use("ship", subject, laws, bare_name(lineage, subject))
    asked = _asked(c, maker)._replace(uses=(use,), within=frozenset(), about="offered", tell_later=True)
    told = _with_duties(decide(lineage, books(shelf()), asked),
                        lambda: decide(lineage, books(shelf()), asked._replace(uses=(use._replace(offered=()),))))
    return [(asked, told)]


def _with_duties(labelled: Decision, free: Callable[[], Decision]) -> Decision:
    """Under a label that is refused nothing is owed, yet what is owed under any label is worth knowing at once."""
    if labelled.verdict != "prohibited":
        return labelled
    owed = {(f.licence, f.act, f.asset): f.duties for f in free().findings}
    told = tuple(f if f.verdict == "prohibited" else f._replace(duties=owed.get((f.licence, f.act, f.asset), ()))
                 for f in labelled.findings)
    return labelled._replace(findings=told)


def _silence(c: Context, lineage: graph.Lineage, asset: graph.Asset, told: Iterable[Finding]) -> tuple[Finding, ...]:
    """Where no terms are known for what somebody else publishes, that is told; unknown parents tell it already."""
    label = set(_label(asset))
    if (label and not label & {"unknown", "other"}) or not _published(c, asset):
        return ()
    if any(f.verdict == "unknown" and f.about == "offered" for f in told):
        return ()
    return unsaid(lineage, asset.id, asset.maker or c.you, _asked(c, c.you))


def _published(c: Context, asset: graph.Asset) -> bool:
    """It carries a label, or is a repository of somebody: then it is handed over. A work in progress is not."""
    return bool(_label(asset)) or "/" in asset.id


def _label(asset: graph.Asset) -> tuple[str, ...]:
    """The licences it is declared under: what the card says, else what lies beside it, else the catalogue."""
    for kind in ("declared", "detected", "catalogue"):
        laws = tuple(dict.fromkeys(x for s in asset.licensed if s.place.kind == kind for x in s.laws))
        if laws:
            return laws
    return ()


def _declared(asset: graph.Asset) -> tuple[Declared, ...]:
    read = {s.laws for s in asset.licensed if s.place.kind != "catalogue"}
    return tuple(Declared(s.raw or " + ".join(s.laws), s.laws, s.place) for s in asset.licensed
                 if s.place.kind != "catalogue" or s.laws not in read)


def _uses(c: Context, lineage: graph.Lineage, subject: str) -> list[Judged]:
    """Uses written down in caveat.toml, judged together: facts such as `sell` hold for all."""
    uses = tuple(Use(u.act, u.asset or subject, u.offered, u.named) for u in c.meant if u.asset in ("", subject))
    if not uses:
        return []
    asked, meant_for = _judge(lineage, _asked(c, c.you)._replace(uses=uses, within=frozenset()))
    return [(asked, meant_for._replace(findings=tuple(f._replace(about="use") for f in meant_for.findings)))]


def _may(c: Context, lineage: graph.Lineage, subject: str) -> Iterable[May]:
    """What you may do with the asset as it stands; information that moves no exit code."""
    kind = lineage.assets[subject].kind or "model"
    for label, act, then in MAY_ACTS.get(kind, MAY_ACTS["model"]):
        planned, uses, made = _planned(lineage, subject, act, then, c.you)
        asked = _asked(c, c.you)._replace(uses=uses, within=made, on_disk=frozenset())
        d = decide(planned, books(shelf()), asked)
        yield May(label, d.verdict, _once(x for f in d.findings for x in f.duties),
                  _once(r for f in d.findings if f.verdict != "permitted" for r in f.rules if r.says != "may"),
                  _once(x for f in d.findings for x in f.doubts))


def _planned(lineage: graph.Lineage, subject: str, act: str, then: str,
             you: str) -> tuple[graph.Lineage, tuple[Use, ...], frozenset[str]]:
    """The lineage with the step you would take, or the use."""
    from caveat.law.words import ACTS

    if not ACTS[act].makes or act == "serve":
        return lineage, (Use(act, subject, (), lineage.assets[subject].name),), frozenset()
    assets, made, parent = dict(lineage.assets), [], subject
    for step in filter(None, (act, then)):
        node = f"{parent} ({step})"
        kind = ACTS[step].makes if ACTS[step].makes != "same" else assets[subject].kind
        assets[node] = graph.Asset(node, kind, maker=you, own=True, edges=(graph.Edge(step, parent, you, ""),))
        made.append(node)
        parent = node
    return graph.Lineage(assets), (), frozenset(made)


def in_force(acceptances: Iterable[Acceptance], today: str) -> tuple[list[Acceptance], list[Problem]]:
    """Acceptances that still hold, and a problem for each that has run out."""
    held, late = [], []
    for a in acceptances:
        if a.until.isoformat() < today:
            late.append(Problem(a.place.file, f"the acceptance of {a.finding} ran out on {a.until} ({a.owner})",
                                a.place.line, "the finding counts again"))
        else:
            held.append(a)
    return held, late


def _accept(f: Finding, accepted: Iterable[Acceptance]) -> Finding:

    for a in accepted:
        if f.id == a.finding and f.verdict != "permitted":
            return f._replace(accepted=a)
    return f


def _law(decisions: Iterable[Decision]) -> tuple[LawUsed, ...]:
    return _once(u for d in decisions for u in d.law)

