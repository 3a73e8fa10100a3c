"""Logs of the `llm` tool: prompts and answers kept on disk are a data set that the models wrote.

    logs.db: table responses (model, prompt, response)
    llm logs --json: [{"model": ..., "prompt": ..., "response": ...}]

A database is opened for reading only, its views are never asked, and the question has a bound of work.
"""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caveat.evidence.used import Used, evidence, maps, stem, word
from caveat.lineage.claims import Evidence, Problem

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'"response"\s*:')
#: Steps of the database's own machine before a question is given up.
WORK = 20_000_000


def recognises(data: dict[str, Any]) -> bool:
    rows = maps(data, "records")[:5] or [data]
    return all(word(r, "model") and "response" in r and "prompt" in r for r in rows)


def claims_of(record: Record) -> Evidence:
    rows = maps(record.read.data, "records") or [record.read.data]
    counts = Counter(word(r, "resolved_model") or word(r, "model") for r in rows)
    used = [Used("generate", m, record.line(m), f"model ({n} answers)") for m, n in counts.items() if m]
    return evidence(f"{stem(record.file)} of llm", "dataset", used, record.file)


def of_database(path: Path, file: str, asset: str) -> Evidence:
    """Which models answered in a log; a database that is no log gives nothing."""
    try:
        with path.open("rb") as stream:
            if stream.read(16) != b"SQLite format 3\x00":
                return Evidence()
        rows = _asked(path)
    except (OSError, sqlite3.Error) as error:
        return Evidence(problems=(Problem(file, f"a database that cannot be read: {error}"[:200]),))
    used = [Used("generate", model, None, f"responses.model ({count} answers)") for model, count in rows]
    return evidence(f"{stem(file)} of llm", "dataset", used, file)


def _asked(path: Path) -> list[tuple[str, int]]:
    spent = [0]

    def tick() -> int:
        spent[0] += 1
        return spent[0] > WORK // 10_000

    base = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        base.set_progress_handler(tick, 10_000)
        base.execute("PRAGMA trusted_schema = OFF")
        tables = base.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'responses'").fetchall()
        if not tables or "model" not in {r[1] for r in base.execute("PRAGMA table_info(responses)")}:
            return []
        rows = base.execute("SELECT model, count(*) FROM responses GROUP BY model ORDER BY model LIMIT 200").fetchall()
        return [(m, n) for m, n in rows if isinstance(m, str)]
    finally:
        base.close()
