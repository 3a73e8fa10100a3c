"""The lineage of an asset, with the role in which each licence reaches it.

  caveat trace ./my-model          a folder
  caveat trace zephyr-7b-beta      an asset that the catalogue knows
"""

from __future__ import annotations

import argparse

from caveat.cli.options import FORMATS, own_law, render, show


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("asset", metavar="PATH|NAME")
    parser.add_argument("--online", action="store_true", help="read a repository's small files from the hub")
    own_law(parser)
    parser.add_argument("--format", choices=FORMATS, default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE")
    parser.add_argument("--width", type=int, default=0)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.tracing import trace

    show(render(trace(options.asset, online=options.online), options), options)
    return 0
