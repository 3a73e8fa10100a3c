"""From the TOML files of this folder to one plain form that loads in milliseconds. The TOML stays the truth.

Every table is checked here, with file and name, so that the running catalogue can trust what it reads:

    [[asset]]    one asset                        [[family]]   many that share everything but id and base
    [[pattern]]  repositories known by their name [[alias]]    names that mean one id (loose: for evidence only)
    [[service]]  hosted APIs and their terms by day
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from caveat.errors import LawError, nearest
from caveat.evidence.catalogue.index import Catalogue
from caveat.evidence.catalogue.names import fold
from caveat.law.words import ACTS, KINDS, TARGETS

Record = dict[str, Any]

_ASSET = frozenset({"id", "kind", "maker", "licence", "licences", "aliases", "renamed-from", "family", "target",
                    "parameters", "multimodal", "contents", "source", "weak", "step", "short"})
_SHARED = (_ASSET - {"id"}) | {"members", "line"}
_MEMBER = _ASSET | {"base", "act", "copy-of", "data"}
_STEP = frozenset({"act", "from", "by", "column", "date", "source"})
_KEYS = {
    "asset": _ASSET, "family": _SHARED, "alias": frozenset({"names", "means", "loose"}),
    "pattern": frozenset({"match", "kind", "maker", "licence", "licences", "family", "target", "parameters",
                          "multimodal", "contents", "source"}),
    "service": frozenset({"names", "tier", "maker", "terms", "source"}),
}


def compile_sources(folder: Path) -> dict[str, Any]:
    """The compiled form of a folder of TOML files. Raises LawError with file and asset for what is wrong."""
    tables = [(path.name, kind, table) for path in sorted(folder.glob("*.toml"))
              for kind, table in _tables(path)]
    of = {kind: [(file, t) for file, k, t in tables if k == kind] for kind in _KEYS}
    records = _records([*of["asset"], *_members(of["family"])])
    patterns = [_pattern(file, t) for file, t in of["pattern"]]
    services = [_service(file, t) for file, t in of["service"]]
    strict = [(file, a) for file, a in of["alias"] if not a.get("loose")]
    names = _names(records, strict)
    compiled = {"digest": digest(folder), "names": names, "loose": {}, "patterns": patterns, "services": services,
                "records": {i: json.dumps(r, ensure_ascii=False, sort_keys=True) for i, r in records.items()}}
    _settle_parents(records, compiled)
    compiled["loose"] = _loose(names, [a for _, a in of["alias"] if a.get("loose")], Catalogue(compiled))
    return compiled


def digest(folder: Path) -> str:
    """A digest of the sources, by which a stale compiled file is seen."""
    text = b"\0".join(p.name.encode() + p.read_bytes() for p in sorted(folder.glob("*.toml")))
    return hashlib.sha256(text.replace(b"\r\n", b"\n")).hexdigest()


def _tables(path: Path) -> Iterator[tuple[str, Record]]:
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as e:
        raise LawError(path.name, None, str(e)) from e
    for kind, tables in read.items():
        if kind not in _KEYS:
            raise LawError(path.name, None, f"unknown table {kind}", nearest(kind, _KEYS))
        for table in tables:
            _known_keys(path.name, str(table.get("id", kind)), table, _KEYS[kind])
            yield kind, table


def _known_keys(file: str, where: str, table: Mapping[str, Any], known: Iterable[str]) -> None:
    for key in table:
        if key not in known:
            raise LawError(file, None, f"{where}: unknown key {key}", nearest(key, known))


def _members(families: list[tuple[str, Record]]) -> Iterator[tuple[str, Record]]:
    """Each member of a [[family]] as an [[asset]]: base, copy-of and data are short ways to write steps."""
    for file, shared in families:
        for member in shared["members"]:
            own = {"id": member} if isinstance(member, str) else dict(member)
            _known_keys(file, own["id"], own, _MEMBER)
            rest = {k: v for k, v in shared.items() if k not in ("members", "step", "source")}
            if "licences" in own or "licence" in own:
                rest = {k: v for k, v in rest.items() if k not in ("licence", "licences")}
            steps = [*shared.get("step", ()), *_short_steps(own), *own.pop("step", ())]
            yield file, {**rest, **own, "step": steps}


def _short_steps(own: Record) -> Iterator[Record]:
    act = own.pop("act", "finetune")
    for base in _list(own.pop("base", ())):
        yield {"act": act, "from": base}
    for data in _list(own.pop("data", ())):
        yield {"act": "train" if own.get("kind", "model") == "model" else "mix", "from": data}
    for original in _list(own.pop("copy-of", ())):
        yield {"act": "copy", "from": original}


def _records(assets: Iterable[tuple[str, Record]]) -> dict[str, Record]:
    records: dict[str, Record] = {}
    for file, a in assets:
        if a["id"] in records:
            raise LawError(file, None, f"{a['id']} is described twice")
        records[a["id"]] = _record(file, a)
    return records


def _record(file: str, a: Record) -> Record:
    where = a["id"]
    _one_of(file, where, a.get("kind", ""), KINDS)
    if a.get("target"):
        _one_of(file, where, a["target"], TARGETS)
    plain = {k: a[k] for k in ("id", "kind", "maker", "target", "multimodal", "contents", "weak") if a.get(k)}
    if a.get("parameters"):
        plain["parameters"] = int(a["parameters"])
    return {**plain, "licences": _licences(file, where, a), "families": _list(a.get("family", ())),
            "aliases": [*_list(a.get("aliases", ())), *_list(a.get("renamed-from", ()))],
            "short": a.get("short", True), "source": a.get("source") or _card(a),
            "steps": [_step(file, where, s) for s in a.get("step", ())]}


def _card(a: Record) -> str:
    """The public card, where the facts of an asset without a `source` of its own may be seen."""
    return f"https://huggingface.co/{'datasets/' if a['kind'] == 'dataset' else ''}{a['id']}"


def _licences(file: str, where: str, a: Record) -> list[Record]:
    if "licence" not in a and not a.get("licences"):
        raise LawError(file, None, f"{where}: says nothing of its licence (write \"unknown\" where nobody knows)")
    spans = a.get("licences") or [{"law": a["licence"]}]
    return [_span(s) for s in spans]


def _span(s: Record) -> Record:
    ends = {k: s[k].isoformat() for k in ("from", "to") if isinstance(s.get(k), date)}
    return {"laws": _list(s["law"]), **ends}


def _step(file: str, where: str, s: Record) -> Record:
    _known_keys(file, where, s, _STEP)
    _one_of(file, where, s["act"], ACTS)
    return {k: v.isoformat() if isinstance(v, date) else v for k, v in s.items()}


def _pattern(file: str, p: Record) -> Record:
    kept: Record = {k: p[k] for k in p if k not in ("licence", "licences", "family")}
    _one_of(file, p["match"], p["kind"], KINDS)
    return {**kept, "licences": _licences(file, p["match"], p), "families": _list(p.get("family", ()))}


def _service(file: str, s: Record) -> Record:
    terms = [{**_span(t), "held": t.get("held", "text"), "note": t.get("note", "")} for t in s["terms"]]
    return {"names": s["names"], "tier": s.get("tier", ""), "maker": s.get("maker", ""), "terms": terms,
            "source": s.get("source", "")}


def _one_of(file: str, where: str, word: str, known: Iterable[str]) -> None:
    if word not in known:
        raise LawError(file, None, f"{where}: unknown word {word or '(nothing)'}", nearest(word, known))


def _list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value)


def _names(records: dict[str, Record], aliases: list[tuple[str, Record]]) -> dict[str, str]:
    """Every strict name: ids, written aliases, then short names that can mean one asset only."""
    names: dict[str, str] = {}
    for asset_id, r in records.items():
        for name in (asset_id, *r["aliases"]):
            _give(names, name, asset_id, "an alias of")
    for file, a in aliases:
        for name in a["names"]:
            _give(names, name, str(names.get(a["means"].lower(), a["means"])), file)
    for name, ids in _short_names(records).items():
        if name not in names and len(ids) == 1:
            names[name] = ids[0]
    return dict(sorted(names.items()))


def _give(names: dict[str, str], name: str, asset_id: str, file: str) -> None:
    if names.setdefault(name.lower(), asset_id) != asset_id:
        raise LawError(file, None, f"{name} is to mean both {names[name.lower()]} and {asset_id}")


def _short_names(records: dict[str, Record]) -> dict[str, list[str]]:
    """Names without an owner -> what they may mean. A re-upload never takes the name of its original;
    `short = false` marks names that anybody might give to something else."""
    found: dict[str, list[str]] = {}
    for asset_id, r in records.items():
        if not r["short"] or any(s["act"] == "copy" for s in r["steps"]):
            continue
        ids = [asset_id, *(alias for alias in r["aliases"] if "/" in alias)]
        for name in {n for i in ids for n in _spellings(i.rpartition("/")[2].lower())}:
            found.setdefault(name, []).append(asset_id)
    return found


def _spellings(name: str) -> Iterator[str]:
    """llama-2-7b-hf, llama-2-7b; qwen2.5-7b, qwen-2.5-7b. A plain word alone (code, math) names nothing."""
    if not re.search(r"[\d_-]", name):
        return
    stem = re.sub(r"-hf$", "", re.sub(r"^meta-", "", name))
    split = re.sub(r"^([a-z]+)(\d)", r"\1-\2", stem)
    yield from dict.fromkeys((name, stem, split) if re.fullmatch(r"[a-z]+\d[\d.]*-.+", stem) else (name, stem))


def _settle_parents(records: dict[str, Record], compiled: dict[str, Any]) -> None:
    """Parents get their canonical ids; a bare parent that nobody knows, or an undated call, is an error."""
    catalogue = Catalogue(compiled)
    for asset_id, r in records.items():
        for s in r["steps"]:
            known = catalogue.resolve(s["from"])
            if known is None and "/" not in s["from"]:
                raise LawError("catalogue", None, f"{asset_id}: nobody knows {s['from']}",
                               catalogue.nearest(s["from"]))
            s["from"] = known or s["from"]
            if "date" not in s and catalogue.terms(s["from"]) is not None:
                raise LawError("catalogue", None, f"{asset_id}: the call of {s['from']} has no date")
        compiled["records"][asset_id] = json.dumps(r, ensure_ascii=False, sort_keys=True)


def _loose(names: dict[str, str], aliases: list[Record], catalogue: Catalogue) -> dict[str, str]:
    """Folded spellings -> ids; one that could mean two things means nothing, unless an alias says which."""
    found: dict[str, set[str]] = {}
    for name, asset_id in names.items():
        found.setdefault(fold(name), set()).add(asset_id)
    loose = {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1 and len(name) > 2}
    exact: dict[str, str] = {}
    for a in aliases:
        meant = catalogue.resolve(a["means"])
        if meant is None:
            raise LawError("catalogue", None, f"{a['names'][0]}: nobody knows {a['means']}")
        exact.update({n.lower(): meant for n in a["names"]})
        # Names of a library (`llama2:13b`) are not folded: they would take a title of others (Llama 2 13B).
        if not any(":" in n for n in a["names"]):
            loose.update({fold(n): meant for n in a["names"]})
    return dict(sorted({**loose, **exact}.items()))
