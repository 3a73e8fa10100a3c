"""A hosted service called on a day is a node of its own ("gpt-4 of 2023-06-01"): its terms are those of that day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date

from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, Place, StepClaim


def dated(claims: Iterable[Claim], is_service: Callable[[str], bool], root: str = "") -> list[Claim]:
    """A service called on a day is a node of its own ("gpt-4 of 2023-06-01"): its terms are those of that day."""
    out: list[Claim] = []
    claims = list(claims)
    days = {(c.parent, c.when) for c in claims if isinstance(c, StepClaim) and c.when and is_service(c.parent)}
    for c in claims:
        if isinstance(c, StepClaim):
            out.append(_dated_step(c, days))
        elif isinstance(c, LicenceClaim) and c.place.key.startswith("of ") and c.asset != root:
            out.append(LicenceClaim(f"{c.asset} {c.place.key}", c.laws, c.place, c.choice, c.raw))
        else:
            out.append(c)
    out += [AssetClaim(f"{name} of {day.isoformat()}", "kind", "service", Place("catalogue"))
            for name, day in days if day]
    return out


def _dated_step(c: StepClaim, days: Collection[tuple[str, date | None]]) -> StepClaim:
    if (c.parent, c.when) not in days or c.when is None:
        return c
    return StepClaim(c.child, c.act, f"{c.parent} of {c.when.isoformat()}", c.place, c.by, c.when, c.column, c.computed)


def renamed(c: Claim, old: str, new: str) -> Claim:
    if old == new or not isinstance(c, (AssetClaim, LicenceClaim)) or c.asset != old:
        return c
    if isinstance(c, AssetClaim):
        return AssetClaim(new, c.field, c.value, c.place)
    return LicenceClaim(new, c.laws, c.place, c.choice, c.raw)
