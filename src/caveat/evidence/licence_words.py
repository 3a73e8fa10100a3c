"""Turns the words people write for a licence (tags, SPDX, full names) into law ids, and keeps unknown words.

The table of words is data (`law/hf-tags.toml`) and is passed in; `table()` loads it once. A word that nobody
knows becomes the law `unknown` with the word kept in `raw`, so that no one's terms are guessed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import caveat.law
from caveat.law.shelf import COMPILED, shelf

UNKNOWN = "unknown"
#: Labels that say nothing by themselves: the name, the link or a file beside them says it.
SILENT = frozenset({"other", "unknown", "unlicensed", "none", "null", "tbd", "n/a", ""})
#: Longest word for a licence that is looked at.
LONGEST = 400


class Words(NamedTuple):
    """The table: folded word -> law id, for tags, license_name values, SPDX ids and everyday names."""

    laws: Mapping[str, str]


class Said(NamedTuple):
    """What words for a licence mean: law ids, whether any one may be chosen, and the words as written."""

    laws: tuple[str, ...]
    choice: bool = False
    raw: str = ""

    @property
    def known(self) -> bool:
        return bool(self.laws) and UNKNOWN not in self.laws


def fold(word: str) -> str:
    """One spelling of a licence word: lower case, blanks and underscores as hyphens."""
    return re.sub(r"[\s_]+", "-", word.strip().strip("`'\"*.,;").lower())


def laws_of(raw: str, words: Words) -> Said:
    """The law ids that one written word, name or SPDX expression means."""
    text = raw.strip()[:LONGEST]
    known = _one(text, words)
    if known:
        return Said((known,), False, raw)
    if re.search(r"\b(?:AND|OR|WITH)\b", text):
        return _expression(text, words) or Said((UNKNOWN,), False, raw)
    return Said((UNKNOWN,), False, raw)


def all_of(raws: tuple[str, ...], words: Words) -> Said:
    """Several written words that hold at once (a list in a card)."""
    said = [laws_of(r, words) for r in raws]
    laws = tuple(dict.fromkeys(law for s in said for law in s.laws))
    return Said(laws or (UNKNOWN,), len(said) == 1 and said[0].choice, ", ".join(raws))


def _one(text: str, words: Words) -> str:
    folded = fold(text)
    plain = re.sub(r"-(?:only|or-later)$", "", folded)
    for candidate in (folded, plain, re.sub(r"-licen[cs]e(?:-agreement)?$", "", folded)):
        law = words.laws.get(candidate, "")
        if law:
            return law
    return "" if folded in SILENT else full_name(text)


#: Full names of licences as people write them, tried in order; the law id may use the groups.
FULL_NAMES: tuple[tuple[str, str], ...] = (
    (r"(?:the )?apache(?: software)?(?: licen[cs]e)?,?(?: version| v)? ?2(?:\.0)?(?: licen[cs]e)?",
     "apache-2.0"),
    (r"(?:the )?mit(?: licen[cs]e)?", "mit"),
    (r"(?:meta )?llama[- ]?2(?: community)?(?: licen[cs]e)?(?: agreement)?", "llama-2"),
    (r"(?:meta )?llama[- ]?3(?: community)?(?: licen[cs]e)?(?: agreement)?", "llama-3"),
    (r"(?:meta )?llama[- ]?(3\.[123]|4)(?: community)?(?: licen[cs]e)?(?: agreement)?", "llama-{0}"),
    (r"gemma(?: terms(?: of use)?| licen[cs]e)?", "gemma"),
    (r"cc0(?:[- ]1\.0)?|creative commons zero(?: v?1\.0)?(?: universal)?", "cc0-1.0"),
    (r"(?:gnu )?(a|l)?gpl[- ]?v?3(?:\.0)?(?: licen[cs]e)?", "{0}gpl-3.0"),
    (r"odc[- ]by(?: v?1\.0)?", "odc-by-1.0"),
    (r"odbl(?:[- ]v?1\.0)?", "odbl-1.0"),
)
_CC = re.compile(
    r"(?:cc|creative commons)[- ](?:licen[cs]e )?(?P<terms>[a-z -]+?)[- ]?(?:v|version )?(?P<v>[1-4]\.[05])"
    r"(?: international| unported| intl)?(?: public)?(?: licen[cs]e)?"
)
_CC_WORDS = (("attribution", "by"), ("non-?commercial", "nc"), ("no-?deriv(?:ative)?s?(?:-works)?", "nd"),
             ("share-?alike", "sa"))


def full_name(text: str) -> str:
    """The law id of a licence's whole name ("Apache License 2.0"), or ""."""
    low = " ".join(re.sub(r"[()*`\[\]]", " ", text.lower()).split()).rstrip(".")
    for pattern, law in FULL_NAMES:
        match = re.fullmatch(pattern, low)
        if match:
            return law.format(*(g or "" for g in match.groups()))
    cc = _CC.fullmatch(low)
    return _creative_commons(cc["terms"], cc["v"]) if cc else ""


