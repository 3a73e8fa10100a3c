"""A command line is a recipe: flags, variables of the script, notebooks' magics and examples in docstrings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.evidence import gather, launch_lines, python_code
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim


def of(text: str) -> Evidence:
    return launch_lines.of_text(text, "run.sh", "mine")


def parts(evidence: Evidence) -> list[tuple[str, str]]:
    return [(c.act, c.parent) for c in evidence.claims if isinstance(c, StepClaim)]


def test_flags_over_several_lines_with_variables() -> None:
    read = of('#!/bin/bash\nexport MODEL="a/x"\nDATA=${DATA:-b/y}\n\naccelerate launch --num_processes 2 \\\n'
              "  # two of them\n  scripts/sft.py --model_name_or_path $MODEL \\\n"
              "  --dataset_name=${DATA} --use_peft \\\n"
              "  --output_dir out/my-chat && echo done --dataset_name no/no\n")

    assert parts(read) == [("adapt", "a/x"), ("train", "b/y")]
    step = next(c for c in read.claims if isinstance(c, StepClaim))
    assert (step.child, step.by, step.place.kind, step.place.line, step.place.key) == (
        "my-chat", "you", "detected", 5, "--model_name_or_path")


@pytest.mark.parametrize(("line", "expected"), [
    ("trl dpo --model_name_or_path a/x --dataset_name b/y", [("finetune", "a/x"), ("train", "b/y")]),
    ("llamafactory-cli train --stage sft --model_name_or_path a/x --finetuning_type lora --dataset slimorca",
     [("adapt", "a/x"), ("train", "Open-Orca/SlimOrca")]),
    ("python -m open_instruct.finetune --model_name_or_path a/x --dataset_mixer_list b/y 1.0 c/z 0",
     [("finetune", "a/x"), ("train", "b/y")]),
    ("torchrun --nproc_per_node 4 finetune_lora.py --base_model a/x --data_path ./rows.json",
     [("adapt", "a/x"), ("train", "./rows.json")]),
    ("CUDA_VISIBLE_DEVICES=0 python train.py --model a/x --dataset b/y", [("finetune", "a/x"), ("train", "b/y")]),
    ("python train.py --model $UNSET --dataset b/y", [("finetune", "$UNSET"), ("train", "b/y")]),
    ("python eval_trained.py --model a/x --dataset b/y", []),
    ("python generate.py --model a/x --dataset b/y", []),
    ("axolotl train plan.yml", []),
    ("accelerate launch train.py --config plan.yaml", []),
    ("echo python train.py '--model a", []),
])
def test_ways_to_launch(line: str, expected: list[tuple[str, str]]) -> None:
    assert parts(of(line + "\n")) == expected


def test_what_is_not_set_is_known_only_at_run_time() -> None:
    problems = of("python train.py --model $UNSET --dataset b/y\n").problems

    assert [p.what for p in problems] == ["known only when the run starts"]


def test_the_magic_of_a_notebook() -> None:
    sources = (["import os\n"], ["!accelerate launch sft.py --model_name_or_path a/x \\\n", "  --dataset_name b/y\n"],
               ["%%bash\n", "trl sft --model_name_or_path c/z --dataset_name d/w\n"])
    cells = [{"cell_type": "code", "source": s} for s in sources]
    read = python_code.read(json.dumps({"cells": cells}).encode(), "n.ipynb", "mine")

    assert parts(read) == [("finetune", "a/x"), ("train", "b/y"), ("finetune", "c/z"), ("train", "d/w")]
    assert next(c.place.key for c in read.claims if isinstance(c, StepClaim)).startswith("code cell 2: ")


def test_the_example_of_a_docstring_is_weak() -> None:
    code = ('"""Train.\n\naccelerate launch sft.py \\\n    --model_name_or_path a/x \\\n    --dataset_name b/y\n"""\n'
            "from trl import SFTTrainer\ntrainer = SFTTrainer(model=args.model, train_dataset=data)\n")
    read = python_code.read(code.encode(), "sft.py", "mine")

    assert parts(read) == [("finetune", "a/x"), ("train", "b/y")]
    assert {(c.place.line, c.place.weak) for c in read.claims if isinstance(c, StepClaim)} == {
        (3, "an example of a launch in the docstring")}
    assert parts(python_code.read(code.replace("SFTTrainer", "Other").encode(), "sft.py", "mine")) == []


def test_a_script_in_a_folder_plans_a_model(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("trl sft --model_name_or_path a/x --dataset_name b/y --output_dir out/my-chat\n")

    assert gather(tmp_path).subjects == ("my-chat",)


def test_a_trainer_names_its_teacher_and_its_judges() -> None:
    code = ("from trl import GKDTrainer\nmodel = AutoModelForCausalLM.from_pretrained('a/x')\n"
            "rm = AutoModelForSequenceClassification.from_pretrained('r/m')\n"
            "GKDTrainer(model=model, teacher_model='t/t', reward_funcs=[rm, 'j/j', own_function],\n"
            "           train_dataset=load_dataset('b/y'), args=GKDConfig(output_dir='out/my-chat'))\n")
    read = python_code.read(code.encode(), "gkd.py", "mine")

    assert {(c.child, c.act, c.parent) for c in read.claims if isinstance(c, StepClaim)} == {
        ("my-chat", "finetune", "a/x"), ("my-chat", "distil", "t/t"), ("my-chat", "train", "b/y"),
        ("my-chat", "train", "answers of my-chat, scored"), ("answers of my-chat, scored", "annotate", "r/m"),
        ("answers of my-chat, scored", "annotate", "j/j")}


PLAN = ("base_model: a/x\nadapter: lora\nsequence_len: 2048\ndatasets:\n  - path: b/y\n    type: alpaca\n"
        "output_dir: out/chat\n")


@pytest.mark.parametrize(("line", "expected"), [
    ("axolotl train plan.yml --base_model c/z", [("adapt", "c/z"), ("train", "b/y")]),
    ("accelerate launch -m axolotl.cli.train plan.yml --base_model=c/z", [("adapt", "c/z"), ("train", "b/y")]),
    ("accelerate launch --config_file fsdp.yaml -m axolotl.cli.train plan.yml --base-model c/z",
     [("adapt", "c/z"), ("train", "b/y")]),
    ("axolotl train plan.yml --base_model a/x", []),
    ("axolotl train ../plan.yml --base_model c/z", []),
    ("axolotl train absent.yml --base_model c/z", []),
])
def test_a_line_that_changes_its_recipe(tmp_path: Path, line: str, expected: list[tuple[str, str]]) -> None:
    (tmp_path / "plan.yml").write_text(PLAN)
    script = tmp_path / "run.sh"
    script.write_text(f"#!/bin/bash\n{line}\n")
    read = launch_lines.read(script, "run.sh", "mine")

    assert parts(read) == expected
    files = [(c.place.file, c.place.line) for c in read.claims if isinstance(c, StepClaim)]
    assert files == ([("run.sh", 2), ("plan.yml", 5)] if expected else [])


@pytest.mark.parametrize(("line", "expected"), [
    ("tune run lora_finetune_single_device --config llama2/7B_lora_single_device dataset.source=b/y",
     [("adapt", "meta-llama/Llama-2-7b-hf"), ("train", "b/y")]),
    ("tune run --nproc_per_node 2 full_finetune_distributed --config mistral/7B_full "
     "dataset=torchtune.datasets.slimorca_dataset",
     [("finetune", "mistralai/Mistral-7B-v0.1"), ("train", "Open-Orca/SlimOrca-Dedup")]),
    ("tune run lora_dpo_single_device --config llama3_1/8B_lora_dpo_single_device epochs=2",
     [("adapt", "meta-llama/Meta-Llama-3.1-8B-Instruct"), ("train", "lvwerra/stack-exchange-paired")]),
    ("tune run full_finetune_single_device --config nobody/7B_full epochs=2", []),
    ("tune run generate --config llama2/generation_finetune epochs=2", []),
])
def test_configurations_that_ship_with_torchtune(line: str, expected: list[tuple[str, str]]) -> None:
    assert parts(of(line + "\n")) == expected


def test_a_recipe_that_a_notebook_writes() -> None:
    cells = [{"cell_type": "code", "source": s} for s in ("import os", f"%%writefile plan.yml\n{PLAN}")]
    read = python_code.read(json.dumps({"cells": cells}).encode(), "x.ipynb", "mine")

    assert parts(read) == [("adapt", "a/x"), ("train", "b/y")]
    assert {c.place.key.split(":")[0] for c in read.claims} == {"code cell 2"}


BUILDER = '''
import datasets
_LICENSE = "CC BY-NC 4.0"
_URLS = {"train": "https://huggingface.co/datasets/b/y/resolve/main/train.jsonl", "test": "https://x.org/test.zip"}

class Rows(datasets.GeneratorBasedBuilder):
    def _info(self):
        return datasets.DatasetInfo(description="rows", license=_LICENSE, homepage="https://x.org")
    def _split_generators(self, dl_manager):
        files = dl_manager.download_and_extract(_URLS)
        return [datasets.SplitGenerator("train", {"path": files["train"]})]
    def _generate_examples(self, path):
        yield 0, {}
'''


def test_a_builder_tells_its_terms_and_whose_rows_it_rewrites(tmp_path: Path) -> None:
    (tmp_path / "rows.py").write_text(BUILDER)
    read = gather(tmp_path)

    assert parts(read) == [("convert", "b/y")]
    terms = [(c.laws, c.raw) for c in read.claims if isinstance(c, LicenceClaim)]
    assert terms == [(("cc-by-nc-4.0",), "CC BY-NC 4.0")]
    assert (tmp_path.name, "kind", "dataset") in [c[:3] for c in read.claims if isinstance(c, AssetClaim)]
