"""The room that says it: one file per form, each with a `render`, none of which judges.

A form is imported when it is asked for, so that a terminal answer never pays for a web page.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from importlib import import_module
from typing import Any

from caveat.report.outline import Answer

#: Name of the form -> (module of this room, whether it is laid out for a terminal's width).
FORMS: dict[str, tuple[str, bool]] = {
    "gitlab": ("gitlab", False),
    "html": ("html", False),
    "json": ("json_form", False),
    "junit": ("junit", False),
    "markdown": ("markdown", False),
    "sarif": ("sarif", False),
    "terminal": ("terminal", True),
}

#: Forms that are one document whatever many answers there are; the others stand one after another.
TOGETHER = ("gitlab", "junit", "sarif")
#: What stands between answers of the other forms.
BETWEEN = {"json": "\n", "markdown": "\n---\n\n"}


def render(form: str, answer: Answer, width: int = 80, colour: bool = False, encoding: str = "utf-8") -> str:
    """The answer in one form. `width` in terminal cells; `colour` and `encoding` matter to the terminal only.

    Raises KeyError for a form that is not in FORMS: the command line offers only those.
    """
    module, laid_out = FORMS[form]
    speak: Any = import_module(f"{__name__}.{module}").render
    return str(speak(answer, width, colour, encoding) if laid_out else speak(answer))


def render_all(form: str, answers: Sequence[Answer], wanted: Set[str], width: int = 80, colour: bool = False) -> str:
    """Several answers in one form. `wanted` is what makes a check fail (verdicts and states of duties)."""
    if form in TOGETHER:
        return str(import_module(f"{__name__}.{FORMS[form][0]}").render_all(answers, wanted))
    return BETWEEN.get(form, "\n").join(render(form, a, width, colour).rstrip("\n") for a in answers)
