"""The first caveat.toml for a project: what was found, as comments with places, and what is missing, ready to fill in.

Nothing found is repeated as a setting: a file that says only what Caveat cannot find stays short and true.
"""

from __future__ import annotations

from collections.abc import Iterator

from caveat.law.toml_safe import quoted
from caveat.law.words import ACTS, FACTS
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Place, StepClaim

#: Facts that licences ask for most and that nothing on disk tells.
ASKED = ("commercial", "actor", "domicile", "monthly_users")
MOST = 40


def text(evidence: Evidence) -> str:
    """A caveat.toml that reads back without error; every line that is only a proposal is a comment."""
    name = evidence.subjects[0] if evidence.subjects else "my-project"
    parts = (_head(name), _found(evidence), _facts(), _missing(evidence), _uses(name), _settled())
    return "\n".join(line for part in parts for line in part) + "\n"


def comment(text: str) -> str:
    """One comment line: whatever a stranger wrote stays behind the mark."""
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return f"# {clean}"


def _head(name: str) -> Iterator[str]:
    yield "# What Caveat cannot find by itself. Every table is optional; `caveat check .` reads this file."
    yield "[project]"
    # Naming somebody else's public repository as one's own project is a choice, never a default.
    yield f"name = {quoted(name)}" if "/" not in name else comment(f"name = {quoted(name)}")
    yield '# by = "your-organisation"        # who you are: the party of every step that names none'
    yield ""


def _found(evidence: Evidence) -> Iterator[str]:
    told = [line for c in evidence.claims if (line := _told(c))]
    if told:
        yield "# Found, and need not be said again:"
        yield from (comment(f"  {line}") for line in dict.fromkeys(told[:MOST]))
    if len(told) > MOST:
        yield f"#   ... and {len(told) - MOST} more (caveat trace shows all)"
    for p in evidence.problems[:MOST]:
        yield comment(f"  not read: {p.file}{f':{p.line}' if p.line else ''}: {p.what}")
    yield ""


def _told(claim: Claim) -> str:
    if isinstance(claim, StepClaim):
        return f"{claim.child} <-{claim.act}- {claim.parent}   {where(claim.place)}"
    if isinstance(claim, LicenceClaim):
        return f"{claim.asset} is under {', '.join(claim.laws)}   {where(claim.place)}"
    return ""


def where(place: Place) -> str:
    """A place in one word: file, line, key."""
    line = f":{place.line}" if place.line else ""
    return f"[{place.file}{line} {place.key}]".replace(" ]", "]")


def _facts() -> Iterator[str]:
    yield "[facts]"
    for name in ASKED:
        fact = FACTS[name]
        known = " | ".join(fact.values) if fact.values else ("a number" if fact.type == "number" else "DE, US, EU, ...")
        example = {"number": "0", "yes-no": "true"}.get(fact.type, quoted(fact.values[0] if fact.values else "DE"))
        yield f"# {name} = {example}".ljust(34) + f"# {known}"
    yield ""


def _missing(evidence: Evidence) -> Iterator[str]:
    """A commented table for every asset whose terms or kind nobody states."""
    terms = {c.asset for c in evidence.claims if isinstance(c, LicenceClaim)}
    kinds = {c.asset: c.value for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "kind"}
    parents = {c.parent: c.act for c in evidence.claims if isinstance(c, StepClaim)}
    for name in [p for p in parents if p not in terms][:MOST]:
        yield "# Its terms were not found beside it; well-known names need none:"
        yield comment(f"[assets.{quoted(name)}]")
        yield comment(f"kind = {quoted(kinds.get(name) or kind_for(parents[name]))}")
        yield '# licence = "cc-by-4.0"'
        yield ""


def kind_for(act: str) -> str:
    """The kind of thing an act is done to, as its first guess."""
    kind = ACTS[act].works_from[0] if act in ACTS else "model"
    return "model" if kind == "any" else kind


def _uses(name: str) -> Iterator[str]:
    yield "# [[step]]                        # how it was made, where no file says so"
    yield comment(f"makes = {quoted(name)}")
    yield '# act = "finetune"'
    yield '# from = ["owner/name"]'
    yield ""
    yield "# [[use]]                         # what you mean to do with it"
    yield '# act = "ship"'
    yield '# as = "apache-2.0"'
    yield ""


def _settled() -> Iterator[str]:
    yield "# [settle.improve]                # a reading of an open word that your organisation chose"
    yield '# reading = "weights"'
    yield '# why = "Counsel\'s memo"'
    yield '# by = "legal"'
    yield "# until = 2027-06-30"
