"""Reads YAML that strangers wrote into a small frozen tree, within bounds and without building any object.

The tree keeps every line number and every value as written (`language: no` stays "no"), so that a claim can
point at its place and a word never turns into a truth value.

    read(text, "README.md", first_line=2) -> Tree(root, problems)

Built from parser events with a stack of our own: PyYAML's composer recurses, and deep input would end the
process. What stands before a syntax error is kept; the error is a Problem, never an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from caveat.lineage.claims import Problem

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NULL_WORDS = frozenset({"", "~", "null", "Null", "NULL"})
MERGE_KEY = "<<"


class Limits(NamedTuple):
    """Bounds of one document: bytes of text, nesting depth, nodes after aliases are expanded."""

    size: int = 1 << 20
    depth: int = 40
    nodes: int = 50_000


LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value exactly as written. `null` is True for an empty plain value, `~` and `null`."""

    text: str
    line: int
    null: bool = False

    def strings(self) -> tuple[str, ...]:
        return () if self.null else (self.text,)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    values: tuple[Node, ...]
    line: int

    def strings(self) -> tuple[str, ...]:
        """The scalars directly inside, nulls left out."""
        return tuple(v.text for v in self.values if isinstance(v, Scalar) and not v.null)

    def __iter__(self) -> Iterator[Node]:
        return iter(self.values)


class Entry(NamedTuple):
    """One key of a mapping, its line, and its value."""

    key: str
    line: int
    value: Node


@dataclass(frozen=True, slots=True)
class Mapping:
    """A map in written order. A key written twice is kept twice; `get` gives the first."""

    entries: tuple[Entry, ...]
    line: int

    def get(self, key: str) -> Node | None:
        return next((e.value for e in self.entries if e.key == key), None)

    def items(self) -> tuple[Entry, ...]:
        return self.entries

    def keys(self) -> tuple[str, ...]:
        return tuple(e.key for e in self.entries)

    def text(self, key: str, default: str = "") -> str:
        """The scalar under `key` as written, or `default`."""
        value = self.get(key)
        return value.text if isinstance(value, Scalar) and not value.null else default

    def strings(self, key: str | None = None) -> tuple[str, ...]:
        """Under `key`: one scalar or the scalars of a list. Without a key: the scalar values here."""
        if key is not None:
            value = self.get(key)
            return value.strings() if isinstance(value, (Scalar, Sequence)) else ()
        return tuple(t for e in self.entries if isinstance(e.value, Scalar) for t in e.value.strings())


Node = Scalar | Sequence | Mapping


class Tree(NamedTuple):
    """What was read (None: nothing at all) and what was wrong with it."""

    root: Node | None
    problems: tuple[Problem, ...] = ()

    @property
    def mapping(self) -> Mapping:
        """The root if it is a mapping, else an empty one: callers need no branch."""
        return self.root if isinstance(self.root, Mapping) else Mapping((), 1)


def scalars(node: Node | None, key: str = "") -> Iterator[tuple[str, Scalar]]:
    """Every non-null scalar below `node` with its path ("datasets[1].path"), in written order."""
    stack: list[tuple[str, Node]] = [(key, node)] if node is not None else []
    while stack:
        path, here = stack.pop()
        if isinstance(here, Scalar):
            if not here.null:
                yield path, here
        elif isinstance(here, Sequence):
            stack.extend((f"{path}[{i}]", v) for i, v in reversed(list(enumerate(here.values))))
        else:
            stack.extend((f"{path}.{e.key}" if path else e.key, e.value) for e in reversed(here.entries))


def read(text: str, file: str, first_line: int = 1, limits: Limits = LIMITS) -> Tree:
    """The first document of `text` as a tree; `first_line` is the line of the file on which `text` begins."""
    if len(text) > limits.size or len(text.encode("utf-8", "replace")) > limits.size:
        large = Problem(file, f"YAML of more than {limits.size} bytes", first_line, "it was not read")
        return Tree(None, (large,))
    clean = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    builder = _build(clean, file, first_line, limits)
    if builder.tabbed:
        again = _build(clean.replace("\t", "  "), file, first_line, limits)
        note = Problem(file, "a tab inside YAML", builder.error_line, "tabs were read as blanks")
        return Tree(again.result(), (note, *again.problems))
    return Tree(builder.result(), tuple(builder.problems))


def _build(text: str, file: str, first_line: int, limits: Limits) -> _Builder:
    builder = _Builder(file, first_line - 1, limits)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            if not builder.take(event):
                break
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        builder.broken(error, text)
    return builder


