"""Launch lines that name a recipe file and change some of it: the run is the file with these keys set anew.

    axolotl train plan.yml --base_model owner/name
    llamafactory-cli train plan.yaml model_name_or_path=owner/name
    tune run lora_finetune_single_device --config llama2/7B_lora dataset=torchtune.datasets.alpaca_cleaned_dataset

A line that changes nothing says no more than its file, which is read by itself. The file is looked for beside the
script and up to five folders higher, never through `..`; configurations that ship with torchtune stand in a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from caveat.evidence import yaml_safe
from caveat.evidence.yaml_safe import Entry, Limits, Mapping, Node, Scalar

LIMIT, HIGHEST, DEEPEST = 1 << 20, 5, 8
LIMITS = Limits(size=LIMIT, depth=30, nodes=50_000)
#: Flags behind which the recipe stands; any other flag's file is a setting of the launcher.
NAMES_RECIPE = frozenset({"config", "config_file", "recipe", "c"})
SET = re.compile(r"(?:--)?(?P<key>[A-Za-z_][\w.-]{0,200})=(?P<value>.*)", re.DOTALL)
FILE = re.compile(r"[^\s=]+\.(?:ya?ml|json)")
#: Models of the configurations that ship with torchtune (the download line in each, read in 2026): folder and first
#: word of the file -> hub id.
SHIPPED: dict[str, str] = {
    "gemma/2B": "google/gemma-2b", "gemma/7B": "google/gemma-7b",
    "gemma2/2B": "google/gemma-2-2b", "gemma2/9B": "google/gemma-2-9b", "gemma2/27B": "google/gemma-2-27b",
    "llama2/7B": "meta-llama/Llama-2-7b-hf", "llama2/13B": "meta-llama/Llama-2-13b-hf",
    "llama2/70B": "meta-llama/Llama-2-70b-hf", "llama3/8B": "meta-llama/Meta-Llama-3-8B-Instruct",
    "llama3/70B": "meta-llama/Meta-Llama-3-70B-Instruct", "llama3_1/8B": "meta-llama/Meta-Llama-3.1-8B-Instruct",
    "llama3_1/70B": "meta-llama/Meta-Llama-3.1-70B-Instruct",
    "llama3_1/405B": "meta-llama/Meta-Llama-3.1-405B-Instruct",
    "llama3_2/1B": "meta-llama/Llama-3.2-1B-Instruct", "llama3_2/3B": "meta-llama/Llama-3.2-3B-Instruct",
    "llama3_2_vision/11B": "meta-llama/Llama-3.2-11B-Vision-Instruct", "mistral/7B": "mistralai/Mistral-7B-v0.1",
    "phi3/mini": "microsoft/Phi-3-mini-4k-instruct", "qwen2/0.5B": "Qwen/Qwen2-0.5B-Instruct",
    "qwen2/1.5B": "Qwen/Qwen2-1.5B-Instruct", "qwen2/7B": "Qwen/Qwen2-7B-Instruct",
    "qwen2_5/3B": "Qwen/Qwen2.5-3B-Instruct", "qwen2_5/7B": "Qwen/Qwen2.5-7B-Instruct",
}
#: The data that these configurations name, by a word in their file's name; those of PPO and distillation differ.
SHIPPED_DATA = (("dpo", "stack_exchange_paired_dataset"), ("", "alpaca_cleaned_dataset"))
NOT_SHIPPED = re.compile(r"ppo|_KD_|generation|evaluation|quantization", re.IGNORECASE)


class Configured(NamedTuple):
    """A launch line with its recipe: the file's own tree, the tree of the run, the file's text, and its name."""

    base: Mapping
    run: Mapping
    text: str
    file: str


def configured(words: tuple[str, ...], line: int, path: Path | None) -> Configured | None:
    """The recipe that a line names, with what the line changes; None if it names none or changes nothing."""
    name, changes = _split(words)
    set_anew = list(_changes(changes, line))
    found = _file(name, path) if name and set_anew else None
    found = found or (_shipped(name, line) if set_anew and "tune" in words else None)
    if not found:
        return None
    text, base = found
    run = base
    for keys, value in set_anew:
        run = _with(run, keys, value, line)
    return Configured(base, run, text, Path(name).name) if run != base else None


def _split(words: tuple[str, ...]) -> tuple[str, list[str]]:
    """The recipe's name, and the words that may change it."""
    name, rest, n = "", [], 0
    while n < len(words):
        word = words[n]
        flag, sign, value = word.lstrip("-").partition("=") if word.startswith("-") else ("", "", "")
        following = words[n + 1] if n + 1 < len(words) else ""
        if flag in NAMES_RECIPE and (value or following) and not _launcher(words[:n]):
            name, n = name or value or following, n + (1 if sign else 2)
        elif flag and not sign and following and not following.startswith("-") and "=" not in following:
            rest.append(f"{word}={following}")
            n += 2
        else:
            name = name or (word if not flag and FILE.fullmatch(word) else "")
            rest.append(word)
            n += 1
    return name, rest


