"""`caveat explain LICENCE --verify FILE`: a text you have against the one that the law file was written from."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from caveat.errors import EvidenceError, SettingsError, nearest
from caveat.evidence import licence_file
from caveat.evidence.source import text_of
from caveat.flows.identifying import Seen, lines_words, match_data, match_parts, name_of, seen_in
from caveat.law.prints import prints
from caveat.law.rule import Law
from caveat.law.shelf import shelf
from caveat.law.shingles import digest, words_of
from caveat.verdict.document import Document, Part, heading, listed, text


def verified(licence: str, file: str) -> Document:
    """A text you have against the one that the law file was written from. Raises SettingsError, EvidenceError."""
    id = shelf().resolve(licence)
    if id is None:
        raise SettingsError(f"no licence is known as {licence!r}", nearest(licence.lower(), shelf().names()))
    path = Path(file)
    if not path.is_file():
        raise EvidenceError(f"{file}: no such file")
    with path.open("rb") as opened:
        data = opened.read(licence_file.LIMIT)
    return _verified(shelf().law(id), file, data)


def _verified(law: Law, file: str, data: bytes) -> Document:
    words = text_of(data, file, licence_file.LIMIT).text
    sum_, read = sha256(data).hexdigest(), words_of(words)
    known = [prints().edition(n) for n, row in enumerate(prints().rows()) if row[0] == law.id]
    same = [e for e in known if e.digest == digest(read.words, read.numbers)]
    data_: dict[str, Any] = {"licence": law.id, "file": file, "sha256": sum_, "read": law.sha256,
                             "checked": law.checked}
    checked = f"The text was read on {law.checked}: {law.against}." if law.checked else "No text was read for this law."
    parts: list[Part] = [text(checked)]
    if law.sha256 and sum_.startswith(law.sha256):
        return Document(f"{file}: {law.id}, byte for byte", (*parts, text("SHA-256 is the same.")),
                        {**data_, "same": "bytes"})
    if same:
        return Document(f"{file}: {law.id}, word for word",
                        (*parts, text("Only wrapping, quotes or marks differ from the text that was read.")),
                        {**data_, "same": "words"})
    return _compared(law, seen_in(words, file), bool(known), parts, data_)


def _compared(law: Law, s: Seen, known: bool, parts: list[Part], data: dict[str, Any]) -> Document:
    mine = [(m, told) for m, told in s.matches if law.id in m.laws]
    same = "differs" if mine else "other" if known else "unknown"
    title = {"differs": f"{s.file}: {law.id}, with differences", "other": f"{s.file}: not the text of {law.id}",
             "unknown": f"{s.file}: cannot be compared, no fingerprints of {law.id}"}[same]
    body = [p for m, told in mine for p in match_parts(m, told)]
    others = [f"lines {lines_words(m.lines)}: {name_of(m.law)}" for m, _ in s.matches if law.id not in m.laws]
    body += [heading("Other licence texts in the file"), listed(others)] if others else []
    if mine and not any(told for _, told in mine):
        body.append(text("Every clause found is as it was read; the file holds more or less than the text read."))
    return Document(title, (*parts, *body), {**data, "same": same, "texts": [match_data(m, t) for m, t in s.matches]})
