"""Reads what a card says of its licence: the key, its British twin, the name, the link, tags, and the body's own line.

Each is a claim of its own. A label that a template wrote is marked weak; a body that says otherwise is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence import licence_words
from caveat.evidence.card_prose import Line, plain
from caveat.evidence.licence_words import SILENT, Said, Words
from caveat.evidence.source import place
from caveat.evidence.yaml_safe import Entry, Mapping, Scalar, scalars
from caveat.lineage.claims import LicenceClaim, Problem

KEYS = ("license", "licence", "licenses", "licences", "License")
NAME_KEYS = ("license_name", "licence_name", "license_details")
LINK_KEYS = ("license_link", "licence_link")

#: Addresses whose page is one known licence; (pattern, law id).
LINKS: tuple[tuple[str, str], ...] = (
    (r"ai\.meta\.com/llama/license|ai\.meta\.com/resources/models-and-libraries/llama-downloads", "llama-2"),
    (r"(?:ai|www)\.?(?:meta|llama)\.com/llama3/license", "llama-3"),
    (r"llama-models/blob/main/models/llama3_([123])/LICENSE", "llama-3.{0}"),
    (r"llama\.com/llama3_([123])/license", "llama-3.{0}"),
    (r"ai\.google\.dev/gemma/terms", "gemma"),
    (r"apache\.org/licenses/LICENSE-2\.0", "apache-2.0"),
    (r"creativecommons\.org/licenses/([a-z-]+)/(\d\.\d)", "cc-{0}-{1}"),
    (r"creativecommons\.org/publicdomain/zero/1\.0", "cc0-1.0"),
    (r"opensource\.org/licenses?/mit", "mit"),
    (r"opendatacommons\.org/licenses/by", "odc-by-1.0"),
)

#: (how the card shows its maker's template, labels that it writes, why the label is weak)
TEMPLATES: tuple[tuple[str, frozenset[str], str], ...] = (
    (r"trained 2x faster with \[unsloth\]", frozenset({"apache-2.0"}),
     "written by the Unsloth template, whatever the base"),
    (r"lazymergekit", frozenset({"apache-2.0", "cc-by-nc-4.0"}),
     "written by the LazyMergekit template, whatever the parents"),
    (r"gguf-my-repo|static quants of|weighted/imatrix quants|quantized by mradermacher", frozenset(),
     "copied by the quantizer from the card of the base"),
)


class Read(NamedTuple):
    """Claims and problems about the licence of one card."""

    claims: tuple[LicenceClaim, ...]
    problems: tuple[Problem, ...] = ()


def read(front: Mapping, lines: list[Line], body: str, file: str, asset: str, words: Words, weak: str = "") -> Read:
    """Every licence claim of a card; `lines` are the body's lines of prose, `weak` a reason that holds for all."""
    claims = list(_from_keys(front, file, asset, words, weak or None, body))
    if not claims:
        claims += _from_tags(front, file, asset, words, weak)
    problems = (*_two_labels(claims, file), *_other_name(front, claims, file, words))
    more, told = _from_body(lines, file, asset, words, claims)
    return Read((*claims, *more), (*problems, *told))


def _from_keys(
    front: Mapping, file: str, asset: str, words: Words, weak: str | None, body: str
) -> Iterator[LicenceClaim]:
    for entry in front.items():
        if entry.key in KEYS and (raws := _raws(entry)):
            said = _all_said(raws, front, words)
            reason = template(body, raws) if weak is None else weak
            yield LicenceClaim(asset, said.laws, place(file, _line(entry), entry.key, ", ".join(raws), weak=reason),
                               said.choice, said.raw)
    if not set(KEYS) & set(front.keys()):
        yield from _name_alone(front, file, asset, words, weak or "")


def _raws(entry: Entry) -> tuple[str, ...]:
    return tuple(s.text.strip() for _, s in scalars(entry.value) if s.text.strip())[:20]


def _line(entry: Entry) -> int:
    """The line of the value, where the label is a list with one item; else of the key."""
    found = [s.line for _, s in scalars(entry.value)]
    return found[0] if len(found) == 1 and not isinstance(entry.value, Scalar) else entry.line


def _all_said(raws: tuple[str, ...], front: Mapping, words: Words) -> Said:
    said = [_one(raw, front, words) for raw in raws]
    laws = tuple(dict.fromkeys(law for s in said for law in s.laws))
    return Said(laws, len(said) == 1 and said[0].choice, ", ".join(s.raw for s in said))


def _one(raw: str, front: Mapping, words: Words) -> Said:
    """One label; a silent one (`other`) is filled from the name, then from the link."""
    if licence_words.fold(raw) not in SILENT:
        return licence_words.laws_of(raw, words)
    name = next((t for k in NAME_KEYS if (t := front.text(k))), "")
    link = next((t for k in LINK_KEYS if (t := front.text(k))), "")
    said = licence_words.laws_of(name, words) if name else Said((licence_words.UNKNOWN,), False, raw)
    laws = said.laws if said.known else ((law,) if (law := of_link(link)) else said.laws)
    return Said(laws, said.choice, f"{raw} ({name or link})" if name or link else raw)


def _name_alone(front: Mapping, file: str, asset: str, words: Words, weak: str) -> Iterator[LicenceClaim]:
    for entry in front.items():
        if entry.key in NAME_KEYS and (raws := _raws(entry)):
            said = _one("other", front, words)
            where = place(file, entry.line, entry.key, raws[0], weak=weak)
            yield LicenceClaim(asset, said.laws, where, said.choice, raws[0])
            return


