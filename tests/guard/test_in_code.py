"""`require`, the callbacks and their errors: what may not be done raises before the first step, the rest goes on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import caveat
from caveat.errors import CaveatError, SettingsError
from caveat.guard import callback, lightning_callback, parts
from caveat.guard.frames import users_line
from caveat.guard.seen import Load
from caveat.guard.written import since, write
from tests.guard.runs import (
    FREE,
    LLAMA,
    MISTRAL,
    PAIRS,
    ROWS,
    FakeTrainer,
    edges,
    hub_rows,
    model,
    run,
    with_fake_transformers,
)

LLAMA_CHAT = "meta-llama/Llama-2-70b-chat-hf"
MIXTRAL = "mistralai/Mixtral-8x7B-Instruct-v0.1"
FINDING = "llama-2/no-improving-others@helper"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `answers`, rows that a Llama wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAVEAT_ACCEPT", raising=False)
    (tmp_path / "answers").mkdir()
    row = {"prompt": "a", "answer": "b", "model": LLAMA_CHAT}
    (tmp_path / "answers" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    return tmp_path


# caveat.require


def test_require_raises_with_clause_proof_and_smallest_fix() -> None:
    with pytest.raises(caveat.Refused) as told:
        caveat.require(base=MISTRAL, data="./answers", makes="helper")
    page = str(told.value)

    assert isinstance(told.value, CaveatError)
    assert "llama-2 §1.b.v" in page
    assert f"{LLAMA_CHAT}" in page
    assert "drop" in page
    assert [f.id for f in told.value.findings] == [FINDING]


def test_require_gives_the_report_of_what_may_be_done() -> None:
    report = caveat.require(base=MISTRAL, data=[FREE], makes="helper")

    assert edges(report) >= {("helper", "finetune", MISTRAL), ("helper", "train", FREE)}
    assert report.verdict == "permitted"


def test_require_takes_a_sentence() -> None:
    assert caveat.require("train llama-3-8b on output of llama-3-70b").verdict in ("permitted", "conditional")
    with pytest.raises(caveat.Refused, match="no-improving-others"):
        caveat.require("train mistral-7b on output of llama-2-70b-chat")


def test_doubt_warns_and_strict_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    caveat.require(base=MISTRAL, data=PAIRS, makes="helper")
    assert "depends" in capsys.readouterr().err

    with pytest.raises(caveat.Refused, match="strict"):
        caveat.require(base=MISTRAL, data=PAIRS, makes="helper", strict=True)
    with pytest.raises(caveat.Refused):
        caveat.require("train mistral-7b on someone/unheard-of", strict=True)


def test_what_is_accepted_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    caveat.require(base=MISTRAL, data="answers", makes="helper", accept=[FINDING])
    monkeypatch.setenv("CAVEAT_ACCEPT", f"other/finding@x,{FINDING}")
    caveat.require(base=MISTRAL, data="answers", makes="helper")


def test_an_acceptance_in_the_projects_file_counts(here: Path) -> None:
    (here / "caveat.toml").write_text(
        f'[[accept]]\nfinding = "{FINDING}"\nwhy = "asked Meta"\nowner = "ada"\nuntil = 2999-01-01\n')

    assert caveat.require(base=MISTRAL, data="answers", makes="helper").findings


def test_facts_and_readings_count() -> None:
    report = caveat.require(base=MISTRAL, data=PAIRS, makes="helper", readings={"bound": "agreed"}, strict=True)

    assert report.verdict == "permitted"


@pytest.mark.parametrize(("act", "made"), [("lora", "adapt"), ("train", "finetune"), ("quantise", "quantize"),
                                           ("distill", "distil"), ("merge", "merge")])
def test_the_act_on_the_base_may_be_named(act: str, made: str) -> None:
    assert ("helper", made, MISTRAL) in edges(caveat.require(base=MISTRAL, act=act, makes="helper"))


def test_a_purpose_is_a_fact_or_an_act_on_the_result() -> None:
    assert any(f.act == "sell" for f in caveat.require(base=MISTRAL, makes="helper", purpose="sell").findings)
    with pytest.raises(caveat.Refused):
        caveat.require(base=LLAMA, makes="helper", purpose="military")


@pytest.mark.parametrize("wrong", [
    {}, {"base": MISTRAL, "act": "trian"}, {"base": MISTRAL, "purpose": "sel"},
    {"base": MISTRAL, "facts": {"commerce": "no"}},
    {"base": MISTRAL, "readings": {"bound": "perhaps"}}])
def test_what_is_not_understood_is_one_clear_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        caveat.require(**wrong)


def test_a_sentence_and_parts_are_not_mixed() -> None:
    with pytest.raises(SettingsError, match="not both"):
        caveat.require("train mistral-7b on output of gpt-4", base=MISTRAL)  # type: ignore[call-overload]


def test_at_the_top_of_a_script_it_ends_the_script(here: Path) -> None:
    """Exit code 1, the page on stderr, and the line that asked in the proof's places."""
    (here / "train.py").write_text(
        f"import caveat\ncaveat.require(base={MISTRAL!r}, data='answers', makes='helper')\nprint('trained')\n")
    done = subprocess.run([sys.executable, "train.py"], capture_output=True, text=True, check=False)

    assert (done.returncode, "trained" in done.stdout) == (1, False)
    assert "caveat.errors.Refused" in done.stderr
    assert "llama-2 §1.b.v" in done.stderr


