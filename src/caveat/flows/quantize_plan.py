"""What `caveat quantize` is going to do, and whether it may: all of it from headers, cards and texts.

    header, card -> origin -> verdict on the act and the purpose; texts that lie beside it; the engine that can make it
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError, QuestionError, SettingsError
from caveat.evidence import caveat_toml, gguf, gguf_tensors
from caveat.evidence.names import NameBook
from caveat.evidence.sentence import Plan, Question, Thing, read
from caveat.flows import handing_over, licence_copies
from caveat.flows.asking import answered, names
from caveat.flows.licence_copies import Copy
from caveat.flows.origin import claims_of, origin_of
from caveat.flows.places import output_checked
from caveat.flows.purpose import OriginBook
from caveat.law.shelf import shelf
from caveat.lineage.claims import LicenceClaim
from caveat.runtime import quantize_engine
from caveat.runtime.origin import Origin
from caveat.runtime.perplexity import engine, text_checked
from caveat.runtime.quantize_header import Layout, checked
from caveat.runtime.quantize_types import NATIVE, OWN_RULES, Stored, kind_numbered, named
from caveat.verdict.answer import Verdict

ITS = {"its output": "output of it", "its answers": "answers of it", "its outputs": "outputs of it"}
LONGEST = 500
BLOCK_TYPES = frozenset({"F32", "F16", "BF16"})


class Order(NamedTuple):
    """What is asked for."""

    source: Path
    out: Path
    kind: str
    purpose: str = ""
    base: str = ""  # OWNER/NAME of what the source is
    card: str = ""  # OWNER/NAME under which the result is published
    by: str = ""
    licence_from: Path | None = None
    notice: tuple[str, ...] = ()
    engine: str = ""
    matrix: Path | None = None
    text: Path | None = None  # for the perplexity
    threads: int = 1
    pure: bool = False
    replace: bool = False
    facts: Mapping[str, str] | None = None
    readings: Mapping[str, str] | None = None


class Planned(NamedTuple):
    """What will be done, and the verdict on it; nothing was read but headers and texts."""

    order: Order
    name: str
    layout: Layout
    origin: Origin
    verdict: Verdict  # on the act, and on the purpose where one was told
    handing: Verdict  # on handing it over
    offered: tuple[str, ...]
    copies: tuple[Copy, ...]
    engine: quantize_engine.Engine | None  # none: made here
    warnings: tuple[str, ...] = ()


# Before.


def planned(order: Order) -> Planned:
    """Everything that can be known before the weights are read.

    Raises SettingsError for a name, place or purpose that is none, EvidenceError for a header that lies, EngineError
    where nothing here can make it.
    """
    name = named(order.kind)
    _places(order)
    layout, head = layout_of(order.source)
    engine_ = _engine(order, name, layout, head)
    origin = origin_of(str(order.source), named=order.base, digest=False)
    beside = licence_copies.beside(order.source)
    verdict, offered = asked(origin, order, order.purpose or ("ship" if order.card else ""))
    came = any(c.notice for c in beside)
    handing, _ = asked(origin, order, "ship it", came)
    copies = (*handing_over.given(order.licence_from, handing), *beside)
    offered = offered or tuple(law for law in origin.laws if shelf().has(law)) or _catalogued_laws(origin)
    warnings = (*(p.replace("--named", "--base") for p in origin.problems), *requantizing(layout, name))
    return Planned(order, name, layout, origin, verdict, handing, offered, copies, engine_, warnings)


def _places(order: Order) -> None:
    """Raises SettingsError for places where nothing can be read or written."""
    if order.source.is_dir() or not order.source.exists():
        raise EvidenceError(f"{order.source}: no such file; quantize takes one GGUF file (caveat convert makes one)")
    if order.out.is_file() and order.out.samefile(order.source):
        raise SettingsError(f"-o {order.out} is the input itself: it would be gone")
    output_checked(order.out, order.replace, order.card)
    if not 1 <= order.threads <= 1024:
        raise SettingsError(f"--threads wants 1 to 1024, not {order.threads}")
    if order.text is not None:
        text_checked(order.text)
        engine()


def layout_of(path: Path) -> tuple[Layout, gguf.Header]:
    """Where everything lies in a GGUF file, and its keys. Raises EvidenceError for what cannot be believed."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            head, cursor = gguf.walk(data, path.name)
            found = gguf_tensors.of_bytes(data, path.name)
    except (OSError, ValueError) as fault:
        raise EvidenceError(f"{path}: {getattr(fault, 'strerror', None) or fault}") from None
    if (found.problems and not found.tensors) or cursor is None:
        raise EvidenceError("; ".join(f"{p.file}: {p.what}" for p in found.problems or head.problems)
                            or f"{path}: not a GGUF file")
    if head.version == 1 or cursor.order == ">":
        raise EvidenceError(f"{path}: GGUF version {head.version}{', big endian' if cursor.order == '>' else ''}: "
                            "only little-endian files of version 2 and 3 are quantized")
    if gguf_tensors.PART.match(path.name) or (head.number("split.count") or 0) > 1:
        raise EvidenceError(f"{path}: one piece of several; join them first (llama-gguf-split --merge)")
    stored = tuple(Stored(t.name, t.dimensions, kind_numbered(t.kind, t.name, path), found.start + t.offset)
                   for t in found.tensors)
    return checked(Layout(path, tuple(cursor.spans), stored, found.alignment, found.size)), head


