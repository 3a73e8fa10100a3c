"""Is a label that frees somebody else's terms always told, and is a label that keeps them ever called a conflict?

An independent, simple rule, written before the catalogue was looked at, sorts real model cards by the names of their
bases alone. TERMS names official repositories, and copies of them under the same name by anybody. A card over one of
these that is labelled apache-2.0 or mit must be called a conflict (recall). A card over a base that its owner
published under Apache or MIT (PERMISSIVE), or whose label is the very one of its base, must not (false alarms); cards
that name data sets are left out there, since data may bring terms of its own.
A model's front matter is read from the material: hub/front_matter.jsonl.gz always, the lists hub/models_*.parquet
where pyarrow can be imported. Run: python benchmarks/relabel.py [CARDS OF EACH SORT]
On 24 November 2026, 500 of each sort: recall 0.662 before the catalogue knew Stable Diffusion (every miss was one),
0.999 after; false alarms 0 of 1,000.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from caveat.flows.checking import check
from caveat.verdict.answer import Report

ROOT = Path(__file__).resolve().parents[1]
HUB = Path(os.environ.get("CAVEAT_MATERIAL", ROOT / ".." / "shared")) / "real" / "hub"
TODAY = "2026-11-24"
SEED = 20261124
FREE = frozenset({"apache-2.0", "mit"})
#: Endings that copies and quantizations add to an official name.
ENDING = r"(-(hf|it|pt|base|chat|chat-hf|instruct|bnb|4bit|8bit|bf16|fp16|unsloth|gguf|gptq|awq|mlx|vision))*"
#: The label of the terms -> names of repositories that are certainly under them.
TERMS: dict[str, tuple[str, ...]] = {
    "llama2": (r"[^/]+/(meta-)?llama-2-(7|13|70)b" + ENDING,),
    "llama3": (r"[^/]+/(meta-)?llama-3-(8|70)b" + ENDING,),
    "llama3.1": (r"[^/]+/(meta-)?llama-3\.1-(8|70|405)b" + ENDING,),
    "llama3.2": (r"[^/]+/(meta-)?llama-3\.2-(1|3|11|90)b" + ENDING,),
    "gemma": (r"[^/]+/gemma-(1\.1-)?(2|7)b" + ENDING, r"[^/]+/gemma-2-(2|9|27)b" + ENDING,
              r"[^/]+/gemma-3-(270m|1b|4b|12b|27b)" + ENDING, r"google/(codegemma|recurrentgemma)-[\w.-]+"),
    "creativeml-openrail-m": (r"(compvis|runwayml|stable-diffusion-v1-5)/stable-diffusion-v1-[1-5]",),
    "openrail++": (r"stabilityai/stable-diffusion-(xl-base-1\.0|2|2-1|2-base|2-1-base)",),
    "bigscience-bloom-rail-1.0": (r"bigscience/bloom(z)?(-\d+[bm]\d?)?",),
    "bigcode-openrail-m": (r"bigcode/starcoder(base|plus|2)?(-\d+b)?",),
}
#: Repositories that their owners published under Apache or MIT.
PERMISSIVE = re.compile(
    r"mistralai/(mistral-7b(-instruct)?-v0\.[123]|mixtral-8x7b(-instruct)?-v0\.1)|microsoft/(phi-2|phi-3-mini-\w+-instruct"
    r"|deberta-v3-\w+)|(google-bert/|google/)?bert-(base|large)-(un)?cased|(distilbert/)?distilbert-base-(un)?cased"
    r"|(facebookai/)?roberta-(base|large)|(facebookai/)?xlm-roberta-(base|large)|google/(flan-)?t5-(small|base|large|xl)"
    r"|(openai-community/)?gpt2(-medium|-large|-xl)?|openai/whisper-(tiny|base|small|medium|large-v[23])"
    r"|qwen/qwen2(\.5)?-(0\.5|1\.5|7)b(-instruct)?|tinyllama/tinyllama-1\.1b-[\w.-]+|facebook/wav2vec2-[\w-]+"
    r"|tiiuae/falcon-(7|40)b(-instruct)?|google/vit-base-patch16-224(-in21k)?|qwen/qwen3-(0\.6|1\.7|4|8|14|32)b(-base)?")
WRONG_WAY = ("conflict expected", "no conflict expected")


class Card(NamedTuple):
    """What one card says in front matter, as far as the rule looks at it."""

    id: str
    labels: tuple[str, ...]
    bases: tuple[str, ...]
    data: bool
    front: str


class Seen(NamedTuple):
    """One card, what the rule expects of it, and what was told."""

    card: Card
    sort: str  # official | copy | free base | label kept
    expected: bool
    told: str  # the worst verdict on its offer
    seconds: float


def cards() -> Iterator[Card]:
    """Every card of the material that names a base, once."""
    seen: set[str] = set()
    for card in (*_front_matters(), *_lists()):
        if card.bases and card.id not in seen and "/" in card.id:
            seen.add(card.id)
            yield card


def _front_matters() -> Iterator[Card]:
    with gzip.open(HUB / "front_matter.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in (json.loads(line) for line in lines if line.strip()):
            front = row["front_matter"] or ""
            yield Card(row["id"], _values(front, "license"), _values(front, "base_model"),
                       bool(re.search(r"^datasets\s*:", front, re.MULTILINE)), front)


def _values(front: str, key: str) -> tuple[str, ...]:
    """The values under one key of plain front matter: on its line, or as a list below it."""
    found = re.search(rf"^{key}[ \t]*:[ \t]*(.*)\n((?:[ \t]*-[ \t]+.*(?:\n|\Z))*)", front + "\n", re.MULTILINE)
    if not found:
        return ()
    lines = [found[1], *found[2].splitlines()]
    texts = (line.strip().removeprefix("-").strip(" \t'\"[]") for line in lines)
    return tuple(t.lower() for t in texts if t)


def _lists() -> Iterator[Card]:
    try:
        import pyarrow.parquet as parquet  # type: ignore[import-not-found]
    except ImportError:
        return
    for name in ("models_2026-08.parquet", "models_2024-07.parquet"):
        for row in parquet.read_table(HUB / name).to_pylist():
            yield _of_row(row)


def _of_row(row: dict[str, Any]) -> Card:
    """A row of a list, written as the front matter it was made from; the hub's relation tag is kept."""
    labels = [row["license"]] if isinstance(row["license"], str) else list(row["license"] or ())
    bases = list(row["base_model"] or ())
    tags = [f"base_model:{tag}" for tag in row.get("base_model_tags") or ()]
    said = {"license": labels, "base_model": bases, "datasets": list(row["datasets"] or ()), "tags": tags}
    front = "\n".join(f"{key}:\n" + "\n".join(f"- {json.dumps(v)}" for v in values)
                      for key, values in said.items() if values)
    return Card(row["id"], tuple(x.lower() for x in labels), tuple(x.lower() for x in bases), bool(row["datasets"]),
                front)


