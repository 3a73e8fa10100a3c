"""Records in JSON (and one database) that tell which models were used: jobs, logs, traces, bills of materials.

Names of JSON files say little, and most JSON is data: the head of a file is looked at first, and only a file with the
telling keys of some tool is read as a whole. The tools are asked in a fixed order; a file that none knows is nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from caveat.evidence import cyclonedx, intoto, json_safe, llm_logs, modelpack, openai_jobs, otel_genai, spdx
from caveat.evidence.json_safe import Read
from caveat.evidence.source import text_of
from caveat.lineage.claims import Evidence, Problem

NAMES = (
    "bom.json", "*.cdx.json", "*.spdx.json", "*sbom*.json", "*aibom*.json", "*spdx*.json",
    "*job*.json", "*fine*tun*.json", "*trace*.json", "*span*.json", "*otel*.json", "*otlp*.json",
    "*.intoto.json", "logs.db", "*llm*log*.db", "*llm*log*.json", "logs.json", "modelpack*.json", "manifest.json",
    "model.json",
)
READS = "path"
LIMIT = 32 << 20
#: How much of a file is looked at before it is read.
HEAD = 64 << 10


class Record(NamedTuple):
    """One record that was parsed: the object, its text, and where it lies."""

    read: Read
    file: str
    asset: str

    def line(self, value: str) -> int | None:
        """The line on which a text stands, counted from 1."""
        at = self.read.text.find(f'"{value}"')
        return self.read.text.count("\n", 0, at) + 1 if at >= 0 else None


class Tool(NamedTuple):
    """One tool: what its files show early, and how it reads them."""

    head: re.Pattern[str]
    recognises: Callable[[dict[str, object]], bool]
    claims_of: Callable[[Record], Evidence]


TOOLS: tuple[Tool, ...] = tuple(
    Tool(m.HEAD, m.recognises, m.claims_of)
    for m in (intoto, cyclonedx, spdx, openai_jobs, otel_genai, modelpack, llm_logs)
)


def read(path: Path, file: str, asset: str) -> Evidence:
    """The claims of one record; a file that no tool knows gives nothing, and is no problem either."""
    if path.name.endswith(".db"):
        return llm_logs.of_database(path, file, asset)
    try:
        with path.open("rb") as stream:
            head = stream.read(HEAD).decode("utf-8", "replace")
        size = path.stat().st_size
    except OSError as error:
        return Evidence(problems=(Problem(file, f"cannot be opened: {error.strerror or error}"),))
    if not any(t.head.search(head) for t in TOOLS):
        return Evidence()
    if size > json_safe.SIZE_LIMIT:
        what = f"a record of more than {json_safe.SIZE_LIMIT >> 20} MiB"
        return Evidence(problems=(Problem(file, what, None, "it was not read"),))
    return of_text(text_of(path, file, json_safe.SIZE_LIMIT).text, file, asset)


def of_text(text: str, file: str, asset: str) -> Evidence:
    """The claims of the text of a record. A list of objects, and one object a line, are told as one object."""
    stripped = text.lstrip()
    if stripped.startswith("["):
        text = '{"records": ' + text + "}"
    elif _lines(stripped):
        text = '{"records": [' + ",\n".join(x for x in stripped.splitlines() if x.strip()) + "]}"
    data = json_safe.read(text, file)
    tool = next((t for t in TOOLS if t.recognises(data.data)), None)
    return tool.claims_of(Record(data, file, asset)) + Evidence(problems=data.problems) if tool else Evidence()


def _lines(text: str) -> bool:
    """Whether each line is an object of its own (the first two are looked at)."""
    first, _, rest = text.partition("\n")
    return first.rstrip().endswith("}") and first.startswith("{") and rest.lstrip().startswith("{")
