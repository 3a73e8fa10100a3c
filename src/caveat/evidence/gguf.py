"""Reads the header of a .gguf file: what it says of its name, licence, bases, data, and quantization.

Format: magic, version (1 to 3), counts, then key-value pairs; version 1 has 32-bit counts, and version 3 may be big
endian. Long arrays (token lists) are stepped over, never made. A count or length beyond the file is a lie: reading
stops there, what was read is kept, and the lie is told. Tensors are left to gguf_tensors.py.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.licence_words import Words, laws_of, table
from caveat.evidence.repo_names import repo_id
from caveat.evidence.source import Source, place
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Problem, StepClaim

NAMES = ("*.gguf",)
READS = "path"

MAGIC = b"GGUF"
KEYS_LIMIT, KEY_LENGTH, STRING_LENGTH, ARRAY_KEPT, LIST_LIMIT = 100_000, 65_535, 1 << 20, 256, 64
STRING, ARRAY = 8, 9
#: Values stepped over in one header, and bytes of text kept: a file may be a hole of a terabyte, whose zeros are
#: endless empty texts. The longest real headers hold a million tokens and merges.
STEPS_LIMIT, KEPT_LIMIT, TWICE_TOLD = 3_000_000, 32 << 20, 5
#: value type -> struct letter
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
#: general.file_type values whose weights are not quantized (float 32, float 16, bfloat 16).
WHOLE = frozenset({0, 1, 32})
ENCODERS = frozenset({"bert", "nomic-bert", "jina-bert-v2", "modern-bert", "t5encoder"})

Value = str | int | float | bool | list["Value"]


class Lie(Exception):
    """A count or length that the file cannot hold."""


class Header(NamedTuple):
    """The key-value pairs that were read, the version, and what was wrong."""

    values: dict[str, Value]
    version: int = 0
    problems: tuple[Problem, ...] = ()

    def word(self, key: str) -> str:
        value = self.values.get(key)
        return value.strip() if isinstance(value, str) else ""

    def words(self, key: str) -> tuple[str, ...]:
        """The strings under `key`, one or a list."""
        value = self.values.get(key)
        items = value if isinstance(value, list) else [value]
        return tuple(v.strip() for v in items if isinstance(v, str) and v.strip())

    def number(self, key: str) -> int | None:
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None


class Cursor:
    """A place in the bytes that refuses to step past their end."""

    def __init__(self, data: bytes | mmap.mmap, order: str, wide: bool) -> None:
        self.data, self.order, self.at = data, order, 4
        self.steps, self.kept = STEPS_LIMIT, KEPT_LIMIT
        self.tensors, self.pairs = 0, 0
        self.spans: list[tuple[str, int, int]] = []  # each key, and from which byte to which its pair goes
        self.size = struct.Struct(order + ("Q" if wide else "I"))

    def take(self, letter: str) -> int | float | bool:
        width = struct.calcsize(self.order + letter)
        self.need(width)
        (value,) = struct.unpack_from(self.order + letter, self.data, self.at)
        self.at += width
        return value  # type: ignore[no-any-return]

    def count(self) -> int:
        self.need(self.size.size)
        (value,) = self.size.unpack_from(self.data, self.at)
        self.at += self.size.size
        return int(value)

    def need(self, width: int) -> None:
        if width < 0 or self.at + width > len(self.data):
            raise Lie(f"{width} bytes at {self.at} of {len(self.data)}")

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0 or self.kept < 0:
            raise Lie(f"more than {STEPS_LIMIT} values or {KEPT_LIMIT >> 20} MiB of text")

    def text(self, limit: int) -> str:
        length = self.count()
        self.need(length)
        self.kept -= min(length, limit)
        self.step()
        kept = bytes(self.data[self.at : self.at + min(length, limit)])
        self.at += length
        return kept.decode("utf-8", "replace")


def header(source: Source, file: str) -> Header:
    """The key-value pairs of a GGUF file; memory-mapped where it is a path."""
    if not isinstance(source, Path):
        return _read(source.encode() if isinstance(source, str) else source, file)
    try:
        with source.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _read(data, file)
    except (OSError, ValueError) as error:
        return Header({}, 0, (Problem(file, f"cannot be opened: {error}"),))


def _read(data: bytes | mmap.mmap, file: str) -> Header:
    return walk(data, file)[0]


def walk(data: bytes | mmap.mmap, file: str) -> tuple[Header, Cursor | None]:
    """The header, and the cursor at its end; none where the keys could not be read to their end."""
    if len(data) < 8 or bytes(data[:4]) != MAGIC:
        return Header({}, 0, (Problem(file, "not a GGUF file", None, "not read"),)), None
    order = "<" if struct.unpack("<I", data[4:8])[0] < 1 << 16 else ">"
    (version,) = struct.unpack(order + "I", data[4:8])
    if version not in (1, 2, 3):
        return Header({}, version, (Problem(file, f"GGUF version {version} is not known", None, "not read"),)), None
    cursor = Cursor(data, order, version > 1)
    cursor.at = 8
    values: dict[str, Value] = {}
    try:
        problems = _pairs(cursor, values, file)
    except Lie as lie:
        problem = Problem(file, f"the header asks for {lie}", None, "what stands before was read")
        return Header(values, version, (problem,)), None
    return Header(values, version, tuple(problems)), cursor if cursor.pairs <= KEYS_LIMIT else None


def _pairs(cursor: Cursor, values: dict[str, Value], file: str) -> list[Problem]:
    cursor.tensors = cursor.count()
    pairs = cursor.pairs = cursor.count()
    problems: list[Problem] = []
    if pairs > KEYS_LIMIT:
        problems.append(Problem(file, f"{pairs} keys", None, f"the first {KEYS_LIMIT} were read"))
    for _ in range(min(pairs, KEYS_LIMIT)):
        first = cursor.at
        key = cursor.text(KEY_LENGTH)
        if key in values and len(problems) < TWICE_TOLD:
            problems.append(Problem(file, f"the key {key[:80]!r} stands twice", None, "the first one counts"))
        values.setdefault(key, _value(cursor, int(cursor.take("I")), 0))
        cursor.spans.append((key, first, cursor.at))
    return problems


def _value(cursor: Cursor, kind: int, depth: int) -> Value:
    cursor.step()
    if kind == STRING:
        return cursor.text(STRING_LENGTH)
    if kind == ARRAY and depth < 4:
        return _array(cursor, depth)
    if kind not in SCALARS:
        raise Lie(f"a value of type {kind}")
    return cursor.take(SCALARS[kind])


def _array(cursor: Cursor, depth: int) -> list[Value]:
    """The first values of an array; the rest is stepped over."""
    kind, length = int(cursor.take("I")), cursor.count()
    if kind in SCALARS:
        width = struct.calcsize(cursor.order + SCALARS[kind])
        cursor.need(width * length)
        kept: list[Value] = [cursor.take(SCALARS[kind]) for _ in range(min(length, ARRAY_KEPT))]
        cursor.at += width * (length - len(kept))
        return kept
    cursor.need(length)  # every string or array takes more than a byte: a false length ends here
    found: list[Value] = []
    for i in range(min(length, ARRAY_KEPT) if kind == STRING else length):
        value = _value(cursor, kind, depth + 1)
        found += [value] if i < ARRAY_KEPT else []
    if kind == STRING:
        _skip_texts(cursor, length - len(found))
    return found


def _skip_texts(cursor: Cursor, count: int) -> None:
    """Steps over texts in one tight loop: a vocabulary has hundreds of thousands, and nothing else takes as long."""
    over = count > cursor.steps
    at, unpack, width, data = cursor.at, cursor.size.unpack_from, cursor.size.size, cursor.data
    try:
        for _ in repeat(None, min(count, max(cursor.steps, 0))):
            at += unpack(data, at)[0] + width
    except (struct.error, OverflowError, IndexError):
        raise Lie(f"a text at {at} of {len(data)}") from None
    cursor.steps -= count
    if over:
        cursor.step()
    cursor.at = at
    cursor.need(0)


def read(source: Source, file: str, asset: str, words: Words | None = None) -> Evidence:
    """Claims from the `general.*` keys of a GGUF header; never raises."""
    head = header(source, file)
    claims: list[Claim] = [
        *_licence(head, file, asset, words or table()), *_bases(head, file, asset), *_data(head, file, asset),
        *_facts(head, file, asset),
    ]
    return Evidence(claims=tuple(claims), problems=head.problems)


def _licence(head: Header, file: str, asset: str, words: Words) -> Iterator[LicenceClaim]:
    raws = head.words("general.license")
    name, link = head.word("general.license.name"), head.word("general.license.link")
    if not raws and not name:
        return
    from caveat.evidence.card_licence import of_link

    raw = ", ".join(raws) or name
    said = laws_of(raw, words)
    if not said.known and name:
        said = laws_of(name, words)
    laws = said.laws if said.known or not of_link(link) else (of_link(link),)
    shown = f"{raw} ({name or link})" if raw != name and (name or link) and not laws_of(raw, words).known else raw
    yield LicenceClaim(asset, laws, place(file, None, "general.license", shown), said.choice, shown)


def quantized(head: Header, file: str) -> str:
    """How the weights are quantized: from the file type, else from the file's name; "" for whole numbers."""
    kind = head.number("general.file_type")
    named = re.search(r"[-_.](i?q[1-8](?:_[\w]+?)?|tq[12]_0|mxfp4)(?=[-_.])", file, re.IGNORECASE)
    if kind is not None:
        return "" if kind in WHOLE else named[1].upper() if named else f"file type {kind}"
    return named[1].upper() if named else ""


