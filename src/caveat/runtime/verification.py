"""Whether rows, files and statement of a folder belong together, and if not, which file and which row do not.

    statement --digests--> files --run id, generator--> rows --digests (--verifiable)--> statement

Nothing here is signed: a statement cannot prove itself. Whoever can write the folder can write it all anew, and what is
compared is only that its parts agree with each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from caveat.runtime.provenance import CROISSANT_FILE
from caveat.runtime.row_scan import Row, RowsDigest, counted, rows_of
from caveat.runtime.rows import file_digest

#: Faults of one file that are told one by one; ids that are kept to find repeated rows.
MOST_FAULTS, MOST_IDS = 20, 2_000_000
UNPROVEN = ("No statement here is signed. That its parts agree is shown; who wrote them, and that all of them were not "
            "written anew together, is not.")


class Subject(NamedTuple):
    """One file of a statement: where it should lie (relative to the folder), its digest, and its rows if it has any."""

    file: str
    sha256: str
    rows: int = 0
    bytes: int = -1


class Stated(NamedTuple):
    """One statement, as far as it is needed here; `file` is where it was read."""

    file: str
    run_id: str
    generator: str
    subjects: tuple[Subject, ...]
    rows: int = 0
    errors: int = 0
    rows_sha256: str = ""  # "" = not --verifiable
    amiss: tuple[str, ...] = ()  # what contradicts itself in it


class Fault(NamedTuple):
    """One thing that does not belong. kind: missing | added | changed | row | removed | repeated | statement | card."""

    kind: str
    file: str
    what: str
    row: int | None = None  # from 1

    def to_dict(self) -> dict[str, Any]:
        return self._asdict()


class Wrote(NamedTuple):
    """Which rows came from which model: one line of the table."""

    generator: str
    run_id: str
    rows: int
    files: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {**self._asdict(), "files": list(self.files)}


class Verified(NamedTuple):
    """What was found; `faults` empty = everything agrees."""

    folder: str
    statements: tuple[str, ...]
    files: int
    rows: int
    wrote: tuple[Wrote, ...]
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        return {"caveat": 1, "folder": self.folder, "agrees": not self.faults, "statements": list(self.statements),
                "files": self.files, "rows": self.rows, "wrote": [w.to_dict() for w in self.wrote],
                "faults": [f.to_dict() for f in self.faults], "notes": list(self.notes), "unproven": UNPROVEN}


def verified(folder: Path, stated: Iterable[Stated], data: Iterable[str]) -> Verified:
    """Holds the files of rows (`data`, relative to the folder) to what is stated. Streams; memory does not grow with
    the rows but for their ids (up to 2,000,000). Raises OSError for what cannot be read."""
    return _Comparison(folder, tuple(stated)).of(tuple(data))


class _Comparison:
    """One comparison: what was stated, and what the rows turned out to say."""

    def __init__(self, folder: Path, stated: tuple[Stated, ...]) -> None:
        self.folder, self.stated = folder, stated
        self.subjects = {s.file: (s, st) for st in stated for s in st.subjects}
        self.by_digest = {s.sha256: s.file for st in stated for s in st.subjects}
        self.by_run = {st.run_id: st for st in stated}
        self.whole = any(st.rows_sha256 for st in stated)
        self.digests = {st.run_id: RowsDigest() for st in stated if st.rows_sha256}
        self.counts: Counter[tuple[str, str, str]] = Counter()  # generator, run, file
        self.ids: dict[str, dict[int, tuple[str, int]]] = {}  # run -> hash of an id -> file and row
        self.data: tuple[str, ...] = ()
        self.faults: list[Fault] = []
        self.changed: list[Fault] = []  # of files: forgiven where the rows are shown to be the same
        self.notes: list[str] = []
        self.found: set[str] = set()

    def of(self, data: tuple[str, ...]) -> Verified:
        for st in self.stated:
            self.faults += [Fault("statement", st.file, what) for what in st.amiss]
        self._twice()
        self.data = data
        for file in data:
            self._file(file)
        self._missing(frozenset(data))
        self._runs()
        wrote = self._wrote()
        return Verified(str(self.folder), tuple(st.file for st in self.stated), len(data), sum(w.rows for w in wrote),
                        wrote, tuple(self.faults), tuple(self.notes))

    def _twice(self) -> None:
        told: dict[str, str] = {}
        for st in self.stated:
            if told.setdefault(st.run_id, st.file) != st.file:
                self.faults.append(Fault("statement", st.file, f"tells run {st.run_id} as {told[st.run_id]} does"))

    def _file(self, file: str) -> None:
        digest = file_digest(self.folder / file)
        subject, st = self.subjects.get(file, (None, None))
        same = subject is not None and subject.sha256 == digest
        if subject is None and digest in self.by_digest and self.by_digest[digest] not in self.found:
            self.notes.append(f"{file} is {self.by_digest[digest]} under another name")
            self.found.add(self.by_digest[digest])
            same = True
        elif subject is None:
            self.changed.append(Fault("added", file, "no statement knows this file"))
        elif st is not None and not same:
            self.changed.append(Fault("changed", file, f"is not the file of {st.file}: its digest differs"))
        self.found.add(file)
        count = self._rows(file, same)
        if subject is not None and count != subject.rows and not same:
            self.changed.append(Fault("changed", file, f"holds {count} rows, {subject.rows} are stated"))

    def _rows(self, file: str, same: bool) -> int:
        """Every row against the statement of its run; returns how many there are."""
        if same and not self.whole and (quick := self._counted(file)):
            return quick
        count, before = 0, len(self.faults)
        for row in rows_of(self.folder / file, self.whole):
            count += not row.odd
            self.counts[row.generator, row.run_id, file] += not row.odd
            told = [*self._row(file, row), *(() if same else self._repeated(file, row))]
            if len(self.faults) - before < MOST_FAULTS:
                self.faults += told
            elif told and len(self.faults) - before == MOST_FAULTS:
                self.faults.append(Fault("row", file, "more rows that do not belong; they are not listed"))
        return count

    def _counted(self, file: str) -> int:
        """The rows of a file whose bytes are those stated, by columns; 0 where a row has to be looked at."""
        words = counted(self.folder / file) if file.endswith(".parquet") else Counter()
        if any(run not in self.by_run or self.by_run[run].generator != who for who, run in words):
            return 0
        self.counts.update({(who, run, file): n for (who, run), n in words.items()})
        return sum(words.values())

    def _row(self, file: str, row: Row) -> list[Fault]:
        if row.odd:
            return [Fault("row", file, row.odd, row.number)]
        st = self.by_run.get(row.run_id)
        if row.digest and row.run_id in self.digests:
            self.digests[row.run_id].add(row.digest)
        said = self._said(row, st)
        if row.said_digest and row.said_digest != row.digest:
            said.append("was changed: it is not what its own digest says")
        return [Fault("row", file, what, row.number) for what in said]

    def _said(self, row: Row, st: Stated | None) -> list[str]:
        if not row.generator or not row.run_id:
            return ["names no generator" if not row.generator else "names no run"]
        if st is None:
            return [f"is of run {row.run_id[:100]}, of which no statement tells"] if self.stated else []
        if row.generator != st.generator:
            return [f"names {row.generator[:200]}; run {st.run_id} was {st.generator}"]
        return []

    def _repeated(self, file: str, row: Row) -> list[Fault]:
        if not row.id or row.odd:
            return []
        seen = self.ids.setdefault(row.run_id, {})
        if len(seen) >= MOST_IDS:
            return []
        first = seen.setdefault(hash(row.id), (file, row.number))
        if first == (file, row.number):
            return []
        return [Fault("repeated", file, f"repeats the id {row.id[:80]!r} of {first[0]} row {first[1]}", row.number)]

    def _missing(self, data: frozenset[str]) -> None:
        for file, (subject, st) in self.subjects.items():
            if file in self.found or file in data:
                continue
            path = self.folder / file
            if not path.is_file():
                self.changed.append(Fault("missing", file, f"is stated by {st.file} and is not here"))
            elif file_digest(path) != subject.sha256:
                self.faults.append(Fault("changed", file, f"is not the file of {st.file}: its digest differs"))

    def _runs(self) -> None:
        """Rows of each run as a whole; faults of files count only where their rows are not shown to be the same."""
        shown = bool(self.digests)
        for st in self.stated:
            count = sum(n for (_, run, _), n in self.counts.items() if run == st.run_id)
            alike = st.run_id in self.digests and self.digests[st.run_id].hex() == st.rows_sha256
            shown = shown and alike
            if count != st.rows:
                self._removed(st, count)
            elif st.rows_sha256 and not alike:
                self.faults.append(Fault("row", st.file, f"the rows of run {st.run_id} are not those that are stated, "
                                         "or stand in another order"))
        if shown and self.changed and not any(f.kind == "row" for f in self.faults):
            self.notes += [f"{f.file} {f.what}: written anew; the rows are those that are stated" for f in self.changed]
        else:
            self.faults += self.changed

    def _removed(self, st: Stated, count: int) -> None:
        self.faults.append(Fault("removed" if count < st.rows else "repeated", st.file,
                                 f"run {st.run_id} wrote {st.rows} rows; {count} are here"))
        gap = self._gap(st, count) if count < st.rows else []
        if gap:
            failed = f" ({st.errors} of these may be rows that failed)" if st.errors else ""
            self.faults.append(Fault("removed", st.file, f"no row has the id {', '.join(map(str, gap))}{failed}"))

    def _gap(self, st: Stated, count: int) -> list[int]:
        """Ids that are missing, where ids are the places of rows counted from 0 and few enough are gone to be named."""
        if st.rows > MOST_IDS or st.rows - count > MOST_FAULTS:
            return []
        ids = [r.id for f in self.data for r in rows_of(self.folder / f, False) if r.run_id == st.run_id]
        if not all(i.isdecimal() and len(i) < 12 for i in ids):
            return []
        return sorted(set(range(st.rows + st.errors)) - set(map(int, ids)))[:MOST_FAULTS + st.errors]

    def _wrote(self) -> tuple[Wrote, ...]:
        table: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for (generator, run, file), n in self.counts.items():
            if n:
                table.setdefault((generator, run), []).append((file, n))
        return tuple(Wrote(g, r, sum(n for _, n in files), tuple(f for f, _ in files))
                     for (g, r), files in sorted(table.items()))


def croissant_faults(told: Mapping[str, Any], subjects: Mapping[str, str], file: str = CROISSANT_FILE) -> list[Fault]:
    """Files in Croissant metadata whose digest is not the one that is stated. `subjects`: file -> SHA-256 (hex)."""
    listed = told.get("distribution")
    objects = [d for d in listed if isinstance(d, dict)] if isinstance(listed, list) else []
    return [Fault("card", file, f"{str(d.get('contentUrl'))[:200]}: another digest than the statement's")
            for d in objects[:10_000] if isinstance(d.get("contentUrl"), str)
            and subjects.get(d["contentUrl"], d.get("sha256")) != d.get("sha256")]
