"""The catalogue knows what people call things, what they were made from, and never lets a typo mean something."""

from __future__ import annotations

import json
import os
import re
import time
import tomllib
from datetime import date
from pathlib import Path

import pytest

from caveat.errors import LawError
from caveat.evidence.catalogue import COMPILED, FOLDER, Catalogue, compile_sources, load
from caveat.evidence.catalogue.asset import size_in
from caveat.evidence.catalogue.compile import digest
from caveat.evidence.catalogue.names import fits
from caveat.lineage.claims import AssetClaim, LicenceClaim, StepClaim

MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", Path(__file__).parents[3] / "shared"))
GOOD = '[[asset]]\nid = "a/b"\nkind = "model"\nlicence = "mit"'
LAW = Path(__file__).parents[2] / "src" / "caveat" / "law" / "licences"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load()


def test_the_compiled_form_is_not_stale() -> None:
    """Run `python -m caveat.evidence.catalogue compile` when this fails."""
    compiled = json.loads(COMPILED.read_bytes())

    assert digest(FOLDER) == compiled["digest"]
    assert compile_sources(FOLDER) == compiled


def test_it_opens_in_a_few_milliseconds() -> None:
    compiled = COMPILED.read_bytes()
    took = []
    for _ in range(9):
        start = time.process_time()
        load(compiled)
        took.append(time.process_time() - start)

    assert min(took) < 0.010


@pytest.mark.parametrize("name, means", [
    ("llama-2-70b-chat", "meta-llama/Llama-2-70b-chat-hf"), ("mistral-7b", "mistralai/Mistral-7B-v0.1"),
    ("gpt-4", "gpt-4"), ("GPT-4-0613", "gpt-4-0613"), ("openai/gpt-4o", "gpt-4o"), ("alpaca", "tatsu-lab/alpaca"),
    ("llama-3-8b", "meta-llama/Meta-Llama-3-8B"), ("qwen-2.5-7b", "Qwen/Qwen2.5-7B"),
    ("meta-llama/meta-llama-3.1-8b", "meta-llama/Llama-3.1-8B"), ("gemma-2-9b", "google/gemma-2-9b"),
    ("CohereForAI/c4ai-command-r-plus", "CohereLabs/c4ai-command-r-plus"), ("gpt2", "openai-community/gpt2"),
    ("qwen/qwen2.5-7b-instruct-awq", "Qwen/Qwen2.5-7B-instruct-awq"), ("openai/gpt-oss-20b", "openai/gpt-oss-20b"),
    ("bartowski/Llama-3.2-1B-Instruct-GGUF", "bartowski/Llama-3.2-1B-Instruct-GGUF"),
])
def test_names_that_people_type_are_understood(catalogue: Catalogue, name: str, means: str) -> None:
    assert means == catalogue.resolve(name)


@pytest.mark.parametrize("name", ["gpt4", "llama2-70b", "qwen2.5", "llama2", "mistral", "my-lm", "acme/lm", "math",
                                  "code", "", "x" * 5000, "acme/Llama-2-7b-hf", "acme/llama-2-7b-GGUF", "llama-2"])
def test_a_typo_a_stem_or_a_stranger_means_nothing(catalogue: Catalogue, name: str) -> None:
    assert catalogue.resolve(name) is None


@pytest.mark.parametrize("name, means", [
    ("Llama 2 13B Chat", "meta-llama/Llama-2-13b-chat-hf"), ("llama2:13b-chat", "meta-llama/Llama-2-13b-chat-hf"),
    ("mistral", "mistralai/Mistral-7B-Instruct-v0.3"), ("gpt4", "gpt-4"),
    ("Qwen2.5 7B Instruct", "Qwen/Qwen2.5-7B-Instruct"),
    ("mistralai_mistral-7b-instruct-v0.2", "mistralai/Mistral-7B-Instruct-v0.2"),
    ("Meta Llama 3.1 8B Instruct", "meta-llama/Llama-3.1-8B-Instruct"), ("LLaMA v2", None), ("acme/foo-GGUF", None),
])
def test_evidence_is_read_loosely(catalogue: Catalogue, name: str, means: str | None) -> None:
    assert means == catalogue.resolve(name, loose=True)


