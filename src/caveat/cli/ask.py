"""One question, one verdict, one proof.

  caveat ask "may I train falcon-7b on output of llama-2-70b-chat and sell it?"
  caveat ask - < questions.txt        one question a line, one answer each (with --format json: one object a line)

Grammar, acts and facts: see `caveat ask --grammar`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from caveat.cli.options import dated, exit_code, fail_on, render, settings, shared, show
from caveat.errors import CaveatError, QuestionError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("question", nargs="*", metavar="QUESTION", help='the question, or "-" to read them from stdin')
    parser.add_argument("--grammar", action="store_true", help="print what may be asked, and stop")
    shared(parser)


def run(options: argparse.Namespace) -> int:
    from caveat.flows import asking as flows

    if options.grammar:
        print(flows.grammar())
        return 0
    text = " ".join(options.question)
    if not text:
        raise QuestionError("", 0, 'nothing was asked: caveat ask "may I ..."')
    given, wanted = settings(options), fail_on(options)
    if text == "-":
        return _many(options, given, wanted)
    try:
        answer = dated(flows.ask(text, **given), options)
    except QuestionError as fault:
        if options.format != "json":
            print(fault.caret(), file=sys.stderr)
            raise
        show(_error(fault), options)
        return 2
    show(render(answer, options), options)
    return exit_code([answer], wanted, options.max_law_age)


def _many(options: argparse.Namespace, given: dict[str, Any], wanted: frozenset[str]) -> int:
    """A question a line; those not understood are told in place, and make the exit code 2 at the end."""
    from caveat.flows import asking as flows

    worst = 0
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            answer = dated(flows.ask(line.rstrip("\n"), **given), options)
            print(render(answer, options).rstrip("\n"), flush=True)
            worst = max(worst, exit_code([answer], wanted, options.max_law_age))
        except CaveatError as fault:
            worst = 2
            print(_error(fault) if options.format == "json" else f"{line.rstrip()}\ncaveat: {fault}", flush=True)
    return worst


def _error(fault: CaveatError) -> str:
    from caveat.report.json_form import render_error

    return render_error(fault).rstrip("\n")
