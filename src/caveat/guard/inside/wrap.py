"""Puts a look before or after a function of a library without changing what it takes, gives or raises.

What goes wrong in a look is told and changes nothing; only a refusal passes through.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .run import run

After = Callable[[Any, tuple[Any, ...], dict[str, Any]], None]
Before = Callable[[tuple[Any, ...], dict[str, Any]], None]
#: Marks a wrapper, so that nothing is wrapped twice when a module is loaded again.
MARK = "_caveat_wrapped"


def quietly(what: str, look: Callable[..., Any], *given: Any) -> Any:
    """The result of a look, or None with the trouble told; under --strict trouble refuses the run when it is judged."""
    try:
        return look(*given)
    except Exception as fault:
        run().tell(f"could not look at {what} ({type(fault).__name__}); it is not seen")
        return None


def after(holder: Any, name: str, look: After, outermost: str = "", group: str = "") -> None:
    """Look at what a function, method or class method gave. `outermost` names a group of functions that call each
    other: only the one that people called is looked at; `group` marks such a group, and every call is looked at."""
    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            if outermost and getattr(run().inside, outermost, False):
                return original(*args, **kwargs)
            made = _within(outermost or group, original, args, kwargs)
            quietly(name, look, made, args, kwargs)
            return made

        return call

    _put(holder, name, around)


def before(holder: Any, name: str, look: Before, group: str = "") -> None:
    """Look at what a method is going to do; a refusal (SystemExit) passes through. `group` is marked meanwhile."""
    def around(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            quietly(name, look, args, kwargs)
            return _within(group, original, args, kwargs)

        return call

    _put(holder, name, around)


def _within(group: str, original: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    former = getattr(run().inside, group, False) if group else False
    if not group or former:
        return original(*args, **kwargs)
    setattr(run().inside, group, True)
    try:
        return original(*args, **kwargs)
    finally:
        setattr(run().inside, group, False)


def _put(holder: Any, name: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace one attribute of its own, whatever sort of method it is."""
    held = vars(holder).get(name)
    if held is None or getattr(held, MARK, False) or getattr(getattr(held, "__func__", None), MARK, False):
        return
    sort = type(held) if isinstance(held, (classmethod, staticmethod)) else None
    call = around(held.__func__ if sort else held)
    setattr(call, MARK, True)
    setattr(holder, name, sort(call) if sort else call)


def argument(args: tuple[Any, ...], kwargs: dict[str, Any], place: int, *names: str) -> Any:
    """One argument by its place or by one of its names; None if it was not given."""
    for name in names:
        if name in kwargs:
            return kwargs[name]
    return args[place] if len(args) > place else None
