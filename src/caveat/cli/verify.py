"""Whether the rows, files and statement of a generated folder belong together, and which rows came from which model.

  caveat verify ./rows                   exit 0 if everything agrees, 1 if not: what was tampered with is named
  caveat verify ./rows --format json     for programs

Nothing is signed: that the parts agree is shown, not who wrote them. What they allow: caveat check ./rows
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from caveat.cli.options import show

if TYPE_CHECKING:
    from caveat.runtime.verification import Verified


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folders", nargs="*", default=["."], metavar="DIR", help="default: this folder")
    parser.add_argument("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (atomically) instead of printing")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.belonging import verify

    found = [verify(folder) for folder in options.folders]
    form = _json if options.format == "json" else _told
    show("\n".join(map(form, found)), options)
    return int(any(v.faults for v in found))


def _json(v: Verified) -> str:
    return json.dumps(v.to_dict(), ensure_ascii=False)


def _told(v: Verified) -> str:
    from caveat.report.verification import text

    return text(v.folder, [w.to_dict() for w in v.wrote], [f.to_dict() for f in v.faults], v.notes, v.rows, v.files,
                str(v.to_dict()["unproven"]))
