"""A planned run as claims: what a recipe is going to make, from which parts, each with the line that names it.

Tools differ in their keys and nothing else; they hand over `Part`s, and here these become steps that are yours.
What lies on somebody's disk, or is only put together when the run starts, stays a parent of unknown origin: it is
named, told as a problem, and never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.repo_names import is_local, repo_id
from caveat.evidence.source import place
from caveat.evidence.yaml_safe import Mapping, Node, Scalar, Sequence
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

YOU = "you"
#: Builders of `load_dataset` that read files of one's own: the files are the data, not the builder.
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow", "pandas", "imagefolder", "audiofolder", "webdataset"})
#: First words of two-part paths that are folders of a project and no owners on the hub.
FOLDERS = frozenset("data datasets dataset saves runs experiments exp logs cache out ckpt".split())
#: Stores that nobody but their owner can look into.
STORE = re.compile(r"^(?!https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)(?!hf:|hub:|datasets:)[a-z][a-z0-9+.-]*://")
#: What is filled in when the run starts; `${a.b}` may stand elsewhere in the same file.
OPEN = re.compile(r"\$\{[^}]*\}|\{\{.*?\}\}|\$[A-Za-z_]\w*|<[A-Z][A-Za-z_ -]*>")
REFERENCE = re.compile(r"\$\{([\w.]{1,80})\}")
#: Words of folder and file names that do not say what is made.
DULL = frozenset((
    "result results output outputs out dir checkpoint checkpoints ckpt ckpts tmp temp model models saved save saves "
    "logs run runs trainer train training test finetune finetuned ft full lora qlora dora sft dpo kto orpo ppo rm pt "
    "grpo reward adapter adapters freeze config default recipe final best single device distributed merged export "
    "exported pretrain data mca mbridge quantization quantized my new asft oft qoft relora bnb awq gptq gpu multi "
    "node fsdp").split())
ON_DISK = "a folder or file on somebody's disk: what lies there, nobody else can look up"
AT_RUN_TIME = "known only when the run starts"


class Recipe(NamedTuple):
    """One recipe that was parsed: its tree, its text (for what stands in comments), and where it lies."""

    tree: Mapping
    text: str
    file: str
    asset: str
    path: Path | None = None


class Part(NamedTuple):
    """One thing that goes into the run: the act, the name as written, where, and what is told beside it."""

    act: str
    written: str
    line: int | None
    key: str
    told: str = ""  # split, columns, share: "train_sft, column messages"
    kind: str = "declared"
    weak: str = ""
    column: str = ""


def evidence(recipe: Recipe, parts: Iterable[Part], child: str = "", target: str = "",
             makes: str = "model") -> Evidence:
    """The claims of one recipe: the thing made, and a step for each part. Nothing is claimed if there is no part."""
    child = child or child_of(recipe)
    steps: list[StepClaim] = []
    problems: list[Problem] = []
    for part in dict.fromkeys(parts):
        step = _step(recipe, part, child)
        if step.parent and step.parent != child:
            steps.append(step)
            problems += _unknown(step)
    if not steps:
        return Evidence()
    first = place(recipe.file, steps[0].place.line, "recipe", child)
    claims: list[Claim] = [AssetClaim(child, "kind", makes, first)]
    claims += [AssetClaim(child, "target", target, first)] if target else []
    claims += _written_to(recipe, child) if makes == "model" else []
    return Evidence(claims=(*claims, *dict.fromkeys(steps)), problems=tuple(dict.fromkeys(problems)))


def _written_to(recipe: Recipe, child: str) -> list[Claim]:
    """The folder that the run writes to, as another name of what it makes: a later recipe may start from there."""
    for key in ("export_dir", "output_dir"):
        for path, s in scalars_at(recipe.tree, key):
            folder = filled(s.text, recipe.tree).strip()
            if not OPEN.search(folder):
                return [AssetClaim(child, "alias", folder, place(recipe.file, s.line, path, s.text))]
    return []


def _step(recipe: Recipe, part: Part, child: str) -> StepClaim:
    written = filled(part.written.strip(), recipe.tree)
    computed = bool(OPEN.search(written))
    parent = written if computed or on_disk(written) else repo_id(written) or written
    weak = part.weak or (AT_RUN_TIME if computed else ON_DISK if parent == written and on_disk(written) else "")
    quote = f"{part.written} ({part.told})" if part.told else part.written
    where = place(recipe.file, part.line, part.key, quote, part.kind, weak)
    return StepClaim(child, part.act, parent, where, YOU, column=part.column, computed=computed)


def _unknown(step: StepClaim) -> list[Problem]:
    if step.place.weak not in (ON_DISK, AT_RUN_TIME):
        return []
    return [Problem(step.place.file, step.place.weak, step.place.line,
                    f"{step.place.key}: {step.parent[:120]} stays of unknown origin")]


def on_disk(written: str) -> bool:
    """Whether a name is a folder, a file or a store that only its owner can look into."""
    if STORE.match(written):
        return True
    plain = re.sub(r"^(?:hf|hub)://(?:datasets/)?", "", written).split("@")[0]
    if plain != written.split("@")[0]:
        return False
    return is_local(written) or ("/" in written and written.split("/")[0].lower() in FOLDERS)


def filled(written: str, tree: Mapping) -> str:
    """`${a.b}` replaced by what stands there in the same file; other openings are left as they are."""
    for _ in range(4):
        again = REFERENCE.sub(lambda m: _looked_up(tree, m[1]) or m[0], written)[:400]
        if again == written:
            break
        written = again
    return written


def _looked_up(tree: Mapping, dotted: str) -> str:
    here: Node | None = tree
    for key in dotted.split("."):
        here = here.get(key) if isinstance(here, Mapping) else None
    return here.text if isinstance(here, Scalar) and not here.null else ""


# What is made.


def child_of(recipe: Recipe, hub: tuple[str, ...] = ("hub_model_id", "export_hub_model_id", "push_to_hub_model_id"),
             folders: tuple[str, ...] = ("export_dir", "output_dir")) -> str:
    """The name of what is made: a hub id, else an output folder or a file name that says something."""
    for key in hub:
        name = filled(recipe.tree.text(key), recipe.tree)
        if name and not OPEN.search(name):
            return name
    for key in folders:
        leaf = re.split(r"[/\\]", filled(recipe.tree.text(key), recipe.tree).rstrip("/\\"))[-1]
        if leaf and not OPEN.search(leaf) and not dull(leaf):
            return leaf
    return file_name(recipe)


def file_name(recipe: Recipe) -> str:
    """The file's own name, with its folder's where it says nothing by itself."""
    stem = recipe.file.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    if not dull(stem):
        return stem
    folder = recipe.path.resolve().parent.name if recipe.path else recipe.asset
    return f"{folder}-{stem}" if folder else stem


def dull(name: str) -> bool:
    """Whether a name is made of words that stand in every project."""
    words = re.split(r"[-_. ]+", name.lower())
    return all(w in DULL or re.fullmatch(r"v?\d*[bk]?", w) for w in words)


# Reading of trees.


def under(tree: Mapping, act: str, *keys: str, told: str = "", weak: str = "") -> Iterator[Part]:
    """The scalar or scalars under each key; a dotted key goes into maps."""
    for key in keys:
        yield from (Part(act, s.text, s.line, k, told, weak=weak) for k, s in scalars_at(tree, key))


def scalars_at(tree: Mapping, key: str) -> Iterator[tuple[str, Scalar]]:
    here: Node | None = tree
    for word in key.split("."):
        here = here.get(word) if isinstance(here, Mapping) else None
    for n, value in enumerate(here.values if isinstance(here, Sequence) else (here,)):
        if isinstance(value, Scalar) and not value.null and value.text.strip():
            yield (f"{key}[{n}]" if isinstance(here, Sequence) else key), value


def maps_at(tree: Mapping, key: str) -> Iterator[tuple[str, Mapping]]:
    """The maps of a list under a key, or the one map there, each with its path."""
    here: Node | None = tree
    for word in key.split("."):
        here = here.get(word) if isinstance(here, Mapping) else None
    if isinstance(here, Mapping):
        yield key, here
    elif isinstance(here, Sequence):
        yield from ((f"{key}[{n}]", v) for n, v in enumerate(here.values) if isinstance(v, Mapping))


def told_of(item: Mapping, *keys: str) -> str:
    """Split, configuration and columns of a data set as one remark."""
    return ", ".join(f"{k} {' + '.join(v[:6])}" for k in keys for v in [item.strings(k)] if v)


def joined(*words: str) -> str:
    """The remarks that there are, with commas."""
    return ", ".join(filter(None, words))


def has(tree: Mapping, key: str) -> bool:
    """Whether something stands under the key; `key: null` is nothing."""
    value = tree.get(key)
    return value is not None and not (isinstance(value, Scalar) and value.null)


def truth(tree: Mapping, key: str) -> bool:
    return tree.text(key).strip().lower() in ("true", "yes", "on", "1")


def scored(recipe: Recipe, child: str, judges: Iterable[Part]) -> Evidence:
    """What reward models and judges mark, and the model that learns from the marks: a set of answers in between."""
    judges = list(judges)
    if not judges:
        return Evidence()
    answers = f"answers of {child}, scored"
    marks = evidence(recipe, judges, answers, makes="dataset")
    where = place(recipe.file, judges[0].line, judges[0].key, judges[0].written)
    learned = StepClaim(child, "train", answers, where, YOU)
    own = AssetClaim(answers, "own", "yes", where)
    return marks + Evidence(claims=(own, learned))
