"""Under which name a repository hands its model over, in the eyes of licences that ask for a name.

Copies often keep their publisher in front ("Meta-Llama-3-8B-GGUF", "meta-llama_Llama-3.1-8B-GGUF"): of a thing that
was only copied or quantized that says whose it is, and is no part of its name. A changed model is named as it stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.lineage.graph import Asset, Lineage

COPYING = frozenset({"copy", "convert", "quantize"})


def bare_name(lineage: Lineage, id: str) -> str:
    """The name that `id` bears: the one that was told, else that in the repository id; "" if it is neither."""
    told = lineage.assets[id].name or (id if "/" in id else "")
    name = told.rpartition("/")[2]
    fronts = {f for a in _originals(lineage, id) for f in (f"{a.maker}-", f"{a.maker}_", f"{a.id.partition('/')[0]}_")}
    for front in sorted(fronts, key=len, reverse=True):
        if len(front) > 1 and name.lower().startswith(front.lower()):
            return name[len(front):]
    return told if lineage.assets[id].name else name


def _originals(lineage: Lineage, id: str) -> Iterator[Asset]:
    """What `id` is a copy or quantization of, all the way up."""
    todo, seen = [id], {id}
    while todo:
        for edge in lineage.assets[todo.pop()].edges:
            if edge.act in COPYING and edge.parent not in seen:
                seen.add(edge.parent)
                todo.append(edge.parent)
                yield lineage.assets[edge.parent]
