"""Cuts a card into its front matter and its body, in every form in which cards are really written.

A strict reader loses the licence of one card in fifty: blank lines before the dashes, dashes never closed, a block
that stands after some prose. Each such form is read here and told as a Problem.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caveat.evidence import yaml_safe
from caveat.evidence.yaml_safe import Limits, Mapping
from caveat.lineage.claims import Problem

#: Model-index blocks make front matter long; nothing else does.
LIMITS = Limits(size=1 << 20, depth=30, nodes=250_000)
DASHES = re.compile(r"^---+\s*$")
KEY_LINE = re.compile(r"^['\"]?[A-Za-z_][\w -]{0,40}['\"]?\s*:(?:\s|$)")
CARD_KEY = re.compile(r"^(?:licen[cs]e|language|tags|datasets|base_model|library_name|pipeline_tag)\s*:")
LATE = "not at the top of the card, so the hub does not read it"


class Card(NamedTuple):
    """A card cut in two. `body_line` is the line of the file on which `body` begins; `weak` as in Place."""

    front: Mapping
    body: str
    body_line: int
    problems: tuple[Problem, ...] = ()
    weak: str = ""


class _Cut(NamedTuple):
    start: int  # index of the first line of YAML
    end: int  # index after the last line of YAML
    body: int  # index of the first line of the body
    what: str = ""  # what is odd about it


def split(text: str, file: str) -> Card:
    """`text` (plain line ends) as front matter and body; a card without front matter has an empty mapping."""
    lines = text.split("\n")
    top = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if DASHES.match(lines[top]):
        return _card(lines, _from_dashes(lines, top), file, "")
    late = _late_block(lines)
    return _card(lines, late, file, LATE if late else "")


def _card(lines: list[str], cut: _Cut | None, file: str, weak: str) -> Card:
    if cut is None:
        return Card(Mapping((), 1), "\n".join(lines), 1)
    problems = (Problem(file, cut.what, cut.start or 1, _INSTEAD.get(cut.what, "")),) if cut.what else ()
    if cut.end <= cut.start:
        return Card(Mapping((), 1), "\n".join(lines[cut.body:]), cut.body + 1, problems)
    tree = yaml_safe.read("\n".join(lines[cut.start:cut.end]), file, cut.start + 1, LIMITS)
    odd = _not_a_map(tree, file, cut.start + 1)
    gap = [""] * (cut.body - cut.start + 1)
    body = [*lines[:cut.start - 1], *gap, *lines[cut.body:]] if weak else lines[cut.body:]
    body_line = 1 if weak else cut.body + 1
    return Card(tree.mapping, "\n".join(body), body_line, problems + tree.problems + odd, weak)


_UNCLOSED, _NO_KEYS, _LATE = "front matter is never closed", "dashes without front matter", "front matter below prose"
_INSTEAD = {
    _UNCLOSED: "it was read up to the first line that is no key",
    _NO_KEYS: "the whole card was read as text",
    _LATE: "it was read, as weak evidence",
}


def _not_a_map(tree: yaml_safe.Tree, file: str, line: int) -> tuple[Problem, ...]:
    if tree.root is None or isinstance(tree.root, Mapping) or tree.problems:
        return ()
    return (Problem(file, "front matter holds no keys", line, "it was left out"),)


def _from_dashes(lines: list[str], top: int) -> _Cut:
    inside = next((i for i in range(top + 1, len(lines)) if lines[i].strip()), len(lines))
    closed = next((i for i in range(top + 1, len(lines)) if DASHES.match(lines[i])), None)
    if inside == len(lines) or closed == inside:
        return _Cut(0, 0, (closed if closed is not None else top) + 1)
    keyed = bool(KEY_LINE.match(lines[inside])) or lines[inside].lstrip().startswith(("{", "#", "-", "?"))
    if closed is not None and keyed:
        return _Cut(top + 1, closed, closed + 1)
    if not KEY_LINE.match(lines[inside]):
        return _Cut(0, 0, top + 1, _NO_KEYS)
    end = _end_of_keys(lines, inside)
    return _Cut(top + 1, end, end, _UNCLOSED)


def _end_of_keys(lines: list[str], start: int) -> int:
    """The index after the last line that still looks like YAML: a key, an item, or an indented line."""
    for i in range(start, len(lines)):
        line = lines[i]
        if line.startswith("#") or (line.strip() and not (KEY_LINE.match(line) or line[0] in " \t-")):
            return i
        if not line.strip() and not any(KEY_LINE.match(x) for x in lines[i + 1:i + 2]):
            return i
    return len(lines)


def _late_block(lines: list[str]) -> _Cut | None:
    """A block of card keys between dashes further down, which its writer took for front matter."""
    for i, line in enumerate(lines[:-1]):
        if DASHES.match(line) and CARD_KEY.match(lines[i + 1]):
            end = next((j for j in range(i + 1, len(lines)) if DASHES.match(lines[j])), None)
            short = _end_of_keys(lines, i + 1)
            if end is not None and end <= short:
                return _Cut(i + 1, end, end + 1, _LATE)
            return _Cut(i + 1, short, short, _LATE)
    return None
