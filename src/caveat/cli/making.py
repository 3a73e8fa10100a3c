"""What commands that make a model file say alike: options of the answer, the verdict asked first, what was made."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from caveat.cli.options import DEFAULT_FAIL_ON, FAIL_ON, colour, own_law, width

if TYPE_CHECKING:
    from caveat.verdict.answer import Report, Verdict
    from caveat.verdict.document import Document


def answers(parser: argparse.ArgumentParser) -> None:
    """--format, --fact, --read, --law, --fail-on, --width."""
    add = parser.add_argument
    add("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    add("--fact", action="append", default=[], metavar="NAME=VALUE", help="state a fact (repeatable)")
    add("--read", action="append", default=[], metavar="WORD=READING", help="settle a disputed word (repeatable)")
    add("--presume", choices=("usual",), default="usual", help=argparse.SUPPRESS)
    own_law(parser)
    add("--fail-on", default=",".join(DEFAULT_FAIL_ON), metavar="LIST",
        help=f"exit 1 on any of {', '.join(FAIL_ON)} (default: {','.join(DEFAULT_FAIL_ON)}); the first two "
             "keep the file from being made")
    add("--width", type=int, default=0, help="columns (default: the terminal's)")


def refused(verdict: Verdict, wanted: frozenset[str], options: argparse.Namespace) -> bool:
    """Whether the verdict keeps the file from being made; then it is shown, and that nothing was made."""
    from caveat.verdict.gate import failing

    if not failing(verdict, wanted & {"prohibited", "contradicted"}):
        return False
    show_verdict(verdict, options)
    say("nothing was made")
    return True


def show_verdict(verdict: Verdict, options: argparse.Namespace) -> None:
    """The verdict in the form asked for."""
    from caveat.report import render

    print(render(options.format, verdict, width(options), colour()).rstrip("\n"))


def show_page(page: Document, options: argparse.Namespace) -> None:
    """A page on the terminal."""
    from caveat.report.pages import tell

    print(tell("terminal", page, width(options), colour()).rstrip("\n"))


def show_facts(facts: dict[str, Any]) -> None:
    """What programs read."""
    print(json.dumps(facts, ensure_ascii=False))


def unmet(reports: Iterable[Report], wanted: frozenset[str]) -> bool:
    """Whether a duty is left unmet, and that was asked to fail."""
    from caveat.flows.beside import duties

    return "unmet" in wanted and any(d.state == "unmet" for d in duties(reports))


def say(line: str) -> None:
    """A line for people, beside the answer."""
    print(f"caveat: {line}", file=sys.stderr)
