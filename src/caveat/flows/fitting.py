"""`caveat fit`: will it fit, at which quantization, with how much context; from headers and configurations alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from caveat.errors import EvidenceError, SettingsError
from caveat.flows.weighing import Subject, weighed
from caveat.runtime import memory, mixes, published
from caveat.runtime.published import Quality
from caveat.runtime.shape import Shape, Unknown
from caveat.verdict.document import Document, Part, heading, listed, table, text

CONTEXTS = (4096, 8192, 32768, 131072)
MOST_CONTEXT = 1 << 24
GIB = 1 << 30


class Choice(NamedTuple):
    """One quantization: bytes of weights, what each context needs, and how long a context the GPU holds (tokens)."""

    name: str
    weights: int
    bits: float
    needs: tuple[memory.Need, ...]
    longest: int = 0
    ratio: float = 0.0


class Fit(NamedTuple):
    """The answer as a page, and whether anything fits what was asked (True where no GPU was named)."""

    page: Document
    fits: bool


def fit(model: str, gpu: int = 0, context: int = 0, kind: str = "f16") -> Fit:
    """What `model` (a file, a folder or a known name) needs. `gpu` in bytes and `context` in tokens, 0: not asked.

    Raises SettingsError for a name nobody knows or a context no model has, EvidenceError for what cannot be read.
    """
    if not 0 <= context <= MOST_CONTEXT or gpu < 0:
        raise SettingsError(f"--context wants 1 to {MOST_CONTEXT} tokens, --gpu a size")
    one = weighed(model)
    if isinstance(one.shape, Unknown):
        return Fit(_unknown(one, one.shape, gpu), not gpu or one.stored <= gpu)
    contexts = _contexts(one.shape, context)
    quality = published.quality(one.known)
    choices = tuple(sorted(_choices(one, one.shape, contexts, gpu, kind, quality),
                           key=lambda c: (c.name != one.held, -c.weights)))
    asked = contexts.index(context or contexts[0])
    fits = not gpu or any(c.needs[asked].total() <= gpu for c in choices)
    return Fit(_page(one, one.shape, choices, contexts, asked, gpu, kind, quality), fits)


def _contexts(shape: Shape, asked: int) -> tuple[int, ...]:
    """The contexts of the table, in tokens: usual ones up to the longest that was trained, and the one asked for."""
    usual = {n for n in CONTEXTS if n < shape.context} | {shape.context}
    return tuple(sorted({*sorted(usual)[:4], *((asked,) if asked else ())}))


def _choices(one: Subject, shape: Shape, contexts: tuple[int, ...], gpu: int, kind: str,
             quality: Quality) -> Iterator[Choice]:
    numbers = max(mixes.elements(one.tensors), 1)
    weights = {name: mixes.weight(one.tensors, name, shape) for name in mixes.MIXES}
    for name, size in {**({one.held: one.stored} if one.stored else {}), **weights}.items():
        needs = tuple(memory.need(shape, size, n, kind) for n in contexts)
        longest = memory.longest(shape, size, gpu, kind) if gpu else 0
        yield Choice(name, size, size * 8 / numbers, needs, longest, quality.ratio.get(name, 0.0))


# -- the page -----------------------------------------------------------------------------------------------------
def _page(one: Subject, shape: Shape, choices: tuple[Choice, ...], contexts: tuple[int, ...], asked: int, gpu: int,
          kind: str, quality: Quality) -> Document:
    parts = [text(_said(shape, one)), *_verdict(choices, contexts[asked], asked, gpu),
             heading(f"Memory by context, in GiB (weights, cache in {kind}, buffers)"),
             _table(choices, contexts, asked, gpu, bool(quality.ratio)),
             *_notes(one, quality, gpu, max(contexts) > shape.context), *_told(one)]
    return Document(f"{one.title}: what fits", tuple(parts), _data(one, choices, contexts, asked, gpu, kind, quality))


def _said(s: Shape, one: Subject) -> str:
    heads = f"{s.heads} heads over {s.kv_heads} keys" if s.grouped() > 1 else f"{s.heads} heads"
    numbers = mixes.elements(one.tensors)
    return (f"{s.architecture}, {numbers / 1e9:.2f} billion numbers: {s.layers} layers, width {s.width}, {heads}, "
            f"vocabulary {s.vocabulary:,}, trained for {s.context:,} tokens.")


def _verdict(choices: tuple[Choice, ...], context: int, asked: int, gpu: int) -> list[Part]:
    if not gpu:
        return []
    fitting = [c for c in choices if c.needs[asked].total() <= gpu]
    if not fitting:
        least = min(choices, key=lambda c: c.weights)
        return [text(f"✗ Nothing fits in {_gib(gpu)} GiB with {context:,} tokens: {least.name} needs "
                     f"{_gib(least.needs[asked].total())} GiB.")]
    best = max(fitting, key=lambda c: c.weights)
    easy = [c for c in fitting if _state(c, asked, gpu) == "fits"]
    calm = max(easy, key=lambda c: c.weights) if easy else best
    said = f"✓ {best.name} and smaller fit in {_gib(gpu)} GiB with {context:,} tokens"
    return [text(said + (f"; {calm.name} leaves a GiB free." if calm != best else "."))]


def _state(choice: Choice, asked: int, gpu: int) -> str:
    total = choice.needs[asked].total()
    return "fits" if total + memory.MARGIN <= gpu else "tight" if total <= gpu else "no"


def _table(choices: tuple[Choice, ...], contexts: tuple[int, ...], asked: int, gpu: int, measured: bool) -> Part:
    head = ("type", "weights", "bits", *(f"{n:,}" for n in contexts), *(("fits", "longest context") if gpu else ()),
            *(("perplexity",) if measured else ()))
    return table(head, [_row(c, asked, gpu, measured) for c in choices])


def _row(c: Choice, asked: int, gpu: int, measured: bool) -> tuple[str, ...]:
    room = (_state(c, asked, gpu), f"{c.longest:,}" if c.longest else "-") if gpu else ()
    loss = ((f"+{(c.ratio - 1) * 100:.2f} %" if c.ratio else "-",) if measured else ())
    return (c.name, _gib(c.weights), f"{c.bits:.2f}", *(_gib(n.total()) for n in c.needs), *room, *loss)


def _notes(one: Subject, quality: Quality, gpu: int, beyond: bool) -> list[Part]:
    notes = ["Buffers are those of a batch of 512 tokens with flash attention. A driver takes a few hundred MiB more."]
    notes += ["tight: less than a GiB stays free, which llama.cpp's own automatic fit would not allow."] if gpu else []
    notes += ["The context asked for is longer than any it was trained on."] if beyond else []
    notes += [f"Perplexity of {one.known} against its unquantized self: {quality.source} ({quality.what})."] \
        if quality.ratio else []
    notes += [f"Shape: {one.source}"] if one.source else []
    if one.size:
        notes.append(f"File: {one.size:,} bytes; by its header it should have {one.on_disk:,}.")
    return [heading("Notes"), listed(notes)]


def _told(one: Subject) -> list[Part]:
    """Problems: where, what, and what was done instead."""
    if not one.problems:
        return []
    return [heading("Problems"), listed(f"{p.file}: {p.what}{'; ' + p.instead if p.instead else ''}"
                                        for p in one.problems)]


def _unknown(one: Subject, why: Unknown, gpu: int) -> Document:
    """What can be said of an architecture that is not known: what lies there weighs so much, and no more."""
    if not one.stored:
        raise EvidenceError(f"{one.title}: {why.why}")
    parts = [text(f"Weights as they lie there: {_gib(one.stored)} GiB{_room(one.stored, gpu)}."),
             text(f"{why.why[:1].upper() + why.why[1:]}. Cache, buffers and other quantizations are not told."),
             *_told(one)]
    data = {**_head(one), "unknown": why.why, "weights": one.stored}
    return Document(f"{one.title}: what fits", tuple(parts), data)


def _room(weights: int, gpu: int) -> str:
    if not gpu:
        return ""
    return f", {'within' if weights <= gpu else 'more than'} {_gib(gpu)} GiB before cache and buffers"


def _gib(n: int) -> str:
    return f"{n / GIB:.2f}"


# -- for programs -------------------------------------------------------------------------------------------------
def _head(one: Subject) -> dict[str, Any]:
    return {"model": one.title, "file_bytes": one.size or None, "expected_bytes": one.on_disk or None,
            "source": one.source or None, "problems": [p._asdict() for p in one.problems]}


def _data(one: Subject, choices: tuple[Choice, ...], contexts: tuple[int, ...], asked: int, gpu: int, kind: str,
          quality: Quality) -> dict[str, Any]:
    shape = one.shape._asdict() if isinstance(one.shape, Shape) else {}
    rows = [{"type": c.name, "weights": c.weights, "bits": round(c.bits, 3),
             "needs": {str(n): {**need._asdict(), "total": need.total()} for n, need in zip(contexts, c.needs)},
             "fits": _state(c, asked, gpu) if gpu else None, "longest_context": c.longest if gpu else None,
             "perplexity_ratio": round(c.ratio, 6) or None} for c in choices]
    return {**_head(one), "shape": shape, "cache_type": kind, "gpu": gpu or None, "context": contexts[asked],
            "quality_source": quality.source or None, "quantizations": rows}
