"""Provenance as response headers: whose output it is, of which run, under which terms, and what those allow.

    Caveat-Generator: pkg:huggingface/meta-llama/Llama-2-7b-chat-hf     Caveat-Terms: llama-2 (2026-11-24)
    Caveat-Run-Id: ...     Caveat-Exchange: ...     Caveat-May: train=prohibited, sell=permitted, publish=permitted
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.runtime.origin import Origin

LONGEST = 1000
PREFIX = b"caveat-"
Headers = list[tuple[bytes, bytes]]
VERDICTS = ("prohibited", "unknown", "depends", "conditional", "permitted")


class Known(NamedTuple):
    """A served model: where it comes from, and what its answers may be used for (purpose -> verdict)."""

    origin: Origin
    may: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {**self.origin.to_dict(), "may": dict(self.may)}


def known_of(told: Mapping[str, Any], place: str = "") -> Known:
    """A served model from its JSON object. Raises SettingsError naming the place."""
    texts = {k: v for k, v in told.items() if k in Origin._fields and isinstance(v, str)}
    lists = {k: tuple(map(str, told[k][:100])) for k in ("laws", "base") if isinstance(told.get(k), list)}
    if not texts.get("name") or not texts.get("purl"):
        raise SettingsError("an origin wants at least a name and a purl", place=place)
    may = told.get("may") if isinstance(told.get("may"), dict) else {}
    origin = Origin(**{"kind": "model", **texts, **lists})  # type: ignore[arg-type]  # fields were looked at above
    return Known(origin, tuple((str(k), v) for k, v in (may or {}).items() if v in VERDICTS))


def provenance(known: Known | None, run_id: str) -> Headers:
    """The headers of every response of one model; each value is printable ASCII on one line."""
    told = {"Run-Id": run_id, **(_of(known) if known else {})}
    return [(b"caveat-" + name.lower().encode(), safe(value)) for name, value in told.items() if value]


def _of(known: Known) -> dict[str, str]:
    origin = known.origin
    terms = ", ".join(origin.laws) or "unknown"
    day = f" ({origin.terms_on})" if origin.terms_on else ""
    return {"Generator": origin.purl, "Terms": terms + day, "May": ", ".join(f"{k}={v}" for k, v in known.may)}


def exchange_header(id: str) -> tuple[bytes, bytes]:
    """The header that names one exchange, as its row in the log does."""
    return b"caveat-exchange", safe(id)


def safe(value: str) -> bytes:
    """A header value: whatever is not printable ASCII becomes %XX, so that no value can begin another header."""
    text = value[:LONGEST]
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(c if " " <= c <= "~" else _escaped(c) for c in text).encode()


def _escaped(c: str) -> str:
    return "".join(f"%{b:02X}" for b in c.encode("utf-8", "surrogatepass"))


def replaced(headers: Iterable[tuple[bytes, bytes]], ours: Headers) -> Headers:
    """What the app said of itself, without headers of ours that somebody else wrote."""
    return [*(h for h in headers if not h[0].lower().startswith(PREFIX)), *ours]
