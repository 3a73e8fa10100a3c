"""`caveat guard` around real processes: what is prohibited takes no step, what is lawful takes all of them."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.guard.conftest import Guard

BASE = "mistralai/Mistral-7B-v0.1"
LLAMA = "meta-llama/Llama-2-70b-chat-hf"
FINDING = "llama-2/no-improving-others@my-chat"
#: A script around one way of naming data, `DATA`; it takes two steps if it is let.
SCRIPT = """
import datasets
from datasets import Dataset, load_dataset
from transformers import AutoModel, TrainingArguments
from trl import SFTTrainer

data = DATA
trainer = SFTTrainer(AutoModel.from_pretrained("mistralai/Mistral-7B-v0.1"), train_dataset=data,
                     args=TrainingArguments("./my-chat"))
print(trainer.train())
"""
FILE = 'load_dataset("json", data_files="rows.jsonl", split="train")'


def rows(folder: Path, model: str = LLAMA) -> None:
    row = {"prompt": "2 + 2?", "response": "4", "model": model}
    (folder / "rows.jsonl").write_text(f"{json.dumps(row)}\n{json.dumps(row)}\n")


def script(data: str) -> str:
    return SCRIPT.replace("DATA", data)


def test_a_prohibited_run_takes_no_step(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    ended = guard(script(FILE + ".map(dict).remove_columns(['model'])"))

    assert (ended.code, ended.steps) == (1, 0)
    assert "trained" not in ended.out
    assert "this run does not start: 1 prohibited" in ended.err
    assert "llama-2 §1.b.v" in ended.err
    assert f"CAVEAT_ACCEPT={FINDING}" in ended.err
    assert "my-chat: refused (1 prohibited)" in ended.err


def test_a_lawful_run_takes_all_its_steps(guard: Guard) -> None:
    ended = guard(script('load_dataset("databricks/databricks-dolly-15k")["train"]'))

    assert (ended.code, ended.steps, ended.out) == (0, 2, "trained\n")
    assert "my-chat: let go on" in ended.err
    assert "data databricks/databricks-dolly-15k  sft.py:7" in ended.err


@pytest.mark.deep
@pytest.mark.parametrize("data", [
    'load_dataset("json", data_files="rows.jsonl")["train"].train_test_split(0.5)["train"]',
    f'datasets.concatenate_datasets([load_dataset("databricks/databricks-dolly-15k", split="train"), {FILE}])',
    f'datasets.interleave_datasets([load_dataset("databricks/databricks-dolly-15k", split="train"), {FILE}])',
    f"Dataset.from_list([dict(row) for row in {FILE}])",
    f"[dict(row) for row in {FILE}]",
    'datasets.load_from_disk(".")',
])
def test_however_it_is_named_mixed_or_copied_it_is_seen(guard: Guard, tmp_path: Path, data: str) -> None:
    rows(tmp_path)
    ended = guard(script(data).replace(
        "from trl import SFTTrainer", "from transformers import Trainer as SFTTrainer"))

    assert (ended.code, ended.steps) == (1, 0), ended.err


def test_what_is_accepted_goes_on_and_is_said(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    ended = guard(script(FILE), env={"CAVEAT_ACCEPT": FINDING})

    assert (ended.code, ended.steps) == (0, 2)
    assert f"accepted and written down: {FINDING}" in ended.err
    assert "let go on (1 accepted)" in ended.err


@pytest.mark.deep
def test_doubt_warns_and_under_strict_refuses(guard: Guard) -> None:
    text = script('Dataset.from_list([{"prompt": "2 + 2?", "response": "4"}])')
    usual, strict = guard(text), guard(text, "--strict")

    assert (usual.code, usual.steps) == (0, 1)
    assert "the run goes on (trl.SFTTrainer), yet 1 unknown" in usual.err
    assert (strict.code, strict.steps) == (1, 0)
    assert "this run does not start: strict: 1 unknown" in strict.err


LOOP = """
from datasets import load_dataset
from torch.optim import SGD
from transformers import AutoModel

