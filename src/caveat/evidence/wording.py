"""What was understood, said back in canonical words ("read as"), and the plain names of what a question makes."""

from __future__ import annotations

from collections.abc import Sequence

from caveat.evidence.sentence import LABELLING, Plan, Thing

#: Acts that are named as a thing ("output of gpt-4"), and those that are told of what they changed ("X (quantized)").
NOUNS = {"generate": "output", "merge": "merge", "mix": "mix", "copy": "copy"}
PAST = {"train": "trained", "finetune": "finetuned", "adapt": "adapted", "distil": "distilled", "prune": "pruned",
        "quantize": "quantized", "convert": "converted", "annotate": "annotated", "filter": "filtered",
        "bundle": "bundled"}


def label_of(act: str, parts: Sequence[str], found: bool = False) -> str:
    """A node's name in plain words."""
    if act in NOUNS:
        label = f"{NOUNS[act]} of {' and '.join(parts)}"
    else:
        label = f"{parts[0]} ({PAST.get(act, act)})"
    return f"found {label}" if found else label


def words_of(plan: Plan) -> str:
    """The plan as it was read, in canonical words."""
    parts = [plan.act if plan.said not in LABELLING else plan.said, " and ".join(map(said, plan.things))]
    parts += [f"{prep} {' and '.join(map(said, ts))}" for prep, ts in plan.preps]
    parts += [f"as {plan.offered.words}"] if plan.offered else []
    parts += [f'named "{plan.named}"'] if plan.named else []
    return " ".join(p for p in parts if p)


def said(thing: Thing) -> str:
    """One thing in canonical words."""
    core = {"it": "it", "name": thing.name}.get(thing.how, "")
    if not core:
        core = _made_words(thing)
    core = f"found {core}" if thing.found else core
    core += f" offered under {thing.offered.words}" if thing.offered else ""
    core += f" under {thing.under.words}" if thing.under else ""
    return core + (f" of {thing.date}" if thing.date else "")


def _made_words(thing: Thing) -> str:
    inner = " and ".join(map(said, thing.inner))
    joint = " " if thing.word.endswith("ed") else " of "
    return f"{thing.word}{joint}{inner}" + (f" on {' and '.join(map(said, thing.on))}" if thing.on else "")
