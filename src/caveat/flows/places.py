"""Where a thing named on the command line lies: a path, a repository in the local cache, or (if asked) the hub."""

from __future__ import annotations

import os
import re
from pathlib import Path

from caveat.errors import EvidenceError, SettingsError

REPO = re.compile(r"^[\w.\-]+/[\w.\-]+$")


def place_of(named: str, online: bool = False) -> tuple[Path, str | None]:
    """The path to read, and the repository id if it is one. Raises EvidenceError with what to do next."""
    if not named.strip():
        raise EvidenceError("an empty name; give a folder, a file or a repository id (. is this folder)")
    path = Path(named)
    if path.exists() or path.is_symlink():
        return path, None
    if not REPO.match(named):
        raise EvidenceError(f"{named}: no such file or folder")
    from caveat.evidence import hub_cache

    cached = hub_cache.online(named) if online else hub_cache.local(named)
    if cached is None:
        raise EvidenceError(f"{named}: no such path, and not in the local Hugging Face cache "
                            "(--online reads the hub; caveat trace shows what the catalogue knows)")
    return cached, named


def root_of(place: Path, here: Path | None = None) -> str:
    """The folder that files of this place are named from, relative to `here` (where the check runs); "" = outside."""
    folder = place if place.is_dir() else place.parent
    root = os.path.relpath(os.path.realpath(folder), os.path.realpath(here or Path.cwd())).replace(os.sep, "/")
    return "" if root == "." or root.startswith("..") else root


def output_checked(out: Path, replace: bool, card: str) -> None:
    """A model's file can be made there, and published under that name. Raises SettingsError."""
    from caveat.flows.origin import OWN_NAME

    if out.is_dir() or not out.name.lower().endswith(".gguf"):
        raise SettingsError(f"-o {out}: name the file to write, ending in .gguf")
    if out.exists() and not replace:
        raise SettingsError(f"-o {out} is there already; --force writes over it")
    if not out.parent.is_dir():
        raise SettingsError(f"-o {out}: no folder {out.parent}")
    if card and not OWN_NAME.fullmatch(card):
        raise SettingsError(f"--card wants OWNER/NAME, not {card[:100]!r}")
