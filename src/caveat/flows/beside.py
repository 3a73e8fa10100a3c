"""What `quantize` and `convert` share once their file is whole: papers laid beside it, and the folder checked.

    a file and how it was made -> texts, NOTICE, card -> the check of the folder -> what is owed and what is met
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.imagine import YOU
from caveat.flows import handing_over, quantized_card
from caveat.flows.checking import check, check_evidence
from caveat.flows.handing_over import Handed, Put
from caveat.flows.licence_copies import Copy
from caveat.flows.origin import own_claims
from caveat.flows.quantized_card import Making
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, Place, StepClaim
from caveat.runtime.origin import Origin
from caveat.verdict.answer import Duty, Report, Verdict
from caveat.verdict.document import Part, heading, listed, table, text

#: A folder with more entries is a place of other things, and is not checked as a whole.
MOST_BESIDE = 200


class Papers(NamedTuple):
    """What goes along: whose terms, the verdict on handing it over, the texts that are here, lines of the user's own,
    and the name it is published under, if any."""

    origin: Origin
    laws: tuple[str, ...]
    handing: Verdict
    copies: tuple[Copy, ...]
    notice: tuple[str, ...] = ()
    card: str = ""


class Laid(NamedTuple):
    """The files as they were laid, what is missing, and the check of the folder afterwards (none: other things lie
    there)."""

    files: tuple[Put, ...] = ()
    handed: Handed = Handed()
    reports: tuple[Report, ...] = ()


def laid(papers: Papers, making: Making) -> Laid:
    """Writes what goes along into the folder of the result, then checks the folder as `caveat check` would."""
    folder = making.file.parent
    files, handed = _laid(papers, making, folder)
    reports = tuple(check(folder, asset=papers.card or None)) if _alone(folder) else ()
    return Laid(files, handed, reports)


def _laid(papers: Papers, making: Making, folder: Path) -> tuple[tuple[Put, ...], Handed]:
    handed = handing_over.handed(handing_over.owed(papers.handing), papers.copies, papers.notice)
    files = handing_over.put(folder, handed.files)
    card = quantized_card.written(papers.origin, making, papers.laws, handed, files, standing(papers, making))
    beside = handing_over.put(folder, [Put("README.md", card.encode(), "the card")])
    if beside[0].name != "README.md":
        told = f"README.md is there already and tells of something else: the card lies in {beside[0].name}"
        handed = handed._replace(missing=(*handed.missing, told))
    return (*files, *beside), handed


def _alone(folder: Path) -> bool:
    """Whether a folder holds a model and what belongs to it, and not a project or a home."""
    for n, entry in enumerate(folder.iterdir()):
        if n >= MOST_BESIDE or (entry.is_dir() and not entry.name.startswith(".")):
            return False
    return True


def standing(papers: Papers, making: Making) -> Report:
    """The check of the result by its lineage alone: what one may do with it."""
    where, you = Place("declared", making.file.name, None, making.act), making.by or YOU
    subject, origin = making.title, papers.origin
    claims = (*own_claims(origin), AssetClaim(subject, "kind", "model", where),
              StepClaim(subject, making.act, origin.name, where, you),
              *([LicenceClaim(subject, papers.laws, where)] if papers.laws else []))
    return check_evidence(Evidence((subject,), claims, you=making.by), today=origin.terms_on)[0]


def duties(reports: Iterable[Report]) -> list[Duty]:
    """What is owed when the folder is handed over, with its state after the files were laid."""
    found = {d.cited: d for r in reports for f in r.findings if f.about == "offered" for d in f.duties if not d.whose}
    return list(found.values())


def parts(there: Laid, folder: Path) -> list[Part]:
    """What lies beside the file, what is owed and met, what is missing."""
    rows: list[Part] = [heading("Beside it"), listed([f"{p.name}: {p.what}" for p in there.files])]
    owed = [(d.state, f"{d.cited.licence} §{d.cited.clause} {d.cited.rule}",
             ("" if d.state == "met" else d.how) + _if(d.owed)) for d in duties(there.reports)]
    if owed:
        rows += [heading("Owed when it is handed over"), table(("state", "duty", "what would meet it"), owed)]
    if not there.reports:
        rows.append(text(f"{folder} holds other things too: caveat check tells what is met there."))
    if there.handed.missing:
        rows += [heading("Missing"), listed(there.handed.missing)]
    return rows


def _if(owed: str) -> str:
    """Under which reading or fact something is owed; "" where always."""
    return "" if owed == "always" else f" (owed if {owed})"
