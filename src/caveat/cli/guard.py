"""Run a training command; stop it before the first step if it would breach.

  caveat guard -- python train.py                        hooks inside the process, a decision before the first step
  caveat guard -- accelerate launch train.py --config x  its workers too
  caveat guard --strict -- torchrun train.py             what depends or is unknown refuses as well
  CAVEAT_ACCEPT=llama-2/no-improving-others@my-chat caveat guard -- python train.py    go on, and have it written down

A guard is advisory: it sees what goes through Python's own doors, and says where it cannot see. Exit code: that of the
command; 1 if the run was refused; 2 for wrong usage.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from caveat.cli.options import colour, own_law, settings
from caveat.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "caveat guard [options] -- COMMAND ..."
    parser.add_argument("--strict", action="store_true", help="refuse what depends, is unknown or cannot be seen")
    parser.add_argument("--recipe", action="append", default=[], metavar="FILE",
                        help="a recipe or script that the command does not name itself (repeatable)")
    parser.add_argument("--project", metavar="FILE", help="a caveat.toml (default: the one in this folder)")
    parser.add_argument("--policy", metavar="FILE", help="your organisation's rules ([policy], as in caveat.toml)")
    parser.add_argument("--fact", action="append", default=[], metavar="NAME=VALUE", help="state a fact (repeatable)")
    parser.add_argument("--read", action="append", default=[], metavar="WORD=READING",
                        help="settle a disputed word (repeatable)")
    parser.add_argument("--presume", choices=("usual", "nothing"), default="usual",
                        help="nothing: presumed facts become doubts")
    parser.add_argument("--out", metavar="DIR", help="write the lineage of the run there (default: its output folder)")
    parser.add_argument("--report", metavar="FILE", help="write what was seen and decided as JSON")
    own_law(parser)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="what to run, after --")


def run(options: argparse.Namespace) -> int:
    words = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not words:
        raise SettingsError("no command; write it after --, as in: caveat guard -- python train.py")
    import json
    from pathlib import Path

    from caveat.cli.atomic import write
    from caveat.guard.running import end_as, guard

    ended = guard(words, _settings(options), strict=options.strict, recipes=[_there(f) for f in options.recipe],
                  law=options.law, out=Path(options.out) if options.out else None, colour=colour())
    if options.report:
        write(options.report, json.dumps(ended.to_dict(), indent=2, ensure_ascii=False) + "\n")
    return end_as(ended.code)


def _settings(options: argparse.Namespace) -> Any:
    from pathlib import Path

    from caveat.guard.judged import Settings

    here = Path("caveat.toml")
    project = _there(options.project) if options.project else here if here.is_file() else None
    return Settings(**settings(options), policy=_there(options.policy) if options.policy else None, project=project)


def _there(file: str) -> Path:
    from pathlib import Path

    if not Path(file).is_file():
        raise SettingsError(f"{file}: no such file")
    return Path(file)
