"""The answer as GitLab's code quality report: a list of issues, which a merge request shows as a difference.

GitLab compares the fingerprints of two branches itself, so that what a baseline knows stays in the list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from typing import Any

from caveat.report import words
from caveat.report.escape import visible
from caveat.report.outline import Answer
from caveat.report.where import spots
from caveat.verdict.answer import Finding, Graph, Report, Verdict
from caveat.verdict.gate import USUAL, badness, fingerprint, further_up

#: Verdict -> severity.
SEVERITY = {"prohibited": "blocker", "unknown": "critical", "depends": "major", "conditional": "minor"}


def render(answer: Answer) -> str:
    """The issues of one answer."""
    return render_all([answer])


def render_all(answers: Sequence[Answer], wanted: Set[str] = USUAL) -> str:
    """One list of issues for all answers, worst first; accepted findings are left out. A JSON array."""
    found = [(f, a) for a in answers if not isinstance(a, Graph) for f in a.findings
             if f.verdict != "permitted" and f.accepted is None]
    issues = {fingerprint(f): _issue(f, a) for f, a in sorted(found, key=lambda pair: badness(pair[0].verdict))}
    return json.dumps(list(issues.values()), indent=1, ensure_ascii=True) + "\n"


def _issue(f: Finding, answer: Verdict | Report) -> dict[str, Any]:
    spot = spots(f, answer)[0]
    cited = "; ".join(f"{words.clause(r)} {r.gist}" for r in words.telling(f)[:2])
    return {
        "description": visible(f"{f.verdict}: {words.deed(f)}. {cited or f.note}"),
        "check_name": visible(f.id.partition("@")[0], 200),
        "fingerprint": fingerprint(f),
        "severity": _severity(f, answer),
        "location": {"path": spot.uri, "lines": {"begin": spot.line}},
    }


def _severity(f: Finding, answer: Verdict | Report) -> str:
    """How bad it is; what others did further up is for information."""
    if further_up(f, answer):
        return "info"
    denied = any(d.state == "contradicted" and not d.whose for d in f.duties)
    return "blocker" if denied else SEVERITY.get(f.verdict, "critical")
