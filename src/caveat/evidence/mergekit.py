"""Merge recipes of mergekit: which models were blended, sliced or routed into one.

A merge names its parents outright, so it is the best evidence of lineage there is; the traps are below.

    models: [{model: A}, ...]            blended
    slices: [{sources: [{model: A, layer_range: [0, 24]}, ...]}, ...]      stacked layers
    base_model: A                        the trunk, a parent as well (of a mixture: where attention comes from)
    experts: [{source_model: A}, ...]    mixture of experts
    modules: {text_decoder: {slices | models}}                             newer, nested

Traps: `tokenizer_source` and `tokenizer.source` lend a vocabulary and are no parents; one model listed many times
is a self-merge with one parent; a model may be written `base+adapter`, with `@revision`, as a map
(`{model: {model: {path: A}, lora: B}}`), or as a folder on the writer's disk, which nobody else can look up;
`base_model: model_a` is a placeholder; several documents in one file are several merges.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence import yaml_safe
from caveat.evidence.repo_names import is_local, match_folder
from caveat.evidence.source import place, text_of
from caveat.evidence.yaml_safe import Mapping, Node, Scalar, Sequence
from caveat.lineage.claims import AssetClaim, Evidence, Place, Problem, StepClaim

NAMES = ("*.yaml", "*.yml")
READS = "bytes"
LIMIT = 1 << 20

#: Keys that only a merge recipe has together with a list of models.
METHOD_KEYS = ("merge_method", "gate_mode", "experts_per_token", "experts")
PARENT_KEYS = ("model", "base_model", "source_model")
NO_PARENTS = ("tokenizer_source", "tokenizer", "parameters", "positive_prompts", "negative_prompts", "chat_template")
DOCUMENT = re.compile(r"^---\s*$", re.MULTILINE)
#: How deep parents are looked for.
DEEPEST = 12


class Named(NamedTuple):
    """One model named in a recipe: as written, the line, the path of keys, and whether it is an adapter."""

    written: str
    line: int
    key: str
    adapter: bool = False


def is_recipe(tree: Node | None) -> bool:
    """Whether a YAML tree is a merge recipe."""
    if not isinstance(tree, Mapping):
        return False
    keys = set(tree.keys())
    lists = keys & {"models", "slices", "experts", "modules"}
    return bool(lists and (keys & set(METHOD_KEYS)))


def read(data: bytes, file: str, asset: str) -> Evidence:
    """The merges of one YAML file; a file that is no merge recipe gives nothing."""
    source = text_of(data, file)
    if not re.search(r"^\s*(?:merge_method|gate_mode|experts)\s*:", source.text, re.MULTILINE):
        return Evidence()
    found = Evidence(problems=source.problems)
    for start, text in _documents(source.text):
        tree = yaml_safe.read(text, file, start)
        found += claims_of(tree.root, file, asset) + Evidence(problems=tree.problems)
    return found


def claims_of(tree: Node | None, file: str, asset: str) -> Evidence:
    """The claims of one merge recipe that is already a tree; nothing if it is none."""
    if not is_recipe(tree):
        return Evidence()
    assert isinstance(tree, Mapping)
    method = tree.text("merge_method", "mixture of experts")
    named = tuple(sorted(dict.fromkeys(named_in(tree)), key=lambda n: n.line))
    if not named:
        return Evidence(problems=(Problem(file, "a merge recipe that names no model", tree.line),))
    steps = tuple(_step(n, named, file, asset, method) for n in named)
    kind = AssetClaim(asset, "kind", "model", place(file, tree.line, "merge_method", method))
    return Evidence(claims=(kind, *_once(steps)))


def named_in(tree: Mapping) -> Iterator[Named]:
    """Every model that a recipe takes weights from, each as often as it stands there."""
    stack: list[tuple[str, Node, int]] = [("", tree, 0)]
    while stack:
        path, node, depth = stack.pop()
        if depth > DEEPEST:
            continue
        below: list[tuple[str, Node, int]] = []
        if isinstance(node, Sequence):
            below = [(f"{path}[{i}]", v, depth + 1) for i, v in enumerate(node.values)]
        elif isinstance(node, Mapping):
            for e in node.entries:
                key = f"{path}.{e.key}" if path else e.key
                if e.key in PARENT_KEYS:
                    yield from _names(e.value, key)
                elif e.key not in NO_PARENTS:
                    below.append((key, e.value, depth + 1))
        stack.extend(reversed(below))


def _names(value: Node, key: str) -> Iterator[Named]:
    """The model, and the adapter if there is one, under a key."""
    if isinstance(value, Scalar) and not value.null:
        base, _, adapter = value.text.partition("+")
        yield Named(_plain(base), value.line, key)
        if adapter:
            yield Named(_plain(adapter), value.line, key, True)
    elif isinstance(value, Mapping):
        for inner, is_adapter in (("model", False), ("path", False), ("lora", True), ("adapter", True)):
            for n in _names(value.get(inner) or Sequence((), value.line), f"{key}.{inner}"):
                yield n._replace(adapter=n.adapter or is_adapter)


def _plain(written: str) -> str:
    """A model name without its revision."""
    text = written.strip()
    return text if is_local(text) else text.split("@")[0]


def _step(n: Named, named: tuple[Named, ...], file: str, asset: str, method: str) -> StepClaim:
    others = tuple(o.written for o in named if not is_local(o.written))
    parent = (match_folder(n.written, others) or n.written) if is_local(n.written) else n.written
    weak = "a folder on the writer's disk" if is_local(parent) else ""
    weak = weak or ("" if "/" in parent else "a placeholder or a name without owner")
    where: Place = place(file, n.line, n.key, f"{n.written} ({method})", weak=weak)
    return StepClaim(asset, "adapt" if n.adapter else "merge", parent, where)


def _once(steps: tuple[StepClaim, ...]) -> tuple[StepClaim, ...]:
    """Each parent once, at its first place: layers of one model taken many times are one parent."""
    first: dict[tuple[str, str], StepClaim] = {}
    for s in steps:
        first.setdefault((s.act, s.parent), s)
    return tuple(first.values())


def _documents(text: str) -> Iterator[tuple[int, str]]:
    """The documents of a file with the line on which each begins; at most 64."""
    start = 0
    for _, mark in zip(range(64), DOCUMENT.finditer(text)):
        if text[start:mark.start()].strip():
            yield text.count("\n", 0, start) + 1, text[start:mark.start()]
        start = mark.end() + 1
    if text[start:].strip():
        yield text.count("\n", 0, start) + 1, text[start:]
