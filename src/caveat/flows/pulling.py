"""`caveat check --pull`: a repository judged before its weights move, from words alone.

What is read, nearest first: the small text files in the local cache, or (only if asked) on the hub; and what the
catalogue knows. The report says which of these it was, because less was seen than a whole folder shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from caveat.errors import EvidenceError
from caveat.evidence import gather, hub_cache
from caveat.evidence.hub_cache import is_repo
from caveat.flows.asking import names
from caveat.flows.checking import check_evidence
from caveat.lineage.claims import AssetClaim, Evidence, Place, Problem, UseClaim
from caveat.verdict.answer import Report


def pull(repo: str, *, online: bool = False, facts: Mapping[str, str] | None = None,
         readings: Mapping[str, str] | None = None, presume: bool = True, today: str = "",
         policy: Evidence | None = None) -> list[Report]:
    """A report on a repository id: how it was made and is offered, and whether you may run it.

    Raises EvidenceError for what is no repository id, or if the hub was to be asked and does not answer.
    """
    if not is_repo(repo) or "/" not in repo:
        raise EvidenceError(f"--pull wants repository ids (owner/name), not {repo!r}; a folder is checked without it")
    seen, words = _seen(repo, online)
    asked = Evidence((), (UseClaim(repo, _use(repo), Place("inferred", key="--pull")),),
                     (Problem(repo, f"judged before the download, from {words}", None, _instead(online)),))
    return check_evidence(seen + asked + (policy or Evidence()), facts=facts, readings=readings, presume=presume,
                          today=today)


def _seen(repo: str, online: bool) -> tuple[Evidence, str]:
    """What can be read without moving weights, and in words where it was read."""
    catalogue = "the catalogue" if names().claims(names().resolve_read(repo) or repo, date.today()) else ""
    folder = hub_cache.online(repo) if online else hub_cache.local(repo)
    store = "small files of the hub" if online else "the local cache"
    files = f"{store} at commit {folder.name[:12]}" if folder else ""
    evidence = _read(folder, repo) if folder else Evidence((repo,))
    return evidence, " and ".join(filter(None, (files, catalogue))) or "its name alone: nobody here knows it"


def _read(folder: Path, repo: str) -> Evidence:
    try:
        return gather(folder, repo)
    except EvidenceError:
        return Evidence((repo,))


def _use(repo: str) -> str:
    """Models are run; data sets are kept and read, and what is done with them is in the table of the report."""
    name = names().resolve_read(repo) or repo
    kinds = {c.value for c in names().claims(name, date.today())
             if isinstance(c, AssetClaim) and c.asset == name and c.field == "kind"}
    return "retrieve" if "dataset" in kinds else "run"


def _instead(online: bool) -> str:
    return "weights and data were not opened" if online else "nothing was fetched; --online reads its small files"
