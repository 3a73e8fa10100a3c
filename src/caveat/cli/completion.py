"""Print a completion script for your shell (needs the extra: pip install "caveat[completion]").

  caveat completion bash > ~/.local/share/bash-completion/completions/caveat
"""

from __future__ import annotations

import argparse
from importlib import import_module


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def run(options: argparse.Namespace) -> int:
    from caveat.errors import SettingsError

    try:
        import shtab
    except ImportError:
        raise SettingsError('completion needs the extra: pip install "caveat[completion]"') from None
    print(shtab.complete(whole(), shell=options.shell))
    return 0


def whole() -> argparse.ArgumentParser:
    """One parser with every command inside, as completion wants it."""
    from caveat.cli import COMMANDS

    parser = argparse.ArgumentParser(prog="caveat")
    commands = parser.add_subparsers()
    for name, line in COMMANDS.items():
        import_module(f"caveat.cli.{name}").arguments(commands.add_parser(name, help=line))
    return parser
