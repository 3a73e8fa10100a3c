"""Caveat: licence compliance for language models, from weights to outputs.

    import caveat
    caveat.ask("may I train falcon-7b on output of llama-2-70b-chat?").verdict    # "prohibited"
    for report in caveat.check("./my-model"): print(report.verdict)

Everything a program needs is here: `ask`, `check`, `trace`, `explain`, `compare`, `render`, `own_law` (a block in
which folders of own law hold), `require` (raises where a run may not start), `CaveatCallback` (the same inside a
trainer), and the values they give (`Verdict`, `Report`, `Finding`, `Graph`) or raise
(`CaveatError`). Names are imported when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from caveat.errors import CaveatError as CaveatError
    from caveat.errors import Refused as Refused
    from caveat.flows.asking import ask as ask
    from caveat.flows.checking import check as check
    from caveat.flows.explaining import explain as explain
    from caveat.flows.matrix import compare as compare
    from caveat.flows.own_law import own_law as own_law
    from caveat.flows.tracing import trace as trace
    from caveat.guard.callback import CaveatCallback as CaveatCallback
    from caveat.guard.require import require as require
    from caveat.report import render as render
    from caveat.verdict.answer import Finding as Finding
    from caveat.verdict.answer import Graph as Graph
    from caveat.verdict.answer import Report as Report
    from caveat.verdict.answer import Verdict as Verdict

_HOME = {
    "ask": "caveat.flows.asking", "check": "caveat.flows.checking", "trace": "caveat.flows.tracing",
    "explain": "caveat.flows.explaining", "compare": "caveat.flows.matrix", "own_law": "caveat.flows.own_law",
    "render": "caveat.report",
    "Verdict": "caveat.verdict.answer", "Report": "caveat.verdict.answer", "Finding": "caveat.verdict.answer",
    "Graph": "caveat.verdict.answer", "CaveatError": "caveat.errors", "Refused": "caveat.errors",
    "require": "caveat.guard.require", "CaveatCallback": "caveat.guard.callback",
}

__all__ = [
    "CaveatCallback", "CaveatError", "Finding", "Graph", "Refused", "Report", "Verdict", "ask", "check", "compare",
    "explain", "own_law", "render", "require", "trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'caveat' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
