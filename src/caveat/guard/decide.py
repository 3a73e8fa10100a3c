"""Answers one training process: what it loaded comes in as JSON, whether it may start goes out as JSON.

    python -m caveat.guard.decide < {"trainer": ..., "loads": [...], "settings": ..., "accept": "id,id"}
    {"stop": bool, "subject": ..., "verdict": ..., "refused": [id], "warned": [id], "accepted": [id], "text": ...}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from caveat.errors import CaveatError
from caveat.guard.judged import Judged, Settings, judge
from caveat.guard.seen import Load, Trainer, loads_of, plain

LIMIT = 16 << 20


def main() -> int:
    """Reads the question, prints the answer; 2 with one line on stderr where it cannot be answered."""
    try:
        question = json.loads(sys.stdin.read(LIMIT))
        print(json.dumps(answer(question)))
    except (CaveatError, ValueError, TypeError, OSError) as fault:
        print(f"{type(fault).__name__}: {fault}" if not isinstance(fault, CaveatError) else fault, file=sys.stderr)
        return 2
    return 0


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """The answer to one process. Raises CaveatError where settings are wrong."""
    said = question.get("settings", {})
    strict = bool(said.get("strict"))
    trainer, accept = trainer_of(question.get("trainer", {})), accepted_ids(question.get("accept", ""))
    from caveat.flows.own_law import own_law

    loads = loads_of(question.get("loads"))
    with own_law(said.get("law", [])):
        judged = judge(loads, trainer, recipe=recipe_of(said, loads), accept=accept, settings=settings_of(said))
    from caveat.guard.telling import told

    return {**summary_of(judged), "stop": judged.stops(strict), "text": told(judged, trainer.how, strict)}


def recipe_of(said: dict[str, Any], loads: Sequence[Load]) -> Path | None:
    """The recipe of the run, where the weights were loaded by a way that was not seen: it names the base."""
    files = [Path(str(f)) for f in said.get("recipes", [])]
    seen = any(load.what in ("model", "adapter") for load in loads)
    return None if seen else next((f for f in files if f.is_file()), None)


def summary_of(judged: Judged) -> dict[str, Any]:
    """What a record keeps of a verdict."""
    return {"subject": judged.report.subject, "verdict": judged.report.verdict,
            **{k: [f.id for f in getattr(judged, k)] for k in ("refused", "warned", "accepted")}}


def trainer_of(said: dict[str, Any]) -> Trainer:
    words = {k: plain(said.get(k)) for k in ("how", "output", "hub", "where")}
    return Trainer(**words, tracked=bool(said.get("tracked", True)))


def accepted_ids(words: str) -> tuple[str, ...]:
    """The ids of CAVEAT_ACCEPT, at most a hundred."""
    return tuple(w.strip() for w in words.split(",") if w.strip())[:100]


def settings_of(said: dict[str, Any]) -> Settings:
    """Facts and readings were checked by the parent; paths are absolute."""
    policy, project = said.get("policy"), said.get("project")
    return Settings(pairs(said.get("facts", {}).items()), pairs(said.get("readings", {}).items()),
                    bool(said.get("presume", True)), Path(policy) if policy else None,
                    Path(project) if project else None)


def pairs(given: Any) -> dict[str, str]:
    return {str(k): str(v) for k, v in given}


if __name__ == "__main__":
    sys.exit(main())
