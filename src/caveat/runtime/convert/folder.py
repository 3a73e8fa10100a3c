"""Reads the small files of a checkpoint folder, each bounded in size and depth, none from outside the folder.

A hub cache is made of links into its own `blobs`; these are followed, any other link that leads out is not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from caveat.errors import CaveatError, EvidenceError

#: Bytes at most: file -> limit. A vocabulary of 256,000 tokens with its merges has about 35 MB.
LIMITS = {"tokenizer.json": 128 << 20, "tokenizer.model": 32 << 20, "merges.txt": 32 << 20}
SMALL = 8 << 20
#: Lists and objects of one JSON file: merges written as pairs are one list each.
MOST_NODES = 4_000_000
PICKLED = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")


def packages() -> tuple[Any, Any]:
    """numpy and gguf; raises CaveatError naming what to install."""
    try:
        import gguf
        import numpy
    except ImportError:
        raise CaveatError("converting needs numpy and gguf: pip install 'caveat[run]'") from None
    return numpy, gguf


def shown(words: str) -> str:
    """Words of a stranger, fit for a terminal."""
    return ascii(words[:80])


def inside(folder: Path, name: str) -> Path | None:
    """The file of that name in the folder, or None; raises EvidenceError where it leads elsewhere."""
    if not name or name in (".", "..") or "/" in name or "\\" in name or "\0" in name:
        raise EvidenceError(f"{folder}: {shown(name)} is no name of a file in this folder")
    path = folder / name
    if not path.is_file():
        if path.is_symlink():
            raise EvidenceError(f"{path}: a link that leads to no file")
        return None
    if not at_home(path, folder):
        raise EvidenceError(f"{path}: a link that leads out of the folder; put the file itself there")
    return path


def at_home(path: Path, folder: Path) -> bool:
    """Whether a file, whatever links lead to it, lies in the folder or its cache."""
    real = path.resolve()
    return any(real.is_relative_to(place) for place in _homes(folder.resolve()))


def _homes(home: Path) -> tuple[Path, ...]:
    """The folder, and the blobs of a hub cache whose snapshot it is (models--OWNER--NAME/snapshots/REVISION)."""
    cached = home.parent.name == "snapshots" and home.parent.parent.name.startswith("models--")
    return (home, home.parent.parent / "blobs") if cached else (home,)


def document(folder: Path, name: str) -> dict[str, Any] | None:
    """A JSON object, or None where there is no such file; raises EvidenceError for what is too big or none."""
    path = inside(folder, name)
    if path is None:
        return None
    return parsed(bounded(path), str(path))


def bounded(path: Path) -> bytes:
    """The bytes of a file that is not larger than its sort may be."""
    most = LIMITS.get(path.name, SMALL)
    try:
        size = path.stat().st_size
        if size > most:
            raise EvidenceError(f"{path}: {size:,} bytes; such a file has {most:,} at most")
        return path.read_bytes()
    except OSError as fault:
        raise EvidenceError(f"{path}: {fault.strerror}") from None


def parsed(data: bytes, where: str, unique: bool = False) -> dict[str, Any]:
    """A JSON object of bounded depth and size; with `unique`, keys that stand twice are refused."""
    if data.count(b"[") + data.count(b"{") > MOST_NODES:
        raise EvidenceError(f"{where}: more than {MOST_NODES:,} lists and objects")
    try:
        found = json.loads(data, object_pairs_hook=_unique if unique else None, parse_constant=_constant)
    except RecursionError:
        raise EvidenceError(f"{where}: nested too deeply") from None
    except (ValueError, UnicodeDecodeError) as fault:
        raise EvidenceError(f"{where}: no JSON: {shown(str(fault))}") from None
    if not isinstance(found, dict):
        raise EvidenceError(f"{where}: a JSON object was expected")
    return found


def _constant(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!r} stands twice")
        found[key] = value
    return found


def weights(folder: Path) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The safetensors files in order, and the index (tensor -> file; empty without one).

    Raises EvidenceError where there are none: pickled weights are never opened.
    """
    index = document(folder, "model.safetensors.index.json")
    if index is not None:
        return _indexed(folder, index)
    single = inside(folder, "model.safetensors")
    if single:
        return (single,), {}
    names = sorted(p.name for p in folder.glob("model*.safetensors"))
    found = tuple(p for n in names for p in [inside(folder, n)] if p)
    if not found:
        raise EvidenceError(_none(folder))
    return found, {}


def _indexed(folder: Path, index: dict[str, Any]) -> tuple[tuple[Path, ...], dict[str, str]]:
    where = folder / "model.safetensors.index.json"
    names = index.get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(n, str) for n in names.values()):
        raise EvidenceError(f"{where}: weight_map has to say of each tensor in which file it lies")
    files = []
    for name in sorted(set(names.values())):
        if not name.endswith(".safetensors"):
            raise EvidenceError(f"{where}: {shown(name)} is no safetensors file")
        path = inside(folder, name)
        if path is None:
            raise EvidenceError(f"{folder}: {shown(name)} is missing, which the index names")
        files.append(path)
    return tuple(files), names


def _none(folder: Path) -> str:
    pickled = sorted(p.name for pattern in PICKLED for p in folder.glob(pattern))
    if not pickled:
        return f"{folder}: no model.safetensors here; caveat convert takes a checkpoint folder with safetensors"
    return (f"{folder}: the weights are pickled ({shown(pickled[0])}), and unpickling can run any code, so that is "
            "never done. Take the repository's safetensors files, or save it anew where you trust it: "
            "model.save_pretrained(DIR, safe_serialization=True)")
