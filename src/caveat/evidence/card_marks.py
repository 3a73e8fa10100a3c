"""Finds what stands on a card that can meet a duty: fixed labels ("Built with Llama"), credit, a licence link.

A label counts only where the card shows it, not where a quoted agreement asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from caveat.evidence.card_prose import LINK, Line, plain
from caveat.evidence.source import place
from caveat.evidence.yaml_safe import Mapping, Scalar
from caveat.lineage.claims import FileClaim

#: Labels that licences ask for, longest first where one begins another.
LABELS = (
    "Built with Meta Llama 3", "Built with Llama", "Built with Qwen", "Improved using Qwen", "Built with Yi",
    "Built with DeepSeek", "Built with Gemma", "Powered by Stability AI", "Built with Falcon",
    "Built with Mistral", "Built with glm-4", "Built on NVIDIA Cosmos",
    "Built using Falcon LLM technology from the Technology Innovation Institute",
    "Built using artificial intelligence technology from the Technology Innovation Institute",
)
#: Words right before a label that show it is asked for, not shown.
ASKED = re.compile(r"display|[“\"'‘]\s*$|include|prefix|must|state|add ", re.IGNORECASE)
CHANGED = re.compile(
    r"\b(?:fine-?\s?tun(?:ed|e)|quanti[sz]ed|converted|merged?|modified|adapted|pruned|further trained)\b",
    re.IGNORECASE)
GENERATED = re.compile(
    r"\b(?:(?:data|instructions?|responses?|answers|outputs?|conversations)\b[^.]{0,60}"
    r"\b(?:generated|synthesi[sz]ed|written|produced) (?:by|with|using) "
    r"|(?:ai|machine|model)[- ]generated (?:data|text|content)|synthetic data)",
    re.IGNORECASE)
LICENCE_LINK = re.compile(r"licen[cs]e|terms(?:[-_ ]of[-_ ]use)?$|/terms", re.IGNORECASE)


def read(front: Mapping, lines: list[Line], file: str, asset: str, bases: tuple[str, ...],
         data: tuple[str, ...] = ()) -> Iterator[FileClaim]:
    """card-line and card-field claims of one card, each the first time it stands there. `bases` are the models it was
    made from, `data` the sets: naming one credits no other sort."""
    link = front.get("license_link")
    if isinstance(link, Scalar) and not link.null:
        yield FileClaim(asset, "card-field", "licence-link", place(file, link.line, "license_link", link.text))
    seen: set[str] = {"licence-link"} if link else set()
    for line in lines:
        for what, value in _marks(line, bases, data):
            if value not in seen:
                seen.add(value)
                yield FileClaim(asset, what, value, place(file, line.number, "body", line.text, "detected"))


def _marks(line: Line, bases: tuple[str, ...], data: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    text = plain(line.text)
    label = _label(text)
    if label:
        yield "card-line", label
    low = line.text.lower()
    if _names(low, data):
        yield "card-field", "data-credit"
    if _names(low, bases):
        yield "card-field", "credit"
        if CHANGED.search(text):
            yield "card-field", "changed"
    if GENERATED.search(text):
        yield "card-field", "generated"
    if any(LICENCE_LINK.search(m["url"]) or LICENCE_LINK.search(m["text"]) for m in LINK.finditer(line.text)):
        yield "card-field", "licence-link"


def _names(low: str, parents: tuple[str, ...]) -> bool:
    return any(p.lower() in low for p in parents if "/" in p)


def _label(text: str) -> str:
    """The fixed label that a short line shows, or ""."""
    if len(text) > 200:
        return ""
    for label in LABELS:
        at = text.lower().find(label.lower())
        if at >= 0 and not ASKED.search(text[max(0, at - 40):at]):
            return label
    return ""
