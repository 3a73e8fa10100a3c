"""The plugin for Axolotl, and the check that covers how Axolotl loads plugins.

    plugins:                                                       python -m caveat.guard.axolotl_plugin axolotl.yaml
      - caveat.guard.axolotl_plugin.CaveatPlugin                   0: named and can be loaded · 1: not

The configuration is judged when Axolotl registers its plugins: before the model, the data and the GPU are touched. A
plugin that cannot be imported is only logged by Axolotl (0.19: an ImportError is caught, printed, and the training
goes on), so a misspelt name guards nothing; `verify` finds that beforehand, and `unheard` after a run under the guard.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caveat.errors import CaveatError
from caveat.evidence import yaml_safe
from caveat.evidence.axolotl import PLUGIN, judges, parts, plugins
from caveat.evidence.planned import Part, filled
from caveat.evidence.yaml_safe import Limits, Mapping
from caveat.guard.inside.plain import plain
from caveat.guard.seen import Load, Trainer
from caveat.guard.watch import Watch, is_first, watch

if TYPE_CHECKING:
    CaveatPlugin: Any

SETTINGS = "caveat"  # the key of the configuration that holds what the other callbacks take as arguments
KNOWN = ("strict", "accept", "base", "datasets", "adapters", "teachers", "output", "name", "facts", "readings",
         "project", "policy")
WHATS = {"finetune": "model", "adapt": "model", "distil": "teacher", "train": "data", "annotate": "reward"}
HEARD = "axolotl.heard"
LIMITS = Limits(size=1 << 20, depth=30, nodes=50_000)
ITEM = re.compile(r"(?P<list>[a-z_]+)\[(?P<n>\d+)\]")


def __getattr__(name: str) -> Any:
    if name not in MADE:
        raise AttributeError(f"module 'caveat.guard.axolotl_plugin' has no attribute {name!r}")
    return MADE[name]()


class Judging:
    """What the plugin does. Axolotl calls `register` for every configuration that names it."""

    watch: Watch | None = None

    def register(self, cfg: Any) -> None:
        """Judge the configuration. Raises Refused; Axolotl lets it through, and the process ends with 1."""
        heard()
        said = plain_tree(cfg)
        self.watch = watch(**settings_of(said.pop(SETTINGS, None)))
        recipe = tree_of(said)
        self.watch.first = is_first()
        self.watch.trainer = Trainer("axolotl", self.watch.declared.output or recipe.text("output_dir"),
                                     self.watch.declared.name or recipe.text("hub_model_id"),
                                     plain(said.get("axolotl_config_path")))
        self.watch.resumed = bool(recipe.text("resume_from_checkpoint"))
        self.watch.weigh((*self.watch.declared.loads(self.watch.trainer.where), *loads_of(recipe, said)))

    def get_input_args(self) -> str:
        """Axolotl's schema knows no key `caveat`: this adds it."""
        return "caveat.guard.axolotl_plugin.CaveatArguments"

    def post_train(self, cfg: Any, model: Any) -> None:
        """Lineage and card, once when the training has ended and once more after Axolotl has written its own card."""
        if self.watch is not None:
            self.watch.write()
            self.watch.write_at_exit()


@cache
def plugin_class() -> type:
    """The class, over Axolotl's own base class where it can be imported, so that every other hook is there."""
    bases: tuple[type, ...] = (Judging,)
    with suppress(ImportError):
        bases = (Judging, import_module("axolotl.integrations.base").BasePlugin)
    return type("CaveatPlugin", bases, {"__doc__": __doc__, "__module__": __name__})


@cache
def arguments_class() -> Any:
    """The key `caveat` for Axolotl's schema, which refuses keys that it does not know; pydantic comes with Axolotl."""
    from pydantic import create_model  # type: ignore[import-not-found,unused-ignore]

    return create_model("CaveatArguments", caveat=(dict[str, Any] | None, None))


#: What is made when it is first asked for.
MADE: dict[str, Callable[[], Any]] = {"CaveatPlugin": plugin_class, "CaveatArguments": arguments_class}

# The configuration.


def settings_of(said: Any) -> dict[str, Any]:
    """What stands under `caveat:`. Raises CaveatError for a key that nobody knows: it would guard less than meant."""
    if said is None:
        return {}
    if not isinstance(said, dict) or any(key not in KNOWN for key in said):
        odd = [str(k) for k in said if k not in KNOWN] if isinstance(said, dict) else [str(said)[:80]]
        raise CaveatError(f"axolotl configuration: under `caveat:` {', '.join(odd)} is not known (known: "
                          f"{', '.join(KNOWN)})")
    return {k: v for k, v in said.items() if v is not None}


def plain_tree(value: Any, depth: int = 0) -> Any:
    """Mappings, lists and scalars of a configuration as Python's own, within bounds."""
    if depth > LIMITS.depth:
        return None
    if isinstance(value, dict):
        return {str(k): plain_tree(v, depth + 1) for k, v in list(value.items())[:2000]}
    if isinstance(value, (list, tuple)):
        return [plain_tree(v, depth + 1) for v in value[:2000]]
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def tree_of(said: dict[str, Any]) -> Mapping:
    """The configuration as the recipe reader sees a file of it. Raises CaveatError where it cannot be read."""
    read = yaml_safe.read(json.dumps(said, ensure_ascii=True), "axolotl configuration", 1, LIMITS)
    if read.problems or not said:
        raise CaveatError("axolotl configuration: it cannot be read, so the run cannot be judged"
                          + "".join(f"; {p.what}" for p in read.problems[:3]))
    return read.mapping