model = AutoModel.from_pretrained("mistralai/Mistral-7B-v0.1")
other = AutoModel.from_pretrained("meta-llama/Llama-2-7b-hf")
rows = load_dataset("json", data_files="rows.jsonl", split="train")
optimizer = SGD(model.parameters())
for attempt in range(2):
    try:
        optimizer.step()
    except EXCEPTION:
        print("caught")
"""


def test_a_loop_of_ones_own_is_decided_before_its_first_step(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    ended = guard(LOOP.replace("EXCEPTION", "Exception"), name="tune_chat.py")

    assert (ended.code, ended.steps, ended.out) == (1, 0, "")
    assert "torch.SGD.step" in ended.err
    assert "all of it is presumed to" in " ".join(ended.err.split())


@pytest.mark.deep
def test_a_caught_refusal_ends_the_process(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    ended = guard(LOOP.replace("EXCEPTION", "BaseException"))

    assert (ended.code, ended.steps, ended.out) == (1, 0, "caught\n")
    assert "the refusal was caught" in ended.err


@pytest.mark.deep
def test_the_model_that_is_not_trained_is_told_and_not_judged(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path, BASE)
    hooks = "from torch.optim.optimizer import _global_optimizer_pre_hooks\nprint(len(_global_optimizer_pre_hooks))\n"
    ended = guard(hooks + LOOP.replace("EXCEPTION", "Exception") + hooks)

    assert (ended.code, ended.steps, ended.out) == (0, 2, "1\n0\n"), ended.err
    assert "prohibited" not in ended.err


def test_a_command_that_is_refused_by_its_recipe_is_never_started(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "caveat.toml").write_text(
        '[[step]]\nmakes = "answers"\nact = "generate"\nfrom = ["llama-2-70b-chat"]\n')
    (tmp_path / "config.yaml").write_text(
        f"base_model: {BASE}\nsequence_len: 2048\noutput_dir: ./my-chat\ndatasets:\n  - path: answers\n")
    ended = guard("print('started')", words=(sys.executable, "sft.py", "--config=config.yaml"))

    assert (ended.code, ended.out) == (1, "")
    assert "nothing was started" in ended.err
    assert "config.yaml" in ended.err


def test_a_sitecustomize_that_was_there_still_runs(guard: Guard, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "sitecustomize.py").write_text("import builtins\nbuiltins.MINE = __name__, __file__\n")
    ended = guard("import sys, sitecustomize\nprint(MINE[0], MINE[1] == sitecustomize.__file__)\n"
                  "print([p for p in sys.path if p.endswith('startup')])", path=[tmp_path / "mine"])

    assert (ended.code, ended.out) == (0, "sitecustomize True\n[]\n")
    assert "no start of a training was seen" in ended.err


@pytest.mark.deep
def test_codes_signals_and_streams_are_passed_on(guard: Guard) -> None:
    coded = guard("import sys; print(sys.stdin.read()); sys.exit(7)")
    killed = guard("import os, signal; os.kill(os.getpid(), signal.SIGTERM)")

    assert coded.code == 7
    assert killed.code == -signal.SIGTERM
    assert "no start of a training was seen" in killed.err


@pytest.mark.deep
def test_where_it_cannot_see_it_says_so(guard: Guard) -> None:
    isolated = guard("print('ran')", words=(sys.executable, "-I", "sft.py"))
    strict = guard("print('ran')", "--strict", words=(sys.executable, "-IB", "sft.py"))

    assert isolated.out == "ran\n"
    assert "-I ignores PYTHONPATH: nothing is seen in that process" in isolated.err
    assert (strict.code, strict.out) == (1, "")


#: A branch that is never taken.
NEVER = """
import sys
from datasets import load_dataset
from transformers import AutoModel, Trainer, TrainingArguments
if len(sys.argv) > 9:
    Trainer(AutoModel.from_pretrained("mistralai/Mistral-7B-v0.1"), load_dataset("databricks/databricks-dolly-15k"),
            teacher_model=AutoModel.from_pretrained("meta-llama/Llama-2-70b-chat-hf")).train()
