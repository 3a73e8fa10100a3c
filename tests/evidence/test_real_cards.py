"""Real cards are read without a crash, and what people read in them is found (skipped where they are not here)."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from caveat.evidence import adapter_config, card, config, licence_words
from caveat.lineage.claims import AssetClaim

ROOT = Path(__file__).resolve().parents[2]


def _accuracy() -> ModuleType:
    """benchmarks/evidence_accuracy.py: the test and the printed table are one measurement."""
    name = "evidence_accuracy"
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


ACCURACY = _accuracy()
REAL: Path = ACCURACY.REAL
pytestmark = pytest.mark.skipif(
    not (REAL / "facts.toml").is_file(), reason="no real cards here: set CAVEAT_MATERIAL to the folder that holds them")

READERS = {"config.json": config.read, "adapter_config.json": adapter_config.read}


def test_every_card_and_configuration_is_read() -> None:
    folders = [d for part in ("cards", "datasets") for d in sorted((REAL / part).iterdir())]
    count = 0
    for path in (p for d in folders for p in sorted(d.iterdir())):
        asset = path.parent.name.replace("__", "/")
        read = READERS.get(path.name, card.read if path.suffix == ".md" else None)
        if read:
            evidence = read(path.read_bytes(), f"{path.parent.parent.name}/{path.name}", asset)
            count += bool(evidence.claims)

    assert count > 250


def test_kinds_are_told_apart_from_the_keys_alone() -> None:
    wrong = []
    for part, kind in (("cards", "model"), ("datasets", "dataset")):
        for path in sorted((REAL / part).glob("*/README.md")):
            evidence = card.read(path.read_bytes(), "README.md", path.parent.name.replace("__", "/"))
            said = next(c for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "kind")
            if said.value != kind and said.place.kind == "declared":
                wrong.append(path.parent.name)

    assert len(wrong) <= 5, wrong


def test_what_people_read_in_the_cards_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    total = ACCURACY.measure(licence_words.table())
    with capsys.disabled():
        print("\n" + "\n".join(ACCURACY.rows(total)))

    assert dict.fromkeys(total, True) == {f: c.recall >= 0.98 and c.precision >= 0.98 for f, c in total.items()}
