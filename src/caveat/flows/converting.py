"""`caveat convert`: the law is asked first, then a checkpoint folder becomes one GGUF file that says whose it is.

    config, card -> origin -> verdict on converting it -> refused, or -> tensors under a header with licence and source
        -> texts, NOTICE, card beside it -> what is owed and what is met
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError, SettingsError
from caveat.evidence import caveat_toml
from caveat.evidence.sentence import Plan as Doing
from caveat.evidence.sentence import Question, Thing, read
from caveat.flows import beside, handing_over, licence_copies
from caveat.flows.asking import answered, names
from caveat.flows.beside import Laid, Papers
from caveat.flows.handing_over import owed
from caveat.flows.licence_copies import Copy
from caveat.flows.origin import claims_of, file_digest, origin_of
from caveat.flows.places import output_checked
from caveat.flows.purpose import OriginBook
from caveat.flows.quantize_plan import layout_of
from caveat.flows.quantized_card import Making
from caveat.law.shelf import shelf
from caveat.lineage.claims import Acceptance, Evidence, LicenceClaim
from caveat.runtime.convert import converting, external
from caveat.runtime.convert.model import FAMILIES, architecture, model_of
from caveat.runtime.convert.tensors import TYPES
from caveat.runtime.origin import Origin
from caveat.runtime.quantize import Tell, rewritten, silent
from caveat.runtime.quantize_header import Value
from caveat.runtime.quantize_types import name_of
from caveat.verdict.answer import Duty, Verdict
from caveat.verdict.document import Document, Part, heading, listed, table, text


class Order(NamedTuple):
    """What is asked for."""

    folder: Path
    out: Path
    kind: str = "auto"
    base: str = ""  # OWNER/NAME of what lies in the folder
    converter: Path | None = None  # the user's convert_hf_to_gguf.py
    python: str = ""  # that runs it
    way: str = ""  # of the pre-tokenizer
    replace: bool = False
    card: str = ""  # OWNER/NAME under which the result is published
    licence_from: Path | None = None
    notice: tuple[str, ...] = ()
    papers: bool = True  # lay beside it what goes along
    facts: Mapping[str, str] | None = None
    readings: Mapping[str, str] | None = None


class Planned(NamedTuple):
    """What will be done, and the verdicts on it; no weights were read. `plan` is None where a converter does it."""

    order: Order
    origin: Origin
    verdict: Verdict
    handing: Verdict  # on handing the result over
    laws: tuple[str, ...]
    plan: converting.Plan | None
    copies: tuple[Copy, ...] = ()
    by: str = ""


class Made(NamedTuple):
    """What was made, what was laid beside it (None: nothing was wanted), in how many seconds."""

    planned: Planned
    seconds: float
    laid: Laid | None = None


def planned(order: Order) -> Planned:
    """Everything that can be known before the weights are read.

    Raises SettingsError for places and types that are none, EvidenceError for folders that lie.
    """
    _places(order)
    origin = origin_of(str(order.folder), named=order.base, digest=False)
    said, beside_ = _said(order), licence_copies.beside(order.folder)
    accepted, came = _acceptances(said), any(c.notice for c in beside_)
    handing = _with(_asked(origin, order, "ship it", came), accepted)
    verdict = handing if order.card else _with(_asked(origin, order, ""), accepted)
    plan = None if order.converter else converting.plan(order.folder, order.kind, order.way)
    by = next((s.you for s in said if s.you), order.card.partition("/")[0])
    copies = (*handing_over.given(order.licence_from, handing), *beside_)
    return Planned(order, origin, verdict, handing, _laws(origin), plan, copies, by)


def _places(order: Order) -> None:
    if not order.folder.is_dir():
        raise EvidenceError(f"{order.folder}: no such folder; caveat convert takes a checkpoint folder")
    if order.kind not in TYPES:
        raise SettingsError(f"--type wants {', '.join(TYPES)}, not {order.kind!r}")
    output_checked(order.out, order.replace, order.card)
    if not order.converter and architecture(order.folder) not in FAMILIES:
        model_of(order.folder)  # raises, and says what to do


def _asked(origin: Origin, order: Order, then: str, notice: bool = False) -> Verdict:
    """The verdict on converting it, and on handing the result over."""
    book, making = names(), Doing("convert", "convert", 0, (Thing("name", 0, origin.name),))
    more = read(then, book.licence, book.licence_words, book.known).plans if then else ()
    question = Question(then or "convert", (making, *(p._replace(named=title_of(order)) for p in more)), ())
    told = OriginBook(book, origin.name, tuple(claims_of(origin)), False)
    facts = {**(order.facts or {}), **({"notice-file": "yes"} if notice else {})}
    return answered(question, told, facts=facts, readings=order.readings, today=origin.terms_on)


def _said(order: Order) -> list[Evidence]:
    """What a caveat.toml here, in the folder or beside the output says."""
    files = (folder / "caveat.toml" for folder in dict.fromkeys((Path(), order.out.parent, order.folder)))
    return [caveat_toml.read(f.read_bytes(), str(f), order.folder.name) for f in files
            if f.is_file() and f.stat().st_size <= caveat_toml.LIMIT]


def _acceptances(said: Iterable[Evidence]) -> dict[str, Acceptance]:
    """Findings that are accepted today; of two acceptances of one finding the nearer counts."""
    living = [a for s in said for a in s.acceptances if a.until >= date.today()]
    return {a.finding: a for a in reversed(living)}


def _with(verdict: Verdict, accepted: Mapping[str, Acceptance]) -> Verdict:
    return verdict._replace(findings=tuple(
        f._replace(accepted=accepted[f.id]) if f.id in accepted else f for f in verdict.findings))


def _laws(origin: Origin) -> tuple[str, ...]:
    said = (*origin.laws, *(law for c in claims_of(origin) if isinstance(c, LicenceClaim) and c.asset == origin.name
                            for law in c.laws))
    return tuple(law for law in dict.fromkeys(said) if shelf().has(law) and law not in ("unknown", "web"))


def about(plan: Planned) -> dict[str, Value]:
    """Pairs of the header that say whose it is: terms, where it came from, what that was made from."""
    said: dict[str, Value] = {}
    if plan.laws:
        tags = {row["law"]: tag for tag, row in reversed(list(shelf().tags().items()))}
        first = shelf().law(plan.laws[0])
        said |= {"general.license": " AND ".join(tags.get(law) or shelf().law(law).spdx or law for law in plan.laws),
                 "general.license.name": " + ".join(shelf().law(law).name for law in plan.laws),
                 "general.license.link": first.source}
    if "/" in plan.origin.name:
        address = f"https://huggingface.co/{plan.origin.name}"
        said |= {"general.source.url": address, "general.source.repo_url": address,
                 "general.source.huggingface.repository": plan.origin.name}
    bases = [b for b in plan.origin.base if b != plan.origin.name][:16]
    if bases:
        said["general.base_model.count"] = len(bases)
    for n, base in enumerate(bases):
        said |= _base(n, base)
    return said


def _base(n: int, base: str) -> dict[str, Value]:
    owner, _, name = base.rpartition("/")
    key = f"general.base_model.{n}"
    return {f"{key}.name": name, **({f"{key}.organization": owner, f"{key}.repo_url":
                                     f"https://huggingface.co/{base}"} if owner else {})}


def title_of(order: Order) -> str:
    """The name under which the result goes out: that of its card, else that of its file."""
    return order.card or order.out.stem


def made(plan: Planned, tell: Tell = silent, note: Callable[[str], None] = lambda line: None) -> Made:
    """Makes the file and lays beside it what goes along. Raises what `runtime/convert/` raises; nothing half-written
    is left."""
    begun, order = time.monotonic(), plan.order
    if plan.plan:
        converting.convert(plan.plan, order.out, about(plan), plan.origin.name.rpartition("/")[2], tell)
    else:
        _by_converter(plan)
    seconds = time.monotonic() - begun
    if not order.papers:
        return Made(plan, seconds)
    papers = Papers(plan.origin, plan.laws, plan.handing, plan.copies, order.notice, order.card)
    try:
        return Made(plan, seconds, beside.laid(papers, _making(plan)))
    except BaseException:
        note(f"{order.out} is whole, yet not all that goes along lies beside it: run it again with --force")
        raise


def _making(plan: Planned) -> Making:
    """How the file was made, read from itself."""
    order = plan.order
    layout, head = layout_of(order.out)
    counts = Counter(t.kind.name for t in layout.tensors)
    kind = name_of(head.number("general.file_type")) or counts.most_common(1)[0][0]
    engine = order.converter.name if order.converter else f"caveat {version('caveat')}"
    return Making(order.out, kind, title_of(order), plan.by, engine, date.today().isoformat(), file_digest(order.out),
                  "", tuple(counts.most_common()), "a checkpoint folder", act="convert")


def _by_converter(plan: Planned) -> None:
    """By the user's own converter, into a folder of its own; then the pairs that say whose it is."""
    order = plan.order
    with tempfile.TemporaryDirectory(dir=order.out.parent, prefix=".caveat-") as folder:
        raw = Path(folder) / "made.gguf"
        assert order.converter
        external.converted(order.converter, order.python or sys.executable, order.folder, raw, order.kind)
        rewritten(layout_of(raw)[0], order.out, about(plan))


