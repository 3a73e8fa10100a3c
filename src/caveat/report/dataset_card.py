"""The card of rows that a model wrote: whose output it is, what that allows, and under which licence, if any.

The front matter has the hub's own keys, and one of ours: `caveat`, a list of {generator, run_id, by}, from which the
card alone tells a reader who wrote the rows.
"""

from __future__ import annotations

from typing import NamedTuple

from caveat.report import words
from caveat.report.escape import for_code, for_markdown
from caveat.report.model_card import card, front, may_section
from caveat.verdict.answer import Report

#: Rows up to -> the hub's size category.
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
         (10_000_000, "1M<n<10M"), (100_000_000, "10M<n<100M"))
UNSAID = ("No licence is stated for these rows. Whoever runs a model may own little of what it writes, and a "
          "label cannot lift what the model's own terms ask; whoever publishes them chooses one (`--licence`).")
CHOSEN = "The publisher chose this label. It covers what is theirs to give; the generator's terms come on top."
BOUND = {
    "prohibited": "The generator's terms bind what it writes: training another model on these rows is refused.",
    "depends": "Whether the generator's terms let these rows train another model is open; the table says on what.",
    "conditional": "The generator's terms follow what is made with these rows; the table says what is owed.",
    "unknown": "The generator's terms are not known, so nothing can be said about training on these rows.",
    "permitted": "The generator's terms put no limit on training other models with these rows.",
}


class Written(NamedTuple):
    """Everything a card says, as plain values."""

    title: str
    model: str
    kind: str  # model | service
    purl: str
    laws: tuple[str, ...]
    terms_on: str
    run_id: str
    by: str
    rows: int
    errors: int
    started: str
    finished: str
    engine: str
    parameters: tuple[tuple[str, str], ...]
    purpose: str
    verdict: str
    accepted: tuple[str, ...]
    files: tuple[str, ...]
    tag: str  # of the licence of the rows; "" = unsaid
    licence_name: str  # where the tag is "other"
    training: str  # verdict on training another model
    report: Report
    extra: dict[str, object]  # further front matter


def written(w: Written) -> str:
    """The whole card."""
    sections = (("Whose output this is", _whose(w)), ("What you may do with it", may_section(w.report)),
                ("Licence", _licence(w)), ("How it was made", _made(w)), ("Provenance", _provenance(w)))
    return card(front(_front(w)), w.title, sections)


def _front(w: Written) -> dict[str, object]:
    run = {"generator": w.purl, "run_id": w.run_id, "by": w.by}
    globs = sorted({_glob(name) for name in w.files})
    return {
        "license": w.tag, "license_name": w.licence_name if w.tag == "other" else "", "pretty_name": w.title,
        "tags": ["synthetic", "caveat"], "size_categories": [size_of(w.rows)], "source_datasets": ["original"],
        "language_creators": ["machine-generated"], "task_categories": ["text-generation"],
        "configs": [{"config_name": "default", "data_files": globs}] if globs else [], "caveat": [run], **w.extra,
    }


def _glob(name: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/*.{file.rpartition('.')[2]}" if folder else name


def size_of(rows: int) -> str:
    """The hub's size category of a number of rows."""
    return next((name for most, name in SIZES if rows < most), "n>100M")


def _whose(w: Written) -> str:
    day = f" as of {for_markdown(w.terms_on)}" if w.terms_on else ""
    laws = " and ".join(map(for_code, w.laws)) or "terms that are not known"
    by = f" for {for_markdown(w.by)}" if w.by else ""
    return (f"Every row was written by the language {w.kind} {for_code(w.model)}{by}, under {laws}{day}. "
            f"{BOUND[w.training]}")


def _licence(w: Written) -> str:
    if not w.tag:
        return UNSAID
    return f"{for_code(w.licence_name or w.tag)}. {CHOSEN}"


def _made(w: Written) -> str:
    told = (("model", for_code(w.purl)), ("engine", for_markdown(w.engine)), ("run", for_code(w.run_id)),
            ("started", for_markdown(w.started)), ("finished", for_markdown(w.finished)), ("rows", str(w.rows)),
            ("rows that failed", str(w.errors)), ("purpose declared", _purpose(w)),
            ("findings accepted", ", ".join(map(for_code, w.accepted))),
            *((for_markdown(k), for_code(v, 120)) for k, v in w.parameters))
    return "\n".join(("| | |", "| --- | --- |", *(f"| {k} | {v} |" for k, v in told if v)))


def _purpose(w: Written) -> str:
    return f"{for_markdown(w.purpose)}: {words.sign(w.verdict)}" if w.purpose and w.verdict else for_markdown(w.purpose)


def _provenance(w: Written) -> str:
    return ("The columns `generator` (a package address) and `run_id` say of every row who wrote it. "
            "`provenance.intoto.json` names every file with its digest; `caveat verify .` holds rows, files and "
            "statement together, and `caveat check .` says what they allow.")
