"""Recipes of TRL's command line and of the alignment handbook: a model, data by name, map or mixture.

    model_name_or_path: owner/name     use_peft: true (an adapter)
    dataset_name: owner/name           dataset_config, dataset_train_split
    dataset_mixer: {owner/name: share}            1.0 is all of it, a whole number is rows, 0 is nothing
    dataset_mixture: {datasets: [{id | path, config, split, columns, weight}]}

Traps: a mixture puts all its entries together and splits afterwards, so a split called test_sft is trained on as
well; `lora_r` without `use_peft` trains no adapter; teacher, reward model and judge are named by keys of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence.planned import (
    Part,
    Recipe,
    child_of,
    evidence,
    has,
    maps_at,
    scalars_at,
    scored,
    told_of,
    truth,
    under,
)
from caveat.evidence.yaml_safe import Mapping, Scalar
from caveat.lineage.claims import Evidence

KEYS = ("model_name_or_path", "sft_model_path", "reward_model_path")
MODEL = ("model_name_or_path",)
DATA_KEYS = frozenset({"dataset_name", "dataset_mixer", "dataset_mixture", "dataset_mixer_list", "datasets"})
TEACHERS = ("teacher_model_name_or_path", "teacher_model")
JUDGES = (
    "reward_model_path", "reward_model_name_or_path", "judge_model_name_or_path", "reward_model", "judge",
    "reward_funcs",
)
#: Judges that TRL knows by a short name.
SHORT = {"pair_rm": "llm-blender/PairRM"}
WORDS = ("config", "name", "split", "columns", "weight")


def recognises(tree: Mapping) -> bool:
    keys = set(tree.keys())
    return bool(keys & {"model_name_or_path", "sft_model_path"}) and bool(keys & DATA_KEYS)


def claims_of(recipe: Recipe) -> Evidence:
    child = child_of(recipe)
    told = evidence(recipe, parts(recipe.tree), child, target_of(recipe))
    return told + (scored(recipe, child, judges(recipe.tree)) if told.claims else Evidence())


def parts(tree: Mapping) -> Iterator[Part]:
    tuned = "adapt" if truth(tree, "use_peft") or truth(tree, "use_lora") else "finetune"
    yield from under(tree, tuned, *MODEL, "sft_model_path")
    yield from under(tree, "adapt", "adapter_name_or_path", "lora_model_dir")
    yield from under(tree, "distil", *TEACHERS)
    told = told_of(tree, "dataset_config", "dataset_train_split", "dataset_splits")
    yield from under(tree, "train", "dataset_name", told=told)
    yield from mixer(tree)
    for key in ("dataset_mixture", "dataset_mixture.datasets", "datasets"):
        for path, item in maps_at(tree, key):
            named = under(item, "train", "id", "path", told=told_of(item, *WORDS))
            yield from (p._replace(key=f"{path}.{p.key}") for p in named)


def mixer(tree: Mapping) -> Iterator[Part]:
    """`{name: share}`: a share of nothing is no part."""
    splits = told_of(tree, "dataset_splits")
    for _, shares in maps_at(tree, "dataset_mixer"):
        for e in shares.entries:
            share = e.value.text if isinstance(e.value, Scalar) else ""
            if not nothing(share):
                yield Part("train", e.key, e.line, "dataset_mixer", ", ".join(filter(None, (f"share {share}", splits))))


def nothing(share: str) -> bool:
    try:
        return float(share) == 0
    except ValueError:
        return False


def judges(tree: Mapping) -> Iterator[Part]:
    """Models that score: names with an owner, folders, and the short names of TRL; functions are no assets."""
    for key in JUDGES:
        for k, s in scalars_at(tree, key):
            name = SHORT.get(s.text, s.text)
            if "/" in name:
                yield Part("annotate", name, s.line, k)


def target_of(recipe: Recipe) -> str:
    rewarded = recipe.tree.text("trainer").lower() == "reward" or has(recipe.tree, "center_rewards_coefficient")
    return "reward-model" if rewarded else ""
