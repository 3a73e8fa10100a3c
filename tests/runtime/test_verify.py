"""Whoever takes a row out, puts one in, or changes who wrote it, is told on: which file, which row."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from caveat.cli import main
from caveat.errors import EvidenceError
from caveat.flows.belonging import verify
from caveat.runtime.verification import Verified
from tests.runtime.run_made import LLAMA_2, LLAMA_3_1, plain, pushed, renamed, rewritten, run_folder

FORMS = ("parquet", "jsonl")
OTHER = "pkg:huggingface/mistralai/Mistral-7B-Instruct-v0.3"
Rows = list[dict[str, Any]]


def rows_file(folder: Path) -> Path:
    return next(f for f in sorted((folder / "data").iterdir()))


def edit(folder: Path, change: Callable[[Rows], Any]) -> None:
    """The rows of the one file, read, changed in place, and written again in its own form."""
    file = rows_file(folder)
    if file.suffix == ".parquet":
        table = pq.read_table(file)
        rows = table.to_pylist()
        change(rows)
        pq.write_table(pa.Table.from_pylist(rows, plain(table.schema)), file)
    else:
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        change(rows)
        file.write_text("".join(json.dumps(r) + "\n" for r in rows))


def said(found: Verified) -> set[tuple[str, str, int | None]]:
    return {(f.kind, f.file, f.row) for f in found.faults}


def words(found: Verified) -> str:
    return "\n".join(f"{f.file} {f.row or ''} {f.what}" for f in found.faults)


@pytest.fixture(params=[(f, v) for f in FORMS for v in (True, False)], ids=lambda p: f"{p[0]}{'-hashed' * p[1]}")
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    form, verifiable = request.param
    run_folder(tmp_path / "rows", LLAMA_2, form=form, verifiable=verifiable)
    return tmp_path / "rows"


def test_an_untouched_folder_agrees(folder: Path) -> None:
    found = verify(folder)

    assert found.faults == () and found.notes == ()
    assert [(w.generator, w.rows) for w in found.wrote] == [("pkg:huggingface/meta-llama/Llama-2-7b-chat-hf", 6)]


def test_a_row_removed(folder: Path) -> None:
    edit(folder, lambda rows: rows.pop(3))
    told = words(verify(folder))

    assert "wrote 6 rows; 5 are here" in told
    assert "no row has the id 3" in told
    assert f"data/{rows_file(folder).name}" in told


def test_a_row_repeated(folder: Path) -> None:
    edit(folder, lambda rows: rows.append(rows[1]))
    found = verify(folder)

    assert ("repeated", f"data/{rows_file(folder).name}", 7) in said(found)
    assert "repeats the id '1'" in words(found)


def test_a_row_removed_and_another_repeated(folder: Path) -> None:
    """The number of rows is right, and still it is seen."""
    edit(folder, lambda rows: rows.__setitem__(4, rows[0]))

    assert ("repeated", f"data/{rows_file(folder).name}", 5) in said(verify(folder))


def test_the_generator_of_a_row_renamed(folder: Path) -> None:
    edit(folder, lambda rows: rows[2].update(generator=OTHER))
    found = verify(folder)

    assert ("row", f"data/{rows_file(folder).name}", 3) in said(found)
    assert f"names {OTHER}" in words(found)
    assert {w.generator: w.rows for w in found.wrote}[OTHER] == 1


def test_the_generator_of_every_row_renamed(folder: Path) -> None:
    edit(folder, lambda rows: [r.update(generator=OTHER) for r in rows])

    assert {row for kind, _, row in said(verify(folder)) if kind == "row" and row} == {1, 2, 3, 4, 5, 6}


@pytest.mark.parametrize("column", ["generator", "run_id"])
def test_a_row_that_names_nobody(folder: Path, column: str) -> None:
    edit(folder, lambda rows: rows[5].update({column: None}))

    assert ("row", f"data/{rows_file(folder).name}", 6) in said(verify(folder))


def test_a_row_of_another_run_put_in(folder: Path) -> None:
    edit(folder, lambda rows: rows[5].update(run_id="another"))

    assert "is of run another, of which no statement tells" in words(verify(folder))


def test_an_answer_edited(folder: Path) -> None:
    """Without digests of rows the file is named; with them, the row."""
    edit(folder, lambda rows: rows[1].update(response="Something else."))
    found = verify(folder)
    file = f"data/{rows_file(folder).name}"

    assert ("changed", file, None) in said(found)
    if "row_sha256" in next(iter_rows(folder)):
        assert ("row", file, 2) in said(found)


def iter_rows(folder: Path) -> Any:
    file = rows_file(folder)
    return iter(pq.read_table(file).to_pylist() if file.suffix == ".parquet"
                else map(json.loads, file.read_text().splitlines()))


def test_an_answer_and_its_digest_edited(tmp_path: Path) -> None:
    """Whoever computes the row's digest anew is caught by the digest of all rows."""
    from caveat.runtime.rows import row_digest

    def forge(rows: Rows) -> None:
        rows[1]["response"] = "Something else."
        rows[1]["row_sha256"] = row_digest(rows[1])

    run_folder(tmp_path / "rows", LLAMA_2, form="jsonl", verifiable=True)
    edit(tmp_path / "rows", forge)

    assert "are not those that are stated" in words(verify(tmp_path / "rows"))


