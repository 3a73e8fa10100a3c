"""Law is data, and each file carries its own examples: every case in every file is a test; the shelf is not stale."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.errors import LawError
from caveat.flows.cases import case_faults
from caveat.law.compile import Sources, compile_sources
from caveat.law.rule import Case
from caveat.law.shelf import COMPILED, HERE

SOURCES = Sources()
CASES = [(id, n, case) for id in sorted(SOURCES.sources) for n, case in enumerate(SOURCES.cases(id), 1)]
LEAST_CASES = 5


@pytest.mark.parametrize(("id", "case"), [pytest.param(id, case, id=f"{id}-{n}") for id, n, case in CASES])
def test_case_is_answered_as_its_file_says(id: str, case: Case) -> None:
    assert case_faults(id, case) == [], case.ask


@pytest.mark.parametrize("id", sorted(SOURCES.sources))
def test_every_licence_has_enough_cases(id: str) -> None:
    assert len(SOURCES.cases(id)) >= LEAST_CASES


def test_the_shelf_is_what_the_sources_compile_to() -> None:
    shipped = json.loads(COMPILED.read_text("utf-8"))
    made = json.loads(json.dumps(compile_sources(), sort_keys=True))

    assert made["digest"] == shipped["digest"], "stale: run `make law`"
    assert made == shipped


@pytest.mark.parametrize(("sort", "known"), [("licences", "sources"), ("disputed", "words")])
def test_every_file_is_found_by_its_name(sort: str, known: str) -> None:
    assert {p.stem for p in (HERE / sort).iterdir()} == set(getattr(SOURCES, known))


LAW = """id = "acme-1"
name = "Acme"
publisher = "Acme"
since = 2024-01-01
source = "https://example.org"
checked = {{ on = 2026-01-01, against = "" }}
root = "materials"
binds = "contract"

[[rule]]
id = "grant"
at = "1"
says = "may"
{rule}
gist = "Everything."
"""


@pytest.mark.parametrize(
    ("rule", "line", "near"),
    [
        ('do = ["quantise-it"]', 14, "quantize"),
        ('do = ["al"]', 14, "all"),
        ('do = ["all"]\nonn = ["materials"]', 15, "on"),
        ('do = ["all"]\non = ["material"]', 15, "materials"),
        ('do = ["all"]\nto = ["language-modl"]', 15, "language-model"),
        ('do = ["all"]\nwhen = { monthly_user = { over = 5 } }', 15, "monthly_users"),
        ('do = ["all"]\nwhen = { purpose = "reserch" }', 15, "research"),
    ],
)
def test_a_slip_is_told_with_file_line_and_the_nearest_word(tmp_path: Path, rule: str, line: int, near: str) -> None:
    (tmp_path / "licences").mkdir()
    (tmp_path / "disputed").mkdir()
    (tmp_path / "licences" / "acme-1.toml").write_text(LAW.format(rule=rule), "utf-8")

    with pytest.raises(LawError) as told:
        Sources(tmp_path).law("acme-1")

    assert str(told.value).startswith(f"acme-1.toml:{line}: ")
    assert near in str(told.value).partition("did you mean")[2]


def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "licences").mkdir()
    (tmp_path / "licences" / "acme-1.toml").write_text('id = "acme-1"\nname = oops\n', "utf-8")

    with pytest.raises(LawError, match=r"^acme-1\.toml:2: not TOML"):
        Sources(tmp_path)
