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
from pathlib import Path
from typing import Any, NamedTuple

from caveat.evidence import card, licence_words
from caveat.evidence.licence_words import Words
from caveat.evidence.repo_names import ID
from caveat.lineage.claims import Evidence, LicenceClaim, StepClaim

ROOT = Path(__file__).resolve().parents[1]
MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", ROOT / ".." / "shared"))
REAL = MATERIAL / "real"
CHANGES = ("finetune", "adapt", "merge", "quantize", "convert", "copy", "prune", "distil")
DATA_ACTS = ("filter", "mix", "copy", "translate")


class Count(NamedTuple):
    """One field: facts found, facts in all, claims that are right, claims in all, and what went wrong."""

    found: int
    facts: int
    right: int
    claims: int
    wrong: tuple[str, ...] = ()

    def __add__(self, other: Count) -> Count:  # type: ignore[override]
        return Count(*(a + b for a, b in zip(self[:4], other[:4])), self.wrong + other.wrong)

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
    """Facts under `key` that the own card says and that name an id."""
    return [f for f in asset.get(key, []) if in_own_card(asset, f["where"]) and id_of(f["id"])]


def id_of(text: str) -> str:
    """The repository id a fact begins with, lower case, or ""."""
    match = re.match(rf"{ID.pattern}(?= |$)", text)
    return match.group(0).lower() if match else ""


def steps(evidence: Evidence, acts: tuple[str, ...], weak: bool = False) -> dict[str, set[str]]:
    """parent -> acts of the steps about the asset; weak ones only if asked for."""
    found: dict[str, set[str]] = {}
    for claim in evidence.claims:
        if isinstance(claim, StepClaim) and claim.act in acts and (weak or not claim.place.weak):
            found.setdefault(claim.parent.lower(), set()).add(claim.act)
    return found


def compare(asset: dict[str, Any], wanted: set[str], strong: set[str], all_of: set[str]) -> Count:
    """Recall over all claims, precision over those that are not marked weak and are ids."""
    strong = {s for s in strong if id_of(s)}
    missed = tuple(f"{asset['id']}: misses {w}" for w in sorted(wanted - all_of))
    extra = tuple(f"{asset['id']}: adds {s}" for s in sorted(strong - wanted - other_ids(asset)))
    return Count(len(wanted & all_of), len(wanted), len(strong) - len(extra), len(strong), missed + extra)


def other_ids(asset: dict[str, Any]) -> set[str]:
    """Ids that the asset's own front matter or text names in the same field but the facts pass over."""
    return {i.lower() for i in PASSED_OVER.get(asset["id"], ())}


#: Read in the card by hand: true steps of the card that the facts do not list.
PASSED_OVER: dict[str, tuple[str, ...]] = {}


def base(asset: dict[str, Any], evidence: Evidence) -> Count:
    acts = CHANGES if asset["kind"] == "model" else DATA_ACTS
    wanted = {id_of(f["id"]) for f in named(asset, "from")}
    return compare(asset, wanted, set(steps(evidence, acts)), set(steps(evidence, acts, weak=True)))


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
    wanted = {id_of(f["id"]) for f in named(asset, "trained_on") if not f["how"].startswith("prompts only")}
    return compare(asset, wanted, set(steps(evidence, ("train",))), set(steps(evidence, ("train",), weak=True)))


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