def _launcher(before: tuple[str, ...]) -> bool:
    """Whether a flag still belongs to `accelerate launch`, whose own settings are no recipe."""
    return "launch" in before and not any(w.endswith(".py") or w == "-m" for w in before)


def _changes(words: Iterable[str], line: int) -> Iterator[tuple[list[str], str]]:
    for word in words:
        said = SET.fullmatch(word)
        keys = said["key"].replace("-", "_").split(".") if said else []
        if said and len(keys) <= DEEPEST:
            yield keys, said["value"]


def _file(name: str, path: Path | None) -> tuple[str, Mapping] | None:
    """The recipe's text and tree, if it lies where a launch line may mean it."""
    asked = Path(name)
    if path is None or asked.is_absolute() or ".." in asked.parts:
        return None
    home = path.resolve().parent
    for folder in (home, *list(home.parents)[:HIGHEST]):
        here = folder / asked
        if here.is_file() and here.stat().st_size <= LIMIT and here.resolve().is_relative_to(folder):
            text = here.read_text("utf-8", "replace")
            return text, yaml_safe.read(text, name, 1, LIMITS).mapping
    return None


def _shipped(name: str, line: int) -> tuple[str, Mapping] | None:
    """A configuration that ships with torchtune, as far as its name tells."""
    folder, _, file = name.removesuffix(".yaml").partition("/")
    model = SHIPPED.get(f"{folder}/{file.split('_')[0]}")
    if not model or NOT_SHIPPED.search(file):
        return None
    built = next(data for word, data in SHIPPED_DATA if word in file)
    lora = next((w for w in ("qlora", "lora", "qdora", "dora") if f"_{w}" in file), "")
    told = {"checkpointer.checkpoint_dir": model, "dataset._component_": f"torchtune.datasets.{built}",
            "model._component_": f"torchtune.models.{folder}.{lora}_{folder}",
            "output_dir": f"/tmp/torchtune/{folder}_{file}/run"}
    tree = Mapping((), line)
    for key, value in told.items():
        tree = _with(tree, key.split("."), value, line)
    return "", tree


def _with(tree: Mapping, keys: list[str], value: str, line: int) -> Mapping:
    """The tree with one dotted key set; `dataset=a.b` means the component where the map has one."""
    first, rest = keys[0], keys[1:]
    held = tree.get(first)
    if rest:
        node: Node = _with(held if isinstance(held, Mapping) else Mapping((), line), rest, value, line)
    elif isinstance(held, Mapping) and held.get("_component_") is not None:
        node = Mapping((Entry("_component_", line, Scalar(value, line)),), line)
    else:
        node = held if isinstance(held, Scalar) and held.text == value else Scalar(value, line)
    if held is None:
        return Mapping((*tree.entries, Entry(first, line, node)), tree.line)
    return Mapping(tuple(e._replace(value=node) if e.key == first else e for e in tree.entries), tree.line)
