"""Check a log of served answers, and write its rows for others to read.

  caveat log served.sqlite                            is it whole? how did the exchanges end?
  caveat log served.sqlite --head 3f9a...             and is what stood there earlier still in it?
  caveat log served.sqlite -o rows.jsonl              a row per exchange; caveat check rows.jsonl reads it
"""

from __future__ import annotations

import argparse
import json
import sys


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("log", metavar="FILE", help="the log that --log or CAVEAT_LOG wrote")
    parser.add_argument("--head", default="", metavar="HEX", help="a head that an earlier check printed")
    parser.add_argument("-o", "--output", metavar="ROWS.jsonl", help="write a JSON line per exchange there")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.serving import log_checked, log_rows, log_summary

    answer = log_checked(options.log, options.head)
    counts = log_summary(map(json.loads, log_rows(options.log)))
    if options.output:
        from caveat.cli.atomic import write_lines

        write_lines(options.output, log_rows(options.log))
    if options.format == "json":
        print(json.dumps({"rows": answer.rows, "head": answer.head, "faults": list(answer.faults), "ended": counts}))
    else:
        _say(answer.rows, answer.head, answer.faults, counts)
    return 1 if answer.faults else 0


def _say(rows: int, head: str, faults: tuple[str, ...], counts: dict[str, int]) -> None:
    print("✗ this log was changed" if faults else "✓ this log is whole", end="")
    print(f"  {rows} rows, {sum(counts.values())} exchanges")
    for fault in faults:
        print(f"  {fault}")
    for how, many in sorted(counts.items()):
        print(f"  {many:>6}  {how}")
    print(f"  head {head}")
    if faults:
        print("caveat: what stands behind the first fault proves nothing", file=sys.stderr)
