"""CycloneDX documents as input: the models, data sets and services that a bill of materials lists, with their terms.

    components: [{type: machine-learning-model | data, name, purl, licenses, pedigree.ancestors, modelCard}]
    metadata.component: what the bill is of      services: [{name}]

Traps: libraries are software with licences of their own and no lineage of models; a data set inside a model card may
be a reference to another component; `group` is the owner.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caveat.evidence.licensed import licence_claims
from caveat.evidence.used import Used, evidence, maps, plain, stem, word
from caveat.lineage.claims import Evidence

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'"bomFormat"\s*:\s*"CycloneDX"')
KINDS = {"machine-learning-model": "model", "data": "dataset"}


def recognises(data: dict[str, Any]) -> bool:
    return data.get("bomFormat") == "CycloneDX"


def claims_of(record: Record) -> Evidence:
    data = record.read.data
    top = data.get("metadata", {}).get("component") if isinstance(data.get("metadata"), dict) else None
    top = top if isinstance(top, dict) else {}
    parts = [c for c in _all(maps(data, "components")) if word(c, "type") in KINDS]
    refs = {word(c, "bom-ref"): name_of(c) for c in (*parts, top) if word(c, "bom-ref")}
    whole = name_of(top) or stem(record.file)
    found = evidence(whole, KINDS.get(word(top, "type"), "product"), _inside(record, top, parts), record.file)
    for c in (*parts, *([top] if word(top, "type") in KINDS else [])):
        found += evidence(name_of(c), KINDS[word(c, "type")], _behind(record, c, refs), record.file)
        words = [w for row in maps(c, "licenses") for w in [
            word(row, "expression") or word(row, "license", "id") or word(row, "license", "name")] if w]
        found += Evidence(claims=tuple(licence_claims(name_of(c), words, record, "licenses")))
    return found


def _all(components: list[dict[str, Any]], depth: int = 0) -> Iterator[dict[str, Any]]:
    """Components and those inside them, eight levels deep."""
    for c in components:
        yield c
        if depth < 8:
            yield from _all(maps(c, "components"), depth + 1)


def name_of(c: dict[str, Any]) -> str:
    """The hub id in the package address, else group and name."""
    purl = word(c, "purl")
    if purl.startswith("pkg:huggingface/"):
        return plain(purl)
    return "/".join(filter(None, (word(c, "group"), word(c, "name"))))


def _inside(record: Record, top: dict[str, Any], parts: list[dict[str, Any]]) -> Iterator[Used]:
    """What a product carries; a bill of one model lists what it was made from further down."""
    if word(top, "type") in KINDS:
        return
    for c in parts:
        yield Used("bundle", name_of(c), record.line(word(c, "name")), "components", KINDS[word(c, "type")])
    for s in maps(record.read.data, "services"):
        yield Used("bundle", name_of(s), record.line(word(s, "name")), "services", "service")


def _behind(record: Record, c: dict[str, Any], refs: dict[str, str]) -> Iterator[Used]:
    """Ancestors and training data of one model."""
    for a in maps(c.get("pedigree"), "ancestors"):
        yield Used("finetune", name_of(a), record.line(word(a, "name")), "pedigree.ancestors")
    card = c.get("modelCard")
    settings = card.get("modelParameters") if isinstance(card, dict) else None
    for d in maps(settings, "datasets"):
        name = refs.get(word(d, "ref"), "") or word(d, "name")
        line = record.line(word(d, "name") or word(d, "ref"))
        yield Used("train", name, line, "modelCard.modelParameters.datasets", "dataset")
