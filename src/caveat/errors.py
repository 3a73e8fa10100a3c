"""Every error a person may see, drawn as a tree. Each says what, where, and what to do next.

CaveatError                 exit code 2
├── LawError                a law file is wrong: file, line, nearest known word
├── EvidenceError           nothing at all could be read from what was named
├── QuestionError           a question was not understood: text, column, nearest words
├── SettingsError           caveat.toml or a flag says something nobody knows
├── Refused                 what was about to start is prohibited: clause, proof, smallest fix (raised in code only)
├── EngineError             a model did not answer, or cannot be run: which, why, and whether to try again
└── TooManyWorlds           the doubts of one group multiply beyond the bound
"""

from __future__ import annotations

from collections.abc import Iterable


class CaveatError(Exception):
    """Base of all errors that are told to people in one line."""


class LawError(CaveatError):
    """A law file cannot be read as law."""

    def __init__(self, file: str, line: int | None, what: str, near: Iterable[str] = ()) -> None:
        place = f"{file}:{line}" if line else file
        super().__init__(f"{place}: {what}{did_you_mean(near)}")


class EvidenceError(CaveatError):
    """What was named on the command line holds nothing that can be read."""


class SettingsError(CaveatError):
    """A setting (caveat.toml, --fact, --read) is not known."""

    def __init__(self, what: str, near: Iterable[str] = (), place: str = "") -> None:
        super().__init__(f"{place + ': ' if place else ''}{what}{did_you_mean(near)}")


class EngineError(CaveatError):
    """A model gave no answer. kind: http | timeout | connection | malformed | closed | template | refused | engine.

    `again` says whether asking once more may help; `after` the seconds the other side wants to be left alone.
    """

    def __init__(self, what: str, kind: str = "engine", *, again: bool = False, after: float = 0.0) -> None:
        self.kind, self.again, self.after = kind, again, after
        super().__init__(what)


class Refused(CaveatError):
    """What was about to start may not: the text is the whole page; `findings` and `report` are it as data."""

    def __init__(self, page: str, findings: tuple[object, ...] = (), report: object = None) -> None:
        self.findings, self.report = findings, report
        super().__init__(page)


class TooManyWorlds(CaveatError):
    """One group of doubts has more worlds than the bound; settling one of them helps."""


class QuestionError(CaveatError):
    """A question was not understood from column `at` (counted from 0) on."""

    def __init__(self, text: str, at: int, what: str, near: Iterable[str] = ()) -> None:
        self.text, self.at, self.what, self.near = text, at, what, tuple(near)
        super().__init__(f"{what}{did_you_mean(self.near)}")

    def caret(self) -> str:
        """The question with the place underlined, two lines."""
        return f"{self.text}\n{' ' * self.at}^"


def did_you_mean(near: Iterable[str]) -> str:
    """The tail of an error that names the nearest known words, or nothing."""
    words = ", ".join(near)
    return f" (did you mean {words}?)" if words else ""


def nearest(word: str, known: Iterable[str], how_many: int = 3, cutoff: float = 0.6) -> list[str]:
    """The known words that look most like `word`; difflib is imported only when an error is told."""
    from difflib import get_close_matches

    return get_close_matches(word, list(known), n=how_many, cutoff=cutoff)


def slipped(word: str, other: str) -> bool:
    """Whether two words differ by one letter left out, typed twice or added, or by two that changed places.

    Digits and a lone last letter tell things apart on purpose ("my-set-2", "my-a"): these are no slips.
    """
    if any(c.isdigit() for c in word + other) or sorted((len(word), len(other)))[0] < 5:
        return False
    short, long = sorted((word, other), key=len)
    if len(short) == len(long):
        apart = [n for n, (a, b) in enumerate(zip(word, other, strict=True)) if a != b]
        return len(apart) == 2 and apart[1] == apart[0] + 1 and word[apart[0]] == other[apart[1]] and \
            word[apart[1]] == other[apart[0]]
    return len(long) == len(short) + 1 and any(long[:n] + long[n + 1:] == short for n in range(len(long)))
