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
                       "laws": list(run.origin.laws)},
    }


def text_of(value: Mapping[str, Any]) -> str:
    """Statement or metadata as it stands in its file."""
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


# Croissant.

CONTEXT: dict[str, Any] = {
    "@language": "en", "@vocab": "https://schema.org/", "citeAs": "cr:citeAs", "column": "cr:column",
    "conformsTo": "dct:conformsTo", "cr": "http://mlcommons.org/croissant/", "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"}, "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/", "examples": {"@id": "cr:examples", "@type": "@json"}, "extract": "cr:extract",
    "field": "cr:field", "fileProperty": "cr:fileProperty", "fileObject": "cr:fileObject", "fileSet": "cr:fileSet",
    "format": "cr:format", "includes": "cr:includes", "isLiveDataset": "cr:isLiveDataset", "jsonPath": "cr:jsonPath",
    "key": "cr:key", "md5": "cr:md5", "parentField": "cr:parentField", "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#", "recordSet": "cr:recordSet", "references": "cr:references",
    "regex": "cr:regex", "repeated": "cr:repeated", "replace": "cr:replace", "sc": "https://schema.org/",
    "separator": "cr:separator", "source": "cr:source", "subField": "cr:subField", "transform": "cr:transform",
}
CONFORMS = "http://mlcommons.org/croissant/1.1"


def croissant(run: Run, columns: Iterable[tuple[str, str]], *, name: str = "", licence: str = "",
              description: str = "") -> dict[str, Any]:
    """Croissant 1.1 of the folder. `columns` are (name, schema.org type: "sc:Text", "sc:Integer", ...)."""
    data = [f for f in run.files if f.rows]
    told: dict[str, Any] = {
        "@context": CONTEXT, "@type": "sc:Dataset", "conformsTo": CONFORMS, "name": name or run.run_id,
        "description": description or f"Rows written by {run.origin.name}.", "datePublished": run.finished[:10],
        "version": "1.0.0",
    }
    if licence:
        told["license"] = licence
    told["distribution"] = [_distribution(f) for f in data]
    told["recordSet"] = [_records(data, tuple(columns))] if data else []
    told["prov:wasGeneratedBy"] = _activity(run)
    return told


def _distribution(f: OutFile) -> dict[str, Any]:
    return {"@type": "cr:FileObject", "@id": f.name, "name": Path(f.name).name, "contentUrl": f.name,
            "contentSize": f"{f.bytes} B", "encodingFormat": media(f.name), "sha256": f.sha256}


def _records(files: list[OutFile], columns: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    first = files[0].name
    fields = [{"@type": "cr:Field", "@id": f"rows/{column}", "name": column, "dataType": kind,
               "source": {"fileObject": {"@id": first}, "extract": {"column": column}}} for column, kind in columns]
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}


def _activity(run: Run) -> dict[str, Any]:
    return {"@type": "prov:Activity", "@id": f"urn:caveat:run:{run.run_id}", "prov:startedAtTime": run.started,
            "prov:endedAtTime": run.finished, "prov:used": {"@id": run.origin.purl},
            "prov:wasAssociatedWith": {"@id": run.origin.purl}}
