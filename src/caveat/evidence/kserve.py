"""KServe manifests: which model a cluster is told to serve, by storage address, argument or name.

    kind: InferenceService       spec.predictor.model: {storageUri: hf://owner/name, args: [--model_id=owner/name]}
    kind: LLMInferenceService    spec.model: {uri: hf://owner/name, lora: {adapters: [{uri}]}}

Traps: pvc://, s3:// and gs:// are stores that nobody else can look into; one file holds many documents; a runtime
without a model serves nothing yet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from caveat.evidence.planned import Part, Recipe, evidence, file_name
from caveat.evidence.yaml_safe import Mapping, scalars
from caveat.lineage.claims import Evidence

KEYS = ("apiVersion",)
API = "serving.kserve.io"
URIS = ("storageUri", "storage_uri", "uri")
ARGUMENT = re.compile(r"^--(?:model[_-]id|model|model[_-]name[_-]or[_-]path|speculative[_-]model)(?:=(?P<name>\S+))?$")
ADAPTER = re.compile(r"^(?:[\w.-]+=)?(?P<name>[\w.-]+/[\w.-]+)$")


def recognises(tree: Mapping) -> bool:
    return API in tree.text("apiVersion") and isinstance(tree.get("spec"), Mapping)


def claims_of(recipe: Recipe) -> Evidence:
    meta = recipe.tree.get("metadata")
    name = meta.text("name") if isinstance(meta, Mapping) else ""
    return evidence(recipe, parts(recipe.tree), name or file_name(recipe), makes="service")


def parts(tree: Mapping) -> Iterator[Part]:
    """Addresses of storage, and the arguments of the server, whatever the depth."""
    asked = ""
    for path, s in scalars(tree.get("spec"), "spec"):
        last = re.sub(r"(?:\[\d+\])+$", "", path).rsplit(".", 1)[-1]
        if last in URIS:
            yield Part("serve", s.text.strip(), s.line, path)
        elif last in ("args", "command"):
            name, asked = _argument(s.text.strip(), asked)
            if name:
                yield Part("serve", name, s.line, path)


def _argument(text: str, asked: str) -> tuple[str, str]:
    """The model that an argument names, and what the next one is going to name ("model", "adapter" or nothing)."""
    flag = ARGUMENT.match(text)
    if flag:
        return flag["name"] or "", "" if flag["name"] else "model"
    if text.startswith("-"):
        return "", "adapter" if text == "--lora-modules" else ""
    adapter = ADAPTER.match(text)
    named = {"model": text, "adapter": adapter["name"] if adapter else "", "": ""}[asked]
    return named, asked if asked == "adapter" else ""
