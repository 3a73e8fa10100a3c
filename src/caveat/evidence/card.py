"""Reads a model or data set card of the Hugging Face form (README.md with YAML front matter) into claims.

Format: https://huggingface.co/docs/hub/model-cards. Traps that are handled: line ends doubled by a crawl, blank lines
before the dashes, dashes never closed, a block below prose, `licence:`, lists of licences (all at once), null items,
upper case and full names, a whole agreement in extra_gated_prompt (the gate, not the body), labels that a template
wrote (weak), data sets copied from the base's card by quantizers and mergers (weak), parents as bare tags
(LazyMergekit), recipes pasted into the body, the original's card quoted below (not read).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from caveat.evidence import card_licence, card_marks, card_prose, front_matter, generated, licence_words, recipe_blocks
from caveat.evidence.card_acts import RELATIONS, Act, act_of, words_of
from caveat.evidence.card_prose import Line, Step
from caveat.evidence.licence_words import Words
from caveat.evidence.repo_names import ID, is_local, repo_id
from caveat.evidence.source import TEXT_LIMIT, Source, place, text_of
from caveat.evidence.targets import LIBRARIES, MULTIMODAL, PIPELINES, REWARD_TAGS
from caveat.evidence.yaml_safe import Mapping, Scalar, scalars
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

NAMES = ("README.md", "readme.md", "Readme.md", "README.MD", "README*.md", "MODEL_CARD.md", "model_card.md")
READS = "bytes"
LIMIT = TEXT_LIMIT

DATASET_KEYS = frozenset({
    "task_categories", "dataset_info", "source_datasets", "size_categories", "annotations_creators",
    "language_creators", "task_ids", "multilinguality", "configs", "paperswithcode_id",
})
MODEL_KEYS = frozenset({
    "base_model", "library_name", "pipeline_tag", "model-index", "base_model_relation", "quantized_by", "model_name",
    "widget", "inference", "datasets",
})
#: A name that ends in a number of parameters is a model's, whatever one key of its card says.
SIZE = re.compile(r"[-_.]\d{1,2}(?:\.\d)?b(?=$|[-_.])", re.IGNORECASE)
#: Acts that do not train: what such a card lists as data was the parent's.
NOT_TRAINING = frozenset({"quantize", "convert", "copy", "merge", "prune"})
COPIED = "the data of what it was made from, copied with the card"
PROMPTS = "the body says that only its prompts were used"
OTHER_BASE = "the front matter names another base"
#: Names read under one key, and names taken from one of them that is several joined by slashes. More is told.
ITEMS_LIMIT, JOINED_LIMIT = 500, 20
BASE_KEYS = ("base_model", "base_models", "model_link")


@dataclass(frozen=True, slots=True)
class _Card:
    """One card, cut and looked at once: everything that the parts below need."""

    file: str
    asset: str
    kind: str
    front: Mapping
    body: str
    body_line: int
    lines: list[Line]
    prose: list[Step]
    bases: tuple[tuple[str, Scalar, str], ...]  # key, scalar, id
    weak: str


def read(source: Source, file: str, asset: str, words: Words | None = None) -> Evidence:
    """All that one card says of `asset`; `words` is the licence table (default: the one that ships)."""
    text, problems = text_of(source, file)
    cut = front_matter.split(text, file)
    card = _look(cut, file, asset)
    table = words or licence_words.table()
    licence = card_licence.read(card.front, card.lines, card.body, file, asset, table, card.weak)
    bases = tuple(p for _, _, p in card.bases)
    data = tuple(_data(card))
    recipes = recipe_blocks.read(card.body, file, asset, _known(card), card.body_line, bases)
    claims: list[Claim] = [
        *_assets(card), *licence.claims, *_bases(card), *data, *_tags(card), *_columns(card), *_prose(card),
        *generated.of_front(card.front, file, asset), *recipes.claims,
        *card_marks.read(card.front, card.lines, file, asset, bases,
                         tuple(c.parent for c in data)),
    ]
    told = (*problems, *cut.problems, *licence.problems, *recipes.problems, *_problems(card, claims))
    return Evidence(claims=tuple(claims), problems=told)


def _look(cut: front_matter.Card, file: str, asset: str) -> _Card:
    kind = kind_of(cut.front, file, asset)
    lines = card_prose.lines_of(cut.body, cut.body_line)
    prose = card_prose.steps(lines, asset, kind)
    return _Card(file, asset, kind, cut.front, cut.body, cut.body_line, lines, prose, _base_items(cut.front), cut.weak)


def kind_of(front: Mapping, file: str, asset: str) -> str:
    """model or dataset: from the path, else from the keys that only one sort of card has."""
    if re.search(r"(?:^|[/\\])datasets?[/\\]", f"{file}\n{asset}"):
        return "dataset"
    keys = set(front.keys())
    if SIZE.search(asset) and keys & DATASET_KEYS <= {"task_categories"}:
        return "model"
    return "dataset" if len(keys & DATASET_KEYS) > len(keys & MODEL_KEYS) else "model"


def _base_items(front: Mapping) -> tuple[tuple[str, Scalar, str], ...]:
    """Bases in the front matter; "a, b" in one string is two."""
    found: list[tuple[str, Scalar, str]] = []
    for key in BASE_KEYS:
        for path, scalar in list(scalars(front.get(key), key))[:ITEMS_LIMIT]:
            names = [n for n in re.split(r"[,;]\s*|\s+\+\s+", scalar.text.strip()) if n][:ITEMS_LIMIT]
            found += [(path, scalar, repo_id(n) or n.strip()) for n in names]
    found = found[:ITEMS_LIMIT]
    return tuple({f[2].lower(): f for f in reversed(found)}.values())[::-1]


def _known(card: _Card) -> tuple[str, ...]:
    return (*(p for _, _, p in card.bases), *(s.parent for s in card.prose))


def _assets(card: _Card) -> Iterator[AssetClaim]:
    """Kind, target, maker."""
    sure = bool(set(card.front.keys()) & (DATASET_KEYS | MODEL_KEYS))
    yield AssetClaim(card.asset, "kind", card.kind, place(card.file, 1, "", "", "declared" if sure else "inferred"))
    words = words_of(card.front)
    for key, table in (("pipeline_tag", PIPELINES), ("library_name", LIBRARIES)):
        said = card.front.get(key)
        if card.kind == "model" and isinstance(said, Scalar) and (target := table.get(said.text.lower())):
            target = "reward-model" if words & REWARD_TAGS and target == "classifier" else target
            yield AssetClaim(card.asset, "target", target, place(card.file, said.line, key, said.text))
            if said.text.lower() in MULTIMODAL:
                yield AssetClaim(card.asset, "multimodal", "yes", place(card.file, said.line, key, said.text))
            break
    yield from _makers(card)


def _makers(card: _Card) -> Iterator[AssetClaim]:
    base, quantizer = (card.bases[0][2] if card.bases else ""), card.front.text("quantized_by")
    for key, whose in (("quantized_by", card.asset), ("model_creator", base)):
        said = card.front.get(key)
        if whose and isinstance(said, Scalar) and not said.null and (whose != base or said.text != quantizer):
            yield AssetClaim(whose, "maker", said.text, place(card.file, said.line, key, said.text))


def _act(card: _Card, parent: str) -> Act:
    """The act of one base; where nothing in the front matter says it, the body may."""
    act = act_of(card.front, card.asset, parent, len(card.bases))
    if act.reason.startswith(("nothing", "the tag merge")):
        said = next((s for s in card.prose if s.parent.lower() == parent.lower() and s.act != "train"), None)
        return Act(said.act, "detected", "the body") if said and said.act in RELATIONS.values() else act
    return act


def _bases(card: _Card) -> Iterator[StepClaim]:
    if card.kind != "model":
        return
    by = card.front.text("quantized_by")
    for key, scalar, parent in card.bases:
        if parent.lower() != card.asset.lower():
            act = _act(card, parent)
            yield StepClaim(card.asset, act.act, parent,
                            place(card.file, scalar.line, key, scalar.text, act.kind, card.weak),
                            by if act.act == "quantize" else "")


def _main_act(card: _Card) -> str:
    if card.bases:
        return _act(card, card.bases[0][2]).act
    return next((s.act for s in card.prose if s.act != "train"), act_of(card.front, card.asset, "", 0).act)


def _data(card: _Card) -> Iterator[StepClaim]:
    """datasets -> train (of a model), mix (of a data set); source_datasets -> mix."""
    weak = COPIED if card.kind == "model" and _main_act(card) in NOT_TRAINING else card.weak
    act = "train" if card.kind == "model" else "mix"
    prompts = card_prose.prompts_only(card.lines)
    for path, scalar in list(scalars(card.front.get("datasets"), "datasets"))[:ITEMS_LIMIT]:
        for name, why in _data_names(scalar.text):
            only = name.lower() in prompts
            where = place(card.file, scalar.line, path, scalar.text, weak=weak or (PROMPTS if only else why))
            yield StepClaim(card.asset, act, name, where, column="prompts" if only else "")
    for path, scalar in list(scalars(card.front.get("source_datasets"), "source_datasets"))[:ITEMS_LIMIT]:
        name = scalar.text.removeprefix("extended|")
        if not re.match(r"(?:original|extended|other|found)\b", name):
            yield StepClaim(card.asset, "mix", repo_id(name) or name,
                            place(card.file, scalar.line, path, scalar.text, weak=card.weak))


def _data_names(written: str) -> Iterator[tuple[str, str]]:
    """(name, why it is weak) of one item: a folder of a repository, or several names joined by slashes."""
    text = written.strip()
    parts = text.split("/")
    if repo_id(text):
        yield repo_id(text), ""
    elif len(parts) == 3 and all(parts) and not is_local(parts[0]):
        yield "/".join(parts[:2]), "a folder of a repository"
    elif len(parts) > 3 and all(p and p[0].isalnum() for p in parts):
        yield from ((p, "several names joined by slashes") for p in parts[:JOINED_LIMIT])
    elif 0 < len(text) <= 120:
        yield text, recipe_blocks.FOLDER if is_local(text) else "a name that is no repository id"


_BASE_TAG = re.compile(r"base_model:(?:(?P<act>[a-z]+):)?(?P<id>[^:]+)", re.IGNORECASE)


def _tags(card: _Card) -> Iterator[StepClaim]:
    """Tags that hubs or tools write: base_model:quantized:owner/name, dataset:x, bare parents of LazyMergekit."""
    words = words_of(card.front)
    merged = bool(words & {"mergekit", "lazymergekit"}) and card.kind == "model"
    for path, scalar in list(scalars(card.front.get("tags"), "tags"))[:ITEMS_LIMIT]:
        text = scalar.text.strip()
        where = place(card.file, scalar.line, path, text, weak=card.weak)
        base = _BASE_TAG.fullmatch(text)
        if base and repo_id(base["id"]):
            act = RELATIONS.get((base["act"] or "").lower()) or _act(card, base["id"]).act
            yield StepClaim(card.asset, act, repo_id(base["id"]), where)
        elif text.startswith("dataset:") and repo_id(text[8:]):
            yield StepClaim(card.asset, "train" if card.kind == "model" else "mix", repo_id(text[8:]), where)
        elif merged and ID.fullmatch(text):
            yield StepClaim(card.asset, "merge", text, where)


#: Columns of a data set that are named after the model which filled them.
MODEL_COLUMN = re.compile(
    r"(?:gpt-?[34][\w.-]*|chatgpt|text-davinci-\d+|llama-?[23][\w.-]*|claude[\w.-]*|gemini-[\w.-]+|mi[sx]tral-\d[\w.-]*"
    r"|falcon-\d+b[\w.-]*|vicuna-\d+b[\w.-]*)", re.IGNORECASE)


def _columns(card: _Card) -> Iterator[StepClaim]:
    for path, scalar in scalars(card.front.get("dataset_info"), "dataset_info"):
        if re.search(r"features\[\d+\]\.name$", path) and MODEL_COLUMN.fullmatch(scalar.text):
            where = place(card.file, scalar.line, path, scalar.text, "detected", "the name of a column")
            yield StepClaim(card.asset, "generate", scalar.text, where, column=scalar.text)


def _prose(card: _Card) -> Iterator[StepClaim]:
    named = {p.lower() for _, _, p in card.bases}
    copied = _main_act(card) in NOT_TRAINING and card.kind == "model"
    for step in card.prose:
        other = step.act in ("finetune", "adapt", "quantize") and named and step.parent.lower() not in named
        weak = OTHER_BASE if other else COPIED if copied and step.act == "train" else step.weak
        act = _act(card, step.parent).act if step.parent.lower() in named and step.act != "train" else step.act
        yield StepClaim(card.asset, act, step.parent,
                        place(card.file, step.line.number, "body", step.line.text, "detected", weak))


def _problems(card: _Card, claims: list[Claim]) -> Iterator[Problem]:
    yield from _too_many(card)
    for key, scalar, parent in card.bases:
        if parent.lower() == card.asset.lower():
            yield Problem(card.file, f"{key} names the model itself", scalar.line, "that base was left out")
        elif is_local(scalar.text) and not repo_id(scalar.text):
            what = f"{key} names a folder: {scalar.text[:80]}"
            yield Problem(card.file, what, scalar.line, "kept as an unknown parent")
    made = any(isinstance(c, StepClaim) and c.act == "generate" for c in claims)
    if card.kind == "dataset" and not made and (tag := words_of(card.front) & {"synthetic", "distilabel"}):
        yield Problem(card.file, f"tagged {sorted(tag)[0]}, but no model is named that wrote it", None,
                      "no step of generation was recorded")


def _too_many(card: _Card) -> Iterator[Problem]:
    """A parent that is left out could forbid what the others permit: that must be heard."""
    for key in (*BASE_KEYS, "datasets", "source_datasets", "tags"):
        said = [scalar for _, scalar in scalars(card.front.get(key), key)]
        joined = sum(s.text.count(",") + s.text.count(";") for s in said) if key in BASE_KEYS else 0
        if len(said) + joined > ITEMS_LIMIT:
            yield Problem(card.file, f"{key} holds {len(said) + joined} names", said[0].line,
                          f"the first {ITEMS_LIMIT} were read, the verdict is about these alone")
