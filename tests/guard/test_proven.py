"""Only what is proven refuses: where the weights, or which of several sets, were not seen, the verdict stays open."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from caveat.guard.columns import writers
from caveat.guard.decide import answer
from caveat.guard.inside.look import _of_rows
from caveat.guard.judged import Judged, Settings, judge
from caveat.guard.proven import MOST_WORLDS
from caveat.guard.seen import Load, Trainer
from tests.guard.conftest import Guard

LLAMA = "meta-llama/Llama-2-70b-chat-hf"
LLAMA3 = "meta-llama/Meta-Llama-3-8B-Instruct"
BASE = Load("model", "mistralai/Mistral-7B-v0.1", where="sft.py:4")
CHAT = Trainer("trl.SFTTrainer", "./my-chat", where="sft.py:9")
FINDING = "llama-2/no-improving-others@my-chat"
DOLLY = Load("data", "databricks/databricks-dolly-15k", where="sft.py:5")
#: Commercial use by who takes training for what it is in the eyes of right holders: nothing is left open then.
SOLD = Settings(facts={"commercial": "yes"}, readings={"tdm": "needs-licence"})
MEMORY = Load("data", "", unknown="rows from a list in memory", where="sft.py:7")


def rows(name: str, *generators: str, presumed: str = "") -> Load:
    return Load("data", name, where="sft.py:5", generators=generators, named_in=("model",) * len(generators),
                presumed=presumed)


def words(judged: Judged) -> str:
    return " ".join(f"{p.what}: {p.instead}" for p in judged.report.problems)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


# No weights were seen.


def test_without_a_base_what_a_family_may_learn_from_itself_stays_open(here: Path) -> None:
    judged = judge([rows("./mine", LLAMA)], CHAT)
    told = next(f for f in judged.warned if f.id == FINDING)

    assert (judged.refused, told.verdict, judged.report.verdict) == ((), "depends", "unknown")
    assert "llama-2" in told.note and "base" in told.note
    assert judged.stops(strict=True) and not judged.stops()
    assert "no weights that my-chat starts from were seen" in words(judged)


def test_a_base_that_was_seen_leaves_nothing_open(here: Path) -> None:
    assert [f.id for f in judge([BASE, rows("./mine", LLAMA)], CHAT).refused] == [FINDING]


def test_what_no_base_could_excuse_is_refused_without_one(here: Path) -> None:
    (here / "answers").mkdir()
    (here / "answers" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Answers\n")
    judged = judge([rows("answers")], CHAT, settings=SOLD)

    assert [f.licence for f in judged.refused] == ["cc-by-nc-4.0"]


# Rows from memory.


def test_a_lawful_and_a_restricted_set_behind_rows_from_memory_warn(here: Path) -> None:
    loads = [BASE, MEMORY, rows("./mine", LLAMA, presumed="yes"), DOLLY._replace(presumed="yes")]
    judged = judge(loads, CHAT)
    told = next(f for f in judged.warned if f.id == FINDING)

    assert (judged.refused, told.verdict) == ((), "depends")
    assert "presumed" in told.note and judged.stops(strict=True)


def test_restricted_sets_alone_behind_rows_from_memory_refuse(here: Path) -> None:
    one, other = rows("./mine", LLAMA, presumed="yes"), rows("./yours", LLAMA3, presumed="yes")

    assert [f.id for f in judge([BASE, MEMORY, one], CHAT).refused] == [FINDING]
    assert len(judge([BASE, MEMORY, one, other], CHAT).refused) == 2


def test_what_was_traced_refuses_whatever_else_was_loaded(here: Path) -> None:
    judged = judge([BASE, MEMORY, rows("./mine", LLAMA), DOLLY._replace(presumed="yes")], CHAT)

    assert [f.id for f in judged.refused] == [FINDING]


def test_a_set_that_is_accepted_counts_as_lawful_beside_others(here: Path) -> None:
    loads = [BASE, MEMORY, rows("./mine", LLAMA, presumed="yes"), rows("./yours", LLAMA3, presumed="yes")]
    judged = judge(loads, CHAT, accept=[FINDING])

    assert (judged.refused, [f.id for f in judged.accepted]) == ((), [FINDING])


def test_of_too_many_sets_none_is_presumed(here: Path) -> None:
    many = [rows(f"./mine-{n}", LLAMA, presumed="yes") for n in range(MOST_WORLDS + 1)]

    assert judge([BASE, MEMORY, *many], CHAT).refused == ()
    assert {f.id for f in judge([BASE, MEMORY, *many, rows("./traced", LLAMA)], CHAT).refused} == {FINDING}


SCRIPT = """
from datasets import Dataset, load_dataset
from transformers import AutoModel, Trainer, TrainingArguments

