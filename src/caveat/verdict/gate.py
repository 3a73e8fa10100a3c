"""What a gate asks of a finding: does it count, does it fail, and is it the same one as last week.

A finding is known again by what it says (law, act, assets), never by a line number, so that editing a card does not
make an old finding new.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from caveat.law.words import VERDICTS
from caveat.verdict.answer import Finding, Report, Verdict

#: What makes a check fail unless somebody says otherwise.
USUAL = frozenset({"prohibited", "contradicted", "unknown"})
#: States of a duty that a gate looks at.
OPEN_DUTIES = ("contradicted", "unmet")
#: What makes a finding itself: keys of its dictionary, so that a former answer gives the same print.
PRINTED = ("id", "about", "licence", "act", "asset", "made")


def fingerprint(f: Finding | Mapping[str, Any]) -> str:
    """32 hexadecimal digits that stay the same as long as the finding is about the same thing."""
    import hashlib  # not on the way of a question

    said = f if isinstance(f, Mapping) else f._asdict()
    text = "\0".join(str(said.get(key) or "") for key in PRINTED)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def badness(verdict: str) -> int:
    """0 = the worst verdict; for comparing two of them."""
    return VERDICTS.index(verdict) if verdict in VERDICTS else len(VERDICTS)


def further_up(f: Finding, answer: Verdict | Report) -> bool:
    """A step of somebody else in the making of what this was made from: told, and not counted against it."""
    if not isinstance(answer, Report):
        return False
    return f.about == "made" and f.made != answer.subject and f.whose not in (answer.maker, "you", None)


def is_open(f: Finding) -> bool:
    """Nobody accepts it, and no baseline knows it."""
    return f.accepted is None and f.baseline != "known"


def open_duties(f: Finding) -> frozenset[str]:
    """What is owed by the asker and not met, as "llama-2/notice=unmet"."""
    return frozenset(f"{d.cited.licence}/{d.cited.rule}={d.state}" for d in f.duties
                     if d.state in OPEN_DUTIES and not d.whose)


def fails(f: Finding, answer: Verdict | Report, wanted: Set[str]) -> bool:
    """Whether this finding alone makes the check fail; `wanted` = verdicts and states of duties."""
    return is_open(f) and not further_up(f, answer) and bool(({f.verdict} | {d.state for d in f.duties}) & wanted)


def failing(answer: Verdict | Report, wanted: Set[str]) -> bool:
    """Whether the answer fails: any open finding, or its verdict where nothing was set aside."""
    aside = any(not is_open(f) for f in answer.findings)
    whole = not aside and answer.verdict in wanted
    return whole or any(fails(f, answer, wanted) for f in answer.findings)
