"""ModelPack configurations (the CNCF format for models as container images): name, family, licences, parent.

    {"descriptor": {"name", "family", "vendor", "licenses": [...], "sourceURL"}, "modelfs": ..., "config": {...}}

Traps: the manifest around it names only layers; `sourceURL` is where it was taken from, a copy; licences are SPDX
expressions as their writer understood them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from caveat.evidence.licensed import licence_claims
from caveat.evidence.source import place
from caveat.evidence.used import Used, evidence, stem, word
from caveat.lineage.claims import AssetClaim, Claim, Evidence

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'"modelfs"\s*:|application/vnd\.cncf\.model\.')


def recognises(data: dict[str, Any]) -> bool:
    return isinstance(data.get("descriptor"), dict) and ("modelfs" in data or "config" in data)


def claims_of(record: Record) -> Evidence:
    told = record.read.data["descriptor"]
    name = word(told, "name") or stem(record.file)
    source = word(told, "sourceURL") or word(told, "sourceUrl")
    line = record.read.line("descriptor")
    copied = Used("copy", source, record.read.line("sourceURL"), "descriptor.sourceURL")
    steps = evidence(name, "model", [copied] if "huggingface.co" in source else [], record.file)
    kind: list[Claim] = [AssetClaim(name, "kind", "model", place(record.file, line, "descriptor", name))]
    listed = told.get("licenses")
    words = [w for w in listed if isinstance(w, str)] if isinstance(listed, list) else []
    return steps + Evidence(claims=(*kind, *licence_claims(name, words, record, "descriptor.licenses")))
