"""Folders of runs as `caveat generate` leaves them, without a model: the real writer, real papers, invented answers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from caveat.flows.origin import origin_of
from caveat.flows.papers import papers
from caveat.runtime.journal import PROMPT
from caveat.runtime.origin import Origin
from caveat.runtime.provenance import Run
from caveat.runtime.row_scan import RowsDigest
from caveat.runtime.rows import Form, finished, write

RUN = "0b1f7a52-5d0e-4c43-9d6f-3a2a7f1f6c11"
DAY = "2026-11-24"
LLAMA_2, LLAMA_3_1, SMOL = "meta-llama/Llama-2-7b-chat-hf", "meta-llama/Llama-3.1-8B-Instruct", \
    "HuggingFaceTB/SmolLM2-135M-Instruct"


def origin(model: str, **asked: str) -> Origin:
    """The origin of a name; what has no owner is asked at the address of a service."""
    return origin_of(model, on=DAY, **({} if "/" in model or asked else {"url": "https://api.example.com/v1"}), **asked)


def run_folder(folder: Path, model: str | Origin, *, rows: int = 6, form: str = "parquet", verifiable: bool = False,
               run_id: str = RUN, by: str = "", licence: str = "") -> Run:
    """A finished run in `folder`; its rows are numbered from 0, as generated ones are."""
    whose = model if isinstance(model, Origin) else origin(model)
    told = Form(form, whose.purl, run_id, verifiable, PROMPT)
    digest = RowsDigest()
    fields = ({"id": str(n), "prompt": f"Question {n}?", "response": f"Answer {n}.", "finish_reason": "stop",
               "prompt_tokens": 3, "completion_tokens": 2, "seed": n} for n in range(rows))
    folder.mkdir(parents=True)
    files = write(digest.of(finished(f, told) for f in fields), folder, told)
    run = Run(run_id, whose, "test", "1", {"temperature": 0.7}, "ab" * 32, f"{DAY}T20:00:00Z", f"{DAY}T20:10:00Z",
              rows, 0, files, by=by, prompts_name="prompts.jsonl", caveat="0", verifiable=verifiable,
              rows_sha256=digest.hex() if verifiable else "")
    for name, text in papers(run, told.columns(), licence=licence).items():
        (folder / name).write_text(text, "utf-8")
    return run


def table(folder: Path) -> pa.Table:
    """All rows of a folder, with plain text columns, as other tools read them."""
    parts = [pq.read_table(f) for f in sorted(folder.glob("data/*.parquet"))]
    whole = pa.concat_tables([p.cast(plain(p.schema)) for p in parts])
    return whole.replace_schema_metadata(None)


def plain(schema: pa.Schema) -> pa.Schema:
    """The schema without dictionaries."""
    return pa.schema([(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type) for f in schema])


# What people do to a folder of rows. Each takes the folder and gives the one that is left.


def as_made(folder: Path) -> Path:
    return folder


def renamed(folder: Path) -> Path:
    """To the name of a well-known data set that some other model wrote."""
    return folder.rename(folder.with_name("openorca"))


def rewritten(folder: Path) -> Path:
    """Other row groups, compression and order of columns, no dictionary, no statistics; the papers stay."""
    rows = table(folder)
    pq.write_table(rows.select(rows.column_names[::-1]), next(folder.glob("data/*.parquet")), row_group_size=4,
                   compression="gzip", use_dictionary=False, write_statistics=False)
    return folder


def pushed(folder: Path) -> Path:
    """What a push to a hub leaves: the card, and rows under the hub's own name."""
    rows = table(folder)
    shutil.rmtree(folder / "data")
    (folder / "data").mkdir()
    pq.write_table(rows, folder / "data" / "train-00000-of-00001.parquet", compression="snappy")
    for name in ("provenance.intoto.json", "croissant.json"):
        (folder / name).unlink()
    return folder


def stripped(folder: Path) -> Path:
    """Nothing but rows."""
    only = pushed(folder)
    (only / "README.md").unlink()
    return only


def one_file(folder: Path) -> Path:
    """Nothing but rows, beside no folder `data`."""
    only = stripped(folder)
    next(only.glob("data/*.parquet")).rename(only / "mine.parquet")
    (only / "data").rmdir()
    return only


def card_alone(folder: Path) -> Path:
    shutil.rmtree(folder / "data")
    (folder / "provenance.intoto.json").unlink()
    return folder


def statement_alone(folder: Path) -> Path:
    shutil.rmtree(folder / "data")
    (folder / "README.md").unlink()
    return folder


def as_lines(folder: Path) -> Path:
    """Parquet to JSON lines, as pandas and datasets write them (a backslash before each slash), without papers."""
    import json

    rows = table(folder).to_pylist()
    only = stripped(folder)
    next(only.glob("data/*.parquet")).unlink()
    (only / "data" / "rows.jsonl").write_text("".join(json.dumps(r).replace("/", "\\/") + "\n" for r in rows))
    return only


CHANGES: tuple[Callable[[Path], Path], ...] = (
    as_made, renamed, rewritten, pushed, stripped, one_file, card_alone, statement_alone, as_lines)


def recipe(folder: Path, data: str, base: str = "tiiuae/falcon-7b") -> Path:
    """A recipe of axolotl that trains on a folder."""
    file = folder / "recipe.yml"
    file.write_text(f"base_model: {base}\ndatasets:\n  - path: {data}\n    type: alpaca\n"
                    "output_dir: ./out/falcon-taught\n")
    return file


def told(report: Any, act: str) -> str:
    """The verdict on one row of "what you may do with it"."""
    return next(str(m.verdict) for m in report.may if m.act == act)
