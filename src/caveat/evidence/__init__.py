"""Reads the world into claims, never judges: one reader a file format, found by the names in READERS.

    gather(path) -> Evidence      a folder, a file, or a caveat.toml: everything its readers say
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from caveat.lineage.claims import Evidence

#: Every reader of a file format; a test compares this with the folder. Imported only when something is read.
READERS: tuple[str, ...] = (
    "adapter_config", "card", "caveat_toml", "config", "data_columns", "gguf", "launch_lines", "licence_file",
    "mergekit", "modelfile", "python_code", "recipe", "record", "safetensors",
)


def gather(path: Path, asset: str | None = None) -> Evidence:
    """All that the readers say about what lies at `path`; `asset` names it if its own name should not.

    Raises EvidenceError if nothing at all can be read there, SettingsError if its own caveat.toml is wrong.
    """
    from caveat.evidence.gathering import gather as read_all

    return read_all(path, asset)
