"""A licence in our words, one of its clauses, a disputed word, or what a label on the Hugging Face hub means.

  caveat explain llama-2 · caveat explain llama-2/1.b.v · caveat explain improve · caveat explain openrail
  caveat explain --stats                     what the library holds
  caveat explain --html DIR                  every licence and word as pages to browse and search, without a server
  caveat explain llama-2 --verify LICENSE    a text that you have against the one that was read
  caveat explain --law DIR --cases           ask every case inside your own law files
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, colour, own_law, show, width
from caveat.verdict.document import Document


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", metavar="LICENCE[/CLAUSE]|WORD|TAG", nargs="?", default="",
                        help="nothing: list every licence")
    parser.add_argument("--stats", action="store_true", help="what the library holds, and what is weak in it")
    parser.add_argument("--html", metavar="DIR", help="write the library there as pages to browse")
    parser.add_argument("--cases", action="store_true", help="ask the cases of the folders of --law; exit 1 on a miss")
    parser.add_argument("--verify", metavar="FILE", help="compare this text with the one that was read")
    own_law(parser)
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    if options.cases:
        return _cases(options)
    if options.html:
        return _pages(options.html)
    from caveat.report.pages import tell

    show(tell(options.format, _page(options), width(options), colour() and not options.output), options)
    return 0


def _page(options: argparse.Namespace) -> Document:
    from caveat.flows import explaining

    if options.verify:
        from caveat.flows.verifying import verified

        return verified(options.what, options.verify)
    if options.stats:
        return explaining.stats()
    return explaining.explain(options.what) if options.what else explaining.index()


def _cases(options: argparse.Namespace) -> int:
    from caveat.errors import SettingsError
    from caveat.flows.own_law import own_cases

    if not options.law:
        raise SettingsError("--cases asks the cases of own law: name its folder with --law")
    told = list(own_cases(options.law))
    for id, case, faults in told:
        if faults:
            print(f"{id}: {case.ask}\n    {'; '.join(faults)}")
    wrong = sum(bool(faults) for *_, faults in told)
    print(f"{len(told) - wrong} of {len(told)} right")
    return int(wrong > 0)


def _pages(folder: str) -> int:
    from caveat.cli.atomic import write_all
    from caveat.flows.library import library

    pages = library()
    write_all(folder, pages)
    print(f"wrote {len(pages)} pages: open {folder.rstrip('/')}/index.html")
    return 0