def _from_tags(front: Mapping, file: str, asset: str, words: Words, weak: str) -> Iterator[LicenceClaim]:
    tags = front.get("tags")
    for key, scalar in scalars(tags, "tags"):
        if scalar.text.lower().startswith("license:"):
            said = licence_words.laws_of(scalar.text[8:], words)
            where = place(file, scalar.line, key, scalar.text, weak=weak)
            yield LicenceClaim(asset, said.laws, where, said.choice, said.raw)


def of_link(link: str) -> str:
    """The law id of a page that is one known licence, or ""."""
    for pattern, law in LINKS:
        match = re.search(pattern, link[:2000], re.IGNORECASE)
        if match:
            return law.format(*match.groups()).lower()
    return ""


def template(body: str, raws: tuple[str, ...]) -> str:
    """Why a label is weak: the template that wrote it, or ""."""
    low = body[:200_000].lower()
    for pattern, labels, why in TEMPLATES:
        if (not labels or labels & {r.lower() for r in raws}) and re.search(pattern, low):
            return why
    return ""


def _two_labels(claims: list[LicenceClaim], file: str) -> tuple[Problem, ...]:
    if len({c.laws for c in claims}) < 2:
        return ()
    both = " and ".join(f"{c.place.key}: {c.raw}" for c in claims)
    return (Problem(file, f"two labels that differ ({both})", claims[-1].place.line, "both are kept"),)


def _other_name(front: Mapping, claims: list[LicenceClaim], file: str, words: Words) -> Iterator[Problem]:
    """A license_name beside a label that is no "other" may be left over from former terms, or be the true ones."""
    said = {law for c in claims for law in c.laws}
    for entry in front.items():
        if entry.key not in NAME_KEYS or not claims or licence_words.UNKNOWN in said:
            continue
        for raw in _raws(entry)[:1]:
            named = licence_words.laws_of(raw, words)
            if named.known and not said & set(named.laws):
                label = ", ".join(c.raw for c in claims)
                yield Problem(file, f"{entry.key} says {raw}, the label says {label}", entry.line, "the label was read")


LABEL = re.compile(
    r"^[-*+|>\s]*(?:model |data ?set )?licen[cs]e(?:\(s\))?(?: \(?optional\)?)?\s*[:|]+\s*(?P<value>[^|]+)", re.I)
HEADING = re.compile(r"licen[cs]|terms of use", re.IGNORECASE)
SENTENCE = re.compile(
    r"\b(?:licen[cs]ed|released|available|distributed|published|shared)\b.{0,40}\bunder\b"
    r"|\bdata ?set is (?:under )?(?:cc|creative)", re.IGNORECASE)
#: The name of a licence in such a sentence is not the licence itself.
NOT_ITSELF = re.compile(
    r"based (?:in part )?(?:up)?on|modified|variant|except|\bcode\b(?!.*\b(?:model|weights|data)\b)", re.IGNORECASE)


def _from_body(lines: list[Line], file: str, asset: str, words: Words,
               claims: list[LicenceClaim]) -> tuple[list[LicenceClaim], list[Problem]]:
    """The body's own licence line and section: a claim where it is plain, a problem where it differs from the label."""
    labelled = {law for c in claims for law in c.laws} - {licence_words.UNKNOWN}
    more: list[LicenceClaim] = []
    narrowed = list(_narrowed(lines, file)) if labelled else []
    for line, laws, sure in _said_in(lines, words, not labelled):
        fresh = tuple(law for law in laws if law not in labelled)
        if not fresh or any(c.laws == fresh for c in more):
            continue
        weak = "" if sure else "a sentence of the body"
        if (sure and not more) or (not labelled and not more):
            more.append(LicenceClaim(asset, fresh, place(file, line.number, "body", line.text, "detected", weak),
                                     False, ", ".join(laws)))
        if labelled or (more and more[0].laws != fresh):
            labelled = labelled or {law for c in more for law in c.laws}
            what = f"the body names {', '.join(fresh)}, the label says {', '.join(sorted(labelled))}"
            return more, [Problem(file, what, line.number, "both are shown"), *narrowed]
    return more, narrowed


NARROWS = re.compile(
    r"under the condition|provided that|on condition|non-?commercial|research (?:use )?only|only for research"
    r"|personal use only|not (?:be )?used? (?:to compete|commercially)", re.IGNORECASE)


def _narrowed(lines: list[Line], file: str) -> Iterator[Problem]:
    """A licence line that adds a condition to the label: the first one is told."""
    for line in lines:
        label = LABEL.match(plain(line.text))
        if label and NARROWS.search(label["value"]) and not re.search(r"\bcc|creative commons", label["value"], re.I):
            yield Problem(file, "the body adds a condition to the label", line.number, "the condition was not read")
            return


def _said_in(lines: list[Line], words: Words, links: bool) -> Iterator[tuple[Line, tuple[str, ...], bool]]:
    """(line, law ids, whether it is a line of the form "License: x"), in order; `links`: addresses count too."""
    for line in lines:
        text = plain(line.text)
        label = LABEL.match(text) if line.indent < 2 else None
        if label:
            said = licence_words.laws_of(label["value"].strip(" ;,."), words)
            laws = said.laws if said.known else licence_words.named_in(label["value"])
            if laws:
                yield line, laws, True
        elif HEADING.search(line.heading) or SENTENCE.search(text):
            named = () if NOT_ITSELF.search(text) else licence_words.named_in(text)
            if named:
                yield line, named, False
            elif links and (law := of_link(line.text)):
                yield line, (law,), False
        elif links and re.search(r"licen[cs]e", text, re.IGNORECASE) and (law := of_link(line.text)):
            yield line, (law,), False