def _creative_commons(terms: str, version: str) -> str:
    short = re.sub(r"[ -]+", "-", terms.strip())
    for long, word in _CC_WORDS:
        short = re.sub(long, word, short)
    parts = short.split("-")
    if "by" not in parts or not set(parts) <= {"by", "nc", "nd", "sa"}:
        return ""
    return "-".join(["cc", *(p for p in ("by", "nc", "nd", "sa") if p in parts), version])


#: Names of licences inside a sentence: enough of the name that nothing else can be meant.
IN_PROSE = re.compile(
    r"(?<![\w/-])(?:(?:cc|creative commons)[- ](?:by|attribution)[a-z -]*?(?:v|version )?[1-4]\.[05]"
    r"|apache(?: software)?(?: licen[cs]e)?,?(?: version| v)? ?2\.0|mit licen[cs]e"
    r"|llama[- ]?(?:2|3|3\.[123]|4)(?: community)? licen[cs]e|gemma terms of use"
    r"|(?:gnu )?[al]?gpl[- ]?v?3(?:\.0)?|odc[- ]by(?: v?1\.0)?)(?![\w])",
    re.IGNORECASE,
)


def named_in(sentence: str) -> tuple[str, ...]:
    """The law ids whose names stand in a sentence, in order; vague mentions are left out."""
    found = (full_name(m.group(0)) for m in IN_PROSE.finditer(sentence[:4000]))
    return tuple(dict.fromkeys(law for law in found if law))


def _expression(text: str, words: Words) -> Said | None:
    """An SPDX expression: AND holds at once, OR is a choice; a mixture of both is not folded."""
    from license_expression import (  # type: ignore[import-untyped]
        ExpressionError,
        ExpressionParseError,
        Licensing,
    )

    try:
        parsed = Licensing().parse(text, simple=True)
    except (ExpressionError, ExpressionParseError, RecursionError, ValueError):
        return None
    if parsed is None:
        return None
    choice = type(parsed).__name__ == "OR"
    if choice and any(type(a).__name__ == "AND" for a in parsed.args):
        return None
    keys = dict.fromkeys(str(getattr(s, "key", s)) for s in parsed.get_symbols())
    return Said(tuple(dict.fromkeys(_one(k, words) or UNKNOWN for k in keys)), choice, text)


def table() -> Words:
    """The table that ships with the law, and above it the names of own law that is in force."""
    own = {fold(name): law for name, law in shelf().own_names().items()} if COMPILED.is_file() else {}
    return Words(MappingProxyType({**_shipped().laws, **own})) if own else _shipped()


@cache
def _shipped() -> Words:
    """The table that ships with the law, or an empty one where it is missing."""
    where = Path(next(iter(caveat.law.__path__))) / "hf-tags.toml"
    return words_from(tomllib.loads(where.read_text("utf-8"))) if where.is_file() else words_from({})


def words_from(data: Mapping[str, Any]) -> Words:
    """The table of a parsed hf-tags.toml: [tag."x"] with law and spdx, [license_name], [spdx], [everyday]."""
    laws: dict[str, str] = {}
    for section in ("everyday", "spdx", "license_name", "tag"):
        for word, entry in dict(data.get(section, {})).items():
            law = entry.get("law", "") if isinstance(entry, Mapping) else str(entry)
            laws[fold(word)] = law
            if isinstance(entry, Mapping) and entry.get("spdx"):
                laws.setdefault(fold(entry["spdx"]), law)
    known = {word: law for word, law in laws.items() if law and law != UNKNOWN}
    return Words(MappingProxyType({**{law: law for law in known.values()}, **known}))
