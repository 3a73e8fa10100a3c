"""The papers of a run: its card, its in-toto statement and its Croissant metadata, written from one set of facts.

    papers(run, columns) -> {"README.md": ..., "provenance.intoto.json": ..., "croissant.json": ...}

No licence is invented for the rows: what the asker chose stands there, or nothing, with a sentence why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caveat.errors import SettingsError
from caveat.flows.asking import names
from caveat.flows.checking import check_evidence
from caveat.flows.origin import allowed, own_claims
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, Place, StepClaim
from caveat.report import dataset_card
from caveat.runtime.origin import Origin
from caveat.runtime.provenance import CROISSANT_FILE, STATEMENT_FILE, Run, croissant, statement, text_of
from caveat.verdict.answer import Report, Verdict

CARD_FILE = "README.md"
#: Addresses of licences in Croissant, as its specification recommends.
SPDX = "https://spdx.org/licenses/"


class Label(NamedTuple):
    """What the rows go out under: the hub's tag, the name where the tag is "other", and the SPDX id if there is one."""

    tag: str = ""
    name: str = ""
    spdx: str = ""


def papers(run: Run, columns: Iterable[tuple[str, str]], *, licence: str = "", title: str = "",
           extra: Mapping[str, object] | None = None) -> dict[str, str]:
    """File name -> text. `columns` are (name, schema.org type); `licence` is what the asker chose for the rows.

    Raises SettingsError for a licence that nobody knows.
    """
    label = label_of(licence)
    report = rows_report(run, licence)
    told = _written(run, label, title, report, extra or {})
    meta = croissant(run, columns, name=title, licence=f"{SPDX}{label.spdx}" if label.spdx else label.name or label.tag)
    return {CARD_FILE: dataset_card.written(told), STATEMENT_FILE: text_of(statement(run)),
            CROISSANT_FILE: text_of(meta)}


def label_of(licence: str) -> Label:
    """The label for a licence word. Raises SettingsError for one that nobody knows."""
    if not licence:
        return Label()
    book = names()
    law = book.one_licence(licence)
    if not law:
        raise SettingsError(f"--licence: nobody knows {licence!r}; give an SPDX id or a licence that caveat explains")
    tag = next((t for t in (licence.lower(), law) if book.shelf.tag(t)), "")
    spdx = str(book.shelf.law(law).spdx)
    return Label(tag, "", _plain(spdx)) if tag else Label("other", law, _plain(spdx))


def _plain(spdx: str) -> str:
    return "" if spdx.startswith("LicenseRef") else spdx


def rows_report(run: Run, licence: str = "") -> Report:
    """The check of the rows themselves, as whoever ran it holds them: "what you may do with it" comes from here."""
    rows = f"rows of run {run.run_id}"
    where = Place("declared", STATEMENT_FILE, None, f"run {run.run_id}", run.origin.purl)
    law = names().one_licence(licence) if licence else None
    claims = (AssetClaim(rows, "kind", "dataset", where), AssetClaim(rows, "own", "yes", where),
              StepClaim(rows, "generate", run.origin.name, where, "you"), *own_claims(run.origin),
              *((LicenceClaim(rows, (law,), where, raw=licence),) if law else ()))
    return check_evidence(Evidence((rows,), claims), today=run.origin.terms_on)[0]


def bound(origin: Origin) -> Verdict:
    """Whether what this model writes may train any model at all: what the card says first."""
    return allowed(origin, "train my-model", fixes=False)


def _written(run: Run, label: Label, title: str, report: Report, extra: Mapping[str, object]) -> dataset_card.Written:
    o = run.origin
    return dataset_card.Written(
        title or f"Rows of run {run.run_id}", o.name, o.kind, o.purl, o.laws, o.terms_on, run.run_id, run.by, run.rows,
        run.errors, run.started, run.finished, f"{run.engine} {run.version}".strip(),
        tuple((k, str(v)) for k, v in run.parameters.items()), run.purpose, run.verdict, run.accepted,
        tuple(f.name for f in run.files if f.rows), label.tag, label.name, bound(o).verdict, report, dict(extra))
