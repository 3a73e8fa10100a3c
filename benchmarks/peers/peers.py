"""Every tool of the comparison: how it is installed, the command its own page gives, and how its output is read.

A reading turns raw output into statements; it adds no judgement. A tool that names a model without a file is taken to
speak of every folder that names that model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from marks import Said

#: Where weight-audit wants to be told the models, one a line with the label that is known.
MANIFEST = "weight-audit-models.txt"
LISTED = (
    "mistralai/Mistral-7B-v0.1,apache-2.0", "meta-llama/Llama-2-13b-chat-hf", "meta-llama/Llama-2-7b-hf",
    "meta-llama/Llama-2-70b-chat-hf", "meta-llama/Meta-Llama-3-8B-Instruct", "Sao10K/L3-8B-Stheno-v3.2,cc-by-nc-4.0",
    "microsoft/phi-2,mit",
)
Reading = Callable[[str, Path], Iterator[Said]]


class Peer(NamedTuple):
    """A package, its own command on the folder (`{files}` and `{folders}` are filled in), and the reading.

    `python` is the version it needs; `also` is what must be installed beside it for it to start; `out` the file it
    writes, if not standard output; `laid` a file of its own that it wants in the folder; `note` goes into the table.
    """

    package: str
    command: tuple[str, ...]
    reading: Reading
    python: str = ""
    also: tuple[str, ...] = ()
    out: str = ""
    note: str = ""
    laid: tuple[str, str] = ("", "")

    @property
    def name(self) -> str:
        """The package, told apart from the same one without its own list."""
        return f"{self.package}, told the models" if self.laid[0] else self.package


def folders_naming(name: str, demo: Path, *suffixes: str) -> list[str]:
    """Folders with a file (of these kinds) that names it."""
    files = sorted(p for p in demo.rglob("*") if p.is_file() and (not suffixes or p.suffix in suffixes))
    return list(dict.fromkeys(p.relative_to(demo).parts[0] for p in files
                              if p.parent != demo and name in p.read_text("utf-8", "replace")))


def _folder(path: str) -> str:
    return path.removeprefix("./").removeprefix("demo/").split("/")[0]


def caveat(raw: str, demo: Path) -> Iterator[Said]:
    """Findings that are not permitted, and duties that are not met; what one may do later is no claim here."""
    for line in raw.splitlines():
        answer = json.loads(line)
        for f in answer["findings"]:
            rules = "; ".join(f"{r['licence']} §{r['clause']} {r['gist']}" for r in f["rules"])
            text = f"{f['act']} {f['asset']}: {f['licence']} {rules} {f['note']}"
            if f["verdict"] == "unknown":
                yield Said(answer["subject"], "unknown", text)
            elif f["verdict"] in ("prohibited", "depends"):
                yield Said(answer["subject"], "problem", text)
            for d in f["duties"]:
                if d["state"] != "met":
                    text = f"owed: {d['licence']} §{d['clause']} {d.get('gist', '')} {d['rule']}"
                    yield Said(answer["subject"], "problem" if d["state"] == "unmet" else "unknown", text)


def weight_audit(raw: str, demo: Path) -> Iterator[Said]:
    for row in json.loads(raw):
        suffixes = () if (demo / MANIFEST).exists() else (".py",)
        for folder in folders_naming(row["model_id"], demo, *suffixes):
            claim = "problem" if row["violates_policy"] else "note"
            yield Said(folder, claim, f"{row['model_id']}: {row['license_id']}: {row['obligation']}")


def lint(raw: str, demo: Path) -> Iterator[Said]:
    file = ""
    for line in raw.splitlines():
        if found := re.match(r"\s+\d+\s+(?:warn|error)\s+(.*)", line):
            yield Said(_folder(file), "problem", found[1])
        elif line.strip() and not line.startswith(" "):
            file = line.strip()


def lading(raw: str, demo: Path) -> Iterator[Said]:
    for row in json.loads(raw[raw.index("\n[") if not raw.startswith("[") else 0:]):
        claim = {"unknown": "unknown", "pass": "note", "info": "note"}.get(row["verdict"], "problem")
        for e in row["evidence"][:1]:
            yield Said(_folder(e["source_uri"]), claim, f"{row['title']}: {row['detail_md']}")


def lcc(raw: str, demo: Path) -> Iterator[Said]:
    answer = json.loads(raw)
    for f in answer["findings"]:
        c, licence = f["component"], f["resolved_license"]
        name = f"{c['namespace']}/{c['name']}" if c["namespace"] else c["name"]
        where = [_folder(c["path"])] if c["type"] == "generic" and c["path"] else folders_naming(name, demo)
        if c["type"] != "python":
            for folder in where:
                claim = "note" if licence not in (None, "UNKNOWN") else "unknown"
                yield Said(folder, claim, f"license of {name} is {licence}; {name} is {licence}")
    issues = answer["summary"].get("context", {}).get("compatibility", {}).get("issues", ())
    for issue in issues:
        if issue["issue_type"] != "unknown_license":
            for folder in folders_naming(issue["components"][0], demo):
                yield Said(folder, "problem", issue["description"])


def components(raw: str, demo: Path) -> Iterator[Said]:
    """A bill of materials: what is there, and licences if it gives any."""
    for c in json.loads(raw).get("components", ()):
        if c.get("licenses"):
            for folder in folders_naming(c["name"], demo):
                yield Said(folder, "note", f"license of {c['name']} is {json.dumps(c['licenses'])}")


def inspector(raw: str, demo: Path) -> Iterator[Said]:
    answer = json.loads(raw[raw.index("{"):])
    for part in ("models", "dependencies"):
        for row in answer.get(part, ()):
            name = str(row.get("id") or row.get("name"))
            for issue in row.get("issues", ()):
                text = f"{name}: {json.dumps(issue)}"
                if re.search(r"licen[cs]e", text, re.IGNORECASE):
                    claim = "unknown" if re.search(r"unknown|missing|no licen", text, re.IGNORECASE) else "problem"
                    yield from (Said(f, claim, text) for f in folders_naming(name, demo))


def scancode(raw: str, demo: Path) -> Iterator[Said]:
    for f in json.loads(raw)["files"]:
        if f.get("detected_license_expression"):
            yield Said(_folder(f["path"]), "note", f"{f['path']} holds {f['detected_license_expression']}")


PEERS = (
    Peer("weight-audit", ("weight-audit", "scan", ".", "--json"), weight_audit,
         note="reads Python files; of other files it must be told the models"),
    Peer("weight-audit", ("weight-audit", "scan", ".", "--json"), weight_audit,
         note="the same with a list of the seven models, written by hand", laid=(MANIFEST, "\n".join(LISTED) + "\n")),
    Peer("readystack-ai-model-license-lint", ("ai-model-license-lint", "{files}"), lint,
         note="file by file; the sweep over a folder is paid for"),
    Peer("foretop-lading", ("lading", "scan", ".", "--format", "json"), lading, python="3.12",
         note="needs the network for every licence"),
    Peer("license-compliance-checker",
         ("lcc", "scan", ".", "--offline", "--recursive", "--project-license", "Apache-2.0", "--check-compatibility",
          "--format", "json", "--output", "{out}"), lcc,
         out="lcc.json", note="takes a model's licence from files that lie around; asks the network otherwise"),
    Peer("aisbom-cli", ("aisbom", "scan", ".", "--offline", "--output", "{out}"), components, out="aisbom.json",
         note="reads weight files; there are none here"),
    Peer("ai-bom", ("ai-bom", "scan", ".", "--deep", "--no-telemetry", "--quiet", "--format", "json"), components,
         note="an inventory: gives no licences"),
    Peer("aibom-inspector", ("aibom", "scan", "--format", "json", "--local-only"), inspector,
         note="an inventory with risk marks"),
    Peer("scancode-toolkit", ("scancode", "--license", "--json-pp", "{out}", "."), scancode, also=("pluggy<1.6",),
         out="scancode.json", note="recognises texts; judges nothing. Starts only with pluggy older than 1.6"),
)
