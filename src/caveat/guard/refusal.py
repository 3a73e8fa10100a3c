"""The error that stops a run from inside a script, and what is told where a run goes on: the guard's own page.

`telling.py` says it for processes under `caveat guard`; here the same page becomes an exception.
"""

from __future__ import annotations

from collections.abc import Sequence

from caveat.errors import Refused
from caveat.guard.judged import Judged
from caveat.guard.telling import told
from caveat.report.escape import visible
from caveat.verdict.answer import Finding, Verdict

WIDTH = 100
ADVISORY = "The guard is advisory: it judges what it saw named or loaded. Not legal advice."


def refusal(judged: Judged, how: str, strict: bool = False) -> Refused:
    """The error that stops the run; its text is the whole page."""
    stopping = (*judged.refused, *(judged.warned if strict else ()))
    return Refused(f"{told(judged, how, strict, WIDTH).rstrip()}\n{ADVISORY}", stopping, judged.report)


def refused_answer(answer: Verdict, stopping: Sequence[Finding]) -> Refused:
    """The same for a question that was asked in a sentence."""
    from caveat.report import render

    page = render("terminal", answer._replace(findings=tuple(stopping)), WIDTH).rstrip()
    ids = ",".join(str(visible(f.id)) for f in stopping[:8])
    return Refused(f"caveat: {answer.verdict}\n\n{page}\n\nto go on all the same: accept=[{ids!r}]\n{ADVISORY}",
                   tuple(stopping), answer)
