"""The licence texts that a user has: looked at before they are handed on, because a wrong text hands on nothing.

Copies lie beside the model or where the user says; a package of licence texts (licensedcode) serves where it is
installed and the text is the same for everybody. None of it is ever written into Caveat itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from caveat.errors import SettingsError
from caveat.evidence import licence_file
from caveat.evidence.source import text_of
from caveat.flows.identifying import name_of
from caveat.law.shelf import shelf
from caveat.lineage.claims import FileClaim, LicenceClaim

MOST_FILES = 200
#: Licences whose text is nobody's without the line that names the holder.
OF_A_HOLDER = re.compile(r"^(mit|bsd-|isc|zlib|ncsa|postgresql)")
HOLDER = re.compile(r"^\W*(?:portions )?copyright\b(?!.*[<\[{]).*\w", re.IGNORECASE | re.MULTILINE)
KEY = re.compile(r"licensedcode ([\w.+-]+)")
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
#: What stands between quotation marks, from every mark on: plain marks do not tell which of two opens.
QUOTED = re.compile(r"(?=[\"“”]([^\"“”]{20,600})[\"”“])")


class Copy(NamedTuple):
    """A text that lies somewhere: file name, the laws whose text it holds, those whose policy, and the text itself."""

    name: str
    laws: frozenset[str]
    policies: frozenset[str]
    text: str
    whence: str  # beside | given | package
    path: Path
    notice: bool = False
    odd: str = ""  # how it differs from the text that was read

    def data(self) -> bytes:
        """The bytes to hand on: the file's own, or the text taken out of a package."""
        return self.text.encode() if self.whence == "package" else self.path.read_bytes()

    def holds(self, law: str) -> bool:
        return law in self.laws and (not OF_A_HOLDER.match(law) or bool(self.holder()))

    def holder(self) -> str:
        """The line of the copyright holder; "" where it was never filled in."""
        found = HOLDER.search(self.text)
        return " ".join(found[0].split())[:120] if found else ""

    def words(self, law: str) -> str:
        """What it is, and whose, where that makes the text: a text beside a model may be another project's."""
        return f"the text of {law}" + (f" ({self.holder()})" if OF_A_HOLDER.match(law) else "")


def beside(model: Path) -> tuple[Copy, ...]:
    """The licence, notice and policy files that lie beside a model."""
    folder = model if model.is_dir() else model.parent
    return tuple(_copy(path, "beside") for path in _licence_like(folder))


def given(place: Path, wanted: Iterable[str]) -> tuple[Copy, ...]:
    """The texts that the user points at. Raises SettingsError where none of them is wanted: a wrong text is refused."""
    if not place.exists():
        raise SettingsError(f"--licence-from {place}: no such file or folder")
    found = tuple(_copy(p, "given") for p in (_licence_like(place) if place.is_dir() else (place,)))
    laws = sorted({law for c in found for law in (*c.laws, *c.policies)})
    wanted = sorted(set(wanted))
    if wanted and not set(laws) & set(wanted) and not any(c.notice for c in found):
        what = f"holds {', '.join(map(name_of, laws))}" if laws else "holds no whole licence text that we know"
        raise SettingsError(f"--licence-from {place}: {what}; what goes along is {', '.join(map(name_of, wanted))}")
    return found


def packaged(law: str) -> Copy | None:
    """The text as an installed licensedcode carries it, where it is the same for everybody and is still recognised."""
    spec = find_spec("licensedcode") if shelf().has(law) and not OF_A_HOLDER.match(law) else None
    if not spec or not spec.origin:
        return None
    folder = Path(spec.origin).parent / "data" / "licenses"
    for key in KEY.findall(shelf().law(law).against):
        path = folder / f"{key}.LICENSE"
        if path.is_file():
            text = FRONT.sub("", text_of(path, key, licence_file.LIMIT).text).strip() + "\n"
            copy = _read(text.encode(), path, "package")._replace(name="LICENSE")
            if law in copy.laws and not copy.odd:
                return copy
    return None


def sentence(copies: Iterable[Copy], law: str, parts: Iterable[str]) -> str:
    """The line that a licence itself puts between quotation marks for the notice file; "" where it has none."""
    texts = (c.text for c in copies if law in c.laws)
    quotes = (" ".join(q.split()) for text in texts for q in QUOTED.findall(text))
    return next((q for q in quotes if set(parts) <= parts_of(q, law)), "")


def parts_of(line: str, law: str) -> set[str]:
    """The parts of a licence's notice that a text has."""
    said = licence_file.read(line.encode("utf-8", "replace"), "NOTICE", "it").claims
    return {c.value.partition(":")[2] for c in said if isinstance(c, FileClaim) and c.value.startswith(f"{law}:")}


def _licence_like(folder: Path) -> Iterator[Path]:
    found = sorted({p for glob in licence_file.NAMES for p in folder.glob(glob) if p.is_file()})
    yield from found[:MOST_FILES]


def _copy(path: Path, whence: str) -> Copy:
    try:
        with path.open("rb") as stream:
            data = stream.read(licence_file.LIMIT)
    except OSError as fault:
        raise SettingsError(f"{path}: {fault.strerror}") from None
    return _read(data, path, whence)


def _read(data: bytes, path: Path, whence: str) -> Copy:
    notice = bool(licence_file.NOTICE_NAME.match(path.name))
    said = licence_file.read(data, path.name, "it")
    files = [c for c in said.claims if isinstance(c, FileClaim)]
    laws = frozenset(c.value for c in files if c.what == "licence-file")
    policies = frozenset(c.value for c in files if c.what == "policy-file")
    odd = next((c.place.weak for c in said.claims if isinstance(c, LicenceClaim) and c.place.weak), "")
    return Copy(path.name, laws, policies, text_of(data, path.name, licence_file.LIMIT).text, whence, path, notice, odd)
