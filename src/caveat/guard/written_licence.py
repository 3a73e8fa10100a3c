"""Under which licence a trained model may go out, tried and not guessed: each candidate is judged as by a check.

Written on the card only where nothing about the making is open and the verdict lets the whole go out under it; where
that is not so, the card says why instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from caveat.guard.judged import Judged, Settings, reports_of
from caveat.lineage.claims import Evidence, LicenceClaim, Place
from caveat.report import words
from caveat.verdict.answer import Report

#: Labels that are tried; each is a check.
MOST = 6
GOOD = frozenset({"permitted", "conditional"})
NOT_TERMS = frozenset({"unknown", "other"})


class Label(NamedTuple):
    """`laws` it may go out under, () if none was found; `why` in words; `front` the keys of the card."""

    laws: tuple[str, ...]
    why: str
    front: tuple[tuple[str, str | tuple[str, ...]], ...] = ()


def label(evidence: Evidence, judged: Judged, settings: Settings) -> Label:
    """The first label that passes: that of the base, then those of other parts, then all of them together."""
    if judged.refused or any(f.verdict == "prohibited" for f in judged.accepted):
        return Label((), "its making is prohibited by terms of a part: no label makes that good")
    if judged.warned:
        open_ = "; ".join(f"{words.deed(f)} {f.verdict} ({words.hangs(f)})" for f in judged.warned[:3])
        return Label((), f"whether it may be made at all is open: {open_}")
    reasons: list[str] = []
    for laws in islice(_candidates(judged.report), MOST):
        against = _against(laws, evidence, settings)
        if not against:
            front = front_of(laws)
            return Label(laws, "") if not front else Label(laws, _told(laws), front)
        reasons.append(f"{' + '.join(laws)}: {against}")
    return Label((), "; ".join(reasons[:3]) or "no part states terms")


def _candidates(report: Report) -> Iterator[tuple[str, ...]]:
    """Labels of the bases, of everything else above, and all at once; each once."""
    bases = [e.parent for e in report.graph.edges if e.child == report.subject and e.act in ("finetune", "adapt")]
    held = {n.id: tuple(x for x in n.licences if x not in NOT_TERMS) for n in report.graph.nodes}
    others = [laws for id, laws in held.items() if id not in bases and id != report.subject]
    every = tuple(dict.fromkeys(x for laws in (*(held.get(b, ()) for b in bases), *others) for x in laws))
    found = (*(held.get(b, ()) for b in bases), *others, every)
    yield from (laws for laws in dict.fromkeys(found) if laws)


def _against(laws: tuple[str, ...], evidence: Evidence, settings: Settings) -> str:
    """What stands against offering the model under these; "" where nothing does."""
    child = evidence.subjects[0]
    claim = LicenceClaim(child, laws, Place("declared", "README.md", None, "license"), False, ", ".join(laws))
    plain = Evidence(evidence.subjects, (*(c for c in evidence.claims if not _labels(c, child)), claim),
                     settlements=evidence.settlements, facts=evidence.facts, you=evidence.you)
    offered = [f for f in reports_of(plain, settings)[0].findings if f.about == "offered" and f.verdict not in GOOD]
    return "; ".join(dict.fromkeys(f"{f.verdict} by {f.licence}" for f in offered))


def _labels(claim: object, child: str) -> bool:
    return isinstance(claim, LicenceClaim) and claim.asset == child


def _told(laws: Iterable[str]) -> str:
    return f"checked: with this lineage the model may go out under {' + '.join(laws)}"


def front_of(laws: tuple[str, ...]) -> tuple[tuple[str, str | tuple[str, ...]], ...]:
    """The keys of a model card: the hub's tag where it has one, else `other` with name and address."""
    from caveat.law.shelf import shelf

    tags = {row["law"]: tag for tag, row in reversed(shelf().tags().items()) if row.get("law")}
    known = tuple(tags[law] for law in laws if law in tags)
    if len(known) == len(laws):
        return (("license", known[0] if len(known) == 1 else known),)
    if len(laws) != 1:
        return ()
    law = shelf().law(laws[0])
    return (("license", "other"), ("license_name", law.id), *((("license_link", law.source),) if law.source else ()))