@dataclass(slots=True)
class _Open:
    """A mapping or list that is still being read."""

    is_map: bool
    line: int
    anchor: str | None
    values: list[Node] = field(default_factory=list)
    keys: list[tuple[str, int]] = field(default_factory=list)  # one more than values while a value is awaited
    size: int = 1


class _Builder:
    """Takes events one by one; stops (False) at the first document's end or at a bound."""

    def __init__(self, file: str, offset: int, limits: Limits) -> None:
        self.file, self.offset, self.limits = file, offset, limits
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.problems: list[Problem] = []
        self.nodes = 0
        self.tabbed, self.refused = False, False
        self.error_line: int | None = None

    def take(self, event: yaml.Event) -> bool:
        mark: Any = event.start_mark
        line = mark.line + 1 + self.offset
        if isinstance(event, yaml.ScalarEvent):  # nine events of ten
            null = event.implicit[0] and event.value in NULL_WORDS
            return self._add(Scalar(event.value, line, bool(null)), 1, event.anchor, line)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            return self._open(isinstance(event, yaml.MappingStartEvent), line, event.anchor)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", line)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            return self._close()
        return not isinstance(event, yaml.DocumentEndEvent)

    def _open(self, is_map: bool, line: int, anchor: str | None) -> bool:
        if len(self.stack) >= self.limits.depth:
            return self._refuse(f"YAML nested deeper than {self.limits.depth}", line)
        self.stack.append(_Open(is_map, line, anchor))
        return True

    def _close(self) -> bool:
        done = self.stack.pop()
        return self._add(self._node(done), done.size, done.anchor, done.line)

    def _node(self, done: _Open) -> Node:
        if not done.is_map:
            return Sequence(tuple(done.values), done.line)
        entries = [Entry(k, line, v) for (k, line), v in zip(done.keys, done.values)]
        return Mapping(tuple(_merged(self._distinct(entries))), done.line)

    def _distinct(self, entries: list[Entry]) -> list[Entry]:
        seen: set[str] = set()
        for e in entries:
            if e.key in seen and e.key != MERGE_KEY:
                what = f"the key {e.key!r} stands twice"
                self.problems.append(Problem(self.file, what, e.line, "both are kept"))
            seen.add(e.key)
        return entries

    def _alias(self, anchor: str, line: int) -> bool:
        if anchor not in self.anchors:
            return self._refuse("an alias inside its own anchor", line)
        node, size = self.anchors[anchor]
        return self._add(node, size, None, line)

    def _add(self, node: Node, size: int, anchor: str | None, line: int) -> bool:
        self.nodes += 1
        holder = self.stack[-1] if self.stack else None
        if self.nodes > self.limits.nodes or (holder.size if holder else 0) + size > self.limits.nodes:
            return self._refuse(f"YAML that unfolds to more than {self.limits.nodes} values", line)
        if anchor:
            self.anchors[anchor] = (node, size)
        if holder is None:
            self.root = node
        elif holder.is_map and len(holder.keys) == len(holder.values):
            holder.keys.append((node.text if isinstance(node, Scalar) else "?", line))
        else:
            holder.values.append(node)
            holder.size += size
        return True

    def _refuse(self, what: str, line: int) -> bool:
        self.refused = True
        self.problems.append(Problem(self.file, what, line, "the whole block was not read"))
        return False

    def broken(self, error: Exception, text: str) -> None:
        mark = getattr(error, "problem_mark", None)
        if mark:
            self.error_line = mark.line + 1 + self.offset
            self.tabbed = "\t" in "".join(text.splitlines()[mark.line : mark.line + 1])
        what = str(getattr(error, "problem", None) or error).splitlines()[0][:160]
        instead = "what stands before it was read" if self.stack or self.root else "nothing was read"
        self.problems.append(Problem(self.file, f"not YAML: {what}", self.error_line, instead))

    def result(self) -> Node | None:
        """The root, or, after a syntax error, whatever was complete; nothing after a bound was hit."""
        if self.refused:
            return None
        while self.stack:
            if not self._close():
                return None
        return self.root


def _merged(entries: list[Entry]) -> Iterator[Entry]:
    """Entries with `<<: *other` unfolded behind the keys written here, which win."""
    own = {e.key for e in entries}
    yield from (e for e in entries if e.key != MERGE_KEY)
    for e in entries:
        if e.key == MERGE_KEY:
            sources = e.value.values if isinstance(e.value, Sequence) else (e.value,)
            yield from (x for s in sources if isinstance(s, Mapping) for x in s.entries if x.key not in own)
