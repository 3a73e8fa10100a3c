"""SPDX documents as input: packages of version 2, and the AI and data set profiles of version 3.

    2.x  {"spdxVersion": ..., "packages": [{SPDXID, name, licenseDeclared, externalRefs}], "relationships": [...]}
    3.0  {"@graph": [{"type": "ai_AIPackage" | "dataset_DatasetPackage" | "Relationship", ...}]}

Traps: version 2 has no kind for models: a package with an address on the hub is one; a relationship may be written
from either side (DESCENDANT_OF, ANCESTOR_OF); `testedOn` is only measured; NOASSERTION says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from caveat.evidence.licensed import licence_claims
from caveat.evidence.used import Used, evidence, maps, plain, word
from caveat.lineage.claims import Evidence

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'"spdxVersion"\s*:|spdx\.org/rdf/3|"@graph"\s*:')
PACKAGES = {"ai_AIPackage": "model", "dataset_DatasetPackage": "dataset", "ai:AIPackage": "model",
            "dataset:DatasetPackage": "dataset"}
#: Relationship -> (act, whether the first named is the child).
RELATIONS: dict[str, tuple[str, bool]] = {
    "trainedOn": ("train", True), "descendantOf": ("finetune", True), "ancestorOf": ("finetune", False),
    "hasVariant": ("convert", False), "contains": ("bundle", True), "generates": ("generate", False),
    "DESCENDANT_OF": ("finetune", True), "ANCESTOR_OF": ("finetune", False), "VARIANT_OF": ("convert", True),
    "GENERATED_FROM": ("generate", True), "CONTAINS": ("bundle", True), "DEPENDS_ON": ("bundle", True),
    "DATA_FILE_OF": ("train", False),
}
LICENCES = ("hasDeclaredLicense", "hasConcludedLicense")


class Thing(NamedTuple):
    """One package: its name, its kind ("": not told), its licence words."""

    name: str
    kind: str
    words: tuple[str, ...] = ()


def recognises(data: dict[str, Any]) -> bool:
    return "spdxVersion" in data or any(word(e, "type") in PACKAGES for e in maps(data, "@graph"))


def claims_of(record: Record) -> Evidence:
    data = record.read.data
    things, relations = _second(data) if "spdxVersion" in data else _third(data)
    used: dict[str, list[Used]] = {}
    for first, kind, second in relations:
        act, child_first = RELATIONS[kind]
        child, parent = (first, second) if child_first else (second, first)
        if parent in things and child in things and (things[parent].kind or things[child].kind):
            part = things[parent]
            used.setdefault(child, []).append(Used(act, part.name, record.line(part.name), kind, part.kind))
    found = Evidence()
    for id, thing in things.items():
        found += evidence(thing.name, thing.kind or "product", used.get(id, ()), record.file)
        if thing.kind:
            found += Evidence(claims=tuple(licence_claims(thing.name, list(thing.words), record, "licence")))
    return found


Read = tuple[dict[str, Thing], list[tuple[str, str, str]]]


def _second(data: dict[str, Any]) -> Read:
    things = {word(p, "SPDXID"): _package(p) for p in maps(data, "packages")}
    related = ((word(r, "spdxElementId"), word(r, "relationshipType"), word(r, "relatedSpdxElement"))
               for r in maps(data, "relationships"))
    return things, [r for r in related if r[1] in RELATIONS]


def _package(p: dict[str, Any]) -> Thing:
    hub = next((word(r, "referenceLocator") for r in maps(p, "externalRefs")
                if word(r, "referenceLocator").startswith("pkg:huggingface/")), "")
    told = word(p, "downloadLocation")
    hub = hub or (told if "huggingface.co/" in told else "")
    kind = ("dataset" if "/datasets/" in told else "model") if hub else ""
    return Thing(plain(hub) if hub else word(p, "name"), kind, (word(p, "licenseDeclared"),))


def _third(data: dict[str, Any]) -> Read:
    graph = maps(data, "@graph")
    licences = {_id(e): word(e, "simplelicensing_licenseExpression") for e in graph}
    labels: dict[str, list[str]] = {}
    relations: list[tuple[str, str, str]] = []
    for e in graph:
        kind = word(e, "relationshipType")
        for second in _targets(e):
            if kind in LICENCES and licences.get(second):
                labels.setdefault(word(e, "from"), []).append(licences[second])
            elif kind in RELATIONS:
                relations.append((word(e, "from"), kind, second))
    kinds = {**PACKAGES, "software_Package": ""}
    things = {_id(e): Thing(_named(e), kinds[word(e, "type")], tuple(labels.get(_id(e), ())))
              for e in graph if word(e, "type") in kinds and _named(e)}
    return things, relations


def _id(e: dict[str, Any]) -> str:
    return word(e, "spdxId") or word(e, "@id")


def _targets(e: dict[str, Any]) -> Iterator[str]:
    to = e.get("to")
    yield from (t for t in (to if isinstance(to, list) else [to]) if isinstance(t, str))


def _named(e: dict[str, Any]) -> str:
    url = word(e, "software_packageUrl")
    return plain(url) if url.startswith("pkg:huggingface/") else word(e, "name")
