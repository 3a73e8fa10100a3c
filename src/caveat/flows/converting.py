"""`caveat convert`: the law is asked first, then a checkpoint folder becomes one GGUF file that says whose it is.

    config, card -> origin -> verdict on converting it -> refused, or -> tensors under a header with licence and source
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EvidenceError, SettingsError
from caveat.evidence import caveat_toml
from caveat.evidence.sentence import Plan as Doing
from caveat.evidence.sentence import Question, Thing, read
from caveat.flows.asking import answered, names
from caveat.flows.handing_over import owed
from caveat.flows.origin import claims_of, origin_of
from caveat.flows.purpose import OriginBook
from caveat.flows.quantize_plan import layout_of
from caveat.law.shelf import shelf
from caveat.lineage.claims import Acceptance, LicenceClaim
from caveat.runtime.convert import converting, external
from caveat.runtime.convert.model import FAMILIES, architecture, model_of
from caveat.runtime.convert.tensors import TYPES
from caveat.runtime.origin import Origin
from caveat.runtime.quantize import Tell, rewritten, silent
from caveat.runtime.quantize_header import Value
from caveat.verdict.answer import Duty, Verdict
from caveat.verdict.document import Document, heading, listed, table, text


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


class Made(NamedTuple):
    """What was made, in how many seconds."""

    planned: Planned
    seconds: float


def planned(order: Order) -> Planned:
    """Everything that can be known before the weights are read.

    Raises SettingsError for places and types that are none, EvidenceError for folders that lie.
    """
    _places(order)
    origin = origin_of(str(order.folder), named=order.base, digest=False)
    accepted = _acceptances(order)
    verdict = _with(_asked(origin, order, ""), accepted)
    handing = _with(_asked(origin, order, "ship it"), accepted)
    plan = None if order.converter else converting.plan(order.folder, order.kind, order.way)
    return Planned(order, origin, verdict, handing, _laws(origin), plan)


def _places(order: Order) -> None:
    if not order.folder.is_dir():
        raise EvidenceError(f"{order.folder}: no such folder; caveat convert takes a checkpoint folder")
    if order.kind not in TYPES:
        raise SettingsError(f"--type wants {', '.join(TYPES)}, not {order.kind!r}")
    if order.out.is_dir() or not order.out.name.lower().endswith(".gguf"):
        raise SettingsError(f"-o {order.out}: name the file to write, ending in .gguf")
    if order.out.exists() and not order.replace:
        raise SettingsError(f"-o {order.out} is there already; --force writes over it")
    if not order.out.parent.is_dir():
        raise SettingsError(f"-o {order.out}: no folder {order.out.parent}")
    if not order.converter and architecture(order.folder) not in FAMILIES:
        model_of(order.folder)  # raises, and says what to do


def _asked(origin: Origin, order: Order, then: str) -> Verdict:
    """The verdict on converting it, and on handing the result over."""
    book, making = names(), Doing("convert", "convert", 0, (Thing("name", 0, origin.name),))
    more = read(then, book.licence, book.licence_words, book.known).plans if then else ()
    question = Question(then or "convert", (making, *(p._replace(named=order.out.stem) for p in more)), ())
    told = OriginBook(book, origin.name, tuple(claims_of(origin)), False)
    return answered(question, told, facts=order.facts, readings=order.readings, today=origin.terms_on)


def _acceptances(order: Order) -> dict[str, Acceptance]:
    """Findings that a caveat.toml here, in the folder or beside the output accepts today."""
    found: dict[str, Acceptance] = {}
    for folder in dict.fromkeys((Path(), order.out.parent, order.folder)):
        file = folder / "caveat.toml"
        if file.is_file() and file.stat().st_size <= 1 << 20:
            for a in caveat_toml.read(file.read_bytes(), str(file), order.folder.name).acceptances:
                if a.until >= date.today():
                    found.setdefault(a.finding, a)
    return found


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


def made(plan: Planned, tell: Tell = silent) -> Made:
    """Makes the file. Raises what `runtime/convert/` raises; nothing half-written is left."""
    begun, order = time.monotonic(), plan.order
    if plan.plan:
        converting.convert(plan.plan, order.out, about(plan), plan.origin.name.rpartition("/")[2], tell)
    else:
        _by_converter(plan)
    return Made(plan, time.monotonic() - begun)


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
            "duties": [{**d.cited.to_dict()} for d in duties(plan)]}


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
    due = [f"{d.cited.licence} §{d.cited.clause}: {d.cited.gist}" for d in duties(plan)]
    if due:
        rows += [heading("Owed when it is handed over"), listed(due)]
    return Document(f"GGUF of {plan.origin.name}", tuple(rows), facts_of(done))
