"""Whether a text carries your watermark: z, and the probability that as much of it is chance.

  caveat detect answer.txt --key mark.json --model model.gguf
  caveat detect ./my-rows --key mark.json --model model.gguf       a folder that caveat generate --watermark wrote
  caveat detect "some words" --key mark.json --model model.gguf --format json

The key is the file that `caveat generate --watermark` made; the model tells how text is cut into tokens. A mark says
that the text, or most of it, was written with this key; no mark says little: it fades when text is rewritten.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from caveat.cli.options import colour, width


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("what", metavar="TEXT|FILE|DIR", help="words, .txt, .jsonl or .parquet, a folder of rows, or - for stdin")
    add("--key", type=Path, required=True, metavar="KEYFILE", help="of --watermark; readable by you alone")
    add("--model", type=Path, required=True, metavar="M.gguf", help="whose tokens the text is cut into")
    add("--certain", type=float, default=1e-6, metavar="P", help="marked below this probability (default: 1e-6)")
    add("--most", type=int, default=10_000, metavar="N", help="rows read at most (default: 10000)")
    add("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    add("--width", type=int, default=0, help="columns (default: the terminal's)")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.detecting import MOST_TEXT, detect

    what = sys.stdin.read(MOST_TEXT) if options.what == "-" else options.what
    page = detect(what, options.key, options.model, options.most, options.certain)
    if options.format == "json":
        import json

        print(json.dumps(page.data, ensure_ascii=False))
        return 0
    from caveat.report.pages import tell

    print(tell("terminal", page, width(options), colour()).rstrip("\n"))
    return 0
