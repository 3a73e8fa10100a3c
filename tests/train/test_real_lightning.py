"""`CaveatLightningCallback` inside the real Lightning: no step of a breach, one of a lawful run, and its lineage.

Lightning is no part of the extra `train`; these tests run where it is installed beside it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import caveat

pytestmark = pytest.mark.train
MISTRAL, FREE = "mistralai/Mistral-7B-v0.1", "OpenAssistant/oasst1"
SCRIPT = """
import sys
import torch
from torch.utils.data import DataLoader, TensorDataset
import lightning.pytorch as lightning
from caveat.guard.lightning_callback import CaveatLightningCallback

class Tiny(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, number):
        print("step")
        return self.layer(batch[0]).sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

watch = CaveatLightningCallback(base=sys.argv[1], datasets=[sys.argv[2]], output="out/helper")
trainer = lightning.Trainer(max_steps=1, accelerator="cpu", logger=False, enable_progress_bar=False,
                            enable_model_summary=False, default_root_dir="out", callbacks=[watch])
trainer.fit(Tiny(), DataLoader(TensorDataset(torch.ones(2, 2))))
"""


def fitted(folder: Path, data: str) -> subprocess.CompletedProcess[str]:
    (folder / "fit.py").write_text(SCRIPT)
    return subprocess.run([sys.executable, "fit.py", MISTRAL, data], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, check=False)


@pytest.fixture(autouse=True)
def installed() -> None:
    pytest.importorskip("lightning.pytorch", reason="lightning is not installed: pip install lightning")


def test_a_breach_takes_no_step(tmp_path: Path) -> None:
    row = {"prompt": "a", "answer": "b", "model": "meta-llama/Llama-2-70b-chat-hf"}
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    done = fitted(tmp_path, "./answers")

    assert (done.returncode, "step" in done.stdout) == (1, False)
    assert "llama-2 §1.b.v" in done.stderr


def test_a_lawful_run_leaves_its_lineage(tmp_path: Path) -> None:
    done = fitted(tmp_path, FREE)
    [report] = caveat.check(tmp_path / "out" / "helper")

    assert (done.returncode, done.stdout.count("step")) == (0, 1), done.stderr
    assert {(e.act, e.parent) for e in report.graph.edges if e.child == "helper"} == {
        ("finetune", MISTRAL), ("train", FREE)}
