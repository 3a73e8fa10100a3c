"""The Axolotl plugin refuses before anything is loaded, and a plugin that Axolotl cannot load is found out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from caveat.errors import CaveatError, Refused
from caveat.evidence import gather
from caveat.evidence.axolotl import PLUGIN
from caveat.guard import axolotl_plugin
from caveat.guard.axolotl_plugin import main, plugin_class, unheard, verify
from tests.guard.runs import FREE, LLAMA, MISTRAL, edges

RECIPE = f"""base_model: {MISTRAL}
adapter: lora
sequence_len: 2048
output_dir: ./out/my-chat
plugins:
  - {PLUGIN}
datasets:
  - path: {FREE}
    split: train
    revision: 4f1c0de
    type: chat_template
"""
BREACH = RECIPE.replace(FREE, "answers")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe, and rows that a Llama wrote."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "answers").mkdir()
    row = {"prompt": "a", "answer": "b", "model": "meta-llama/Llama-2-70b-chat-hf"}
    (tmp_path / "answers" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "axolotl.yaml").write_text(RECIPE)
    return tmp_path


def configuration(text: str, **more: Any) -> dict[str, Any]:
    """What Axolotl hands to a plugin: the file, read, with the path that it puts beside."""
    Path("axolotl.yaml").write_text(text)
    return {**yaml.safe_load(text), "axolotl_config_path": "axolotl.yaml", **more}


def fresh() -> Any:
    return axolotl_plugin.plugin_class.__wrapped__()()


def test_a_breach_is_refused_when_plugins_are_registered(here: Path) -> None:
    with pytest.raises(Refused) as told:
        fresh().register(configuration(BREACH))

    page = str(told.value)
    assert "llama-2 §1.b.v" in page
    assert "rows.jsonl" in page
    assert "CAVEAT_ACCEPT=llama-2/no-improving-others@my-chat" in page


def test_a_lawful_run_goes_on_and_leaves_its_lineage(here: Path) -> None:
    plugin = fresh()
    plugin.register(configuration(RECIPE))
    plugin.post_train(None, None)
    text = (here / "out" / "my-chat" / "caveat.toml").read_text("utf-8")

    assert f'from = ["{MISTRAL}"]  # axolotl.yaml:1' in text
    assert 'act = "adapt"' in text
    assert 'revision = "4f1c0de"\nsplit = "train"' in text


def test_it_judges_what_a_check_of_the_recipe_judges(here: Path) -> None:
    from caveat.flows.checking import check_evidence

    recipe = RECIPE.replace(FREE, "Intel/orca_dpo_pairs").replace("adapter: lora", "adapter: lora\nrl: dpo")
    plugin = fresh()
    plugin.register(configuration(recipe))
    [report] = check_evidence(gather(here / "axolotl.yaml"))

    assert edges(report) == edges(plugin.watch.judged.report)
    assert report.verdict == plugin.watch.judged.report.verdict


def test_options_on_the_command_line_count(here: Path) -> None:
    """Axolotl puts them into the configuration before it registers plugins; the file says something else."""
    with pytest.raises(Refused):
        fresh().register(configuration(RECIPE, datasets=[{"path": "answers", "type": "chat_template"}]))


def test_settings_stand_under_a_key_of_their_own(here: Path) -> None:
    taken = {"accept": ["llama-2/no-improving-others@my-chat"]}
    fresh().register(configuration(BREACH, caveat=taken))
    with pytest.raises(Refused):
        fresh().register(configuration(RECIPE.replace(FREE, "someone/unheard-of"), caveat={"strict": True}))
    with pytest.raises(CaveatError, match="stricts"):
        fresh().register(configuration(RECIPE, caveat={"stricts": True}))


def test_a_base_model_on_the_command_line_of_another_family_is_seen(here: Path) -> None:
    plugin = fresh()
    plugin.register(configuration(RECIPE, base_model=LLAMA))

    assert ("my-chat", "adapt", LLAMA) in edges(plugin.watch.judged.report)


def test_every_hook_of_axolotls_base_class_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = ModuleType("axolotl.integrations.base")
    theirs = {"post_train_unload": lambda self, cfg: "theirs", "register": lambda self, cfg: "theirs"}
    fake.BasePlugin = type("BasePlugin", (), theirs)  # type: ignore[attr-defined]
    for name in ("axolotl", "axolotl.integrations"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "axolotl.integrations.base", fake)
    made = plugin_class.__wrapped__()

    assert issubclass(made, fake.BasePlugin)
    assert made().post_train_unload(None) == "theirs"
    assert made.register is axolotl_plugin.Judging.register


def test_the_plugin_that_is_named_can_be_loaded(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (verify(here / "axolotl.yaml"), main(["axolotl.yaml"])) == ([], 0)
    assert "can be loaded" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "why"), [
    ("caveat.guard.axolotl_plugn.CaveatPlugin", "is no plugin"), ("caveat.CaveatPlugin", "is no plugin"),
    ("axolotl.integrations.liger.LigerPlugin", "no plugin of Caveat is named"),
])
def test_a_misspelt_plugin_fails_the_check(here: Path, capsys: pytest.CaptureFixture[str], name: str, why: str) -> None:
    (here / "axolotl.yaml").write_text(RECIPE.replace(PLUGIN, name))

    assert main(["axolotl.yaml"]) == 1
    assert why in capsys.readouterr().err


def test_a_plugin_that_cannot_be_imported_fails_the_check(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise ImportError("libcudart.so.12 is missing")

    monkeypatch.setitem(axolotl_plugin.MADE, "CaveatPlugin", broken)

    assert "libcudart" in verify(here / "axolotl.yaml")[0]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"base_model: [", None])
def test_a_recipe_that_cannot_be_read_is_wrong_usage(here: Path, data: bytes | None) -> None:
    if data is None:
        (here / "axolotl.yaml").unlink()
    else:
        (here / "axolotl.yaml").write_bytes(data)

    assert main(["axolotl.yaml"]) == 2


def test_a_check_of_the_recipe_tells_it_with_the_line(here: Path) -> None:
    (here / "axolotl.yaml").write_text(RECIPE.replace("axolotl_plugin", "axolotl_plugn"))
    [problem] = [p for p in gather(here / "axolotl.yaml").problems if "plugin" in p.what]

    assert (problem.line, "unguarded" in problem.instead) == (6, True)


def test_a_run_under_the_guard_in_which_the_plugin_was_not_heard_is_told(
        here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = tmp_path / "records"
    records.mkdir()
    monkeypatch.setenv("CAVEAT_GUARD", json.dumps({"records": str(records)}))
    before = unheard([here / "axolotl.yaml"], records)
    fresh().register(configuration(RECIPE))

    assert "never asked" in before[0]
    assert unheard([here / "axolotl.yaml"], records) == []


def test_a_recipe_without_the_plugin_is_not_missed(here: Path) -> None:
    (here / "axolotl.yaml").write_text(RECIPE.replace(PLUGIN, "axolotl.integrations.liger.LigerPlugin"))

    assert unheard([here / "axolotl.yaml", here / "train.py"], here) == []


@pytest.mark.parametrize("odd", [
    {}, {"datasets": [1, None, {"path": 7}]}, {"base_model": {"a": ["b"]}, "datasets": "x"}])
def test_odd_configurations_give_one_error_or_a_judgement(here: Path, odd: dict[str, Any]) -> None:
    try:
        fresh().register(odd)
    except CaveatError as fault:
        assert str(fault)


# Under `caveat guard -- axolotl train`: a stand-in that loads plugins as Axolotl does, and trains whatever happens.

AXOLOTL = f"""import sys, yaml, importlib
sys.path.insert(0, {str(Path(__file__).parents[2] / "src")!r})
cfg = yaml.safe_load(open(sys.argv[-1]))
for name in cfg["plugins"]:
    try:
        if "BROKEN" in sys.argv:
            raise ImportError("no such library")
        plugin = getattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])()
    except ImportError as fault:
        print("Failed to load plugin:", fault)
        continue
    plugin.register(cfg)
print("trained")
"""


def guarded(here: Path, *words: str) -> Any:
    import subprocess

    (here / "axolotl.py").write_text(AXOLOTL)
    return subprocess.run([sys.executable, "-m", "caveat", "guard", "--", sys.executable, "axolotl.py", *words,
                           "axolotl.yaml"], capture_output=True, text=True, check=False)


def test_under_the_guard_a_plugin_that_was_heard_changes_nothing(here: Path) -> None:
    done = guarded(here)

    assert (done.returncode, "trained" in done.stdout) == (0, True), done.stderr


def test_under_the_guard_a_plugin_that_could_not_be_loaded_fails_the_run(here: Path) -> None:
    done = guarded(here, "BROKEN")

    assert (done.returncode, "trained" in done.stdout) == (1, True)
    assert "never asked" in done.stderr


def test_under_the_guard_a_misspelt_plugin_starts_nothing(here: Path) -> None:
    (here / "axolotl.yaml").write_text(RECIPE.replace("axolotl_plugin", "axolotl_plugn"))
    done = guarded(here)

    assert (done.returncode, "trained" in done.stdout) == (1, False)
    assert "axolotl.yaml:6" in done.stderr
