"""torchtune recipes: models are folders on a disk, and only a comment says from where these were downloaded.

    #   tune download owner/name --output-dir /tmp/name
    checkpointer: {checkpoint_dir: /tmp/name}           the base
    teacher_checkpointer, reward_checkpointer           the teacher of a distillation, the judge of PPO
    model: {_component_: torchtune.models.x.lora_x_7b}  lora, qlora or dora: an adapter
    dataset: {_component_: torchtune.datasets.alpaca_cleaned_dataset, source, split}     a builder stands for its data

Traps: `dataset_val` is measured only; the value model starts from the reward model and is thrown away; a folder
without a download line stays a folder; `quantizer` makes a quantized copy, `tune run generate` makes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence.planned import (
    BUILDERS,
    Part,
    Recipe,
    child_of,
    dull,
    evidence,
    file_name,
    filled,
    has,
    joined,
    maps_at,
    scalars_at,
    scored,
    told_of,
)
from caveat.evidence.yaml_safe import Mapping
from caveat.lineage.claims import Evidence

KEYS = ("checkpointer", "teacher_checkpointer")
COMPONENT = "_component_"
DOWNLOAD = re.compile(
    r"^[ \t#]*(?:tune|hf|huggingface-cli) download[ \t]+(?P<id>[\w.-]+/[\w.-]+)(?P<rest>[^\n]*)$", re.MULTILINE)
FOLDER = re.compile(r"--(?:output-dir|local-dir)[ =](?P<folder>\S+)")
ADAPTER = re.compile(r"\.(?:q?lora|q?dora)_")
#: Builders of torchtune.datasets and the data set each loads unless `source` says otherwise (their own defaults).
DATA: dict[str, str] = {
    "alpaca_dataset": "tatsu-lab/alpaca",
    "alpaca_cleaned_dataset": "yahma/alpaca-cleaned",
    "cnn_dailymail_articles_dataset": "ccdv/cnn_dailymail",
    "grammar_dataset": "liweili/c4_200m",
    "gsm8k_dataset": "openai/gsm8k",
    "hh_rlhf_helpful_dataset": "RLHFlow/HH-RLHF-Helpful-standard",
    "llava_instruct_dataset": "liuhaotian/LLaVA-Instruct-150K",
    "samsum_dataset": "Samsung/samsum",
    "slimorca_dataset": "Open-Orca/SlimOrca-Dedup",
    "stack_exchange_paired_dataset": "lvwerra/stack-exchange-paired",
    "the_cauldron_dataset": "HuggingFaceM4/the_cauldron",
    "wikitext_dataset": "EleutherAI/wikitext_document_level",
}
PAIRED = frozenset({"stack_exchange_paired_dataset", "hh_rlhf_helpful_dataset", "preference_dataset"})


class Fetched(NamedTuple):
    """A download line of a comment."""

    id: str
    folder: str
    line: int
    quote: str


def recognises(tree: Mapping) -> bool:
    return any(has(tree, k) for k in KEYS) and COMPONENT in _below(tree)


def _below(tree: Mapping) -> set[str]:
    return {k for e in tree.entries if isinstance(e.value, Mapping) for k, _, _ in e.value.entries}


def claims_of(recipe: Recipe) -> Evidence:
    tree = recipe.tree
    child = name_of(recipe)
    if not has(tree, "dataset") and not has(tree, "quantizer"):
        return evidence(recipe, (p._replace(act="bundle") for p in bases(recipe)), child, makes="product")
    told = evidence(recipe, (*bases(recipe), *data(tree)), child)
    return told + scored(recipe, child, models(recipe, "annotate", "reward_checkpointer"))


def name_of(recipe: Recipe) -> str:
    """/tmp/torchtune/llama2_7B/lora: two folders say together what is made."""
    written = filled(recipe.tree.text("output_dir"), recipe.tree)
    folders = [f for f in written.strip("/").split("/") if f not in ("", ".")]
    if len(folders) > 1 and dull(folders[-1]) and not dull(folders[-2]):
        return f"{folders[-2]}-{folders[-1]}"
    if folders and len(folders) > 1 and folders[-2] != "torchtune" and not dull(folders[-2]):
        return f"{folders[-2]}-{folders[-1]}"
    return child_of(recipe) if folders else file_name(recipe)


def bases(recipe: Recipe) -> Iterator[Part]:
    """The model that is trained, and a teacher."""
    tree = recipe.tree
    component = next((s.text for k in ("model", "policy_model") for _, s in scalars_at(tree, f"{k}.{COMPONENT}")), "")
    act = "quantize" if has(tree, "quantizer") else "adapt" if ADAPTER.search(component) else "finetune"
    yield from models(recipe, act, "checkpointer")
    yield from models(recipe, "distil", "teacher_checkpointer")


def models(recipe: Recipe, act: str, key: str) -> Iterator[Part]:
    """The model behind a checkpointer: what the comment downloads into its folder, else the folder."""
    for path, s in scalars_at(recipe.tree, f"{key}.checkpoint_dir"):
        folder = filled(s.text, recipe.tree)
        got = next((f for f in downloads(recipe.text) if _plain(f.folder) == _plain(folder)), None)
        if got:
            yield Part(act, got.id, got.line, f"{path}: {s.text}", f"downloaded into {s.text}", "detected")
        else:
            yield Part(act, s.text, s.line, path)


def _plain(folder: str) -> str:
    return folder.strip("'\"").rstrip("/")


def downloads(text: str) -> Iterator[Fetched]:
    """Every download line; without a folder it goes to /tmp/NAME, as the tool does."""
    for m in DOWNLOAD.finditer(text):
        folder = FOLDER.search(m["rest"])
        where = folder["folder"] if folder else f"/tmp/{m['id'].split('/')[1]}"
        yield Fetched(m["id"], where, text.count("\n", 0, m.start()) + 1, m[0].strip())


def data(tree: Mapping) -> Iterator[Part]:
    for path, item in (*maps_at(tree, "dataset"), *maps_at(tree, "dataset.datasets")):
        component = item.text(COMPONENT)
        builder = component.rsplit(".", 1)[-1]
        told = joined(told_of(item, "split", "column", "subset"), "both sides" if builder in PAIRED else "")
        column = item.text("column")
        yield from _of_source(item, path, told, column, builder)


def _of_source(item: Mapping, path: str, told: str, column: str, builder: str) -> Iterator[Part]:
    sources = list(scalars_at(item, "source"))
    for k, s in sources:
        if s.text not in BUILDERS:
            yield Part("train", s.text, s.line, f"{path}.{k}", told, column=column)
    built = not sources or sources[0][1].text in BUILDERS
    files = [f for k in ("data_files", "data_dir") for f in scalars_at(item, k)] if built else []
    yield from (Part("train", f.text, f.line, f"{path}.{k}", told, column=column) for k, f in files)
    if not sources and not files and item.text(COMPONENT) and not has(item, "datasets"):
        line = next((e.line for e in item.entries if e.key == COMPONENT), item.line)
        named = DATA.get(builder, "")
        weak = "" if named else "a builder of one's own: what it loads is not said"
        written = named or item.text(COMPONENT)
        yield Part("train", written, line, f"{path}.{COMPONENT}", joined(told, builder), weak=weak)