def test_the_line_of_the_users_own_code_is_found() -> None:
    assert users_line().startswith(str(Path(__file__)))


# The callback of transformers, TRL and Unsloth.


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Any:
    """CaveatCallback over a transformers of a few lines."""
    with_fake_transformers(monkeypatch)
    callback.callback_class.cache_clear()
    yield caveat.CaveatCallback
    callback.callback_class.cache_clear()


def test_without_transformers_the_name_gives_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    callback.callback_class.cache_clear()
    with pytest.raises(CaveatError, match="pip install"):
        _ = caveat.CaveatCallback


def test_importing_caveat_imports_no_trainer() -> None:
    asked = "import sys, caveat; caveat.require; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_breach_takes_no_step(made: Any, here: Path) -> None:
    trainer = FakeTrainer(here / "helper", model(MISTRAL), None, [made(datasets=["./answers"])])
    with pytest.raises(caveat.Refused, match="no-improving-others"):
        trainer.train()

    assert trainer.steps == 0
    assert not (here / "helper").exists()


def test_what_the_trainer_holds_is_judged_without_a_word(made: Any, here: Path) -> None:
    """Base and revision of the model, rows of the hub by the files they came from."""
    one = made()
    trainer = FakeTrainer(here / "helper", model(MISTRAL), hub_rows(FREE), [one])
    trainer.train()
    text = (here / "helper" / "caveat.toml").read_text("utf-8")

    assert trainer.steps == 1
    assert 'revision = "abc123"\nsplit = "train"\ncolumns = ["prompt", "answer"]' in text
    assert f'from = ["{MISTRAL}"]' in text
    assert 'revision = "4f1c0de"' in text


def test_an_adapter_is_judged_by_its_base(made: Any, here: Path) -> None:
    one = made()
    FakeTrainer(here / "helper", model("./checkpoint-7", adapted=LLAMA), hub_rows(FREE), [one]).train()

    assert ("helper", "adapt", LLAMA) in edges(one.watch.judged.report)


def test_a_reward_model_a_teacher_and_a_judge_are_seen(made: Any, here: Path) -> None:
    one = made()
    FakeTrainer(here / "helper", model(MISTRAL), hub_rows(FREE), [one], teacher_model=model(MIXTRAL),
                reward_funcs=[model("acme/reward"), print], judge=SimpleNamespace(model="gpt-4"),
                ref_model=model(MISTRAL)).train()
    found = edges(one.watch.judged.report)

    assert ("helper", "distil", MIXTRAL) in found
    assert {(act, parent) for child, act, parent in found if child != "helper" and act == "annotate"} >= {
        ("annotate", "acme/reward"), ("annotate", "gpt-4")}


def test_wrapped_models_are_unwrapped(made: Any, here: Path) -> None:
    one = made()
    wrapped = SimpleNamespace(module=SimpleNamespace(_orig_mod=model(MISTRAL)))
    wrapped.module.config = None
    FakeTrainer(here / "helper", wrapped, hub_rows(FREE), [one]).train()

    assert ("helper", "finetune", MISTRAL) in edges(one.watch.judged.report)


