"""From what was read to a lineage: names resolved, the catalogue's knowledge added, makers and kinds filled in."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from caveat.evidence.catalogue.names import fold
from caveat.evidence.imagine import YOU
from caveat.evidence.names import NameBook
from caveat.evidence.services import dated
from caveat.flows.hints import unnamed_bases
from caveat.law.words import ACTS
from caveat.lineage import graph
from caveat.lineage.claims import (
    AssetClaim,
    Claim,
    Evidence,
    FileClaim,
    LicenceClaim,
    Place,
    Problem,
    StepClaim,
    UseClaim,
)

Resolve = Callable[[str], str]


class Gathered(NamedTuple):
    """Evidence as a lineage, with the subjects under their resolved names."""

    lineage: graph.Lineage
    subjects: tuple[str, ...]
    evidence: Evidence  # names resolved
    on_disk: frozenset[str]
    problems: tuple[Problem, ...]


def lineage_of(evidence: Evidence, book: NameBook, today: str) -> Gathered:
    """The lineage of what was read and of everything the catalogue knows behind it."""
    resolve = _resolver(book, evidence.subjects)
    subjects = tuple(map(resolve, evidence.subjects))
    told = _without_vague(evidence.claims, book)
    claims = [_signed(_rename(c, book, resolve), evidence.you) for c in told]
    read = {_subject_of(c) for c in claims if not isinstance(c, StepClaim)} | {
        c.child for c in claims if isinstance(c, StepClaim)} | set(subjects)
    known = _known(claims, subjects, book, today)
    claims, amiss = _of_known_kind(claims, known)
    claims = _without_siblings(claims, known)
    merged = _lessons_of_bases(_without_ring([*claims, *known]))
    merged = _filled(merged)
    merged = [*merged, *_makers(merged, read, evidence.you or YOU), *_kinds(merged)]
    lineage = graph.of([*merged, *_own_parts(merged, set(subjects))])
    missing = [s for s in subjects if s not in lineage.assets]
    for s in missing:
        lineage.assets[s] = graph.Asset(s)
    on_disk = frozenset(_subject_of(c) for c in claims if isinstance(c, FileClaim)) | frozenset(subjects)
    problems = (*evidence.problems, *amiss, *lineage.problems, *_contradictions(lineage, subjects),
                *unnamed_bases(lineage, subjects))
    return Gathered(lineage, subjects, _with_claims(evidence, subjects, claims), on_disk, problems)


def _with_claims(e: Evidence, subjects: tuple[str, ...], claims: Iterable[Claim]) -> Evidence:
    return e._replace(subjects=subjects, claims=tuple(claims))


def _subject_of(c: Claim) -> str:
    return c.child if isinstance(c, StepClaim) else c.asset


def _resolver(book: NameBook, subjects: Iterable[str]) -> Resolve:
    """How names that were read are spelt. A folder's own name is no claim to be a well-known asset of that name."""
    local = frozenset(s for s in subjects if "/" not in s)
    return lambda name: name if name in local else book.resolve_read(name) or name


def _rename(c: Claim, book: NameBook, resolve: Resolve) -> Claim:
    """The same claim with names as the catalogue spells them."""
    if isinstance(c, StepClaim):
        parent = _parent(c, book, resolve)
        return StepClaim(resolve(c.child), c.act, parent, c.place, c.by, c.when, c.column, c.computed)
    name = resolve(c.asset)
    if isinstance(c, LicenceClaim):
        laws = tuple(dict.fromkeys(book.on_shelf(law) for law in c.laws))
        return LicenceClaim(name, laws, c.place, c.choice, c.raw)
    if isinstance(c, AssetClaim):
        return AssetClaim(name, c.field, c.value, c.place)
    if isinstance(c, FileClaim):
        return FileClaim(name, c.what, c.value, c.place)
    return UseClaim(name, c.act, c.place, c.offered, c.named, c.of)


def _of_known_kind(claims: list[Claim], known: Iterable[Claim]) -> tuple[list[Claim], list[Problem]]:
    """The page of a data set often tells of models taught with it: no model is made there, and that is said."""
    sets = {c.asset for c in known if isinstance(c, AssetClaim) and (c.field, c.value) == ("kind", "dataset")}
    amiss = [c for c in claims if isinstance(c, StepClaim) and c.child in sets and ACTS[c.act].makes == "model"
             and not c.place.file.endswith("caveat.toml")]
    guessed = [c for c in claims if isinstance(c, AssetClaim) and c.asset in sets and c.field == "kind"
               and c.value == "model" and c.place.kind != "declared"]
    told = [Problem(c.place.file, f"{c.act} from {c.parent}: {c.child} is a data set, no model", c.place.line,
                    "the step was left out") for c in amiss]
    left_out = {*amiss, *guessed}
    return [c for c in claims if c not in left_out], told


