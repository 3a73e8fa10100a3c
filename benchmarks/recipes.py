"""Are training recipes read right, what follows from them, and what does reading cost beside parsing their YAML?

Facts of 158 public recipes (tests/evidence/recipe_facts.toml) were read file by file. For each tool: precision and
recall of bases (with the act), adapters, teachers, judges and data sets. Then each recipe is checked as it would be
before the run: its verdict, and which recipes train on what a model wrote though its terms forbid or restrict that,
each with the rule and the source that tells who wrote it. Last, a folder of generated recipes of all tools: files per
second gathered, as a ratio to parsing the same files with PyYAML's C loader alone, in the same run.

    python benchmarks/recipes.py [--files 10000] [--only accuracy|verdicts|speed]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from caveat.evidence import gather, mergekit, recipe
from caveat.evidence.yaml_safe import LOADER
from caveat.flows.checking import check, check_evidence
from caveat.lineage.claims import Evidence, StepClaim
from caveat.verdict.answer import Finding, Report

ROOT = Path(__file__).resolve().parents[1]
MATERIAL = Path(os.environ.get("CAVEAT_MATERIAL", ROOT / ".." / "shared")) / "real" / "recipes"
FACTS = ROOT / "tests" / "evidence" / "recipe_facts.toml"
TODAY = "2026-11-24"
#: How many generated recipes are judged as well.
JUDGED = 158
Told = set[tuple[str, ...]]


class Count(NamedTuple):
    """Facts, facts found, parts told, parts that are right, and what went wrong."""

    facts: int = 0
    found: int = 0
    told: int = 0
    right: int = 0
    wrong: tuple[str, ...] = ()

    def plus(self, other: Count) -> Count:
        return Count(*(a + b for a, b in zip(self, other)))  # type: ignore[arg-type]

    @property
    def recall(self) -> float:
        return self.found / self.facts if self.facts else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.told if self.told else 1.0


def facts() -> dict[str, dict[str, Any]]:
    """Every recipe with facts, by its path below the material."""
    data = tomllib.loads(FACTS.read_text("utf-8"))
    return {f"{tool}/{file}": row for tool, rows in data.items() for file, row in rows.items()}


def read(file: str) -> Evidence:
    path = MATERIAL / file
    if file.startswith("mergekit/"):
        return mergekit.read(path.read_bytes(), file, path.stem)
    return recipe.read(path, file, path.parent.name)


def expected(row: dict[str, Any]) -> Told:
    """The facts of one recipe: an adapter beside a base is adapted from, or bundled where the base only runs."""
    told: Told = {("base", row["act"], name) for name in row["base"]}
    told |= {("base", "bundle" if row["act"] == "bundle" else "adapt", name) for name in row.get("adapter", ())}
    return told | {(role, name) for role in ("teacher", "judge", "data") for name in row.get(role, ())}


def told(evidence: Evidence) -> Told:
    """The same of what was read; sets of marked answers on the way are not parts themselves."""
    steps = [c for c in evidence.claims if isinstance(c, StepClaim)]
    between = {c.child for c in steps} & {c.parent for c in steps}
    roles = {"train": ("data",), "distil": ("teacher",), "annotate": ("judge",)}
    return {(*roles.get(c.act, ("base", c.act)), c.parent) for c in steps if c.parent not in between}


def accuracy() -> dict[str, Count]:
    """Tool -> count over all its recipes."""
    sums: dict[str, Count] = {}
    for file, row in facts().items():
        want, got = expected(row), told(read(file))
        wrong = (*(f"{file}: misses {x}" for x in sorted(want - got)),
                 *(f"{file}: adds {x}" for x in sorted(got - want)))
        both = len(want & got)
        tool = file.split("/")[0]
        sums[tool] = sums.get(tool, Count()).plus(Count(len(want), both, len(got), both, wrong))
    return sums


# What follows.


def judged() -> Iterator[tuple[str, Report]]:
    """Each recipe checked as it would be before it is run."""
    for file in facts():
        yield from ((file, r) for r in check(MATERIAL / file, today=TODAY))


def restricted(report: Report) -> Iterator[Finding]:
    """Training of one's own on text (or marks) that a model wrote, against a rule of that model's terms."""
    for f in report.findings:
        wrote = any(s.role in ("output", "judged") for s in f.path) or f.act == "distil"
        own = f.act in ("train", "distil") and f.made == report.subject
        if own and wrote and f.verdict in ("prohibited", "depends"):
            yield f


def source(f: Finding) -> str:
    """Who wrote it, and where that is told: the steps of the path from the generator on."""
    writer = next((s for s in f.path if s.act in ("generate", "annotate", "distil")), f.path[-1])
    place = writer.evidence[0] if writer.evidence else None
    told = ":".join(filter(None, (place.file, str(place.line or place.key)))) if place else "the act itself"
    return f"{f.path[0].asset} → {writer.asset} ({told})"


def verdict_rows() -> Iterator[str]:
    reports = list(judged())
    yield from (f"{r.verdict:12} {file}  {r.subject}" for file, r in reports)
    counts = Counter(r.verdict for _, r in reports)
    yield "\n" + ", ".join(f"{n} {v}" for v, n in counts.most_common())
    limited = {file: list(restricted(r)) for file, r in reports}
    limited = {file: fs for file, fs in limited.items() if fs}
    forbidden = sum(any(f.verdict == "prohibited" for f in fs) for fs in limited.values())
    yield (f"\n{len(limited)} of {len(reports)} train on what a model wrote though its terms forbid that "
           f"({forbidden}) or restrict it ({len(limited) - forbidden}):")
    for file, fs in limited.items():
        yield file
        for f in fs:
            hangs = ", ".join(d.about for d in f.doubts)
            rules = ", ".join(f"{r.licence} §{r.clause} {r.rule}" for r in f.rules if r.says == "must not")
            open_ = f" · hangs on {hangs}" if hangs else ""
            yield f"    {f.verdict}: {f.act} {f.asset} · {rules} · {source(f)}{open_}"


# What it costs.


def generated(folder: Path, count: int) -> int:
    """Copies of the real recipes in a monorepo of folders of a hundred; bytes written."""
    texts = [((MATERIAL / file).read_text("utf-8"), file) for file in facts() if not file.startswith("mergekit/")]
    size = 0
    for n in range(count):
        text, file = texts[n % len(texts)]
        place = folder / f"team{n // 100}" / f"{n}-{Path(file).name}"
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"# run {n}\n{text}", "utf-8")
        size += len(text)
    return size


def timed(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def parse_alone(files: list[Path]) -> None:
    for f in files:
        yaml.load(f.read_bytes(), Loader=LOADER)


def read_alone(files: list[Path]) -> None:
    for f in files:
        recipe.read(f, f.name, f.parent.name)


def speed_rows(count: int) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        size = generated(root, count)
        files = sorted(root.rglob("*.y*ml"))
        read_alone(files[:20])
        parse = timed(lambda: parse_alone(files))
        read_ = timed(lambda: read_alone(files))
        found: list[Evidence] = []
        gathered = timed(lambda: found.append(gather(root)))
        again = timed(lambda: parse_alone(files))
    with tempfile.TemporaryDirectory() as name:
        generated(Path(name), JUDGED)
        some = gather(Path(name))
        checked = timed(lambda: check_evidence(some, today=TODAY)) / len(some.subjects)
    base = min(parse, again)
    yield f"{count} files, {size / 1e6:.1f} MB, {len(found[0].subjects)} models planned"
    yield f"YAML alone (PyYAML, C loader)  {count / base:8.0f} files/s   1.00"
    yield f"read as recipes                {count / read_:8.0f} files/s   {read_ / base:.2f} times the time"
    yield f"gathered as one folder         {count / gathered:8.0f} files/s   {gathered / base:.2f} times the time"
    yield f"each judged as well ({JUDGED} in one folder): {checked * 1000:.1f} ms a model"


def accuracy_rows() -> Iterator[str]:
    yield f"{'tool':20} {'facts':>6} {'recall':>7} {'told':>6} {'precision':>9}"
    sums = accuracy()
    yield from (f"{t:20} {c.facts:6} {c.recall:7.3f} {c.told:6} {c.precision:9.3f}" for t, c in sums.items())
    yield from (w for c in sums.values() for w in c.wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--only", choices=("accuracy", "verdicts", "speed"))
    options = parser.parse_args()
    if not MATERIAL.is_dir():
        raise SystemExit("the material is not here: set CAVEAT_MATERIAL to its folder")
    parts = {"accuracy": accuracy_rows, "verdicts": verdict_rows, "speed": lambda: speed_rows(options.files)}
    for name, rows in parts.items():
        if options.only in (None, name):
            print("\n".join(rows()), end="\n\n")


if __name__ == "__main__":
    main()
