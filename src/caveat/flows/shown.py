"""What a chat page shows at the side: what may be done with the answers and with the model, in words for anybody.

Verdicts of the answers are those of `allowed`, as everywhere; a sign never stands without its word.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from caveat.flows.checking import may_of
from caveat.flows.origin import allowed, claims_of, own_claims
from caveat.law.shelf import shelf
from caveat.lineage.claims import Evidence, LicenceClaim
from caveat.report import words
from caveat.runtime.origin import Origin
from caveat.verdict.answer import Cited, Doubt, Duty, May, Verdict

#: What people want with answers: label, the same in a word, purpose (`other` is a model of another maker).
ANSWERS = (("Publish them", "publish", "publish it"), ("Sell them", "sell", "sell it"),
           ("Train another model on them", "train others", "train {other}"))
#: Acts on the model itself -> label.
MODEL = {"run": "Run it yourself", "finetune": "Fine-tune it", "quantize": "Make it smaller (quantize)",
         "ship": "Pass it on", "serve": "Offer it as a service", "sell": "Sell it", "bundle": "Build it into an app"}
MOST_LINES = 6


def panel(id: str, origin: Origin, other: str) -> dict[str, Any]:
    """The side of the page for one served model, as JSON: all of it text."""
    asked = [(label, short, allowed(origin, purpose.format(other=other), fixes=False))
             for label, short, purpose in ANSWERS]
    may = may_of(Evidence((origin.name,), own_claims(origin)), today=origin.terms_on) if origin.laws else ()
    own = {*origin.laws, *_laws_of_bases(origin)}
    always = dict.fromkeys(c.gist for _, _, v in asked for c in v.standing if c.licence in own)
    return {
        "id": id, "name": origin.name, "purl": origin.purl, "terms_on": origin.terms_on,
        "terms": [_named(law) for law in origin.laws], "problems": list(origin.problems),
        "answers": [{**_answer(label, v), "short": short} for label, short, v in asked], "always": list(always),
        "model": [_row(m.act, m) for m in may if m.act in MODEL],
        "told_by": origin.told_by, "tested_with": other, "note": f"{words.DISCLAIMER} Made by Caveat.",
    }


def _laws_of_bases(origin: Origin) -> Iterable[str]:
    """Terms of data sets further up are their makers' business; those of a base reach whoever uses the model."""
    return (law for c in claims_of(origin) if isinstance(c, LicenceClaim) and c.asset in origin.base for law in c.laws)


def _named(law: str) -> str:
    book = shelf()
    return book.law(law).name if law in book.ids() else law


def _answer(label: str, v: Verdict) -> dict[str, Any]:
    biting = [f for f in v.findings if f.verdict == v.verdict]
    return _told(label, v.verdict, (r for f in biting for r in words.telling(f)),
                 (d for f in v.findings for d in f.duties), (d for f in biting for d in f.doubts))


def _row(act: str, m: May) -> dict[str, Any]:
    return _told(MODEL[act], m.verdict, m.rules, m.duties, m.doubts)


def _told(label: str, verdict: str, rules: Iterable[Cited], duties: Iterable[Duty],
          doubts: Iterable[Doubt]) -> dict[str, Any]:
    """One row: the sign with its word, what it means, and why, a line each with its clause."""
    against = [(r.gist, words.clause(r)) for r in rules] if verdict not in ("permitted", "conditional") else []
    owed = [(words.duty(d), words.clause(d.cited)) for d in duties]
    open_ = [(f"It hangs on an open point: {d.about}.", words.outcomes(d)) for d in doubts if d.effect == "verdict"]
    lines = list(dict.fromkeys((*against, *open_, *owed)))
    return {"label": label, "verdict": verdict, "sign": words.SIGNS.get(verdict, "?"),
            "means": words.MEANINGS.get(verdict, ""),
            "why": [{"says": says, "at": at} for says, at in lines[:MOST_LINES]],
            "more": max(len(lines) - MOST_LINES, 0)}
