"""Recipes of open-instruct: the keys of TRL with mixers of their own, written for one cluster's folders.

    dataset_mixer: {owner/name: 0.5 | 50000 | 1.0}      a share, rows, or all
    dataset_mixer_list: [owner/name, 1.0, owner/other, 20000]      the same as pairs, newer; also as one string

Traps: `/model` and `/oe-adapt-default/...jsonl` are folders of a cluster; `hf_metadata_dataset` and
`dataset_mixer_eval_list` are measured with, not trained on; data sets in comments were tried, and are not used.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence import trl
from caveat.evidence.planned import Part, Recipe, child_of, evidence, scalars_at, scored
from caveat.evidence.yaml_safe import Mapping
from caveat.lineage.claims import Evidence

KEYS = ("model_name_or_path",)
OWN_KEYS = frozenset({
    "dataset_mixer_list", "with_tracking", "use_slow_tokenizer", "use_flash_attn", "hf_metadata_dataset",
    "preprocessing_num_workers", "dataset_mix_dir",
})


def recognises(tree: Mapping) -> bool:
    keys = set(tree.keys())
    own = bool(keys & OWN_KEYS) and "hub_model_id" not in keys
    return trl.recognises(tree) and (own or "dataset_mixer_list" in keys)


def claims_of(recipe: Recipe) -> Evidence:
    child = child_of(recipe)
    told = evidence(recipe, parts(recipe.tree), child)
    return told + (scored(recipe, child, trl.judges(recipe.tree)) if told.claims else Evidence())


def parts(tree: Mapping) -> Iterator[Part]:
    yield from trl.parts(tree)
    words = [(s, w) for _, s in scalars_at(tree, "dataset_mixer_list") for w in s.text.split()]
    for (s, name), share in zip(words[::2], [w for _, w in words[1::2]]):
        if not trl.nothing(share):
            yield Part("train", name, s.line, "dataset_mixer_list", f"share {share}")
