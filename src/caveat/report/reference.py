"""The law library as pages without a server: every page whole by itself, the index searched by a few lines of script.

Without scripts the index is a plain list in sections. INVARIANT: the policy of each page names the hashes of its own
style and script, so nothing else can run in it, whatever a law file or a name may hold.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from caveat.report.escape import for_html
from caveat.verdict.document import Document, Part

LONGEST = 4000


class Entry(NamedTuple):
    """One page of the library, and what the index says of it."""

    id: str
    title: str
    section: str
    by: str
    short: str  # one line of signs or readings
    search: str  # more words by which it is found
    page: Document
    mark: str = ""


STYLE = """
:root{color-scheme:light dark;--ink:#1c1d1f;--quiet:#5c6066;--line:#d8dade;--paper:#fff;--soft:#f4f5f7;--link:#0b57a4;
--no:#b3261e;--yes:#1b6e3c;--if:#8a5a00}
@media(prefers-color-scheme:dark){:root{--ink:#e9eaec;--quiet:#a3a8b0;--line:#3a3d42;--paper:#16171a;--soft:#202226;
--link:#8ab8ff;--no:#ff8a80;--yes:#7fd69c;--if:#f0c36a}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.55 system-ui,sans-serif;color:var(--ink);background:var(--paper);overflow-wrap:break-word}
main,header,footer{max-width:62rem;margin:0 auto;padding:0 1rem}
header{padding-top:1.2rem}footer{padding:2rem 1rem;color:var(--quiet);font-size:.9rem}
h1{font-size:1.5rem;line-height:1.25;margin:.3rem 0 .8rem}h2{font-size:1.12rem;margin:2rem 0 .5rem}
a{color:var(--link);text-decoration:none}a:hover,a:focus{text-decoration:underline}
p{margin:.5rem 0;max-width:46rem;overflow-wrap:anywhere}
ul.list b,ul.list small{overflow-wrap:anywhere}.quiet{color:var(--quiet)}
table{border-collapse:collapse;width:100%;font-size:.95rem}
th{text-align:left;color:var(--quiet);font-weight:600;border-bottom:2px solid var(--line);padding:.35rem .6rem .35rem 0}
td{vertical-align:top;border-bottom:1px solid var(--line);padding:.45rem .6rem .45rem 0}
td:first-child{min-width:5rem}
.no{color:var(--no)}.yes{color:var(--yes)}.if{color:var(--if)}
input{font:inherit;width:100%;padding:.6rem .8rem;border:1px solid var(--line);border-radius:.5rem;
background:var(--soft);color:inherit}
ul.list{list-style:none;margin:0;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:.6rem}
ul.list li{border:1px solid var(--line);border-radius:.6rem;padding:.6rem .8rem;background:var(--soft)}
ul.list b{display:block}ul.list small{display:block;color:var(--quiet);line-height:1.4}
[hidden]{display:none!important}
@media(max-width:40rem){table,tbody,tr,td{display:block}thead{display:none}tr{border-bottom:1px solid var(--line);
padding:.5rem 0}td{border:0;padding:.1rem 0}td:first-child{font-weight:600}
td:empty{display:none}td[data-h]:not(:first-child)::before{content:attr(data-h);display:block;font-size:.78rem;
color:var(--quiet)}}
"""

SCRIPT = """
(function () {
  var box = document.getElementById("q"), count = document.getElementById("n");
  var rows = [].slice.call(document.querySelectorAll("li[data-s]"));
  var parts = [].slice.call(document.querySelectorAll("section"));
  document.getElementById("find").hidden = false;
  function look() {
    var words = box.value.toLowerCase().split(/\\s+/).filter(Boolean), seen = 0;
    rows.forEach(function (row) {
      var text = row.getAttribute("data-s");
      row.hidden = !words.every(function (w) { return text.indexOf(w) >= 0; });
      seen += row.hidden ? 0 : 1;
    });
    parts.forEach(function (p) { p.hidden = !p.querySelector("li:not([hidden])"); });
    count.textContent = words.length ? seen + " of " + rows.length : "";
    try { history.replaceState(null, "", words.length ? "#" + encodeURIComponent(box.value) : "#"); } catch (e) {}
  }
  if (location.hash.length > 1) {
    try { box.value = decodeURIComponent(location.hash.slice(1)); } catch (e) {}
  }
  box.addEventListener("input", look);
  look();
}());
"""

#: The order of sections; others follow as they come.
SECTIONS = ("models", "hosted services", "data", "Creative Commons", "software", "no licence", "disputed words")

#: How a cell begins -> its colour; the word stays, colour is only added.
COLOURS = {"prohibited": "no", "unknown": "no", "depends": "if", "conditional": "if", "permitted": "yes",
           "must not": "no", "must": "if", "may": "yes", "ends": "no"}
_HEADS = re.compile(r"^(must not|must|may|ends|prohibited|unknown|depends|conditional|permitted)(?=$| \()")


def page_name(entry: Entry) -> str:
    """The file of an entry; `+` and the like are kept out of addresses."""
    sort = "word" if entry.section == "disputed words" else "licence"
    return f"{sort}-{re.sub(r'[^a-z0-9.-]', '_', entry.id)}.html"


def index_page(entries: Iterable[Entry]) -> str:
    """The list of everything, in sections, with a search that works where scripts do."""
    entries = list(entries)
    order = list(dict.fromkeys([*SECTIONS, *(e.section for e in entries)]))
    sections = [s for s in order if any(e.section == s for e in entries)]
    find = ('<p id="find" hidden><label>Search names, clauses and what they say<input id="q" type="search" '
            'autocomplete="off"></label> <span id="n" class="quiet" aria-live="polite"></span></p>')
    body = "".join(_section(s, [e for e in entries if e.section == s]) for s in sections)
    laws = sum(e.section != "disputed words" for e in entries)
    title = "What licences of models, data and services let you do"
    lead = (f"<p>{laws} licences and terms, {len(entries) - laws} disputed words, in our own words and by clause. The "
            "signs: ✓ permitted, ! duties are owed, ~ depends, ? unknown, ✗ prohibited.</p>")
    return _html(title, f"<header><h1>{title}</h1>{lead}{find}</header><main>{body}</main>", SCRIPT)


def _section(name: str, entries: list[Entry]) -> str:
    title, rows = for_html(name[0].upper() + name[1:]), "".join(map(_row, entries))
    return f'<section><h2>{title}</h2><ul class="list">{rows}</ul></section>'


def _row(e: Entry) -> str:
    words = for_html(" ".join((e.id, e.title, e.by, e.section, e.search)).lower(), 20_000)
    by = " · ".join(filter(None, (e.by, e.mark)))
    return (f'<li data-s="{words}"><a href="{page_name(e)}"><b>{for_html(e.id)}</b></a><small>{for_html(e.title)}'
            f'</small><small>{for_html(by)}</small><small>{for_html(e.short)}</small></li>')


def whole_page(entry: Entry, links: Mapping[str, str]) -> str:
    """One licence or word; ids of other pages in it are links."""
    title = for_html(entry.page.title)
    parts = "\n".join(_part(p, links) for p in entry.page.parts)
    return _html(title, f'<header><a href="index.html">← all licences and words</a><h1>{title}</h1></header>'
                        f"<main>{parts}</main>")


def _part(part: Part, links: Mapping[str, str]) -> str:
    if part.kind == "table":
        return _table(part, links)
    if part.kind == "list":
        return "<ul>" + "".join(f"<li>{_prose(row[0], links)}</li>" for row in part.rows) + "</ul>"
    if part.kind == "heading":
        return f"<h2>{for_html(part.rows[0][0])}</h2>"
    return f"<p>{_prose(part.rows[0][0], links)}</p>"


def _table(part: Part, links: Mapping[str, str]) -> str:
    head, *rows = part.rows
    cells = "".join(f"<th>{for_html(h)}</th>" for h in head)
    told = head if len(head) > 2 else ("",) * len(head)  # of two columns a phone needs no heads
    body = "".join("<tr>" + "".join(_cell(h, c, links) for h, c in zip(told, row)) + "</tr>" for row in rows)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"


def _cell(head: str, text: str, links: Mapping[str, str]) -> str:
    coloured = _HEADS.match(text)
    shown = _prose(text, links)
    if coloured:
        word = coloured.group(1)
        shown = f'<span class="{COLOURS[word]}">{word}</span>{_prose(text[len(word):], links)}'
    told = f' data-h="{for_html(head)}"' if head else ""
    return f"<td{told}>{shown}</td>"


_TOKEN = re.compile(r"https://[^\s;,()]+|[a-z0-9][a-z0-9.+-]*[a-z0-9+]")


def _prose(text: str, links: Mapping[str, str]) -> str:
    """Escaped text with links: to pages of the library by id (an id of several parts), and to https sources."""
    out, end = [], 0
    for found in _TOKEN.finditer(text):
        target = _target(found[0], links)
        if target:
            out += [for_html(text[end:found.start()], LONGEST), f'<a href="{target}">{for_html(found[0])}</a>']
            end = found.end()
    return "".join([*out, for_html(text[end:], LONGEST)])


def _target(token: str, links: Mapping[str, str]) -> str:
    if token.startswith("https://"):
        return for_html(token)
    return links.get(token, "") if "-" in token or token[-1].isdigit() else ""


def _html(title: str, body: str, script: str = "") -> str:
    policy = f"default-src 'none'; style-src '{_hash(STYLE)}'" + (f"; script-src '{_hash(script)}'" if script else "")
    tail = f"<script>{script}</script>" if script else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" '
        f'content="light dark"><title>{title}</title><style>{STYLE}</style></head>\n<body>{body}'
        f"<footer>Not legal advice; the texts themselves are at their sources.</footer>{tail}</body></html>\n"
    )


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
