"""The house keeps its shape: tables against folders, rooms by their names, a light start, pins within bounds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from caveat.cli import COMMANDS
from caveat.evidence import READERS
from caveat.report import FORMS

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ROOT / "src" / "caveat"
MODULES = sorted(p for p in HOUSE.rglob("*.py") if p.name != "__init__.py")
NO_ROOM = {"util", "utils", "core", "common", "helper", "helpers", "misc", "models", "manager", "base", "lib"}
QUESTION = "may I train falcon-7b on output of llama-2-70b-chat and sell it?"
#: What may not be imported on the way of `--help` or a question: slow to import, and not needed for either.
HEAVY = {"dataclasses", "inspect", "asyncio", "difflib", "license_expression", "yaml", "jinja2", "tomllib",
         "markdown_it", "importlib.metadata", "email", "logging", "socket", "ssl", "http", "tempfile",
         "subprocess", "decimal"}


def functions(path: Path) -> set[str]:
    return {n.name for n in ast.parse(path.read_text("utf-8")).body if isinstance(n, ast.FunctionDef)}


def registered(folder: str, *names: str) -> set[str]:
    """Modules of a room that define all of these names at top level."""
    return {p.stem for p in (HOUSE / folder).glob("*.py") if set(names) <= _defined(p)}


def _defined(path: Path) -> set[str]:
    body = ast.parse(path.read_text("utf-8")).body
    assigned = {t.id for n in body if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    return assigned | functions(path)


def test_readers_are_the_files_that_read() -> None:
    assert sorted(READERS) == list(READERS)
    assert set(READERS) == registered("evidence", "NAMES", "READS", "read")


def test_commands_are_the_files_that_run() -> None:
    assert sorted(COMMANDS) == list(COMMANDS)
    assert {name.replace("-", "_") for name in COMMANDS} == registered("cli", "arguments", "run")


def test_forms_are_the_files_that_render() -> None:
    assert {module for module, _ in FORMS.values()} == registered("report", "render") - {"__init__"}


def test_no_room_is_a_drawer_for_everything() -> None:
    names = {p.stem for p in HOUSE.rglob("*") if p.is_dir() or p.suffix == ".py"}

    assert set() == names & NO_ROOM


def test_the_map_shows_every_room() -> None:
    drawn = (ROOT / "docs" / "map.md").read_text("utf-8")
    rooms = [p.name + "/" for p in HOUSE.iterdir() if p.is_dir() and p.name != "__pycache__"]
    tops = [p.name + "/" for p in ROOT.iterdir() if p.is_dir() and p.name in _tracked()]

    assert [room for room in [*rooms, *tops] if room not in drawn] == []


def _tracked() -> set[str]:
    return {"spec", "tests", "benchmarks", "docs", "examples"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(HOUSE)))
def test_every_module_says_why_it_exists(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def imported(*words: str) -> set[str]:
    """Modules that one command imports, in an interpreter of its own."""
    code = f"import sys\nfrom caveat.cli import main\ntry: main({list(words)!r})\nexcept SystemExit: pass\n" \
           "print('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("ask", QUESTION), ("ask", QUESTION, "--format", "json")],
                         ids=["help", "ask", "ask json"])
def test_a_quick_command_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    assert set() == imported(*words) & HEAVY


def test_values_on_the_way_of_a_question_do_not_defer_annotations() -> None:
    """typing compiles every deferred annotation of a named tuple at import: docs/decisions/0002."""
    asked = [import_module(m) for m in imported("ask", QUESTION) if m.startswith("caveat") and m != "caveat.__main__"]
    files = [Path(m.__file__ or "") for m in asked]
    deferring = [p.name for p in files if re.search(r"^class \w+\(NamedTuple\)", p.read_text("utf-8"), re.MULTILINE)
                 and "from __future__ import annotations" in p.read_text("utf-8")]

    assert deferring == []


def wanted() -> Iterator[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    yield from map(Requirement, project["dependencies"])
    yield from map(Requirement, project["optional-dependencies"]["dev"])


def pins(lock: str) -> dict[str, Version]:
    lines = [line for line in (ROOT / lock).read_text("utf-8").splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[^=\s]+", line) for line in lines)
    return {_plain(name): Version(version) for name, version in (line.split("==") for line in lines)}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_locks_meet_what_the_project_asks() -> None:
    locked = pins("requirements-dev.lock")

    assert [str(r) for r in wanted() if _plain(r.name) not in locked
                  or not r.specifier.contains(locked[_plain(r.name)])] == []


def test_the_small_lock_is_part_of_the_large_one() -> None:
    assert pins("requirements.lock").items() <= pins("requirements-dev.lock").items()


def test_every_licence_of_ours_has_its_text() -> None:
    named = set(re.findall(r'SPDX-License-Identifier = "([^"]+)"', (ROOT / "REUSE.toml").read_text("utf-8")))

    assert named == {p.stem for p in (ROOT / "LICENSES").glob("*.txt")}
    assert (ROOT / "LICENSES" / "Apache-2.0.txt").read_bytes() == (ROOT / "LICENSE").read_bytes()
