"""Licences side by side, by what they let you do: differences first.

  caveat compare llama-2 llama-3.1                two or three licences, in words
  caveat compare openai-tou-2023-03-14 openai-services-2025-05-31      two versions: clauses that changed as well
  caveat compare --matrix apache-2.0 llama-3.1 gemma cc-by-nc-4.0      many, as signs and clauses
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, colour, own_law, show, width


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("licences", metavar="LICENCE", nargs="+", help="two or more")
    parser.add_argument("--matrix", action="store_true", help="signs and clauses, for many licences")
    own_law(parser)
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    from caveat.errors import SettingsError
    from caveat.flows.matrix import compare, matrix
    from caveat.report.pages import tell

    if len(options.licences) < 2 and not options.matrix:
        raise SettingsError("compare wants two licences or more")
    columns = width(options)
    page = (matrix(*options.licences, width=columns if options.format == "terminal" else 0)
            if options.matrix else compare(*options.licences))
    show(tell(options.format, page, columns, colour() and not options.output), options)
    return 0
