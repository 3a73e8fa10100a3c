"""The real LLaMA-Factory under the guard: its recipe is read beforehand, and what its command line changes in the
recipe is seen by the hooks when its own trainer starts.

LLaMA-Factory 0.9.5 pins older libraries than the ones these tests are made for, so it is not part of their environment.
It ran over them with `pip install --no-deps llamafactory omegaconf trl==0.24.0`, an empty module `torchaudio`, and
DISABLE_VERSION_CHECK=1; gradient checkpointing had to be off.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.train.runs import BIN, CLAUSE, Row, environment
from tests.train.tiny import LLAMA_CHAT, MISTRAL, MIXTRAL, STRICT, Material

pytestmark = [
    pytest.mark.train,
    pytest.mark.skipif(find_spec("llamafactory") is None, reason="llamafactory is not installed: its pins exclude "
                       "this TRL; see the head of this file for an environment of its own"),
]
RECIPE = f"""model_name_or_path: {MISTRAL}
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 2
lora_target: q_proj
dataset: ours_WHOSE
template: mistral
cutoff_len: 64
output_dir: out/WHOSE
max_steps: 2
per_device_train_batch_size: 1
learning_rate: 1.0e-4
report_to: none
save_strategy: "no"
disable_gradient_checkpointing: true
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project as LLaMA-Factory wants it: recipes, and data sets under names of its own."""
    (tmp_path / "data").mkdir()
    (tmp_path / "caveat.toml").write_text(STRICT)
    for whose, model in (("llama", LLAMA_CHAT), ("mixtral", MIXTRAL)):
        row = {"instruction": "why is the house red ?", "input": "", "output": "because .", "model": model}
        (tmp_path / "data" / f"{whose}.jsonl").write_text(f"{json.dumps(row)}\n" * 12)
        (tmp_path / f"{whose}.yaml").write_text(RECIPE.replace("WHOSE", whose))
    told = {f"ours_{whose}": {"file_name": f"{whose}.jsonl"} for whose in ("llama", "mixtral")}
    (tmp_path / "data" / "dataset_info.json").write_text(json.dumps(told))
    return tmp_path


def train(folder: Path, material: Material, *words: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "caveat", "guard", "--", str(BIN / "llamafactory-cli"), "train", *words)
    env = environment(material, Row("llamafactory-cli", "sft", "recipe", "", False, argv=True))
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300,
                          env={**env, "DISABLE_VERSION_CHECK": "1"})


def test_a_recipe_that_would_breach_starts_nothing(folder: Path, material: Material) -> None:
    done = train(folder, material, "llama.yaml")
    assert done.returncode == 1 and CLAUSE in done.stderr and "nothing was started" in done.stderr
    assert not (folder / "out").exists()


def test_what_the_command_line_changes_is_seen_when_the_trainer_starts(folder: Path, material: Material) -> None:
    done = train(folder, material, "mixtral.yaml", "dataset=ours_llama")
    assert done.returncode != 0 and CLAUSE in done.stderr, done.stderr[-3000:]
    assert "CustomSeq2SeqTrainer" in done.stderr
    assert not list(folder.glob("out/**/*.safetensors"))


def test_a_lawful_recipe_trains_and_leaves_its_lineage(folder: Path, material: Material) -> None:
    done = train(folder, material, "mixtral.yaml")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (folder / "out" / "mixtral" / "adapter_model.safetensors").exists()
    assert MIXTRAL in (folder / "out" / "mixtral" / "caveat.toml").read_text()
