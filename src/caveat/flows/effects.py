"""What people do with licensed things, as questions: licences are explained and compared by asking them.

An effect applies to licences of some sorts (of models, of data sets, of hosted services); only what applies to all
that are compared is asked, so that nobody reads that an API may not be quantized.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from caveat.errors import CaveatError
from caveat.flows.asking import ask
from caveat.law.rule import Law
from caveat.report.words import SIGNS
from caveat.verdict.answer import Verdict

#: Beginning of an SPDX id -> sort of licence; others with an SPDX id of their own are of software.
SPDX_SORTS = {"LicenseRef": "models", "CC": "Creative Commons", "ODbL": "data", "ODC": "data", "PDDL": "data",
              "CDLA": "data", "C-UDA": "data"}
#: Sort of licence -> what it is put on: m a model, d a data set, s a hosted service.
PUT_ON = {"models": "m", "Creative Commons": "md", "data": "d", "software": "md", "hosted services": "s",
          "no licence": "md"}


class Effect(NamedTuple):
    """One thing that people do, as a question about somebody's thing under a licence."""

    label: str
    question: str  # {x} = the thing under the licence
    about: str  # letters of what it applies to: m, d, s
    short: str = ""  # the label where a table has many columns


EFFECTS = (
    Effect("run it", "run {x}", "m", "run"),
    Effect("run it commercially", "run {x} where commercial = yes", "m", "run commercially"),
    Effect("call it", "run {x}", "s", "call"),
    Effect("fine-tune it", "finetune {x} on my-notes", "m", "fine-tune"),
    Effect("quantize and ship it", "quantize {x} and ship it", "m", "quantize, ship"),
    Effect("ship a fine-tune", "finetune {x} on my-notes and ship it", "m", "ship a fine-tune"),
    Effect("ship a fine-tune as Apache-2.0", "finetune {x} on my-notes and ship it as apache-2.0", "m",
           "... as Apache-2.0"),
    Effect("sell a fine-tune", "finetune {x} on my-notes and sell it", "m", "sell a fine-tune"),
    Effect("host it", "serve {x} where commercial = yes", "m", "host"),
    Effect("put it into an app and sell that", "bundle {x} into my-app and sell it", "ms", "sell an app with it"),
    Effect("merge it with an Apache model and ship", "merge {x} and acme/other-7b under apache-2.0 and ship it", "m",
           "merge, ship"),
    Effect("publish its answers", "ship output of {x}", "ms", "publish answers"),
    Effect("train another model on its answers", "train my-lm on output of {x}", "m", "train on answers"),
    Effect("train on its answers and sell", "train my-lm on output of {x} and sell it", "m", "... and sell"),
    Effect("train a model that competes on its answers", "train my-lm on output of {x} where competes = yes", "s",
           "train a rival"),
    Effect("train one that does not compete", "train my-lm on output of {x} where competes = no", "s",
           "train no rival"),
    Effect("train on its answers found elsewhere", "train my-lm on found output of {x}", "m", "... found answers"),
    Effect("train on its answers found elsewhere", "train my-lm on found output of {x} where competes = yes", "s",
           "... found answers"),
    Effect("let it judge training data", "annotate my-data with {x} then train my-lm on it", "m", "judge data"),
    Effect("let it judge training data", "annotate my-data with {x} then train my-lm on it where competes = yes", "s",
           "judge data"),
    Effect("use it as a judge of a benchmark", "evaluate my-lm with {x} where competes = yes", "ms", "judge a test"),
    Effect("distil it into another model", "distil {x} into my-lm", "m", "distil"),
    Effect("distil it into another model", "distil {x} into my-lm where competes = yes", "s", "distil"),
    Effect("train on the data set", "train my-lm on {x}", "d", "train on it"),
    Effect("train on the data set commercially", "train my-lm on {x} where commercial = yes", "d", "... commercially"),
    Effect("train on the data set, ship as Apache-2.0", "train my-lm on {x} and ship it as apache-2.0", "d",
           "... ship as Apache"),
    Effect("filter the data set and ship it", "filter {x} and ship it", "d", "filter, ship"),
    Effect("mix it with an Apache set and ship", "mix {x} and acme/other-data under apache-2.0 and ship it", "d",
           "mix, ship"),
    Effect("sell the data set", "sell {x}", "d", "sell the data"),
)


def sort_of(law: Law) -> str:
    """What sort of licence it is: models, software, Creative Commons, data, hosted services, or no licence."""
    if law.id in ("unknown", "web"):
        return "no licence"
    if law.root == "service":
        return "hosted services"
    first = next((s for begin, s in SPDX_SORTS.items() if law.spdx.startswith(begin)), "software")
    return first if law.spdx else "models"


def effects_of(laws: Iterable[Law]) -> tuple[Effect, ...]:
    """What can be done under all of these licences. Models against services: what one does with either."""
    put_on = [PUT_ON[sort_of(law)] for law in laws]
    shared = {c for c in "mds" if all(c in p for p in put_on)}
    if shared:
        return tuple(e for e in EFFECTS if shared & set(e.about))
    services = any("s" in p for p in put_on)
    return tuple(e for e in EFFECTS if ("s" if services else "m") in e.about)


def asked(effect: Effect, licence: str) -> Verdict | None:
    """The answer for somebody's thing under this licence; None where the question has no sense for it."""
    thing = "acme/data" if effect.about == "d" else "acme/some-7b"
    try:
        return ask(effect.question.format(x=f"{thing} under {licence}"), fixes=False)
    except CaveatError:
        return None


def in_words(answer: Verdict | None) -> str:
    """The verdict with what it hangs on and what is owed: "conditional (owed 1.b.i, 1.b.iii)"."""
    if answer is None:
        return "does not apply"
    hangs, by, owed = _doubts(answer), _bans(answer), _owed(answer)
    more = [f"on {', '.join(hangs)}" if hangs else "", f"by {', '.join(by)}" if by else "",
            f"owed {', '.join(owed)}" if owed else ""]
    tail = "; ".join(filter(None, more))
    return f"{answer.verdict} ({tail})" if tail else answer.verdict


def in_short(answer: Verdict | None) -> str:
    """The same for a narrow cell: its sign, then clauses that are owed or that refuse, or words it hangs on."""
    if answer is None:
        return "-"
    said = {"prohibited": _bans(answer), "depends": _doubts(answer)}.get(answer.verdict, _owed(answer))
    return " ".join([SIGNS[answer.verdict], *([", ".join(said)] if said else [])])


def _owed(answer: Verdict) -> list[str]:
    duties = [d for f in answer.findings for d in f.duties if d.whose != "maker"]
    return list(dict.fromkeys(d.cited.clause + ("" if d.owed == "always" else "?") for d in duties))


def _doubts(answer: Verdict) -> list[str]:
    return list(dict.fromkeys(d.about for f in answer.findings for d in f.doubts if d.effect == "verdict"))


def _bans(answer: Verdict) -> list[str]:
    bad = [f for f in answer.findings if f.verdict == "prohibited"]
    return list(dict.fromkeys(r.clause for f in bad for r in f.rules))
