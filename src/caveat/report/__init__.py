"""The room that says it: one file per form, each with a `render`, none of which judges.

A form is imported when it is asked for, so that a terminal answer never pays for a web page.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from caveat.report.outline import Answer

#: Name of the form -> (module of this room, whether it is laid out for a terminal's width).
FORMS: dict[str, tuple[str, bool]] = {
    "html": ("html", False),
    "json": ("json_form", False),
    "markdown": ("markdown", False),
    "terminal": ("terminal", True),
}


def render(form: str, answer: Answer, width: int = 80, colour: bool = False, encoding: str = "utf-8") -> str:
    """The answer in one form. `width` in terminal cells; `colour` and `encoding` matter to the terminal only.

    Raises KeyError for a form that is not in FORMS: the command line offers only those.
    """
    module, laid_out = FORMS[form]
    speak: Any = import_module(f"{__name__}.{module}").render
    return str(speak(answer, width, colour, encoding) if laid_out else speak(answer))
