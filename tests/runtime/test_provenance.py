"""Statement, metadata and addresses are in the forms that others published, and say no more than they should."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from caveat.errors import SettingsError
from caveat.evidence import card
from caveat.flows.papers import label_of, papers
from caveat.lineage import purl
from caveat.lineage.claims import LicenceClaim, StepClaim
from caveat.lineage.purl import Purl
from caveat.runtime.origin import Origin
from caveat.runtime.provenance import OutFile, Run, croissant, statement
from tests.runtime.run_made import LLAMA_2, RUN, origin, run_folder

DIGEST = {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string", "pattern": "^[0-9a-f]+$"}}
#: ResourceDescriptor of the in-toto attestation framework, version 1: one of uri, digest, content at least.
RESOURCE: dict[str, Any] = {
    "type": "object", "additionalProperties": False,
    "properties": {"name": {"type": "string"}, "uri": {"type": "string", "format": "uri"}, "digest": DIGEST,
                   "content": {"type": "string"}, "downloadLocation": {"type": "string"},
                   "mediaType": {"type": "string"}, "annotations": {"type": "object"}},
    "anyOf": [{"required": ["uri"]}, {"required": ["digest"]}, {"required": ["content"]}],
}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
#: SLSA provenance v1: fields of others carry their maker's name in front.
SLSA: dict[str, Any] = {
    "type": "object", "required": ["buildDefinition", "runDetails"], "additionalProperties": False,
    "properties": {
        "buildDefinition": {
            "type": "object", "required": ["buildType", "externalParameters"], "additionalProperties": False,
            "properties": {"buildType": {"type": "string", "pattern": "^https://"},
                           "externalParameters": {"type": "object"}, "internalParameters": {"type": "object"},
                           "resolvedDependencies": {"type": "array", "items": RESOURCE}}},
        "runDetails": {
            "type": "object", "required": ["builder"], "additionalProperties": False,
            "patternProperties": {"^caveat_": {}},
            "properties": {
                "builder": {"type": "object", "required": ["id"], "additionalProperties": False,
                            "properties": {"id": {"type": "string", "pattern": "^https://"}, "version": {
                                "type": "object", "additionalProperties": {"type": "string"}},
                                "builderDependencies": {"type": "array", "items": RESOURCE}}},
                "metadata": {"type": "object", "additionalProperties": False,
                             "properties": {"invocationId": {"type": "string"}, "startedOn": TIME, "finishedOn": TIME}},
                "byproducts": {"type": "array", "items": RESOURCE}}},
    },
}
STATEMENT: dict[str, Any] = {
    "type": "object", "required": ["_type", "subject", "predicateType"], "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"}, "predicateType": {"const": "https://slsa.dev/provenance/v1"},
        "subject": {"type": "array", "minItems": 1, "items": {**RESOURCE, "required": ["name", "digest"]}},
        "predicate": SLSA},
}
#: What Croissant 1.1 wants of every data set, and of every file, set of files, record set and field.
FILE_OR_SET = {
    "type": "object", "required": ["@type", "@id", "encodingFormat"],
    "oneOf": [{"properties": {"@type": {"const": "cr:FileObject"}, "sha256": {"pattern": "^[0-9a-f]{64}$"}},
               "required": ["contentUrl", "sha256"]},
              {"properties": {"@type": {"const": "cr:FileSet"}}, "required": ["includes"]}]}
FIELD = {"type": "object", "required": ["@type", "@id", "dataType", "source"],
         "properties": {"@type": {"const": "cr:Field"}}}
CROISSANT: dict[str, Any] = {
    "type": "object",
    "required": ["@context", "@type", "conformsTo", "name", "description", "datePublished", "distribution",
                 "recordSet"],
    "properties": {
        "@type": {"const": "sc:Dataset"}, "conformsTo": {"const": "http://mlcommons.org/croissant/1.1"},
        "distribution": {"type": "array", "items": FILE_OR_SET},
        "recordSet": {"type": "array", "items": {
            "type": "object", "required": ["@type", "@id", "field"],
            "properties": {"@type": {"const": "cr:RecordSet"}, "field": {"type": "array", "items": FIELD}}}}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    run_folder(tmp_path / "rows", LLAMA_2, verifiable=True, by="Acme", licence="cc-by-4.0")
    return tmp_path / "rows"


def told(folder: Path, name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return data


def test_the_statement_has_the_published_form(folder: Path) -> None:
    jsonschema.validate(told(folder, "provenance.intoto.json"), STATEMENT)


def test_the_schema_here_can_fail(folder: Path) -> None:
    wrong = told(folder, "provenance.intoto.json")
    wrong["subject"][0]["sha256"] = wrong["subject"][0].pop("digest")["sha256"]

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, STATEMENT)


def test_every_file_of_rows_is_a_subject_with_its_digest(folder: Path) -> None:
    subjects = {s["name"]: s["digest"]["sha256"] for s in told(folder, "provenance.intoto.json")["subject"]}

    assert subjects == {f"data/{f.name}": hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("data/*")}


def test_the_statement_tells_model_run_and_terms(folder: Path) -> None:
    predicate = told(folder, "provenance.intoto.json")["predicate"]
    run = predicate["runDetails"]["caveat_run"]

    assert predicate["runDetails"]["metadata"]["invocationId"] == RUN
    assert predicate["buildDefinition"]["resolvedDependencies"][0]["uri"] == origin(LLAMA_2).purl == run["generator"]
    assert (run["laws"], run["termsOn"], run["by"], run["rows"]) == (["llama-2"], "2026-11-24", "Acme", 6)


def test_no_path_of_ones_own_disk_and_no_address_is_told(tmp_path: Path) -> None:
    model = Origin("my-model", "model", "pkg:generic/my-model", file="/home/ann/secret/model.gguf",
                   url="http://user:word@host/v1?key=k")
    text = json.dumps(statement(Run("r", model, "e", "1", {}, "", "s", "f", 1, 0)))

    assert "secret" not in text
    assert "user:word" not in text and "key=k" not in text


def test_croissant_has_the_published_form(folder: Path) -> None:
    data = told(folder, "croissant.json")
    jsonschema.validate(data, CROISSANT)
    fields = {f["name"]: f for f in data["recordSet"][0]["field"]}

    assert data["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert data["distribution"][0]["sha256"] == hashlib.sha256(next(folder.glob("data/*")).read_bytes()).hexdigest()
    assert fields["generator"]["equivalentProperty"] == "prov:wasAttributedTo"
    assert fields["run_id"]["equivalentProperty"] == "prov:wasGeneratedBy"


def test_several_files_are_one_set_of_records() -> None:
    files = tuple(OutFile(f"data/part-{n:05d}.parquet", f"{n}" * 64, 9, 3) for n in range(3))
    run = Run(RUN, origin(LLAMA_2), "e", "1", {}, "", "2026-11-24T20:00:00Z", "2026-11-24T20:00:01Z", 9, 0, files)
    data = croissant(run, (("response", "sc:Text"),))
    jsonschema.validate(data, CROISSANT)

    assert data["distribution"][-1]["includes"] == "data/*.parquet"
    assert data["recordSet"][0]["field"][0]["source"]["fileSet"] == {"@id": data["distribution"][-1]["@id"]}


def test_no_licence_is_invented(tmp_path: Path) -> None:
    run_folder(tmp_path / "rows", LLAMA_2)
    readme = (tmp_path / "rows" / "README.md").read_text("utf-8")

    assert "license" not in told(tmp_path / "rows", "croissant.json")
    assert "license:" not in readme
    assert "No licence is stated for these rows" in readme
    assert not [c for c in card.read(readme, "README.md", "rows").claims if isinstance(c, LicenceClaim)]


@pytest.mark.deep
@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_croissants_own_library_reads_it(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    library = pytest.importorskip("mlcroissant", reason="mlcroissant is not installed: pip install mlcroissant")
    run_folder(tmp_path / "rows", LLAMA_2, form=form, licence="mit")
    monkeypatch.chdir(tmp_path / "rows")
    rows = list(library.Dataset("croissant.json").records("rows"))

    assert len(rows) == 6
    assert rows[0]["rows/generator"].decode() == origin(LLAMA_2).purl


# The card.


def front_of(folder: Path) -> dict[str, Any]:
    front: dict[str, Any] = yaml.safe_load((folder / "README.md").read_text("utf-8").split("---\n")[1])
    return front


def test_the_card_is_one_that_the_hub_reads(folder: Path) -> None:
    front = front_of(folder)

    assert front["license"] == "cc-by-4.0"
    assert {"synthetic"} <= set(front["tags"])
    assert front["size_categories"] == ["n<1K"]
    assert front["configs"] == [{"config_name": "default", "data_files": ["data/*.parquet"]}]
    assert front["caveat"] == [{"generator": origin(LLAMA_2).purl, "run_id": RUN, "by": "Acme"}]


def test_the_card_says_what_one_may_do(folder: Path) -> None:
    readme = (folder / "README.md").read_text("utf-8")

    assert "training another model on these rows is refused" in readme
    assert "| train on it | ✗ prohibited |" in readme
    assert "1.b.v" in readme


def test_the_card_is_read_back(folder: Path) -> None:
    steps = [c for c in card.read((folder / "README.md").read_bytes(), "README.md", "rows").claims
             if isinstance(c, StepClaim)]

    assert [(c.act, c.parent, c.by, c.place.key) for c in steps] == [("generate", LLAMA_2, "Acme", f"run {RUN}")]


@pytest.mark.parametrize(("licence", "tag", "name"), [
    ("", "", ""), ("mit", "mit", ""), ("MIT", "mit", ""), ("cc-by-4.0", "cc-by-4.0", ""), ("llama2", "llama2", ""),
])
def test_labels(licence: str, tag: str, name: str) -> None:
    assert label_of(licence)[:2] == (tag, name)


def test_a_licence_nobody_knows() -> None:
    with pytest.raises(SettingsError, match="nobody knows 'my-own'"):
        label_of("my-own")


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    """What others wrote (a title, a purpose, a name) is neither markup nor a key of the front matter."""
    run = run_folder(tmp_path / "rows", LLAMA_2)
    evil = "x\n---\nlicense: mit\n<script>alert(1)</script> @everyone"
    text = papers(run._replace(by=evil, purpose=evil, parameters={evil: evil}, verdict="permitted"), (),
                  title=evil)["README.md"]
    front, body = text.removeprefix("---\n").split("\n---\n", 1)
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)

    assert "license" not in yaml.safe_load(front) and yaml.safe_load(front)["pretty_name"] == evil
    assert "<script" not in page and "<hr" not in page


# Addresses.


@pytest.mark.parametrize(("text", "parts"), [
    ("pkg:huggingface/microsoft/deberta-v3-base@559062ad13d311b87b2c455e67dcd5f1c8f65111",
     Purl("huggingface", "microsoft", "deberta-v3-base", "559062ad13d311b87b2c455e67dcd5f1c8f65111")),
    ("pkg:huggingface/distilbert-base-uncased", Purl("huggingface", "", "distilbert-base-uncased")),
    ("pkg:generic/openssl@1.1.10g?checksum=sha256:de4d501267da&download_url=https://openssl.org/source/openssl.tgz",
     Purl("generic", "", "openssl", "1.1.10g", (("checksum", "sha256:de4d501267da"),
                                               ("download_url", "https://openssl.org/source/openssl.tgz")))),
    ("pkg:npm/%40angular/animation@12.3.1", Purl("npm", "@angular", "animation", "12.3.1")),
])
def test_addresses_of_the_specification(text: str, parts: Purl) -> None:
    assert purl.read(text) == parts
    assert str(parts) == text


WORD = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=30).filter(
    lambda s: s.strip() == s)


KEY = st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True)


@settings(max_examples=50)
@given(WORD, WORD, st.one_of(st.just(""), WORD), st.dictionaries(KEY, WORD, max_size=4))
def test_an_address_comes_back_as_it_went(owner: str, name: str, version: str, more: dict[str, str]) -> None:
    parts = Purl("huggingface", owner, name, version, tuple(sorted(more.items())))
    text = str(parts)

    assert text.isascii() and not any(c.isspace() for c in text)
    assert len(text) > purl.LONGEST or purl.read(text) == parts


@given(st.text(max_size=200))
def test_any_text_is_an_address_or_none(text: str) -> None:
    for said in (text, "pkg:" + text, "pkg:a/b@" + text, "pkg:a/b?" + text):
        found = purl.read(said)
        assert found is None or (found.type and found.name)
