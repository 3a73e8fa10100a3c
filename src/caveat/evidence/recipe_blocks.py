"""Finds the recipes that people paste into cards: mergekit and Axolotl YAML, in fences, in details, or bare.

A recipe is the best evidence there is of how a model was made, and it often names parents that the front matter
leaves out. Folders of the writer's disk are parents too: matched with the names the card knows, or said as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence import mergekit, yaml_safe
from caveat.evidence.repo_names import is_local, match_folder, repo_id
from caveat.evidence.source import place
from caveat.evidence.yaml_safe import Limits, Mapping, Node, Scalar, Sequence, scalars
from caveat.lineage.claims import Evidence, Problem, StepClaim

LIMITS = Limits(size=200_000, depth=20, nodes=20_000)
BODY_LIMIT = 400_000
BLOCKS_LIMIT = 50
FOLDER = "a folder on its maker's disk, not a public name"
NOT_LISTED = "a recipe in the card names it, the list of bases in the front matter does not"
ONLY_BASE = "named as base_model, not among the models merged"
#: Methods in which base_model only lends its settings, unless it is among the sources as well.
BASE_IS_A_SOURCE = frozenset({"slerp", "linear", "passthrough"})
RECIPE_KEY = re.compile(r"^[ \t]*(?:- )?(?:merge_method|slices|models|experts|base_model)[ \t]*:", re.MULTILINE)
AXOLOTL_KEYS = frozenset({
    "datasets", "adapter", "sequence_len", "micro_batch_size", "load_in_8bit", "load_in_4bit", "num_epochs",
})


class Block(NamedTuple):
    """Text that may be a recipe, and the line of the file on which it begins."""

    text: str
    line: int


class _Step(NamedTuple):
    act: str
    written: str
    line: int
    key: str
    weak: str = ""


def read(text: str, file: str, asset: str, known: tuple[str, ...] = (), first_line: int = 1,
         listed: tuple[str, ...] = ()) -> Evidence:
    """Steps in all recipes of a card's body.

    `known` are the ids that the card names elsewhere, `listed` those that its front matter gives as bases: a recipe
    of several stages names its own intermediates, which are weak parents of the result.
    """
    text = text[:BODY_LIMIT]
    claims: list[StepClaim] = []
    problems: list[Problem] = []
    for block in blocks(text, first_line):
        for steps in _recipes(block, file, problems):
            claims += _claims(steps, file, asset, known, listed)
    claims += _claims(list(_commands(text, first_line)), file, asset, known, listed)
    return Evidence(claims=tuple(claims), problems=tuple(problems))


def blocks(text: str, first_line: int = 1) -> list[Block]:
    """Fenced and indented code that holds a recipe's key, then recipes that stand bare in the text."""
    if not RECIPE_KEY.search(text) and "layer_range" not in text:
        return []
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").parse(text)
    code = [t for t in tokens if t.type in ("fence", "code_block") and t.map and RECIPE_KEY.search(t.content)]
    found = [Block(t.content, first_line + t.map[0] + (t.type == "fence")) for t in code if t.map]
    covered = {n for t in tokens if t.type in ("fence", "code_block") and t.map and RECIPE_KEY.search(t.content)
               for n in range(*t.map)}
    return (found + list(_bare(text, covered, first_line)))[:BLOCKS_LIMIT]


_BARE_LINE = re.compile(
    r"^\s*(?:- )?(?:slices|sources|models?|source_model|layer_range|merge_method|base_model|parameters|weight|density"
    r"|dtype|experts|gate_mode|t|value|filter|positive_prompts|tokenizer_source|adapter|datasets|path|type)\s*:")


def _bare(text: str, covered: set[int], first_line: int) -> Iterator[Block]:
    """Runs of recipe lines outside code: at least two that name models, or a merge method."""
    run: list[tuple[int, str]] = []
    for number, line in enumerate([*text.split("\n"), "end"]):
        if number not in covered and (_BARE_LINE.match(line) or not line.strip()):
            run.append((number, line))
            continue
        block = "\n".join(x for _, x in run)
        if re.search(r"^[ \t]*(?:- )?(?:merge_method|layer_range)[ \t]*:", block, re.MULTILINE):
            yield Block(block, first_line + run[0][0])
        run = []


