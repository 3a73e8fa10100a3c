"""Reports say when each law file was checked and against which text; one that is too old is told, and may count."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import pytest

from caveat.cli import main
from caveat.flows.asking import ask
from caveat.flows.freshness import dated, stale
from caveat.law.shelf import shipped

ASK = "run llama-2-7b"


def later(days: int) -> str:
    checked = shipped().law("llama-2").checked
    return (date.fromisoformat(checked) + timedelta(days)).isoformat()


def test_a_law_file_is_stale_from_the_day_after_its_age_ends() -> None:
    law = ask(ASK).law

    assert stale(law, 90, later(90)) == ()
    assert [u.licence for u in stale(law, 90, later(91))] == ["llama-2"]


def test_a_stale_law_file_is_a_problem_of_the_answer() -> None:
    answer = dated(ask(ASK), 90, later(91))

    assert [p.file for p in answer.problems] == ["law file llama-2"]
    assert dated(ask(ASK), 90, later(90)).problems == ()
    assert dated(ask(ASK), None, later(9000)).problems == ()


def test_a_table_that_was_never_checked_is_stale_at_any_age() -> None:
    assert [u.licence for u in stale(ask("run acme/some-7b under glm-4").law, 36_500)] == ["glm-4"]


def test_no_licence_at_all_is_never_stale() -> None:
    assert stale(ask("run acme/some-7b").law, 0, later(400)) == ()


@pytest.mark.parametrize(("fail_on", "code"), [("stale", 1), ("prohibited", 0), ("stale,prohibited", 1)])
def test_it_counts_only_where_it_is_asked_to(fail_on: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    glm = "run acme/some-7b under glm-4"

    assert main(["ask", glm, "--max-law-age", "1", "--fail-on", fail_on]) == code
    assert "never checked" in capsys.readouterr().out


def test_an_age_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ask", ASK, "--max-law-age=-1"]) == 2
    assert "--max-law-age" in capsys.readouterr().err


def test_the_hash_of_the_text_is_in_every_report_that_has_room(capsys: pytest.CaptureFixture[str]) -> None:
    whole = shipped().law("llama-2").sha256
    main(["ask", ASK, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["law"][0]["sha256"] == whole

    for form in ("markdown", "html"):
        main(["ask", ASK, "--format", form])
        assert whole in capsys.readouterr().out


def test_hashes_are_written_in_full() -> None:
    hashes = [shipped().law(id).sha256 for id in shipped().ids()]

    assert [h for h in hashes if h and not re.fullmatch("[0-9a-f]{64}", h)] == []
