"""Configurations say what a model is; where it was loaded from is weak, what an adapter sits on is not."""

from __future__ import annotations

import json

from caveat.evidence import adapter_config, config, json_safe
from caveat.lineage.claims import AssetClaim, Evidence, StepClaim


def of(data: object, asset: str = "me/mine") -> Evidence:
    return config.read(json.dumps(data, indent=1), "config.json", asset)


def steps(evidence: Evidence) -> list[tuple[str, str, str, bool]]:
    return [(c.act, c.parent, c.place.kind, bool(c.place.weak)) for c in evidence.claims if isinstance(c, StepClaim)]


def targets(evidence: Evidence) -> list[str]:
    return [c.value for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "target"]


def test_where_it_was_loaded_from_is_inferred_and_weak() -> None:
    assert steps(of({"_name_or_path": "a/b"})) == [("finetune", "a/b", "inferred", True)]
    assert steps(of({"_name_or_path": "a/mine"})) == [("copy", "a/mine", "inferred", True)]
    assert steps(of({"_name_or_path": "a/b", "quantization_config": {"quant_method": "awq"}}))[0][0] == "quantize"


def test_itself_and_folders_are_no_parents() -> None:
    for written in ("me/mine", "./out", "/root/x", "", "C:\\x", "gpt2", "models/x/y"):
        assert steps(of({"_name_or_path": written})) == []


def test_code_of_another_repository_is_told_and_is_no_parent() -> None:
    evidence = of({"auto_map": {"AutoConfig": "a/b--configuration.X"}})

    assert steps(evidence) == []
    assert [p.what for p in evidence.problems] == ["auto_map takes its code from a/b"]


def test_architectures_are_targets() -> None:
    names = {"LlamaForCausalLM": "language-model", "BertForMaskedLM": "encoder",
             "WhisperForConditionalGeneration": "speech-model", "LlamaForSequenceClassification": "classifier",
             "T5ForConditionalGeneration": "language-model"}

    assert {n: [t] for n, t in names.items()} == {n: targets(of({"architectures": [n]})) for n in names}
    one_label = of({"architectures": ["LlamaForSequenceClassification"], "id2label": {"0": "x"}})
    assert targets(one_label) == ["reward-model"]


def test_an_adapter_names_its_base() -> None:
    data = json.dumps({"base_model_name_or_path": "a/b", "peft_type": "LORA", "task_type": "CAUSAL_LM"})
    evidence = adapter_config.read(data, "adapter_config.json", "me/mine")

    assert steps(evidence) == [("adapt", "a/b", "declared", False)]
    assert targets(evidence) == ["language-model"]


def test_an_adapter_on_a_folder_keeps_the_folder_as_unknown() -> None:
    evidence = adapter_config.read('{"base_model_name_or_path": "/models/x"}', "f", "me/mine")

    assert steps(evidence) == [("adapt", "/models/x", "declared", True)]


def test_bad_json_is_told() -> None:
    for bad in ("", "{", "[]", '{"a": ' + "[" * 100 + "]" * 100 + "}", b"\xff\xff", "[" * 200_000):
        assert json_safe.read(bad, "f").data == {}
        assert json_safe.read(bad, "f").problems


def test_a_key_that_stands_twice_is_told() -> None:
    assert [p.what for p in json_safe.read('{"a": 1, "a": 2}', "f").problems] == ["the key 'a' stands twice"]


def test_a_claim_points_at_its_line() -> None:
    claim = of({"x": 1, "_name_or_path": "a/b"}).claims[0]

    assert isinstance(claim, StepClaim)
    assert claim.place.line == 3
