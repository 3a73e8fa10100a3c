"""What a run of generation leaves behind besides its rows: who wrote them, from what, when, under whose terms.

    statement(run)           in-toto Statement v1 with a SLSA provenance v1 predicate (provenance.intoto.json)
    croissant(run, columns)  Croissant 1.1 metadata (croissant.json)

Formats: in-toto attestation spec v1 (Statement, ResourceDescriptor), SLSA provenance v1 (buildDefinition,
runDetails; fields of other makers carry a prefix), Croissant 1.1 (schema.org with recordSet). Pure: nothing is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caveat.runtime.origin import Origin

STATEMENT_FILE, CROISSANT_FILE = "provenance.intoto.json", "croissant.json"
STATEMENT, PREDICATE = "https://in-toto.io/Statement/v1", "https://slsa.dev/provenance/v1"
HOME = "https://github.com/caveat-dev/caveat"
BUILD_TYPE, BUILDER = f"{HOME}/generate/v1", f"{HOME}/cli"
#: Columns that every row carries, and those of --verifiable.
GENERATOR, RUN_ID, ROW_HASH, SEED = "generator", "run_id", "row_sha256", "seed"
#: Croissant's readers know the formats by these older names.
ENCODINGS = {".parquet": "application/x-parquet", ".jsonl": "application/jsonlines"}
MEDIA = {".parquet": "application/vnd.apache.parquet", ".jsonl": "application/jsonl", ".json": "application/json",
         ".md": "text/markdown"}


class OutFile(NamedTuple):
    """One file of the output: its name relative to the folder, digest, bytes, and rows (0: not a file of rows)."""

    name: str
    sha256: str
    bytes: int
    rows: int = 0


class Run(NamedTuple):
    """One run of generation, finished or not."""

    run_id: str
    origin: Origin
    engine: str
    version: str  # of the engine
    parameters: Mapping[str, Any]  # sampling settings as they were sent
    prompts: str  # SHA-256 of the prompts file
    started: str  # ISO 8601 with Z
    finished: str
    rows: int
    errors: int
    files: tuple[OutFile, ...] = ()
    purpose: str = ""
    verdict: str = ""  # of the purpose
    accepted: tuple[str, ...] = ()  # findings somebody lives with
    by: str = ""  # who ran it, as the project names itself
    prompts_name: str = ""
    caveat: str = ""  # version of Caveat
    verifiable: bool = False
    rows_sha256: str = ""  # of the rows in their order (row_scan.RowsDigest), with --verifiable


def statement(run: Run) -> dict[str, Any]:
    """The in-toto Statement v1 of a run: its files as subjects, how they came about as SLSA provenance."""
    return {
        "_type": STATEMENT,
        "subject": [_subject(f) for f in run.files],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": _definition(run), "runDetails": _details(run)},
    }


def _subject(f: OutFile) -> dict[str, Any]:
    told = {"bytes": f.bytes, **({"rows": f.rows} if f.rows else {})}
    return {"name": f.name, "digest": {"sha256": f.sha256}, "mediaType": media(f.name), "annotations": told}


def media(name: str) -> str:
    """The media type of a file by its ending."""
    return MEDIA.get(Path(name).suffix, "application/octet-stream")


def _definition(run: Run) -> dict[str, Any]:
    model: dict[str, Any] = {"name": "model", "uri": run.origin.purl}
    if run.origin.sha256:
        model["digest"] = {"sha256": run.origin.sha256}
    prompts: dict[str, Any] = {"name": run.prompts_name or "prompts"}
    if run.prompts:
        prompts["digest"] = {"sha256": run.prompts}
    return {
        "buildType": BUILD_TYPE,
        "externalParameters": {"model": run.origin.purl, "prompts": prompts, "parameters": dict(run.parameters),
                               "purpose": run.purpose},
        "internalParameters": {"engine": run.engine, "engineVersion": run.version, "verifiable": run.verifiable},
        "resolvedDependencies": [model, prompts],
    }


def _details(run: Run) -> dict[str, Any]:
    versions = {k: v for k, v in (("caveat", run.caveat), (run.engine, run.version)) if k and v}
    return {
        "builder": {"id": BUILDER, "version": versions},
        "metadata": {"invocationId": run.run_id, "startedOn": run.started, "finishedOn": run.finished},
        "caveat_run": {"generator": run.origin.purl, "origin": run.origin.to_dict(), "rows": run.rows,
                       "errors": run.errors, "by": run.by, "purpose": run.purpose, "verdict": run.verdict,
                       "accepted": list(run.accepted), "termsOn": run.origin.terms_on,
                       "laws": list(run.origin.laws),
                       **({"rowsSha256": run.rows_sha256} if run.rows_sha256 else {})},
    }


def text_of(value: Mapping[str, Any]) -> str:
    """Statement or metadata as it stands in its file."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


