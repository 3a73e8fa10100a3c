"""The smallest changes that make it acceptable, each with the verdict that is then decided.

  caveat fix ./my-model                  what was made, how it is offered, what you mean to do with it
  caveat fix "ship quantized llama-2-7b as apache-2.0"

A change is told only after it was tried: leave something out, declare or name it otherwise, let another model write;
or state a fact, or settle an open word, where the answer hangs on it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from caveat.cli.options import exit_code, fail_on, settings, shared, show

if TYPE_CHECKING:
    from caveat.verdict.answer import Report, Verdict


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("words", nargs="+", metavar="PATH|QUESTION", help="a path that exists, or a question")
    shared(parser, ("terminal", "json"))


def run(options: argparse.Namespace) -> int:
    from caveat.flows.asking import ask
    from caveat.flows.checking import check

    given, wanted, text = settings(options), fail_on(options), " ".join(options.words)
    answers: list[Report] | list[Verdict] = check(text, **given) if Path(text).exists() else [ask(text, **given)]
    show("\n".join(_json(a) if options.format == "json" else _lines(a) for a in answers), options)
    return exit_code(answers, wanted)


def _lines(answer: Report | Verdict) -> str:
    from caveat.report.escape import visible
    from caveat.report.words import sign

    told = [f"  {change} → {sign(after)}" for change, after in _fixes(answer)]
    if not told:
        good = answer.verdict in ("permitted", "conditional")
        told = ["  nothing to fix" if good else "  no small change is known that would make it better"]
    return "\n".join(visible(line) for line in (f"{sign(answer.verdict)}  {answer.subject}", *told))


def _json(answer: Report | Verdict) -> str:
    return json.dumps({"caveat": 1, "subject": answer.subject, "verdict": answer.verdict,
                       "fixes": [{"change": change, "verdict": after} for change, after in _fixes(answer)]},
                      ensure_ascii=False)


def _fixes(answer: Report | Verdict) -> list[tuple[str, str]]:
    """Each fix once, in the order of the findings."""
    return list(dict.fromkeys(fix for f in answer.findings for fix in f.fixes))
