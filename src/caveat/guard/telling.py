"""What the guard says to people about one run: the refusal or the warning first, then why and what to do.

The findings are told in the same form as everywhere (`report/terminal.py`); here is only what a guard adds.
"""

from __future__ import annotations

from caveat.guard.judged import Judged
from caveat.report import render
from caveat.verdict.answer import Finding, Graph

WIDTH = 80
#: Findings that are told in full; the others are counted.
MOST = 8


def told(judged: Judged, how: str, strict: bool = False, width: int = WIDTH, colour: bool = False) -> str:
    """All that is said before a run starts or is refused; "" where there is nothing to say."""
    stop = judged.stops(strict)
    shown = [*judged.refused, *judged.warned]
    if not shown:
        return _accepted(judged)
    head = f"caveat guard: {_refusal(judged, strict)} ({how})" if stop else \
        f"caveat guard: the run goes on ({how}), yet {_count(judged.warned)}"
    return "\n".join(filter(None, (head, "", _findings(judged, shown[:MOST], width, colour), _rest(shown),
                                   _accepted(judged).rstrip("\n"), _way_out(judged, stop), ""))) + "\n"


def brief(judged: Judged, name: str) -> str:
    """A line for each open finding of a plan: its processes will tell it in full when they start."""
    lines = [f"caveat guard: {name}: {f.verdict}  {f.id}\n" for f in judged.warned[:MOST]]
    return "".join(lines) + _accepted(judged)


def _refusal(judged: Judged, strict: bool) -> str:
    why = f"{len(judged.refused)} prohibited" if judged.refused else f"strict: {_count(judged.warned)}"
    return f"this run does not start: {why}"


def _count(findings: tuple[Finding, ...]) -> str:
    """ "1 depends and 2 unknown"."""
    kinds = dict.fromkeys(f.verdict for f in findings)
    return " and ".join(f"{sum(f.verdict == k for f in findings)} {k}" for k in kinds)


def _findings(judged: Judged, shown: list[Finding], width: int, colour: bool) -> str:
    report = judged.report._replace(findings=tuple(shown), may=(), graph=Graph())
    return render("terminal", report, width, colour).rstrip("\n")


def _rest(shown: list[Finding]) -> str:
    more = len(shown) - MOST
    return f"... and {more} more; caveat check on the recipe or the script tells all" if more > 0 else ""


def _accepted(judged: Judged) -> str:
    ids = ", ".join(f.id for f in judged.accepted)
    return f"caveat guard: accepted and written down: {ids}\n" if ids else ""


def _way_out(judged: Judged, stop: bool) -> str:
    if not stop:
        return ""
    ids = ",".join(f.id for f in (judged.refused or judged.warned)[:MOST])
    return f"to start all the same, and have it written into the lineage: CAVEAT_ACCEPT={ids}"
