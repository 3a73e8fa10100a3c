"""What a chat template may spend: steps, letters and seconds, counted while it runs; past them it is stopped.

    metered(tree)   writes the calls that count into a template's syntax tree: one into every loop, macro and block,
                    one around every list, text sum and thing looped over
    Budget          counts; `Spent` is raised where it is used up

A nested list of references can stand for more than memory holds, so what is made is weighed when it is made.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

#: Steps of one rendering, letters written in it (buffers count again), seconds it takes, letters in a single text.
STEPS, LETTERS, SECONDS, TEXT = 5_000_000, 64 << 20, 10.0, 16 << 20
RANGE, NUMBER, STEP_LETTERS = 100_000, 10_000, 64

#: A field that says how wide it wants to be, or reaches into its value.
ODD_FIELD = re.compile(r"\{[^{}]*[:!.\[]")


class Spent(Exception):
    """The budget is used up: by what, in words."""


class Budget:
    """Counts for one rendering at a time; the template's owner holds a lock."""

    def __init__(self) -> None:
        self.fresh()

    def fresh(self) -> None:
        self.steps, self.letters, self.until = STEPS, LETTERS, time.monotonic() + SECONDS

    def tick(self, static: int = 0) -> str:
        """One round of a loop, call or block whose own text has `static` letters."""
        self._spend(1, static)
        return ""

    def charge(self, text: str) -> None:
        self._spend(1, len(text))

    def _spend(self, steps: int, letters: int = 0) -> None:
        self.steps -= steps
        self.letters -= letters
        if self.steps < 0:
            raise Spent(f"more than {STEPS:,} steps")
        if self.letters < 0:
            raise Spent(f"more than {LETTERS:,} letters")
        if time.monotonic() > self.until:
            raise Spent(f"more than {SECONDS:.0f} seconds")

    def bounded(self, value: Any) -> Any:
        """The value, weighed; what comes one at a time is counted as it comes."""
        if hasattr(value, "__next__"):
            return self._counted(value)
        self._spend(_weight(value, self.steps))
        return value

    def _counted(self, values: Iterator[Any]) -> Iterator[Any]:
        for value in values:
            self._spend(1)
            yield value

    def written(self, value: Any) -> Any:
        """What an expression writes, weighed before it becomes text."""
        self._spend(_weight(value, self.steps), len(value) if isinstance(value, str) else 0)
        return value

    def range(self, *args: int) -> range:
        made = range(*args)
        if len(made) > RANGE:
            raise Spent(f"a range of {len(made):,}")
        return made

    def allow(self, name: str, on: Any, args: tuple[Any, ...]) -> None:
        """Refuses a call whose result would be endless: pieces times what is put between them."""
        for arg in (on, *args):
            self._spend(_weight(arg, self.steps))
        if any(isinstance(arg, int) and abs(arg) > NUMBER for arg in args):
            raise Spent(f"{name} with a number past {NUMBER:,}")
        if name == "replace" and len(args) > 1 and isinstance(on, str):
            old, new = str(args[0]), str(args[1])
            if (on.count(old) if old else len(on) + 1) * len(new) > TEXT:
                raise Spent("replace makes too long a text")
        between = {"join": (on, args), "indent": (args[0] if args else "", (on,))}.get(name)
        if between and isinstance(between[0], str) and between[1]:
            items = between[1][0]
            if len(between[0]) * (len(items) if hasattr(items, "__len__") else RANGE) > TEXT:
                raise Spent(f"{name} makes too long a text")

    def formatted(self, text: str, plain: Callable[..., str]) -> Callable[..., str]:
        """`text.format`, where its fields are plain ones and what they make is bounded."""
        if ODD_FIELD.search(text):
            raise Spent("texts are formatted with widths or parts")

        def filled(*args: Any, **kwargs: Any) -> str:
            values = (*args, *kwargs.values())
            longest = max((len(v) if isinstance(v, str) else STEP_LETTERS * _weight(v, self.steps) for v in values),
                          default=0)
            if text.count("{") * longest > TEXT:
                raise Spent("format makes too long a text")
            return str(self.bounded(plain(*args, **kwargs)))

        return filled

    def filter(self, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
        """A filter whose arguments are weighed before and whose result after."""
        at = 1 if hasattr(plain, "jinja_pass_arg") else 0

        @wraps(plain)
        def weighed(*args: Any, **kwargs: Any) -> Any:
            value, rest = args[at], (*args[at + 1:], *kwargs.values())
            # `[...]|join(", ")` is `", ".join([...])`: the check wants the text first.
            joined = name == "join" and rest
            self.allow(name, rest[0] if joined else value, (value,) if joined else rest)
            return self.bounded(plain(*args, **kwargs))

        return weighed

    def json(self, write: Callable[..., str]) -> Callable[..., str]:
        def weighed(value: Any, *args: Any, **kwargs: Any) -> str:
            self._spend(_weight(value, self.steps))
            return str(self.bounded(write(value, *args, **kwargs)))

        return weighed


def _weight(value: Any, most: int) -> int:
    """How many steps a value is worth: one a thing, one a few dozen letters; counting stops past `most`."""
    total, stack = 0, [value]
    while stack and total <= most:
        one = stack.pop()
        total += 1
        if isinstance(one, str):
            if len(one) > TEXT:
                raise Spent(f"a text of {len(one):,} letters")
            total += len(one) // STEP_LETTERS
        elif isinstance(one, dict):
            stack.extend(one.values())
        elif isinstance(one, (list, tuple)):
            stack.extend(one)
        elif isinstance(one, range):
            total += len(one)
    return total


def metered(tree: Any, environment: Any) -> Any:
    """The tree with its meters: nothing loops, calls itself or makes a list without being counted."""
    from jinja2 import nodes

    def called(name: str, *args: Any) -> Any:
        return nodes.Call(nodes.EnvironmentAttribute(name), list(args), [], None, None)

    def visit(node: Any) -> Any:
        for field, value in node.iter_fields():
            if isinstance(value, list):
                setattr(node, field, [visit(v) if isinstance(v, nodes.Node) else v for v in value])
            elif isinstance(value, nodes.Node):
                setattr(node, field, visit(value))
        if isinstance(node, (nodes.For, nodes.Macro, nodes.CallBlock, nodes.Block)):
            static = sum(len(t.data) for t in node.find_all(nodes.TemplateData))
            node.body.insert(0, nodes.ExprStmt(called("charge", nodes.Const(static))))
        if isinstance(node, nodes.For):
            node.iter = called("bounded", node.iter)
        made = isinstance(node, (nodes.Concat, nodes.List, nodes.Dict)) or \
            (isinstance(node, nodes.Tuple) and node.ctx == "load")
        return called("bounded", node) if made else node

    metered_tree = visit(tree)
    metered_tree.set_environment(environment)
    for node in metered_tree.find_all(nodes.Node):
        node.lineno = node.lineno or 1
    return metered_tree
