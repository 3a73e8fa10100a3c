"""The gate in CI: against a former answer only what is new or worse fails, so that a team can begin today.

A baseline is what `--format json` or `--format sarif` once wrote. Findings are known again by their fingerprint; what
somebody accepted is not kept, so that it counts again once the acceptance has run out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.verdict.answer import Finding, Report
from caveat.verdict.gate import OPEN_DUTIES, badness, fingerprint, open_duties

#: Bytes of a baseline that are read.
LIMIT = 256 << 20


class Known(NamedTuple):
    """What a baseline holds of one finding: how bad it was, and what was owed and open."""

    verdict: str
    duties: frozenset[str]


Baseline = Mapping[str, Known]


def read_baseline(file: str | Path) -> Baseline:
    """Fingerprint -> what was known. Raises SettingsError for a file that is no former answer."""
    text = _text(Path(file))
    try:
        if _is_sarif(text):
            return dict(_of_sarif(json.loads(text)))
        return dict(pair for line in text.splitlines() if line.strip() for pair in _of_json(json.loads(line)))
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        raise SettingsError("no former answer of --format json or sarif", place=f"--baseline {file}") from None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            data = stream.read(LIMIT + 1)
    except OSError as fault:
        raise SettingsError(f"cannot be read: {fault.strerror}; --write-baseline makes one",
                            place=f"--baseline {path}") from None
    if len(data) > LIMIT:
        raise SettingsError(f"larger than {LIMIT >> 20} MiB", place=f"--baseline {path}")
    return data.decode("utf-8-sig", "replace")


def _is_sarif(text: str) -> bool:
    return '"$schema"' in text[:200] and '"runs"' in text[:2_000]


def _of_json(answer: dict[str, Any]) -> Iterator[tuple[str, Known]]:
    if "findings" not in answer:
        raise KeyError("findings")
    for f in answer["findings"]:
        if f["accepted"] is None:
            owed = frozenset(f"{d['licence']}/{d['rule']}={d['state']}" for d in f["duties"]
                             if d["state"] in OPEN_DUTIES and not d["whose"])
            yield fingerprint(f), Known(str(f["verdict"]), owed)


def _of_sarif(log: dict[str, Any]) -> Iterator[tuple[str, Known]]:
    for run in log["runs"]:
        for result in run["results"]:
            told = result["properties"]
            if not told["accepted"]:
                yield (result["partialFingerprints"]["caveatFinding/v1"],
                       Known(str(told["verdict"]), frozenset(map(str, told["openDuties"]))))


def compared(report: Report, known: Baseline) -> Report:
    """The report with every finding that is not plainly permitted marked as new, known or worse."""
    return report._replace(findings=tuple(_marked(f, known) for f in report.findings))


def _marked(f: Finding, known: Baseline) -> Finding:
    if f.verdict == "permitted":
        return f
    before = known.get(fingerprint(f))
    if before is None:
        return f._replace(baseline="new")
    worse = badness(f.verdict) < badness(before.verdict) or open_duties(f) - before.duties
    return f._replace(baseline="worse" if worse else "known")


def counted(reports: Iterable[Report], known: Baseline) -> str:
    """`baseline: 1 new, 4 known, 0 worse, 2 gone`."""
    marks = {fingerprint(f): f.baseline for r in reports for f in r.findings if f.baseline}
    gone = sum(k.verdict != "permitted" and mark not in marks for mark, k in known.items())
    counts = [f"{sum(m == word for m in marks.values())} {word}" for word in ("new", "known", "worse")]
    return f"baseline: {', '.join(counts)}, {gone} gone"
