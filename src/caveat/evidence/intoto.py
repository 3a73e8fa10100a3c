"""in-toto statements with SLSA provenance v1, as `caveat generate` leaves them beside its rows.

    {"_type": "https://in-toto.io/Statement/v1", "subject": [{name, digest}], "predicateType": SLSA provenance,
     "predicate": {"buildDefinition": {resolvedDependencies: [{uri}]},
                   "runDetails": {"metadata": {invocationId}, "caveat_run": {generator, by}}}}

Statements of other builders say nothing of models and are left alone. A statement proves nothing about itself: it is
unsigned, and whoever edits it may edit its digests too; `caveat verify` compares it with the files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from caveat.evidence import generated
from caveat.evidence.source import place
from caveat.evidence.used import word
from caveat.lineage.claims import AssetClaim, Evidence, Problem

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r"in-toto\.io/Statement/v1")
TYPE, SLSA = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://github.com/caveat-dev/caveat/generate/v1"


def recognises(data: dict[str, object]) -> bool:
    return data.get("_type") == TYPE and data.get("predicateType") == SLSA


def claims_of(record: Record) -> Evidence:
    """That a model wrote the rows beside the statement, and for whom."""
    predicate = record.read.data.get("predicate")
    if word(predicate, "buildDefinition", "buildType") != BUILD_TYPE:
        return Evidence()
    address = word(predicate, "runDetails", "caveat_run", "generator")
    run = word(predicate, "runDetails", "metadata", "invocationId")
    child = generated.home_of(record.file, record.asset)
    where = place(record.file, record.line(address), "caveat_run.generator", address)
    claims = generated.claims_of(child, address, run, where, word(predicate, "runDetails", "caveat_run", "by")[:200])
    if not claims:
        what = "a statement of a run that names no generator as a package address"
        return Evidence(problems=(Problem(record.file, what, None, "nothing was read from it"),))
    own = AssetClaim(child, "kind", "dataset", where._replace(key="predicateType"))
    return Evidence(claims=(own, *generated.whereabouts(child, record.file, record.asset, where), *claims))
