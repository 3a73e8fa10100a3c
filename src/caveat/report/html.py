"""The answer as one page to hand on: no script, nothing loaded, readable on a phone, on paper and by a screen reader.

Jinja2 escapes everything, and before that every text is made visible; the page's own policy forbids all the rest.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from caveat.report import words
from caveat.report.escape import visible
from caveat.report.outline import Answer, foot_blocks, graph_of, hot_edges, sections, tally
from caveat.report.picture import draw, drawn_role, swatch
from caveat.verdict.answer import Graph, Report

HERE = Path(__file__).parent


def render(answer: Answer) -> str:
    """The whole answer as an HTML document."""
    # The template is ours and rendered once; only values come from others, and every one passes `_seen`.
    page = Environment(autoescape=True, undefined=StrictUndefined, finalize=_seen, trim_blocks=True)
    return page.from_string(HERE.joinpath("page.html").read_text("utf-8")).render(_values(answer)) + "\n"


def _seen(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _values(answer: Answer) -> dict[str, Any]:
    """Everything the page asks for; what an answer lacks is empty, never undefined."""
    style = _style()
    return {
        "words": words,
        "answer": answer,
        "judged": not isinstance(answer, Graph),
        "report": isinstance(answer, Report),
        "title": _title(answer),
        "style": Markup(style),
        "br": Markup("<br>"),
        "in_order": lambda duties: sorted(duties, key=words.duty_order),
        "style_hash": Markup(b64encode(sha256(style.encode()).digest()).decode()),
        "sections": () if isinstance(answer, Graph) else sections(answer),
        "tally": "" if isinstance(answer, Graph) else tally(answer),
        "blocks": () if isinstance(answer, Graph) else foot_blocks(answer),
        **{part: getattr(answer, part, ()) for part in ("plans", "declared", "may")},
        **_drawing(answer),
    }


def _drawing(answer: Answer) -> dict[str, Any]:
    graph = graph_of(answer)
    present = {drawn_role(n).split("/", 1)[0] for n in graph.nodes}
    return {
        "picture": Markup(draw(graph, hot_edges(answer))) if graph.nodes else "",
        "legend": [(role, Markup(swatch(role))) for role in words.ROLES if role in present] + _free(present),
    }


def _free(present: set[str]) -> list[tuple[str, Markup]]:
    return [("no role", Markup(swatch("free")))] if "" in present else []


def _title(answer: Answer) -> str:
    return "Lineage" if isinstance(answer, Graph) else f"{words.sign(answer.verdict)}: {words.named(answer.subject)}"


def _style() -> str:
    """The style sheet, with the dark fills of the roles from their table."""
    rows = "".join(
        f".p-{role}{{fill:{look.dark};stroke:color-mix(in srgb,{look.line} 55%,white)}}"
        for role, look in {**words.ROLES, "free": words.FREE}.items()
    )
    return HERE.joinpath("page.css").read_text("utf-8") + f"@media (prefers-color-scheme:dark){{{rows}}}\n"
