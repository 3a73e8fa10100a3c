"""`caveat quantize`: the law is asked first, then the file is made, then what has to lie beside it is laid there.

    header, card -> origin -> verdict on the act and the purpose -> refused, or
        -> tensors -> header with licence and origin -> texts, NOTICE, card -> what is owed and what is met
"""

from __future__ import annotations

import mmap
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError, QuestionError, SettingsError
from caveat.evidence import caveat_toml, gguf, gguf_tensors
from caveat.evidence.imagine import YOU
from caveat.evidence.names import NameBook
from caveat.evidence.sentence import Plan, Question, Thing, read
from caveat.flows import handing_over, licence_copies, quantized_card
from caveat.flows.asking import answered, names
from caveat.flows.checking import check, check_evidence
from caveat.flows.handing_over import Handed, Put
from caveat.flows.licence_copies import Copy
from caveat.flows.origin import claims_of, file_digest, origin_of, own_claims
from caveat.flows.purpose import OriginBook
from caveat.flows.quantized_card import Making, tag_of
from caveat.law.shelf import shelf
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, Place, StepClaim
from caveat.runtime import quantize, quantize_engine
from caveat.runtime.origin import Origin
from caveat.runtime.perplexity import Perplexity, engine, perplexity, text_checked
from caveat.runtime.quantize import Tell, silent
from caveat.runtime.quantize_header import Layout, Value, checked
from caveat.runtime.quantize_types import (
    FILE_TYPES,
    NATIVE,
    OWN_RULES,
    Stored,
    Target,
    kind_numbered,
    named,
    targets,
)
from caveat.verdict.answer import Report, Verdict
from caveat.verdict.document import Document, heading, listed, table, text

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


class Made(NamedTuple):
    """What was made: files beside it, what is missing, the check of the folder afterwards, seconds, perplexities."""

    planned: Planned
    laid: tuple[Put, ...]
    handed: Handed
    reports: tuple[Report, ...]
    making: Making
    seconds: float


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
    copies = (*_given(order, handing), *beside)
    offered = offered or tuple(law for law in origin.laws if shelf().has(law)) or _catalogued_laws(origin)
    warnings = (*(p.replace("--named", "--base") for p in origin.problems), *_requantizing(layout, name))
    return Planned(order, name, layout, origin, verdict, handing, offered, copies, engine_, warnings)


