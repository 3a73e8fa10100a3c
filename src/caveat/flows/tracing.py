"""`caveat trace`: the lineage of an asset, with the roles in which licences reach each part of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from caveat.errors import EvidenceError
from caveat.evidence.imagine import YOU
from caveat.evidence.services import dated
from caveat.flows.asking import books, names
from caveat.flows.gathering import lineage_of
from caveat.flows.picture import graph_of
from caveat.flows.places import REPO, place_of
from caveat.law.shelf import shelf
from caveat.lineage import graph
from caveat.verdict.answer import Graph
from caveat.verdict.bind import bind


def trace(named: str, *, online: bool = False, today: str = "") -> Graph:
    """The lineage of a path, a cached repository, or an asset that the catalogue knows. Raises EvidenceError."""
    from caveat.flows.own_law import law_beside

    day = today or date.today().isoformat()
    with law_beside(Path(named)):
        lineage, subject = _lineage(named, online, day)
        law = books(shelf())
        return graph_of(lineage, bind(lineage, law.law_of, YOU), subject, ())


def _lineage(named: str, online: bool, day: str) -> tuple[graph.Lineage, str]:
    book = names()
    known = book.resolve(named)
    if known and not Path(named).exists():
        claims = dated(book.claims(known, date.fromisoformat(day)), book.is_service, known)
        return graph.of(claims), known
    if not Path(named).exists() and not REPO.match(named):
        near = ", ".join(book.nearest(named))
        hint = f" (did you mean {near}?)" if near else ""
        raise EvidenceError(f"{named}: no such path, and nobody is known so{hint}")
    from caveat.evidence import gather

    place, name = place_of(named, online)
    found = lineage_of(gather(place, name), book, day)
    return found.lineage, found.subjects[0]
