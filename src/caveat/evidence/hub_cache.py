"""From a repository id to its folder in the Hugging Face cache on this disk, without touching the network.

    HF_HUB_CACHE, or HF_HOME/hub, or ~/.cache/huggingface/hub
      models--owner--name/refs/main                 the commit last fetched
      models--owner--name/snapshots/COMMIT/README.md

`online` is the one door to the network: small text files only, never weights, and only if somebody asks.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from caveat.errors import EvidenceError

SORTS = {"models": "model", "datasets": "dataset"}
FOLDER = re.compile(r"(?P<sort>models|datasets)--(?P<rest>[\w.-]+)")
REPO = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9_][\w.-]*)?")
#: All that is ever fetched: words, never weights.
SMALL_FILES = (
    "README.md", "config.json", "adapter_config.json", "generation_config.json", "mergekit_config.yml",
    "LICENSE*", "LICENCE*", "NOTICE*", "Notice*", "USE_POLICY*", "*LICENSE*.txt", "*LICENSE*.md", "Modelfile",
)
LONGEST_REF = 200


def cache_home(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of the cache, as the environment says it."""
    env = os.environ if environment is None else environment
    if env.get("HF_HUB_CACHE"):
        return Path(env["HF_HUB_CACHE"]).expanduser()
    home = env.get("HF_HOME") or str(Path(env.get("XDG_CACHE_HOME", "~/.cache")) / "huggingface")
    return Path(home).expanduser() / "hub"


def repo_of_folder(name: str) -> str:
    """`models--owner--name` as `owner/name`, or "" if a folder is not named so."""
    match = FOLDER.fullmatch(name)
    return match["rest"].replace("--", "/", 1) if match else ""


def is_repo(name: str) -> bool:
    """Whether a text could be a repository id (owner/name, or an old bare name)."""
    return bool(REPO.fullmatch(name)) and ".." not in name and "--" not in name


def local(repo: str, home: Path | None = None) -> Path | None:
    """The newest snapshot of a repository in the cache, or None if it was never fetched."""
    if not is_repo(repo):
        return None
    for sort in SORTS:
        folder = (home or cache_home()) / f"{sort}--{repo.replace('/', '--')}"
        found = snapshot_in(folder)
        if found is not None:
            return found
    return None


def snapshot_in(folder: Path) -> Path | None:
    """The snapshot that refs/main names; failing that, the newest one; None if there is none."""
    shots = folder / "snapshots"
    commit = _main(folder / "refs" / "main")
    if commit and (shots / commit).is_dir():
        return shots / commit
    try:
        found = [p for p in shots.iterdir() if p.is_dir() and not p.is_symlink()]
    except OSError:
        return None
    return max(found, key=lambda p: (p.stat().st_mtime, p.name), default=None)


def _main(ref: Path) -> str:
    try:
        if not ref.is_file():
            return ""
        with ref.open("r", errors="replace") as stream:
            commit = stream.read(LONGEST_REF).strip()
    except OSError:
        return ""
    return commit if re.fullmatch(r"[0-9a-fA-F]{7,64}", commit) else ""


def online(repo: str) -> Path:
    """Fetches the words of a repository (card, settings, licence; never weights) and gives their folder.

    Raises EvidenceError if `huggingface_hub` is not installed or the repository cannot be had.
    """
    if not is_repo(repo):
        raise EvidenceError(f"{repo!r} is no repository id; write owner/name")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise EvidenceError(
            f"{repo} is not in the local cache and fetching needs an extra: pip install 'caveat[hub]', "
            f"or fetch it yourself and give its folder"
        ) from None
    failures = []
    for sort in SORTS.values():
        try:
            return Path(snapshot_download(repo, repo_type=sort, allow_patterns=list(SMALL_FILES)))
        except Exception as error:  # the library raises its own, requests' and OS errors
            failures.append(str(error).splitlines()[0][:200] if str(error) else type(error).__name__)
    raise EvidenceError(f"{repo} could not be fetched: {failures[0]}; check the name, or log in with `hf auth login`")
