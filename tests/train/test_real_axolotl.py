"""The plugin inside the real Axolotl: its own configuration loader registers plugins, and its own loader fails open.

Axolotl pins dozens of packages to one version each, so it is not part of the environment of these tests: they run where
`axolotl.cli.config` can be imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caveat.errors import Refused
from caveat.guard.axolotl_plugin import PLUGIN, unheard, verify

pytestmark = pytest.mark.train
WHY = "axolotl is not installed (its pins exclude other trainers): pip install axolotl in an environment of its own"
RECIPE = """base_model: mistralai/Mistral-7B-v0.1
adapter: lora
lora_r: 8
lora_alpha: 16
lora_target_linear: true
sequence_len: 512
micro_batch_size: 1
gradient_accumulation_steps: 1
num_epochs: 1
learning_rate: 0.0002
output_dir: ./out/my-chat
plugins:
  - PLUGIN
caveat:
  strict: STRICT
datasets:
  - path: DATA
    type: chat_template
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Axolotl's own module of configurations, in a folder with rows that a Llama wrote."""
    for key in ("AXOLOTL_DO_NOT_TRACK", "DO_NOT_TRACK"):
        monkeypatch.setenv(key, "1")
    module = pytest.importorskip("axolotl.cli.config", reason=WHY)
    monkeypatch.chdir(tmp_path)
    row = {"messages": [{"role": "user", "content": "a"}], "model": "meta-llama/Llama-2-70b-chat-hf"}
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "rows.jsonl").write_text(json.dumps(row) + "\n")
    manager = module_of("axolotl.integrations.base").PluginManager.get_instance()
    manager.plugins.clear()
    return module


def module_of(name: str) -> Any:
    from importlib import import_module

    return import_module(name)


def recipe(data: str, plugin: str = PLUGIN, strict: str = "false") -> Path:
    file = Path("axolotl.yaml")
    file.write_text(RECIPE.replace("PLUGIN", plugin).replace("DATA", data).replace("STRICT", strict))
    return file


def registered(config: Any, file: Path) -> Any:
    """What load_cfg does up to the point where plugins are registered."""
    import yaml
    from axolotl.utils.dict import DictDefault

    cfg = DictDefault(yaml.safe_load(file.read_text()))
    cfg.axolotl_config_path = str(file)
    config.prepare_plugins(cfg)
    return cfg


def test_a_breach_ends_the_loading_of_the_configuration(config: Any) -> None:
    with pytest.raises(Refused, match="no-improving-others"):
        config.load_cfg(recipe("answers"))


def test_a_lawful_configuration_registers_a_plugin_of_axolotls_own_kind(config: Any) -> None:
    registered(config, recipe("OpenAssistant/oasst1"))
    [plugin] = module_of("axolotl.integrations.base").PluginManager.get_instance().plugins.values()

    assert isinstance(plugin, module_of("axolotl.integrations.base").BasePlugin)
    assert plugin.watch.judged.report.subject == "my-chat"


def test_its_schema_takes_the_key_of_the_plugin(config: Any) -> None:
    registered(config, recipe("OpenAssistant/oasst1"))
    _, schema = module_of("axolotl.integrations.config").merge_input_args()

    assert "caveat" in schema.model_fields


def test_axolotl_goes_on_when_the_plugin_is_misspelt_and_the_check_does_not(
        config: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The reason why there is a check: the same breach, a wrong letter, and nothing stops."""
    file = recipe("answers", PLUGIN.replace("plugin", "plugn"))
    registered(config, file)

    assert not module_of("axolotl.integrations.base").PluginManager.get_instance().plugins
    assert "is no plugin" in verify(file)[0]
    assert unheard([file], tmp_path)
