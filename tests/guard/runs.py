"""Stand-ins for tests of the guard: runs that were judged, and a transformers of a few lines with the real protocol."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from caveat.guard.judged import Settings, judge
from caveat.guard.seen import Load, Trainer
from caveat.guard.written import Run
from caveat.lineage.claims import Place

DAY = date(2026, 11, 24)
MISTRAL, ROWS, PAIRS = "mistralai/Mistral-7B-v0.1", "HuggingFaceH4/ultrachat_200k", "Intel/orca_dpo_pairs"
FREE = "OpenAssistant/oasst1"
LLAMA = "meta-llama/Llama-2-7b-hf"


def run(output: Path, *loads: Load, accept: tuple[str, ...] = (), project: Path | None = None, hub: str = "",
        resumed: bool = False) -> Run:
    """A judged run that writes into `output`."""
    trainer = Trainer("trl.SFTTrainer", str(output), hub, "train.py:7")
    settings = Settings(project=project, today=DAY.isoformat())
    judged = judge(loads, trainer, accept=accept, settings=settings)
    return Run(judged, loads, trainer, accept, DAY, settings, resumed, owner="ada")


def edges(report: Any) -> set[tuple[str, str, str]]:
    """The lineage as (child, act, parent), which is what a round trip must keep."""
    return {(e.child, e.act, e.parent) for e in report.graph.edges}


def quotes(report: Any) -> set[str]:
    """What stood at the places of all steps."""
    places: list[Place] = [p for e in report.graph.edges for p in e.evidence]
    return {p.quote for p in places}


class Callback:
    """The part of transformers.TrainerCallback that a callback inherits."""

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None: ...


class Handler:
    """Calls events on callbacks as transformers does: without handing over the trainer."""

    def __init__(self, callbacks: list[Any]) -> None:
        self.callbacks = callbacks

    def call(self, event: str, args: Any, state: Any, **given: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(args, state, SimpleNamespace(), **given)


class FakeTrainer:
    """A trainer with the events, attributes and the card of the real ones; `steps` counts optimizer steps."""

    def __init__(self, output: Path, model: Any, rows: Any, callbacks: list[Any], rank: int = 0, **more: Any) -> None:
        self.args = SimpleNamespace(output_dir=str(output), hub_model_id=None)
        self.state = SimpleNamespace(is_world_process_zero=rank == 0, global_step=0)
        self.model, self.train_dataset, self.steps, self.cards = model, rows, 0, 0
        self.callback_handler = Handler(callbacks)
        self.__dict__.update(more)

    def train(self) -> None:
        loader = SimpleNamespace(dataset=self.train_dataset)
        self.callback_handler.call("on_train_begin", self.args, self.state, model=self.model, train_dataloader=loader)
        self.steps += 1
        self.callback_handler.call("on_train_end", self.args, self.state, model=self.model)

    def create_model_card(self) -> None:
        self.cards += 1
        folder = Path(self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(
            "---\nlibrary_name: transformers\nmodel_name: out\ntags:\n- trl\n- sft\n---\n\n"
            "# Model Card for out\n\nIt has been trained using TRL.\n", "utf-8")


def model(name: str, adapted: str = "") -> Any:
    """A model as transformers and peft show it."""
    plain = SimpleNamespace(config=SimpleNamespace(_name_or_path=name, _commit_hash="4f1c0de"), name_or_path=name)
    if adapted:
        plain.peft_config = {"default": SimpleNamespace(base_model_name_or_path=adapted)}
    return plain


def hub_rows(name: str, split: str = "train") -> Any:
    """Rows as `datasets` shows them after a download from the hub."""
    sums = {f"hf://datasets/{name}@abc123/data/train.parquet": None}
    return SimpleNamespace(info=SimpleNamespace(download_checksums=sums), split=split,
                           column_names=["prompt", "answer"])


def with_fake_transformers(monkeypatch: Any) -> None:
    """`transformers` as a module with the callback class alone."""
    fake = ModuleType("transformers")
    fake.TrainerCallback = Callback  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "transformers", fake)
