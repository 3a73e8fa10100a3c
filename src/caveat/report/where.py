"""Where in the files of a repository a finding stands: what machines that show findings beside code need.

A finding may rest on a catalogue or on a name alone; then the file that names the asset is the best place there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from caveat.lineage.claims import Place
from caveat.verdict.answer import Finding, Graph, Report, Verdict

#: Kinds of evidence that lie in a file beside the asset; a catalogue's source does not.
IN_FILES = ("declared", "detected", "inferred")
#: Bytes of an address that need no escape.
PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
#: Where nothing at all was read from a file.
FALLBACK = "README.md"
MOST = 20


class Spot(NamedTuple):
    """A place in a file: a relative address, the line counted from 1, and the key that stands there."""

    uri: str
    line: int
    key: str = ""


def spots(f: Finding, answer: Verdict | Report) -> tuple[Spot, ...]:
    """Every place in a file that a finding rests on, the most telling first; never empty."""
    root = answer.root if isinstance(answer, Report) else ""
    found = dict.fromkeys(_spot(p, root) for p in _places(f, answer) if in_file(p))
    return tuple(found)[:MOST] or (Spot(address(FALLBACK, root), 1),)


def in_file(p: Place) -> bool:
    """Whether a place names a file of the folder that was read."""
    return p.kind in IN_FILES and bool(p.file) and "://" not in p.file and p.file not in ("facts", "the question")


def address(file: str, root: str = "") -> str:
    """A relative address of a file: forward slashes, percent escapes, nothing that leads out."""
    whole = f"{root}/{file}" if root else file
    parts = [p for p in whole.replace("\\", "/").split("/") if p not in ("", ".", "..")]
    text = "/".join(parts) or FALLBACK
    return "".join(chr(b) if b in PLAIN else f"%{b:02X}" for b in text.encode("utf-8", "surrogateescape"))


def _spot(p: Place, root: str) -> Spot:
    return Spot(address(p.file, root), max(p.line or 1, 1), p.key)


def _places(f: Finding, answer: Verdict | Report) -> Iterator[Place]:
    """The step that makes the thing, the proof from its end, what the asset says of itself, then any step above it."""
    graph = answer.graph if isinstance(answer, Report) else Graph()
    yield from _steps(graph, f.made, f.asset)
    for step in reversed(f.path):
        yield from step.evidence
    if isinstance(answer, Report):
        yield from (d.place for d in answer.declared if f.about in ("offered", "policy"))
        yield from _below(graph, f.made or f.asset, answer.subject)
        yield from _steps(graph, answer.subject, "")
        yield from (d.place for d in answer.declared)


def _below(graph: Graph, start: str, subject: str) -> Iterator[Place]:
    """What stands far up has no file here: the steps down from it end in one that names what it came by."""
    seen, layer = {start}, [start]
    while layer and subject not in layer:
        edges = [e for e in graph.edges if e.parent in layer and e.child not in seen]
        yield from (p for e in edges for p in e.evidence)
        layer = list(dict.fromkeys(e.child for e in edges))
        seen.update(layer)


def _steps(graph: Graph, child: str, parent: str) -> Iterable[Place]:
    return (p for e in graph.edges if e.child == child and parent in ("", e.parent) for p in e.evidence)