def test_a_file_added(folder: Path) -> None:
    extra = rows_file(folder).with_name(f"part-00009{rows_file(folder).suffix}")
    shutil.copy(rows_file(folder), extra)
    told = words(verify(folder))

    assert f"data/{extra.name}  no statement knows this file" in told
    assert "wrote 6 rows; 12 are here" in told


def test_a_file_missing(folder: Path) -> None:
    name = rows_file(folder).name
    rows_file(folder).unlink()

    assert ("missing", f"data/{name}", None) in said(verify(folder))


def test_a_file_that_is_cut(folder: Path) -> None:
    file = rows_file(folder)
    file.write_bytes(file.read_bytes()[:-40])

    assert ("changed", f"data/{file.name}", None) in said(verify(folder))
    assert any(kind == "row" for kind, _, _ in said(verify(folder)))


def rewrite_statement(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / "provenance.intoto.json"
    told = json.loads(file.read_text())
    change(told)
    file.write_text(json.dumps(told))


def run_of(told: dict[str, Any]) -> dict[str, Any]:
    details: dict[str, Any] = told["predicate"]["runDetails"]
    return details


def test_the_statement_edited_to_another_model(folder: Path) -> None:
    rewrite_statement(folder, lambda s: run_of(s)["caveat_run"].update(generator=OTHER))
    told = words(verify(folder))

    assert "names two generators" in told
    assert "README.md  says that" in told


def test_the_statement_edited_everywhere(folder: Path) -> None:
    """The statement alone is consistent; the rows and the card are not with it."""
    file = folder / "provenance.intoto.json"
    file.write_text(file.read_text().replace("pkg:huggingface/meta-llama/Llama-2-7b-chat-hf", OTHER))
    found = verify(folder)

    assert {row for kind, _, row in said(found) if kind == "row"} >= {1, 2, 3, 4, 5, 6}
    assert ("card", "README.md", None) in said(found)


def test_the_statement_edited_to_fewer_rows(folder: Path) -> None:
    rewrite_statement(folder, lambda s: run_of(s)["caveat_run"].update(rows=5))

    assert "says 5 rows, and 6 in its files" in words(verify(folder))


def test_the_statement_edited_to_another_digest(folder: Path) -> None:
    rewrite_statement(folder, lambda s: s["subject"][0]["digest"].update(sha256="0" * 64))
    kinds = {(kind, file) for kind, file, _ in said(verify(folder))}

    assert ("card", "croissant.json") in kinds
    shown = "row_sha256" in next(iter_rows(folder))  # then the rows are shown to be those of the run
    assert (("changed", f"data/{rows_file(folder).name}") in kinds) is not shown


def test_the_statement_missing(folder: Path) -> None:
    (folder / "provenance.intoto.json").unlink()

    assert ("statement", "provenance.intoto.json", None) in said(verify(folder))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"_type": "x"}', "\xff" * 9, "[" * 100_000, '{"a":' * 5000,
                                  '{"_type": "https://in-toto.io/Statement/v1"}',
                                  '{"_type": "https://in-toto.io/Statement/v1", "predicateType": 7, "predicate": [],'
                                  ' "subject": {"name": 1}}'])
def test_a_statement_that_is_none(tmp_path: Path, text: str) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    (tmp_path / "rows" / "provenance.intoto.json").write_text(text, "latin-1")
    found = verify(tmp_path / "rows")

    assert found.faults


@pytest.mark.parametrize("name", ["../outside.jsonl", "/etc/passwd", "data/../../x", "a\\..\\b", "", "~/x", "a\0b"])
def test_a_subject_outside_is_not_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.jsonl").write_text("{}")
    run_folder(tmp_path / "rows", LLAMA_2)
    rewrite_statement(tmp_path / "rows", lambda s: s["subject"].append({"name": name, "digest": {"sha256": "0" * 64}}))
    told = words(verify(tmp_path / "rows"))

    assert "a subject that is no file of this folder" in told
    assert "outside.jsonl  is not" not in told


