"""Which licence and version a text is, how sure, where it differs clause by clause, and what that does to verdicts.

  caveat identify LICENSE USE_POLICY.md · caveat identify ./my-model --format json
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, colour, own_law, show, width


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", metavar="FILE|DIR", nargs="+", help="licence texts, cards, or folders that hold them")
    own_law(parser)
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--exact", action="store_true", help="exit 1 unless all is known and unchanged")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.identifying import identified, page
    from caveat.report.pages import tell

    seen = identified(options.paths)
    show(tell(options.format, page(seen), width(options), colour() and not options.output), options)
    exact = all(s.matches and all(m.sure == "exact" for m, _ in s.matches) for s in seen)
    return int(options.exact and not exact)
