"""Hugging Face `datasets` builders: a class in Python that says of a data set what it is, whence, and under what terms.

    class Rows(datasets.GeneratorBasedBuilder):
        def _info(self): return datasets.DatasetInfo(license="cc-by-4.0", ...)
        def _split_generators(self, dl_manager): dl_manager.download("https://huggingface.co/datasets/owner/name/...")

The class is read and never run. Its licence is the data set's own; files that it fetches from another data set of the
hub make that one its parent, other addresses are where its own rows lie and say nothing about terms.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from caveat.evidence import licence_words
from caveat.evidence.code_values import Names, keyword, last_name
from caveat.evidence.repo_names import HUB, NO_OWNER
from caveat.evidence.source import place
from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, StepClaim

BUILDERS = frozenset({"GeneratorBasedBuilder", "ArrowBasedBuilder", "DatasetBuilder", "BeamBasedBuilder",
                      "FolderBasedBuilder"})
FETCHES = frozenset({"download", "download_and_extract", "download_custom", "iter_files", "iter_archive"})
MOST_CLASSES, MOST_NODES = 20, 20_000


def claims_of(tree: ast.Module, file: str, asset: str) -> Iterator[Claim]:
    """What the builders of a program say of the data set that the program is."""
    builders = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and _builds(n)][:MOST_CLASSES]
    if not builders:
        return
    names = Names(tree)
    where = place(file, builders[0].lineno, f"class {builders[0].name}", last_name(builders[0].bases[0]), "detected")
    yield AssetClaim(asset, "kind", "dataset", where)
    for builder in builders:
        for _, node in zip(range(MOST_NODES), ast.walk(builder)):
            if isinstance(node, ast.Call):
                yield from _called(node, names, file, asset)


def _builds(node: ast.ClassDef) -> bool:
    return any(last_name(b) in BUILDERS for b in node.bases)


def _called(node: ast.Call, names: Names, file: str, asset: str) -> Iterator[Claim]:
    called = last_name(node.func)
    if called == "DatasetInfo":
        yield from _licence(node, names, file, asset)
    elif called in FETCHES and node.args:
        yield from _fetched(node, names, file, asset)


def _licence(node: ast.Call, names: Names, file: str, asset: str) -> Iterator[Claim]:
    """`DatasetInfo(license=...)`; an empty one is none."""
    for value in names.values(keyword(node, "license"))[:1]:
        raw = value.text.strip()
        if raw:
            said = licence_words.laws_of(raw, licence_words.table())
            yield LicenceClaim(asset, said.laws, place(file, node.lineno, "DatasetInfo(license)", raw, "detected"),
                               said.choice, raw)


def _fetched(node: ast.Call, names: Names, file: str, asset: str) -> Iterator[Claim]:
    for text in _texts(node.args[0], names):
        found = HUB.match(text)
        named = f"{found['owner']}/{found['name']}" if found and found["owner"] not in NO_OWNER else ""
        if named and found and found["sort"] and named != asset:
            where = place(file, node.lineno, f"{last_name(node.func)}(...)", text, "detected")
            yield AssetClaim(named, "kind", "dataset", where)
            yield StepClaim(asset, "convert", named, where)


def _texts(node: ast.expr, names: Names) -> list[str]:
    """Every address an argument may be: a text, a variable, a list, or a dictionary of them, or an item of one."""
    holders: list[ast.expr] = [node]
    if isinstance(node, ast.Subscript):
        holders.append(node.value)
    for holder in list(holders):
        if isinstance(holder, ast.Name):
            holders += names.assigned.get(holder.id, ())
    inside = [n for h in holders for n in ((*h.values,) if isinstance(h, ast.Dict) else
                                           (*h.elts,) if isinstance(h, (ast.List, ast.Tuple)) else (h,))][:200]
    return list(dict.fromkeys(v.text for n in inside for v in names.values(n)))