@pytest.mark.parametrize("name, act, base", [
    ("acme/llama-2-7b-chat-GGUF", "quantize", "meta-llama/Llama-2-7b-chat-hf"),
    ("llama-2-7b-chat.Q4_K_M.gguf", "quantize", "meta-llama/Llama-2-7b-chat-hf"),
    ("neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", "quantize", "meta-llama/Llama-3.1-8B-Instruct"),
    ("hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4", "quantize", "meta-llama/Llama-3.1-8B-Instruct"),
    ("unsloth/gemma-2-27b-it-bnb-4bit", "quantize", "google/gemma-2-27b-it"),
    ("acme/Llama-2-7b-hf", "copy", "meta-llama/Llama-2-7b-hf"),
    ("Qwen/Qwen2.5-72B-Instruct-GPTQ-Int4", "quantize", "Qwen/Qwen2.5-72B-Instruct"),
])
def test_a_name_may_say_a_copy_of(catalogue: Catalogue, name: str, act: str, base: str) -> None:
    known = catalogue.resolve(name, loose=True)
    assert known is not None
    asset = catalogue.asset(known)
    original = catalogue.asset(base)
    assert asset is not None and original is not None

    assert [(act, base)] == [(s.act, s.parent) for s in asset.steps]
    assert original.laws() == asset.laws()


@pytest.mark.parametrize("name, size", [
    ("mistralai/Mixtral-8x7B", 56e9), ("TinyLlama-1.1B-Chat", 1.1e9), ("SmolLM-360M", 360e6), ("bloom-7b1", 7.1e9),
    ("stablelm-2-1_6b", 1.6e9), ("Qwen2.5-7B-Instruct-1M", 7e9), ("phi-2", None), ("x-4bit", None),
])
def test_sizes_are_read_from_names(name: str, size: float | None) -> None:
    assert size == size_in(name)


@pytest.mark.parametrize("asset_id, day, law", [
    ("tiiuae/falcon-7b", date(2023, 5, 27), "falcon-llm-1.0"), ("tiiuae/falcon-7b", date(2023, 7, 1), "apache-2.0"),
    ("01-ai/Yi-34B", date(2023, 11, 2), "yi-1.0"), ("01-ai/Yi-34B-Chat", date(2024, 1, 15), "yi-2.1"),
    ("01-ai/Yi-34B", date(2024, 8, 1), "apache-2.0"), ("microsoft/phi-2", date(2023, 12, 20), "ms-research"),
    ("microsoft/phi-2", None, "mit"), ("tatsu-lab/alpaca", date(2023, 3, 13), "odc-by-1.0"),
])
def test_relicensed_assets_are_under_the_text_of_the_day(
    catalogue: Catalogue, asset_id: str, day: date | None, law: str
) -> None:
    laws = [c.laws for c in catalogue.claims(asset_id, day) if isinstance(c, LicenceClaim) and c.asset == asset_id]

    assert [(law,)] == laws