def duties(plan: Planned) -> list[Duty]:
    """What is owed when the file is handed over, each once."""
    return list(dict.fromkeys(o.duty for o in owed(plan.handing)))


def facts_of(done: Made) -> dict[str, Any]:
    """What programs read of a run."""
    plan, p = done.planned, done.planned.plan
    size = plan.order.out.stat().st_size
    return {"file": str(plan.order.out), "type": p.kind.lower() if p else plan.order.kind, "bytes": size,
            "seconds": round(done.seconds, 3), "tensors": len(p.pieces) if p else None,
            "tokenizer": {"model": p.words.sort, "pre": p.words.way} if p else None,
            "converter": None if p else str(plan.order.converter), "origin": plan.origin.to_dict(),
            "header": about(plan), "verdict": plan.verdict.to_dict(),
            "beside": [{"file": f.name, "what": f.what} for f in done.laid.files] if done.laid else [],
            "missing": list(done.laid.handed.missing) if done.laid else [],
            "duties": _duties(done)}


def _duties(done: Made) -> list[dict[str, Any]]:
    """What is owed, with its state where the folder was checked."""
    if done.laid and done.laid.reports:
        return [{**d.cited.to_dict(), "state": d.state} for d in beside.duties(done.laid.reports)]
    return [d.cited.to_dict() for d in duties(done.planned)]


