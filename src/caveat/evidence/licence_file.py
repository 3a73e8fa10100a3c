"""Licence, notice and policy files beside an asset: which text lies there, and which parts a notice has.

A label is what somebody says; the text beside it is what they hand over, and several licences ask for exactly that.
Which text it is is told clause by clause from fingerprints (`law/recognise.py`), and where none are had by its title
together with version, date or vendor (`licence_titles.py`); it is never guessed.

Traps: a licence that quotes the wording of its own notice is no notice; Llama 3, 3.1, 3.2 and 3.3 differ in the head
only; several licences in one file; a file that only names a licence and does not hold its text; LICENSE-CODE speaks
of the code and not of the weights; doubled line ends; a policy inside the licence.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from caveat.evidence.licence_titles import NOTICES, POLICY_TITLES, RESERVED, TITLES, NoticeWords, Title
from caveat.evidence.licence_words import named_in
from caveat.evidence.source import place, text_of
from caveat.lineage.claims import Claim, Evidence, FileClaim, LicenceClaim, Place, Problem

if TYPE_CHECKING:
    from caveat.law.recognise import Match

NAMES = (
    "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "USE_POLICY*", "USE-POLICY*", "*_LICENSE", "*_LICENSE.*",
    "*-LICENSE", "*-LICENSE.*", "*LICENSE.txt", "*LICENSE.md", "*_LICENSE_AGREEMENT*", "*PROHIBITED_USE*",
    "*ACCEPTABLE_USE*", "Notice", "Notice.*", "License", "License.*", "license", "license.*", "notice", "notice.*",
)
READS = "bytes"
LIMIT = 2 << 20

NOTICE_NAME = re.compile(r"^notice", re.IGNORECASE)
POLICY_NAME = re.compile(r"policy|prohibited_use|acceptable_use", re.IGNORECASE)
CODE_NAME = re.compile(r"licen[cs]e[-_.]?code|code[-_.]?licen[cs]e", re.IGNORECASE)
#: A file shorter than this that holds no text may still name its licence.
SHORT = 4000
#: A shorter text holds no licence whole; differences told of one text.
SHORTEST, MOST_TOLD = 300, 4
DIFFERS = {"missing": "clause {clause} is missing", "altered": "clause {clause} is altered",
           "number": "clause {clause} has {now} for {was}", "renamed": "names replaced by {now}",
           "added": "a passage is added at line {line}"}
UNDER = re.compile(r"\b(?:under|governed by|subject to)\b")
DENIED = re.compile(r"\b(?:not|modified|instead of|unlike|except)\b")
NAMED_ONLY = "the file names the licence and does not hold its text"


class Folded(NamedTuple):
    """A text in one spelling on one line, with the offset at which each line of the file begins."""

    text: str
    starts: tuple[int, ...]

    def line(self, at: int) -> int:
        """The line of the file, from 1, of an offset."""
        return bisect_right(self.starts, at)


class Found(NamedTuple):
    """One text found: law id, line, its first words, and how it differs from the text that was read.

    `broken`: a clause is missing, a number is another, or the text ends early; handing it over hands over less.
    """

    law: str
    line: int
    quote: str
    policy: bool = False
    weak: str = ""
    broken: bool = False


def read(data: bytes, file: str, asset: str) -> Evidence:
    """The claims of one licence, notice or policy file."""
    if b"\x00" in data[:1024] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        return Evidence(problems=(Problem(file, "not text", None, "it was not read"),))
    source = text_of(data, file, LIMIT)
    return claims_of_text(source.text, file, asset) + Evidence(problems=source.problems)


def claims_of_text(text: str, file: str, asset: str, first_line: int = 1, key: str = "") -> Evidence:
    """The claims of a licence text, also one that stands inside another file (`first_line`, `key`)."""
    folded = fold(text)
    name = file.rsplit("/", 1)[-1]
    if not folded.text.strip():
        return Evidence(problems=(Problem(file, "an empty licence file", first_line),))
    if NOTICE_NAME.match(name) and not key:
        return Evidence(claims=tuple(_notice(folded, file, asset)))
    known = fingerprinted(text) if len(text) >= SHORTEST else Known()
    licences = [f for f in known.found if not f.policy] + known.beyond(recognise(folded, TITLES))
    policies = [f for f in known.found if f.policy] + known.beyond(recognise(folded, POLICY_TITLES))
    claims = [*_licences(licences, file, asset, first_line, key), *_policies(policies, file, asset, first_line)]
    if claims:
        return Evidence(claims=tuple(claims), problems=tuple(_differs(known.found, file, first_line)))
    return _unrecognised(folded, file, asset, first_line, bool(POLICY_NAME.search(name)))


class Known(NamedTuple):
    """What fingerprints told: texts found, and the lines that they take."""

    found: tuple[Found, ...] = ()
    taken: tuple[tuple[int, int], ...] = ()

    def beyond(self, titled: list[Found]) -> list[Found]:
        """Titles that stand outside of every text found; one inside is a mention or the text's own."""
        mine = {f.law for f in self.found}
        return [f for f in titled if f.law not in mine and not any(a <= f.line <= b for a, b in self.taken)]