def loads_of(recipe: Mapping, said: dict[str, Any]) -> Iterator[Load]:
    """Base, adapter, teachers, data sets and reward models, each with the line of the file where it can be found."""
    file = plain(said.get("axolotl_config_path"))
    lines = _lines(file)
    for part in (*parts(recipe), *(j._replace(act="annotate") for j in judges(recipe))):
        what = "adapter" if part.key == "lora_model_dir" else WHATS[part.act]
        item = _item(part, said)
        line = lines.get((part.key, part.written))
        yield Load(what, plain(filled(part.written.strip(), recipe)), plain(_text(item, "revision")),
                   plain(_text(item, "split")), where=f"{file}:{line}" if line else file, act=part.act,
                   config=plain(_text(item, "name")), how=f"axolotl: {part.key}")


def _lines(file: str) -> dict[tuple[str, str], int | None]:
    """(key, value) -> line of the configuration file; empty where it cannot be read."""
    try:
        text = Path(file).read_text("utf-8") if file and Path(file).stat().st_size <= LIMITS.size else ""
    except (OSError, ValueError):
        return {}
    tree = yaml_safe.read(text, file, 1, LIMITS).mapping
    return {(p.key, p.written): p.line for p in (*parts(tree), *judges(tree))}


def _item(part: Part, said: dict[str, Any]) -> dict[str, Any]:
    """The entry of a list of data sets that a part was read from."""
    found = ITEM.match(part.key)
    rows = said.get(found["list"]) if found else None
    row = rows[int(found["n"])] if found and isinstance(rows, list) and int(found["n"]) < len(rows) else None
    return row if isinstance(row, dict) else {}


def _text(item: dict[str, Any], key: str) -> str:
    value = item.get(key)
    return value if isinstance(value, str) else ""


# Whether it is heard at all.


def heard() -> None:
    """Leave a mark in the folder that `caveat guard` keeps for this run: the plugin was loaded and asked."""
    try:
        folder = json.loads(os.environ.get("CAVEAT_GUARD", "{}")).get("records")
        if folder:
            (Path(folder) / HEARD).touch()
    except (OSError, ValueError, AttributeError):
        return


def unheard(recipes: Iterable[Path], records: Path) -> list[str]:
    """After a run under the guard: recipes that name the plugin although it was never asked."""
    if (records / HEARD).exists():
        return []
    return [f"{file} names {PLUGIN}, and Axolotl never asked it: it could not load it, and logs that only"
            for file in recipes if any(_ours(name) for name, _ in _plugins(file))]


def misspelt(recipes: Iterable[Path]) -> list[str]:
    """Before a run under the guard: names that were meant to be the plugin's and are not."""
    return [f"{file}:{line}: {name} is no plugin; Caveat's is {PLUGIN} (Axolotl would log that and train)"
            for file in recipes for name, line in _plugins(file) if _ours(name) and name != PLUGIN]


def verify(recipe: Path) -> list[str]:
    """Why the plugin would not be heard when Axolotl trains this recipe with this Python; [] if it would."""
    named = [(name, line) for name, line in _plugins(recipe) if _ours(name)]
    if not named:
        return [f"{recipe}: no plugin of Caveat is named; add to it: plugins: [{PLUGIN}]"]
    return [f"{recipe}:{line}: {why}" for name, line in named for why in _unloadable(name)]


def _plugins(file: Path) -> list[tuple[str, int]]:
    """Raises CaveatError for a file that cannot be read: nobody knows then what it names."""
    try:
        if file.suffix.lower() not in (".yaml", ".yml"):
            return []
        text = file.read_bytes()[:LIMITS.size + 1].decode("utf-8")
    except (OSError, ValueError) as fault:
        raise CaveatError(f"{file}: cannot be read ({fault})") from None
    read = yaml_safe.read(text, str(file), 1, LIMITS)
    if read.problems:
        raise CaveatError(f"{file}: {read.problems[0].what}")
    return list(plugins(read.mapping))


def _ours(name: str) -> bool:
    return "caveat" in name.lower()


def _unloadable(name: str) -> Iterator[str]:
    """Why a plugin of this name is not ours or cannot be imported."""
    if name != PLUGIN:
        yield f"{name} is no plugin; Caveat's is {PLUGIN} (Axolotl would log that and train)"
        return
    try:
        getattr(import_module(name.rpartition(".")[0]), name.rpartition(".")[2])()
    except Exception as fault:  # whatever keeps it from loading here keeps it from guarding there
        yield f"{name} cannot be loaded: {type(fault).__name__}: {fault}"


def main(files: Sequence[str]) -> int:
    """The line for a CI: 0 if every recipe would be guarded, 1 if one would not, 2 for wrong usage."""
    if not files or files[0].startswith("-"):
        print("usage: python -m caveat.guard.axolotl_plugin RECIPE.yaml ...", file=sys.stderr)
        return 2
    try:
        faults = [line for file in files for line in verify(Path(file))]
    except CaveatError as fault:
        print(f"caveat: {fault}", file=sys.stderr)
        return 2
    for line in faults:
        print(f"caveat: {line}", file=sys.stderr)
    if not faults:
        aside = "" if find_spec("axolotl") else " (axolotl itself is not in this Python: ask the one that trains)"
        print(f"the plugin is named and can be loaded: {', '.join(files)}{aside}")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
