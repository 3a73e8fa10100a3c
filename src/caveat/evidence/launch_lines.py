"""Launch lines in shell scripts, notebooks and docstrings: a run whose recipe is its command line.

    accelerate launch sft.py --model_name_or_path owner/name --dataset_name owner/data --use_peft
    llamafactory-cli train --stage sft ...      trl dpo --model_name_or_path ...
    torchrun finetune.py --base_model owner/name --data_path rows.json

The flags become the tree that a recipe file would have been, and the tools read that. Nothing is run: variables that
the script itself sets are followed, any other stays open and is said to be. A line that only names a recipe file says
nothing more than that file; one that changes some of it is read with `launch_config`.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.launch_config import Configured, configured
from caveat.evidence.planned import Recipe
from caveat.evidence.source import text_of
from caveat.evidence.yaml_safe import Entry, Mapping, Node, Scalar, Sequence
from caveat.lineage.claims import Claim, Evidence, Place, Problem, StepClaim

NAMES = ("*.sh", "*.bash", "*.slurm", "*.sbatch")
READS = "path"
LIMIT = 1 << 20
#: Lines of one command, and commands of one file.
LONGEST, MOST = 200, 200
STARTS = re.compile(
    r"\b(?:accelerate\s+launch|torchrun|deepspeed|python3?|srun|uv\s+run|trl|axolotl|llamafactory-cli"
    r"|llama-factory|tune\s+run)\b")
TRAINS = re.compile(
    r"fine_?tune|(?<!pre)train|pretrain|sft|dpo|orpo|kto|grpo|ppo|rloo|reward_model|distil|gkd|lora", re.IGNORECASE)
NO_TRAINING = re.compile(r"eval|infer|generat|predict|convert|export|server?\b|download|tokeniz", re.IGNORECASE)
SET = re.compile(
    r"^\s*(?:export\s+|declare\s+|local\s+)?(?P<name>[A-Za-z_]\w*)=(?P<value>\"[^\"\n]*\"|'[^'\n]*'|[^\s;#]*)")
USED = re.compile(r"\$\{(?P<long>[A-Za-z_]\w*)(?::?-(?P<default>[^}]*))?\}|\$(?P<short>[A-Za-z_]\w*)")
#: Flags of people's own scripts, as the keys of the tools.
SAME = {
    "base_model": "model_name_or_path", "model_id": "model_name_or_path", "model": "model_name_or_path",
    "model_name": "model_name_or_path", "base_model_name": "model_name_or_path", "model_path": "model_name_or_path",
    "pretrained_model_name_or_path": "model_name_or_path", "data_path": "dataset_name", "train_file": "dataset_name",
    "dataset_id": "dataset_name", "train_data": "dataset_name", "data": "dataset_name", "dataset": "dataset_name",
    "train_dataset": "dataset_name", "dataset_path": "dataset_name", "teacher_model": "teacher_model_name_or_path",
    "lora": "use_peft", "use_qlora": "use_peft", "qlora": "use_peft", "peft": "use_peft",
}
ENDS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "2>&1"})
EXAMPLE = "an example of a launch in the docstring"


class Command(NamedTuple):
    """One command: its words with variables filled in, and the line on which it begins."""

    words: tuple[str, ...]
    line: int


def read(path: Path, file: str, asset: str) -> Evidence:
    """The runs that one shell script starts; a script that trains nothing gives nothing."""
    if path.stat().st_size > LIMIT:
        return Evidence(problems=(Problem(file, f"larger than {LIMIT >> 20} MiB", None, "it was not read"),))
    source = text_of(path, file, LIMIT)
    return of_text(source.text, file, asset, path) if STARTS.search(source.text) else Evidence()


def of_text(text: str, file: str, asset: str, path: Path | None = None, first: int = 1) -> Evidence:
    """The claims of all launch lines of a text, each run once."""
    found: list[Evidence] = []
    for command in commands(text, first):
        run = configured(command.words, command.line, path)
        tree = tree_of(command)
        if run is not None:
            found.append(_changed(run, command.line, file, asset, path))
        elif tree is not None:
            found.append(_claims(tree, file, asset, path))
    together = sum(found, Evidence())
    return together._replace(claims=tuple(dict.fromkeys(together.claims)))


def _claims(tree: Mapping, file: str, asset: str, path: Path | None) -> Evidence:
    from caveat.evidence.recipe import tool_of

    tool = tool_of(tree) or tool_of(_plain(tree))
    if not tool:
        return Evidence()
    known = tree if tool_of(tree) else _plain(tree)
    said = tool.claims_of(Recipe(known, "", file, asset, path))
    return said._replace(claims=tuple(_detected(c) for c in said.claims))


def _changed(run: Configured, line: int, file: str, asset: str, path: Path | None) -> Evidence:
    """A recipe with some of it set anew: what the file says is placed there, what the line says on the line."""
    from caveat.evidence.recipe import tool_of

    tool = tool_of(run.run)
    if not tool:
        return Evidence()
    own = tool.claims_of(Recipe(run.base, run.text, run.file, asset, path)).claims if tool_of(run.base) == tool else ()
    places = {(c.act, c.parent): c.place for c in own if isinstance(c, StepClaim)} if run.text else {}
    said = tool.claims_of(Recipe(run.run, run.text, file, asset, path))
    return said._replace(claims=tuple(_placed(c, places, line) for c in said.claims))


def _placed(c: Claim, places: dict[tuple[str, str], Place], line: int) -> Claim:
    kept = places.get((c.act, c.parent)) if isinstance(c, StepClaim) else None
    return c._replace(place=kept) if kept else _detected(c._replace(place=c.place._replace(line=line)))


def _detected(c: Claim) -> Claim:
    key = f"--{c.place.key}" if c.place.key != "recipe" else "command"
    return c._replace(place=c.place._replace(kind="detected", key=key))


def _plain(tree: Mapping) -> Mapping:
    """People's own flags under the names that the tools know; the first of two wins."""
    entries = tuple(e._replace(key=SAME.get(e.key, e.key)) for e in tree.entries)
    return Mapping(entries, tree.line)


