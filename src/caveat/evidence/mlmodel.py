"""MLflow's MLmodel: which public model a logged model was taken from, and which adapter was put on it.

    flavors: {transformers: {source_model_name: owner/name, peft_adaptor: ..., task: ...}, openai: ...}

Traps: `model_path` and `artifact_path` are folders of the run; a flavour without a model's name says nothing of where
the weights come from, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.evidence.planned import Part, Recipe, evidence, scalars_at
from caveat.evidence.yaml_safe import Mapping
from caveat.lineage.claims import Evidence, Problem

KEYS = ("flavors",)
NAMED = ("source_model_name", "instance_model_name", "model_name", "repo_id")
ADAPTERS = ("peft_adaptor", "peft_adapter")
MAY_BE_TUNED = "the model that was logged may have been tuned since it was loaded under this name"
SAYS_NOTHING = "an MLflow model whose record names no model that it comes from"
#: Flavours that hold weights of language models; a scikit-learn model needs no origin.
OF_WEIGHTS = frozenset({"transformers", "sentence_transformers", "llama_cpp", "openai", "langchain", "llama_index"})


def recognises(tree: Mapping) -> bool:
    return isinstance(tree.get("flavors"), Mapping) and bool(
        {"run_id", "model_uuid", "mlflow_version", "artifact_path", "model_id", "utc_time_created"} & set(tree.keys()))


def claims_of(recipe: Recipe) -> Evidence:
    flavours = recipe.tree.get("flavors")
    keys = set(flavours.keys()) if isinstance(flavours, Mapping) else set()
    leaf = recipe.tree.text("artifact_path").rstrip("/").rsplit("/", 1)[-1]
    told = evidence(recipe, parts(recipe.tree), leaf if leaf not in ("", "model") else recipe.asset)
    if told.claims or not keys & OF_WEIGHTS:
        return told
    return Evidence(problems=(Problem(recipe.file, SAYS_NOTHING, recipe.tree.line, "its origin stays unknown"),))


def parts(tree: Mapping) -> Iterator[Part]:
    flavours = tree.get("flavors")
    if not isinstance(flavours, Mapping):
        return
    for e in flavours.entries:
        if isinstance(e.value, Mapping):
            adapted = any(True for k in ADAPTERS for _ in scalars_at(e.value, k))
            for key, s in ((k, s) for k in NAMED for _, s in scalars_at(e.value, k)):
                act = "adapt" if adapted else "bundle" if e.key in ("openai", "langchain") else "copy"
                yield Part(act, s.text, s.line, f"flavors.{e.key}.{key}", e.key, weak="" if adapted else MAY_BE_TUNED)
