"""Cards for what was made here: front matter that hubs read, and sections that say what one may do with it.

A card is the place where terms get lost; these sections are written from the verdict, so they cannot say less than it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from caveat.report import words
from caveat.report.escape import for_code, for_markdown
from caveat.report.markdown import mermaid
from caveat.report.outline import hot_edges
from caveat.verdict.answer import May, Report

#: Words that YAML takes for something other than text, and the form of texts that need no quotes.
NOT_TEXT = frozenset("true false yes no on off null none y n ~".split())
BARE = re.compile(r"[A-Za-z][\w./-]*(?: [\w./-]+)*")
MOST_STEPS = 60
Section = tuple[str, str]  # title, body in Markdown; an empty body is left out


def front(mapping: Mapping[str, object]) -> str:
    """YAML front matter with its fences: texts, numbers, truths, lists and maps of these; empty values are left out."""
    lines = [line for key, value in mapping.items() for line in _entry(key, value, "")]
    return "\n".join(("---", *lines, "---")) + "\n"


def _entry(key: str, value: object, indent: str) -> Iterator[str]:
    if value is None or value == "" or value == () or value == [] or value == {}:
        return
    if isinstance(value, Mapping):
        yield f"{indent}{_scalar(key)}:"
        for k, v in value.items():
            yield from _entry(str(k), v, indent + "  ")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield f"{indent}{_scalar(key)}:"
        for item in value:
            yield from _item(item, indent)
    else:
        yield f"{indent}{_scalar(key)}: {_scalar(value)}"


def _item(item: object, indent: str) -> Iterator[str]:
    if isinstance(item, Mapping):
        lines = [line for k, v in item.items() for line in _entry(str(k), v, "")]
        yield from (f"{indent}{'- ' if n == 0 else '  '}{line}" for n, line in enumerate(lines))
    else:
        yield f"{indent}- {_scalar(item)}"


def _scalar(value: object) -> str:
    """A text bare where YAML reads it as just that, else in JSON's quotes, which YAML reads as well."""
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    text = str(value)
    return text if BARE.fullmatch(text) and text.lower() not in NOT_TEXT else json.dumps(text)


def may_section(report: Report) -> str:
    """What one may do with the asset as it stands, as a table, with the law files that this rests on."""
    if not report.may:
        return ""
    rows = [f"| {for_markdown(m.act)} | {words.sign(m.verdict)} | {_owed(m)} |" for m in report.may]
    near = _near(report)
    law = ", ".join(f"{for_markdown(u.licence)} (checked {for_markdown(u.checked)})" for u in report.law
                    if u.licence in near)
    foot = f"Rests on: {law}. *{words.DISCLAIMER}*" if law else f"*{words.DISCLAIMER}*"
    return "\n".join(("| to | | what is owed, or stands against it |", "| --- | --- | --- |", *rows, "", foot))


def _near(report: Report) -> frozenset[str]:
    """The licences that the table cites, and those of the asset and of what it was made from."""
    cited = {c.licence for m in report.may for c in (*m.rules, *(d.cited for d in m.duties))}
    parents = {report.subject, *(e.parent for e in report.graph.edges if e.child == report.subject)}
    return frozenset(cited | {law for n in report.graph.nodes if n.id in parents for law in n.licences})


def _owed(m: May) -> str:
    return "<br>".join(for_markdown(line) for line in words.may_says(m))


def lineage_section(report: Report) -> str:
    """What it was made from: one line a step, and the drawing."""
    edges = report.graph.edges[:MOST_STEPS]
    if not edges:
        return ""
    steps = [f"- {for_code(e.child)} ← **{for_markdown(e.act)}** ← {for_code(e.parent)}"
             f"{f', by {for_markdown(words.named(e.by, 40))}' if e.by else ''}" for e in edges]
    rest = len(report.graph.edges) - len(edges)
    more = [f"- … and {rest} more"] if rest > 0 else []
    return "\n".join((*steps, *more, "", *mermaid(report.graph, hot_edges(report))))


def card(front_matter: str, title: str, sections: Iterable[Section]) -> str:
    """The whole card. `front_matter` is what `front` gave; sections without a body are left out."""
    body = "".join(f"\n## {for_markdown(name)}\n\n{text.strip()}\n" for name, text in sections if text.strip())
    return f"{front_matter}\n# {for_markdown(title)}\n{body}"
