"""Fine-tuning jobs of OpenAI's interface, as they are asked for and as they are answered.

    {"object": "fine_tuning.job", "model": "gpt-4o-mini-...", "training_file": "file-...", "fine_tuned_model": "ft:..."}

Traps: files have numbers, not names, so what was trained on stays unknown and is said to be; `validation_file` is
only measured; what is made stays on the service and is run there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from caveat.evidence.used import Used, evidence, maps, stem, word
from caveat.lineage.claims import Evidence, Problem

if TYPE_CHECKING:
    from caveat.evidence.record import Record

HEAD = re.compile(r'"training_file"\s*:')
ONLY_A_NUMBER = "a file of the service that only has a number: what lies in it, nobody else can look up"


def recognises(data: dict[str, Any]) -> bool:
    return any(True for _ in jobs(data))


def jobs(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The job itself, or those of a list."""
    for job in (data, *maps(data, "data"), *maps(data, "records")):
        if word(job, "model") and ("training_file" in job):
            yield job


def claims_of(record: Record) -> Evidence:
    found = Evidence()
    for job in jobs(record.read.data):
        name = word(job, "fine_tuned_model") or word(job, "suffix") or word(job, "id") or stem(record.file)
        base, file = word(job, "model"), word(job, "training_file")
        used = [Used("finetune", base, record.line(base), "model", "model")]
        if file:
            used.append(Used("train", file, record.line(file), "training_file", "dataset", ONLY_A_NUMBER))
            problem = Problem(record.file, ONLY_A_NUMBER, record.line(file), f"{file} stays unknown")
            found += Evidence(problems=(problem,))
        graders = [Used("annotate", m, record.line(m), "method.grader.model", "service") for m in _graders(job)]
        answers = f"answers of {name}, scored"
        used += [Used("train", answers, None, "grader")] if graders else []
        found += evidence(name, "model", used, record.file)
        found += evidence(answers, "dataset", graders, record.file)
    return found


def _graders(job: dict[str, Any]) -> Iterator[str]:
    """Models that mark answers in reinforcement fine-tuning."""
    method = job.get("method")
    for kind in method.values() if isinstance(method, dict) else ():
        grader = kind.get("grader") if isinstance(kind, dict) else None
        if isinstance(grader, dict):
            inner = grader.get("graders")
            both = (grader, *(inner.values() if isinstance(inner, dict) else ()))
            yield from filter(None, (word(g, "model") for g in both))