def _bases(head: Header, file: str, asset: str) -> Iterator[StepClaim]:
    """base_model.N and source.*: the source is what was quantized, the bases are what the source was made from."""
    act = "quantize" if quantized(head, file) else "convert"
    source = _repo(head, "general.source")
    child, kind = (source, "inferred") if source else (asset, "declared")
    if source and source.lower() != asset.lower():
        where = place(file, None, "general.source", source)
        yield StepClaim(asset, act, source, where, head.word("general.quantized_by"))
    count = min(head.number("general.base_model.count") or 0, LIST_LIMIT)
    for n in range(count):
        key = f"general.base_model.{n}"
        parent = _repo(head, key)
        if parent and parent.lower() not in (asset.lower(), source.lower()):
            made = "merge" if count > 1 else act if not source and _is_itself(head, parent) else "finetune"
            yield StepClaim(child, made, parent, place(file, None, key, parent, kind if made == act else "inferred"))


def _is_itself(head: Header, parent: str) -> bool:
    """Whether the base is what was quantized: it has the file's own name, or the file has none."""
    own, base = (re.sub(r"[^a-z0-9]", "", n.lower()) for n in (head.word("general.name"), parent.split("/")[-1]))
    return not own or own == base


def _repo(head: Header, key: str) -> str:
    """The id that a group of keys names: an address, else organisation and name."""
    for tail in (".huggingface.repository", ".repo_url", ".url"):
        found = repo_id(head.word(key + tail))
        if "/" in found:
            return found
    name, owner = head.word(f"{key}.name"), head.word(f"{key}.organization")
    if key == "general.source" or not name:
        return ""
    joined = f"{owner.replace(' ', '-')}/{name.replace(' ', '-')}" if owner else name
    return joined[:200]