def _places(order: Order) -> None:
    """Raises SettingsError for places where nothing can be read or written."""
    if order.source.is_dir() or not order.source.exists():
        raise EvidenceError(f"{order.source}: no such file; quantize takes one GGUF file (caveat convert makes one)")
    if order.out.is_dir() or not order.out.name.lower().endswith(".gguf"):
        raise SettingsError(f"-o {order.out}: name the file to write, ending in .gguf")
    if order.out.exists() and order.out.samefile(order.source):
        raise SettingsError(f"-o {order.out} is the input itself: it would be gone")
    if order.out.exists() and not order.replace:
        raise SettingsError(f"-o {order.out} is there already; --force writes over it")
    if not order.out.parent.is_dir():
        raise SettingsError(f"-o {order.out}: no folder {order.out.parent}")
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
    stored = tuple(Stored(t.name, t.dimensions, kind_numbered(t.kind, t.name), found.start + t.offset)
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


def _requantizing(layout: Layout, name: str) -> tuple[str, ...]:
    kinds = {t.kind.name for t in layout.tensors} - BLOCK_TYPES
    if not kinds or name in ("F32",):
        return ()
    return (f"the input is quantized already ({', '.join(sorted(kinds))}): quantizing again loses more than "
            "quantizing the original once",)


def _given(order: Order, handing: Verdict) -> tuple[Copy, ...]:
    if order.licence_from is None:
        return ()
    return licence_copies.given(order.licence_from, handing_over.laws_of(handing_over.owed(handing)))


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


# Making.


def made(plan: Planned, tell: Tell = silent, note: Callable[[str], None] = lambda line: None) -> Made:
    """Makes the file and lays beside it what goes along. Raises what `runtime/quantize.py` and the engines raise."""
    order, before = plan.order, None
    if order.text:
        note("perplexity before")
        before = perplexity(order.source, order.text, order.threads)
    begun = time.monotonic()
    changes = keys(plan)
    engine_name = _written(plan, changes, tell)
    seconds = time.monotonic() - begun
    after = None
    if order.text:
        note("perplexity after")
        after = perplexity(order.out, order.text, order.threads)
    making = _making(plan, engine_name, before, after)
    laid, handed = _laid(plan, making)
    reports = tuple(check(order.out.parent, asset=order.card or None))
    return Made(plan, laid, handed, reports, making, seconds)


def _written(plan: Planned, changes: Mapping[str, Value], tell: Tell) -> str:
    """The file, by what was chosen; gives the engine's name and version."""
    from importlib.metadata import version

    if plan.engine is None:
        quantize.quantize(plan.layout, plan.order.out, native_targets(plan), changes, tell)
        return f"caveat {version('caveat')} with gguf {version('gguf')}"
    with tempfile.TemporaryDirectory(dir=plan.order.out.parent, prefix=".caveat-") as folder:
        raw = Path(folder) / "made.gguf"
        again = bool(_requantizing(plan.layout, plan.name))
        told = plan.engine.run(quantize_engine.Job(plan.order.source, raw, plan.name, plan.order.threads,
                                                   plan.order.pure, plan.order.matrix, again))
        quantize.rewritten(layout_of(raw)[0], plan.order.out, changes)
    return f"{plan.engine.name} {told}"


def native_targets(plan: Planned) -> tuple[Target, ...]:
    experts = layout_of(plan.order.source)[1]
    kind = experts.word("general.architecture")
    count = experts.number(f"{kind}.expert_count") or 0
    return targets(plan.layout.tensors, plan.name, pure=plan.order.pure, experts=count)


def keys(plan: Planned) -> dict[str, Value]:
    """The pairs of the header that say whose it is: licence, origin, who quantized it, and how."""
    head = layout_of(plan.order.source)[1]
    laws = plan.offered
    origin, by = plan.origin, maker(plan.order)
    set_: dict[str, Value] = {"general.quantization_version": 2, "general.file_type": FILE_TYPES[plan.name]}
    if laws:
        set_ |= {"general.license": " AND ".join(tag_of(law) or shelf().law(law).spdx or law for law in laws),
                 "general.license.name": " + ".join(shelf().law(law).name for law in laws),
                 "general.license.link": shelf().law(laws[0]).source}
    if by:
        set_["general.quantized_by"] = by
    if "/" in origin.name:
        set_ |= _source_keys(origin)
        if not head.number("general.base_model.count"):
            set_ |= _base_keys(origin)
    return set_


def _source_keys(origin: Origin) -> dict[str, Value]:
    address = f"https://huggingface.co/{origin.name}"
    return {"general.source.url": address, "general.source.repo_url": address,
            "general.source.huggingface.repository": origin.name}


def _base_keys(origin: Origin) -> dict[str, Value]:
    owner, _, name = origin.name.rpartition("/")
    told: dict[str, Value] = {
        "general.base_model.count": 1, "general.base_model.0.name": name, "general.base_model.0.organization": owner,
        "general.base_model.0.repo_url": f"https://huggingface.co/{origin.name}"}
    return {**told, "general.base_model.0.version": origin.revision} if origin.revision else told


def maker(order: Order) -> str:
    """Who quantizes: as told, else [project].by of a caveat.toml here or beside the input or output."""
    if order.by:
        return order.by[:120]
    for folder in dict.fromkeys((order.out.parent, order.source.parent, Path())):
        file = folder / "caveat.toml"
        if file.is_file():
            return caveat_toml.read(file.read_bytes(), str(file), order.source.stem).you[:120]
    return order.card.partition("/")[0] if "/" in order.card else ""


# After.


def _making(plan: Planned, engine_name: str, before: Perplexity | None, after: Perplexity | None) -> Making:
    layout, order = layout_of(plan.order.out)[0], plan.order
    counts = Counter(t.kind.name for t in layout.tensors)
    kinds = Counter(t.kind.name for t in plan.layout.tensors)
    return Making(order.out, plan.name, title_of(order), maker(order), engine_name, date.today().isoformat(),
                  file_digest(order.out), file_digest(order.source), tuple(counts.most_common()),
                  ", ".join(f"{n} tensors {kind}" for kind, n in kinds.most_common()), before, after,
                  order.matrix.name if order.matrix else "")


def _laid(plan: Planned, making: Making) -> tuple[tuple[Put, ...], Handed]:
    """What goes along, written into the folder of the result."""
    owed = handing_over.owed(plan.handing)
    handed = handing_over.handed(owed, plan.copies, plan.order.notice)
    folder = plan.order.out.parent
    laid = handing_over.put(folder, handed.files)
    report = standing(plan, making)
    card = quantized_card.written(plan.origin, making, plan.offered, handed, laid, report)
    beside = handing_over.put(folder, [Put("README.md", card.encode(), "the card")])
    if beside[0].name != "README.md":
        told = f"README.md is there already and tells of something else: the card lies in {beside[0].name}"
        handed = handed._replace(missing=(*handed.missing, told))
    return (*laid, *beside), handed


def standing(plan: Planned, making: Making) -> Report:
    """The check of the result by its lineage alone: what one may do with it."""
    where, you = Place("declared", making.file.name, None, "quantize"), making.by or YOU
    subject = making.title
    claims = (*own_claims(plan.origin), AssetClaim(subject, "kind", "model", where),
              StepClaim(subject, "quantize", plan.origin.name, where, you),
              *([LicenceClaim(subject, plan.offered, where)] if plan.offered else []))
    return check_evidence(Evidence((subject,), claims, you=making.by), today=plan.origin.terms_on)[0]


def facts_of(made_: Made) -> dict[str, Any]:
    """What programs read of a run."""
    plan, making = made_.planned, made_.making
    return {
        "file": str(making.file), "type": making.name, "engine": making.engine, "sha256": making.made_sha256,
        "bytes": making.file.stat().st_size, "seconds": round(made_.seconds, 3), "origin": plan.origin.to_dict(),
        "beside": [{"file": p.name, "what": p.what} for p in made_.laid], "missing": list(made_.handed.missing),
        "duties": [{**d.cited.to_dict(), "state": d.state} for d in duties(made_.reports)],
        "perplexity": None if not making.before or not making.after else {
            "before": making.before._asdict(), "after": making.after._asdict(),
            "ratio": making.after.value / making.before.value},
        "verdict": plan.verdict.to_dict(),
    }


def duties(reports: Iterable[Report]) -> list[Any]:
    """What is owed when the folder is handed over, with its state after the files were laid."""
    found = {d.cited: d for r in reports for f in r.findings if f.about == "offered" for d in f.duties if not d.whose}
    return list(found.values())



def page(made_: Made) -> Document:
    """What was made, what lies beside it, what is owed and met."""
    making, plan = made_.making, made_.planned
    size, was = making.file.stat().st_size, plan.order.source.stat().st_size
    rows = [text(f"{making.file}: {making.name}, {size:,} bytes ({size / was:.0%} of the input), "
                 f"{made_.seconds:.1f} s, by {making.engine}")]
    if making.before and making.after:
        rows.append(text(f"perplexity {making.before.value:.4f} ± {making.before.error:.4f} before, "
                         f"{making.after.value:.4f} ± {making.after.error:.4f} after: "
                         f"× {making.after.value / making.before.value:.4f} ({making.after.scored} tokens scored)"))
    rows += [heading("Beside it"), listed([f"{p.name}: {p.what}" for p in made_.laid])]
    owed = [(d.state, f"{d.cited.licence} §{d.cited.clause} {d.cited.rule}",
             ("" if d.state == "met" else d.how) + if_(d.owed)) for d in duties(made_.reports)]
    if owed:
        rows += [heading("Owed when it is handed over"), table(("state", "duty", "what would meet it"), owed)]
    if made_.handed.missing:
        rows += [heading("Missing"), listed(made_.handed.missing)]
    return Document(f"{making.name} of {plan.origin.name}", tuple(rows), facts_of(made_))


def if_(owed: str) -> str:
    """Under which reading or fact something is owed; "" where always."""
    return "" if owed == "always" else f" (owed if {owed})"
