"""Training, serving and synthesis recipes in YAML: many tools share the ending, so a file is known by its keys.

A file is parsed once, and only if a key of some tool stands at the beginning of a line; then every tool is asked in a
fixed order whether it knows the tree, and the first that does tells the claims. Merge recipes have their own reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from caveat.evidence import (
    axolotl,
    distilabel,
    kserve,
    llama_factory,
    mlmodel,
    open_instruct,
    torchtune,
    trl,
    yaml_safe,
)
from caveat.evidence.planned import Recipe
from caveat.evidence.source import text_of
from caveat.evidence.yaml_safe import Limits, Mapping
from caveat.lineage.claims import Evidence, Problem

NAMES = ("*.yaml", "*.yml", "MLmodel")
READS = "path"
LIMIT = 1 << 20
LIMITS = Limits(size=LIMIT, depth=30, nodes=50_000)
#: Documents of one file that are looked at: manifests of a cluster come many in one.
MOST_DOCUMENTS = 64


class Tool(NamedTuple):
    """One tool: its name, its keys, and how it knows and reads a tree."""

    name: str
    keys: tuple[str, ...]
    recognises: Callable[[Mapping], bool]
    claims_of: Callable[[Recipe], Evidence]


TOOLS: tuple[Tool, ...] = tuple(
    Tool(m.__name__.rsplit(".", 1)[-1], m.KEYS, m.recognises, m.claims_of)
    for m in (axolotl, torchtune, open_instruct, trl, llama_factory, distilabel, mlmodel, kserve)
)
WORTH = re.compile(r"^(?:" + "|".join(sorted({k for t in TOOLS for k in t.keys})) + r")[ \t]*:", re.MULTILINE)
DOCUMENT = re.compile(r"^---[^\n]*\n", re.MULTILINE)


def read(path: Path, file: str, asset: str) -> Evidence:
    """The claims of one YAML file; a file that no tool knows gives nothing, and is no problem either."""
    try:
        if path.stat().st_size > LIMIT:
            return Evidence()
    except OSError as error:
        return Evidence(problems=(Problem(file, f"cannot be opened: {error.strerror or error}"),))
    source = text_of(path, file, LIMIT)
    if not WORTH.search(source.text):
        return Evidence()
    return Evidence(problems=source.problems) + of_text(source.text, file, asset, path)


def of_text(text: str, file: str, asset: str, path: Path | None = None) -> Evidence:
    """The claims of the text of a recipe."""
    found = Evidence()
    for line, part in documents(text):
        tree = yaml_safe.read(part, file, line, LIMITS)
        if isinstance(tree.root, Mapping):
            tool = tool_of(tree.root)
            if tool:
                found += tool.claims_of(Recipe(tree.root, part, file, asset, path)) + Evidence(problems=tree.problems)
    return found


def tool_of(tree: Mapping) -> Tool | None:
    """The first tool that knows the tree."""
    return next((t for t in TOOLS if t.recognises(tree)), None)


def documents(text: str) -> list[tuple[int, str]]:
    """The documents of a file with the line on which each begins."""
    marks = [m for _, m in zip(range(MOST_DOCUMENTS), DOCUMENT.finditer(text))]
    if not marks:
        return [(1, text)]
    starts = [0, *(m.end() for m in marks)]
    ends = [*(m.start() for m in marks), len(text)]
    parts = ((text.count("\n", 0, a) + 1, text[a:b]) for a, b in zip(starts, ends))
    return [(line, part) for line, part in parts if WORTH.search(part)]
