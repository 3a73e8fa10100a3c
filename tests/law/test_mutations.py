"""The cases inside the law files hold the law in place: what is changed in a clause, a case notices.

Every day a sample of sixty from one seed; all mutants under the marker deep.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def mutations() -> Iterator[ModuleType]:
    """The benchmark as a module: it is run as a script beside its questions."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import law_mutations

        yield law_mutations
    finally:
        sys.path.remove(str(BENCHMARKS))


def test_of_sixty_broken_laws_nearly_all_are_noticed(mutations: ModuleType) -> None:
    files = mutations.Files()
    drawn = random.Random(4)
    every = [m for id in drawn.sample(files.ids, 12) for m in mutations.mutants_of(files, id)]
    mutants = sorted(drawn.sample(every, 60), key=lambda m: m.law.id)  # questions are read once for each law

    results = [mutations.fate(files, m) for m in mutants]

    assert mutations.share(results) >= mutations.GOAL, [(r.mutant.where, r.hole) for r in results if r.hole]


def test_a_dropped_ban_a_moved_number_and_a_lost_exception_are_noticed(mutations: ModuleType) -> None:
    files = mutations.Files()
    told = [m for m in mutations.mutants_of(files, "llama-2")
            if m.where.startswith(("no-improving-others", "giants")) and m.kind.split()[0] in ("drop", "move", "lose")
            and "role" not in m.kind]

    assert len(told) > 6
    assert [m.where for m in told if not mutations.fate(files, m).caught] == []


def test_a_mutant_changes_its_file_and_those_that_are_like_it(mutations: ModuleType) -> None:
    files = mutations.Files()
    law = files.laws["llama-2"]
    broken = files.broken(law._replace(rules=tuple(r for r in law.rules if r.id != "military")))

    assert [b.id for b in broken[1:]] == files.siblings("llama-2")
    assert files.siblings("llama-2")
    assert not any(r.id == "military" for r in broken[0].rules)


@pytest.mark.deep
def test_of_all_broken_laws_nineteen_in_twenty_are_noticed(mutations: ModuleType) -> None:
    files = mutations.Files()
    results = [mutations.fate(files, m) for id in files.ids for m in mutations.mutants_of(files, id)]

    assert mutations.share(results) >= mutations.GOAL