def test_rows_from_memory_are_told_and_a_declaration_explains_them(made: Any, here: Path) -> None:
    rows = SimpleNamespace(column_names=["text"])
    silent, told = made(), made(datasets=[FREE])
    FakeTrainer(here / "helper", model(MISTRAL), rows, [silent]).train()
    FakeTrainer(here / "helper2", model(MISTRAL), rows, [told]).train()

    assert any("memory" in p.what for p in silent.watch.judged.report.problems)
    assert not told.watch.judged.report.problems
    assert silent.watch.judged.report.verdict == "unknown"


def test_under_the_guard_only_what_is_known_is_added(made: Any, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guard's hooks saw the loading; what is declared in code is kept beside what they write afterwards."""
    monkeypatch.setenv("CAVEAT_GUARD", "{}")
    one, began = made(datasets=[FREE]), time.time() - 1
    FakeTrainer(here / "helper", model(MISTRAL), SimpleNamespace(column_names=["text"]), [one]).train()
    guards = run(here / "helper", Load("model", MISTRAL), Load("data", ROWS), resumed=since(here / "helper", began))
    write(here / "helper", guards)
    [report] = caveat.check(here / "helper")

    assert {p for child, _, p in edges(report) if child == "helper"} == {MISTRAL, FREE, ROWS}
    assert not since(here / "helper", time.time() + 60)
    assert not since(here / "nowhere", 0)


def test_a_column_that_names_a_llama_refuses(made: Any, here: Path) -> None:
    class Rows:
        def __init__(self) -> None:
            self.column_names = ["prompt", "answer", "model"]

        def __len__(self) -> int:
            return 2

        def __iter__(self) -> Any:
            return iter([{"prompt": "a", "answer": "b", "model": LLAMA_CHAT}] * 2)

    trainer = FakeTrainer(here / "helper", model(MISTRAL), Rows(), [made()])
    with pytest.raises(caveat.Refused):
        trainer.train()


def test_only_the_first_process_speaks_and_writes(made: Any, here: Path, capsys: pytest.CaptureFixture[str],
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    trainer = FakeTrainer(here / "helper", model(MISTRAL), hub_rows(PAIRS), [made()], rank=1)
    trainer.train()

    assert capsys.readouterr().err == ""
    assert not (here / "helper").exists()
    with pytest.raises(caveat.Refused):
        FakeTrainer(here / "h", model(MISTRAL), None, [made(datasets=["answers"])], rank=1).train()


def test_a_card_that_the_trainer_writes_later_is_completed_again(made: Any, here: Path) -> None:
    """TRL writes its card when a checkpoint is saved and right before it pushes."""
    trainer = FakeTrainer(here / "helper", model(MISTRAL), hub_rows(FREE), [made()])
    trainer.train()
    trainer.create_model_card()
    text = (here / "helper" / "README.md").read_text("utf-8")

    assert trainer.cards == 1
    assert text.startswith("---\nlibrary_name: transformers\nmodel_name: out\ntags:\n- trl\n- sft\n- caveat\n")
    assert {"license: apache-2.0", f"- {FREE}"} <= set(text.split("\n"))
    assert "What may be done with it" in text


def test_a_card_written_without_us_is_completed_when_the_process_ends(here: Path) -> None:
    (here / "run.py").write_text(f"""
import pathlib, sys, types
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.guard.runs import *
fake = types.ModuleType("transformers"); fake.TrainerCallback = Callback; sys.modules["transformers"] = fake
import caveat
trainer = FakeTrainer(pathlib.Path("helper"), model(MISTRAL), hub_rows(FREE), [caveat.CaveatCallback()])
trainer.train()
pathlib.Path("helper/README.md").write_text("# By another hand\\n")
""")
    subprocess.run([sys.executable, "run.py"], check=True, capture_output=True)

    assert "license: apache-2.0" in (here / "helper" / "README.md").read_text("utf-8")


def test_a_broken_output_folder_ends_no_training(made: Any, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "helper").write_text("a file")
    trainer = FakeTrainer(here / "helper", model(MISTRAL), hub_rows(FREE), [made()])
    trainer.train()

    assert "could not be written" in capsys.readouterr().err


def test_unknown_words_are_told_when_the_callback_is_made(made: Any) -> None:
    with pytest.raises(SettingsError):
        made(facts={"comercial": "no"})
    with pytest.raises(TypeError):
        made(dataset="x")


# Origins of rows.


def cached(file: str) -> Any:
    return SimpleNamespace(cache_files=[{"filename": file}])


@pytest.mark.parametrize(("rows", "name"), [
    (cached("/c/datasets/acme___notes/default/0.0.0/ab/notes-train.arrow"), "acme/notes"),
    (cached("/home/ada/saved/data-00000-of-00001.arrow"), "/home/ada/saved"),
    (SimpleNamespace(_ex_iterable=SimpleNamespace(ex_iterable=SimpleNamespace(
        kwargs={"base_files": ["hf://datasets/acme/notes@f00/a.parquet"]}))), "acme/notes"),
    (SimpleNamespace(datasets=[hub_rows("acme/notes")]), "acme/notes"),
    (SimpleNamespace(dataset=hub_rows("acme/notes")), "acme/notes"),
    (cached("/c/datasets/json/default-98ba04d9c31fb74f/0.0.0/d7/json-train.arrow"), ""),
    (SimpleNamespace(info=None, cache_files=7, kwargs={"files": 3}), ""),
    (object(), ""),
])
def test_rows_tell_where_they_come_from(rows: Any, name: str) -> None:
    [load] = parts.data_loads(rows, "train.py:1")

    assert (load.name, bool(load.unknown)) == (name, not name)


class Hostile:
    """Every attribute raises."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_objects_that_raise_are_of_unknown_origin() -> None:
    loads = parts.parts_of(Hostile(), Hostile(), Hostile(), "x.py:1")

    assert all(load.unknown for load in loads)


def test_rows_that_hold_themselves_end() -> None:
    ring = SimpleNamespace()
    ring.dataset, ring.datasets = ring, [ring] * 50

    assert parts.data_loads(ring, "")[0].unknown


# Lightning.


@pytest.fixture
def lightning(monkeypatch: pytest.MonkeyPatch) -> Any:
    """CaveatLightningCallback over a lightning of one line."""
    fake = ModuleType("lightning.pytorch")
    fake.Callback = type("Callback", (), {"on_fit_start": None, "state_dict": lambda self: {}})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightning", ModuleType("lightning"))
    monkeypatch.setitem(sys.modules, "lightning.pytorch", fake)
    lightning_callback.callback_class.cache_clear()
    yield lightning_callback.CaveatLightningCallback
    lightning_callback.callback_class.cache_clear()


def fit(here: Path, one: Any, inner: Any, rows: Any) -> None:
    trainer = SimpleNamespace(is_global_zero=True, ckpt_path=None, train_dataloader=SimpleNamespace(dataset=rows),
                              checkpoint_callback=SimpleNamespace(dirpath=str(here / "helper")), log_dir=None)
    one.on_fit_start(trainer, SimpleNamespace(children=lambda: [object(), inner]))
    one.on_fit_end(trainer, None)


def test_lightning_is_refused_before_its_first_step(lightning: Any, here: Path) -> None:
    with pytest.raises(caveat.Refused):
        fit(here, lightning(datasets=["answers"]), model(MISTRAL), hub_rows(FREE))


def test_lightning_finds_the_model_inside_and_leaves_its_lineage(lightning: Any, here: Path) -> None:
    one = lightning()
    fit(here, one, model(MISTRAL), hub_rows(FREE))

    assert hasattr(one, "state_dict")
    assert edges(one.watch.judged.report) >= {("helper", "finetune", MISTRAL), ("helper", "train", FREE)}
    assert (here / "helper" / "caveat.toml").is_file()


def test_without_lightning_the_name_gives_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for home in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, home, None)
    lightning_callback.callback_class.cache_clear()
    with pytest.raises(CaveatError, match="pip install lightning"):
        _ = lightning_callback.CaveatLightningCallback
