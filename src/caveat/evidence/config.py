"""Reads config.json of a model: what it is (architectures), whether it is quantized, and where it was loaded from.

Format: the configuration that transformers saves. Trap: `_name_or_path` is whatever the saving program loaded last:
the base of a fine-tune, one parent of a merge, the model itself, or a folder. It is weak evidence, and `auto_map`
(where code was loaded from) may name yet another repository, which is no parent.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence import json_safe
from caveat.evidence.repo_names import is_local, repo_id, weak_ending
from caveat.evidence.source import Source, place
from caveat.evidence.targets import of_architecture
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

NAMES = ("config.json",)
READS = "bytes"
LIMIT = json_safe.SIZE_LIMIT

LOADED = "where the saving program loaded it from: a base, a parent, or itself"
VISION_KEYS = ("vision_config", "vision_tower", "mm_vision_tower", "audio_config")


def read(source: Source, file: str, asset: str) -> Evidence:
    """Claims about `asset` from its config.json; never raises."""
    config = json_safe.read(source, file)
    claims: list[Claim] = [*_target(config, file, asset), *_multimodal(config, file, asset)]
    claims += _loaded_from(config, file, asset)
    return Evidence(claims=tuple(claims), problems=(*config.problems, *_code_elsewhere(config, file, asset)))


def _target(config: json_safe.Read, file: str, asset: str) -> Iterator[AssetClaim]:
    names = config.data.get("architectures")
    for name in names[:5] if isinstance(names, list) else ():
        if isinstance(name, str) and (target := _finer(of_architecture(name), config)):
            yield AssetClaim(asset, "target", target, place(file, config.line("architectures"), "architectures", name))
            return


def _finer(target: str, config: json_safe.Read) -> str:
    """A sequence classifier with one label is how reward models are saved."""
    labels = config.data.get("id2label")
    one = (isinstance(labels, dict) and len(labels) == 1) or config.data.get("num_labels") == 1
    return "reward-model" if target == "classifier" and one else target


def _multimodal(config: json_safe.Read, file: str, asset: str) -> Iterator[AssetClaim]:
    key = next((k for k in VISION_KEYS if config.data.get(k)), "")
    if key:
        yield AssetClaim(asset, "multimodal", "yes", place(file, config.line(key), key, key))


def method(config: json_safe.Read) -> str:
    """How the weights are quantized ("gptq"), or ""."""
    said = config.data.get("quantization_config") or config.data.get("quantization")
    if not isinstance(said, dict):
        return ""
    bits = next((f"{k}" for k in ("load_in_4bit", "load_in_8bit") if said.get(k) is True), "")
    return str(said.get("quant_method") or bits or "quantized")[:40]


def _loaded_from(config: json_safe.Read, file: str, asset: str) -> Iterator[StepClaim]:
    """The step from `_name_or_path`: quantize if the weights are quantized, copy if the name is, else finetune."""
    written = config.word("_name_or_path")
    parent = repo_id(written)
    if not parent or "/" not in parent or is_local(written) or parent.lower() == asset.lower():
        return
    same = weak_ending(parent) == weak_ending(asset)
    act = "quantize" if method(config) else "copy" if same else "finetune"
    where = place(file, config.line("_name_or_path"), "_name_or_path", written, "inferred", LOADED)
    yield StepClaim(asset, act, parent, where)


def _code_elsewhere(config: json_safe.Read, file: str, asset: str) -> Iterator[Problem]:
    """`auto_map` that runs code of another repository: told, because that code has terms of its own."""
    found = dict.fromkeys(s.split("--")[0] for s in json_safe.strings_in(config.data.get("auto_map")) if "--" in s)
    for name in found:
        if name.lower() != asset.lower() and repo_id(name):
            yield Problem(file, f"auto_map takes its code from {name}", config.line("auto_map"), "no step was recorded")
