"""The engine means what the literal spec means: verdict, doubts that matter, duties owed, over random law.

`CAVEAT_DRAWS` sets how many draws (500 every day, 20,000 and more in the deep check). A failing draw is reduced first.
"""

from __future__ import annotations

from spec import verdict_spec as spec

from caveat.verdict.decide import Decision
from caveat.verdict.fold import always_owed, doubts_that_matter
from caveat.verdict.judge import GRANTED

from .drawn import DRAWS, decided, every
from .reduced import least, shown


@every(DRAWS)
def test_engine_is_spec(q: spec.Question) -> None:
    if disagreement(q):
        small = least(q, disagreement)
        raise AssertionError(f"{disagreement(small)}\n{shown(small)}")


def disagreement(q: spec.Question) -> str:
    """What the engine says otherwise than the spec, or ""."""
    said, d = spec.answer(q), decided(q)
    told, sometimes = set(doubts_that_matter(d.folded)), sometimes_owed(d)
    settled = said.verdict in ("depends", "conditional", "permitted")
    if d.verdict != said.verdict:
        return f"verdict {d.verdict}, literally {said.verdict}"
    if not said.doubts <= told or (settled and told != said.doubts):
        return f"doubts {sorted(told)}, literally {sorted(said.doubts)}"
    if said.granting and always_owed(d.folded) != said.always:
        return f"always owed {sorted(always_owed(d.folded))}, literally {sorted(said.always)}"
    if settled and sometimes != said.sometimes:
        return f"owed {sorted(sometimes)}, literally {sorted(said.sometimes)}"
    return ""


def sometimes_owed(d: Decision) -> set[tuple[str, str]]:
    """Duties owed in some world that grants."""
    return {duty for g in d.folded.groups for n, (_, os) in enumerate(g.leaves) if g.state(n) == GRANTED
            for o in os for duty in o.duties}
