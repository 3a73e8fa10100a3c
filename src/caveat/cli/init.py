"""Write a starter caveat.toml from what is found; nothing that exists is overwritten without --force."""

from __future__ import annotations

import argparse
from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", nargs="?", default=".", metavar="FOLDER")
    parser.add_argument("--force", action="store_true", help="replace an existing caveat.toml")
    parser.add_argument("--stdout", action="store_true", help="print it instead")


def run(options: argparse.Namespace) -> int:
    from caveat.cli.atomic import write
    from caveat.errors import SettingsError
    from caveat.evidence import gather
    from caveat.evidence.starter import text as starter

    folder = Path(options.path)
    target = folder / "caveat.toml"
    text = starter(gather(folder, None))
    if options.stdout:
        print(text, end="")
        return 0
    if target.exists() and not options.force:
        raise SettingsError(f"{target} exists already; --force replaces it, --stdout prints")
    write(str(target), text)
    print(f"wrote {target}: read it, fill in what is missing, then run caveat check {folder}")
    return 0
