"""Rows keep whose output they are: the same verdict before and after everything that people do to a folder of rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caveat.flows.asking import ask
from caveat.flows.checking import check
from caveat.verdict.answer import Report
from tests.runtime.run_made import (
    CHANGES,
    DAY,
    LLAMA_2,
    LLAMA_3_1,
    SMOL,
    as_made,
    card_alone,
    one_file,
    pushed,
    recipe,
    renamed,
    rewritten,
    run_folder,
    statement_alone,
    stripped,
    told,
)

Change = Callable[[Path], Path]
#: generator -> what its own output may do to another model
TRAINING = {LLAMA_2: "prohibited", LLAMA_3_1: "permitted", "gpt-4o": "depends", SMOL: "permitted"}
#: SmolLM2 learned from a hundred data sets, and every check looks at all of them: one change of the
#: folder a day, all the others deep.
SMOL_DAILY = (stripped,)
#: Without files of rows there is nothing that a recipe could train on.
WITH_ROWS = tuple(c for c in CHANGES if c not in (card_alone, statement_alone))


def cases(changes: tuple[Change, ...], daily: tuple[Change, ...] = SMOL_DAILY) -> list[Any]:
    """Each generator after each change."""
    return [pytest.param(model, change, id=f"{model.rpartition('/')[2]}-{change.__name__}",
                         marks=[pytest.mark.deep] if model == SMOL and change not in daily else [])
            for model in TRAINING for change in changes]


def only(path: Path) -> Report:
    (report,) = check(path, today=DAY)
    return report


def by_hand(folder: Path, model: str) -> Report:
    """The same story told in a caveat.toml: what the provenance has to equal."""
    folder.mkdir()
    date = f'date = {DAY}\n' if "/" not in model else ""
    (folder / "caveat.toml").write_text(
        f'[project]\nname = "falcon-taught"\n[[step]]\nmakes = "rows"\nact = "generate"\nfrom = "{model}"\n{date}'
        '[[step]]\nmakes = "falcon-taught"\nact = "finetune"\nfrom = "tiiuae/falcon-7b"\n'
        '[[step]]\nmakes = "falcon-taught"\nact = "train"\nfrom = "rows"\n')
    return only(folder)


def bad(report: Report) -> set[tuple[str, str, str]]:
    """The asker's own steps that are not plainly allowed: act, verdict, licence."""
    return {(f.act, f.verdict, f.licence) for f in report.findings
            if f.whose == "you" and f.verdict in ("prohibited", "depends", "unknown")}


@pytest.mark.parametrize(("model", "change"), cases(CHANGES))
def test_the_folder_alone_says_what_its_rows_may_do(tmp_path: Path, model: str, change: Change) -> None:
    run_folder(tmp_path / "rows", model)
    report = only(change(tmp_path / "rows"))

    assert report.kind == "dataset"
    assert told(report, "train on it") == TRAINING[model]
    assert {(e.act, e.parent.partition(" of ")[0]) for e in report.graph.edges if e.child == report.subject} == {
        ("generate", model)}


@pytest.mark.parametrize(("model", "change"), cases(WITH_ROWS, ()))
def test_a_recipe_is_judged_by_the_rows_beside_it(tmp_path: Path, model: str, change: Change) -> None:
    run_folder(tmp_path / "rows", model)
    left = change(tmp_path / "rows")
    report = only(recipe(tmp_path, f"./{left.name}"))
    same = by_hand(tmp_path / "by-hand", model)

    assert report.subject == "falcon-taught"
    assert (report.verdict, bad(report)) == (same.verdict, bad(same))


@pytest.mark.parametrize("model", [m for m in TRAINING if m != SMOL])
def test_the_verdict_is_that_of_the_question(tmp_path: Path, model: str) -> None:
    """Three ways to one answer: asked in words, read from the columns, told by hand."""
    run_folder(tmp_path / "rows", model)
    left = stripped(tmp_path / "rows")
    asked = ask(f"train falcon-7b on output of {model}", today=DAY)

    assert asked.verdict == TRAINING[model] == told(only(left), "train on it")


@pytest.mark.parametrize("written", [
    "rows", "./rows", "rows/data", "rows/data/*.parquet", "./rows/data/part-00000.parquet", "{here}/rows", "rows/"])
def test_every_way_to_write_the_path(tmp_path: Path, written: str) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    report = only(recipe(tmp_path, f'"{written.format(here=tmp_path)}"'))

    assert bad(report) == {("train", "prohibited", "llama-2")}
    assert not report.problems


def test_recipes_in_a_folder_of_their_own(tmp_path: Path) -> None:
    """Trainers are started at the top of a project, and recipes lie below."""
    work = tmp_path / "a" / "b" / "work"
    run_folder(work / "rows", LLAMA_2)
    (work / "recipes").mkdir()

    assert bad(only(recipe(work / "recipes", "rows"))) == {("train", "prohibited", "llama-2")}


@pytest.mark.parametrize("change", [as_made, rewritten, pushed, stripped, one_file], ids=lambda c: c.__name__)
def test_a_whole_project_says_the_same(tmp_path: Path, change: Change) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    left = change(tmp_path / "rows")
    recipe(tmp_path, f"./{left.name}")
    reports = {r.subject: r for r in check(tmp_path, today=DAY)}

    assert bad(reports["falcon-taught"]) == {("train", "prohibited", "llama-2")}
    assert not reports["falcon-taught"].problems


