"""Whose output it will be: the model as everything that is run, served, quantized or written carries it.

Pure data; `flows/origin.py` finds it out, and rows, cards, statements and headers repeat it.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from caveat.lineage.purl import Purl

ADDRESS = re.compile(
    r"(?P<scheme>https?)://(?:[^/@\s]{0,200}@)?(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:\d{1,5})?"
    r"(?P<path>/[^?#\s]{0,500})?(?:[?#]|$)", re.IGNORECASE)


class Origin(NamedTuple):
    """One model or service: its name, its address, and whose terms were found for it on which day."""

    name: str  # asset id as the catalogue spells it; else as written
    kind: str  # model | service
    purl: str
    sha256: str = ""  # of the weights file; of several, of their listing (see flows/origin.py); "" = remote
    revision: str = ""  # commit of a hub repository, where the cache tells
    laws: tuple[str, ...] = ()  # law ids of its own terms; () = unknown
    terms_on: str = ""  # ISO date whose terms apply
    base: tuple[str, ...] = ()  # asset ids it derives from
    file: str = ""  # where the weights lie; "" = remote
    made: str = ""  # the act that made it from its bases: quantize | convert | finetune | merge
    told_by: str = ""  # how its name is known: named | header | card | file name | catalogue | service
    url: str = ""  # where it is asked, for what is remote
    problems: tuple[str, ...] = ()  # what could not be known, in words

    def to_dict(self) -> dict[str, Any]:
        """For statements, headers and logs: what is known, nothing empty, no local path."""
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in self._asdict().items() if v}
        shown = {**kept, "url": without_secrets(self.url)} if self.url else kept
        return {k: v for k, v in shown.items() if k not in ("file", "problems")}


def without_secrets(url: str) -> str:
    """An address without names, passwords and keys: scheme, host, port and path. "" for what is no http address."""
    found = ADDRESS.match(url[:2000])
    return f"{found['scheme'].lower()}://{found['host'].lower()}{found['port'] or ''}{found['path'] or ''}" if found \
        else ""


def host_of(url: str) -> str:
    """The host of an http address, or ""."""
    found = ADDRESS.match(url[:2000])
    return found["host"].lower() if found else ""


def address(name: str, kind: str, *, known: bool, host: str = "", version: str = "", sha256: str = "",
            base: tuple[str, ...] = (), laws: tuple[str, ...] = (), made: str = "") -> str:
    """The purl of an origin.

    A repository the catalogue knows needs nothing but its digest; whatever nobody else can look up carries its bases
    and terms in the address, so that a single column still tells them.
    """
    owner, _, bare = name.rpartition("/")
    public = kind == "model" and bool(owner) and not host
    told = () if known else (("base", ",".join(base)), ("laws", ",".join(laws)), ("made", made if base else ""))
    checksum = f"sha256:{sha256}" if sha256 else ""
    qualifiers = tuple(sorted((k, v) for k, v in (("checksum", checksum), *told) if v))
    if public:
        return str(Purl("huggingface", owner, bare, version.lower(), qualifiers))
    return str(Purl("generic", "/".join(filter(None, (host, owner))), bare, version, qualifiers))
