"""How deciding grows with the lineage: 1,000 to 100,000 assets, diamonds 30 levels deep, every step judged.

The lineage is drawn with a fixed seed, like a hub: families of 30 levels, two models a level, each made from both
models above it (merge), or from one (fine-tuned, quantized, adapted) and now and then from a data set that a model of
the family wrote. A family starts from two models under licences of its own; one party makes all of it, so every step is
an event. CPU seconds to bind and decide, best of three; a last column that stays near 1 or falls is linear growth.

    python benchmarks/scale.py [--sizes 1000,10000,30000,100000] [--profile]
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random

from caveat.flows.asking import books
from caveat.law.shelf import shelf
from caveat.lineage.claims import Place
from caveat.lineage.graph import Asset, Edge, Licensed, Lineage
from caveat.verdict.decide import Asked, Decision, decide

LEVELS = 30
LAWS = ("apache-2.0", "mit", "llama-2", "llama-3.1", "gemma", "bigscience-openrail-m", "cc-by-nc-4.0", "qwen-2024")
DATA_LAWS = ("cc-by-4.0", "odc-by-1.0", "cc-by-sa-4.0", "cc-by-nc-4.0")
PLACE = Place("declared", "README.md")
#: CPU seconds for 10,000 assets.
TARGET = 1.0


def lineage(size: int, seed: int = 1) -> Lineage:
    """About `size` assets in families; parents come first."""
    draw = Random(seed)
    assets: dict[str, Asset] = {}
    number = 0
    while len(assets) < size:
        _family(draw, assets, f"f{number}")
        number += 1
    return Lineage(assets)


def _family(draw: Random, assets: dict[str, Asset], name: str) -> None:
    above = [f"{name}/base-a", f"{name}/base-b"]
    for id in above:
        assets[id] = Asset(id, "model", "language-model", maker="publisher", licensed=(_under(draw.choice(LAWS)),))
    lessons: list[str] = []
    for level in range(LEVELS):
        here = [f"{name}/{level}-a", f"{name}/{level}-b"]
        for id in here:
            assets[id] = Asset(id, "model", "language-model", maker="you", own=True,
                               edges=_edges(draw, above, lessons))
        if level == LEVELS // 3:
            lessons = [_written(draw, assets, here[0])]
        above = here


def _under(law: str) -> Licensed:
    return Licensed((law,), False, law, PLACE)


def _edges(draw: Random, above: list[str], lessons: list[str]) -> tuple[Edge, ...]:
    """Half of all models close a diamond; some of the others learn from what the family wrote."""
    if draw.random() < 0.5:
        return tuple(Edge("merge", parent, "you", "", (PLACE,)) for parent in above)
    act = draw.choice(("finetune", "quantize", "adapt"))
    data = lessons if act == "finetune" else []
    return (Edge(act, draw.choice(above), "you", "", (PLACE,)), *(Edge("train", d, "you", "", (PLACE,)) for d in data))


def _written(draw: Random, assets: dict[str, Asset], writer: str) -> str:
    """A data set that a model wrote, blended with texts under a data licence."""
    id, texts = f"{writer}-answers", f"{writer}-texts"
    assets[texts] = Asset(texts, "dataset", maker="publisher", licensed=(_under(draw.choice(DATA_LAWS)),))
    assets[id] = Asset(id, "dataset", maker="you", own=True, edges=(
        Edge("generate", writer, "you", "", (PLACE,)), Edge("mix", texts, "you", "", (PLACE,))))
    return id


def decided(graph: Lineage) -> tuple[float, Decision]:
    """CPU seconds to bind and decide every step, best of three, and the decision."""
    best, decision = 1e9, None
    for _ in range(3):
        start = time.process_time()
        decision = decide(graph, books(shelf()), Asked("you", today="2026-11-24"))
        best = min(best, time.process_time() - start)
    assert decision is not None
    return best, decision


def profile(size: int) -> None:
    import cProfile
    import pstats

    graph, run = lineage(size), cProfile.Profile()
    run.runcall(decide, graph, books(shelf()), Asked("you", today="2026-11-24"))
    pstats.Stats(run).sort_stats("tottime").print_stats(25)


def main() -> int:
    """Print the table; exit 1 if 10,000 assets take longer than the target."""
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--sizes", default="1000,10000,30000,100000")
    cli.add_argument("--profile", action="store_true", help="where the time goes, at the first size")
    options = cli.parse_args()
    sizes = [int(s) for s in options.sizes.split(",")]
    if options.profile:
        profile(sizes[0])
        return 0
    late, first = False, 0.0
    for size in sizes:
        graph = lineage(size)
        seconds, decision = decided(graph)
        each = seconds / len(graph.assets)
        first = first or each
        late = late or (size == 10_000 and seconds > TARGET)
        print(f"{len(graph.assets):7,} assets {len(decision.events):7,} events {len(decision.entries):8,} items "
              f"{seconds:7.2f} s CPU {each * 1e6:7.1f} us an asset  growth {each / first:4.2f}", flush=True)
    print(f"target: 10,000 assets in {TARGET:g} s")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())
