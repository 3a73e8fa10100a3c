"""Names that speak of a base which nothing on disk names: told, and never taken for a step.

A name is no evidence (TinyLlama is none of Meta's models), yet a reader of "permitted" should know what was not seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from caveat.law.words import ACTS
from caveat.lineage.claims import Problem
from caveat.lineage.graph import Asset, Lineage

#: What a name speaks of -> the laws that would reach what is made from it.
SPEAKS: tuple[tuple[str, str, frozenset[str]], ...] = (
    (r"llama[-_]?2(?![\db.])", "Llama 2", frozenset({"llama-2"})),
    (r"llama[-_]?3[._][123](?![\db])", "Llama 3.1 or later", frozenset({"llama-3.1", "llama-3.2", "llama-3.3"})),
    (r"llama[-_]?3(?![\db._])", "Llama 3", frozenset({"llama-3", "llama-3.1", "llama-3.2", "llama-3.3"})),
    (r"(?<![a-z])(?:code)?gemma(?![a-z]|-?4)", "Gemma", frozenset({"gemma"})),
)


def unnamed_bases(lineage: Lineage, subjects: Iterable[str]) -> Iterator[Problem]:
    """One problem for each subject whose name speaks of a base that is nowhere named, under a label of other terms."""
    for id in subjects:
        asset = lineage.assets[id]
        speaks = next((s for s in SPEAKS if re.search(s[0], id.rpartition("/")[2][:200], re.IGNORECASE)), None)
        if speaks and _alone(asset) and not speaks[2] & set(asset.laws()):
            place = asset.licensed[0].place.file if asset.licensed else "."
            what = f"the name of {id} speaks of {speaks[1]}, and nothing says what it was made from"
            yield Problem(place, what, None, "judged as a model of its own: name its base")


def _alone(asset: Asset) -> bool:
    """A model for which no base is told and which the catalogue does not know."""
    known = any(s.place.kind == "catalogue" for s in asset.licensed)
    return asset.kind in ("", "model") and not known and not any(ACTS[e.act].in_family for e in asset.edges)
