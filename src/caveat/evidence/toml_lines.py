"""Line numbers for TOML, which the standard reader forgets: an error without a line makes people search.

Walks the text once and notes where each table and key stands, as "step[1].act". Keys inside inline tables take the
line of the nearest key around them; a look-alike inside a long string is harmless, the first place wins.
"""

from __future__ import annotations

import re

HEADER = re.compile(r"^\s*(?P<open>\[\[?)(?P<path>[^\]#]+)\]\]?\s*(?:#.*)?$")
KEY = re.compile(r"^\s*(?P<key>(?:\"[^\"]*\"|'[^']*'|[\w-]+)(?:\s*\.\s*(?:\"[^\"]*\"|'[^']*'|[\w-]+))*)\s*=")
PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")
#: A path longer than this is looked for by its beginning only.
LONGEST = 1000
IN_MESSAGE = re.compile(r"at line (\d+)")


class Lines:
    """Where each table and key of a TOML text stands, counted from 1."""

    def __init__(self, text: str) -> None:
        self.found: dict[str, int] = {}
        self.count = text.count("\n") + 1
        self._walk(text)

    def of(self, path: str) -> int:
        """The line of a path, or of the nearest one around it; 1 at worst."""
        path = path if path in self.found else path[:LONGEST]
        while path:
            if path in self.found:
                return self.found[path]
            path = max(path.rpartition(".")[0], path.rpartition("[")[0], key=len)
        return 1

    def in_message(self, message: str) -> int:
        """The line that the TOML reader names in its message; the last line if it names none."""
        match = IN_MESSAGE.search(message)
        return int(match[1]) if match else self.count

    def _walk(self, text: str) -> None:
        table, counts = "", dict[str, int]()
        for number, row in enumerate(text.split("\n"), 1):
            header = HEADER.match(row)
            if header:
                table = dotted(header["path"])
                if header["open"] == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    self.found.setdefault(table, number)
                    table = f"{table}[{counts[table]}]"
                self.found.setdefault(table, number)
                continue
            key = KEY.match(row)
            if key:
                path = dotted(key["key"])
                self.found.setdefault(f"{table}.{path}" if table else path, number)


def dotted(path: str) -> str:
    """A TOML key path without its quotes: `assets."acme/notes"` is assets.acme/notes."""
    return ".".join("".join(groups) for groups in PART.findall(path))
