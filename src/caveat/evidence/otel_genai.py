"""OpenTelemetry traces after the conventions for generative AI: which models an application really called.

    span.attributes: gen_ai.request.model, gen_ai.response.model, gen_ai.system | gen_ai.provider.name
    resource.attributes: service.name (the application)

Traps: attributes are lists of {key, value: {stringValue}} in OTLP and plain maps in exporters' own JSON; the response
names the dated model that answered, the request often only an alias.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caveat.evidence.used import MOST, Used, evidence, maps, stem, word
from caveat.lineage.claims import Evidence

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'gen_ai\.(?:request|response)\.model|"gen_ai\.')
MODEL = ("gen_ai.response.model", "gen_ai.request.model")


def recognises(data: dict[str, Any]) -> bool:
    return any("gen_ai" in key for _, span in spans(data) for key in attributes(span))


def claims_of(record: Record) -> Evidence:
    by_app: dict[str, list[Used]] = {}
    for app, span in spans(record.read.data):
        told = attributes(span)
        key = next((k for k in MODEL if told.get(k)), "")
        if key:
            maker = told.get("gen_ai.provider.name") or told.get("gen_ai.system") or ""
            used = Used("bundle", told[key], record.line(told[key]), f"{key} ({maker})" if maker else key)
            by_app.setdefault(app or stem(record.file), []).append(used)
    return sum((evidence(app, "product", used, record.file) for app, used in by_app.items()), Evidence())


def spans(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every span with the name of its application."""
    tops = [data, *maps(data, "records")]
    for resource in (r for top in tops for r in (*maps(top, "resourceSpans"), *maps(top, "resource_spans"))):
        held = resource.get("resource")
        app = attributes(held).get("service.name", "") if isinstance(held, dict) else ""
        for scope in (*maps(resource, "scopeSpans"), *maps(resource, "scope_spans")):
            yield from ((app, s) for s in maps(scope, "spans"))
    for top in tops:
        held = top.get("resource")
        app = attributes(held).get("service.name", "") if isinstance(held, dict) else ""
        yield from ((app, s) for s in (top, *maps(top, "spans")) if isinstance(s.get("attributes"), (dict, list)))


def attributes(holder: dict[str, Any]) -> dict[str, str]:
    """Attributes as texts, in either form."""
    held = holder.get("attributes")
    if isinstance(held, dict):
        return {k: v for k, v in held.items() if isinstance(v, str)}
    rows = held[:MOST] if isinstance(held, list) else []
    return {word(r, "key"): word(r, "value", "stringValue") for r in rows if isinstance(r, dict) and word(r, "key")}