# Croissant.

#: Terms of the specification's context that are Croissant's own.
TERMS = (
    "annotation arrayShape citeAs column containedIn equivalentProperty excludes extract field fileProperty fileObject "
    "fileSet format includes isArray isLiveDataset jsonPath key md5 parentField recordSet references regex readLines "
    "sdVersion separator source subField transform unArchive value")
CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/", "prov": "http://www.w3.org/ns/prov#", "conformsTo": "dct:conformsTo",
    **{term: f"cr:{term}" for term in TERMS.split()},
    "data": {"@id": "cr:data", "@type": "@json"}, "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}
#: What a column is in the words of PROV-O: whoever reads the metadata sees which column attributes a row.
EQUIVALENT = {GENERATOR: "prov:wasAttributedTo", RUN_ID: "prov:wasGeneratedBy"}
ROWS_SET = "row-files"
CONFORMS = "http://mlcommons.org/croissant/1.1"


def croissant(run: Run, columns: Iterable[tuple[str, str]], *, name: str = "", licence: str = "", url: str = "",
              description: str = "", creator: str = "") -> dict[str, Any]:
    """Croissant 1.1 of the folder. `columns` are (name, schema.org type: "sc:Text", "sc:Integer", ...).

    `licence` (an address or SPDX id) and `url` are the asker's to give: nothing is invented where they are empty.
    """
    data = [f for f in run.files if f.rows]
    told: dict[str, Any] = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": CONFORMS, "name": name or f"run-{run.run_id}",
        "description": description or f"{run.rows} rows that {run.origin.name} wrote.",
        "datePublished": run.finished[:10], "version": "1.0.0", "license": licence, "url": url,
    }
    if creator or run.by:
        told["creator"] = {"@type": "sc:Organization", "name": creator or run.by}
    told = {k: v for k, v in told.items() if v}
    told["distribution"] = [*(_file(f) for f in data), *_file_sets(data)]
    told["recordSet"] = [_records(data, tuple(columns))] if data else []
    told["prov:wasGeneratedBy"] = _activity(run)
    told["prov:wasAttributedTo"] = {"@type": "prov:SoftwareAgent", "@id": run.origin.purl,
                                    "prov:label": run.origin.name}
    return told


def _file(f: OutFile) -> dict[str, Any]:
    return {"@type": "cr:FileObject", "@id": f.name, "name": Path(f.name).name, "contentUrl": f.name,
            "contentSize": f"{f.bytes} B", "encodingFormat": _encoding(f.name), "sha256": f.sha256}


def _encoding(name: str) -> str:
    return ENCODINGS.get(Path(name).suffix, media(name))


def _file_sets(files: list[OutFile]) -> list[dict[str, Any]]:
    """Several files of rows are one set, so that one record set speaks of all of them."""
    if len(files) < 2:
        return []
    suffix = Path(files[0].name).suffix
    return [{"@type": "cr:FileSet", "@id": ROWS_SET, "name": ROWS_SET, "encodingFormat": _encoding(files[0].name),
             "includes": f"{Path(files[0].name).parent.as_posix().removesuffix('.')}/*{suffix}".lstrip("/")}]


def _records(files: list[OutFile], columns: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    place = {"fileObject": {"@id": files[0].name}} if len(files) == 1 else {"fileSet": {"@id": ROWS_SET}}
    fields = [{"@type": "cr:Field", "@id": f"rows/{column}", "name": column, "dataType": kind,
               **({"equivalentProperty": EQUIVALENT[column]} if column in EQUIVALENT else {}),
               "source": {**place, "extract": {"column": column}}}
              for column, kind in columns]
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}


def _activity(run: Run) -> dict[str, Any]:
    return {"@type": "prov:Activity", "@id": f"urn:uuid:{run.run_id}" if len(run.run_id) == 36 else
            f"urn:caveat:run:{run.run_id}", "prov:label": "generation of text by a language model",
            "prov:startedAtTime": run.started, "prov:endedAtTime": run.finished,
            "prov:used": [{"@id": run.origin.purl},
                          *([{"@id": f"urn:sha256:{run.prompts}", "prov:label": "prompts"}] if run.prompts else [])]}