def _recipes(block: Block, file: str, problems: list[Problem]) -> Iterator[list[_Step]]:
    line = block.line
    for part in re.split(r"^---[ \t]*$", block.text, flags=re.MULTILINE):
        tree = yaml_safe.read(part, file, line, LIMITS)
        steps = steps_of(tree.mapping)
        if not steps and (tree.problems or isinstance(tree.root, Sequence)):
            steps = _by_lines(part, line)
        if steps:
            problems += tree.problems
            yield steps
        line += part.count("\n")


def steps_of(recipe: Mapping) -> list[_Step]:
    """Steps of one recipe as a tree: mergekit, mergekit-moe or Axolotl; nothing if it is neither."""
    keys = set(recipe.keys())
    if keys & {"merge_method", "slices", "experts"} or {"models", "base_model"} <= keys:
        return list(_mergekit(recipe))
    if "base_model" in keys and keys & AXOLOTL_KEYS:
        return list(_axolotl(recipe))
    return []


def _mergekit(recipe: Mapping) -> Iterator[_Step]:
    """What the reader of merge recipes finds; a base_model that is not merged is weak."""
    named = list(mergekit.named_in(recipe))
    merged = {n.written for n in named if n.key != "base_model"}
    lends = recipe.text("merge_method") in BASE_IS_A_SOURCE and merged
    for n in named:
        weak = ONLY_BASE if lends and n.key == "base_model" and n.written not in merged else ""
        yield _Step("adapt" if n.adapter else "merge", n.written, n.line, n.key, weak)


def _axolotl(recipe: Mapping) -> Iterator[_Step]:
    base = recipe.get("base_model")
    tuned = "adapt" if recipe.text("adapter").lower() in ("lora", "qlora") else "finetune"
    if isinstance(base, Scalar) and not base.null:
        yield _Step(tuned, base.text, base.line, "base_model")
    for key in ("datasets", "pretraining_dataset"):
        yield from (_Step("train", s.text, s.line, path) for path, s in _paths(recipe.get(key), key))


def _paths(node: Node | None, key: str) -> Iterator[tuple[str, Scalar]]:
    """The `path` of each data set; `path: json` with files of its own names no data set."""
    for path, scalar in scalars(node, key):
        if (path.endswith(".path") or path == key) and scalar.text not in ("json", "csv", "parquet", "text"):
            yield path, scalar


_BY_LINE = re.compile(
    r"^[ \t]*(?:- )?(?:source_)?(?P<key>model|base_model)[ \t]*:[ \t]*(?P<name>[^\s#]+)", re.MULTILINE)


def _by_lines(text: str, first_line: int) -> list[_Step]:
    """What the lines say where the block is no YAML as a whole (the head was not copied)."""
    return [_Step("merge", m["name"].strip("\"'"), first_line + text[:m.start()].count("\n"), m["key"])
            for m in _BY_LINE.finditer(text)]


_COMMAND = re.compile(
    r"(?:^|[\s/])(?:finetune|fine_tune|train|sft|dpo|orpo|run_sft|run_dpo)\w{0,40}\.py\b(?P<rest>(?:[^\n]*\\\s*\n){0,60}[^\n]*)",
    re.IGNORECASE)
_BASE_FLAG = re.compile(r"--(?:base_model|model_name_or_path|base_model_name)[= ]+['\"]?(?P<name>[\w./-]+)")


def _commands(text: str, first_line: int) -> Iterator[_Step]:
    """`python finetune.py --base_model='owner/name'`: the command that was run, where its script is for training."""
    for command in _COMMAND.finditer(text):
        flag = _BASE_FLAG.search(command["rest"])
        if flag and repo_id(flag["name"]) and "/" in flag["name"]:
            at = text.count("\n", 0, command.start("rest") + flag.start("name"))
            tuned = "adapt" if "lora" in command["rest"].lower() else "finetune"
            yield _Step(tuned, flag["name"], first_line + at, "command")


def _claims(steps: list[_Step], file: str, asset: str, known: tuple[str, ...],
            listed: tuple[str, ...]) -> Iterator[StepClaim]:
    seen: set[tuple[str, str]] = set()
    bases = {b.lower() for b in listed}
    for step in steps:
        parent = repo_id(step.written) or match_folder(step.written, known) or step.written.strip()
        apart = NOT_LISTED if bases and step.act != "train" and parent.lower() not in bases else ""
        weak = FOLDER if is_local(step.written) and parent == step.written.strip() else step.weak or apart
        if parent and (step.act, parent) not in seen and parent.lower() != asset.lower():
            seen.add((step.act, parent))
            yield StepClaim(asset, step.act, parent, place(file, step.line, step.key, step.written, weak=weak))
