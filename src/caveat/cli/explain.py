"""A licence in our words, one of its clauses, a disputed word, or what a Hugging Face licence tag means.

  caveat explain llama-2 · caveat explain llama-2/1.b.v · caveat explain improve · caveat explain openrail
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, colour, show, width


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="LICENCE[/CLAUSE]|WORD|TAG", nargs="?", default="",
                        help="nothing: list every licence")
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.explaining import explain, index
    from caveat.report.pages import tell

    page = explain(options.what) if options.what else index()
    show(tell(options.format, page, width(options), colour() and not options.output), options)
    return 0
