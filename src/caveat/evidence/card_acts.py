"""Says by which act a model came from the base its card names, where the card does not say it itself.

A relation that is written (base_model_relation, a tag) wins; else tags, library and the ending of the name decide,
and the claim is marked as inferred.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caveat.evidence.yaml_safe import Mapping

RELATIONS = {
    "finetune": "finetune", "finetuned": "finetune", "fine-tune": "finetune", "adapter": "adapt", "adapters": "adapt",
    "lora": "adapt", "merge": "merge", "merged": "merge", "quantized": "quantize", "quantised": "quantize",
    "quantization": "quantize", "quantize": "quantize", "converted": "convert", "conversion": "convert",
}
QUANTIZED_NAME = re.compile(
    r"[-_.](?:gguf|ggml|gptq|awq|exl[23]|hqq|aqlm|eetq|bnb|imatrix|nvfp4|mxfp4|(?:int)?[2-8][-_]?bits?|int[48]"
    r"|w[48]a(?:8|16)|q[2-8](?:f16|f32|_[\w]+)?|fp8|[\d.]+bpw|quantized)(?=$|[-_.])",
    re.IGNORECASE,
)
CONVERTED_NAME = re.compile(r"[-_.](?:mlx|onnx|openvino|ct2|ctranslate2|coreml|mlc|safetensors|sharded)(?=$|[-_.])",
                            re.IGNORECASE)
ADAPTER_NAME = re.compile(r"(?:^|[-_./])(?:q?lora|adapter|peft)(?=$|[-_.])", re.IGNORECASE)
QUANTIZED_WORDS = frozenset({
    "gguf", "ggml", "gptq", "awq", "exl2", "exl3", "4-bit", "8-bit", "quantized", "int4", "fp8",
})
CONVERTED_WORDS = frozenset({"mlx", "onnx", "openvino", "ctranslate2", "mlc-llm", "coreml"})
ADAPTER_WORDS = frozenset({"lora", "qlora", "peft", "adapter", "template:sd-lora", "template:diffusion-lora"})
MERGE_WORDS = frozenset({"merge", "merges", "merged", "mergekit", "lazymergekit", "frankenmerge"})
#: Words that say a model was changed: a quantizing word beside them may be of the training method.
TUNED_WORDS = frozenset({"generated_from_trainer", "sft", "dpo", "trl", "axolotl", "finetuned", "finetune"})


class Act(NamedTuple):
    """An act and how it is known: declared (written as such) or inferred, and from what."""

    act: str
    kind: str
    reason: str = ""


def act_of(front: Mapping, asset: str, parent: str, parents: int) -> Act:
    """By which act `asset` came from `parent`, one of `parents` bases named in `front`."""
    written = RELATIONS.get(front.text("base_model_relation").lower().strip())
    if written:
        return Act(written, "declared")
    words = words_of(front)
    return next((Act(act, "inferred", why) for act, why in _signs(front, asset, parent, parents, words) if why),
                Act("finetune", "inferred", "nothing else is said"))


def words_of(front: Mapping) -> frozenset[str]:
    """Tags and library in lower case."""
    return frozenset(w.lower() for k in ("tags", "library_name", "library", "tag") for w in front.strings(k))


def _signs(
    front: Mapping, asset: str, parent: str, parents: int, words: frozenset[str]
) -> tuple[tuple[str, str], ...]:
    """Rows (act, reason or ""), strongest first."""
    name, base = asset.split("/")[-1], parent.split("/")[-1]
    quantizer = "" if _tuned_by_itself(front, name, words) else front.text("quantized_by")
    return (
        ("quantize", f"quantized by {quantizer}" if quantizer else ""),
        ("merge", "several bases" if parents > 1 and not words & ADAPTER_WORDS else ""),
        ("convert", "the tag converted" if "converted" in words and not words & TUNED_WORDS else ""),
        ("quantize", "its name" if QUANTIZED_NAME.search(name) and not QUANTIZED_NAME.search(base) else ""),
        ("adapt", _shared(words, ADAPTER_WORDS) or ("its name" if ADAPTER_NAME.search(name) else "")),
        ("merge", _shared(words, MERGE_WORDS)),
        ("convert", "its name" if CONVERTED_NAME.search(name) and not CONVERTED_NAME.search(base) else ""),
        ("quantize", "" if words & TUNED_WORDS or front.get("datasets") else _shared(words, QUANTIZED_WORDS)),
        ("convert", "" if words & TUNED_WORDS or not _same(name, base) else _shared(words, CONVERTED_WORDS)),
        ("copy", "the same name by another owner" if name.lower() == base.lower() and asset != parent else ""),
    )


def _tuned_by_itself(front: Mapping, name: str, words: frozenset[str]) -> bool:
    """A maker whose template signs every card as its quantizer, under a model that it says it tuned."""
    signed = front.text("quantized_by")
    return bool(words & TUNED_WORDS) and signed == front.text("model_creator") and not QUANTIZED_NAME.search(name)


def _shared(words: frozenset[str], table: frozenset[str]) -> str:
    both = sorted(words & table)
    return f"the tag {both[0]}" if both else ""


def _same(name: str, base: str) -> bool:
    return name.lower().startswith(base.lower())