@pytest.mark.parametrize("asset_id, law", [
    ("Qwen/Qwen2.5-3B-Instruct", "qwen-research-2024"), ("Qwen/Qwen2.5-72B", "qwen-2024"),
    ("Qwen/Qwen2.5-7B", "apache-2.0"), ("Qwen/Qwen2-72B-Instruct", "tongyi-qianwen-2023"),
    ("deepseek-ai/DeepSeek-V3", "deepseek-la-1.0"), ("deepseek-ai/DeepSeek-R1", "mit"),
    ("deepseek-ai/DeepSeek-V3-0324", "mit"), ("mistralai/Ministral-8B-Instruct-2410", "mrl-0.1"),
    ("google/gemma-4-31B-it", "apache-2.0"), ("google/gemma-3-12b-it", "gemma"),
    ("Qwen/Qwen2.5-3B-Instruct-GGUF", "qwen-research-2024"), ("google/gemma-2-9b-keras", "gemma"),
    ("CompVis/stable-diffusion-v1-4", "creativeml-openrail-m"),
    ("runwayml/stable-diffusion-v1-5", "creativeml-openrail-m"),
    ("stabilityai/stable-diffusion-xl-base-1.0", "openrail++"), ("stabilityai/stable-diffusion-2-1", "openrail++"),
    ("facebook/wav2vec2-base", "apache-2.0"), ("Qwen/Qwen3.6-27B", "apache-2.0"),
    ("openchat/openchat-3.5-0106", "apache-2.0"),
])
def test_each_size_has_its_own_text(catalogue: Catalogue, asset_id: str, law: str) -> None:
    asset = catalogue.asset(asset_id)

    assert asset is not None
    assert (law,) == asset.laws()


def test_the_bound_case_is_told_whole(catalogue: Catalogue) -> None:
    """Intel generated the rejected side with Llama 2 and trained on it."""
    steps = {(c.child, c.act, c.parent): c for c in catalogue.claims("Intel/neural-chat-7b-v3-1")
             if isinstance(c, StepClaim)}
    rejected = steps["Intel/orca_dpo_pairs", "generate", "meta-llama/Llama-2-13b-chat-hf"]

    assert ("Intel/neural-chat-7b-v3-1", "train", "Intel/orca_dpo_pairs") in steps
    assert (rejected.by, rejected.column, rejected.place.kind) == ("Intel", "rejected", "catalogue")


def test_terms_of_a_call_are_those_of_its_day(catalogue: Catalogue) -> None:
    claims = catalogue.claims("tatsu-lab/alpaca", date(2026, 1, 1))
    called = [(c.laws, c.place.key) for c in claims if isinstance(c, LicenceClaim) and c.asset == "text-davinci-003"]

    assert called == [(("openai-tou-2022",), "of 2023-02-15")]


def test_a_day_without_text_names_its_neighbours(catalogue: Catalogue) -> None:
    held = catalogue.terms("gpt-4", date(2023, 6, 1))
    blank = catalogue.terms("gemini-pro", date(2024, 6, 1))
    assert held is not None and blank is not None

    assert (held.laws, held.held) == (("openai-tou-2023-03-14",), "text")
    assert (blank.laws, blank.held, blank.neighbours) == (("unknown",), "none", ("gemini-api-2025-05-20",))
    assert catalogue.terms("mistral-7b") is None


def test_prompts_alone_make_no_training_edge(catalogue: Catalogue) -> None:
    """Snorkel's and SPPO's cards name UltraFeedback for its prompts; the answers are the models' own."""
    for asset_id in ("snorkelai/Snorkel-Mistral-PairRM-DPO", "UCLA-AGI/Llama-3-Instruct-8B-SPPO-Iter3",
                     "princeton-nlp/gemma-2-9b-it-SimPO"):
        behind = {c.parent for c in catalogue.claims(asset_id) if isinstance(c, StepClaim)}

        assert not {p for p in behind if "UltraFeedback" in p}


def test_kinds_of_model_are_told(catalogue: Catalogue) -> None:
    facts = {(c.field, c.value) for c in catalogue.claims("google-bert/bert-base-uncased")
             if isinstance(c, AssetClaim)}

    assert {("kind", "model"), ("target", "encoder"), ("parameters", "110000000")} <= facts


def test_nearest_names_are_real_names(catalogue: Catalogue) -> None:
    assert "llama-2-70b" in catalogue.nearest("llama2-70b")
    assert "gpt-4" in catalogue.nearest("gpt4")
    assert all(catalogue.resolve(n) for n in catalogue.nearest("misral-7b"))


