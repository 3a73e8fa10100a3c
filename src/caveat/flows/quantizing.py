"""`caveat quantize`: the law is asked first, then the file is made, then what has to lie beside it is laid there.

    a plan that may be carried out (quantize_plan.py) -> tensors -> header with licence and origin
        -> texts, NOTICE, card -> what is owed and what is met
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import SettingsError
from caveat.flows import beside
from caveat.flows.beside import Laid, Papers
from caveat.flows.origin import file_digest
from caveat.flows.quantize_plan import Planned, layout_of, maker, requantizing, title_of
from caveat.flows.quantized_card import Making, tag_of
from caveat.law.shelf import shelf
from caveat.runtime import quantize, quantize_engine
from caveat.runtime.origin import Origin
from caveat.runtime.perplexity import Perplexity, perplexity
from caveat.runtime.quantize import Tell, silent
from caveat.runtime.quantize_header import Value
from caveat.runtime.quantize_types import FILE_TYPES, Target, targets
from caveat.verdict.document import Document, text


class Made(NamedTuple):
    """What was made, what lies beside it, and in how many seconds."""

    planned: Planned
    laid: Laid
    making: Making
    seconds: float


def made(plan: Planned, tell: Tell = silent, note: Callable[[str], None] = lambda line: None) -> Made:
    """Makes the file and lays beside it what goes along. Raises what `runtime/quantize.py` and the engines raise."""
    order, before = plan.order, None
    if order.text:
        note("perplexity before")
        before = perplexity(order.source, order.text, order.threads)
    begun = time.monotonic()
    engine_name = _written(plan, keys(plan), tell)
    seconds = time.monotonic() - begun
    try:
        return _beside(plan, engine_name, seconds, before, note)
    except BaseException:
        note(f"{order.out} is whole, yet not all that goes along lies beside it: run it again with --force")
        raise


def _beside(plan: Planned, engine_name: str, seconds: float, before: Perplexity | None,
            note: Callable[[str], None]) -> Made:
    """What follows once the file is whole."""
    order, after = plan.order, None
    if order.text:
        note("perplexity after")
        after = perplexity(order.out, order.text, order.threads)
    making = _making(plan, engine_name, before, after)
    papers = Papers(plan.origin, plan.offered, plan.handing, plan.copies, order.notice, order.card)
    return Made(plan, beside.laid(papers, making), making, seconds)


def _written(plan: Planned, changes: Mapping[str, Value], tell: Tell) -> str:
    """The file, by what was chosen; gives the engine's name and version."""
    if plan.engine is None:
        wanted = native_targets(plan)
        _room(plan.order.out, quantize.size_of(plan.layout, wanted))
        quantize.quantize(plan.layout, plan.order.out, wanted, changes, tell)
        return f"caveat {version('caveat')} with gguf {version('gguf')}"
    with _workplace(plan.order.out) as raw:
        again = bool(requantizing(plan.layout, plan.name))
        told = plan.engine.run(quantize_engine.Job(plan.order.source, raw, plan.name, plan.order.threads,
                                                   plan.order.pure, plan.order.matrix, again))
        quantize.rewritten(layout_of(raw)[0], plan.order.out, changes)
    return f"{plan.engine.name} {told}"


@contextmanager
def _workplace(out: Path) -> Iterator[Path]:
    """Where an engine writes: on the same disk as the result, and gone afterwards. Raises SettingsError."""
    try:
        folder = tempfile.TemporaryDirectory(dir=out.parent, prefix=".caveat-")
    except OSError as fault:
        raise SettingsError(f"cannot write {out}: {fault.strerror}") from None
    with folder as name:
        yield Path(name) / "made.gguf"


def _room(out: Path, size: int) -> None:
    """Raises SettingsError where the disk has less room than the result takes, before an hour of work is lost."""
    free = shutil.disk_usage(out.parent).free
    if free < size:
        raise SettingsError(f"cannot write {out}: it takes {size:,} bytes, and {free:,} are free there")


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


# After.


def _making(plan: Planned, engine_name: str, before: Perplexity | None, after: Perplexity | None) -> Making:
    layout, order = layout_of(plan.order.out)[0], plan.order
    counts = Counter(t.kind.name for t in layout.tensors)
    kinds = Counter(t.kind.name for t in plan.layout.tensors)
    return Making(order.out, plan.name, title_of(order), maker(order), engine_name, date.today().isoformat(),
                  file_digest(order.out), file_digest(order.source), tuple(counts.most_common()),
                  ", ".join(f"{n} tensors {kind}" for kind, n in kinds.most_common()), before, after,
                  order.matrix.name if order.matrix else "")


def facts_of(made_: Made) -> dict[str, Any]:
    """What programs read of a run."""
    plan, making = made_.planned, made_.making
    return {
        "file": str(making.file), "type": making.name, "engine": making.engine, "sha256": making.made_sha256,
        "bytes": making.file.stat().st_size, "seconds": round(made_.seconds, 3), "origin": plan.origin.to_dict(),
        "beside": [{"file": p.name, "what": p.what} for p in made_.laid.files],
        "missing": list(made_.laid.handed.missing),
        "duties": [{**d.cited.to_dict(), "state": d.state} for d in beside.duties(made_.laid.reports)],
        "perplexity": None if not making.before or not making.after else {
            "before": making.before._asdict(), "after": making.after._asdict(),
            "ratio": making.after.value / making.before.value},
        "verdict": plan.verdict.to_dict(),
    }


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
    rows += beside.parts(made_.laid, making.file.parent)
    return Document(f"{making.name} of {plan.origin.name}", tuple(rows), facts_of(made_))
