"""Walks a folder of strangers once, within bounds, and says which files readers want and which assets lie in it.

    my-model/README.md                 one asset, the folder
    cards/owner__name/README.md        several assets, one a sub-folder
    models--owner--name/snapshots/SHA  the Hugging Face cache: an asset with a public name

Nothing is opened here but the head of cards: links that lead out of the folder, pipes, devices, archives and
what cannot be read become problems, and the rest is judged.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from caveat.evidence.hub_cache import repo_of_folder, snapshot_in
from caveat.evidence.wanted import Wanted
from caveat.lineage.claims import Problem

SKIPPED = frozenset({
    "node_modules", "venv", "env", "virtualenv", "__pycache__", "site-packages", "blobs", "htmlcov", "wandb", "mlruns",
})
ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".7z", ".rar", ".whl", ".egg", ".jar", ".zst")
#: Bounds: entries looked at, files kept for reading, depth of folders.
MOST_ENTRIES, MOST_FILES, DEEPEST = 2_000_000, 50_000, 60
#: Problems of one sort are told one by one up to here, then together.
APART = 5
OWNER_NAME = re.compile(r"(?P<owner>[A-Za-z0-9][\w.-]*?)__(?P<name>[A-Za-z0-9][\w.-]*)")
FRONT = re.compile(rb"^\s*(?:\xef\xbb\xbf)?\s*---\s*$", re.MULTILINE)
#: Readers whose files show that a folder named owner__name is an asset, and not a package of code.
OF_ASSETS = frozenset({"card", "config", "adapter_config", "safetensors", "gguf", "modelfile", "licence_file"})


class File(NamedTuple):
    """One file that a reader wants: where it is, its name for people, its bytes, and the readers."""

    path: Path
    name: str  # relative to the folder, printable
    parts: tuple[str, ...]  # folders on the way, as on disk
    size: int
    readers: tuple[str, ...]


class Walked(NamedTuple):
    """What lies in a folder."""

    files: tuple[File, ...]
    problems: tuple[Problem, ...]


class _Here(NamedTuple):
    path: str
    parts: tuple[str, ...]


def walk(root: Path, wanted: Wanted) -> Walked:
    """Every wanted file below `root`, in order of names. One pass, nothing followed out of the folder."""
    walker = _Walker(root, wanted)
    walker.go()
    return Walked(tuple(walker.files), (*grouped(walker.problems), *walker.notices()))


class _Walker:
    """One pass: a stack of folders, the files kept, the problems met."""

    def __init__(self, root: Path, wanted: Wanted) -> None:
        self.root, self.wanted = root, wanted
        self.real = os.path.realpath(root)
        self.inside = (self.real, _cache_home(self.real))
        self.files: list[File] = []
        self.problems: list[Problem] = []
        self.archives: list[str] = []
        self.entries = 0

    def go(self) -> None:
        stack = [_Here(str(self.root), ())]
        while stack:
            here = stack.pop()
            if len(here.parts) > DEEPEST:
                self._tell(here.parts, f"folders nested deeper than {DEEPEST}", "what lies deeper was not read")
                continue
            below = self._list(here)
            stack.extend(reversed(below))
            if self.entries > MOST_ENTRIES or len(self.files) > MOST_FILES:
                self._tell((), "more files than are read at once", "the rest was not read")
                return

    def _list(self, here: _Here) -> list[_Here]:
        """Takes the files of one folder and gives the folders below it."""
        chosen = snapshot_in(Path(here.path)) if repo_of_folder(Path(here.path).name) else None
        if chosen is not None:
            return [_Here(str(chosen), (*here.parts, "snapshots", chosen.name))]
        try:
            with os.scandir(here.path) as entries:
                found = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            self._tell(here.parts, f"cannot be opened: {error.strerror}", "")
            return []
        self.entries += len(found)
        return [below for e in found for below in self._take(e, here)]

    def _take(self, entry: os.DirEntry[str], here: _Here) -> Iterator[_Here]:
        parts = (*here.parts, entry.name)
        if entry.is_symlink():
            self._link(entry, parts)
        elif entry.is_dir(follow_symlinks=False):
            if self.wanted.exactly(entry.name):
                self._tell(parts, "a folder where a file was expected", "it was not read as a file")
            if not skipped(entry):
                yield _Here(entry.path, parts)
        else:
            self._file(entry, entry.path, parts)

    def _link(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> None:
        """A link is followed to a plain file that stays inside; anything else is told where it would matter."""
        target = os.path.realpath(entry.path)
        if not any(home and (target == home or target.startswith(home + os.sep)) for home in self.inside):
            if self.wanted.readers(entry.name) or Path(target).is_dir():
                self._tell(parts, "a link that leads out of the folder", "it was not followed")
        elif Path(target).is_file():
            self._file(entry, target, parts)

    def _file(self, entry: os.DirEntry[str], path: str, parts: tuple[str, ...]) -> None:
        if entry.name.lower().endswith(ARCHIVES):
            self.archives.append("/".join(map(printable, parts)))
            return
        readers = self.wanted.readers(entry.name)
        if not readers:
            return
        try:
            status = Path(path).stat()
        except OSError as error:
            self._tell(parts, f"cannot be opened: {error.strerror}", "")
            return
        if not stat.S_ISREG(status.st_mode):
            self._tell(parts, "not a plain file (a pipe, device or socket)", "it was not opened")
            return
        name = "/".join(map(printable, parts))
        self.files.append(File(Path(path), name, parts[:-1], status.st_size, readers))

    def _tell(self, parts: tuple[str, ...], what: str, instead: str) -> None:
        self.problems.append(Problem("/".join(map(printable, parts)) or ".", what, None, instead))

    def notices(self) -> tuple[Problem, ...]:
        """One line for all archives: they are never opened."""
        if not self.archives:
            return ()
        count = f" and {len(self.archives) - 1} more" if len(self.archives) > 1 else ""
        return (Problem(self.archives[0], f"an archive{count}", None, "archives are never opened"),)


def skipped(entry: os.DirEntry[str]) -> bool:
    """Folders that hold tools, caches and other people's packages rather than the work itself."""
    name = entry.name
    if name.startswith(".") or name in SKIPPED or name.endswith((".dist-info", ".egg-info")):
        return True
    return os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH110, PTH118 (one string, no objects)