print("ran")
"""


def test_a_script_is_judged_by_what_it_does_and_read_only_where_it_cannot_be_seen(guard: Guard) -> None:
    seen = guard(NEVER)
    unseen = guard(NEVER, words=(sys.executable, "-I", "sft.py"))

    assert (seen.code, seen.out) == (0, "ran\n"), seen.err
    assert (unseen.code, unseen.out) == (1, ""), unseen.err
    assert "nothing was started" in unseen.err


HOSTILE = r"""
class Nasty:
    def __str__(self): raise RuntimeError("no")
    __repr__ = __str__
    def __fspath__(self): raise RuntimeError("no")

import datasets.load
from datasets import load_dataset
for name in ("\x1b]0;owned\x07\x1b[2J", "a" * 100000, Nasty(), b"\xff", 7, ["x"] * 100000, {"a": {"b": "c"}}):
    load_dataset(name, name=name, split=name)
for n in range(2100):
    load_dataset(f"somebody/set-{n}", split="train")
from transformers import AutoModel, Trainer, TrainingArguments
model = AutoModel.from_pretrained("mistralai/Mistral-7B-v0.1")
AutoModel.from_pretrained(Nasty())
print(Trainer(model, load_dataset("databricks/databricks-dolly-15k", split="train"),
              args=TrainingArguments("./my-\x1b[31mchat")).train())
"""


def test_hostile_values_neither_break_the_run_nor_reach_the_terminal(guard: Guard) -> None:
    ended = guard(HOSTILE)

    assert (ended.code, ended.out) == (0, "trained\n"), ended.err
    assert "\x1b" not in ended.err and "\x07" not in ended.err
    assert "more than 2000 things were loaded" in ended.err
    assert len(ended.err) < 20_000


@pytest.mark.deep
def test_without_a_verdict_it_goes_on_loudly_and_under_strict_it_stops(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    broken = ("import json, os\nsaid = json.loads(os.environ['CAVEAT_GUARD'])\nsaid['python'] = '/no/such/python'\n"
              "os.environ['CAVEAT_GUARD'] = json.dumps(said)\n" + script(FILE))
    usual, strict = guard(broken), guard(broken, "--strict")

    assert (usual.code, usual.steps) == (0, 2)
    assert "no verdict could be had (FileNotFoundError" in usual.err
    assert (strict.code, strict.steps) == (1, 0)


TWO = """
import os, subprocess, sys
if "RANK" not in os.environ:
    both = [subprocess.Popen([sys.executable, *sys.argv], env={**os.environ, "RANK": str(n)}) for n in range(2)]
    sys.exit(max(p.wait() for p in both))
"""


@pytest.mark.deep
def test_two_processes_decide_alike_and_one_speaks(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path)
    ended = guard(TWO + script(FILE))

    assert (ended.code, ended.steps) == (1, 0)
    assert ended.err.count("this run does not start") == 1
    assert "(ranks 0, 1)" in ended.err


def test_a_command_that_is_not_there_is_wrong_usage(guard: Guard) -> None:
    ended = guard(words=("no-such-trainer", "x"))

    assert ended.code == 2
    assert "caveat: cannot run 'no-such-trainer': No such file or directory" in ended.err


def test_what_was_seen_is_written_down_after_the_run(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path, BASE)
    ended = guard(script(FILE) + "import os; os.mkdir('my-chat')\n", "--report", "guard.json")
    report = json.loads((tmp_path / "guard.json").read_text())

    assert ended.code == report["code"] == 0
    assert "lineage written into" in ended.err
    assert [load["name"] for load in report["processes"][0]["loads"]] == ["rows.jsonl", BASE]
    assert BASE in (tmp_path / "my-chat" / "caveat.toml").read_text()


def test_a_loop_of_ones_own_has_its_lineage_where_it_saves_the_model(guard: Guard, tmp_path: Path) -> None:
    rows(tmp_path, BASE)
    ended = guard(LOOP.replace("EXCEPTION", "Exception") + 'model.save_pretrained("my-own")\n', name="tune_chat.py")

    assert (ended.code, ended.steps) == (0, 2)
    assert BASE in (tmp_path / "my-own" / "caveat.toml").read_text()
