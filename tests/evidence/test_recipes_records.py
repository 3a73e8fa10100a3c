"""Jobs, logs, traces and bills of materials tell which models were used; other JSON is nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from caveat.evidence import gather, record
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim


def of(data: object, file: str = "x.json") -> Evidence:
    return record.of_text(json.dumps(data, indent=1), file, "mine")


def steps(evidence: Evidence) -> set[tuple[str, str, str]]:
    return {(c.child, c.act, c.parent) for c in evidence.claims if isinstance(c, StepClaim)}


def kinds(evidence: Evidence) -> dict[str, str]:
    return {c.asset: c.value for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "kind"}


def test_a_fine_tuning_job_names_its_base_and_says_that_a_number_is_no_name() -> None:
    job = {"object": "fine_tuning.job", "id": "ftjob-1", "model": "gpt-4o-mini-2024-07-18",
           "training_file": "file-abc", "validation_file": "file-def", "fine_tuned_model": "ft:gpt-4o-mini:me::1"}
    read = of(job, "job.json")

    assert steps(read) == {("ft:gpt-4o-mini:me::1", "finetune", "gpt-4o-mini-2024-07-18"),
                           ("ft:gpt-4o-mini:me::1", "train", "file-abc")}
    assert [p.instead for p in read.problems] == ["file-abc stays unknown"]
    assert next(c.place.line for c in read.claims if isinstance(c, StepClaim)) == 4


def test_a_grader_marks_answers() -> None:
    job = {"model": "o4-mini", "training_file": "file-a", "suffix": "mine",
           "method": {"reinforcement": {"grader": {"type": "score_model", "model": "gpt-4o"}}}}

    assert ("answers of mine, scored", "annotate", "gpt-4o") in steps(of(job))
    assert ("mine", "train", "answers of mine, scored") in steps(of(job))


def test_a_log_is_a_data_set_that_its_models_wrote() -> None:
    rows = [{"model": m, "prompt": "a", "response": "b"} for m in ("gpt-4o", "mistral-7b")]

    assert steps(of(rows, "logs.json")) == {("logs of llm", "generate", "gpt-4o"),
                                            ("logs of llm", "generate", "mistral-7b")}
    assert kinds(of(rows, "logs.json"))["logs of llm"] == "dataset"


def test_the_database_of_llm(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "logs.db")
    base.execute("create table responses (id text, model text, prompt text, response text)")
    base.execute("insert into responses values ('1', 'claude-3-opus', 'a', 'b')")
    base.commit()
    base.close()

    assert ("logs of llm", "generate", "claude-3-opus") in steps(gather(tmp_path))


def test_a_view_called_responses_is_never_asked(tmp_path: Path) -> None:
    base = sqlite3.connect(tmp_path / "logs.db")
    base.execute("create view responses as select 'x' as model")
    base.commit()
    base.close()
    (tmp_path / "other.db").write_bytes(b"not a database")

    assert gather(tmp_path).claims == ()


def test_a_trace_tells_what_an_application_called() -> None:
    span = {"attributes": [{"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
                           {"key": "gen_ai.response.model", "value": {"stringValue": "gpt-4o-2024-08-06"}},
                           {"key": "gen_ai.system", "value": {"stringValue": "openai"}}]}
    app = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    trace = {"resourceSpans": [{"resource": app, "scopeSpans": [{"spans": [span]}]}]}

    assert steps(of(trace)) == {("shop", "bundle", "gpt-4o-2024-08-06")}
    assert kinds(of(trace)) == {"shop": "product", "gpt-4o-2024-08-06": "service"}


def test_plain_spans_one_a_line() -> None:
    lines = "\n".join(json.dumps({"attributes": {"gen_ai.request.model": m}}) for m in ("claude-3", "x/y"))
    read = record.of_text(lines, "trace.json", "mine")

    assert steps(read) == {("trace", "bundle", "claude-3"), ("trace", "bundle", "x/y")}


def test_modelpack() -> None:
    told = {"descriptor": {"name": "mine", "licenses": ["Apache-2.0"], "sourceURL": "https://huggingface.co/a/b"},
            "modelfs": {"type": "layers"}, "config": {}}
    read = of(told, "model.json")

    assert steps(read) == {("mine", "copy", "a/b")}
    assert [c.laws for c in read.claims if isinstance(c, LicenceClaim)] == [("apache-2.0",)]


BOM = {
    "bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"component": {"type": "application", "name": "shop"}},
    "components": [
        {"type": "machine-learning-model", "name": "chat", "group": "me", "bom-ref": "m",
         "licenses": [{"license": {"id": "MIT"}}],
         "pedigree": {"ancestors": [{"purl": "pkg:huggingface/meta-llama/Llama-2-7b@1"}]},
         "modelCard": {"modelParameters": {"datasets": [{"ref": "d"}, {"type": "dataset", "name": "own rows"}]}}},
        {"type": "data", "name": "alpaca", "bom-ref": "d", "purl": "pkg:huggingface/tatsu-lab/alpaca"},
        {"type": "library", "name": "numpy"},
    ],
    "services": [{"name": "gpt-4o"}],
}


def test_cyclonedx() -> None:
    read = of(BOM, "bom.json")

    assert steps(read) == {
        ("shop", "bundle", "me/chat"), ("shop", "bundle", "tatsu-lab/alpaca"), ("shop", "bundle", "gpt-4o"),
        ("me/chat", "finetune", "meta-llama/Llama-2-7b"), ("me/chat", "train", "tatsu-lab/alpaca"),
        ("me/chat", "train", "own rows"),
    }
    assert [(c.asset, c.laws) for c in read.claims if isinstance(c, LicenceClaim)] == [("me/chat", ("mit",))]


def test_spdx_2_and_3() -> None:
    hub = {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl"}
    second = {"spdxVersion": "SPDX-2.3", "packages": [
        {"SPDXID": "A", "name": "chat", "licenseDeclared": "MIT",
         "externalRefs": [{**hub, "referenceLocator": "pkg:huggingface/me/chat"}]},
        {"SPDXID": "B", "name": "llama", "licenseDeclared": "NOASSERTION",
         "downloadLocation": "https://huggingface.co/meta-llama/Llama-2-7b"}],
        "relationships": [{"spdxElementId": "A", "relationshipType": "DESCENDANT_OF", "relatedSpdxElement": "B"}]}
    third = {"@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": [
        {"type": "ai_AIPackage", "spdxId": "m", "name": "chat"},
        {"type": "dataset_DatasetPackage", "spdxId": "d", "name": "rows"},
        {"type": "simplelicensing_LicenseExpression", "spdxId": "l", "simplelicensing_licenseExpression": "Apache-2.0"},
        {"type": "Relationship", "from": "m", "relationshipType": "trainedOn", "to": ["d"]},
        {"type": "Relationship", "from": "m", "relationshipType": "hasDeclaredLicense", "to": ["l"]}]}

    assert steps(of(second)) == {("me/chat", "finetune", "meta-llama/Llama-2-7b")}
    assert steps(of(third)) == {("chat", "train", "rows")}
    assert {(c.asset, c.laws) for e in (of(second), of(third)) for c in e.claims if isinstance(c, LicenceClaim)} == {
        ("me/chat", ("mit",)), ("chat", ("apache-2.0",))}


def test_other_json_is_nothing(tmp_path: Path) -> None:
    (tmp_path / "job.json").write_text('{"rows": [1, 2]}')
    (tmp_path / "trace.json").write_text('{"gen_ai.request.model": ')
    deep = '{"@graph":' * 500
    (tmp_path / "x.spdx.json").write_text(deep)

    assert gather(tmp_path).claims == ()
    assert of([1, 2]).claims == () and of({"records": None, "data": [3], "packages": 4}).claims == ()


def test_a_named_json_file_is_known_by_its_keys(tmp_path: Path) -> None:
    (tmp_path / "anything.json").write_text(json.dumps(BOM))

    assert ("me/chat", "finetune", "meta-llama/Llama-2-7b") in steps(gather(tmp_path / "anything.json"))