def _without_vague(claims: Iterable[Claim], book: NameBook) -> list[Claim]:
    """A base named only by its family ("LLaMA", "Llama 2") gives way to a member of it that is known by name."""
    claims = list(claims)
    steps: dict[str, list[StepClaim]] = {}
    for c in claims:
        if isinstance(c, StepClaim):
            steps.setdefault(c.child, []).append(c)
    known: dict[str, list[str]] = {}
    for child in steps:
        asset = book.resolve_read(child) or ""
        behind = book.claims(asset, None) if asset else ()
        told = [*steps[child], *(steps.get(asset, ()) if asset != child else ()), *behind]
        known[child] = sorted({fold(c.parent.rpartition("/")[2]) for c in told if isinstance(c, StepClaim)
                               and c.child in (child, asset) and ACTS[c.act].in_family})
    return [c for c in claims if not (isinstance(c, StepClaim) and _vague(c, known[c.child]))]


def _vague(c: StepClaim, known: list[str]) -> bool:
    """Whether a longer name begins with this one; `known` is sorted, so that it would stand right behind."""
    if "/" in c.parent or not ACTS[c.act].in_family:
        return False
    name = fold(c.parent)
    at = bisect_right(known, name)
    return at < len(known) and known[at].startswith(name)


def _without_siblings(claims: list[Claim], known: Iterable[Claim]) -> list[Claim]:
    """The card of a quantization is often that of the model it was made from, bases and all. Where the catalogue
    knows that model, the bases that the card names are its bases; only an act that was read there is another's."""
    bases: dict[str, set[str]] = {}
    original: dict[str, str] = {}
    for c in known:
        if isinstance(c, StepClaim) and ACTS[c.act].in_family:
            bases.setdefault(c.child, set()).add(c.parent)
            if c.act in ("quantize", "convert", "copy"):
                original[c.child] = c.parent
    return [c for c in claims if not (isinstance(c, StepClaim) and ACTS[c.act].in_family and c.child in original
                                      and c.place.kind == "inferred" and c.parent != original[c.child]
                                      and _above(c.parent, bases) & _above(original[c.child], bases))]


def _above(id: str, bases: dict[str, set[str]]) -> set[str]:
    """This model and those it is known to come from."""
    todo, seen = [id], {id}
    while todo:
        new = bases.get(todo.pop(), set()) - seen
        seen |= new
        todo += new
    return seen


def _signed(c: Claim, you: str) -> Claim:
    """A step of yours is signed with the name you gave yourself: else you and your name would be two parties."""
    return c._replace(by=you) if you and isinstance(c, StepClaim) and c.by == YOU else c


def _parent(c: StepClaim, book: NameBook, resolve: Resolve) -> str:
    parent = resolve(c.parent)
    if c.when and book.is_service(parent):
        return f"{parent} of {c.when.isoformat()}"
    return parent


def _known(claims: Iterable[Claim], subjects: tuple[str, ...], book: NameBook, today: str) -> list[Claim]:
    """What the catalogue knows of every asset that was named, once each."""
    named = dict.fromkeys([*subjects, *(x for c in claims if isinstance(c, StepClaim) for x in (c.child, c.parent))])
    found: dict[Claim, None] = {}
    for name in named:
        if name in subjects and "/" not in name:
            continue
        base, _, day = name.partition(" of ")
        when = date.fromisoformat(day) if day[:4].isdigit() else date.fromisoformat(today)
        for c in dated(book.claims(base, when), book.is_service, base):
            found[_on_day(c, base, name)] = None
    return list(found)


def _on_day(c: Claim, base: str, name: str) -> Claim:
    if base == name or _subject_of(c) != base or isinstance(c, (StepClaim, UseClaim)):
        return c
    if isinstance(c, LicenceClaim):
        return LicenceClaim(name, c.laws, c.place, c.choice, c.raw)
    if isinstance(c, AssetClaim):
        return AssetClaim(name, c.field, c.value, c.place)
    return c


#: Labels that name no terms at all: "other", alone or with a link to a page that was not read.
NAMELESS = re.compile(r"(?:other|unknown|none)?(?: ?\((?:https?://\S*|licen[cs]e(?:\.\w+)?)\))?", re.IGNORECASE)


def _filled(claims: list[Claim]) -> list[Claim]:
    """A label that says nothing stands for the terms that a file beside it or the catalogue knows."""
    known = {c.asset: c for kind in ("catalogue", "detected") for c in claims if isinstance(c, LicenceClaim)
             and c.place.kind == kind and not c.place.weak and "unknown" not in c.laws}
    return [c._replace(laws=known[c.asset].laws, choice=known[c.asset].choice)
            if isinstance(c, LicenceClaim) and c.asset in known and c.laws == ("unknown",)
            and NAMELESS.fullmatch(c.raw[:500]) else c for c in claims]