def test_a_statement_of_another_builder_is_none_of_ours(folder: Path) -> None:
    other = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
             "subject": [{"name": "wheel", "digest": {"sha256": "0" * 64}}],
             "predicate": {"buildDefinition": {"buildType": "https://actions.github.io/buildtypes/workflow/v1"}}}
    (folder / "build.intoto.json").write_text(json.dumps(other))

    assert verify(folder).faults == ()


def test_rows_that_failed_are_held_to_their_digest(tmp_path: Path) -> None:
    """errors.jsonl is a file of the run and holds no rows of it."""
    import hashlib

    run_folder(tmp_path / "rows", LLAMA_2)
    errors = tmp_path / "rows" / "errors.jsonl"
    errors.write_text('{"line": 3, "why": "no"}\n')
    digest = hashlib.sha256(errors.read_bytes()).hexdigest()
    rewrite_statement(tmp_path / "rows", lambda s: s["subject"].append(
        {"name": errors.name, "digest": {"sha256": digest}}))

    assert verify(tmp_path / "rows").faults == ()
    errors.write_text("")

    assert said(verify(tmp_path / "rows")) == {("changed", "errors.jsonl", None)}


# Not tampering.


def test_rows_rewritten_are_shown_to_be_the_same(tmp_path: Path) -> None:
    """With digests of rows, other bytes are no fault; without, nobody can tell."""
    for verifiable in (True, False):
        folder = tmp_path / str(verifiable)
        run_folder(folder, LLAMA_2, verifiable=verifiable)
        found = verify(rewritten(folder))

        assert (found.faults == ()) is verifiable
        assert any("written anew" in n for n in found.notes) is verifiable


def test_a_folder_renamed_agrees(folder: Path) -> None:
    assert verify(renamed(folder)).faults == ()


def test_a_file_renamed_is_noted(folder: Path) -> None:
    rows_file(folder).rename(rows_file(folder).with_name(f"train{rows_file(folder).suffix}"))
    found = verify(folder)

    assert found.faults == ()
    assert any("under another name" in n for n in found.notes)


def test_pushed_rows_have_nothing_to_be_held_to(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2, verifiable=True)

    assert "the rows can be held to nothing" in words(verify(pushed(tmp_path / "rows")))


def test_several_runs_in_one_folder(tmp_path: Path) -> None:
    run_folder(tmp_path / "all" / "llama-2", LLAMA_2, rows=4)
    run_folder(tmp_path / "all" / "llama-3", LLAMA_3_1, rows=3, run_id="second", form="jsonl")
    found = verify(tmp_path / "all")

    assert found.faults == ()
    assert {(w.generator.rpartition("/")[2], w.run_id, w.rows) for w in found.wrote} == {
        ("Llama-2-7b-chat-hf", "0b1f7a52-5d0e-4c43-9d6f-3a2a7f1f6c11", 4), ("Llama-3.1-8B-Instruct", "second", 3)}
    (tmp_path / "all" / "llama-2" / "data" / "part-00000.parquet").unlink()

    assert ("missing", "llama-2/data/part-00000.parquet", None) in said(verify(tmp_path / "all"))


def test_the_same_run_twice_is_told(tmp_path: Path) -> None:
    run_folder(tmp_path / "all" / "a", LLAMA_2)
    shutil.copytree(tmp_path / "all" / "a", tmp_path / "all" / "b")

    assert "b/provenance.intoto.json  tells run" in words(verify(tmp_path / "all"))


# The command.


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    (tmp_path / "empty").mkdir()
    good = main(["verify", str(tmp_path / "rows")])
    edit(tmp_path / "rows", lambda rows: rows.pop())

    assert (good, main(["verify", str(tmp_path / "rows")])) == (0, 1)
    assert main(["verify", str(tmp_path / "empty")]) == main(["verify", str(tmp_path / "none")]) == 2
    assert "agree" in capsys.readouterr().out


def test_json_tells_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    edit(tmp_path / "rows", lambda rows: rows[0].update(generator="\x1b[31m<b>red"))
    code = main(["verify", str(tmp_path / "rows"), "--format", "json"])
    told = json.loads(capsys.readouterr().out)

    assert code == 1 and not told["agrees"]
    assert {(f["file"], f["row"]) for f in told["faults"] if f["kind"] == "row"} == {("data/part-00000.parquet", 1)}
    assert "signed" in told["unproven"]


def test_a_terminal_is_not_obeyed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_folder(tmp_path / "rows", LLAMA_2, form="jsonl")
    edit(tmp_path / "rows", lambda rows: rows[0].update(generator="\x1b[31mred"))
    main(["verify", str(tmp_path / "rows")])

    assert "\x1b" not in capsys.readouterr().out


def test_what_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(EvidenceError, match="is no folder"):
        verify(tmp_path / "file")
