"""Own law in force: the folders named with --law, and the one that a caveat.toml names, over what ships.

The command line comes before the file: a folder that is checked may be a stranger's, what was typed is the asker's.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from caveat.errors import LawError, SettingsError
from caveat.law.rule import Case
from caveat.law.shelf import Shelf, in_force, shelf


@contextmanager
def own_law(folders: Iterable[str | Path]) -> Iterator[Shelf]:
    """Within the block these folders of own law hold, later ones over earlier ones. Raises SettingsError, LawError."""
    law = shelf()
    for folder in folders:
        if not Path(folder).is_dir():
            raise SettingsError(f"--law {folder}: no such folder (it wants licences/*.toml or disputed/*.toml in it)")
        law = law.with_own(Path(folder))
    with in_force(law):
        yield law


@contextmanager
def law_beside(place: Path) -> Iterator[Shelf]:
    """Within the block the law that the caveat.toml of this place names holds too, under what is in force."""
    folder = _named_in(place)
    with in_force(shelf().with_own(folder, under=True) if folder else shelf()) as law:
        yield law


def _named_in(place: Path) -> Path | None:
    """The folder of `[law] path`, inside the folder of its caveat.toml also where links lead. Raises SettingsError."""
    from caveat.evidence.caveat_toml import law_path

    settings = place / "caveat.toml" if place.is_dir() else place
    if settings.name != "caveat.toml" or not settings.is_file():
        return None
    with settings.open("rb") as opened:
        path = law_path(opened.read(1 << 20).decode("utf-8", "replace"))
    if not path:
        return None
    root, folder = os.path.realpath(settings.parent), os.path.realpath(settings.parent / path)
    if os.path.commonpath([root, folder]) != root:
        raise SettingsError(f"[law] path {path!r} leads out of the folder of caveat.toml", place=str(settings))
    if not Path(folder).is_dir():
        raise SettingsError(f"[law] path {path!r}: no such folder", place=str(settings))
    return Path(folder)


def own_cases(folders: Iterable[str | Path]) -> Iterator[tuple[str, Case, list[str]]]:
    """Every case inside the files of these folders, asked under them: law id, case, faults. Raises LawError."""
    from caveat.flows.cases import case_faults
    from caveat.law.own import OwnSources

    below = shelf()
    for folder in map(Path, folders):
        sources = OwnSources(folder, below)
        below = below.with_own(folder)
        with in_force(below):
            for id in sources.sources:
                cases = sources.cases(id)
                if not cases:
                    raise LawError(sources.sources[id].file, None, "holds no [[case]]: nothing shows that it is right")
                yield from ((id, case, case_faults(id, case)) for case in cases)
