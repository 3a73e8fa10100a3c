"""What records say was used, as claims: the tools differ in their keys, the steps they tell are the same.

    product(...)   an application that called models: it bundles them
    written(...)   texts that models wrote: a data set of theirs
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from caveat.evidence.planned import YOU, on_disk
from caveat.evidence.repo_names import repo_id
from caveat.evidence.source import place
from caveat.lineage.claims import AssetClaim, Claim, Evidence, StepClaim

#: Most things of one record.
MOST = 2000
PURL = re.compile(r"pkg:(?:huggingface|hf)/(?P<id>[\w.%-]+/[\w.-]+|[\w.-]+)")
#: Names of models that are spoken to, not loaded.
SERVICE = re.compile(
    r"(?:(?:openai|anthropic|google|gemini|xai|mistral|cohere|azure|vertex_ai|bedrock)[/:.])?(?:chatgpt-|gpt-(?!2\b|j|neo)|o[1345](?:-|$)"
    r"|text-davinci|davinci|code-davinci|claude|gemini-|command-|grok-|mistral-(?:large|medium|small|tiny)\b|palm|text-bison|deepseek-(?:chat|reasoner)$)",
    re.IGNORECASE)


class Used(NamedTuple):
    """One model or data set that a record names: the act, its name, the line, the key, and a kind if it is known."""

    act: str
    name: str
    line: int | None
    key: str
    kind: str = ""
    weak: str = ""


def evidence(child: str, makes: str, used: Iterable[Used], file: str) -> Evidence:
    """The thing that a record is about, and a step for each thing used, each once."""
    claims: list[Claim] = []
    for u in dict.fromkeys(used):
        if len(claims) > MOST:
            break
        name = plain(u.name)
        if name and name != child:
            where = place(file, u.line, u.key, u.name, "declared", u.weak)
            kind = u.kind or ("service" if SERVICE.match(name) and u.act in ("bundle", "generate", "annotate") else "")
            claims += [AssetClaim(name, "kind", kind, where)] if kind else []
            claims.append(StepClaim(child, u.act, name, where, YOU))
    if not claims:
        return Evidence()
    first = place(file, claims[0].place.line, "record", child)
    return Evidence(claims=tuple(dict.fromkeys((AssetClaim(child, "kind", makes, first), *claims))))


def plain(name: str) -> str:
    """A name as claims carry it: package addresses and hub addresses are ids, the rest as written."""
    name = name.strip()[:200]
    package = PURL.match(name)
    if package:
        return package["id"].replace("%2F", "/").split("@")[0]
    return name if on_disk(name) else repo_id(name) or name


def stem(file: str) -> str:
    """The file's own name without endings."""
    return re.sub(r"(?:\.(?:json|cdx|spdx|otlp|db))+$", "", file.rsplit("/", 1)[-1]) or "record"


def maps(value: object, key: str = "") -> list[dict[str, Any]]:
    """The maps of a list, or of a list under a key of a map."""
    held = value.get(key) if key and isinstance(value, dict) else value
    return [v for v in held[:MOST] if isinstance(v, dict)] if isinstance(held, list) else []


def word(value: object, *keys: str) -> str:
    """The text under a path of keys, or ""."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""