def _cache_home(real: str) -> str:
    """The cache folder of a repository around a snapshot: its links into `blobs` stay inside it."""
    for home in (real, *map(str, Path(real).parents)):
        if repo_of_folder(Path(home).name):
            return home
    return ""


def printable(name: str) -> str:
    """A file name as people may see it: control characters and bad bytes as escapes."""
    clean = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in clean)


def grouped(problems: list[Problem]) -> list[Problem]:
    """Many problems of one sort as one, so that a real one is not buried."""
    sorts: dict[str, list[Problem]] = {}
    for p in problems:
        sorts.setdefault(p.what, []).append(p)
    return [q for same in sorts.values() for q in (same if len(same) <= APART else [_together(same)])]


def _together(same: list[Problem]) -> Problem:
    first = same[0]
    return Problem(first.file, f"{first.what} ({len(same)} files, this is the first)", first.line, first.instead)


def asset_folders(files: tuple[File, ...]) -> dict[tuple[str, ...], str]:
    """The folders below the root that are assets of their own, with the public name if the folder tells one."""
    found: dict[tuple[str, ...], str] = {}
    for f in files:
        for depth in range(1, len(f.parts) + 1):
            name = public_name(f.parts[depth - 1])
            if name and OF_ASSETS & set(f.readers):
                found[f.parts[:depth]] = name
        if f.parts and is_card(f):
            inner = next((p for p in found if f.parts[:len(p)] == p and "snapshots" in f.parts), f.parts)
            found.setdefault(inner, "")
    return found


def public_name(folder: str) -> str:
    """The `owner/name` that a folder's name stands for, or ""."""
    cached = repo_of_folder(folder)
    if cached:
        return cached
    match = OWNER_NAME.fullmatch(folder)
    return f"{match['owner']}/{match['name']}" if match else ""


def is_card(f: File) -> bool:
    """Whether a file makes its folder an asset: a caveat.toml, or a README that begins with front matter."""
    if "caveat_toml" in f.readers:
        return True
    if "card" not in f.readers or not f.path.name.lower().startswith("readme"):
        return False
    try:
        with f.path.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return False
    mark = FRONT.search(head)
    return bool(mark and not head[:mark.start()].strip(b"\xef\xbb\xbf \t\r\n"))
