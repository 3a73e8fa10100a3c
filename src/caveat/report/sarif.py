"""The answer as SARIF 2.1.0, which code hosts and editors show beside the files: stable prints, rules, positions.

    run
    ├── tool.driver.rules       each clause or rule of an organisation that a finding cites, in our words
    ├── results                 what is not simply permitted, worst first; accepted ones as suppressions
    └── invocations             what could not be read, and what was presumed, as notifications

Texts in SARIF may hold links and placeholders: brackets and braces of strangers are escaped.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any

from caveat.lineage.claims import Problem
from caveat.report import words
from caveat.report.escape import visible
from caveat.report.outline import Answer
from caveat.report.where import Spot, address, spots
from caveat.verdict.answer import Cited, Finding, Graph, PathStep, Report, Verdict
from caveat.verdict.gate import USUAL, badness, fingerprint, further_up, open_duties

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
HOME = "https://github.com/caveat-dev/caveat"
DOCS = f"{HOME}/blob/main/docs"
#: Verdict -> level: what fails a check unless somebody says otherwise is an error.
LEVELS = {"prohibited": "error", "unknown": "error", "depends": "warning", "conditional": "note", "permitted": "note"}
#: Level -> what GitHub calls it.
SEVERITY = {"error": "error", "warning": "warning", "note": "recommendation"}
#: Against a baseline -> the word of SARIF.
STATES = {"new": "new", "known": "unchanged", "worse": "updated"}
#: GitHub refuses more results in one run.
MOST_RESULTS = 25_000
MOST_NOTICES = 1_000
TEXT = 1_000  # characters of a message


def render(answer: Answer) -> str:
    """One SARIF log of one answer."""
    return render_all([answer])


def render_all(answers: Sequence[Answer], wanted: Set[str] = USUAL) -> str:
    """One SARIF log with one run for all answers together."""
    told = [a for a in answers if not isinstance(a, Graph)]
    found = sorted(_worth(told), key=lambda pair: badness(pair[0].verdict))
    kept, left = found[:MOST_RESULTS], len(found) - MOST_RESULTS
    rules = _rules(kept)
    order = {rule["id"]: n for n, rule in enumerate(rules)}
    run = {
        "tool": {"driver": {"name": "Caveat", "semanticVersion": _version(), "informationUri": HOME, "rules": rules}},
        "automationDetails": {"id": "caveat/"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _notices(told, left)}],
        "results": [_result(f, answer, order) for f, answer in kept],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=True) + "\n"


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("caveat")
    except PackageNotFoundError:
        return "0.0.0"


def _worth(answers: Iterable[Verdict | Report]) -> Iterator[tuple[Finding, Verdict | Report]]:
    """What a reader of code should see, each once: everything but plain permission."""
    seen: set[str] = set()
    for answer in answers:
        for f in answer.findings:
            mark = fingerprint(f)
            if f.verdict != "permitted" and mark not in seen:
                seen.add(mark)
                yield f, answer


def level(f: Finding, answer: Verdict | Report) -> str:
    """error, warning or note; what others did further up is a note."""
    if further_up(f, answer):
        return "note"
    states = {d.state for d in f.duties if not d.whose}
    if "contradicted" in states:
        return "error"
    found = LEVELS.get(f.verdict, "error")
    return "warning" if found == "note" and "unmet" in states else found


# --- results ---


def _result(f: Finding, answer: Verdict | Report, order: dict[str, int]) -> dict[str, Any]:
    places = spots(f, answer)
    id = rule_id(f)
    result: dict[str, Any] = {
        "ruleId": id, "ruleIndex": order[id], "level": level(f, answer), "message": {"text": _message(f)},
        "locations": [_location(places[0], f.asset)],
        "partialFingerprints": {"primaryLocationLineHash": fingerprint(f), "caveatFinding/v1": fingerprint(f)},
        "properties": _kept(f, answer),
    }
    if places[1:]:
        result["relatedLocations"] = [{**_location(p), "id": n, "message": {"text": _told(p.key or "read here")}}
                                      for n, p in enumerate(places[1:], 1)]
    if f.accepted:
        result["suppressions"] = [_suppression(f)]
    if f.baseline in STATES:
        result["baselineState"] = STATES[f.baseline]
    return result


def _kept(f: Finding, answer: Verdict | Report) -> dict[str, Any]:
    """What a later run needs of this one as its baseline, and people of a finding to accept it."""
    return {"finding": visible(f.id), "verdict": f.verdict, "about": f.about, "subject": visible(answer.subject),
            "openDuties": sorted(open_duties(f)), "accepted": f.accepted is not None}


def rule_id(f: Finding) -> str:
    """`llama-2/no-improving-others`: what the finding's id says before the asset."""
    return visible(f.id.partition("@")[0], 200) or f.licence or "finding"


def _message(f: Finding) -> str:
    cited = "; ".join(f"{words.clause(r)}: {r.gist}" for r in words.telling(f)[:3])
    duties = [d for d in sorted(f.duties, key=words.duty_order) if d.state != "met" and not d.whose]
    owed = "; ".join(f"{d.state}: {d.cited.gist} ({words.clause(d.cited)})" for d in duties)
    hangs = ", ".join(f"{d.about} ({words.outcomes(d)})" for d in f.doubts if d.effect == "verdict")
    parts = [f"{f.verdict}: {words.deed(f)}{' ' + words.actor(f) if f.whose else ''}.", cited, f.note,
             f"Path: {_path(f.path)}." if f.path else "", f"Hangs on {hangs}." if hangs else "",
             f"Owed: {owed}" if owed else "", *(f"Fix: {change} -> {after}." for change, after in f.fixes[:3])]
    return _told(" ".join(filter(None, parts)))


