"""Reads adapter_config.json: an adapter names the base it was trained on, and that is the best word on its lineage.

Format: the configuration that PEFT saves. Traps: the base is often a 4-bit re-upload of the real base (the catalogue
knows whose), or a folder on the trainer's disk, which is kept as an unknown parent.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence import json_safe
from caveat.evidence.recipe_blocks import FOLDER
from caveat.evidence.repo_names import repo_id
from caveat.evidence.source import Source, place
from caveat.lineage.claims import AssetClaim, Claim, Evidence, StepClaim

NAMES = ("adapter_config.json",)
READS = "bytes"
LIMIT = json_safe.SIZE_LIMIT

TASKS = {
    "CAUSAL_LM": "language-model", "SEQ_2_SEQ_LM": "language-model", "SEQ_CLS": "classifier",
    "TOKEN_CLS": "classifier", "QUESTION_ANS": "language-model", "FEATURE_EXTRACTION": "embedding",
}


def read(source: Source, file: str, asset: str) -> Evidence:
    """The adapt step and the target of an adapter; never raises."""
    config = json_safe.read(source, file)
    claims: list[Claim] = [*_step(config, file, asset), *_target(config, file, asset)]
    return Evidence(claims=tuple(claims), problems=config.problems)


def _step(config: json_safe.Read, file: str, asset: str) -> Iterator[StepClaim]:
    written = config.word("base_model_name_or_path").strip()
    parent = repo_id(written)
    if written and parent.lower() != asset.lower():
        where = place(file, config.line("base_model_name_or_path"), "base_model_name_or_path", written,
                      weak="" if parent else FOLDER)
        yield StepClaim(asset, "adapt", parent or written, where)


def _target(config: json_safe.Read, file: str, asset: str) -> Iterator[AssetClaim]:
    task = config.word("task_type")
    if target := TASKS.get(task.upper()):
        yield AssetClaim(asset, "target", target, place(file, config.line("task_type"), "task_type", task))
