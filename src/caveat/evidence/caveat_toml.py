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
from caveat.evidence import licence_words, policy
from caveat.evidence.source import text_of
from caveat.evidence.toml_lines import Lines
from caveat.law import toml_safe
from caveat.law.words import ACTS, FACTS, KINDS, PURPOSES, TARGETS, Fact
from caveat.lineage.claims import (
    Acceptance,
    AssetClaim,
    Claim,
    Evidence,
    LicenceClaim,
    Place,
    Settlement,
    StepClaim,
    UseClaim,
)

NAMES = ("caveat.toml",)
READS = "bytes"
LIMIT = 1 << 20

TABLES = ("project", "facts", "assets", "step", "use", "settle", "accept", "law", "policy")
ASSET_FIELDS = ("target", "family", "parameters", "multimodal", "maker", "contents", "name", "alias")
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
    """One file being read; every method either gives claims or raises SettingsError at its place."""

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
        facts = tuple(self._facts())
        return Evidence(
            claims=tuple(self._claims()), facts=tuple(f for f in facts if not f[0].startswith("reading.")),
            settlements=(*self._settled(), *self._readings(facts), *policy.settled(self)),
            acceptances=tuple(self._accepted()), you=self.you, policy=tuple(policy.rules(self)),
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
            yield self._checked(path, f"{path}[{i}]", row)

    def _checked(self, sort: str, path: str, row: Any) -> tuple[str, Mapping[str, Any]]:
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

    # The tables.

    def _claims(self) -> Iterator[Claim]:
        yield from self._project()
        for name, row in self.table("assets").items():
            yield from self._asset(name, f"assets.{name}", row)
        for path, row in self.rows("step"):
            yield from self._step(path, row)
        for path, row in self.rows("use"):
            yield self._use(path, row)

    def _project(self) -> Iterator[Claim]:
        row = self.table("project")
        if self.name and "name" in row:
            if "/" not in self.name or self.name.split("/")[0] == self.you:
                yield AssetClaim(self.name, "own", "yes", self.place("project.name", self.name))
            yield AssetClaim(self.name, "name", self.name, self.place("project.name", self.name))
        kind = self.one_of(row, "project", "kind", KINDS)
        if kind:
            yield AssetClaim(self.name, "kind", kind, self.place("project.kind", kind))
        if "licence" in row:
            laws, choice, raw = self.licences(row, "project", "licence")
            yield LicenceClaim(self.name, laws, self.place("project.licence", raw), choice, raw)

    def _asset(self, name: str, path: str, row: Any) -> Iterator[Claim]:
        path, row = self._checked("assets", path, row)
        asset = self.asset_name(name, path)
        kind = self.one_of(row, path, "kind", KINDS)
        if kind:
            yield AssetClaim(asset, "kind", kind, self.place(f"{path}.kind", kind))
        if "licence" in row:
            laws, choice, raw = self.licences(row, path, "licence")
            yield LicenceClaim(asset, laws, self.place(f"{path}.licence", raw), choice, raw)
        elif "/" not in asset:
            # A bare name that is declared here is the asker's own work.
            yield AssetClaim(asset, "own", "yes", self.place(path, name))
        self.one_of(row, path, "target", TARGETS)
        for field in ASSET_FIELDS:
            if field in row:
                yield AssetClaim(asset, field, plain_value(row[field]), self.place(f"{path}.{field}", row[field]))

    def _step(self, path: str, row: Mapping[str, Any]) -> Iterator[Claim]:
        act = self.act(row, path)
        child = self.asset_name(self.word(row, path, "makes"), f"{path}.makes")
        by, when = self.word(row, path, "by"), self.day(row, path, "date")
        party = "you" if by in ("", self.you) else by
        where = self.place(f"{path}.makes", child)
        if ACTS[act].makes == "":
            raise self.wrong(f"{path}.act", f"{act} makes nothing: write it as [[use]]")
        if ACTS[act].makes in KINDS:
            yield AssetClaim(child, "kind", ACTS[act].makes, where)
        if party == "you" and "/" not in child:
            yield AssetClaim(child, "own", "yes", where)
        for i, parent in enumerate(self.words(row, path, "from")):
            key = f"{path}.from"
            named = self.asset_name(parent, key)
            if named == child:
                raise self.wrong(key, f"{child!r} cannot be made from itself")
            quote = self._quote(row, path, parent)[:120]
            place = Place("declared", self.file, self.lines.of(key), f"{key}[{i}]", quote)
            yield StepClaim(child, act, named, place, party, when, self.word(row, path, "column"))

    def _quote(self, row: Mapping[str, Any], path: str, parent: str) -> str:
        """The parent as written, with what of it went in: "owner/rows@4f1c (train; prompt, answer)"."""
        revision = self.word(row, path, "revision")
        part = ", ".join(filter(None, (self.word(row, path, "config"), self.word(row, path, "split"))))
        more = "; ".join(filter(None, (part, ", ".join(self.words(row, path, "columns")))))
        return f"{parent}{f'@{revision}' if revision else ''}{f' ({more})' if more else ''}"

    def _use(self, path: str, row: Mapping[str, Any]) -> Claim:
        of = self.word(row, path, "of")
        asset = self.asset_name(of, f"{path}.of") if of else self.name
        laws = self.licences(row, path, "as")[0] if "as" in row else ()
        act = self.act(row, path)
        return UseClaim(asset, act, self.place(f"{path}.act", act), laws, self.word(row, path, "named"))

    def _facts(self) -> Iterator[tuple[str, str]]:
        for key, value in self.table("facts").items():
            path = f"facts.{key}"
            if key == "reading" and isinstance(value, Mapping):
                yield from ((f"reading.{w}", plain_value(r)) for w, r in value.items())
            elif key.startswith("reading."):
                yield key, plain_value(value)
            elif key not in FACTS:
                raise self.wrong(path, f"the fact {key!r} is not known", nearest(key, FACTS))
            else:
                yield key, self._fact(FACTS[key], value, path)

    def _fact(self, fact: Fact, value: Any, path: str) -> str:
        written = plain_value(value)
        if not fits(fact, value):
            known = values_of(fact)
            what = f"{fact.name} = {written!r} is not a {fact.type}" + (f" of {', '.join(known[:8])}" if known else "")
            raise self.wrong(path, what, nearest(written, known))
        return written

    def _readings(self, facts: tuple[tuple[str, str], ...]) -> Iterator[Settlement]:
        for key, reading in facts:
            if key.startswith("reading."):
                yield self.settlement(key[8:], f"facts.{key}", {"reading": reading})

    def _settled(self) -> Iterator[Settlement]:
        for word, row in self.table("settle").items():
            path, checked = self._checked("settle", f"settle.{word}", row)
            yield self.settlement(word, path, checked)

    def settlement(self, word: str, path: str, row: Mapping[str, Any]) -> Settlement:
        known = disputed()
        if known and word not in known:
            raise self.wrong(path, f"the word {word!r} is not disputed", nearest(word, known) or sorted(known)[:6])
        reading = self.word(row, path, "reading")
        if known and reading not in known[word]:
            near = nearest(reading, known[word]) or list(known[word])
            raise self.wrong(f"{path}.reading", f"{word} has no reading {reading!r}", near)
        return Settlement(word, reading, self.word(row, path, "why"), self.word(row, path, "by"),
                          self.day(row, path, "until"), self.place(path, reading))

    def _accepted(self) -> Iterator[Acceptance]:
        for path, row in self.rows("accept"):
            finding, until = self.word(row, path, "finding"), self.day(row, path, "until")
            if until is None or not finding or not self.word(row, path, "why") or not self.word(row, path, "owner"):
                raise self.wrong(path, "an acceptance needs finding, why, owner and until, none of them empty")
            yield Acceptance(finding, self.word(row, path, "why"), self.word(row, path, "owner"), until,
                             self.place(f"{path}.finding", finding))


EVERYDAY: dict[str, str] = {word: a.name for a in ACTS.values() for word in (a.name, *a.everyday)}


def plain_value(value: Any) -> str:
    """A TOML value in the words of facts: yes and no, ISO dates, lists joined by commas."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (date, datetime)):
        return value.isoformat()[:10]
    if isinstance(value, (list, tuple)):
        return ",".join(plain_value(v) for v in value)
    return str(value)


def values_of(fact: Fact) -> tuple[str, ...]:
    """The values a fact may have; empty = open."""
    return tuple(PURPOSES) if fact.name == "purpose" else fact.values


def fits(fact: Fact, value: Any) -> bool:
    """Whether a TOML value is one this fact may have."""
    if fact.type == "number":
        return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0
    if fact.type == "date":
        return isinstance(value, date)
    if fact.type == "set":
        return isinstance(value, (str, list)) and all(v in PURPOSES for v in plain_value(value).split(","))
    if fact.type == "yes-no":
        return isinstance(value, bool) or value in ("yes", "no")
    return isinstance(value, (str, bool)) and (not fact.values or plain_value(value) in fact.values)


def said_of(raw: str) -> licence_words.Said:
    """What a written licence means; law ids of the shelf come before tags and SPDX words."""
    law = _shelf_law(raw)
    return licence_words.Said((law,), False, raw) if law else licence_words.laws_of(raw, licence_words.table())


def known_licence(raw: str) -> bool:
    return raw.strip().lower() == licence_words.UNKNOWN or said_of(raw).known


def licence_names() -> list[str]:
    """Every word for a licence that is known, for the nearest-word line of an error."""
    from caveat.law import shelf

    own = shelf.shelf().names() if shelf.COMPILED.is_file() else []
    return sorted({*own, *licence_words.table().laws})


def _shelf_law(raw: str) -> str:
    from caveat.law import shelf

    return (shelf.shelf().resolve(raw) or "") if shelf.COMPILED.is_file() else ""


def disputed() -> dict[str, tuple[str, ...]]:
    """Every disputed word with its readings; empty where the law has not been compiled yet."""
    from caveat.law import shelf

    if not shelf.COMPILED.is_file():
        return {}
    law = shelf.shelf()
    return {word: law.word(word).ids() for word in law.word_ids()}