def terms_of(base: str) -> str:
    """The label of the terms that certainly hold for a base of this name, or ""."""
    return next((t for t, names in TERMS.items() if any(re.fullmatch(n, base) for n in names)), "")


def sorted_by_rule(card: Card) -> tuple[str, bool]:
    """(sort, whether a conflict is expected), or ("", False) where the rule does not say."""
    terms = {terms_of(b) for b in card.bases}
    official = all(b.partition("/")[0] in OFFICIAL for b in card.bases)
    if len(card.labels) == 1 and set(card.labels) <= FREE and terms - {""}:
        return ("official" if official else "copy"), True
    if card.data:
        return "", False
    if all(PERMISSIVE.fullmatch(b) for b in card.bases):
        return "free base", False
    if len(card.labels) == 1 and terms == set(card.labels):
        return "label kept", False
    return "", False


OFFICIAL = frozenset({"meta-llama", "google", "bigscience", "bigcode", "compvis", "runwayml", "stable-diffusion-v1-5",
                      "stabilityai"})


def drawn(most: int) -> dict[str, list[Card]]:
    """Up to `most` cards of each sort, the same ones each time."""
    found: dict[str, list[Card]] = {}
    for card in cards():
        sort, _ = sorted_by_rule(card)
        if sort:
            found.setdefault(sort, []).append(card)
    chance = random.Random(SEED)
    return {sort: chance.sample(sorted(held), min(most, len(held))) for sort, held in found.items()}


def measured(card: Card, sort: str, folder: Path) -> Seen:
    place = folder / card.id.replace("/", "__")
    place.mkdir(exist_ok=True)
    (place / "README.md").write_text(f"---\n{card.front}\n---\n", encoding="utf-8")
    began = time.perf_counter()
    told = offer(check(place, today=TODAY)[0])
    return Seen(card, sort, sorted_by_rule(card)[1], told, time.perf_counter() - began)


def offer(report: Report) -> str:
    """prohibited | depends | none: what is said of the label, apart from duties."""
    said = {f.verdict for f in report.findings if f.about == "offered" and f.note.startswith("offered as")}
    return next((v for v in ("prohibited", "depends") if v in said), "none")


def rows(seen: list[Seen]) -> Iterator[str]:
    """A line for each sort, the two rates, the speed, and every miss."""
    for sort in dict.fromkeys(s.sort for s in seen):
        told = [s.told for s in seen if s.sort == sort]
        counts = ", ".join(f"{told.count(v)} {v}" for v in ("prohibited", "depends", "none"))
        yield f"{sort:12} {len(told):5} cards: {counts}"
    expected, quiet = [s for s in seen if s.expected], [s for s in seen if not s.expected]
    yield f"recall {_share([s.told == 'prohibited' for s in expected])} of {len(expected)}"
    yield f"false alarms {_share([s.told == 'prohibited' for s in quiet])} of {len(quiet)}"
    times = sorted(s.seconds for s in seen)
    yield f"seconds a card: median {times[len(times) // 2]:.3f}, longest {times[-1]:.3f}"
    for s in seen:
        if (s.told == "prohibited") != s.expected:
            yield (f"{WRONG_WAY[not s.expected]}, told {s.told}: {s.card.id} ({'+'.join(s.card.labels)}) over "
                   f"{', '.join(s.card.bases[:4])}")


def _share(hits: list[bool]) -> str:
    return f"{sum(hits) / len(hits):.4f}" if hits else "-"


def measure(most: int) -> list[Seen]:
    with TemporaryDirectory() as folder:
        return [measured(card, sort, Path(folder)) for sort, held in drawn(most).items() for card in held]


if __name__ == "__main__":
    if not (HUB / "front_matter.jsonl.gz").is_file():
        raise SystemExit("the material is not here: set CAVEAT_MATERIAL to its folder")
    print("\n".join(rows(measure(int(sys.argv[1]) if len(sys.argv) > 1 else 400))))