def test_a_recipe_of_trl(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    (tmp_path / "sft.yaml").write_text("model_name_or_path: mistralai/Mistral-7B-v0.1\ndataset_name: ./rows\n"
                                       "output_dir: ./out/falcon-taught\n")

    assert bad(only(tmp_path / "sft.yaml")) == {("train", "prohibited", "llama-2")}


def test_the_same_family_may_learn_from_it(tmp_path: Path) -> None:
    """Llama 2 lets its output make Llama 2 better."""
    run_folder(tmp_path / "rows", LLAMA_2)
    report = only(recipe(tmp_path, "./rows", "meta-llama/Llama-2-13b-hf"))

    assert not {b for b in bad(report) if b[0] == "train"}


# Whose run it was.


def test_somebody_elses_run_is_found_output(tmp_path: Path) -> None:
    """Who never ran the model never agreed: it depends on whether terms follow the text."""
    run_folder(tmp_path / "rows", LLAMA_2, by="Acme", licence="cc-by-4.0")

    assert bad(only(recipe(tmp_path, "./rows"))) == {("train", "depends", "llama-2")}


def test_their_own_run_binds_those_who_say_who_they_are(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2, by="Acme")
    recipe(tmp_path, "./rows")
    (tmp_path / "caveat.toml").write_text('[project]\nby = "Acme"\n')
    report = next(r for r in check(tmp_path, today=DAY) if r.subject == "falcon-taught")

    assert {(f.act, f.verdict, f.whose) for f in report.findings if f.verdict == "prohibited"} == {
        ("train", "prohibited", "Acme")}


def test_the_card_tells_who_ran_it_where_the_statement_is_gone(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2, by="Acme", licence="cc-by-4.0")
    pushed(tmp_path / "rows")

    assert bad(only(recipe(tmp_path, "./rows"))) == {("train", "depends", "llama-2")}


def test_a_repository_of_others_is_theirs(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2, licence="cc-by-4.0")
    (report,) = check(tmp_path / "rows", asset="someone/rows", today=DAY)

    assert told(report, "train on it") == "depends"


def test_whoever_publishes_a_run_did_not_run_it(tmp_path: Path) -> None:
    """The statement says who ran it; the columns of the same run say nothing else."""
    run_folder(tmp_path / "rows", LLAMA_2, by="Acme")
    (report,) = check(tmp_path / "rows", asset="someone/rows", today=DAY)

    assert {e.by for e in report.graph.edges if e.act == "generate"} == {"Acme"}


def test_rows_without_any_paper_are_taken_as_ones_own(tmp_path: Path) -> None:
    """Throwing papers away must not make a breach look smaller."""
    run_folder(tmp_path / "rows", LLAMA_2)
    stripped(tmp_path / "rows")

    assert bad(only(recipe(tmp_path, "./rows"))) == {("train", "prohibited", "llama-2")}


# Merged sets, unknown models, models of one's own.


def test_one_row_of_another_model_counts(tmp_path: Path) -> None:
    """The last row group of a merged file, without statistics, is another model's."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tests.runtime.run_made import table

    run_folder(tmp_path / "a", LLAMA_3_1, rows=40)
    run_folder(tmp_path / "b", LLAMA_2, rows=1, run_id="another-run")
    (tmp_path / "mixed").mkdir()
    both = pa.concat_tables([table(tmp_path / "a"), table(tmp_path / "b")])
    pq.write_table(both, tmp_path / "mixed" / "rows.parquet", row_group_size=50, write_statistics=False)
    report = only(recipe(tmp_path, "./mixed"))

    assert bad(report) == {("train", "prohibited", "llama-2")}


def test_a_late_line_of_another_model_counts(tmp_path: Path) -> None:
    run_folder(tmp_path / "a", LLAMA_3_1, rows=2000, form="jsonl")
    run_folder(tmp_path / "b", LLAMA_2, rows=1, form="jsonl", run_id="another-run")
    (tmp_path / "mixed.jsonl").write_text("".join(next(d.glob("data/*.jsonl")).read_text()
                                                  for d in (tmp_path / "a", tmp_path / "b")))

    assert bad(only(recipe(tmp_path, "./mixed.jsonl"))) == {("train", "prohibited", "llama-2")}


def test_a_model_nobody_knows_stays_unknown(tmp_path: Path) -> None:
    from caveat.flows.origin import origin_of

    run_folder(tmp_path / "rows", origin_of("my-company-model", url="http://10.0.0.7:8000/v1", on=DAY))
    stripped(tmp_path / "rows")

    assert only(tmp_path / "rows").verdict == "unknown"


def test_an_unknown_fine_tune_of_llama_2_carries_its_base_in_the_column(tmp_path: Path) -> None:
    from caveat.flows.origin import origin_of

    model = tmp_path / "my-helper"
    model.mkdir()
    (model / "README.md").write_text(f"---\nlicense: llama2\nbase_model: {LLAMA_2}\n---\n# My helper\n")
    (model / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    found = origin_of(str(model), on=DAY)
    run_folder(tmp_path / "rows", found)
    renamed(stripped(tmp_path / "rows"))

    assert found.base == (LLAMA_2,)
    assert bad(only(recipe(tmp_path, "./openorca"))) == {("train", "prohibited", "llama-2")}


# Places that are not opened.


def test_no_path_leads_out_of_the_project(tmp_path: Path) -> None:
    """A recipe from elsewhere names any place it likes; only what lies beside or above it, near by, is opened."""
    run_folder(tmp_path / "secret" / "rows", LLAMA_2)
    deep = tmp_path / "1/2/3/4/5/6/7/work"
    deep.mkdir(parents=True)
    (deep / "link").symlink_to(tmp_path / "secret" / "rows")
    for path in ("./link", str(tmp_path / "secret" / "rows"), "./../../../../../../../../secret/rows"):
        report = only(recipe(deep, path))

        assert report.verdict == "unknown"
        assert any("stays of unknown origin" in p.instead for p in report.problems)
