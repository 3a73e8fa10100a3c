"""What loads mean: names, columns and folders become lineage; what nobody can know stays unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caveat.errors import SettingsError
from caveat.guard.columns import named, writers
from caveat.guard.decide import answer
from caveat.guard.judged import Settings, judge
from caveat.guard.planned import asset_of, child_of
from caveat.guard.seen import Load, Trainer, load_of, loads_of
from caveat.guard.summary import records, refused, told

LLAMA = "meta-llama/Llama-2-70b-chat-hf"
BASE = Load("model", "mistralai/Mistral-7B-v0.1", where="sft.py:4")
CHAT = Trainer("trl.SFTTrainer", "./my-chat", where="sft.py:9")
FINDING = "llama-2/no-improving-others@my-chat"


def set_of(name: str, *generators: str) -> Load:
    return Load("data", name, where="sft.py:5", generators=generators, named_in=("model",) * len(generators))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def test_what_a_forbidding_model_wrote_is_refused_with_the_line_that_loaded_it() -> None:
    judged = judge([BASE, set_of("./mine", LLAMA)], CHAT)

    assert [f.id for f in judged.refused] == [FINDING]
    places = [p for step in judged.refused[0].path for p in step.evidence]
    assert ("sft.py", 5, "column model") in [(p.file, p.line, p.key) for p in places]


def test_what_strangers_publish_depends_and_does_not_refuse() -> None:
    judged = judge([BASE, set_of("Intel/orca_dpo_pairs")], CHAT)

    assert judged.refused == ()
    assert FINDING in [f.id for f in judged.warned]
    assert judged.stops() is False and judged.stops(strict=True) is True


def test_the_family_itself_may_learn_from_it() -> None:
    judged = judge([BASE._replace(name="meta-llama/Llama-2-7b-hf"), set_of("./mine", LLAMA)], CHAT)

    assert judged.refused == ()


def test_a_teacher_and_a_reward_model_teach_too() -> None:
    for what in ("teacher", "reward"):
        judged = judge([BASE, Load(what, LLAMA)], CHAT)

        assert judged.refused or judged.warned, what
    assert judge([BASE, Load("reference", LLAMA)], CHAT).refused == ()


def test_data_that_is_only_measured_with_is_not_taught_on() -> None:
    judged = judge([BASE, set_of("./mine", LLAMA)._replace(act="evaluate")], CHAT)

    assert (judged.refused, judged.warned) == ((), ())


def test_an_accepted_finding_refuses_no_more_and_is_handed_over() -> None:
    judged = judge([BASE, set_of("./mine", LLAMA)], CHAT, accept=[FINDING, "no/such@thing"])

    assert (judged.refused, [f.id for f in judged.accepted]) == ((), [FINDING])
    assert "nothing is found that no/such@thing accepts" in [p.what for p in judged.report.problems]


def test_a_folders_card_speaks_for_it(here: Path) -> None:
    (here / "answers").mkdir()
    (here / "answers" / "README.md").write_text("---\nlicense: cc-by-nc-4.0\n---\n# Answers\n")
    judged = judge([BASE, set_of("answers")], CHAT, settings=Settings(facts={"commercial": "yes"}))

    assert judged.refused or judged.warned
    assert {f.licence for f in (*judged.refused, *judged.warned)} == {"cc-by-nc-4.0"}


def test_a_file_with_a_column_that_names_its_writer_is_enough(here: Path) -> None:
    (here / "rows.jsonl").write_text(json.dumps({"prompt": "?", "response": "!", "model": LLAMA}) + "\n")

    assert [f.id for f in judge([BASE, set_of("rows.jsonl")], CHAT).refused] == [FINDING]


def test_own_rows_are_unknown_until_the_project_declares_them(here: Path) -> None:
    (here / "rows.jsonl").write_text('{"prompt": "?", "response": "!"}\n')
    (here / "caveat.toml").write_text('[project]\nby = "acme"\n[assets."rows.jsonl"]\nkind = "dataset"\n')
    loads = [BASE, set_of("rows.jsonl")]

    assert [f.verdict for f in judge(loads, CHAT).warned] == ["unknown"]
    assert judge(loads, CHAT, settings=Settings(project=here / "caveat.toml")).warned == ()


def test_the_projects_acceptances_and_mistakes_count(here: Path) -> None:
    toml = here / "caveat.toml"
    toml.write_text(f'[[accept]]\nfinding = "{FINDING}"\nwhy = "memo"\nowner = "legal"\nuntil = 2999-01-01\n')
    judged = judge([BASE, set_of("./mine", LLAMA)], CHAT, settings=Settings(project=toml))
    toml.write_text("[nonsense]\n")

    assert (judged.refused, [f.id for f in judged.accepted]) == ((), [FINDING])
    with pytest.raises(SettingsError, match=r"caveat\.toml:1"):
        judge([BASE], CHAT, settings=Settings(project=toml))


def test_an_organisations_rules_refuse_too(here: Path) -> None:
    (here / "policy.toml").write_text('[policy]\ndeny = ["cc-by-sa-3.0"]\n')
    loads = [BASE, set_of("databricks/databricks-dolly-15k")]
    judged = judge(loads, CHAT, settings=Settings(policy=here / "policy.toml"))

    assert [f.about for f in judged.refused] == ["policy"]
    assert judge(loads, CHAT).refused == ()


def test_rows_from_memory_are_named_told_and_unknown() -> None:
    judged = judge([BASE, Load("data", "", unknown="rows from a list in memory", where="sft.py:7")], CHAT)

    assert [f.verdict for f in judged.warned] == ["unknown"]
    assert any("rows from a list in memory" in p.what for p in judged.report.problems)


def test_names_are_spelt_so_that_a_folder_is_no_claim(here: Path) -> None:
    (here / "alpaca").mkdir()
    (here / "data").mkdir()

    assert asset_of(set_of("alpaca")) == f"{here.name}/alpaca"
    assert asset_of(set_of("./data")) == "data"
    assert asset_of(set_of("hf://datasets/Intel/orca_dpo_pairs@main/x.jsonl")) == "Intel/orca_dpo_pairs"


def test_what_is_made_is_named_by_hub_id_folder_or_script() -> None:
    assert child_of(CHAT._replace(hub="acme/chat")) == "acme/chat"
    assert child_of(CHAT) == "my-chat"
    assert child_of(CHAT._replace(output="out", where="tune_bot.py:3")) == "tune_bot"
    assert child_of(CHAT._replace(hub=BASE.name), [BASE]) == f"{BASE.name} (trained)"


def test_columns_count_beside_text_and_for_models_alone() -> None:
    values = {"model": [LLAMA, "Golf GTI", "pkg:huggingface/Qwen/Qwen2-7B@abc?x=1"], "judge_model": ["gpt-4"]}

    assert writers(["prompt", "model", "judge_model"], values) == (
        (LLAMA, "pkg:huggingface/Qwen/Qwen2-7B@abc?x=1"), ("gpt-4",), ("model", "model", "judge_model"))
    assert writers(["price", "model"], values).generators == ()
    assert [named(x) for x in (7, None, "pkg:npm/left-pad", "a b", "x" * 5000)] == [""] * 5


def test_what_other_processes_wrote_is_read_within_bounds() -> None:
    said = {"what": "data", "name": "\x1b[2J" + "a" * 9999, "columns": ["prompt", "model"] * 99, "bogus": 1, "split": 7,
            "values": {"model": [LLAMA, 3, {"a": 1}], 7: ["x"]}}
    load = load_of(said)

    assert load.name.startswith("\ufffd[2J") and len(load.name) == 400
    assert (len(load.columns), load.split, load.generators) == (64, "", (LLAMA,))
    assert loads_of([said, 7, None]) == [load] and loads_of("x") == []
    by_file = loads_of([{"what": "data", "name": "json", "files": ["a.jsonl", "b.jsonl"]}])
    assert [x.name for x in by_file] == ["a.jsonl", "b.jsonl"]


def test_a_recipe_names_the_base_where_no_weights_were_seen(here: Path) -> None:
    (here / "config.yaml").write_text(
        "base_model: meta-llama/Llama-2-7b-hf\nsequence_len: 2048\noutput_dir: ./my-chat\n"
        "datasets:\n  - path: databricks/databricks-dolly-15k\n")
    question = {"trainer": CHAT._asdict(), "loads": [{"what": "data", "name": "./mine", "columns": ["prompt", "model"],
                                                      "values": {"model": [LLAMA]}}]}
    baseless = answer(question)
    planned = answer({**question, "settings": {"recipes": [str(here / "config.yaml")]}})

    assert (baseless["stop"], baseless["refused"]) == (False, []) and FINDING in baseless["warned"]
    assert "no weights that my-chat starts from were seen" in " ".join(baseless["text"].split())
    assert (planned["stop"], planned["refused"]) == (False, [])


def test_a_summary_tells_each_thing_once_and_survives_broken_records(here: Path) -> None:
    decision = {"trainer": {"how": "trl.SFTTrainer"}, "subject": "my-chat", "stop": True, "refused": [FINDING]}
    for n in range(2):
        (here / f"{n}.json").write_text(json.dumps({
            "pid": n, "rank": n, "loads": [{"what": "data", "name": "x/y"}], "decisions": [decision],
            "trouble": ["could not look"]}))
    (here / "3.json").write_text("{")
    (here / "4.json").write_text('[["x"]]')
    found = records(here)

    assert [r.rank for r in found] == [0, 1] and refused(found)
    assert told(found, ["x -I"]) == (
        "caveat guard: seen in 2 processes:\ncaveat guard:   data x/y  (in 2 processes)\n"
        "caveat guard: trl.SFTTrainer → my-chat: refused (1 prohibited) (ranks 0, 1)\n"
        "caveat guard: not seen: x -I\ncaveat guard: not seen: could not look\n"
        "caveat guard: a guard is advisory: it sees what goes through Python's own doors\n")
    assert "nothing was decided" in told([], [])
