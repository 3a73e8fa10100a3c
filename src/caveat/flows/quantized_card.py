"""The card beside a quantized or converted model: its origin, its making, its terms, and what one may do with it.

Written from the origin and the verdict, so that the label, the credit and the lines a licence asks for are there before
anybody can forget them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from caveat.flows.handing_over import MARK, Handed, Put
from caveat.law.shelf import shelf
from caveat.report.escape import for_code, for_markdown
from caveat.report.model_card import card, front, lineage_section, may_section
from caveat.runtime.origin import Origin
from caveat.runtime.perplexity import Perplexity
from caveat.runtime.quantize_types import name_of
from caveat.verdict.answer import Report

MOST_FILES = 100
#: Act -> its word on the card (a tag too), and what it did to the model.
DONE = {"quantize": ("quantized", "the weights were changed, nothing was trained"),
        "convert": ("converted", "the form was changed, nothing was trained")}
#: What the hub calls the relation; it has no word for a conversion, whose tag tells it.
RELATIONS = {"quantize": "quantized"}


class Making(NamedTuple):
    """How the file was made."""

    file: Path
    name: str  # Q4_K_M
    title: str  # what the work is called
    by: str
    engine: str
    day: str
    made_sha256: str
    source_sha256: str
    counts: tuple[tuple[str, int], ...]  # type -> tensors
    source_types: str
    before: Perplexity | None = None
    after: Perplexity | None = None
    matrix: str = ""
    act: str = "quantize"  # or convert


def tag_of(law: str) -> str:
    """The hub's tag of a licence; "" where it has none."""
    return next((tag for tag, row in shelf().tags().items() if row["law"] == law), "")


def written(origin: Origin, making: Making, laws: tuple[str, ...], handed: Handed, laid: tuple[Put, ...],
            report: Report) -> str:
    """The card as text."""
    sections = (
        ("What this is", _what(origin, making)),
        ("Files", _files(making.file)),
        ("Terms", _terms(laws, handed, laid)),
        ("What you may do with it", may_section(report)),
        ("How it was made", _how(origin, making)),
        ("Lineage", lineage_section(report)),
    )
    body = card(front(_front(origin, making, laws)), making.title, sections)
    return body.rstrip("\n") + f"\n\n{MARK}\n"


def _front(origin: Origin, making: Making, laws: tuple[str, ...]) -> dict[str, object]:
    tags = [tag_of(law) for law in laws]
    other = [law for law in laws if not tag_of(law)]
    label: object = (tags[0] if len(tags) == 1 else tags) if laws and not other else "other" if laws else ""
    known = "/" in origin.name
    return {
        "license": label, "license_name": " AND ".join(laws) if other else "",
        "license_link": shelf().law(laws[0]).source if laws else "",
        "base_model": origin.name if known else "",
        "base_model_relation": RELATIONS.get(making.act, "") if known else "",
        "quantized_by": making.by if making.act == "quantize" else "",
        "model_name": making.title, "library_name": "gguf",
        "tags": ["gguf", DONE[making.act][0], making.name.lower()],
    }


def _what(origin: Origin, making: Making) -> str:
    base = for_markdown(origin.name)
    where = f"[{base}](https://huggingface.co/{origin.name})" if "/" in origin.name else base
    done, what = DONE[making.act]
    return (f"{where}, {done} to {'GGUF, ' if making.act == 'convert' else ''}{making.name}: {what}."
            + (f" Made by {for_markdown(making.by)} on {making.day}." if making.by else f" Made on {making.day}."))


def _files(made: Path) -> str:
    from caveat.evidence.gguf import header

    rows = []
    for path in sorted(made.parent.glob("*.gguf"))[:MOST_FILES]:
        kind = name_of(header(path, path.name).number("general.file_type"))
        rows.append(f"| {for_code(path.name)} | {kind} | {path.stat().st_size:,} |")
    return "\n".join(("| file | type | bytes |", "| --- | --- | ---: |", *rows))


def _terms(laws: tuple[str, ...], handed: Handed, laid: tuple[Put, ...]) -> str:
    return "\n".join(_terms_lines(laws, handed, laid))


def _terms_lines(laws: tuple[str, ...], handed: Handed, laid: tuple[Put, ...]) -> Iterator[str]:
    for line in handed.lines:
        yield from (f"**{for_markdown(line)}**", "")
    if not laws:
        yield "Nobody here knows the terms of what it was made from. Unknown is not permission."
    for law in laws:
        known = shelf().law(law)
        yield f"- licence: [{for_markdown(known.name)}]({known.source})"
    yield from (f"- [{for_markdown(p.name)}]({p.name}): {for_markdown(p.what)}" for p in laid)
    notice = next((p for p in laid if p.name.startswith("NOTICE")), None)
    if notice:
        quoted = [f"> {for_markdown(row)}" if row.strip() else ">"
                  for row in notice.data.decode("utf-8", "replace").strip().splitlines()[:40]]
        yield from ("", *quoted)
    if handed.missing:
        yield from ("", "Still missing:", "", *(f"- {for_markdown(m)}" for m in handed.missing))


def _how(origin: Origin, making: Making) -> str:
    rows = [("from", f"{origin.name} ({making.source_types})"), ("sha256 of the source", making.source_sha256),
            ("to", f"{making.name}: {', '.join(f'{n} tensors {kind}' for kind, n in making.counts)}"),
            ("sha256", making.made_sha256), ("engine", making.engine),
            ("importance matrix", making.matrix), ("perplexity", _perplexity(making))]
    return "\n".join(("| | |", "| --- | --- |", *(f"| {k} | {for_markdown(v)} |" for k, v in rows if v)))


def _perplexity(making: Making) -> str:
    a, b = making.before, making.after
    if not a or not b:
        return ""
    return (f"{b.value:.4f} ± {b.error:.4f}, before {a.value:.4f} ± {a.error:.4f}: × {b.value / a.value:.4f} "
            f"({b.scored} tokens scored, {b.engine})")