def _lessons_of_bases(claims: list[Claim]) -> list[Claim]:
    """Data that a card names belongs to whoever taught the model. A card that was copied along with a quantization
    names the data of its base; a merge's card, what its parents are known to have learned from."""
    steps = [c for c in claims if isinstance(c, StepClaim)]
    bases: dict[str, list[StepClaim]] = {}
    for c in steps:
        if ACTS[c.act].in_family:
            bases.setdefault(c.child, []).append(c)
    lessons = {(c.child, c.parent) for c in steps if c.act == "train"}
    return [_at_its_base(c, bases, lessons) if isinstance(c, StepClaim) and c.act == "train" else c for c in claims]


def _at_its_base(c: StepClaim, bases: dict[str, list[StepClaim]], lessons: set[tuple[str, str]]) -> StepClaim:
    """The training step, moved to the base that took it."""
    mine = bases.get(c.child, [])
    copied = mine and not any(ACTS[b.act].adds for b in mine)
    merged = mine and all(b.act == "merge" for b in mine)
    taught = [b.parent for b in mine if copied or (merged and (b.parent, c.parent) in lessons)]
    if not taught:
        return c
    return StepClaim(taught[0], c.act, c.parent, c.place, "", c.when, c.column, c.computed)


def _without_ring(claims: list[Claim]) -> list[Claim]:
    """A thing that names itself as its own parent (669 models on the hub do) says nothing by it."""
    return [c for c in claims if not (isinstance(c, StepClaim) and c.child == c.parent)]


def _makers(claims: Iterable[Claim], read: set[str], you: str) -> list[Claim]:
    """Who publishes what: as known, else the owner in the repository id, else (for what was read here) whoever is said
    to have made it, else you."""
    claims = list(claims)
    told = {c.asset for c in claims if isinstance(c, AssetClaim) and c.field == "maker"}
    others = {c.child: c.by for c in claims if isinstance(c, StepClaim) and c.by not in ("", you)}
    names = dict.fromkeys(x for c in claims
                          for x in ((c.child, c.parent) if isinstance(c, StepClaim) else (c.asset,)))
    place = Place("inferred", key="owner in the name")
    out: list[Claim] = []
    for name in [*names, *(r for r in read if r not in names)]:
        if name in told:
            continue
        owner = name.partition("/")[0] if "/" in name else ""
        if owner or name in read:
            out.append(AssetClaim(name, "maker", owner or others.get(name, you), place))
    return out


def _own_parts(claims: list[Claim], read: set[str]) -> Iterable[LicenceClaim]:
    """Whoever licenses what they made of a model of their own, license their part in it: the label of the quantized
    file speaks for the model behind it, unless that model was read or has terms of its own."""
    said = {c.asset: c for c in claims if isinstance(c, LicenceClaim)}
    maker = {c.asset: c.value for c in claims if isinstance(c, AssetClaim) and c.field == "maker"}
    for c in claims:
        if not isinstance(c, StepClaim) or not ACTS[c.act].in_family or c.child not in said:
            continue
        if c.parent in said or c.parent in read or not maker.get(c.parent) or maker[c.parent] != maker.get(c.child):
            continue
        label = said[c.child]
        place = label.place._replace(kind="inferred", key=f"label of {c.child}, by the same maker")
        said[c.parent] = LicenceClaim(c.parent, label.laws, place, label.choice, label.raw)
        yield said[c.parent]


def _kinds(claims: Iterable[Claim]) -> list[Claim]:
    """The kind of what nobody described, from the act it takes part in."""
    claims = list(claims)
    told = {c.asset for c in claims if isinstance(c, AssetClaim) and c.field == "kind"}
    place = Place("inferred", key="from the act")
    out: dict[str, Claim] = {}
    for c in claims:
        if isinstance(c, StepClaim):
            makes, works = ACTS[c.act].makes, ACTS[c.act].works_from
            for name, kind in ((c.child, makes if makes != "same" else ""), (c.parent, works[0])):
                if name not in told and kind not in ("", "any"):
                    out.setdefault(name, AssetClaim(name, "kind", kind, place))
    return list(out.values())


def _contradictions(lineage: graph.Lineage, subjects: Iterable[str]) -> Iterable[Problem]:
    """Several statements of terms about one thing that do not say the same: all are kept, and this is said."""
    for id in subjects:
        said = lineage.assets[id].licensed
        declared = [s for s in said if s.place.kind == "declared"]
        if len({s.laws for s in declared}) > 1:
            words = "; ".join(f"{s.raw or ' + '.join(s.laws)} ({s.place.file}:{s.place.line or '?'})" for s in declared)
            yield Problem(declared[0].place.file, f"{id}: the terms are stated differently: {words}",
                          declared[0].place.line, "all are kept")
        yield from (Problem(s.place.file, f"{id}: the label {s.raw!r} is weak: {s.place.weak}", s.place.line,
                            "kept as what is declared") for s in declared if s.place.weak)
