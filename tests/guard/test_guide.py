"""docs/guard.md says what the code does: its names, arguments and options exist, its code parses."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import caveat
from caveat.cli import guard as command
from caveat.evidence.axolotl import PLUGIN
from caveat.guard import axolotl_plugin, written, written_toml
from caveat.guard.watch import watch

GUIDE = (Path(__file__).parents[2] / "docs" / "guard.md").read_text("utf-8")


def test_every_argument_of_the_callbacks_is_listed_and_no_other() -> None:
    listed = GUIDE.split("All arguments are optional:")[1].split("An unknown fact")[0]
    arguments = set(inspect.signature(watch).parameters)

    assert arguments == set(re.findall(r"`(\w+)`", listed))
    assert arguments == set(axolotl_plugin.KNOWN)


def test_python_in_the_guide_parses_and_its_names_exist() -> None:
    blocks = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    for block in blocks:
        ast.parse(block)

    assert len(blocks) == 2
    assert {"require", "CaveatCallback", "Refused", "CaveatError"} & set(re.findall(r"caveat\.(\w+)", GUIDE)) <= \
        set(caveat.__all__)


def test_options_of_the_command_exist() -> None:
    import argparse

    parser = argparse.ArgumentParser()
    command.arguments(parser)
    known = {o for a in parser._actions for o in a.option_strings}

    assert set(re.findall(r"`(--[a-z]+)", GUIDE.split("## To go on")[0])) <= known


def test_names_of_files_and_of_the_plugin_are_the_real_ones() -> None:
    assert PLUGIN in GUIDE
    assert {written.SETTINGS, written.BESIDE, written.CARD} <= set(re.findall(r"`([\w.]+)`", GUIDE))
    assert written_toml.GRACE.days == 90
    assert "ninety days" in GUIDE
