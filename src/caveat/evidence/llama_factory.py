"""LLaMA-Factory recipes: data sets are aliases, and another file (`dataset_info.json`) says what they stand for.

    model_name_or_path: owner/name      stage: sft | dpo | kto | rm | ppo | pt
    finetuning_type: lora | oft | freeze | full
    dataset: alias,other_alias          dataset_dir: data (the folder of dataset_info.json) | ONLINE | REMOTE:owner/name
    export_dir: folder                  an adapter merged into its base
    v1:  model: owner/name, train_dataset: data/set.yaml, peft_config: {name, adapter_name_or_path, export_dir}

Traps: `eval_dataset` is only measured; `infer_backend` without a stage makes nothing, it runs a model; an alias with
`file_name` is a file of that folder; saves/... are folders of whoever ran an earlier stage.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence.dataset_info import Alias, aliases, data_file
from caveat.evidence.planned import Part, Recipe, child_of, evidence, has, joined, scalars_at, scored, under
from caveat.evidence.yaml_safe import Mapping, Scalar
from caveat.lineage.claims import Evidence, Problem

KEYS = ("finetuning_type", "template", "model_class", "peft_config", "train_dataset", "export_dir")
OWN_KEYS = frozenset({"finetuning_type", "template", "infer_backend", "cutoff_len", "dataset_dir"})
V1_KEYS = frozenset({"train_dataset", "peft_config", "dist_config", "kernel_config", "model_class"})
ADAPTERS = frozenset({"lora", "oft", "qlora"})
BOTH_SIDES = frozenset({"dpo", "orpo", "simpo", "kto", "rm"})
NOT_FOUND = "an alias that no dataset_info.json at hand explains"


def recognises(tree: Mapping) -> bool:
    keys = set(tree.keys())
    return ("model_name_or_path" in keys and bool(keys & OWN_KEYS)) or ("model" in keys and len(keys & V1_KEYS) > 0
                                                                        and isinstance(tree.get("model"), Scalar))


def claims_of(recipe: Recipe) -> Evidence:
    tree = recipe.tree
    child = child_of(recipe, folders=("export_dir", "peft_config.export_dir", "output_dir"))
    if not _trains(tree) and not _exports(tree):
        return evidence(recipe, running(tree), child, makes="product")
    told = evidence(recipe, parts(recipe), child, "reward-model" if tree.text("stage") == "rm" else "")
    lost = tuple(Problem(recipe.file, NOT_FOUND, p.line, f"{p.written} stays of unknown origin")
                 for p in data(recipe) if p.weak == NOT_FOUND)
    return told + scored(recipe, child, under(tree, "annotate", "reward_model")) + Evidence(problems=lost)


def _trains(tree: Mapping) -> bool:
    return any(has(tree, k) for k in ("dataset", "train_dataset", "stage"))


def _exports(tree: Mapping) -> bool:
    return any(True for key in ("export_dir", "peft_config.export_dir") for _ in scalars_at(tree, key))


def running(tree: Mapping) -> Iterator[Part]:
    """A chat or a server: a product with the model, and its adapter, inside."""
    yield from under(tree, "bundle", "model_name_or_path", "model")
    yield from under(tree, "bundle", "adapter_name_or_path", "peft_config.adapter_name_or_path")


def parts(recipe: Recipe) -> Iterator[Part]:
    tree = recipe.tree
    adapted = tree.text("finetuning_type").lower() in ADAPTERS or has(tree, "peft_config")
    base = "merge" if _exports(tree) else "adapt" if adapted else "finetune"
    yield from under(tree, base, "model_name_or_path", "model")
    yield from under(tree, "adapt", "adapter_name_or_path", "peft_config.adapter_name_or_path")
    yield from under(tree, "distil", "teacher_model_name_or_path")
    yield from data(recipe)


def data(recipe: Recipe) -> Iterator[Part]:
    """The data of all keys, aliases resolved."""
    sides = "both sides" if recipe.tree.text("stage").lower() in BOTH_SIDES else ""
    for key in ("dataset", "export_quantization_dataset"):
        for path, s in scalars_at(recipe.tree, key):
            for written in filter(None, (w.strip() for w in s.text.split(","))):
                yield _aliased(recipe, written, s.line, path, sides)
    for path, s in scalars_at(recipe.tree, "train_dataset"):
        listed = data_file(recipe.path, s.text) if s.text.endswith((".yaml", ".yml")) else ()
        yield from (_part(a, f"{path}: {a.name}", s.line) for a in listed)
        if not listed:
            yield Part("train", s.text, s.line, path)


def _aliased(recipe: Recipe, written: str, line: int, key: str, sides: str) -> Part:
    folder = recipe.tree.text("dataset_dir", "data")
    if folder == "ONLINE" or "/" in written:
        return Part("train", written, line, key, sides)
    alias = aliases(recipe.path, folder).get(written)
    if alias is None:
        return Part("train", written, line, key, "alias", weak=NOT_FOUND)
    return _part(alias, f"{key}: {written}", line, sides)


def _part(alias: Alias, key: str, line: int, sides: str = "") -> Part:
    told = joined(f"as {alias.file} says", f"split {alias.split}" if alias.split else "",
                  f"config {alias.subset}" if alias.subset else "", sides)
    return Part("train", alias.target, line, key, told)
