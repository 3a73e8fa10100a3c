"""Axolotl recipes: one base, one adapter or none, and lists of data sets by hub id, folder or address.

    base_model: owner/name      adapter: lora | qlora | (empty: all weights)
    datasets: [{path, name, split, data_files, type}, ...]      pretraining_dataset: the same
    test_datasets: [...]     only measured

Traps: `adapter:` without a value is no adapter; `hub_model_id` mostly stands in a comment; `path: json` names the
builder and `data_files` the data; `rl: dpo` learns from both sides of a pair; a type `bradley_terry` makes a reward
model; one data set listed twice is one parent.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence.planned import (
    BUILDERS,
    Part,
    Recipe,
    child_of,
    evidence,
    maps_at,
    scalars_at,
    scored,
    told_of,
    truth,
    under,
)
from caveat.evidence.yaml_safe import Mapping
from caveat.lineage.claims import Evidence, Problem

KEYS = ("base_model",)
#: Keys of which a file with a base_model must have one to be a recipe of Axolotl.
OWN_KEYS = frozenset({
    "datasets", "adapter", "sequence_len", "micro_batch_size", "load_in_8bit", "load_in_4bit", "num_epochs",
    "pretraining_dataset", "dataset_prepared_path", "val_set_size",
})
MERGES = frozenset({"merge_method", "slices", "experts", "models"})
DATA = ("datasets", "pretraining_dataset")
#: Caveat's own plugin. Axolotl only logs a plugin that cannot be loaded, so a misspelt one guards nothing.
PLUGIN = "caveat.guard.axolotl_plugin.CaveatPlugin"
PAIRS = {"dpo": "both sides", "ipo": "both sides", "orpo": "both sides", "simpo": "both sides", "kto": "good and bad"}


def recognises(tree: Mapping) -> bool:
    keys = set(tree.keys())
    return "base_model" in keys and bool(keys & OWN_KEYS) and not keys & MERGES


def claims_of(recipe: Recipe) -> Evidence:
    child = child_of(recipe)
    told = evidence(recipe, parts(recipe.tree), child, target_of(recipe.tree))
    told += scored(recipe, child, judges(recipe.tree)) if told.claims else Evidence()
    return told + Evidence(problems=tuple(misspelt(recipe)))


def plugins(tree: Mapping) -> Iterator[tuple[str, int]]:
    """The plugins that a recipe names, each with its line."""
    yield from ((s.text, s.line) for _, s in scalars_at(tree, "plugins"))


def misspelt(recipe: Recipe) -> Iterator[Problem]:
    """A plugin that was meant to be Caveat's and is not."""
    for name, line in plugins(recipe.tree):
        if "caveat" in name.lower() and name != PLUGIN:
            yield Problem(recipe.file, f"the plugin {name[:120]} is not Caveat's, which is {PLUGIN}", line,
                          "Axolotl would log that and train unguarded")


def parts(tree: Mapping) -> Iterator[Part]:
    """Base, adapter that is trained on, and data, in the order of the keys above."""
    yield from under(tree, "adapt" if tree.text("adapter") else "finetune", "base_model")
    yield from under(tree, "adapt", "lora_model_dir")
    yield from under(tree, "distil", "kd_teacher_model", "teacher_model")
    sides = PAIRS.get(tree.text("rl").lower(), "")
    for key in DATA:
        yield from under(tree, "train", key, told=sides)
        for path, item in maps_at(tree, key):
            yield from data_parts(item, path, sides)


def data_parts(item: Mapping, path: str, more: str = "", key: str = "path") -> Iterator[Part]:
    """One entry of a list of data sets: its path, or the files where the path is a builder's name."""
    told = ", ".join(filter(None, (told_of(item, "name", "split", "type"), more)))
    files = list(scalars_at(item, "data_files"))
    for k, s in scalars_at(item, key):
        if s.text not in BUILDERS:
            yield Part("train", s.text, s.line, f"{path}.{k}", told)
        else:
            yield from (Part("train", f.text, f.line, f"{path}.{name}", told) for name, f in files)


def judges(tree: Mapping) -> Iterator[Part]:
    """Reward models of reinforcement learning; functions of one's own code are no assets."""
    for key in ("trl.reward_funcs", "trl.reward_model_path", "reward_model_path"):
        yield from (Part("annotate", s.text, s.line, k) for k, s in scalars_at(tree, key) if "/" in s.text)


def target_of(tree: Mapping) -> str:
    types = [item.text("type") for key in DATA for _, item in maps_at(tree, key)]
    rewarded = truth(tree, "reward_model") or truth(tree, "process_reward_model")
    return "reward-model" if rewarded or any(t.startswith("bradley_terry") for t in types) else ""
