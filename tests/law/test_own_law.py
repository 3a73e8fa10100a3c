"""An organisation's own law lies over what ships: same checks, marked in reports, and nothing of ours is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.errors import LawError, SettingsError
from caveat.flows.asking import ask
from caveat.flows.checking import check
from caveat.flows.own_law import law_beside, own_cases, own_law
from caveat.law.shelf import shelf, shipped

CONTRACT = """
id = "acme-contract"
name = "Acme's contract with its vendor"
like = "openai-services-2025-05-31"
drop = ["no-rivals"]
covers = ["gpt-4*"]
aliases = ["acme terms"]
checked = { on = 2026-01-10, against = "contract 4711" }
[[case]]
ask    = "train my-lm on output of gpt-4 where competes = yes"
answer = "permitted"
"""
COUNSEL = """
id = "llama-2"
like = "llama-2"
drop = ["no-improving-others"]
[[case]]
ask    = "train my-lm on output of llama-2-7b"
answer = "permitted"
"""
WORD = """
word = "improve"
ask = "Does choosing data improve?"
used-as = "acts"
[[reading]]
id = "weights"
means = "Only training."
acts = ["train"]
[[reading]]
id = "any-help"
means = "Any help."
acts = ["train", "distil", "merge"]
"""
RIVAL = "train my-lm on output of gpt-4 where competes = yes"


def folder(at: Path, **files: str) -> Path:
    """A folder of own law: licence id or word_NAME -> text."""
    for name, text in files.items():
        sort, stem = ("disputed", name[5:]) if name.startswith("word_") else ("licences", name.replace("_", "-"))
        (at / sort).mkdir(parents=True, exist_ok=True)
        (at / sort / f"{stem}.toml").write_text(text, encoding="utf-8")
    return at


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Path]:
    yield folder(tmp_path / "acme-law", acme_contract=CONTRACT)


def test_a_contract_of_ones_own_covers_a_service_before_what_the_catalogue_says(acme: Path) -> None:
    with own_law([acme]):
        answer = ask(RIVAL)

    assert answer.verdict == "permitted"
    assert [(u.licence, u.own) for u in answer.law] == [("acme-contract", "acme-law")]


def test_nothing_is_left_of_it_outside_the_block(acme: Path) -> None:
    with own_law([acme]):
        pass

    assert ask(RIVAL).verdict == "prohibited"
    assert shelf() is shipped()


def test_the_shelf_that_ships_is_not_changed_by_laying_law_over_it(acme: Path) -> None:
    over = shipped().with_own(acme)

    assert over.has("acme-contract") and not shipped().has("acme-contract")
    assert over.resolve("acme terms") == "acme-contract"


def test_a_licence_of_ours_is_replaced_and_keeps_its_name_and_source(tmp_path: Path) -> None:
    with own_law([folder(tmp_path / "counsel", llama_2=COUNSEL)]) as law:
        answer = ask("train my-lm on output of llama-2-7b")

    assert answer.verdict == "permitted"
    assert law.law("llama-2").name == shipped().law("llama-2").name
    assert answer.law[0].own == "counsel"


def test_a_word_of_ones_own_marks_every_licence_that_is_read_with_it(tmp_path: Path) -> None:
    with own_law([folder(tmp_path / "counsel", word_improve=WORD)]):
        answer = ask("train my-lm on output of llama-2-7b")

    assert answer.law[0].own == "counsel (the word improve)"


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("acme", 'id = "acme"\nlike = "lama-2"\n', "no law 'lama-2' (did you mean llama-2"),
        ("acme", 'id = "other"\n', "is not the name of the file"),
        ("acme", 'id = "acme"\nlike = "acme"\n', "no law 'acme'"),
        ("acme", 'id = "acme"\nrules = 1\n', "unknown key 'rules'"),
        ("acme", 'id = "acme"\nrule = [1]\n', "shape of a law file"),
        ("acme", "id = ", "not TOML"),
        ("acme", 'id = "acme"\n[[rule]]\nid = "a"\nat = "1"\nsays = "may"\ndo = ["run"]\nunless = { rule = "b" }\n',
         "no such rule"),
        ("unknown", 'id = "unknown"\n', "neither of unknown"),
        ("word_improve", WORD.replace('"weights"', '"any"'), "keeps used-as"),
    ],
)
def test_what_is_wrong_in_it_is_told_in_a_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    with pytest.raises(LawError) as told, own_law([folder(tmp_path / "law", **{name: text})]):
        pass

    assert said in str(told.value) and "\n" not in str(told.value)


def test_two_files_that_are_like_each_other_are_refused(tmp_path: Path) -> None:
    at = folder(tmp_path, aa='id = "aa"\nlike = "bb"\n', bb='id = "bb"\nlike = "aa"\n')

    with pytest.raises(LawError, match="like each other"):
        shipped().with_own(at)


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LawError, match="holds no law"), own_law([tmp_path]):
        pass
    with pytest.raises(SettingsError, match="no such folder"), own_law([tmp_path / "none"]):
        pass


def test_the_cases_inside_are_asked(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert [faults for *_, faults in own_cases([acme])] == [[]]
    assert main(["explain", "--law", str(acme), "--cases"]) == 0
    assert "1 of 1 right" in capsys.readouterr().out


def test_a_file_without_cases_is_not_called_right(tmp_path: Path) -> None:
    at = folder(tmp_path / "law", acme='id = "acme"\nlike = "mit"\n')

    with pytest.raises(LawError, match="holds no"):
        list(own_cases([at]))


def test_caveat_toml_names_a_folder_beside_it(tmp_path: Path) -> None:
    folder(tmp_path / "law", acme_contract=CONTRACT)
    (tmp_path / "caveat.toml").write_text(
        '[project]\nname = "my-chat"\n[law]\npath = "law"\n[assets."acme/notes"]\nkind = "dataset"\n'
        'licence = "acme-contract"\n[[step]]\nmakes = "my-chat"\nact = "train"\nfrom = ["acme/notes"]\n', "utf-8")

    (report,) = check(tmp_path)

    assert [(u.licence, u.own) for u in report.law] == [("acme-contract", "law")]


@pytest.mark.parametrize("path", ["../law", "/tmp", "..", "law/../../x"])
def test_a_path_that_leads_out_of_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "law").mkdir()
    project = tmp_path / "project"
    project.mkdir()
    (project / "caveat.toml").write_text(f'[law]\npath = "{path}"\n', "utf-8")

    with pytest.raises(SettingsError), law_beside(project):
        pass


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    folder(tmp_path / "elsewhere", acme_contract=CONTRACT)
    project = tmp_path / "project"
    project.mkdir()
    (project / "law").symlink_to(tmp_path / "elsewhere")
    (project / "caveat.toml").write_text('[law]\npath = "law"\n', "utf-8")

    with pytest.raises(SettingsError, match="leads out"), law_beside(project):
        pass


def test_what_was_typed_comes_before_what_a_checked_folder_says(tmp_path: Path) -> None:
    typed = folder(tmp_path / "typed", llama_2=COUNSEL)
    folder(tmp_path / "project" / "law", llama_2=COUNSEL.replace('["no-improving-others"]', "[]"))
    (tmp_path / "project" / "caveat.toml").write_text('[law]\npath = "law"\n', "utf-8")

    with own_law([typed]), law_beside(tmp_path / "project") as law:
        assert law.law("llama-2").own == "typed"


def test_reports_say_what_is_own(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ask", RIVAL, "--law", str(acme)])
    assert "own law   acme-contract: acme-law" in capsys.readouterr().out

    main(["ask", RIVAL, "--law", str(acme), "--format", "json"])
    assert json.loads(capsys.readouterr().out)["law"][0]["own"] == "acme-law"