def _data(head: Header, file: str, asset: str) -> Iterator[StepClaim]:
    """dataset.N and the older list of data sets: data of the source, so weak for the quantized file."""
    weak = "the data of what was quantized"
    for name in head.words("general.datasets"):
        yield StepClaim(asset, "train", repo_id(name) or name, place(file, None, "general.datasets", name, weak=weak))
    for n in range(min(head.number("general.dataset.count") or 0, LIST_LIMIT)):
        key = f"general.dataset.{n}"
        if parent := _repo(head, key):
            yield StepClaim(asset, "train", parent, place(file, None, key, parent, weak=weak))


def _facts(head: Header, file: str, asset: str) -> Iterator[AssetClaim]:
    architecture = head.word("general.architecture")
    if architecture:
        target = "embedding" if architecture in ENCODERS else "language-model"
        yield AssetClaim(asset, "target", target, place(file, None, "general.architecture", architecture, "detected"))
    source = _repo(head, "general.source")  # organization and author of a file with another source are the source's
    whose = () if source and source.lower() != asset.lower() else ("general.organization", "general.author")
    maker = next(filter(None, map(head.word, ("general.quantized_by", *whose))), "")
    if maker:
        yield AssetClaim(asset, "maker", maker[:120], place(file, None, "general", maker))
    count = head.number("general.parameter_count")
    if count:
        yield AssetClaim(asset, "parameters", str(count), place(file, None, "general.parameter_count", str(count)))