model = AutoModel.from_pretrained("mistralai/Mistral-7B-v0.1")
theirs = load_dataset("json", data_files="rows.jsonl", split="train")
ours = load_dataset("databricks/databricks-dolly-15k", split="train")
OTHER
print(Trainer(model, Dataset.from_list([dict(row) for row in ours]), EVAL, args=TrainingArguments("./my-chat")).train())
"""


@pytest.mark.parametrize(("other", "measured", "said"), [
    pytest.param("", "None", "depends", marks=pytest.mark.deep),
    ("", "theirs", ""),
    ("other = Trainer(model, theirs)", "None", ""),
])
def test_what_goes_elsewhere_is_not_presumed_to_be_taught_on(guard: Guard, tmp_path: Path, other: str, measured: str,
                                                              said: str) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "?", "response": "!", "model": LLAMA}) + "\n")
    ended = guard(SCRIPT.replace("OTHER", other).replace("EVAL", measured))

    assert (ended.code, ended.out) == (0, "trained\n"), ended.err
    assert ("no-improving-others" in ended.err) == bool(said), ended.err


# Weights that are loaded file by file.

LOOP = """
from datasets import load_dataset
from torch.optim import SGD
from transformers import PreTrainedModel
LOAD
model = PreTrainedModel._from_config(type("Config", (), {"_name_or_path": "meta-llama/Llama-2-7b-hf"})())
load_dataset("json", data_files="rows.jsonl", split="train")
SGD(model.parameters()).step()
"""
CACHED = "models--mistralai--Mistral-7B-v0.1/snapshots/0123abcd"


@pytest.mark.parametrize(("load", "refused"), [
    pytest.param("", False, marks=pytest.mark.deep),
    pytest.param("import torch; torch.load('plain/rows.pt')", False, marks=pytest.mark.deep),
    ("import torch; torch.load('mistral/pytorch_model.bin')", True),
    pytest.param("import safetensors.torch as s; s.load_file('mistral/model.safetensors')", True,
                 marks=pytest.mark.deep),
    pytest.param("import safetensors.torch as s; s.load_model(None, 'mistral/model.safetensors')", True,
                 marks=pytest.mark.deep),
    (f"import safetensors.torch as s; s.load_file('{CACHED}/model.safetensors')", True),
    ("from torchtune.training import FullModelHFCheckpointer as C; C('mistral', ['x'], 'MISTRAL', 'out')"
     ".load_checkpoint()", True),
])
def test_the_folder_of_the_weights_tells_the_base(guard: Guard, tmp_path: Path, load: str, refused: bool) -> None:
    (tmp_path / "rows.jsonl").write_text(json.dumps({"prompt": "?", "response": "!", "model": LLAMA}) + "\n")
    (tmp_path / "mistral").mkdir()
    (tmp_path / "mistral" / "config.json").write_text('{"_name_or_path": "mistralai/Mistral-7B-v0.1"}')
    (tmp_path / "mistral" / "README.md").write_text(
        "---\nlicense: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n---\n# A model\n")
    ended = guard(LOOP.replace("LOAD", load), name="tune_chat.py")

    assert (ended.code, ended.steps) == ((1, 0) if refused else (0, 1)), ended.err
    assert "no-improving-others" in ended.err
    assert ("no weights" in " ".join(ended.err.split())) != refused, ended.err


# Package addresses in columns.

TUNED = f"pkg:generic/acme-chat?base={LLAMA}&checksum=sha256:{'ab' * 32}"


def test_the_bases_and_terms_in_a_package_address_count(here: Path) -> None:
    column = {"generator": _of_rows([{"generator": TUNED + "&laws=llama-2"}])["generator"]}
    found = writers(["prompt", "generator"], column)
    load = rows("./mine")._replace(generators=found.generators, named_in=found.named_in)

    assert [f.id for f in judge([BASE, load], CHAT).refused] == [FINDING]
    assert judge([BASE._replace(name="meta-llama/Llama-2-7b-hf"), load], CHAT).refused == ()


# A folder with a card.


def test_a_local_copy_is_under_its_cards_terms_and_without_a_card_unknown(here: Path) -> None:
    for name, card in (("copy", "---\nlicense: cc-by-nc-4.0\n---\n# Answers\n"), ("bare", "")):
        (here / name).mkdir()
        (here / name / "rows.jsonl").write_text('{"prompt": "?", "response": "!"}\n')
        if card:
            (here / name / "README.md").write_text(card)
    sold = judge([BASE, rows("copy")], CHAT, settings=SOLD)
    mining = judge([BASE, rows("copy")], CHAT, settings=Settings(facts={"commercial": "yes"}))
    usual, bare = judge([BASE, rows("copy")], CHAT), judge([BASE, rows("bare")], CHAT)

    assert [f.licence for f in sold.refused] == ["cc-by-nc-4.0"]
    for open_ in (usual, mining):
        assert (open_.refused, [f.verdict for f in open_.warned]) == ((), ["depends"])
    assert [d.about for d in mining.warned[0].doubts] == ["tdm"]
    assert (bare.refused, [f.verdict for f in bare.warned]) == ((), ["unknown"])


def test_a_set_that_the_project_calls_its_own_is_under_nobodys_terms(here: Path) -> None:
    (here / "copy").mkdir()
    (here / "copy" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Answers\n")
    (here / "caveat.toml").write_text('[project]\nby = "acme"\n[assets."copy"]\nkind = "dataset"\nmaker = "acme"\n')

    assert judge([BASE, rows("copy")], CHAT, settings=SOLD._replace(project=here / "caveat.toml")).refused == ()


def test_the_answer_of_a_process_is_the_same(here: Path) -> None:
    question = {"trainer": CHAT._asdict(), "loads": [
        {"what": "data", "name": "./mine", "columns": ["prompt", "model"], "values": {"model": [LLAMA]}}]}

    assert (answer(question)["stop"], answer({**question, "settings": {"strict": True}})["stop"]) == (False, True)


def test_the_lineage_says_what_was_not_seen_and_a_recipes_base(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"prompt": "?", "response": "!"}\n')
    text = LOOP.replace("LOAD", "") + "model.save_pretrained('out')\n"
    guard(text, name="tune_chat.py")
    unseen = (tmp_path / "out" / "caveat.toml").read_text()
    (tmp_path / "out" / "caveat.toml").unlink()
    (tmp_path / "config.yaml").write_text(
        "base_model: mistralai/Mistral-7B-v0.1\nsequence_len: 2048\ndatasets:\n  - path: rows.jsonl\n")
    guard(text, "--recipe", "config.yaml", name="tune_chat.py", words=(sys.executable, "tune_chat.py", "config.yaml"))
    planned = (tmp_path / "out" / "caveat.toml").read_text()

    assert "weights that were not seen" in unseen and "weights that were not seen" not in planned
    assert 'from = ["mistralai/Mistral-7B-v0.1"]' in planned
