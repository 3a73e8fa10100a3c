"""Licences side by side, by what they let you do: differences first.

  caveat compare llama-2 llama-3.1
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, colour, show, width


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("licences", metavar="LICENCE", nargs="+", help="two or more")
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    from caveat.errors import SettingsError
    from caveat.flows.explaining import compare
    from caveat.report.pages import tell

    if len(options.licences) < 2:
        raise SettingsError("compare wants two licences or more")
    page = compare(*options.licences)
    show(tell(options.format, page, width(options), colour() and not options.output), options)
    return 0