def test_every_chain_of_claims_ends(catalogue: Catalogue) -> None:
    """Claims of every asset come to an end, and every parent has a public place where it was seen."""
    for asset_id in catalogue.ids():
        steps = [c for c in catalogue.claims(asset_id) if isinstance(c, StepClaim)]

        assert all(c.place.file for c in steps), asset_id


def test_a_ring_does_not_hang() -> None:
    ring = {"names": {"a/x": "a/x", "a/y": "a/y"}, "loose": {}, "patterns": [], "services": [], "records": {
        i: json.dumps({"id": i, "kind": "model", "steps": [{"act": "merge", "from": p}]})
        for i, p in (("a/x", "a/y"), ("a/y", "a/x"))}}

    assert sum(isinstance(c, StepClaim) for c in Catalogue(ring).claims("a/x")) == 2


@pytest.mark.parametrize("toml, told", [
    ('[[asset]]\nid = "a/b"\nkind = "modle"\nlicence = "mit"', "did you mean model"),
    ('[[asset]]\nid = "a/b"\nkind = "model"', "says nothing of its licence"),
    ('[[asset]]\nid = "a/b"\nkind = "model"\nlicense = "mit"', "did you mean licence"),
    (f'{GOOD}\n[[asset.step]]\nact = "tune-up"\nfrom = "c/d"', "unknown word"),
    (f'{GOOD}\n[[asset.step]]\nact = "merge"\nfrom = "cd"', "nobody knows cd"),
    ('[[thing]]\nid = "a/b"', "unknown table thing"),
    (f"{GOOD}\n{GOOD}", "twice"),
])
def test_wrong_sources_are_refused_in_words(tmp_path: Path, toml: str, told: str) -> None:
    (tmp_path / "wrong.toml").write_text(toml, encoding="utf-8")

    with pytest.raises(LawError, match=re.escape(told)):
        compile_sources(tmp_path)


def test_every_law_named_has_a_law_file(catalogue: Catalogue) -> None:
    named = {law for i in catalogue.ids() if (a := catalogue.asset(i)) for t in a.licences for law in t.laws}

    assert set() == named - {p.stem for p in LAW.glob("*.toml")}


def test_the_catalogue_and_the_law_agree_on_what_a_law_covers(catalogue: Catalogue) -> None:
    """`covers` of a law file and the licences here are two witnesses of one thing."""
    covers = [(law["id"], glob) for p in sorted(LAW.glob("*.toml")) if (law := tomllib.loads(p.read_text("utf-8")))
              for glob in law.get("covers", ()) if "/" in glob]
    assets = [a for i in catalogue.ids() if (a := catalogue.asset(i)) and not any(s.act == "copy" for s in a.steps)]
    amiss = [(law, a.id) for law, glob in covers for a in assets
             if fits(glob, a.id) and not any(law in t.laws for t in a.licences)]

    assert amiss == []


def test_names_of_the_golden_questions_are_known(catalogue: Catalogue) -> None:
    folder = MATERIAL / "golden"
    if not folder.is_dir():
        pytest.skip("the golden questions are not here (set CAVEAT_MATERIAL)")
    asks = [c["ask"] for f in sorted(folder.glob("*.toml")) for c in tomllib.loads(f.read_text("utf-8"))["case"]]
    named = {n for ask in asks for n in re.findall(r"[\w.-]+/[\w.-]+", ask)}
    strangers = ("acme/", "some-org/", "meta/hosted-model")

    assert sorted(n for n in named if not n.startswith(strangers) and catalogue.resolve(n) is None) == []


def test_facts_read_in_the_material_are_all_in(catalogue: Catalogue) -> None:
    file = MATERIAL / "real" / "facts.toml"
    if not file.is_file():
        pytest.skip("the facts are not here (set CAVEAT_MATERIAL)")
    ids = [a["id"].partition(" ")[0] for a in tomllib.loads(file.read_text("utf-8"))["asset"]]

    assert [i for i in ids if i not in catalogue.ids()] == []
