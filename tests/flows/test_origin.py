"""Whose output it will be: from the header, the card, the name; and what that lets the asker do with it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from caveat.errors import EvidenceError, SettingsError
from caveat.flows.asking import ask
from caveat.flows.checking import may_of
from caveat.flows.origin import allowed, digest_of, origin_of, own_claims
from caveat.lineage import purl
from caveat.lineage.claims import Evidence
from tests.runtime.answering import smollm2
from tests.runtime.files import write

DAY = "2026-11-24"


def gguf(path: Path, **keys: object) -> Path:
    """A header with these `general.*` keys and no weights."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write(path, {"general.architecture": "llama", **{f"general.{k}": v for k, v in keys.items()}}, ())


# Files.


def test_smollm2_is_known_by_its_file_name() -> None:
    """Its header names a stage of its training; the file's name and the catalogue say which model it is."""
    found = origin_of(str(smollm2()), on=DAY)
    parts = purl.read(found.purl)

    assert (found.name, found.told_by) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "file name")
    assert found.laws == ("apache-2.0",)
    assert parts is not None and parts.get("checksum") == f"sha256:{found.sha256}"
    assert found.sha256 == hashlib.sha256(smollm2().read_bytes()).hexdigest()


def test_under_another_name_the_header_still_tells_its_terms(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").symlink_to(smollm2())
    found = origin_of(str(tmp_path / "model.gguf"), on=DAY)

    assert found.laws == ("apache-2.0",)
    assert any("--named" in p for p in found.problems)


def test_what_the_asker_names_is_declared(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").symlink_to(smollm2())
    found = origin_of(str(tmp_path / "model.gguf"), named="HuggingFaceTB/SmolLM2-135M-Instruct", on=DAY)

    assert (found.name, found.told_by) == ("HuggingFaceTB/SmolLM2-135M-Instruct", "named")


@pytest.mark.parametrize(("file", "keys", "name"), [
    ("llama-2-7b-chat.Q4_K_M.gguf", {"name": "LLaMA v2"}, "meta-llama/Llama-2-7b-chat-hf"),
    ("x.gguf", {"name": "Meta Llama 3.1 8B Instruct"}, "meta-llama/Llama-3.1-8B-Instruct"),
    ("x-Q4_K_M.gguf", {"base_model.count": 1, "base_model.0.repo_url": "https://huggingface.co/google/gemma-2-9b-it"},
     "google/gemma-2-9b-it"),
    ("Mistral-7B-Instruct-v0.3.IQ4_XS.gguf", {}, "mistralai/Mistral-7B-Instruct-v0.3"),
])
def test_files_as_people_have_them(tmp_path: Path, file: str, keys: dict[str, object], name: str) -> None:
    assert origin_of(str(gguf(tmp_path / file, **keys)), on=DAY).name == name


def test_a_header_beats_a_file_name_and_it_is_told(tmp_path: Path) -> None:
    """Renaming a Llama 2 file to something freer changes nothing."""
    found = origin_of(str(gguf(tmp_path / "Mistral-7B-Instruct-v0.3.Q4_K_M.gguf",
                               name="Llama-2-13b-chat")), on=DAY)

    assert found.name == "meta-llama/Llama-2-13b-chat-hf"
    assert any("the file name speaks of mistralai/Mistral-7B-Instruct-v0.3" in p for p in found.problems)


def test_a_card_beside_the_file_tells_the_base(tmp_path: Path) -> None:
    file = gguf(tmp_path / "helper.Q8_0.gguf")
    (tmp_path / "README.md").write_text("---\nlicense: llama2\nbase_model: meta-llama/Llama-2-13b-hf\n---\n# Helper\n")
    found = origin_of(str(file), on=DAY)
    parts = purl.read(found.purl)

    assert (found.laws, found.base) == (("llama-2",), ("meta-llama/Llama-2-13b-hf",))
    assert parts is not None and (parts.get("base"), parts.get("laws")) == ("meta-llama/Llama-2-13b-hf", "llama-2")
    assert allowed(found, "train falcon-7b", fixes=False).verdict == "prohibited"


def test_a_caveat_toml_beside_the_file_counts(tmp_path: Path) -> None:
    file = gguf(tmp_path / "mine.gguf")
    (tmp_path / "caveat.toml").write_text(
        '[project]\nname = "mine"\n[[step]]\nmakes = "mine"\nact = "finetune"\nfrom = "meta-llama/Llama-2-7b-hf"\n')

    assert origin_of(str(file), on=DAY).base == ("meta-llama/Llama-2-7b-hf",)


def test_the_cache_tells_the_revision(tmp_path: Path) -> None:
    commit = "f5db02db724555f92da89c216ac04704f23d4590"
    folder = tmp_path / "models--meta-llama--Llama-2-7b-chat-hf" / "snapshots" / commit
    file = gguf(folder / "Llama-2-7b-chat-hf.gguf")
    found = origin_of(str(file), on=DAY)

    assert found.revision == commit
    assert found.purl.startswith(f"pkg:huggingface/meta-llama/Llama-2-7b-chat-hf@{commit}?checksum=sha256:")


def test_several_files_have_one_digest(tmp_path: Path) -> None:
    for name in ("b.safetensors", "a.safetensors"):
        (tmp_path / name).write_bytes(name.encode())
    lines = "".join(f"{hashlib.sha256(n.encode()).hexdigest()}  {n}\n" for n in ("a.safetensors", "b.safetensors"))

    assert digest_of(tmp_path) == hashlib.sha256(lines.encode()).hexdigest()


@pytest.mark.parametrize("data", [
    b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 40, b"\x80\x04pickle", b"GGUF\x63\0\0\0" * 9])
def test_hostile_files_are_told_or_unknown(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(data)
    try:
        found = origin_of(str(tmp_path / "m.gguf"), on=DAY)
    except EvidenceError as fault:
        assert "m.gguf" in str(fault)
    else:
        assert found.laws == () and found.problems


@pytest.mark.parametrize("model", ["/no/such/model.gguf", "./none", "missing.gguf"])
def test_a_path_that_is_not_there(model: str) -> None:
    with pytest.raises(EvidenceError, match="no such file or folder"):
        origin_of(model)


# Names at addresses.


@pytest.mark.parametrize(("model", "name", "law"), [
    ("llama3.1:8b", "meta-llama/Llama-3.1-8B-Instruct", "llama-3.1"),
    ("llama2:7b-chat-q4_0", "meta-llama/Llama-2-7b-chat-hf", "llama-2"),
    ("meta-llama/Llama-2-7b-chat-hf", "meta-llama/Llama-2-7b-chat-hf", "llama-2"),
    ("TheBloke/Llama-2-7B-Chat-GGUF", "meta-llama/Llama-2-7b-chat-hf", "llama-2"),
    ("mistral:latest", "mistralai/Mistral-7B-Instruct-v0.3", "apache-2.0"),
    ("openai/gpt-4o", "gpt-4o", "openai-services-2025-05-31"),
])
def test_names_as_servers_spell_them(model: str, name: str, law: str) -> None:
    found = origin_of(model, url="http://localhost:11434/v1", on=DAY)

    assert (found.name, found.laws) == (name, (law,))


def test_a_service_is_one_of_its_day() -> None:
    days = ["2023-06-01", "2024-06-01", DAY]
    found = [origin_of("gpt-4o", url="https://api.openai.com/v1", on=day) for day in days]

    assert [o.purl for o in found] == [f"pkg:generic/openai/gpt-4o@{day}" for day in days]
    assert len({o.laws for o in found}) == 3


def test_a_day_without_a_text_is_unknown_and_told() -> None:
    found = origin_of("claude-3-opus", url="https://api.anthropic.com/v1", on="2024-06-01")

    assert found.laws == ()
    assert "are not held" in found.problems[0]
    assert allowed(found, "train mistral-7b", fixes=False).verdict == "unknown"


def test_a_name_nobody_knows_is_unknown_and_told() -> None:
    found = origin_of("house-model", url="http://10.0.0.7:8000/v1", on=DAY)

    assert found.laws == () and "nobody is known by this name at 10.0.0.7" in found.problems[0]
    assert {m.verdict for m in may_of(Evidence((found.name,), own_claims(found)), today=DAY)} == {"unknown"}


@pytest.mark.parametrize("url", ["ftp://x/v1", "localhost", "http://", "javascript:alert(1)", "http:///v1", "file:///etc"])
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(SettingsError, match="--url wants"):
        origin_of("gpt-4o", url=url)


def test_a_day_that_is_none_and_a_name_that_is_none() -> None:
    with pytest.raises(SettingsError, match="is no day"):
        origin_of("gpt-4o", on="yesterday")
    with pytest.raises(SettingsError, match="--named wants"):
        origin_of("gpt-4o", named="a/b/c")


def test_every_address_of_a_service_leads_back_to_it() -> None:
    """What stands in a column must resolve to the same terms, for every service of the catalogue."""
    from caveat.evidence.generated import claims_of
    from caveat.evidence.source import place
    from caveat.flows.asking import names
    from caveat.lineage.claims import StepClaim

    book = names()
    services = [n.replace("*", "x") for s in book.catalogue._services for n in s["names"]]
    for service in services:
        found = origin_of(service, url="https://example.com/v1", on=DAY)
        step = claims_of("rows", found.purl, "r", place("f", 1, "", ""))[0]

        assert isinstance(step, StepClaim)
        assert book.resolve_read(step.parent) == found.name


# Purposes.


@pytest.mark.parametrize("model", ["meta-llama/Llama-2-7b-chat-hf", "meta-llama/Llama-3.1-8B-Instruct", "gpt-4o",
                                   "mistralai/Mistral-7B-Instruct-v0.3", "google/gemma-2-9b-it"])
@pytest.mark.parametrize(("purpose", "question"), [
    ("train mistral-7b", "train mistral-7b on output of {}"), ("sell it", "sell output of {}"),
    ("publish as mit", "publish output of {} as mit"), ("train llama-2-13b", "train llama-2-13b on output of {}"),
    ("train my-classifier and sell it", "train my-classifier on output of {} and sell it"),
    ("train mistral-7b where commercial = no", "train mistral-7b on output of {} where commercial = no"),
])
def test_a_purpose_is_the_question_it_stands_for(model: str, purpose: str, question: str) -> None:
    url = {} if "/" in model else {"url": "https://api.openai.com/v1"}
    answer = allowed(origin_of(model, on=DAY, **url), purpose, fixes=False)

    assert answer.verdict == ask(question.format(model), today=DAY, fixes=False).verdict


def test_a_breach_names_the_clause_and_its_proof() -> None:
    answer = allowed(origin_of("meta-llama/Llama-2-7b-chat-hf", on=DAY), "train mistral-7b")
    finding = next(f for f in answer.findings if f.verdict == "prohibited")

    assert (answer.verdict, finding.rules[0].clause, finding.licence) == ("prohibited", "1.b.v", "llama-2")
    assert [s.role for s in finding.path][:2] == ["materials", "output"]


@pytest.mark.parametrize("purpose", ["", "  ", "dance", "quantize llama-2-7b", "train", "x" * 600, "train mistral-7c",
                                     "sell it as no-such-licence", "\x1b[31mtrain"])
def test_purposes(purpose: str) -> None:
    found = origin_of("meta-llama/Llama-2-7b-chat-hf", on=DAY)
    if purpose == "train":  # some model of one's own
        assert allowed(found, purpose, fixes=False).verdict == "prohibited"
        return
    with pytest.raises(SettingsError, match="--purpose"):
        allowed(found, purpose, fixes=False)