def page(done: Made) -> Document:
    """What was made, what its header says, and what is owed in short."""
    plan, p, size = done.planned, done.planned.plan, done.planned.order.out.stat().st_size
    by = (f"{len(p.pieces)} tensors, {p.kind}, tokens {p.words.sort}/{p.words.way}" if p
          else f"by {plan.order.converter}")
    speed = size / max(1e-3, done.seconds) / 1e6
    rows = [text(f"{plan.order.out}: {size:,} bytes, {by}, {done.seconds:.1f} s ({math.ceil(speed)} MB/s)")]
    said = [(k, str(v)) for k, v in about(plan).items()]
    if said:
        rows += [heading("In its header"), table(("key", "value"), said)]
    rows += _accepted(plan.verdict)
    if done.laid:
        rows += beside.parts(done.laid, plan.order.out.parent)
        return Document(f"GGUF of {plan.origin.name}", tuple(rows), facts_of(done))
    due = [f"{d.cited.licence} §{d.cited.clause}: {d.cited.gist}" for d in duties(plan)]
    if due:
        rows += [heading("Owed when it is handed over"), listed(due)]
    return Document(f"GGUF of {plan.origin.name}", tuple(rows), facts_of(done))


def _accepted(verdict: Verdict) -> list[Part]:
    """What somebody lives with: who, why, and until when."""
    said = [f"{f.verdict}, accepted by {a.owner} until {a.until.isoformat()}: {a.why} ({f.id})"
            for f in verdict.findings if (a := f.accepted)]
    return [heading("Accepted"), listed(said)] if said else []
