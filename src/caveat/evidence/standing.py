"""Whose a recipe is: a plan of its own, or the record of how the model beside it was made.

A recipe alone makes a model of its own, by you. Beside a card or weights the only recipe tells how these were made,
by whoever publishes them. Two recipes that give their models one name make two models, told apart by their files; a
part of one's work (somebody's download in a folder below) is never yours.
"""

from __future__ import annotations

import posixpath

from caveat.evidence import generated
from caveat.evidence.planned import YOU
from caveat.law.words import ACTS
from caveat.lineage.claims import AssetClaim, Claim, Evidence, StepClaim

#: Readers whose claims are about a thing that is made, not about the folder that they lie in.
PLANS = frozenset({"recipe", "record", "launch_lines", "data_columns"})
#: Keys of claims that give the place on disk of what is made.
PLACES = ("output_dir", "export_dir", "--output_dir", "data file")
Said = list[tuple[str, Evidence]]


def settled(said: Said, asset: str, kinds: frozenset[str], below: bool) -> Said:
    """What the recipes of one folder say, about the right thing; `kinds` are what other readers say the asset is."""
    kinds &= {"model", "dataset"}
    said = generated.signed(said)
    alone = all(generated.is_ours(e) for _, e in said if e.claims)  # nothing but rows of Caveat's: they are the asset
    kinds = frozenset({"dataset"}) if alone and any(e.claims for _, e in said) else kinds
    said = [(n, _of_rows(e, asset, kinds) if n == "data_columns" or generated.is_ours(e) else e) for n, e in said]
    plans = [(n, e) for n, e in said if n in PLANS and e.claims and n != "data_columns" and not generated.is_ours(e)]
    if not plans:
        return _apart(said, asset)
    if len({e.claims[0].place.file for _, e in plans}) == 1 and len(_made(plans[0][1])) == 1 and kinds:
        made = next(iter(_made(plans[0][1])))
        return [(n, _renamed(_by_maker(e), {made: asset}) if n in PLANS else e) for n, e in said]
    told = _apart(said, asset)
    return [(n, _by_maker(e) if n in PLANS and (below or kinds) else e) for n, e in told]


def _made(e: Evidence) -> set[str]:
    """The things at the end of what one file makes: sets of marked answers on the way are not counted."""
    return {c.child for c in e.claims if isinstance(c, StepClaim)} - inner(e.claims)


def inner(claims: tuple[Claim, ...]) -> set[str]:
    """Data sets that are written in one step and learnt from in another of the same file."""
    learnt = {c.parent for c in claims if isinstance(c, StepClaim)}
    return {c.child for c in claims if isinstance(c, StepClaim) and ACTS[c.act].writes and c.child in learnt}


def _by_maker(e: Evidence) -> Evidence:
    unsigned = (c._replace(by="") if isinstance(c, StepClaim) and c.by == YOU else c for c in e.claims)
    return e._replace(claims=tuple(unsigned))


def _of_rows(e: Evidence, asset: str, kinds: frozenset[str]) -> Evidence:
    """Rows of a data set are the data set; rows beside a model are samples, and no lineage of it; else a file's own."""
    if "dataset" in kinds:
        made = generated.rows_in(e.claims) if generated.is_ours(e) else _made(e)
        return _renamed(e, dict.fromkeys(made, asset))
    return e if not kinds else e._replace(claims=())


def _apart(said: Said, asset: str) -> Said:
    """A name that several files give: from the second file on, it says where it was read."""
    first: dict[str, str] = {}
    told: Said = []
    for n, e in said:
        new: dict[str, str] = {}
        for made in sorted(_made(e)) if n in PLANS and not generated.is_ours(e) else ():
            file = e.claims[0].place.file
            if made != asset and first.setdefault(made, file) != file:
                new[made] = f"{made} ({file})"
                first[new[made]] = file
        told.append((n, _renamed(e, new) if new else e))
    return told


def _renamed(e: Evidence, new: dict[str, str]) -> Evidence:
    """The same claims with other names, also where a set of marked answers is named for what it teaches."""
    long = {**new, **{f"answers of {a}, scored": f"answers of {b}, scored" for a, b in new.items()}}
    return e._replace(claims=tuple(_under(c, long) for c in e.claims))


def _under(c: Claim, new: dict[str, str]) -> Claim:
    if isinstance(c, StepClaim):
        return c._replace(child=new.get(c.child, c.child), parent=new.get(c.parent, c.parent))
    return c._replace(asset=new.get(c.asset, c.asset))


def chained(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Where a recipe starts from the folder that exactly one other recipe writes to, it starts from its model."""
    made: dict[str, set[str]] = {}
    for c in claims:
        if isinstance(c, AssetClaim) and c.field == "alias" and c.place.key.startswith(PLACES):
            made.setdefault(posixpath.normpath(c.value), set()).add(c.asset)
    known = {folder: next(iter(names)) for folder, names in made.items() if len(names) == 1}
    return tuple(_from(c, known) if isinstance(c, StepClaim) and c.place.weak else c for c in claims)


def _from(c: StepClaim, known: dict[str, str]) -> StepClaim:
    name = known.get(posixpath.normpath(c.parent), "")
    return c._replace(parent=name, place=c.place._replace(weak="")) if name and name != c.child else c
