"""Worlds: one settlement of every doubt. A world starts empty and grows; a doubt is asked only where its values differ.

Inside a world conditions are two-valued. Before a doubt is settled, a test may come out the same under every value;
then it is not asked at all (this keeps most questions at one world).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

from caveat.errors import TooManyWorlds

T = TypeVar("T")
MOST_WORLDS = 10_000
Tri = bool | None  # None = open: it hangs on a doubt that is not settled yet


class Need(Exception):
    """Raised inside an evaluation that cannot go on without this doubt."""

    def __init__(self, doubt: str) -> None:
        self.doubt = doubt


class World:
    """Settled values of doubts (words and facts); `domains` says which values each doubt may take."""

    __slots__ = ("domains", "opened", "values")

    def __init__(self, domains: Mapping[str, tuple[str, ...]], values: Mapping[str, str]) -> None:
        self.domains, self.values = domains, values
        self.opened: list[str] = []

    def varies(self, doubt: str, test: Callable[[str], Tri]) -> Tri:
        """`test` of the doubt's value; the common answer if all values agree; else open, and remembered as opened."""
        if doubt in self.values:
            return test(self.values[doubt])
        answers = {test(v) for v in self.domains[doubt]}
        if len(answers) == 1:
            return answers.pop()
        self.opened.append(doubt)
        return None

    def settle(self, answer: Callable[[], Tri]) -> bool:
        """A two-valued answer, or Need of the first doubt that keeps it open."""
        self.opened.clear()
        value = answer()
        if value is None:
            raise Need(self.opened[0])
        return value

    def ask(self, doubt: str, test: Callable[[str], bool]) -> bool:
        """`test` of the doubt, asked only if its values differ."""
        return self.settle(lambda: self.varies(doubt, test))


def grow(domains: Mapping[str, tuple[str, ...]], f: Callable[[World], T]) -> list[tuple[dict[str, str], T]]:
    """All leaves of `f`: it is run in growing worlds until none needs more. Raises TooManyWorlds past the bound."""
    todo: list[dict[str, str]] = [{}]
    leaves: list[tuple[dict[str, str], T]] = []
    while todo:
        values = todo.pop()
        try:
            leaves.append((values, f(World(domains, values))))
        except Need as need:
            todo += [{**values, need.doubt: v} for v in reversed(domains[need.doubt])]
        if len(todo) + len(leaves) > MOST_WORLDS:
            raise TooManyWorlds(
                f"more than {MOST_WORLDS} worlds: settle one of {', '.join(sorted({k for w in todo for k in w}))}"
            )
    return leaves


def all_of(answers: Iterable[Tri]) -> Tri:
    """Three-valued and: False beats open beats True."""
    result: Tri = True
    for a in answers:
        if a is False:
            return False
        if a is None:
            result = None
    return result


def any_of(answers: Iterable[Tri]) -> Tri:
    """Three-valued or: True beats open beats False."""
    result: Tri = False
    for a in answers:
        if a is True:
            return True
        if a is None:
            result = None
    return result


def no(answer: Tri) -> Tri:
    return None if answer is None else not answer
