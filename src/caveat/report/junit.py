"""The answer as JUnit XML, which every build server shows: a suite an asset, a test a finding, a failure what fails.

Written by hand with everything escaped: an XML library is more than a few elements need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from html import escape

from caveat.report import words
from caveat.report.escape import visible
from caveat.report.outline import Answer
from caveat.report.where import spots
from caveat.verdict.answer import Finding, Graph, Report, Verdict
from caveat.verdict.gate import USUAL, badness, fails, is_open


def render(answer: Answer) -> str:
    """One JUnit document of one answer."""
    return render_all([answer])


def render_all(answers: Sequence[Answer], wanted: Set[str] = USUAL) -> str:
    """One document, a suite for each answer; failures are what `wanted` (as --fail-on) makes fail."""
    told = [a for a in answers if not isinstance(a, Graph)]
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites{_counts(told, wanted)}>"]
    lines += [line for a in told for line in _suite(a, wanted)]
    return "\n".join([*lines, "</testsuites>", ""])


def _counts(answers: Sequence[Verdict | Report], wanted: Set[str]) -> str:
    found = [(f, a) for a in answers for f in a.findings]
    failed, aside = sum(fails(f, a, wanted) for f, a in found), sum(not is_open(f) for f, _ in found)
    return f' tests="{len(found)}" failures="{failed}" errors="0" skipped="{aside}"'


def _suite(answer: Verdict | Report, wanted: Set[str]) -> Iterator[str]:
    yield f" <testsuite name={_quoted(answer.subject)}{_counts([answer], wanted)}>"
    for f in sorted(answer.findings, key=lambda f: badness(f.verdict)):
        yield from _case(f, answer, wanted)
    if answer.problems:
        yield f"  <system-err>{_text(words.problem(p) for p in answer.problems)}</system-err>"
    yield " </testsuite>"


def _case(f: Finding, answer: Verdict | Report, wanted: Set[str]) -> Iterator[str]:
    spot = spots(f, answer)[0]
    name = _quoted(f"{words.deed(f)} [{f.id}]")
    yield f'  <testcase classname={_quoted(f.licence)} name={name} file={_quoted(spot.uri)} line="{spot.line}">'
    yield from _outcome(f, answer, wanted)
    yield "  </testcase>"


def _outcome(f: Finding, answer: Verdict | Report, wanted: Set[str]) -> Iterator[str]:
    if not is_open(f):
        why = f"accepted {words.accepted(f.accepted)}" if f.accepted else words.BASELINE["known"]
        yield f"   <skipped message={_quoted(f'{f.verdict}, {why}')}/>"
    elif fails(f, answer, wanted):
        yield f"   <failure type={_quoted(f.verdict)} message={_quoted(_reason(f))}>{_text(_more(f))}</failure>"
    elif f.verdict != "permitted":
        yield f"   <system-out>{_text([_reason(f), *_more(f)])}</system-out>"


def _reason(f: Finding) -> str:
    return f"{f.verdict}: {'; '.join(words.clause(r) + ' ' + r.gist for r in words.telling(f)[:3]) or f.licence}"


def _more(f: Finding) -> list[str]:
    """The proof, the open points, what is owed and what would help, a line each."""
    steps = [f"{'  ' * min(n, 8)}{s.act} -> {s.asset} ({s.role}) {words.places(s.evidence)}".rstrip()
             if s.act else f"{s.asset} ({s.role})" for n, s in enumerate(f.path[:40])]
    owed = [f"{d.state}: {words.duty(d)} ({words.clause(d.cited)})" for d in sorted(f.duties, key=words.duty_order)]
    doubts = [f"hangs on {d.about}: {words.outcomes(d)}" for d in f.doubts]
    fixes = [f"fix: {change} -> {after}" for change, after in f.fixes]
    return [*([f.note] if f.note else []), *steps, *doubts, *owed, *fixes]


def _quoted(text: str) -> str:
    return f'"{escape(visible(text), quote=True)}"'


def _text(lines: Iterable[str]) -> str:
    """Several lines: each made visible by itself, so that none can begin another."""
    return escape("\n".join(visible(line) for line in lines), quote=False)
