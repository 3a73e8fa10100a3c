"""What has to lie beside a work when it is handed over: licence texts, the notice, the lines on the card.

    duties of the hand-over -> checks of the law files -> texts from the user's copies, a NOTICE, lines for the card

What a licence asks for stands in the law files; its own words come from the user's copy alone. What is missing stays
unmet and is said, with where to get it. Files that are there and are not ours are never written over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caveat.evidence.card_marks import LABELS
from caveat.flows import licence_copies
from caveat.flows.licence_copies import Copy
from caveat.law.shelf import shelf
from caveat.runtime.quantize import whole_or_nothing
from caveat.verdict.answer import Duty, Verdict

#: By this a later run knows a card as its own.
MARK = "<!-- written by caveat; edit freely, and take this line out to keep the file as it is -->"
BASE = re.compile(r"^base_model: .*$", re.MULTILINE)
#: Checks of a duty that a licence or policy text beside the work meets.
TEXTS = {("file", "agreement"), ("file", "licence"), ("file", "policy")}


class Owed(NamedTuple):
    """One thing that a duty asks for: the duty, and the key and value of its check (law/words.py CHECKS)."""

    duty: Duty
    key: str
    value: Any

    @property
    def law(self) -> str:
        return self.duty.cited.licence


class Put(NamedTuple):
    """A file to lie beside the work: its name, its bytes, and what it is in words."""

    name: str
    data: bytes
    what: str


class Handed(NamedTuple):
    """Everything that goes along, the lines that the card has to show, and what is missing, each in words."""

    files: tuple[Put, ...] = ()
    lines: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def given(source: Path | None, handing: Verdict) -> tuple[Copy, ...]:
    """The user's copies in the place that was named, of the terms under which it is handed over."""
    return () if source is None else licence_copies.given(source, laws_of(owed(handing)))


def owed(handing: Verdict) -> tuple[Owed, ...]:
    """What the duties of a hand-over ask for, each once; what hangs on a doubt is told by the check and not laid."""
    duties = (d for f in handing.findings for d in f.duties if not d.whose and d.owed == "always")
    found = (Owed(d, key, value) for d in duties
             for key, value in shelf().law(d.cited.licence).rule(d.cited.rule).check)
    return tuple({(o.law, o.key, str(o.value)): o for o in found}.values())


def laws_of(things: Iterable[Owed]) -> tuple[str, ...]:
    """The licences whose text is owed, or needed for the notice that they word."""
    return tuple(dict.fromkeys(o.law for o in things if _wants_text(o) or o.key == "notice"))


def handed(things: tuple[Owed, ...], copies: tuple[Copy, ...], extra: tuple[str, ...] = ()) -> Handed:
    """Texts, notice and lines for what is owed. `extra` are lines of the user's own for the notice."""
    laws = laws_of(things)
    texts = {law: copy for law in laws if (copy := _text_for(law, copies))}
    notice = _notice(things, (*copies, *texts.values()), extra)
    lines = tuple(_label(o.value) for o in things if o.key == "line")
    links = tuple(dict.fromkeys(o.law for o in things if o.key == "card" and o.value == "licence-link"))
    missing = (*_missing_texts(things, texts, copies), *_missing_notices(things, notice, texts))
    noticed = (Put("NOTICE", notice.encode(), "the notice"),) if notice else ()
    files = (*_texts(texts), *_others(copies, laws, texts), *noticed)
    return Handed(files, lines, links, missing)


def put(folder: Path, files: Iterable[Put]) -> tuple[Put, ...]:
    """Writes the files, each under the first name that is free or holds the same; gives them as they were named."""
    laid = []
    for file in files:
        name = _free(folder, file)
        laid.append(file._replace(name=name))
        if not _holds(folder / name, file.data):
            with whole_or_nothing(folder / name) as out:
                out.write(file.data)
    return tuple(laid)


def _wants_text(o: Owed) -> bool:
    return (o.key, o.value) in TEXTS or o.key == "terms"


def _label(value: Any) -> str:
    """The line to show: the whole label where the law file tells its telling part ("Falcon LLM technology")."""
    said = value if isinstance(value, str) else str(value[0])
    return next((label for label in LABELS if said.lower() in label.lower()), said)


# Texts.


def _text_for(law: str, copies: tuple[Copy, ...]) -> Copy | None:
    """The user's own copy, else that of an installed package; an altered copy only where there is no other."""
    mine = sorted((c for c in copies if c.holds(law)), key=lambda c: (bool(c.odd), c.whence != "given"))
    if mine and not mine[0].odd:
        return mine[0]
    return licence_copies.packaged(law) or (mine[0] if mine else None)


