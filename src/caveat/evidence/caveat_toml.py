"""`caveat.toml`: what people write down themselves, because it cannot be found or because they decided it.

    [project] name, by                     the asset, and who you are
    [facts]                                facts about you and your plans (law/words.py)
    [assets."owner/name"] kind, licence    what cannot be found elsewhere
    [[step]] makes, act, from, by, date    one step of making; `by` is left out if you did it. What of a parent went
             column, revision, split, ...  in: one column it concerns; its revision, config, split and columns, told
    [[use]] act, of, as, named             an intended use
    [settle.WORD] reading, why, by, until  a reading your organisation chose
    [[accept]] finding, why, owner, until  a finding you live with
    [policy] preset, allow, deny, verdicts what your organisation lets pass, per channel (see policy.py)
    [law] path                             a folder of own law beside it (read before all else, see law_path)

The only file that is ours, so it is read strictly: an unknown key, act, fact, kind, reading or licence is a
SettingsError with file, line and the nearest known word. Trap: tomllib keeps no line numbers, they are found in the
text again (`toml_lines.py`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from caveat.errors import SettingsError, nearest
from caveat.evidence import caveat_toml_decided as decided
from caveat.evidence import caveat_toml_made as made
from caveat.evidence import policy
from caveat.evidence.caveat_toml_words import ASSET_FIELDS, EVERYDAY, known_licence, licence_names, said_of
from caveat.evidence.source import text_of
from caveat.evidence.toml_lines import Lines
from caveat.law import toml_safe
from caveat.lineage.claims import Evidence, Place

NAMES = ("caveat.toml",)
READS = "bytes"
LIMIT = 1 << 20

TABLES = ("project", "facts", "assets", "step", "use", "settle", "accept", "law", "policy")
KEYS: dict[str, tuple[str, ...]] = {
    "project": ("name", "by", "kind", "licence"),
    "assets": ("kind", "licence", *ASSET_FIELDS),
    "step": ("makes", "act", "from", "by", "date", "column", "revision", "config", "split", "columns"),
    "use": ("act", "of", "as", "named"),
    "settle": ("reading", "why", "by", "until"),
    "accept": ("finding", "why", "owner", "until"),
    "law": ("path",),
}
NEEDED: dict[str, tuple[str, ...]] = {
    "step": ("makes", "act", "from"), "use": ("act",), "settle": ("reading",),
    "accept": ("finding", "why", "owner", "until"),
}
LONGEST = 400


def read(data: bytes, file: str, asset: str) -> Evidence:
    """All that a caveat.toml says. Raises SettingsError with file, line and the nearest known word."""
    source = text_of(data, file, LIMIT)
    if source.problems:
        raise SettingsError(source.problems[0].what, place=file)
    return Reading(source.text, file, asset).evidence()


def project_name(text: str) -> str:
    """[project].name of a caveat.toml, or "" where there is none or the file cannot be read."""
    try:
        name = toml_safe.loads(text[:LIMIT]).get("project", {}).get("name", "")
    except (toml_safe.Broken, AttributeError):
        return ""
    return name if isinstance(name, str) else ""


def law_path(text: str) -> str:
    """[law].path of a caveat.toml, or "" where there is none or the file cannot be read."""
    try:
        path = toml_safe.loads(text[:LIMIT]).get("law", {}).get("path", "")
    except (toml_safe.Broken, AttributeError):
        return ""
    return path if isinstance(path, str) and "\0" not in path else ""


class Reading:
    """One file being read; every method either gives a value or raises SettingsError at its place.

    Its words stand in `caveat_toml_words.py`; `_made.py` and `_decided.py` read the tables.
    """

    def __init__(self, text: str, file: str, asset: str) -> None:
        self.file, self.lines = file, Lines(text)
        self.data = self._parsed(text)
        self._only(self.data, TABLES, "")
        project = self.table("project")
        self.name = self.word(project, "project", "name") or asset
        self.you = self.word(project, "project", "by")
        own = self.word(self.table("law"), "law", "path")
        if own and (self.asset_name(f"./{own}", "law.path") == self.name or posixpath.isabs(own)):
            raise self.wrong("law.path", f"the path {own!r} must name a folder inside that of caveat.toml")

    def evidence(self) -> Evidence:
        facts = tuple(decided.facts(self))
        return Evidence(
            claims=(*made.claims(self), *decided.uses(self)),
            facts=tuple(f for f in facts if not f[0].startswith("reading.")),
            settlements=(*decided.settled(self), *decided.readings(self, facts),
                         *policy.settled(self)),
            acceptances=tuple(decided.accepted(self)), you=self.you, policy=tuple(policy.rules(self)),
        )

    def _parsed(self, text: str) -> dict[str, Any]:
        try:
            return toml_safe.loads(text)
        except toml_safe.Broken as error:
            line = self.lines.in_message(str(error))
            raise SettingsError(f"not TOML: {str(error).split(' (at')[0]}", place=f"{self.file}:{line}") from None

    # Errors and the small types of values.

    def wrong(self, path: str, what: str, near: Iterable[str] | None = None) -> SettingsError:
        return SettingsError(what, near or (), f"{self.file}:{self.lines.of(path)}")

    def _only(self, table: Mapping[str, Any], known: tuple[str, ...], path: str) -> None:
        for key in table:
            if key not in known:
                where = f"{path}.{key}" if path else key
                raise self.wrong(where, f"the key {key!r} is not known", nearest(key, known) or list(known)[:8])

    def table(self, path: str) -> Mapping[str, Any]:
        value = self.data.get(path, {})
        if not isinstance(value, Mapping):
            raise self.wrong(path, f"[{path}] must be a table")
        if path in KEYS and path in ("project", "law"):
            self._only(value, KEYS[path], path)
        return value

    def rows(self, path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The tables of `[[path]]`, checked for keys, each with its path ("step[1]")."""
        value = self.data.get(path, [])
        if not isinstance(value, list) or not all(isinstance(v, Mapping) for v in value):
            raise self.wrong(path, f"write [[{path}]], once for each")
        for i, row in enumerate(value):
            yield self.checked(path, f"{path}[{i}]", row)

    def checked(self, sort: str, path: str, row: Any) -> tuple[str, Mapping[str, Any]]:
        if not isinstance(row, Mapping):
            raise self.wrong(path, f"[{path}] must be a table")
        self._only(row, KEYS[sort], path)
        for key in NEEDED.get(sort, ()):
            if key not in row:
                raise self.wrong(path, f"{path} needs the key {key!r}")
        return path, row

    def word(self, row: Mapping[str, Any], path: str, key: str) -> str:
        value = row.get(key, "")
        if not isinstance(value, str) or len(value) > LONGEST:
            raise self.wrong(f"{path}.{key}", f"{key} must be a text of at most {LONGEST} characters")
        return value

    def words(self, row: Mapping[str, Any], path: str, key: str) -> tuple[str, ...]:
        """One text or a list of texts."""
        value = row.get(key, ())
        values = (value,) if isinstance(value, str) else value
        if not isinstance(values, (list, tuple)) or not all(isinstance(v, str) for v in values):
            raise self.wrong(f"{path}.{key}", f"{key} must be a text or a list of texts")
        return tuple(values)

    def day(self, row: Mapping[str, Any], path: str, key: str) -> date | None:
        value = row.get(key)
        if isinstance(value, datetime):
            return value.date()
        if value is not None and not isinstance(value, date):
            raise self.wrong(f"{path}.{key}", f"{key} must be a date without quotes, like 2027-06-30")
        return value

    def one_of(self, row: Mapping[str, Any], path: str, key: str, known: tuple[str, ...]) -> str:
        value = self.word(row, path, key)
        if value and value not in known:
            raise self.wrong(f"{path}.{key}", f"the {key} {value!r} is not known", nearest(value, known))
        return value

    def act(self, row: Mapping[str, Any], path: str) -> str:
        """An act by its own or an everyday name."""
        value = self.word(row, path, "act").strip().lower()
        act = EVERYDAY.get(value, "")
        if not act:
            raise self.wrong(f"{path}.act", f"the act {value!r} is not known", nearest(value, EVERYDAY))
        return act

    def asset_name(self, written: str, where: str) -> str:
        """An asset's name; a path must stay inside the folder of the file."""
        if not written.strip():
            raise self.wrong(where, "an empty name")
        if not (written.startswith((".", "/", "~", "\\")) or written[1:3] in (":\\", ":/")):
            return written
        inside = posixpath.normpath(written.replace("\\", "/"))
        if inside.startswith(("..", "/", "~")) or ":" in inside[:2]:
            raise self.wrong(where, f"the path {written!r} leads out of the folder of caveat.toml")
        return self.name if inside == "." else inside

    def licences(self, row: Mapping[str, Any], path: str, key: str) -> tuple[tuple[str, ...], bool, str]:
        """Law ids, whether any one may be chosen, and the words as written."""
        raws = self.words(row, path, key)
        for raw in raws:
            if not known_licence(raw):
                near = nearest(raw.lower(), licence_names())
                raise self.wrong(f"{path}.{key}", f"the licence {raw!r} is not known", near)
        said = [said_of(raw) for raw in raws]
        laws = tuple(dict.fromkeys(law for s in said for law in s.laws))
        return laws, len(said) == 1 and said[0].choice, ", ".join(raws)

    def place(self, path: str, quote: object = "") -> Place:
        return Place("declared", self.file, self.lines.of(path), path, str(quote)[:120])
