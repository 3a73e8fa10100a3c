r"""Modelfiles of Ollama: what a local model is built FROM, which ADAPTER it wears, and the LICENSE it carries.

    FROM llama3.2:1b            a library name, with a tag for size and quantization: a model
    FROM ./tuned.Q4_K_M.gguf    a file beside it: the model itself, whose own header says more
    FROM hf.co/owner/name:Q4    a repository
    ADAPTER ./lora              an adapter of the model
    LICENSE (three quotes) text (three quotes)

Traps: keywords in any case; values in three quotes over many lines, whose lines look like keywords; quoted Windows
paths with blanks; a file name without a path that looks like a library name (`phi3.gguf`); no newline at the end;
comments; several FROM lines (safetensors folders of old recipes), of which the last is the one that counts, all
are told; SYSTEM text gives a behaviour, not new weights, so the act is `copy`, never `finetune`; a tag such as
`:q4_K_M` says that the library's own copy is quantized, which is the library's act and not this file's.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from caveat.evidence.licence_file import claims_of_text
from caveat.evidence.repo_names import folder_name, is_local
from caveat.evidence.source import place, text_of
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

NAMES = ("Modelfile", "Modelfile.*", "*.modelfile", "*.Modelfile", "modelfile")
READS = "bytes"
LIMIT = 1 << 20

KEYWORD = re.compile(r"^\s*(?P<word>[A-Za-z]+)\s+(?P<rest>.*)$")
KEYWORDS = frozenset({"from", "adapter", "license", "licence", "system", "template", "parameter", "message",
                      "requires", "renderer", "parser"})
REPOSITORY = re.compile(r"^(?:https?://)?(?:hf\.co|huggingface\.co)/(?P<id>[\w.-]+/[\w.-]+)(?::(?P<tag>[\w.-]+))?$")
WEIGHTS = re.compile(r"\.(?:gguf|bin|safetensors|ggml)$", re.IGNORECASE)


class Line(NamedTuple):
    """One instruction: keyword in lower case, its value without quotes, and the line it begins on."""

    word: str
    value: str
    number: int


def read(data: bytes, file: str, asset: str) -> Evidence:
    """The claims of one Modelfile about `asset`."""
    source = text_of(data, file, LIMIT)
    lines, problems = instructions(source.text, file)
    found = Evidence(problems=(*source.problems, *problems))
    if not any(line.word == "from" for line in lines):
        return found + Evidence(problems=(Problem(file, "a Modelfile without FROM", None, "no base is known"),))
    kind = AssetClaim(asset, "kind", "model", place(file, lines[0].number, lines[0].word, lines[0].value))
    found += Evidence(claims=(kind,))
    for line in lines:
        found += READ_AS.get(line.word, _nothing)(line, file, asset)
    return found


def instructions(text: str, file: str) -> tuple[list[Line], list[Problem]]:
    """The instructions of a Modelfile; what stands inside three quotes belongs to its keyword."""
    rows = text.split("\n")
    found: list[Line] = []
    problems: list[Problem] = []
    i = 0
    while i < len(rows):
        start, match = i, KEYWORD.match(rows[i])
        i += 1
        if not match or match["word"].lower() not in KEYWORDS:
            continue
        value = match["rest"].strip()
        opened = value.find('"""')
        if opened >= 0 and value.count('"""') % 2:
            value, i = _until_closed(rows, i, value[opened + 3:])
            if i > len(rows):
                problems.append(Problem(file, "three quotes that are never closed", start + 1, "read to the end"))
        found.append(Line(match["word"].lower(), value if i > start + 1 else _unquoted(value), start + 1))
    return found, problems


def _until_closed(rows: list[str], i: int, first: str) -> tuple[str, int]:
    """The text up to the closing quotes and the row after them; past the end if they never close."""
    body = [first]
    while i < len(rows):
        head, mark, _ = rows[i].partition('"""')
        body.append(head)
        i += 1
        if mark:
            return "\n".join(body), i
    return "\n".join(body), i + 1


def _unquoted(value: str) -> str:
    text = value.strip()
    for quote in ('"""', '"', "'"):
        if len(text) >= 2 * len(quote) and text.startswith(quote) and text.endswith(quote):
            return text[len(quote):-len(quote)].strip()
    return text


def _from(line: Line, file: str, asset: str) -> Evidence:
    written = line.value
    where = place(file, line.number, "FROM", written)
    repository = REPOSITORY.match(written)
    if repository:
        return _one(StepClaim(asset, "copy", repository["id"], where))
    if is_file(written):
        return _own_file(line, file, "built from a file")
    name, _, tag = written.partition(":")
    return _one(StepClaim(asset, "copy", _library(name, tag), where)) if name else Evidence()


def _one(claim: Claim) -> Evidence:
    return Evidence(claims=(claim,))


def _own_file(line: Line, file: str, what: str) -> Evidence:
    """A file beside the Modelfile *is* the model or adapter: only its own header tells what it was made from."""
    name = folder_name(line.value)
    return Evidence(problems=(Problem(file, f"{what}, {name}", line.number, "only that file's header names its base"),))


def is_file(written: str) -> bool:
    """Whether FROM or ADAPTER names something on disk rather than in a library."""
    return bool(WEIGHTS.search(written)) or is_local(written) or "\\" in written or written.endswith("/")


def _library(name: str, tag: str) -> str:
    """A library name with the tag, unless the tag says nothing: `llama3.2:1b`, `llama3.2`."""
    return name if tag in ("", "latest") else f"{name}:{tag}"


def _adapter(line: Line, file: str, asset: str) -> Evidence:
    if is_file(line.value):
        return _own_file(line, file, "wears an adapter file")
    where = place(file, line.number, "ADAPTER", line.value)
    return _one(StepClaim(asset, "adapt", line.value, where)) if line.value else Evidence()


def _licence(line: Line, file: str, asset: str) -> Evidence:
    return claims_of_text(line.value, file, asset, line.number, "LICENSE")


def _nothing(line: Line, file: str, asset: str) -> Evidence:
    return Evidence()


READ_AS = {"from": _from, "adapter": _adapter, "license": _licence, "licence": _licence}
