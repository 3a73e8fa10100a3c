"""Recipes are known by their keys: base, adapter, teacher, judge and data of each tool, and what stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.evidence import gather, recipe
from caveat.lineage.claims import AssetClaim, Evidence, StepClaim


def of(text: str, file: str = "plan.yaml", path: Path | None = None) -> Evidence:
    return recipe.of_text(text, file, "mine", path)


def parts(evidence: Evidence) -> list[tuple[str, str]]:
    return [(c.act, c.parent) for c in evidence.claims if isinstance(c, StepClaim)]


def step(evidence: Evidence, act: str) -> StepClaim:
    return next(c for c in evidence.claims if isinstance(c, StepClaim) and c.act == act)


def test_axolotl() -> None:
    read = of("base_model: a/x\nadapter: qlora\n# hub_model_id: no/body\nrl: dpo\n"
              "datasets:\n- path: b/y\n  split: train\n"
              "- path: json\n  data_files: rows.jsonl\npretraining_dataset: c/z\ntest_datasets:\n- path: d/w\n")

    assert parts(read) == [("adapt", "a/x"), ("train", "b/y"), ("train", "rows.jsonl"), ("train", "c/z")]
    assert step(read, "train").place.quote == "b/y (split train, both sides)"
    assert (step(read, "train").place.line, step(read, "train").by) == (6, "you")
    assert [p.instead for p in read.problems] == [
        "datasets[1].data_files: rows.jsonl stays of unknown origin"]


def test_an_adapter_without_a_value_is_none_and_bradley_terry_makes_a_reward_model() -> None:
    read = of("base_model: a/x\nadapter:\ndatasets:\n- path: b/y\n  type: bradley_terry.chat_template\n")

    assert parts(read) == [("finetune", "a/x"), ("train", "b/y")]
    assert [c.value for c in read.claims if isinstance(c, AssetClaim) and c.field == "target"] == ["reward-model"]


def test_trl_mixture_teacher_and_judge() -> None:
    read = of("model_name_or_path: a/x\nuse_peft: true\nteacher_model_name_or_path: t/t\nreward_model_path: r/m\n"
              "judge: pair_rm\nhub_model_id: me/made\n"
              "dataset_mixture:\n  datasets:\n  - id: b/y\n    split: test_sft\n")

    assert parts(read) == [("adapt", "a/x"), ("distil", "t/t"), ("train", "b/y"), ("annotate", "r/m"),
                           ("annotate", "llm-blender/PairRM"), ("train", "answers of me/made, scored")]
    assert {c.child for c in read.claims if isinstance(c, StepClaim)} == {"me/made", "answers of me/made, scored"}


def test_open_instruct_mixers() -> None:
    text = ("model_name_or_path: /model\nuse_slow_tokenizer: true\n"
            "dataset_mixer:\n  b/y: 0.5\n  c/z: 0\n  /cluster/r.jsonl: 1.0\n")
    read = of(text + "# d/w: 3\nhf_metadata_dataset: e/v\n")

    assert parts(read) == [("finetune", "/model"), ("train", "b/y"), ("train", "/cluster/r.jsonl")]
    assert len(read.problems) == 2
    listed = "model_name_or_path: a/x\ndataset_mixer_list: b/y 1.0 c/z 200 d/w 0.0\n"
    assert parts(of(listed)) == [("finetune", "a/x"), ("train", "b/y"), ("train", "c/z")]


def test_torchtune_ids_stand_in_comments() -> None:
    text = ("#   tune download a/x --output-dir /tmp/x\n#  tune download t/t --output-dir /tmp/t\n"
            "output_dir: /tmp/torchtune/z/lora\n"
            "model:\n  _component_: torchtune.models.x.lora_x\ncheckpointer:\n  checkpoint_dir: /tmp/x/\n"
            "teacher_checkpointer:\n  checkpoint_dir: ${base}/t\nbase: /tmp\n"
            "dataset:\n  _component_: torchtune.datasets.alpaca_cleaned_dataset\n  split: train[:95%]\n"
            "dataset_val:\n  _component_: torchtune.datasets.alpaca_dataset\n")
    read = of(text)

    assert parts(read) == [("adapt", "a/x"), ("distil", "t/t"), ("train", "yahma/alpaca-cleaned")]
    assert (step(read, "adapt").place.kind, step(read, "adapt").place.line, step(read, "adapt").child) == (
        "detected", 1, "z-lora")
    assert parts(of(text.replace("tune download a/x", "")))[0] == ("adapt", "/tmp/x/")


def test_a_null_quantizer_is_none() -> None:
    head = "model:\n  _component_: torchtune.models.x.x\ncheckpointer:\n  checkpoint_dir: /tmp/x\nquantizer: "

    assert parts(of(head + "null\n")) == [("bundle", "/tmp/x")]
    assert parts(of(head + "{_component_: q}\n")) == [("quantize", "/tmp/x")]


def llama(folder: Path, text: str, info: dict[str, object] | None = None) -> Evidence:
    place = folder / "examples" / "train" / "plan.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(text)
    if info is not None:
        (folder / "data").mkdir()
        (folder / "data" / "dataset_info.json").write_text(json.dumps(info))
    return recipe.read(place, "plan.yaml", "train")


def test_llama_factory_aliases(tmp_path: Path) -> None:
    info = {"one": {"hf_hub_url": "b/y", "split": "train"}, "two": {"file_name": "two.json"}}
    read = llama(tmp_path, "model_name_or_path: a/x\nstage: dpo\nfinetuning_type: lora\ndataset: one, two,three\n"
                           "eval_dataset: four\n", info)

    assert parts(read) == [("adapt", "a/x"), ("train", "b/y"), ("train", "data/two.json"), ("train", "three")]
    assert step(read, "train").place.quote == "b/y (as dataset_info.json says, split train, both sides)"
    assert {p.instead for p in read.problems} == {"dataset: two: data/two.json stays of unknown origin",
                                                  "three stays of unknown origin"}


def test_aliases_that_ship_with_the_tool(tmp_path: Path) -> None:
    read = llama(tmp_path, "model_name_or_path: a/x\nstage: sft\nfinetuning_type: full\ndataset: slimorca\n")

    assert parts(read) == [("finetune", "a/x"), ("train", "Open-Orca/SlimOrca")]
    assert "LLaMA-Factory's own" in step(read, "train").place.quote


def test_llama_factory_runs_exports_and_version_1(tmp_path: Path) -> None:
    assert parts(of("model_name_or_path: a/x\ntemplate: t\ninfer_backend: vllm\n")) == [("bundle", "a/x")]
    export = "model_name_or_path: a/x\nadapter_name_or_path: me/lora\ntemplate: t\nexport_dir: out/merged_chat\n"
    assert parts(of(export)) == [("merge", "a/x"), ("adapt", "me/lora")]
    assert step(of(export), "merge").child == "merged_chat"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "set.yaml").write_text("one:\n  path: b/y\n  source: hf_hub\n")
    first = llama(tmp_path, "model: a/x\nmodel_class: llm\npeft_config:\n  name: lora\ntrain_dataset: data/set.yaml\n")
    assert parts(first) == [("adapt", "a/x"), ("train", "b/y")]


def test_distilabel() -> None:
    text = ("distilabel:\n  version: 1.4\npipeline:\n  name: mine\n  steps:\n"
            "  - step:\n      repo_id: p/prompts\n      split: train\n      type_info: {name: LoadDataFromHub}\n"
            "  - step:\n      llm: {model: gpt-4-turbo, type_info: {name: OpenAILLM}}\n"
            "      type_info: {name: TextGeneration}\n"
            "  - step:\n      llm: {model_id: a/x, type_info: {name: InferenceEndpointsLLM}}\n"
            "      type_info: {name: UltraFeedback}\n")

    assert parts(of(text)) == [("filter", "p/prompts"), ("generate", "gpt-4-turbo"), ("annotate", "a/x")]


def test_mlflow() -> None:
    text = "flavors:\n  transformers:\n    source_model_name: a/x\nrun_id: 1\n"

    assert parts(of(text, "MLmodel")) == [("copy", "a/x")]
    assert parts(of(text.replace("run_id", "    peft_adaptor: peft\nrun_id"), "MLmodel")) == [("adapt", "a/x")]
    assert [p.instead for p in of("flavors:\n  transformers:\n    task: t\nrun_id: 1\n").problems] == [
        "its origin stays unknown"]
    assert of("flavors:\n  sklearn:\n    x: 1\nrun_id: 1\n").problems == ()


def test_kserve_in_the_third_document() -> None:
    text = ("apiVersion: v1\nkind: Service\n---\napiVersion: apps/v1\nspec: {}\n---\n"
            "apiVersion: serving.kserve.io/v1beta1\n"
            "kind: InferenceService\nmetadata:\n  name: chat\nspec:\n  predictor:\n    model:\n      storageUri: hf://a/x\n"
            "      args: [--max-len=3, '--speculative-model', b/y, --lora-modules, one=c/z]\n")
    read = of(text)

    assert parts(read) == [("serve", "a/x"), ("serve", "b/y"), ("serve", "c/z")]
    assert (step(read, "serve").place.line, step(read, "serve").child) == (14, "chat")
    assert [p.instead for p in of(text.replace("hf://a/x", "pvc://v/x")).problems] == [
        "spec.predictor.model.storageUri: pvc://v/x stays of unknown origin"]


@pytest.mark.parametrize("written", ["${oc.env:MODEL}", "$MODEL", "{{ model }}", "<MODEL_NAME>"])
def test_what_is_filled_in_later_is_unknown(written: str) -> None:
    read = of(f"base_model: '{written}'\ndatasets:\n- path: b/y\n")

    assert step(read, "finetune").computed
    assert [p.what for p in read.problems] == ["known only when the run starts"]


def test_other_yaml_and_broken_yaml() -> None:
    assert of("apiVersion: v1\nkind: Pod\n").claims == ()
    assert of("name: ci\non: push\njobs: {}\n") == Evidence()
    assert of("model_name_or_path: a/x\n").claims == ()
    broken = of("base_model: a/x\ndatasets:\n- path: b/y\nother: [1,\n")
    assert parts(broken) == [("finetune", "a/x"), ("train", "b/y")]
    assert parts(of("base_model: {a: b}\ndatasets: {x: 1}\nadapter: {}\n")) == []


# In folders.


PLAN = "base_model: a/x\ndatasets:\n- path: b/y\noutput_dir: ./outputs/out\n"


def test_each_plan_is_a_subject_and_equal_names_are_told_apart(tmp_path: Path) -> None:
    for team in ("one", "two"):
        (tmp_path / team).mkdir()
        (tmp_path / team / "chat.yml").write_text(PLAN)
    found = gather(tmp_path)

    assert found.subjects == ("chat", "chat (two/chat.yml)")
    assert all(c.by == "you" for c in found.claims if isinstance(c, StepClaim))


def test_the_only_recipe_beside_a_card_tells_of_the_model(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nlicense: mit\npipeline_tag: text-generation\n---\n# Chat\n")
    (tmp_path / "axolotl_config.yaml").write_text(PLAN)
    found = gather(tmp_path, "me/chat")

    assert found.subjects == ("me/chat",)
    assert {(c.child, c.act, c.parent, c.by) for c in found.claims if isinstance(c, StepClaim)} == {
        ("me/chat", "finetune", "a/x", ""), ("me/chat", "train", "b/y", "")}


def test_a_plan_that_starts_from_the_folder_of_another(tmp_path: Path) -> None:
    (tmp_path / "first.yml").write_text(PLAN.replace("./outputs/out", "runs/stage-one"))
    second = PLAN.replace("a/x", "./runs/stage-one/").replace("./outputs/out", "runs/stage-two")
    (tmp_path / "second.yml").write_text(second)
    found = gather(tmp_path)

    assert found.subjects == ("stage-one", "stage-two")
    assert ("stage-two", "finetune", "stage-one") in {
        (c.child, c.act, c.parent) for c in found.claims if isinstance(c, StepClaim)}


def test_models_in_folders_below_are_told_beside_plans(tmp_path: Path) -> None:
    (tmp_path / "plan.yml").write_text(PLAN)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("---\nlicense: mit\npipeline_tag: text-generation\n---\n")

    assert gather(tmp_path).subjects == ("mine", "plan")
