"""What evidence says, before anybody judges: each claim with where it was read and how strong that place is.

Readers in `evidence/` return claims; `lineage/graph.py` turns them into assets and edges. Several claims about one
thing are all kept; contradictions are shown, none is silently picked.
"""

from datetime import date
from typing import NamedTuple

#: Where a claim may come from, strongest first.
EVIDENCE_KINDS = ("declared", "detected", "catalogue", "inferred")


class Place(NamedTuple):
    """Where something was read. `file` is relative to the folder read, a catalogue id, or a source address."""

    kind: str  # declared | detected | catalogue | inferred
    file: str = ""
    line: int | None = None  # counted from 1
    key: str = ""  # "datasets[1]", "general.license"
    quote: str = ""  # the value as it stood there, at most 120 characters
    weak: str = ""  # why little should be built on it ("written by the Unsloth template"), "" = not weak


class StepClaim(NamedTuple):
    """`child <-act- parent`, by whom and when."""

    child: str
    act: str
    parent: str
    place: Place
    by: str = ""  # "" = whoever publishes the child; "you" = the asker
    when: date | None = None
    column: str = ""  # of a data set, where the act concerns one column
    computed: bool = False  # the parent's name is computed at run time and only partly known


class LicenceClaim(NamedTuple):
    """What an asset is said to be under. `laws` are law ids; an id that no law file has stays as written."""

    asset: str
    laws: tuple[str, ...]
    place: Place
    choice: bool = False  # True: any one of them; False: all at once
    raw: str = ""  # as written: "llama2", "Apache License 2.0"


class AssetClaim(NamedTuple):
    """A fact about an asset: field is kind | target | family | parameters | multimodal | maker | contents | alias."""

    asset: str
    field: str
    value: str
    place: Place


class FileClaim(NamedTuple):
    """Something that lies beside an asset and can meet a duty: what = licence-file | notice-file | policy-file |
    source | card-line | card-field; `value` says which ("llama-2", "name", "Built with Llama")."""

    asset: str
    what: str
    value: str
    place: Place


class UseClaim(NamedTuple):
    """An intended use that was written down ([[use]] in caveat.toml)."""

    asset: str
    act: str
    place: Place
    offered: tuple[str, ...] = ()  # law ids of `as`
    named: str = ""
    of: str = ""  # what is evaluated, where the asset is the judge


class Problem(NamedTuple):
    """Evidence that could not be read, or contradicts itself. It never vanishes: it is printed in the report."""

    file: str
    what: str
    line: int | None = None
    instead: str = ""  # what was done instead


class Settlement(NamedTuple):
    """A reading that an organisation chose for a disputed word."""

    word: str
    reading: str
    why: str = ""
    by: str = ""
    until: date | None = None
    place: Place = Place("declared")


class Acceptance(NamedTuple):
    """A finding somebody lives with: dated, owned, reasoned, and shown."""

    finding: str
    why: str
    owner: str
    until: date
    place: Place = Place("declared")


class PolicyRule(NamedTuple):
    """One rule of an organisation: what = preset | allow | deny | verdicts; channel "" = wherever it goes."""

    channel: str
    what: str
    values: tuple[str, ...]
    place: Place = Place("declared")
    steps: int = 0  # licences are looked at this many steps up; 0 = all the way


Claim = StepClaim | LicenceClaim | AssetClaim | FileClaim | UseClaim


class Evidence(NamedTuple):
    """All that was read from what was named: subjects are the assets the report is about."""

    subjects: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()
    problems: tuple[Problem, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    settlements: tuple[Settlement, ...] = ()
    acceptances: tuple[Acceptance, ...] = ()
    you: str = ""  # [project].by
    policy: tuple[PolicyRule, ...] = ()

    def __add__(self, other: "Evidence") -> "Evidence":  # type: ignore[override]  # evidence joins field by field
        return Evidence(
            self.subjects + other.subjects, self.claims + other.claims, self.problems + other.problems,
            self.facts + other.facts, self.settlements + other.settlements, self.acceptances + other.acceptances,
            self.you or other.you, self.policy + other.policy,
        )
