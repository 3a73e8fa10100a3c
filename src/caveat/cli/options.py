"""Options that several commands share, how findings become exit codes, and how an answer is printed."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Iterable
from typing import Any

from caveat.errors import SettingsError

FORMATS = ("terminal", "json", "markdown", "html")
GATE_FORMATS = (*FORMATS, "sarif", "junit", "gitlab")
FAIL_ON = ("prohibited", "contradicted", "unknown", "depends", "unmet", "stale", "none")
DEFAULT_FAIL_ON = ("prohibited", "contradicted", "unknown")


def own_law(parser: argparse.ArgumentParser) -> None:
    """--law, which `cli.main` puts in force before the command runs."""
    parser.add_argument("--law", action="append", default=[], metavar="DIR",
                        help="own licences and words (licences/*.toml, disputed/*.toml) over what ships (repeatable)")


def shared(parser: argparse.ArgumentParser, formats: tuple[str, ...] = FORMATS) -> None:
    """--format, --output, --fact, --read, --presume, --law, --max-law-age, --fail-on, --width."""
    parser.add_argument("--format", choices=formats, default="terminal", help="default: terminal")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (atomically) instead of printing")
    parser.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help="state a fact (repeatable)")
    parser.add_argument("--read", action="append", default=[], metavar="WORD=READING",
                        help="settle a disputed word (repeatable)")
    parser.add_argument("--presume", choices=("usual", "nothing"), default="usual",
                        help="nothing: presumed facts become doubts")
    own_law(parser)
    parser.add_argument("--max-law-age", type=int, metavar="DAYS",
                        help="tell each law file checked longer ago (exit 1 with --fail-on stale)")
    parser.add_argument("--fail-on", default=",".join(DEFAULT_FAIL_ON), metavar="LIST",
                        help=f"exit 1 on any of {', '.join(FAIL_ON)} (default: {','.join(DEFAULT_FAIL_ON)})")
    parser.add_argument("--width", type=int, default=0, help="columns (default: the terminal's)")


def settings(options: argparse.Namespace) -> dict[str, Any]:
    """facts, readings and presume, checked; raises SettingsError."""
    from caveat.flows import asking as flows

    return {
        "facts": flows.checked_facts(dict(_pair(x, "--fact") for x in options.fact)),
        "readings": flows.checked_readings(dict(_pair(x, "--read") for x in options.read)),
        "presume": options.presume == "usual",
    }


def _pair(text: str, flag: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise SettingsError(f"{flag} wants NAME=VALUE, not {text!r}")
    return name.strip(), value.strip()


def fail_on(options: argparse.Namespace) -> frozenset[str]:
    """What makes the exit code 1; raises SettingsError for a word nobody knows."""
    from caveat.errors import nearest

    words = [w.strip() for w in options.fail_on.split(",") if w.strip()]
    for word in words:
        if word not in FAIL_ON:
            raise SettingsError(f"--fail-on: unknown {word!r}", nearest(word, FAIL_ON))
    return frozenset(words) - {"none"}


def show(text: str, options: argparse.Namespace) -> None:
    """Print, or write to --output so that a reader never sees half a file."""
    if options.output:
        from caveat.cli.atomic import write

        write(options.output, text if text.endswith("\n") else text + "\n")
    else:
        print(text.rstrip("\n"))


def told(text: str, options: argparse.Namespace) -> None:
    """A line for people beside the answer: on stderr, so that what programs read stays what it is."""
    print(text, file=sys.stderr)


def colour() -> bool:
    """Colour only on a terminal, and never against NO_COLOR."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (sys.stdout.isatty() and os.environ.get("TERM") != "dumb")


def width(options: argparse.Namespace) -> int:
    """Columns to write: as asked, the terminal's up to 120, or 80 in a pipe."""
    return int(options.width) or (min(shutil.get_terminal_size().columns, 120) if sys.stdout.isatty() else 80)


def render(answer: object, options: argparse.Namespace) -> str:
    """The answer in the form asked for."""
    from caveat.report import render as rendered

    in_colour = colour() and not options.output
    return rendered(options.format, answer, width(options), in_colour)  # type: ignore[arg-type]


def exit_code(answers: Iterable[Any], wanted: frozenset[str], max_law_age: int | None = None) -> int:
    """1 if any finding that nobody accepts is at or above the line, or the law is older than asked."""
    from caveat.verdict.gate import failing

    return int(any(failing(a, wanted) or _old(a, wanted, max_law_age) for a in answers))


def dated(answer: Any, options: argparse.Namespace) -> Any:
    """The answer with its stale law files told, where --max-law-age asks; raises SettingsError."""
    days = options.max_law_age
    if days is None:
        return answer
    if not 0 <= days <= 36_500:
        raise SettingsError(f"--max-law-age wants days from 0 to 36500, not {days}")
    from caveat.flows import freshness

    return freshness.dated(answer, days)


def _old(answer: Any, wanted: frozenset[str], days: int | None) -> bool:
    if days is None or "stale" not in wanted:
        return False
    from caveat.flows import freshness

    return bool(freshness.stale(answer.law, days))
