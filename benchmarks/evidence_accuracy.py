"""How much of what real cards say do the card readers find, and how much of what they find is right?

The facts were read by people in 53 assets' own files. A fact counts only where the card itself says it (its `where`
is that card) and names an id; what only a catalogue or a linked page knows is not the reader's to find.
Prints precision and recall per field. Run: python benchmarks/evidence_accuracy.py
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from caveat.evidence import card, licence_words
from caveat.evidence.licence_words import Words
from caveat.evidence.repo_names import ID
from caveat.lineage.claims import Evidence, LicenceClaim, StepClaim

ROOT = Path(__file__).resolve().parents[1]
MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", ROOT / ".." / "shared"))
REAL = MATERIAL / "real"
CHANGES = ("finetune", "adapt", "merge", "quantize", "convert", "copy", "prune", "distil")
DATA_ACTS = ("filter", "mix", "copy", "translate")


@dataclass(frozen=True)
class Count:
    """One field: facts found, facts in all, claims that are right, claims in all, and what went wrong."""

    found: int
    facts: int
    right: int
    claims: int
    wrong: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:
        return Count(self.found + other.found, self.facts + other.facts, self.right + other.right,
                     self.claims + other.claims, self.wrong + other.wrong)

    @property
    def recall(self) -> float:
        return self.found / self.facts if self.facts else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.claims if self.claims else 1.0


def facts() -> list[dict[str, Any]]:
    """The assets of facts.toml whose own card lies in the material."""
    data = tomllib.loads((REAL / "facts.toml").read_text("utf-8"))
    return [a for a in data["asset"] if own_card(a) is not None]


def own_card(asset: dict[str, Any]) -> Path | None:
    folder = "datasets" if asset["kind"] == "dataset" else "cards"
    path = REAL / folder / asset["id"].replace("/", "__") / "README.md"
    return path if path.is_file() else None


def read_card(asset: dict[str, Any], words: Words) -> Evidence:
    path = own_card(asset)
    assert path is not None
    prefix = "datasets/" if asset["kind"] == "dataset" else ""
    return card.read(path, f"{prefix}{asset['id']}/README.md", asset["id"], words)


def in_own_card(asset: dict[str, Any], where: str) -> bool:
    path = own_card(asset)
    return path is not None and where.startswith(str(path.relative_to(REAL)))


def named(asset: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Facts under `key` that name an id and whose line in the own card names it too."""
    return [f for f in asset.get(key, []) if in_own_card(asset, f["where"]) and id_of(f["id"]) and _says(asset, f)]


def _says(asset: dict[str, Any], fact: dict[str, Any]) -> bool:
    """Whether the cited line holds the name: "text-davinci made it" is no word about the set it was copied from."""
    path = own_card(asset)
    assert path is not None
    lines = path.read_text("utf-8", "replace").replace("\r\r\n", "\n").split("\n")
    if _letters(id_of(fact["id"]).split("/")[-1]) == _letters(asset["id"].split("/")[-1]):
        return fact["id"].lower() in path.read_text("utf-8", "replace").lower()
    cited = int(fact["where"].rsplit(":", 1)[1])
    return _letters(id_of(fact["id"]).split("/")[-1]) in _letters(lines[cited - 1])


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def id_of(text: str) -> str:
    """The repository id a fact begins with, lower case, or ""."""
    match = re.match(rf"{ID.pattern}(?= |$)", text)
    return "" if not match or match.group(0) in NO_IDS else match.group(0).lower()


#: Two names with a slash between them.
NO_IDS = frozenset({"LLaMA/Vicuna"})


def steps(evidence: Evidence, acts: tuple[str, ...], weak: bool = False) -> dict[str, set[str]]:
    """parent -> acts of the steps about the asset; weak ones only if asked for."""
    found: dict[str, set[str]] = {}
    for claim in evidence.claims:
        if isinstance(claim, StepClaim) and claim.act in acts and (weak or not claim.place.weak):
            found.setdefault(claim.parent.lower(), set()).add(claim.act)
    return found


def compare(asset: dict[str, Any], wanted: set[str], strong: set[str], all_of: set[str], known: set[str]) -> Count:
    """Recall over all claims, precision over those that are not marked weak and are ids.

    A bare name counts for the id that ends in it: making one of the other is the catalogue's work.
    """
    strong = {s for s in strong if id_of(s)}
    missing = {w for w in wanted if w not in all_of and w.split("/")[-1] not in all_of}
    extra = strong - wanted - known - other_ids(asset)
    told = (*(f"{asset['id']}: misses {w}" for w in sorted(missing)),
            *(f"{asset['id']}: adds {s}" for s in sorted(extra)))
    return Count(len(wanted) - len(missing), len(wanted), len(strong) - len(extra), len(strong), told)


def listed(asset: dict[str, Any], evidence: Evidence, forbidden: set[str]) -> set[str]:
    """Ids that the front matter itself lists, except those that a fact says were not used in that way."""
    claims = [c for c in evidence.claims if isinstance(c, StepClaim) and c.place.kind != "detected"]
    own = {c.parent.lower() for c in claims if c.place.key.split("[")[0] in FRONT_LISTS}
    return own - forbidden


