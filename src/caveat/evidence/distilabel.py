"""distilabel's pipeline.yaml: which models wrote or judged the rows of a data set, step by step.

    distilabel: {version}      pipeline: {name, steps: [{name, step: {llm: {model | model_id, type_info}, type_info}}]}

Traps: a task that rates (UltraFeedback, Prometheus, scorers) annotates, any other task generates; `repo_id` of a
loader is where the prompts came from; an OpenAI class against one's own `base_url` is no service of OpenAI.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from caveat.evidence.planned import Part, Recipe, evidence, file_name, has, joined
from caveat.evidence.yaml_safe import Mapping, Scalar, Sequence
from caveat.lineage.claims import Evidence

KEYS = ("distilabel", "pipeline")
JUDGES = re.compile(
    r"UltraFeedback|Prometheus|Scorer|PairRM|Reward|Judge|Quality|Complexity|Rating|CLAIR|Critic", re.IGNORECASE)
MODEL_KEYS = ("model", "model_id", "model_name", "repo_id")
DEEPEST = 14


def recognises(tree: Mapping) -> bool:
    pipeline = tree.get("pipeline")
    return isinstance(pipeline, Mapping) and isinstance(pipeline.get("steps"), Sequence) and (
        has(tree, "distilabel") or has(pipeline, "connections"))


def claims_of(recipe: Recipe) -> Evidence:
    pipeline = recipe.tree.get("pipeline")
    name = pipeline.text("name") if isinstance(pipeline, Mapping) else ""
    return evidence(recipe, parts(recipe.tree), name or file_name(recipe), makes="dataset")


def parts(tree: Mapping) -> Iterator[Part]:
    pipeline = tree.get("pipeline")
    steps = pipeline.get("steps") if isinstance(pipeline, Mapping) else None
    for n, item in enumerate(steps.values if isinstance(steps, Sequence) else ()):
        step = item.get("step") if isinstance(item, Mapping) else None
        if isinstance(step, Mapping):
            yield from _of_step(step, f"pipeline.steps[{n}]")


def _of_step(step: Mapping, path: str) -> Iterator[Part]:
    """The models inside a step, or the data set that a loader fetches."""
    task = _class(step)
    repo = step.get("repo_id")
    if isinstance(repo, Scalar) and not repo.null and "Push" not in task:
        yield Part("filter", repo.text, repo.line, f"{path}.repo_id", joined(task, step.text("split")))
    act = "annotate" if JUDGES.search(task) else "generate"
    for where, llm in _models(step, path):
        kind = _class(llm)
        key = next((k for k in MODEL_KEYS if isinstance(llm.get(k), Scalar) and llm.text(k)), "")
        if key:
            own = "its own server" if llm.text("base_url") and "OpenAI" in kind else ""
            scalar = llm.get(key)
            line = scalar.line if scalar else None
            yield Part(act, llm.text(key), line, f"{where}.{key}", joined(task, kind, own))


def _models(step: Mapping, path: str) -> Iterator[tuple[str, Mapping]]:
    """Every map under a key `llm` or in `llms`, however deep."""
    stack: list[tuple[str, Mapping | Sequence, int]] = [(path, step, 0)]
    while stack:
        where, here, depth = stack.pop()
        pairs = [(e.key, e.value) for e in here.entries] if isinstance(here, Mapping) else [
            (str(i), v) for i, v in enumerate(here.values)]
        for key, value in pairs:
            below = f"{where}.{key}"
            if isinstance(value, Mapping) and (key in ("llm", "reward_model") or where.endswith(".llms")):
                yield below, value
            if isinstance(value, (Mapping, Sequence)) and depth < DEEPEST:
                stack.append((below, value, depth + 1))


def _class(here: Mapping) -> str:
    kind = here.get("type_info")
    return kind.text("name") if isinstance(kind, Mapping) else ""
