"""The whole law library as pages to browse: an index that can be searched, a page a licence, a page a disputed word.

Pages come out of what `explain` says, so that they cannot drift from it.
"""

from __future__ import annotations

from caveat.flows.effects import asked, effects_of, in_short, sort_of
from caveat.flows.explaining import law_page, word_page
from caveat.law.rule import Law
from caveat.law.shelf import Shelf, shelf
from caveat.report.reference import Entry, index_page, page_name, whole_page

#: Effects (by their short names) that a line of the index shows.
TELLING = ("run commercially", "ship a fine-tune", "host", "train on answers", "sell an app with it", "publish answers",
           "train a rival", "train no rival", "train on it")


def library() -> dict[str, str]:
    """Every page: file name -> HTML. The first is index.html."""
    law = shelf()
    entries = [*(_of_law(law, law.law(id)) for id in law.ids()), *(_of_word(law, w) for w in law.word_ids())]
    links = {e.id: page_name(e) for e in entries}
    pages = {page_name(e): whole_page(e, links) for e in entries}
    return {"index.html": index_page(entries), **pages}


def _of_law(shelf: Shelf, law: Law) -> Entry:
    lets = " · ".join(f"{e.short} {in_short(asked(e, law.id))[0]}" for e in effects_of([law]) if e.short in TELLING)
    rules = " ".join(f"{r.at} {r.id} {r.gist}" for r in law.rules)
    names = " ".join(n for n in shelf.names() if shelf.resolve(n) == law.id)
    return Entry(law.id, law.name, sort_of(law), law.publisher, lets, f"{names} {law.spdx} {rules}",
                 law_page(shelf, law), "weak" if law.weak else "")


def _of_word(shelf: Shelf, word: str) -> Entry:
    known = shelf.word(word)
    says = " ".join(f"{r.id} {r.means} {r.held_by}" for r in known.readings)
    return Entry(word, known.ask, "disputed words", "", " | ".join(known.ids()), says, word_page(shelf, known))