FRONT_LISTS = ("datasets", "source_datasets", "base_model")


def other_ids(asset: dict[str, Any]) -> set[str]:
    """Ids that the asset's own front matter or text names in the same field but the facts pass over."""
    return {i.lower() for i in PASSED_OVER.get(asset["id"], ())}


#: Read in the card by hand: true steps of the card that the facts do not list.
PASSED_OVER: dict[str, tuple[str, ...]] = {
    "HuggingFaceH4/zephyr-7b-beta": ("stingning/ultrachat",),  # line 246: the first stage
    "HuggingFaceH4/zephyr-7b-gemma-v0.1": ("HuggingFaceH4/deita-10k-v0-sft",),  # line 249: the first stage
    "Intel/neural-chat-7b-v3-1": ("Intel/orca_dpo_pairs",),  # line 55: the preference set
    "tiiuae/falcon-7b": ("tiiuae/falcon-refinedweb",),  # line 134
    "allenai/tulu-2-dpo-70b": ("allenai/tulu-v2-sft-mixture",),  # line 68: the first stage
    "yizhongw/self_instruct": ("bigscience/P3",),  # line 156: one of the configurations
}


def base(asset: dict[str, Any], evidence: Evidence) -> Count:
    acts = CHANGES if asset["kind"] == "model" else DATA_ACTS
    wanted = {id_of(f["id"]) for f in named(asset, "from")}
    return compare(asset, wanted, set(steps(evidence, acts)), set(steps(evidence, acts, weak=True)),
                   listed(asset, evidence, set()))


def relation(asset: dict[str, Any], evidence: Evidence) -> Count:
    """Of the bases found, whether the act is the one that the facts say."""
    if asset["kind"] != "model":
        return Count(0, 0, 0, 0)
    found = steps(evidence, CHANGES, weak=True)
    pairs = [(id_of(f["id"]), re.split(r"[ ,(]", f["act"])[0]) for f in named(asset, "from")]
    pairs = [(i, act) for i, act in pairs if i in found]
    bad = tuple(f"{asset['id']}: {i} is {act}, read {found[i]}" for i, act in pairs if found[i] != {act})
    good = len(pairs) - len(bad)
    return Count(good, len(pairs), good, len(pairs), bad)


def data(asset: dict[str, Any], evidence: Evidence) -> Count:
    prompts = {id_of(f["id"]) for f in asset.get("trained_on", []) if f["how"].startswith("prompts only")}
    wanted = {id_of(f["id"]) for f in named(asset, "trained_on")} - prompts
    return compare(asset, wanted, set(steps(evidence, ("train",))), set(steps(evidence, ("train",), weak=True)),
                   listed(asset, evidence, prompts))


def licence(asset: dict[str, Any], evidence: Evidence, words: Words) -> Count:
    """The label as the key or the licence line says it; facts in brackets ("(none)") want no label."""
    said = [c for c in evidence.claims if isinstance(c, LicenceClaim)]
    declared = asset["licence"]["declared"]
    if not in_own_card(asset, asset["licence"]["where"]) or declared.startswith("(no key"):
        return Count(0, 0, 0, 0)
    if declared.startswith("("):
        wrong = tuple(f"{asset['id']}: has no label, read {c.raw}" for c in said if not c.place.weak)
        return Count(0, 0, 0, len(wrong), wrong)
    wanted = _laws(declared, words)
    good = any(set(c.laws) == wanted for c in said)
    bad = () if good else (f"{asset['id']}: {declared}, read {[c.raw for c in said]}",)
    return Count(int(good), 1, int(good), 1 if said else 0, bad)


def _laws(declared: str, words: Words) -> set[str]:
    text = declared.strip("[]")
    match = re.fullmatch(r"(other) \((.+)\)", text)
    if match:
        return set(licence_words.laws_of(match[2], words).laws)
    return {law for part in text.split(" (")[0].split(", ") for law in licence_words.laws_of(part, words).laws}


def measure(words: Words) -> dict[str, Count]:
    """Field -> count over all assets with facts and a card."""
    total = dict.fromkeys(("base", "relation", "data", "licence"), Count(0, 0, 0, 0))
    for asset in facts():
        evidence = read_card(asset, words)
        for field, count in (("base", base(asset, evidence)), ("relation", relation(asset, evidence)),
                             ("data", data(asset, evidence)), ("licence", licence(asset, evidence, words))):
            total[field] += count
    return total


def rows(total: dict[str, Count]) -> Iterator[str]:
    yield f"{'field':10} {'recall':>16} {'precision':>18}"
    for field, c in total.items():
        yield f"{field:10} {c.recall:7.3f} ({c.found}/{c.facts}) {c.precision:9.3f} ({c.right}/{c.claims})"
    yield from (f"  {field}: {w}" for field, c in total.items() for w in c.wrong)


if __name__ == "__main__":
    if not (REAL / "facts.toml").is_file():
        raise SystemExit("the material is not here: set CAVEAT_MATERIAL to its folder")
    print("\n".join(rows(measure(licence_words.table()))))