def fingerprinted(text: str) -> Known:
    """The licence texts that stand in `text`, by their clauses (`law/recognise.py`)."""
    from caveat.law.recognise import identify  # a megabyte of hashes, for files that are long enough to hold a licence

    matches, rows = identify(text), text.split("\n")
    found = [Found(law, m.lines[0], " ".join(rows[m.lines[0] - 1].split()), m.part == "policy", *_difference(m))
             for m in matches for law in m.laws[:1]]
    return Known(tuple(found), tuple(m.lines for m in matches))


def _difference(match: Match) -> tuple[str, bool]:
    """In a few words how a text differs, and whether that leaves something out."""
    words = [f"only the {match.share} is there"] if match.share != "whole" else []
    words += [DIFFERS[d.kind].format(clause=d.clause, was=d.was, now=d.now, line=d.lines[0]) for d in match.differences]
    more = f" and {len(words) - MOST_TOLD} more" if len(words) > MOST_TOLD else ""
    gone = any(d.kind in ("missing", "number") and not d.clause.startswith("head") for d in match.differences)
    return "; ".join(words[:MOST_TOLD]) + more, gone or match.share != "whole"


def _differs(found: Iterable[Found], file: str, first: int) -> Iterator[Problem]:
    for f in found:
        if f.weak:
            yield Problem(file, f"{f.law} with differences: {f.weak}", f.line + first - 1,
                          "judged as the licence it was made from; caveat identify tells what they change")


def fold(text: str) -> Folded:
    """One spelling: lower case, plain quotes and dashes, no markup, single blanks; lines are kept as offsets."""
    parts: list[str] = []
    starts: list[int] = []
    at = 0
    for row in text.split("\n"):
        starts.append(at)
        clean = " ".join(row.translate(PLAIN).lower().split())
        if clean:
            parts.append(clean)
            at += len(clean) + 1
    return Folded(" ".join(parts), tuple(starts))


PLAIN = str.maketrans({
    "“": '"', "”": '"', "‘": "'", "’": "'", "–": "-", "—": "-", "©": "(c)", "™": "", "®": "", "\u00a0": " ",
    **dict.fromkeys("#*_=|>`~\ufeff", " "),
})


def recognise(folded: Folded, titles: tuple[Title, ...]) -> list[Found]:
    """Every text of the table that stands in `folded`, each once, in written order."""
    found: dict[str, int] = {}
    for title, at in (*_at_lines(titles, folded), *_inside(titles, folded)):
        if at < found.get(title.law, len(folded.text)) and _fits(title, folded.text):
            found[title.law] = at
    order = sorted(found.items(), key=lambda item: item[1])
    return [Found(law, folded.line(at), folded.text[at:at + 100]) for law, at in order]


