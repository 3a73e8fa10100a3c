"""`CaveatCallback` in real trainers: SFTTrainer, DPOTrainer and Trainer on tiny models, with and without an adapter.

One process runs them all, since importing torch takes longer than any of them; each outcome is looked at by itself.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import caveat
from caveat.guard import written_card
from tests.train.runs import BIN
from tests.train.tiny import HUMAN, MISTRAL, RESTRICTED, STRICT, Material

LAWFUL = ("sft-lawful", "sft-lora-lawful", "dpo-lawful", "plain-lawful", "sft-accepted-lawful")
REFUSED = ("sft-hub-refused", "sft-lora-refused", "dpo-hub-refused", "plain-hub-refused", "sft-column-refused",
           "plain-column-refused", "sft-stream-refused", "sft-declared-refused")
Outcomes = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(material: Material) -> Outcomes:
    """What became of every run of scripts/callbacks.py."""
    (material.work / "caveat.toml").write_text(STRICT)
    env = {"PATH": str(BIN), "HOME": str(material.home), "HF_HOME": str(material.home), "HF_HUB_OFFLINE": "1",
           "HF_DATASETS_OFFLINE": "1", "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false",
           "HF_HUB_DISABLE_TELEMETRY": "1", "PYTHONWARNINGS": "ignore", "USER": "ada"}
    done = subprocess.run([sys.executable, "callbacks.py"], cwd=material.work, env=env, capture_output=True, text=True,
                          timeout=500, check=False)
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"name"')]
    assert done.returncode == 0, done.stderr[-3000:]
    return {one["name"]: one for one in told}


@pytest.mark.parametrize("name", REFUSED)
def test_a_breach_takes_no_step(outcomes: Outcomes, material: Material, name: str) -> None:
    assert outcomes[name]["steps"] == 0
    assert "llama-2 §1.b.v" in outcomes[name]["told"]
    assert not (material.work / "out" / name / "caveat.toml").exists()


def test_strict_refuses_what_is_not_known(outcomes: Outcomes) -> None:
    """Rows of one's own folder do not tell, once they are loaded, which folder they came from."""
    assert outcomes["sft-strict-refused"]["steps"] == 0
    assert "strict" in outcomes["sft-strict-refused"]["told"]


@pytest.mark.parametrize("name", LAWFUL)
def test_a_lawful_run_ends_with_its_lineage(outcomes: Outcomes, material: Material, name: str) -> None:
    """`caveat check` of the output folder, with the adapter's and the model's own files beside."""
    assert (outcomes[name]["told"], outcomes[name]["steps"]) == ("", 2)
    [report, *_] = caveat.check(material.work / "out" / name)
    act = "adapt" if "lora" in name else "finetune"
    data = RESTRICTED if "accepted" in name else HUMAN

    assert report.subject == name
    assert {(e.act, e.parent) for e in report.graph.edges if e.child == name} == {(act, MISTRAL), ("train", data)}


@pytest.mark.parametrize("name", ["sft-lawful", "sft-lora-lawful", "dpo-lawful", "plain-lawful"])
def test_the_trainers_own_card_says_what_it_forgot(outcomes: Outcomes, name: str) -> None:
    front, body = written_card.cut(outcomes[name]["card"])

    assert {f"base_model: {MISTRAL}", "license: apache-2.0", f"- {HUMAN}", "- caveat"} <= set(front)
    assert body.count(written_card.BEGIN) == body.count(written_card.END) == 1
    assert "What may be done with it" in body


def test_trls_words_stay_in_its_card(outcomes: Outcomes) -> None:
    assert "It has been trained using [TRL]" in outcomes["sft-lawful"]["card"]
    assert "- sft" in outcomes["sft-lawful"]["card"]


def test_what_was_accepted_is_on_record(outcomes: Outcomes, material: Material) -> None:
    text = (material.work / "out" / "sft-accepted-lawful" / "caveat.toml").read_text("utf-8")

    assert 'finding = "llama-2/no-improving-others@sft-accepted-lawful"' in text
    assert 'owner = "ada"' in text
    assert "license:" not in outcomes["sft-accepted-lawful"]["card"]
