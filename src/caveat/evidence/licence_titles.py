"""How licence texts call themselves: short titles, version dates and vendors, as a table from pattern to law id.

A text is known by two facts together (a title and its version, date or vendor), never by one word; what fits no
row stays unrecognised. Clause-by-clause recognition belongs to the law room.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class Title(NamedTuple):
    """One row. `pattern` is matched on folded text at the start of a line (or anywhere, if `inside`); `needs` and
    `unless` are searched in the whole text."""

    law: str
    pattern: re.Pattern[str]
    inside: bool = False
    needs: re.Pattern[str] | None = None
    unless: re.Pattern[str] | None = None


class NoticeWords(NamedTuple):
    """The parts of the attribution line that a licence asks for in a notice file."""

    law: str
    name: str
    licence: str
    holder: str = ""
    link: str = ""


#: Llama versions with the date in the head of the agreement.
LLAMA_DATES = {
    "2": "july 18, 2023", "3": "april 18, 2024", "3.1": "july 23, 2024", "3.2": "september 25, 2024",
    "3.3": "december 6, 2024", "4": "april 5, 2025",
}

#: law id -> title with version or date, as one line of folded text begins.
AT_LINE_START: tuple[tuple[str, str], ...] = (
    ("llama-1", r"llama license agreement this license agreement \(as may be amended"),
    ("apache-2.0", r"apache license,? version 2\.0,? january 2004"),
    ("gpl-3.0", r"gnu general public license version 3, 29 june 2007"),
    ("lgpl-3.0", r"gnu lesser general public license version 3, 29 june 2007"),
    ("agpl-3.0", r"gnu affero general public license version 3, 19 november 2007"),
    ("gpl-2.0", r"gnu general public license version 2, june 1991"),
    ("lgpl-2.1", r"gnu lesser general public license version 2\.1, february 1999"),
    ("mpl-2.0", r"mozilla public license,? version 2\.0"),
    ("epl-2.0", r"eclipse public license - v 2\.0"),
    ("ncsa", r"university of illinois/ncsa open source license"),
    ("bsl-1.0", r"boost software license - version 1\.0"),
    ("wtfpl", r"do what the fuck you want to public license version 2"),
    ("openmdw-1.0", r"openmdw license agreement,? version 1\.0"),
    ("openmdw-1.1", r"openmdw license agreement,? version 1\.1"),
    ("cdla-permissive-1.0", r"community data license agreement - permissive - version 1\.0"),
    ("cdla-permissive-2.0", r"community data license agreement - permissive - version 2\.0"),
    ("cdla-sharing-1.0", r"community data license agreement - sharing - version 1\.0"),
    ("c-uda-1.0", r"computational use of data agreement,? v(?:ersion )?1\.0"),
    ("odc-by-1.0", r"(?:open data commons|odc) attribution licen[cs]e \(odc-by\)"),
    ("odbl-1.0", r"(?:odc|open data commons)(?: -)? open database licen[cs]e \(odbl\)"),
    ("pddl-1.0", r"open data commons(?: -)? public domain dedication (?:and|&) licen[cs]e \(pddl\)"),
    ("cc0-1.0", r"(?:creative commons )?(?:legal code )?cc0 1\.0 universal"),
    ("gemma", r"gemma terms of use last modified: \w+ \d+, 20\d\d"),
    ("qwen-2024", r"qwen license agreement (?:qwen license agreement )?release date: september 19, 2024"),
    ("qwen-research-2024",
     r"qwen research license agreement (?:qwen research license agreement )?release date: september 19, 2024"),
    ("tongyi-qianwen-2023", r"tongyi qianwen license agreement (?:tongyi qianwen )?release date: august 3, 2023"),
    ("deepseek-la-1.0", r"deepseek license agreement version 1\.0, 23 october 2023"),
    ("bigscience-bloom-rail-1.0", r"(?:bigscience|bloom) rail license v1\.0 dated may 19, 2022"),
    ("bigscience-openrail-m", r"bigscience open ?rail-m license dated august 18, 2022"),
    ("creativeml-openrail-m", r"creativeml open ?rail-m (?:license )?(?:dated )?august 22, 2022"),
    ("openrail++", r"creativeml open ?rail\+\+-m license dated november 24, 2022"),
    ("bigcode-openrail-m", r"bigcode open ?rail-m v1 license agreement"),
    ("databricks-open-model", r"databricks open model license .{0,200}databricks, inc"),
    ("falcon-180b-1.0", r"falcon 180b tii license version 1\.0"),
    ("falcon-2-11b-1.0", r"falcon 2 11b tii license version 1\.0"),
    ("falcon-llm-1.0", r"tii falcon llm license version 1\.0"),
    ("tii-falcon-2.0", r"(?:tii )?falcon(?:[- ]llm)? license (?:version 2\.0 )?(?:\(?december 2024\)?|version 2\.0)"),
    ("exaone-1.1-nc", r"exaone ai model license agreement 1\.1 - nc"),
    ("mrl-0.1", r"mistral(?: ai)? research license(?: agreement)?(?: \(mrl\))?.{0,120}0\.1"),
    ("mnpl-0.1", r"mistral(?: ai)? non-production license(?: agreement)?.{0,120}0\.1"),
    ("mrl-0.1", r"mistral ai research license if you want to use"),
    ("ms-research", r"microsoft research license(?: terms)?"),
    ("nvidia-open-model-2025-04-28", r"nvidia open model license(?: agreement)? .{0,40}april 28, 2025"),
    ("nvidia-open-model-2025-10-24", r"nvidia open model license(?: agreement)? .{0,40}october 24, 2025"),
    ("stability-ai-community-2024", r"stability ai community license agreement .{0,20}july 5, 2024"),
    ("stability-ai-nc-2023-12-06",
     r"stability ai non-commercial research community license agreement .{0,10}december 0?6, 2023"),
    ("yi-2.1", r"yi series models community license agreement .{0,20}version:? 2\.1"),
    ("yi-2.0", r"yi series models (?:community )?license agreement .{0,20}version:? 2\.0"),
    ("yi-1.0", r"yi series models license agreement .{0,20}version:? 1\.0"),
    ("chatglm-6b", r"the chatglm-6b license 1\. definitions"),
    ("glm-4", r"the glm-4-9b license 1\. definitions"),
    ("baichuan-2", r"baichuan ?2 (?:model )?community license"),
)

#: Policies that a licence takes in; law id of the licence they belong to.
POLICIES: tuple[tuple[str, str], ...] = (
    *((f"llama-{v}", rf"(?:meta )?llama {re.escape(v)} acceptable use policy") for v in LLAMA_DATES),
    ("gemma", r"gemma prohibited use policy"),
    ("falcon-180b-1.0", r"falcon 180b acceptable use policy"),
    ("falcon-2-11b-1.0", r"falcon 2 11b acceptable use policy"),
    ("databricks-open-model", r"databricks open model acceptable use policy"),
    ("stability-ai-community-2024", r"stability ai acceptable use policy"),
)

_CC = (("by", "attribution"), ("nc", "-non-?commercial"), ("nd", "-no-?deriv(?:ative)?s"), ("sa", "-share-?alike"))
_CC_MARKS = (("by",), ("by", "sa"), ("by", "nc"), ("by", "nc", "sa"), ("by", "nd"), ("by", "nc", "nd"))
_CC_VERSIONS = (("4.0", r"4\.0 international"), ("3.0", r"3\.0(?: unported)?"), ("2.5", r"2\.5"), ("2.0", r"2\.0"))
ADDENDUM = re.compile(r"acceptable use addendum")
COMMONS = re.compile(r"creative commons (?:corporation|attribution|public license)")


def _creative_commons() -> Iterator[Title]:
    for marks in _CC_MARKS:
        words = "".join(word for mark, word in _CC if mark in marks)
        for version, ending in _CC_VERSIONS:
            law = "-".join(("cc", *marks, version))
            head = rf"(?:creative commons )?(?:legal code )?{words} {ending}(?: public license)?(?: creative|$)"
            unless = ADDENDUM if law == "cc-by-nc-4.0" else None
            yield Title(law, re.compile(head), False, COMMONS, unless)


def _llama() -> Iterator[Title]:
    for version, day in LLAMA_DATES.items():
        name = rf"llama {re.escape(version)}"
        dated = rf"{name} version (?:release|effective) date: {day}"
        head = rf"(?:meta )?{name} community license agreement (?:meta )?{dated}"
        yield Title(f"llama-{version}", re.compile(head))


def _row(law: str, pattern: str, needs: str = "", unless: str = "", inside: bool = True) -> Title:
    return Title(law, re.compile(pattern), inside, re.compile(needs) if needs else None,
                 re.compile(unless) if unless else None)


#: Texts without a title of their own: known by a few opening words and what follows within reach.
_BSD = r"redistribution and use in source and binary forms, with or without modification, are permitted"
_ENDORSE = r"endorse or promote products"
#: Words that narrow an open text: what carries them is another licence, and not one we know.
_NARROWED = r"commons clause|functional source license|business source license|fair core license"
_BSD_ODD = rf"advertising materials|no express or implied licenses to any party's patent|nuclear|{_NARROWED}"
PHRASES: tuple[Title, ...] = (
    _row("mit", r"permission is hereby granted, free of charge, to any person obtaining.{0,60}?of this software"
         r".{0,60}?deal in the software", r"above copyright notice and this permission notice",
         rf"modified mit|be used for good, not evil|our only modification|university of illinois|{_NARROWED}"),
    _row("mistral-modified-mit", r"modified mit license", r"mistral ai", "", inside=False),
    _row("bsd-3-clause", _BSD + " provided", _ENDORSE, _BSD_ODD),
    _row("bsd-2-clause", _BSD + " provided", "must reproduce the above", f"{_ENDORSE}|{_BSD_ODD}"),
    _row("bsd-3-clause-clear", _BSD + r" \(subject to the limitations in the disclaimer"),
    _row("isc", r"permission to use, copy, modify,? and/or distribute this software for any purpose with"
         " or without fee",
         "provided that the above copyright notice"),
    _row("postgresql", r"postgresql database management system.{0,400}without a written agreement"),
    _row("zlib", r"altered source versions must be plainly marked", r"origin of this software must not be"),
    _row("unlicense", r"this is free and unencumbered software"),
    _row("cohere-cc-by-nc", ADDENDUM.pattern, r"attribution-noncommercial 4\.0"),
)

TITLES: tuple[Title, ...] = (
    *_llama(), *_creative_commons(), *(Title(law, re.compile(p)) for law, p in AT_LINE_START), *PHRASES,
)
POLICY_TITLES: tuple[Title, ...] = tuple(Title(law, re.compile(p)) for law, p in POLICIES)

NOTICES: tuple[NoticeWords, ...] = (
    *(NoticeWords(f"llama-{v}", rf"llama {re.escape(v)} is licensed", rf"llama {re.escape(v)} community license",
                  r"meta platforms") for v in LLAMA_DATES),
    NoticeWords("qwen-2024", r"qwen is licensed", r"qwen license agreement", "alibaba cloud"),
    NoticeWords("qwen-research-2024", r"qwen is licensed", r"qwen research license agreement", "alibaba cloud"),
    NoticeWords("tongyi-qianwen-2023", r"tongyi qianwen is licensed", r"tongyi qianwen license agreement",
                "alibaba cloud"),
    NoticeWords("gemma", r"gemma is provided", r"gemma terms of use", "", r"ai\.google\.dev/gemma/terms"),
    NoticeWords("databricks-open-model", r"dbrx is provided", r"databricks open model license", "databricks"),
    NoticeWords("stability-ai-community-2024", r"stability ai model is licensed", r"stability ai community license",
                "stability ai"),
    NoticeWords("nvidia-open-model-2025-04-28", r"licensed by nvidia", r"nvidia open model license", "nvidia"),
)
RESERVED = r"all rights reserved"