def _at_lines(titles: tuple[Title, ...], folded: Folded) -> Iterator[tuple[Title, int]]:
    """Titles at the start of a line. All patterns are tried at once first: a file may have a million lines."""
    rows = tuple(t for t in titles if not t.inside)
    any_title = _any_of(rows)
    for at in dict.fromkeys(folded.starts):
        if any_title.match(folded.text, at):
            yield from ((t, at) for t in rows if t.pattern.match(folded.text, at))


@cache
def _any_of(rows: tuple[Title, ...]) -> re.Pattern[str]:
    return re.compile("|".join(t.pattern.pattern for t in rows) or r"(?!)")


def _inside(titles: tuple[Title, ...], folded: Folded) -> Iterator[tuple[Title, int]]:
    """Texts without a title of their own, known by words anywhere."""
    for title in (t for t in titles if t.inside):
        match = title.pattern.search(folded.text)
        if match:
            yield title, match.start()


def _fits(title: Title, text: str) -> bool:
    wanted = title.needs is None or bool(title.needs.search(text))
    return wanted and (title.unless is None or not title.unless.search(text))


def _licences(found: list[Found], file: str, asset: str, first: int, key: str) -> Iterator[Claim]:
    of_code = bool(CODE_NAME.search(file.rsplit("/", 1)[-1]))
    for f in found:
        where = place(file, f.line + first - 1, key, f.quote, "detected", f.weak)
        if not f.broken:
            yield FileClaim(asset, "licence-file", f.law, where)
        if not of_code:
            yield LicenceClaim(asset, (f.law,), where, raw=f.law)


def _policies(found: list[Found], file: str, asset: str, first: int) -> Iterator[Claim]:
    for f in found:
        if not f.broken:
            where = place(file, f.line + first - 1, "", f.quote, "detected", f.weak)
            yield FileClaim(asset, "policy-file", f.law, where)


def _notice(folded: Folded, file: str, asset: str) -> Iterator[Claim]:
    """The parts of every attribution line in a notice file, as `law:part`."""
    yield FileClaim(asset, "notice-file", "notice", place(file, 1, "", folded.text[:100], "detected"))
    for words in NOTICES:
        for part, at in _parts(words, folded.text):
            where: Place = place(file, folded.line(at), part, folded.text[at:at + 80], "detected")
            yield FileClaim(asset, "notice-file", f"{words.law}:{part}", where)


def _parts(words: NoticeWords, text: str) -> list[tuple[str, int]]:
    """The parts present; none unless the line's own name or licence is there, and nothing far away from it."""
    own = re.search(rf"{words.name}|{words.licence}", text)
    if not own:
        return []
    start = max(0, own.start() - 200)
    near = text[start:own.end() + 400]
    holder = rf"copyright.{{0,20}}{words.holder}" if words.holder else "(?!)"
    wanted = (("name", words.name), ("licence", words.licence), ("copyright", holder), ("reservation", RESERVED),
              ("terms-link", words.link or "(?!)"))
    hits = ((part, re.search(pattern, near)) for part, pattern in wanted)
    return [(part, start + m.start()) for part, m in hits if m]


def placed_under(text: str) -> tuple[str, ...]:
    """The licences that a short text says something is under; a bare or denied mention is not enough."""
    sentences = re.split(r"(?<=[.;])\s", text)
    said = [s for s in sentences if UNDER.search(s) and not DENIED.search(s)]
    return tuple(dict.fromkeys(law for s in said for law in named_in(s)))


def _unrecognised(folded: Folded, file: str, asset: str, first: int, policy: bool) -> Evidence:
    named = () if policy or len(folded.text) > SHORT else placed_under(folded.text)
    where = place(file, first, "", folded.text[:100], "detected", NAMED_ONLY)
    claims = (LicenceClaim(asset, named, where, raw=", ".join(named)),) if named else ()
    what = f"names {', '.join(named)} without its text" if named else "not recognised as any licence text we hold"
    instead = "the licence named was taken" if named else "no terms were taken from it"
    return Evidence(claims=claims, problems=(Problem(file, what, first, instead),))
