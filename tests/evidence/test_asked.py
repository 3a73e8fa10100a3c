"""Questions as people type them: what is no day, no count or said twice is refused, never a crash or a guess.

What names a format or a method and no thing is passed over, and read back without it.
"""

import pytest

from caveat.errors import CaveatError
from caveat.flows.asking import ask


@pytest.mark.parametrize("question", [
    "train my-lm on output of gpt-4 of 2023-13-01",
    "run llama-2-7b of 2023-02-30",
    "run llama-2-7b where monthly_users = nan",
    "run llama-2-7b where monthly_users = 1e999",
    "run llama-2-7b where monthly_users = -5",
    "run llama-2-7b where monthly_users = 900000000, monthly_users = 5",
    "run llama-2-7b where sued = ptent",
    "run meta-llama/Llama-4-Scout-17B-16E-Instruct where domicile = KT",
    "generate my-st with gpt-4 then train my-lm on my-set where competes = yes",
    "generate my-set with gpt-4 then train my-lm on my-ste where competes = yes",
    "run llama-2-7b where monthly_users = 900000000, permission = lama-2",
    "run llama-2-7b where reading.improve = weights, reading.improve = any-help",
])
def test_refused(question: str) -> None:
    with pytest.raises(CaveatError):
        ask(question)


@pytest.mark.parametrize(("question", "verdict"), [
    ("run llama-2-7b where purpose = military, purpose = research", "prohibited"),
    ("run meta-llama/Llama-4-Scout-17B-16E-Instruct where domicile = EL", "prohibited"),
    ("quantize mistral-7b to 4-bit GGUF then run it", "permitted"),
    ("convert mistral-7b into gguf format and run it", "permitted"),
    ("do RAG over my-docs with mistral-7b", "permitted"),
    ("would it be fine to do DPO of mistral-7b on my-pairs", "permitted"),
    ("run databricks/dbrx--instruct where sued = yes", "prohibited"),
    ("merge my-a and my-b then train my-lm on my-ab and sell it", "permitted"),
    ("run llama-2-7b where sued = true", "prohibited"),
    ("run llama-2-7b where sued = llama-2", "prohibited"),
    ("run llama-2-7b where sued = gemma", "permitted"),
    ("run acme/m under unknown where permission = true", "permitted"),
    ("sell falcon-7b where obtained = 2023-05-27", "prohibited"),
    ("sell falcon-7b where obtained = 2023-07-01", "conditional"),
    ("train my-lm on output of gpt-4 and ship it where reading.compete = capability", "prohibited"),
    ("train my-lm on output of gpt-4 where reading.compete = substitute, channel = internal", "permitted"),
    ("train my-lm on output of gpt-4 where reading.compete = substitute", "depends"),
])
def test_understood(question: str, verdict: str) -> None:
    assert ask(question).to_dict()["verdict"] == verdict


def test_lora_makes_an_adapter() -> None:
    said = ask("finetune llama-2-7b on my-notes with lora and ship it as mit where reading.adapter = own-work")
    assert said.to_dict()["verdict"] == ask(
        "adapt llama-2-7b on my-notes and ship it as mit where reading.adapter = own-work").to_dict()["verdict"]


@pytest.mark.parametrize(("question", "verdict"), [
    ("filter acme/wiki under cc-by-nc-4.0 then train my-lm on it and sell it", "depends"),
    ("mix acme/wiki under cc-by-nc-4.0 and my-notes then train my-lm on it and sell it", "depends"),
    ("copy acme/wiki under cc-by-nc-4.0, clean it, then train my-lm on it and sell it", "depends"),
    ("download acme/wiki under cc-by-sa-4.0 then train my-lm on it and ship it as mit", "depends"),
    ("copy acme/base under cc-by-nc-4.0 then finetune it on my-notes and sell it", "prohibited"),
])
def test_what_is_done_with_a_name_tells_its_kind(question: str, verdict: str) -> None:
    assert ask(question).to_dict()["verdict"] == verdict


@pytest.mark.parametrize("question", [
    "train my-lm on output of output of llama-2-7b",
    "generate my-set with llama-2-7b then train my-lm on output of it",
    "summarize my-notes with llama-2-7b then train mistral-7b on it",
])
def test_a_data_set_writes_nothing_of_its_own(question: str) -> None:
    assert ask(question).to_dict()["verdict"] == "prohibited"


@pytest.mark.parametrize("model", ["llama-2-7b", "google/gemma-2-9b", "tiiuae/falcon-180B"])
def test_what_is_hosted_in_the_house_is_run(model: str) -> None:
    assert ask(f"serve {model} where channel = internal").to_dict()["verdict"] == "permitted"


def test_a_repository_spelt_almost_like_a_known_one_is_told() -> None:
    said = ask("train my-lm on found output of mmeta-llama/Llama-2-70b-chat-hf").to_dict()
    assert any("did you mean meta-llama/llama-2-70b-chat-hf" in str(p) for p in said["problems"])
    assert not ask("run acme/ibis-7b").to_dict()["problems"]


@pytest.mark.parametrize("question", ["run Qwen/Qwen2-2B-Instruct", "run meta-llama/Llama-3.2-11B-Viison-Instruct"])
def test_a_size_that_does_not_exist_takes_no_terms_of_its_family(question: str) -> None:
    assert ask(question).to_dict()["verdict"] == "unknown"
