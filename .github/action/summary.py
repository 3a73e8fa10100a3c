"""The summary of a check for people: what fails, what is open, where, from the SARIF file. Usage: FILE CODE LOG.

Names in it come from strangers: every text goes through the escapes of Caveat's own Markdown.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caveat.report.escape import for_code, for_markdown

#: A comment may have 65,536 characters.
MOST = 60_000
MOST_ROWS = 50
SIGNS = {"prohibited": "✗", "unknown": "?", "depends": "~", "conditional": "!"}
SAID = {0: "Nothing stands in the way.", 1: "Findings that fail the gate.", 2: "The check itself did not run."}


def main(words: list[str]) -> int:
    """Print the summary; always 0, because the gate is decided elsewhere."""
    sarif, code, log = Path(words[0]), int(words[1]), Path(words[2])
    lines = ["## Caveat", "", f"**{SAID.get(code, SAID[2])}**"]
    told = log.read_text("utf-8", "replace").strip() if log.exists() else ""
    lines += ["", *(for_markdown(line) for line in told.splitlines()[:20])] if told else []
    if sarif.exists() and sarif.stat().st_size:
        lines += list(_of_run(json.loads(sarif.read_text("utf-8"))["runs"][0]))
    print(_cut("\n".join([*lines, "", "*Not legal advice.*"])))
    return 0


def _of_run(run: dict[str, Any]) -> Iterator[str]:
    results = run["results"]
    counts = Counter(r["properties"]["verdict"] for r in results)
    yield from ("", " · ".join(f"{SIGNS.get(v, '?')} {n} {v}" for v, n in counts.most_common()) or "No findings.")
    shown = [r for r in results if not r.get("suppressions") and r.get("baselineState") != "unchanged"]
    if shown:
        yield from ("", "| | finding | where |", "| --- | --- | --- |")
        yield from map(_row, shown[:MOST_ROWS])
    left = {"more": len(shown) - MOST_ROWS, "accepted or known from the baseline": len(results) - len(shown)}
    yield from (f"\n{n} {what}." for what, n in left.items() if n > 0)
    notices = [n for i in run["invocations"] for n in i["toolExecutionNotifications"] if n["level"] == "warning"]
    if notices:
        yield from ("", f"<details><summary>Could not be read or decided: {len(notices)}</summary>", "")
        yield from (f"- {for_markdown(_plain(n['message']['text']))}" for n in notices[:MOST_ROWS])
        yield from ("", "</details>")


def _row(result: dict[str, Any]) -> str:
    kept = result["properties"]
    place = result["locations"][0]["physicalLocation"]
    where = f"{place['artifactLocation']['uri']}:{place['region']['startLine']}"
    new = " **new**" if result.get("baselineState") == "new" else ""
    sign = f"{SIGNS.get(kept['verdict'], '?')} {kept['verdict']}{new}"
    said = for_markdown(_plain(result["message"]["text"]), 300)
    return f"| {sign} | {for_code(kept['finding'], 160)}<br>{said} | {for_code(where, 120)} |"


def _plain(text: str) -> str:
    """A message without the escapes of SARIF."""
    for kept, sign in (("\\[", "["), ("\\]", "]"), ("{{", "{"), ("}}", "}"), ("\\\\", "\\")):
        text = text.replace(kept, sign)
    return text


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}\n\n… cut; the SARIF file has it all."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