def of_docstring(text: str, file: str, asset: str, first: int) -> Evidence:
    """Examples that a script gives of its own use: weak, for nobody says that they were run."""
    said = of_text(text, file, asset, first=first) if STARTS.search(text) else Evidence()
    return said._replace(claims=tuple(map(_weak, said.claims)))


def _weak(c: Claim) -> Claim:
    place = c.place._replace(weak=c.place.weak or EXAMPLE)
    return c._replace(place=place, by="") if isinstance(c, StepClaim) else c._replace(place=place)


def magics(cell: str) -> str:
    """A notebook's cell with only what it hands to a shell; other lines are empty, so that lines stay countable."""
    lines = cell.split("\n")
    if lines[0].strip().split(" ")[0] in ("%%bash", "%%sh", "%%shell"):
        return "\n".join(["", *lines[1:]])
    kept, going = [], False
    for line in lines:
        shell = going or line.lstrip().startswith("!")
        kept.append(line.lstrip().removeprefix("!") if shell else "")
        going = shell and line.rstrip().endswith("\\")
    return "\n".join(kept)


# Commands.


def commands(text: str, first: int = 1) -> Iterator[Command]:
    """The commands of a text that train something, lines that go on joined, variables filled in."""
    known: dict[str, str] = {}
    found = 0
    for line, joined in _joined(text):
        setting = SET.match(joined)
        if setting and not STARTS.search(joined[setting.end():]):
            known[setting["name"]] = _filled(setting["value"].strip("\"'"), known)
            continue
        if STARTS.search(joined) and TRAINS.search(joined) and found < MOST:
            words = _words(_filled(joined, known))
            if words:
                found += 1
                yield Command(words, first + line)


def _joined(text: str) -> Iterator[tuple[int, str]]:
    """Lines with those that end in a backslash put together; comments inside are left out."""
    parts: list[str] = []
    start = 0
    for number, line in enumerate(text.split("\n")):
        bare = line.strip()
        if bare.startswith("#"):
            continue
        start = start if parts else number
        parts.append(bare.rstrip("\\"))
        if not bare.endswith("\\") or len(parts) >= LONGEST:
            yield start, " ".join(parts)
            parts = []
    if parts:
        yield start, " ".join(parts)


def _filled(text: str, known: dict[str, str]) -> str:
    """Variables that the script has set, and defaults; others stay as they are."""
    def value(m: re.Match[str]) -> str:
        name = m["long"] or m["short"]
        return known.get(name) or m["default"] or m[0]

    return USED.sub(value, text)[:40_000]


def _words(line: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(line, comments=True))
    except ValueError:
        return tuple(line.split())


# Trees.


def tree_of(command: Command) -> Mapping | None:
    """The flags behind the program that trains, as a map; None if the command trains nothing."""
    start = next((n for n, w in enumerate(command.words) if _is_program(w, command.words[n - 1] if n else "")), None)
    if start is None:
        return None
    program = " ".join(command.words[start:start + 2])
    entries = list(_flags(command.words[start + 1:], command.line))
    if "lora" in program.lower():
        entries.append(Entry("use_peft", command.line, Scalar("true", command.line)))
    return Mapping(tuple(entries), command.line) if entries else None


def _is_program(word: str, before: str) -> bool:
    """A script or module whose name says that it trains, or the command of a tool."""
    if word in ("trl", "llamafactory-cli", "llama-factory"):
        return True
    leaf = word.rsplit("/", 1)[-1]
    named = word.endswith(".py") or before == "-m"
    return bool(named and TRAINS.search(leaf) and not NO_TRAINING.search(leaf))


def _flags(words: tuple[str, ...], line: int) -> Iterator[Entry]:
    """`--flag value ...`, `--flag=value`, a flag alone (true), and `key=value` as hydra writes it."""
    n = 0
    while n < len(words) and words[n] not in ENDS:
        word = words[n]
        n += 1
        if not word.startswith("--"):
            continue
        key, given, value = word[2:].partition("=")
        values = [value] if given else []
        while not given and n < len(words) and not words[n].startswith("-") and words[n] not in ENDS:
            values.append(words[n])
            n += 1
        yield Entry(key.replace("-", "_"), line, _node(values, line))


def _node(values: list[str], line: int) -> Node:
    if len(values) > 1:
        return Sequence(tuple(Scalar(v, line) for v in values), line)
    return Scalar(values[0] if values else "true", line)
