"""Licences are explained, counted and compared by what they let you do, and written as pages to browse."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from caveat.cli import main
from caveat.errors import SettingsError
from caveat.flows.effects import effects_of
from caveat.flows.explaining import explain, stats
from caveat.flows.matrix import compare, matrix
from caveat.law.shelf import shipped
from caveat.report.pages import tell


def test_a_tag_of_the_hub_is_told_with_its_reason() -> None:
    page = tell("markdown", explain("openrail"))

    assert "it names a family, not a member" in page and "not permission" in page


def test_a_license_name_says_which_licence_it_means() -> None:
    names = shipped().raw("licence_names")
    name = next(n for n in names if n not in shipped().ids() and shipped().resolve(n) not in (None, "unknown")
                and not shipped().tag(n))

    assert f"The license_name '{name}' on a model card means" in " ".join(p.rows[0][0] for p in explain(name).parts)


def test_every_tag_every_licence_and_every_word_can_be_explained() -> None:
    law = shipped()
    for what in (*law.tags(), *law.word_ids(), *law.raw("licence_names")):
        assert explain(what).title


def test_what_nobody_knows_is_an_error_with_the_nearest_words() -> None:
    with pytest.raises(SettingsError, match="did you mean"):
        explain("lama-2")


def test_statistics_add_up() -> None:
    data = stats().to_dict()

    assert data["licences"] == len(shipped().ids()) == sum(data["sorts"].values())
    assert data["tags"]["decided"] == data["tags"]["of"] == len(shipped().tags()) == 83
    assert all(data["tags"]["unknown"].values())
    assert set(data["weak"]) == {id for id in shipped().ids() if shipped().law(id).weak}
    assert data["cases_inside_the_files"] >= 600


def test_only_what_applies_to_all_is_compared() -> None:
    law = shipped().law
    asked = {e.question for e in effects_of([law("llama-2"), law("openai-services-2025-05-31")])}

    assert not any("quantize" in q for q in asked)
    assert "run {x}" in asked
    assert any("quantize" in e.question for e in effects_of([law("llama-2"), law("gemma")]))
    assert all("{x}" in e.question for e in effects_of([law("odc-by-1.0"), law("odbl-1.0")]))


def test_differences_come_first() -> None:
    effects = compare("llama-2", "llama-3.1").to_dict()["effects"]
    differ = [e["differs"] for e in effects]

    assert differ == sorted(differ, reverse=True) and True in differ and False in differ


def test_two_versions_of_one_text_show_the_clauses_that_changed() -> None:
    data = compare("openai-tou-2023-03-14", "openai-services-2025-05-31").to_dict()
    changed = {row["rule"]: row for row in data["clauses"]}

    assert changed["no-rivals"]["clause"] == "2.c.iii -> 3.3.e"
    assert "sorting-at-home" in changed


def test_a_licence_against_itself_differs_in_nothing() -> None:
    page = compare("gemma", "gemma")

    assert page.to_dict()["clauses"] == []
    assert not any(e["differs"] for e in page.to_dict()["effects"])


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_matrix_keeps_to_the_width(columns: int) -> None:
    licences = ("apache-2.0", "llama-3.1", "gemma", "cc-by-nc-4.0", "bigscience-openrail-m", "deepseek-la-1.0")
    told = tell("terminal", matrix(*licences, width=columns), columns)

    assert max(map(len, told.splitlines())) <= columns
    assert all(id in told for id in licences)


def test_a_matrix_cell_is_a_sign_and_clauses() -> None:
    rows = {e["effect"]: e["short"] for e in matrix("llama-2", "mit").to_dict()["effects"]}

    assert rows["train another model on its answers"] == {"llama-2": "✗ 1.b.v", "mit": "✓"}
    assert rows["ship a fine-tune"]["llama-2"] == "! 1.b.i, 1.b.iii"


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "html"])
def test_every_form_tells_a_matrix(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--matrix", "llama-2", "gemma", "mit", "--format", form]) == 0
    told = capsys.readouterr().out

    assert "1.b.v" in told
    assert form != "json" or json.loads(told)["licences"] == ["llama-2", "gemma", "mit"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    at = tmp_path_factory.mktemp("library")
    assert main(["explain", "--html", str(at)]) == 0
    return {p.name: p.read_text("utf-8") for p in at.iterdir()}


def test_there_is_a_page_for_every_licence_and_word(pages: dict[str, str]) -> None:
    assert len(pages) == 1 + len(shipped().ids()) + len(shipped().word_ids())


def test_every_link_between_pages_leads_somewhere(pages: dict[str, str]) -> None:
    links = {link for text in pages.values() for link in re.findall(r'href="([^"#]+)"', text)}

    assert {link for link in links if not link.startswith("https://")} <= set(pages)


def test_a_page_runs_and_loads_nothing_but_its_own(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
        scripts = re.findall(r"<script>(.*?)</script>", text, re.S)

        assert policy and policy[1].startswith("default-src 'none'")
        assert len(scripts) == (name == "index.html")
        for part in (*scripts, *re.findall(r"<style>(.*?)</style>", text, re.S)):
            assert base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() in policy[1]
        assert not re.search(r"<(?:link|img|iframe|object)\b|\bon\w+=|src=", text)


def test_without_scripts_the_index_is_a_plain_list(pages: dict[str, str]) -> None:
    index = re.sub(r"<script>.*?</script>", "", pages["index.html"], flags=re.S)

    assert '<p id="find" hidden>' in index
    assert index.count("<li ") == len(pages) - 1 and "<li hidden" not in index


def test_pages_are_found_by_clause_and_by_what_it_says(pages: dict[str, str]) -> None:
    rows = dict(re.findall(r'<li data-s="([^"]*)"><a href="([^"]+)"', pages["index.html"]))
    found = [page for words, page in rows.items() if "1.b.v" in words and "better" in words]

    assert "licence-llama-2.html" in found


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")

    assert main(["explain", "--html", str(tmp_path / "file")]) == 2
    assert "cannot write" in capsys.readouterr().err
