"""`caveat identify`: which licence texts lie in these files, where they differ, and what each difference does.

    files -> texts -> law.recognise (fingerprints; else titles) -> differences -> consequences -> a page
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError
from caveat.evidence import licence_file
from caveat.evidence.licence_titles import POLICY_TITLES, TITLES
from caveat.evidence.source import text_of
from caveat.flows.consequences import Told
from caveat.flows.consequences import told as consequences
from caveat.law.prints import prints
from caveat.law.recognise import SURE, Difference, Match, identify, unexplained
from caveat.law.shelf import shelf
from caveat.verdict.document import Document, Part, heading, listed, table, text

#: Most files looked at in a folder, most folders gone into, and names besides those of licence files.
MOST_FILES, MOST_FOLDERS, CARDS = 500, 5000, ("README*", "*MODEL_CARD*", "*TERMS*", "*AGREEMENT*")
KINDS = {"missing": "is missing", "altered": "is altered", "number": "has another number", "added": "passage added",
         "renamed": "names replaced"}


class Seen(NamedTuple):
    """What was found in one file. `titled`: laws known by their title only; `rest`: lines that nothing explains."""

    file: str
    matches: tuple[tuple[Match, tuple[Told, ...]], ...]
    titled: tuple[tuple[str, int], ...]
    rest: tuple[tuple[int, int], ...]
    problem: str = ""


def identified(named: Iterable[str]) -> tuple[Seen, ...]:
    """Every file named, and every licence-like file of every folder named. Raises EvidenceError if there is none."""
    files = [(path, chosen) for name in named for path, chosen in _files(Path(name))]
    if not files:
        raise EvidenceError("no licence, notice, policy or card file there")
    seen = (_seen(path) for path, _ in files)
    return tuple(s for s, (_, chosen) in zip(seen, files) if chosen or s.matches or s.titled or s.problem)


def _files(path: Path) -> Iterator[tuple[Path, bool]]:
    """Files to look at, each with whether it was named itself."""
    if path.is_file():
        yield path, True
        return
    if not path.is_dir():
        raise EvidenceError(f"{path}: no such file or folder")
    found = 0
    for folder, (here, folders, names) in enumerate(path.walk() if hasattr(path, "walk") else _walk(path)):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            if found < MOST_FILES and folder < MOST_FOLDERS and _licence_like(name):
                found += 1
                yield Path(here) / name, False


def _walk(path: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    import os  # Path.walk is newer than Python 3.11

    yield from os.walk(path)


def _licence_like(name: str) -> bool:
    return any(fnmatch(name.upper(), glob.upper()) for glob in (*licence_file.NAMES, *CARDS))


def _seen(path: Path) -> Seen:
    try:
        if not path.is_file():
            return Seen(str(path), (), (), (), "not a file")
        with path.open("rb") as opened:
            data = opened.read(licence_file.LIMIT)
    except OSError as fault:
        return Seen(str(path), (), (), (), f"cannot be read: {fault.strerror}")
    if b"\x00" in data[:1024] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return Seen(str(path), (), (), (), "not text (a PDF or archive must be turned into text first)")
    return seen_in(text_of(data, str(path), licence_file.LIMIT).text, str(path))


def seen_in(words: str, file: str) -> Seen:
    """What was found in one text."""
    matches = identify(words)
    told = tuple((m, tuple(consequences(m))) for m in matches)
    titled = _titled(words, {law for m in matches for law in m.laws})
    return Seen(file, told, titled, unexplained(words, matches) if matches else ())


def _titled(words: str, known: set[str]) -> tuple[tuple[str, int], ...]:
    """Laws whose title stands in the text though no clause of theirs was recognised."""
    folded = licence_file.fold(words)
    fingered = {law for law, _, _ in prints().rows()}
    found = [*licence_file.recognise(folded, TITLES), *licence_file.recognise(folded, POLICY_TITLES)]
    return tuple((f.law, f.line) for f in found if f.law not in known | fingered)


# -- pages ----------------------------------------------------------------------------------------------------------
def page(seen: tuple[Seen, ...]) -> Document:
    """What was found, as a page."""
    parts = [p for s in seen for p in _file_parts(s)]
    found = sum(len(s.matches) for s in seen)
    title = f"{found} licence text{'' if found == 1 else 's'} in {len(seen)} file{'' if len(seen) == 1 else 's'}"
    return Document(title, tuple(parts), {"files": [_file_data(s) for s in seen]})


def _file_parts(s: Seen) -> Iterator[Part]:
    yield heading(s.file)
    if s.problem:
        yield text(f"Not read: {s.problem}.")
    elif not s.matches and not s.titled:
        yield text("No licence text that we know. Unknown is not permission.")
    for match, told in s.matches:
        yield from match_parts(match, told)
    for law, line in s.titled:
        yield text(f"{name_of(law)} by its title only (line {line}): we have no text of it to compare with.")
    if s.rest and s.matches:
        yield text(f"Nothing we know: lines {', '.join(map(lines_words, s.rest[:8]))}.")


def match_parts(match: Match, told: tuple[Told, ...]) -> Iterator[Part]:
    """One text found, with its differences in a table and what they do in a list."""
    means, wrong = SURE[match.sure]
    names = " or ".join(name_of(law) for law in match.laws)
    version = f", version {match.version}" if match.version and match.version not in match.law else ""
    share = "" if match.share == "whole" else f"; only the {match.share} of it"
    yield text(f"{names}: {match.part}{version}, lines {lines_words(match.lines)}{share}. {match.sure.capitalize()}: "
               f"{means} ({match.score:.1%} of it; {wrong}).")
    if told:
        yield table(("clause", "lines", "difference"),
                    [(t.difference.clause or "-", lines_words(t.difference.lines), difference_words(t.difference))
                     for t in told])
    does = [words for t in told for words in t.does]
    if does:
        yield listed(does)


def difference_words(d: Difference) -> str:
    """A difference in a few words; what the given text says there is quoted, what the licence says never."""
    if d.kind == "number":
        return f"{_digits(d.was)} became {_digits(d.now)}"
    if d.kind == "renamed":
        return f"{d.was or 'a name'} became {d.now}"
    return KINDS[d.kind] + (f": now \"{d.now}\"" if d.now else "")


def _digits(number: str) -> str:
    return f"{int(number):,}" if number.isdigit() and len(number) > 4 else number


def lines_words(lines: tuple[int, int]) -> str:
    first, last = lines
    return "-" if not first else str(first) if first == last else f"{first} to {last}"


def name_of(law: str) -> str:
    return f"{shelf().law(law).name} ({law})" if shelf().has(law) else law


def _file_data(s: Seen) -> dict[str, Any]:
    return {"file": s.file, "problem": s.problem, "texts": [match_data(m, told) for m, told in s.matches],
            "by_title": [{"licence": law, "line": line} for law, line in s.titled],
            "unknown_lines": [*map(list, s.rest)]}


def match_data(m: Match, told: tuple[Told, ...]) -> dict[str, Any]:
    return {"licence": m.law, "same": list(m.laws[1:]), "part": m.part, "version": m.version, "score": m.score,
            "sure": m.sure, "share": m.share, "lines": list(m.lines), "clauses": list(m.present),
            "differences": [{**t.difference._asdict(), "lines": list(t.difference.lines), "does": list(t.does)}
                            for t in told]}
