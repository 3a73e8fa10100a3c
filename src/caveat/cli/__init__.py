"""The command line: parse, call one flow, print, exit. One file per command; only the chosen one is imported.

    caveat COMMAND ...    0 nothing at or above --fail-on · 1 findings · 2 wrong usage or unreadable input
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from caveat.errors import CaveatError, nearest

#: command -> one line of help; the module of the same name has `arguments(parser)` and `run(options) -> int`.
COMMANDS = {
    "ask": 'one question, one verdict, one proof: caveat ask "may I ..."',
    "check": "what was made from what, what reaches it, what is wrong, what is owed",
    "compare": "two licences side by side, by what they let you do",
    "completion": "print a completion script for bash, zsh or tcsh",
    "convert": "a checkpoint folder as one GGUF file, with its licence and source in the header",
    "detect": "whether a text carries your watermark",
    "explain": "a licence in our words: its clauses, its disputed words",
    "fit": "will it fit, at which quantization, with how much context",
    "fix": "the smallest changes that make it acceptable, each with its new verdict",
    "generate": "rows that a model writes, each with whose output it is, for a purpose checked first",
    "guard": "run a training command; stop it before the first step if it would breach",
    "identify": "which licence a text is, and where it was changed",
    "init": "write a starter caveat.toml from what is found",
    "log": "check a log of served answers, and write its rows",
    "proxy": "pass everything through to a model server, with provenance and a log",
    "quantize": "a model in fewer bits, with what its licence asks to lie beside it",
    "serve-model": "serve GGUF files at home, with a chat page and provenance on every answer",
    "trace": "the lineage of an asset, with roles",
    "verify": "whether rows, files and statement of a generated folder belong together",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code and never shows a traceback for what people did."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(words)
    except CaveatError as fault:
        print(f"caveat: {fault}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        sys.stderr.close()  # the reader went away; nothing is lost
        return 0
    except KeyboardInterrupt:
        print("caveat: interrupted", file=sys.stderr)
        return 130


def _run(words: list[str]) -> int:
    if not words or words[0].startswith("-"):
        top().parse_args(words)
        top().print_help()
        return 2
    if words[0] not in COMMANDS:
        near = nearest(words[0], COMMANDS)
        hint = f" (did you mean {', '.join(near)}?)" if near else ""
        print(f"caveat: no command {words[0]!r}{hint}; caveat --help lists them", file=sys.stderr)
        return 2
    command = import_module(f"caveat.cli.{words[0].replace('-', '_')}")
    parser = argparse.ArgumentParser(prog=f"caveat {words[0]}", description=command.__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    command.arguments(parser)
    options = parser.parse_args(words[1:])
    if not getattr(options, "law", None):
        return int(command.run(options))
    from caveat.flows.own_law import own_law

    with own_law(options.law):
        return int(command.run(options))


def top() -> argparse.ArgumentParser:
    """The parser of `caveat` itself: help and version; commands parse their own words."""
    lines = "\n".join(f"  {name:<11} {line}" for name, line in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="caveat", formatter_class=argparse.RawDescriptionHelpFormatter, usage="caveat COMMAND ...",
        description="Licence compliance for language models, from weights to outputs.",
        epilog=f"commands:\n{lines}\n\nNot legal advice. Nothing touches the network unless you ask for it.",
    )
    parser.add_argument("--version", action=_Version)
    return parser


class _Version(argparse.Action):
    """Reads the installed version only when asked: the metadata machinery is slow to import."""

    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: object) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *args: object) -> None:
        from importlib.metadata import version

        print(f"caveat {version('caveat')}")
        parser.exit()
