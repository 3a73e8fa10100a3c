"""What is published without terms: its maker may hand it over, and nobody else was given anything.

Judged as its maker's act such a thing is permitted, and a report that ends there would read as leave for everybody.
"""

from __future__ import annotations

from caveat.flows.asking import books
from caveat.law.shelf import shelf
from caveat.lineage.graph import Lineage
from caveat.verdict.answer import Finding
from caveat.verdict.decide import Asked, decide
from caveat.verdict.event import Use

UNKNOWN = "unknown"


def unsaid(lineage: Lineage, subject: str, maker: str, asked: Asked) -> tuple[Finding, ...]:
    """The finding that nobody says under which terms others get `subject`; () where its terms are known."""
    handed_on = asked._replace(uses=(Use("ship", subject),), within=frozenset(), on_disk=frozenset())
    told = decide(lineage, books(shelf()), handed_on).findings
    return tuple(f._replace(about="offered", whose=maker, note="nothing says what others may do with it", duties=())
                 for f in told if f.licence == UNKNOWN and f.path and f.path[0].asset == subject)
