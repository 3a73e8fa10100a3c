"""Rows, cards and statements that strangers wrote in our form: read within bounds, believed no further than told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveat.evidence import card, data_columns, gather, generated, generated_rows, intoto
from caveat.evidence.record import of_text
from caveat.evidence.source import place
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim

LLAMA = "pkg:huggingface/meta-llama/Llama-2-7b-chat-hf?checksum=sha256:" + "0" * 64
GPT = "pkg:generic/openai/gpt-4o@2024-06-01"


def steps(said: Evidence) -> list[tuple[str, str, str, str]]:
    return [(c.act, c.parent, c.by, c.place.key) for c in said.claims if isinstance(c, StepClaim)]


def statement(**run: Any) -> dict[str, Any]:
    return {"_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
            "subject": [], "predicate": {
                "buildDefinition": {"buildType": intoto.BUILD_TYPE},
                "runDetails": {"metadata": {"invocationId": "r-1"}, "caveat_run": {"generator": LLAMA, **run}}}}


# Addresses.


def test_a_hosted_model_is_one_of_its_day() -> None:
    (step, kind) = generated.claims_of("rows", GPT, "r-1", place("f", 1, "generator", GPT))

    assert isinstance(step, StepClaim) and isinstance(kind, AssetClaim)
    assert (step.parent, str(step.when), kind.value) == ("openai/gpt-4o", "2024-06-01", "service")


def test_what_nobody_else_can_look_up_stands_in_the_address() -> None:
    address = "pkg:generic/my-helper?base=meta-llama/Llama-2-7b-hf&laws=llama-2&made=finetune"
    claims = generated.claims_of("rows", address, "r-1", place("f", 1, "generator", address))

    assert [(c.act, c.child, c.parent) for c in claims if isinstance(c, StepClaim)] == [
        ("generate", "rows", "my-helper"), ("finetune", "my-helper", "meta-llama/Llama-2-7b-hf")]
    assert [c.laws for c in claims if isinstance(c, LicenceClaim)] == [("llama-2",)]


@pytest.mark.parametrize("address", [
    "pkg:generic/x?made=__import__&base=a/b", "pkg:generic/x?base=" + ",".join(["a/b"] * 5000), "pkg:" + "a" * 5000,
    "pkg:generic/x@9999-99-99", "pkg:generic/x?laws=" + "l" * 900, "pkg:generic/%00%1b", "pkg://", "pkg:x",
])
def test_hostile_addresses_stay_small(address: str) -> None:
    claims = generated.claims_of("rows", address, "r-1", place("f", 1, "generator", address))

    assert len(claims) < 30
    assert all(c.act in ("generate", "finetune") for c in claims if isinstance(c, StepClaim))


# Statements.


def test_a_statement_tells_the_model_and_who_ran_it() -> None:
    assert steps(of_text(json.dumps(statement(by="Acme")), "provenance.intoto.json", "rows")) == [
        ("generate", "meta-llama/Llama-2-7b-chat-hf", "Acme", "run r-1")]


@pytest.mark.parametrize("change", [
    {"predicate": None}, {"predicate": []}, {"predicate": {"buildDefinition": 3}}, {"predicateType": 3},
    {"predicate": {"buildDefinition": {"buildType": "https://elsewhere.example/x"}}},
])
def test_other_statements_say_nothing(change: dict[str, Any]) -> None:
    assert of_text(json.dumps({**statement(), **change}), "x.intoto.json", "rows").claims == ()


@pytest.mark.parametrize("value", [None, 7, [], {}, "gpt-4o", "pkg:", "x" * 10_000])
def test_a_generator_that_is_no_address_is_told(value: object) -> None:
    said = of_text(json.dumps(statement(generator=value)), "x.intoto.json", "rows")

    assert said.claims == () and len(said.problems) == 1


# Cards.


@pytest.mark.parametrize("told", [
    "caveat: yes", "caveat: [1, 2]", "caveat: {generator: 3}", "caveat:\n- generator: nothing\n  run_id: [1]",
    "caveat: [[[[[]]]]]", "caveat:\n- &a {generator: *a}",
])
def test_hostile_front_matter_says_nothing(told: str) -> None:
    assert not steps(card.read(f"---\nlicense: mit\n{told}\n---\n", "README.md", "rows"))


def test_a_card_may_list_several_runs() -> None:
    text = f'---\ncaveat:\n- {{generator: "{LLAMA}", run_id: a, by: Ann}}\n- {{generator: "{GPT}", run_id: b}}\n---\n'

    assert steps(card.read(text, "README.md", "rows")) == [
        ("generate", "meta-llama/Llama-2-7b-chat-hf", "Ann", "run a"), ("generate", "openai/gpt-4o", "", "run b")]


# Rows.


def rows_file(folder: Path, rows: list[dict[str, Any]], form: str, **how: Any) -> Path:
    path = folder / f"rows.{form}"
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path, **how)
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_rows_are_counted_by_generator_and_run(tmp_path: Path, form: str) -> None:
    rows = [{"text": "x", "generator": LLAMA, "run_id": "a"}] * 5 + [{"text": "x", "generator": GPT, "run_id": "b"}] * 2
    path = rows_file(tmp_path, rows, form, **({"row_group_size": 4} if form == "parquet" else {}))
    read = (generated_rows.table_of if form == "parquet" else generated_rows.lines_of)(path)

    assert dict(read.runs) == {(LLAMA, "a"): 5, (GPT, "b"): 2}


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_a_text_that_speaks_of_generators_is_no_generator(tmp_path: Path, form: str) -> None:
    """Prompt and answer may hold anything, also rows of this form."""
    inner = json.dumps({"generator": GPT, "run_id": "b"})
    path = rows_file(tmp_path, [{"text": inner, "response": inner, "generator": LLAMA, "run_id": "a"}] * 3, form)

    assert {p for _, p, _, _ in steps(data_columns.read(path, path.name, "x"))} == {"meta-llama/Llama-2-7b-chat-hf"}


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_rows_of_thousands_of_runs_are_bounded_and_told(tmp_path: Path, form: str) -> None:
    path = rows_file(tmp_path, [{"text": "x", "generator": LLAMA, "run_id": f"r{n}"} for n in range(1500)], form)
    said = data_columns.read(path, path.name, "x")

    assert len(steps(said)) <= generated.MOST_RUNS
    assert any("the verdict is about the first" in p.what for p in said.problems)


def test_a_column_of_other_things_says_nothing(tmp_path: Path) -> None:
    for n, values in enumerate((["diesel", "petrol"], ["pkg:", "pkg:x"], [1, 2], [None, None])):
        path = tmp_path / f"{n}.parquet"
        pq.write_table(pa.table({"generator": values, "price": [1, 2]}), path)

        assert data_columns.read(path, path.name, "x") == Evidence()


@pytest.mark.parametrize("cut", [0, 4, 9, 200, -1, -8, -60])
def test_a_table_that_is_cut_is_nothing_or_told(tmp_path: Path, cut: int) -> None:
    path = rows_file(tmp_path, [{"text": "x", "generator": LLAMA, "run_id": "a"}] * 9, "parquet")
    path.write_bytes(path.read_bytes()[:cut])

    assert not steps(data_columns.read(path, path.name, "x"))


def test_a_line_of_many_megabytes_is_read_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"generator": LLAMA, "run_id": "a", "text": "y" * (9 << 20)}) + "\n"
                    + json.dumps({"generator": GPT, "run_id": "b"}) + "\n")

    assert {p for _, p in generated_rows.lines_of(path).runs} == {"a", "b"}


@given(st.binary(max_size=400))
def test_any_bytes_are_lines_of_nobody(data: bytes) -> None:
    import io

    for line in generated_rows._lines(io.BytesIO(data), 1 << 20):
        assert all(generated.is_address(a) for a, _ in generated_rows._of_line(line))


# Folders.


def test_samples_beside_a_model_are_no_lineage_of_it(tmp_path: Path) -> None:
    """A model's folder may hold rows that it, or another, wrote: that does not make the model learn from them."""
    (tmp_path / "README.md").write_text("---\npipeline_tag: text-generation\nlicense: mit\n---\n# A model\n")
    rows_file(tmp_path, [{"text": "x", "generator": LLAMA, "run_id": "a"}], "jsonl")

    assert not steps(gather(tmp_path, "me/model"))


def test_shards_in_one_folder_are_one_set(tmp_path: Path) -> None:
    (tmp_path / "work" / "data").mkdir(parents=True)
    for n in range(3):
        pq.write_table(pa.table({"text": ["x"], "generator": [LLAMA], "run_id": ["a"]}),
                       tmp_path / "work" / "data" / f"train-{n}.parquet")
    (tmp_path / "plan.yml").write_text("base_model: a/x\ndatasets:\n- path: ./work\noutput_dir: out/chat\n")
    said = gather(tmp_path)

    assert said.subjects == ("chat",)
    assert {(c.child, c.act, c.parent) for c in said.claims if isinstance(c, StepClaim)} == {
        ("chat", "finetune", "a/x"), ("chat", "train", "work (local)"),
        ("work (local)", "generate", "meta-llama/Llama-2-7b-chat-hf")}
