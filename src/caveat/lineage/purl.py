"""Package addresses (purl): one short text that names a model for ever, wherever its rows are carried.

    pkg:huggingface/OWNER/NAME@REVISION?checksum=sha256:HEX        weights with a public name
    pkg:generic/api.openai.com/gpt-4o@2026-11-24                   a hosted model, on the day of the call
    pkg:generic/NAME?base=OWNER/NAME&checksum=sha256:HEX&laws=mit  weights that no catalogue knows

Written as the package-url specification has it: parts percent-encoded, qualifiers sorted, `:` and `/` left as they are
in values. Strangers write purls too: a text that is too long or odd is no purl.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 1000
#: Characters that stay as they are inside a part and inside a value; everything else is percent-encoded.
PART, VALUE = re.compile(r"[^A-Za-z0-9._~:-]"), re.compile(r"[^A-Za-z0-9._~:/,-]")
CODED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


class Purl(NamedTuple):
    """A package address in parts, decoded. `qualifiers` are (key, value), sorted by key, without empty values."""

    type: str
    namespace: str
    name: str
    version: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()

    def get(self, key: str) -> str:
        """The value of a qualifier, or ""."""
        return dict(self.qualifiers).get(key, "")

    @property
    def path(self) -> str:
        """Namespace and name as one id: "HuggingFaceTB/SmolLM2-135M-Instruct"."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    def __str__(self) -> str:
        place = "/".join(_coded(part, PART) for part in (*self.namespace.split("/"), self.name) if part)
        version = f"@{_coded(self.version, PART)}" if self.version else ""
        pairs = "&".join(f"{k}={_coded(v, VALUE)}" for k, v in sorted(self.qualifiers) if v)
        return f"pkg:{self.type}/{place}{version}{'?' + pairs if pairs else ''}"


def read(text: str) -> Purl | None:
    """The parts of a purl; None for anything else. Never raises."""
    if not text.startswith("pkg:") or len(text) > LONGEST or any(c.isspace() for c in text):
        return None
    rest, _, query = text[4:].partition("#")[0].partition("?")
    type_, _, path = rest.lstrip("/").partition("/")
    path, version = _version(path)
    namespace, _, name = path.strip("/").rpartition("/")
    if not type_ or not name:
        return None
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    qualifiers = tuple(sorted((k.lower(), _decoded(v)) for k, sign, v in pairs if sign and v))
    return Purl(type_.lower(), _decoded(namespace), _decoded(name), _decoded(version), qualifiers)


def _coded(text: str, odd: re.Pattern[str]) -> str:
    return odd.sub(lambda m: "".join(f"%{byte:02X}" for byte in m[0].encode("utf-8", "replace")), text)


def _decoded(text: str) -> str:
    return CODED.sub(lambda m: bytes.fromhex(m[0].replace("%", "")).decode("utf-8", "replace"), text)


def _version(path: str) -> tuple[str, str]:
    """An `@` in the last part begins the version; one further left belongs to a namespace."""
    at = path.rfind("@")
    return (path[:at], path[at + 1:]) if at > path.rfind("/") else (path, "")