def _texts(texts: Mapping[str, Copy]) -> Iterator[Put]:
    for law, copy in texts.items():
        name = copy.name if copy.whence != "package" or len(texts) == 1 else f"LICENSE-{law}.txt"
        yield Put(name, copy.data(), copy.words(law))


def _others(copies: tuple[Copy, ...], laws: tuple[str, ...], texts: Mapping[str, Copy]) -> Iterator[Put]:
    """Policies and texts that came with the work and belong to its licences."""
    taken = {c.path for c in texts.values()}
    includes = {x for law in laws for x in (law, *shelf().law(law).includes)}
    for c in copies:
        if c.path not in taken and not c.notice and c.policies & includes:
            yield Put(c.name, c.data(), f"the use policy of {', '.join(sorted(c.policies & includes))}")


def _missing_texts(things: tuple[Owed, ...], texts: Mapping[str, Copy], copies: tuple[Copy, ...]) -> Iterator[str]:
    for law in dict.fromkeys(o.law for o in things if _wants_text(o)):
        clause = next(o.duty.cited.clause for o in things if o.law == law and _wants_text(o))
        if law not in texts:
            bare = any(law in c.laws for c in copies)
            why = ("the copy here names no copyright holder, and without that line it is not the model's" if bare
                   else "no copy of it is here")
            yield (f"the text of {law} (§{clause}): {why}; put the publisher's own file beside the model or name it "
                   f"with --licence-from ({shelf().law(law).source})")
        elif texts[law].odd:
            yield f"the text of {law} (§{clause}): {texts[law].name} is not as it was published: {texts[law].odd}"


# The notice.


def _notice(things: tuple[Owed, ...], copies: tuple[Copy, ...], extra: tuple[str, ...]) -> str:
    """The notices that came with the work, the lines that are owed, and the user's own; "" for none."""
    came = tuple(dict.fromkeys(c.text.strip() for c in copies if c.notice and c.text.strip()))
    there = "\n\n".join(came)
    lines = [line for o in things if o.key == "notice" and not set(o.value) <= licence_copies.parts_of(there, o.law)
             for line in [_line(o, copies)] if line]
    return "\n\n".join((*came, *dict.fromkeys((*lines, *extra)))) + "\n" if (came or lines or extra) else ""


def _line(o: Owed, copies: tuple[Copy, ...]) -> str:
    """The licence's own sentence from the user's copy; where it words none, one that names its parts."""
    if not any(o.law in c.laws for c in copies):
        return ""
    law = shelf().law(o.law)
    said = licence_copies.sentence(copies, o.law, o.value)
    subject = law.name.removesuffix(" Agreement").removesuffix(" License").removesuffix(" Community")
    return said or (f"{subject} is licensed under the {law.name} ({law.source}), Copyright {law.publisher}. "
                    "All rights reserved.")


def _missing_notices(things: tuple[Owed, ...], notice: str, texts: Mapping[str, Copy]) -> Iterator[str]:
    for o in (o for o in things if o.key == "notice"):
        lacking = [p for p in o.value if p not in licence_copies.parts_of(notice, o.law)]
        if lacking and o.law not in texts:
            yield (f"the notice of {o.law} (§{o.duty.cited.clause}): its wording stands in that licence, and no copy "
                   f"of it is here ({shelf().law(o.law).source})")
        elif lacking:
            yield (f"the notice of {o.law} (§{o.duty.cited.clause}): {', '.join(lacking)} could not be told; add a "
                   "line with --notice")


# Names.


def _free(folder: Path, file: Put) -> str:
    """The file's name, or one beside it where something else has that name."""
    stem, dot, ending = file.name.rpartition(".") if "." in file.name else (file.name, "", "")
    names = (file.name, *(f"{stem}-{n}{dot}{ending}" for n in range(2, 100)))
    return next((n for n in names if _ours(folder / n, file.data)), file.name)


def _ours(path: Path, data: bytes) -> bool:
    return (not path.exists() and not path.is_symlink()) or _holds(path, data) or _same_card(path, data)


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file says the same, blanks at its ends aside."""
    if not path.is_file() or path.stat().st_size > len(data) + 64:
        return False
    return path.read_bytes().strip() == data.strip()


def _same_card(path: Path, data: bytes) -> bool:
    """A card that an earlier run wrote about the same model."""
    if not path.is_file() or path.suffix != ".md" or path.stat().st_size > 1 << 20:
        return False
    old, new = path.read_text("utf-8", "replace"), data.decode("utf-8", "replace")
    return MARK in old and MARK in new and BASE.findall(old)[:1] == BASE.findall(new)[:1]