def _path(path: Sequence[PathStep]) -> str:
    shown = [*path[:4], *path[-4:]] if len(path) > 8 else path
    return " ".join((f"-{s.act}-> " if s.act else "") + f"{words.named(s.asset)} ({s.role})" for s in shown)


def _told(text: str, longest: int = TEXT) -> str:
    """A text of SARIF: what could be a link or a placeholder is escaped."""
    shown: str = visible(text, longest) or " "
    for sign, kept in (("\\", "\\\\"), ("[", "\\["), ("]", "\\]"), ("{", "{{"), ("}", "}}")):
        shown = shown.replace(sign, kept)
    return shown


def _location(spot: Spot, asset: str = "") -> dict[str, Any]:
    physical = {"artifactLocation": {"uri": spot.uri}, "region": {"startLine": spot.line}}
    found: dict[str, Any] = {"physicalLocation": physical}
    if asset:
        found["logicalLocations"] = [{"fullyQualifiedName": visible(asset, 200), "kind": "resource"}]
    return found


def _suppression(f: Finding) -> dict[str, Any]:
    a = f.accepted
    assert a is not None  # only called for what somebody accepts
    return {"kind": "external", "status": "accepted", "justification": visible(words.accepted(a)),
            "properties": {"owner": visible(a.owner), "until": a.until.isoformat()}}


# --- rules ---


def _rules(found: Iterable[tuple[Finding, Verdict | Report]]) -> list[dict[str, Any]]:
    rules: dict[str, dict[str, Any]] = {}
    for f, answer in found:
        rules.setdefault(rule_id(f), _rule(f, answer))
    return [rules[id] for id in sorted(rules)]


def _rule(f: Finding, answer: Verdict | Report) -> dict[str, Any]:
    id, cited = rule_id(f), _main(f)
    gist = _told(cited.gist if cited else words.MEANINGS.get(f.verdict, f.verdict))
    short = _told(f"{words.clause(cited)} {cited.rule}" if cited else id, 200)
    link = _page(f, answer)
    help = f"{gist}\n\n{short}. {words.DISCLAIMER}"
    found = level(f, answer)
    return {
        "id": id, "name": _name(id), "shortDescription": {"text": short + "."}, "fullDescription": {"text": gist},
        "help": {"text": help, "markdown": f"{help}\n\n[In our words]({link})"}, "helpUri": link,
        "defaultConfiguration": {"level": found},
        "properties": {"tags": ["licence", visible(f.licence, 100) or "licence"], "precision": "high",
                       "problem.severity": SEVERITY[found]},
    }


def _main(f: Finding) -> Cited | None:
    """The rule that the finding is named for; else the first that a person must read."""
    name = rule_id(f)
    told = words.telling(f)
    return next((r for r in f.rules if f"{r.licence}/{r.rule}" == name), told[0] if told else None)


def _name(id: str) -> str:
    """`llama-2/no-improving-others` as Llama2NoImprovingOthers."""
    parts = "".join(c if c.isascii() and c.isalnum() else " " for c in id).split()
    return "".join(p[:1].upper() + p[1:] for p in parts) or "Finding"


def _page(f: Finding, answer: Verdict | Report) -> str:
    """The page that tells more: of the licence, of own law, or of an organisation's rules."""
    if f.about == "policy":
        return f"{DOCS}/ci.md#policy"
    ships = any(u.licence == f.licence and not u.own for u in answer.law)
    return f"{DOCS}/reference/licences/{address(f.licence)}.md" if ships else f"{DOCS}/law-files.md"


# --- what could not be read ---


def _notices(answers: Iterable[Verdict | Report], left: int) -> list[dict[str, Any]]:
    """Each problem once, then what was presumed; how many results were left out, if any."""
    more = f"{left} more results; the JSON form has them all"
    found = [_notice("caveat/left-out", "warning", more)] if left > 0 else []
    problems: dict[tuple[str, Problem], None] = {}
    presumed: dict[str, None] = {}
    for a in answers:
        root = a.root if isinstance(a, Report) else ""
        problems.update(dict.fromkeys((root, p) for p in a.problems))
        presumed.update(dict.fromkeys(p.says for p in a.presumed))
    found += [_problem(root, p) for root, p in list(problems)[:MOST_NOTICES]]
    return found + [_notice("caveat/presumed", "note", f"presumed: {said}") for said in list(presumed)[:MOST_NOTICES]]


def _problem(root: str, p: Problem) -> dict[str, Any]:
    notice = _notice("caveat/problem", "warning", words.problem(p))
    if p.file and "://" not in p.file and " " not in p.file:
        notice["locations"] = [_location(Spot(address(p.file, root), max(p.line or 1, 1)))]
    return notice


def _notice(id: str, level: str, text: str) -> dict[str, Any]:
    return {"descriptor": {"id": id}, "level": level, "message": {"text": _told(text)}}
