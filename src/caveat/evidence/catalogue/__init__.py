"""Facts about well-known models, data sets and services, each with the public place where it can be seen.

The facts are the TOML files of this folder; `_compiled.json`, built from them, is what is read at run time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from caveat.evidence.catalogue.asset import Asset, Step, Term
from caveat.evidence.catalogue.index import Catalogue, Terms, opened

__all__ = ["COMPILED", "FOLDER", "Asset", "Catalogue", "Step", "Term", "Terms", "compile_sources", "load"]

FOLDER = Path(__file__).parent
COMPILED = FOLDER / "_compiled.json"


def load(shelf: bytes | None = None) -> Catalogue:
    """The catalogue of a compiled form given as bytes, else of the installed file, else of the sources themselves."""
    if shelf is not None:
        return opened(shelf)
    return opened(COMPILED.read_bytes()) if COMPILED.is_file() else Catalogue(compile_sources(FOLDER))


def compile_sources(folder: Path = FOLDER) -> dict[str, Any]:
    """The compiled form (JSON-able) of a folder of TOML files. Raises LawError for what is wrong in them."""
    from caveat.evidence.catalogue.compile import compile_sources as compiled

    return compiled(folder)