def _engine(order: Order, name: str, layout: Layout, head: gguf.Header) -> quantize_engine.Engine | None:
    """The engine for this file; none where it is made here. Raises EngineError where nothing can make it."""
    kind = head.word("general.architecture")
    here = name in NATIVE and kind not in OWN_RULES and order.matrix is None
    if order.engine == "gguf" or (here and not order.engine):
        if not here:
            raise SettingsError(f"--engine gguf makes {', '.join(NATIVE)} without --imatrix, and no {kind or 'such'} "
                                "model that has rules of its own")
        return None
    job = quantize_engine.Job(order.source, order.out, name, order.threads, order.pure, order.matrix)
    quantize_engine.checked(job)
    return quantize_engine.chosen(order.engine)


def requantizing(layout: Layout, name: str) -> tuple[str, ...]:
    kinds = {t.kind.name for t in layout.tensors} - BLOCK_TYPES
    if not kinds or name in ("F32",):
        return ()
    return (f"the input is quantized already ({', '.join(sorted(kinds))}): quantizing again loses more than "
            "quantizing the original once",)


def _catalogued_laws(origin: Origin) -> tuple[str, ...]:
    """The terms of the origin as its claims tell them."""
    said = [c for c in claims_of(origin) if isinstance(c, LicenceClaim) and c.asset == origin.name]
    laws = dict.fromkeys(law for c in said for law in c.laws)
    return tuple(law for law in laws if shelf().has(law) and law not in ("unknown", "web"))


def asked(origin: Origin, order: Order, purpose: str, notice: bool = False) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict on quantizing it and then doing what the purpose says, and the licences it is offered under.

    Raises SettingsError for a purpose that is not understood.
    """
    book = names()
    making = Plan("quantize", "quantize", 0, (Thing("name", 0, origin.name),))
    then = _understood(purpose, book) if purpose else None
    plans = tuple(p._replace(named=p.named or title_of(order)) if p.act in ("ship", "sell", "serve") else p
                  for p in (then.plans if then else ()))
    facts = {**(order.facts or {}), **({"notice-file": "yes"} if notice else {})}
    question = Question(purpose or "quantize", (making, *plans), then.facts if then else ())
    told = OriginBook(book, origin.name, tuple(claims_of(origin)), False)
    offered = next((p.offered.choices[0] for p in plans if p.offered), ())
    try:
        return answered(question, told, facts=facts, readings=order.readings, today=origin.terms_on), offered
    except QuestionError as fault:
        raise SettingsError(f"--purpose {purpose!r}: {fault}") from None


def _understood(purpose: str, book: NameBook) -> Question:
    try:
        return read(_completed(purpose), book.licence, book.licence_words, book.known)
    except QuestionError as fault:
        raise SettingsError(f"--purpose {purpose!r}: {fault}") from None


def _completed(purpose: str) -> str:
    """An act alone is done to what was quantized: "ship as mit" is "ship it as mit". Raises SettingsError."""
    words = purpose.strip().rstrip("?.!")
    if not words or len(words) > LONGEST:
        raise SettingsError(f"--purpose wants some words ('ship as apache-2.0', 'serve'), at most {LONGEST} letters")
    for said, meant in ITS.items():
        words = words.replace(said, meant)
    first, _, rest = words.partition(" ")
    follows = rest.split(" ", 1)[0].lower()
    if not rest or follows in ("as", "where", "and", "then", "under", "named", "commercially", "internally"):
        return f"{first} it {rest}".strip()
    return words


def title_of(order: Order) -> str:
    """The name under which the result goes out: that of its card, else that of its file without the quantization."""
    return order.card or order.out.stem


def maker(order: Order) -> str:
    """Who quantizes: as told, else [project].by of a caveat.toml here or beside the input or output."""
    if order.by:
        return order.by[:120]
    for folder in dict.fromkeys((order.out.parent, order.source.parent, Path())):
        file = folder / "caveat.toml"
        if file.is_file():
            return caveat_toml.read(file.read_bytes(), str(file), order.source.stem).you[:120]
    return order.card.partition("/")[0] if "/" in order.card else ""
