"""Which reader wants a file, by its name alone: asked for every file of a folder, so it must cost almost nothing.

Names without a wildcard and plain endings are looked up; the few other globs are one regular expression.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from functools import cached_property


class Wanted:
    """The file-name globs of all readers, as tables."""

    def __init__(self, names: Mapping[str, tuple[str, ...]]) -> None:
        self.names = names

    @cached_property
    def _exact(self) -> dict[str, tuple[str, ...]]:
        return self._table(lambda glob: glob if not _wild(glob) else "")

    @cached_property
    def _endings(self) -> dict[str, tuple[str, ...]]:
        return self._table(lambda glob: glob[1:] if glob.startswith("*.") and not _wild(glob[1:]) else "")

    @cached_property
    def _others(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        rest = [(glob, r) for r, globs in self.names.items() for glob in globs
                if _wild(glob) and not (glob.startswith("*.") and not _wild(glob[1:]))]
        return tuple((re.compile(fnmatch.translate(glob)), reader) for glob, reader in rest)

    @cached_property
    def _any_other(self) -> re.Pattern[str]:
        return re.compile("|".join(p.pattern for p, _ in self._others) or r"(?!)")

    def _table(self, key_of: object) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for reader, globs in self.names.items():
            for glob in globs:
                key = key_of(glob)  # type: ignore[operator]
                if key:
                    found[key] = tuple(dict.fromkeys((*found.get(key, ()), reader)))
        return found

    def readers(self, name: str) -> tuple[str, ...]:
        """The readers that want a file of this name, in the registry's order."""
        found = [*self._exact.get(name, ()), *self._by_ending(name)]
        if self._any_other.match(name):
            found += [reader for pattern, reader in self._others if pattern.match(name)]
        return tuple(sorted(set(found))) if found else ()

    def _by_ending(self, name: str) -> tuple[str, ...]:
        dot = name.rfind(".")
        if dot < 0:
            return ()
        long = name.find(".")
        return self._endings.get(name[dot:], ()) + (self._endings.get(name[long:], ()) if long != dot else ())

    def exactly(self, name: str) -> bool:
        """Whether a reader waits for a file of just this name (with an ending, as `README.md`)."""
        return "." in name and name in self._exact


def _wild(glob: str) -> bool:
    return any(c in glob for c in "*?[")
