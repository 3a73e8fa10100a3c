"""Acts that take two things: which edge each gives, and what kind of thing the first must be.

A sentence rarely says whether a name is a model or a data set; what is done with it does.
"""

from collections.abc import Sequence
from typing import NamedTuple

from caveat.evidence.sentence import Plan, Thing


class TwoPlace(NamedTuple):
    """How a two-place act uses its operands: edge of the things, edge of the others, and which preposition is which."""

    makes: str  # kind, "" = a use
    thing: str  # act on the edge from (or use of) each thing
    other: str  # act on the edge from (or use of) what follows the preposition
    model_first: bool = False  # the things are taught: known ones give a base edge, new ones are the result


TWO_PLACE: dict[str, TwoPlace] = {
    "train": TwoPlace("model", "finetune", "train", model_first=True),
    "finetune": TwoPlace("model", "finetune", "train", model_first=True),
    "adapt": TwoPlace("model", "adapt", "train", model_first=True),
    "distil": TwoPlace("model", "distil", "finetune"),
    "merge": TwoPlace("model", "merge", "merge"),
    "prune": TwoPlace("model", "prune", "train"),
    "quantize": TwoPlace("model", "quantize", "run"),
    "convert": TwoPlace("model", "convert", "run"),
    "copy": TwoPlace("same", "copy", "run"),
    "generate": TwoPlace("dataset", "mix", "generate"),
    "annotate": TwoPlace("dataset", "mix", "annotate"),
    "filter": TwoPlace("dataset", "filter", "annotate"),
    "mix": TwoPlace("dataset", "mix", "mix"),
    "bundle": TwoPlace("product", "bundle", "bundle"),
    "evaluate": TwoPlace("", "evaluate", "evaluate"),
    "retrieve": TwoPlace("", "retrieve", "run"),
    "run": TwoPlace("", "run", "run"),
    "serve": TwoPlace("", "serve", "serve"),
    "ship": TwoPlace("", "ship", "ship"),
    "sell": TwoPlace("", "sell", "sell"),
    "name": TwoPlace("", "name", "name"),
}


def kind_taken(plan: Plan, plans: Sequence[Plan]) -> str:
    """The kind of what a plan takes first: data to filter, mix and annotate, and to copy for later use as data."""
    if TWO_PLACE[plan.act].makes == "dataset":
        return "dataset"
    if plan.act not in ("copy", "convert"):
        return ""
    names = {t.name.lower() for t in plan.things if t.how == "name"}
    later = (_used_as(then, names) for then in plans[plans.index(plan) + 1:])
    return "dataset" if next(filter(None, later), "") == "dataset" else ""


def _used_as(plan: Plan, names: set[str]) -> str:
    """What a later plan takes "it" or one of the names for; "" if it does not name them or does not tell."""
    form = TWO_PLACE[plan.act]
    if _names(plan.things, names):
        return "dataset" if form.makes == "dataset" else "model" if form.model_first else ""
    taught = form.model_first and any(_names(things, names) for _, things in plan.preps)
    return "dataset" if taught else ""


def _names(things: tuple[Thing, ...], names: set[str]) -> bool:
    return any(t.how == "it" or t.name.lower() in names for t in things)
