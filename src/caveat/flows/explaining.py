"""`caveat explain`: a licence in our words, a clause, a disputed word, a Hugging Face tag, and what the library holds.

Everything comes out of the law files; what a licence lets you do is asked, never written down a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from caveat.errors import SettingsError, nearest
from caveat.flows.effects import asked, effects_of, in_words, sort_of
from caveat.law.rule import Condition, Law, Rule, Test, Word, words_in
from caveat.law.shelf import Shelf, shelf
from caveat.verdict.document import Document, Part, heading, listed, table, text


def explain(what: str) -> Document:
    """A licence (`llama-2`), a clause (`llama-2/1.b.v`), a disputed word, or what a label on the hub means.

    Raises SettingsError for what nobody knows, with the nearest known words.
    """
    law = shelf()
    if what in law.word_ids():
        return word_page(law, law.word(what))
    whole = law.resolve(what)
    if whole is not None and (whole != "unknown" or what.lower() == whole):
        return law_page(law, law.law(whole), what)
    name, _, clause = what.partition("/")
    id = law.resolve(name)
    return _clause_page(law.law(id), clause) if id is not None and clause else _tag_page(law, what)


def _tag_page(law: Shelf, what: str) -> Document:
    row = law.tag(what)
    if row is None and what.strip().lower() in law.raw("licence_names"):
        return Document(what, (text(f"The license_name {what!r} is known, but no law file is written for it."),),
                        {"license_name": what, "law": "unknown"})
    if row is None:
        known = [*law.names(), *law.word_ids(), *law.tags()]
        raise SettingsError(f"nothing is known as {what!r}", nearest(what.lower(), known))
    reason = {"family": "it names a family, not a member", "unwritten": "no law file is written yet",
              "silent": "it says nothing"}.get(row.get("why", ""), row.get("why", ""))
    says = f"The Hugging Face tag {what!r} ({row['name']}) is unknown: {reason}. Unknown is not permission."
    return Document(what, (text(says),), {"tag": what, **row})


def law_page(shelf: Shelf, law: Law, asked_as: str = "") -> Document:
    """A whole licence: what it is, what it lets you do, its clauses and the words that are disputed in it."""
    facts = [f"published by {law.publisher}" if law.publisher else "",
             f"in force since {law.since}" if law.since else "", f"SPDX {law.spdx}" if law.spdx else "",
             f"binds by {law.binds}", f"text: {law.source}" if law.source else "", _read(law),
             "its terms move over time" if law.rolling else "", f"own law: {law.own}" if law.own else ""]
    parts = [text("; ".join(f for f in facts if f) + ".")]
    parts += [text(_label(shelf, law, asked_as))] if _label(shelf, law, asked_as) else []
    parts += [text(f"Weak: {law.weak}")] if law.weak else []
    lets = [(e.label, in_words(asked(e, law.id))) for e in effects_of([law])]
    parts += [heading("What it lets you do"), table(("you", "verdict"), lets)]
    parts += [heading("Clauses, in our words"), _rules_table(r for r in law.rules if not r.standing)]
    standing = [f"{r.at}: {r.gist}" for r in law.rules if r.standing]
    parts += [heading("Always, while you hold it"), listed(standing)] if standing else []
    used = disputed_in(law, shelf)
    parts += [heading("Words that are disputed in it"),
              table(("word", "readings"), [(w, " | ".join(shelf.word(w).ids())) for w in used])] if used else []
    parts.append(text("Not legal advice; the text itself is at its source."))
    return Document(f"{law.id}: {law.name}", tuple(parts), _law_data(law, used, lets))


def _read(law: Law) -> str:
    """When it was checked, against what text."""
    if not law.checked:
        return "not checked against a text"
    return f"checked {law.checked} against {law.against or 'its source'}" + (
        f" (sha256 {law.sha256[:16]}...)" if law.sha256 else "")


def _label(shelf: Shelf, law: Law, said: str) -> str:
    """What the word that was asked about is on the hub, if it is not the licence's own id."""
    low, row = said.strip().lower(), shelf.tag(said)
    if row is not None and low != law.id:
        return f"The Hugging Face tag {said!r} ({row['name']}) means {law.id}. {row.get('note', '')}".strip()
    if low in shelf.raw("licence_names"):
        return f"The license_name {said!r} on a model card means {law.id}."
    return ""


def _law_data(law: Law, used: list[str], lets: Iterable[tuple[str, str]]) -> dict[str, Any]:
    return {"licence": law.id, "name": law.name, "publisher": law.publisher, "spdx": law.spdx, "binds": law.binds,
            "since": law.since, "checked": law.checked, "against": law.against, "sha256": law.sha256,
            "weak": law.weak, "own": law.own, "effects": [{"effect": a, "outcome": b} for a, b in lets],
            "rules": [_rule_data(r) for r in law.rules], "disputed": used}


def _rule_data(r: Rule) -> dict[str, Any]:
    return {"rule": r.id, "clause": r.at, "says": r.says, "do": list(r.do), "on": list(r.on), "to": list(r.to),
            "when": condition_words(r.when), "unless": condition_words(r.unless), "gist": r.gist,
            "standing": r.standing}


def _rules_table(rules: Iterable[Rule]) -> Part:
    return table(("clause", "says", "in our words", "when / unless"),
                 [(r.at, r.says, r.gist, _limits(r)) for r in rules])


def _limits(r: Rule) -> str:
    when, unless = condition_words(r.when), condition_words(r.unless)
    return "; ".join(filter(None, (f"when {when}" if when else "", f"unless {unless}" if unless else "")))


def condition_words(condition: Condition) -> str:
    """A condition in words: "commercial = yes and product = no, or sued = yes"."""
    return ", or ".join(" and ".join(_test_words(t) for t in ands) for ands in condition)


def _test_words(t: Test) -> str:
    sign = {"over": ">", "at_most": "<=", "under": "<", "at_least": ">="}.get(t.op)
    if sign:
        return f"{t.key} {sign} {t.value:,}"
    if t.key == "made-from":
        return f"all it is made from is {t.value[0]}"
    return f"{'rule' if t.key == 'rule' else t.key} = {' or '.join(t.value)}"


def disputed_in(law: Law, shelf: Shelf) -> list[str]:
    """The disputed words that this law's rules, cells and demands use."""
    return sorted(words_in(law) & set(shelf.word_ids()))


def _clause_page(law: Law, clause: str) -> Document:
    """A clause, with its letters below it: 1.b shows 1.b.i as well."""
    rules = [r for r in law.rules if r.at == clause or r.at.startswith(clause + ".") or r.id == clause]
    if not rules:
        raise SettingsError(f"{law.id} has no clause {clause!r}", nearest(clause, [*(r.at for r in law.rules)]))
    parts: list[Part] = []
    for r in rules:
        reach = f"It {r.says.replace('ends', 'ends for')}: {', '.join(r.do)}; on {', '.join(r.on)}"
        parts += [heading(f"{law.id} §{r.at}  {r.id}"), text(r.gist),
                  text(reach + (f"; to {', '.join(r.to)}" if r.to else "") + ".")]
        parts += [text(_limits(r).capitalize() + ".")] if _limits(r) else []
    return Document(f"{law.id} §{clause}", tuple(parts), {"licence": law.id, "rules": [_rule_data(r) for r in rules]})


def word_page(shelf: Shelf, word: Word) -> Document:
    """A disputed word: its question, its readings with who holds them, and the licences that use it."""
    rows = [(r.id, r.means, r.held_by) for r in word.readings]
    presumed = [text(f"Presumed: {word.presumed} (--presume nothing to ask).")] if word.presumed else []
    used = [id for id in shelf.ids() if word.word in words_in(shelf.law(id))]
    return Document(
        f"disputed word: {word.word}",
        (text(word.ask), table(("reading", "means", "held by"), rows), *presumed,
         text(f"Used in: {', '.join(used) or 'no licence yet'}."),
         text(f"Settle it with --read {word.word}=READING, or [settle.{word.word}] in caveat.toml.")),
        {"word": word.word, "ask": word.ask, "licences": used, "readings": [
            {"id": r.id, "means": r.means, "held_by": r.held_by} for r in word.readings]},
    )


def index() -> Document:
    """Every licence and disputed word that there is a file for."""
    law = shelf()
    rows = [(id, law.law(id).name, law.law(id).publisher) for id in law.ids()]
    words = [(w, law.word(w).ask) for w in law.word_ids()]
    parts = (table(("id", "name", "publisher"), rows), heading("Disputed words"), table(("word", "asks"), words))
    return Document(f"{len(rows)} licences, {len(words)} disputed words", parts,
                    {"licences": [r[0] for r in rows], "words": [w[0] for w in words]})


def stats() -> Document:
    """What the library holds: licences by sort, rules, words, tags decided, and which tables are weak."""
    law = shelf()
    laws = [law.law(id) for id in law.ids()]
    counts = {
        "licences": len(laws), "rules": sum(len(x.rules) for x in laws),
        "standing rules": sum(r.standing for x in laws for r in x.rules), "cases inside the files": _cases(),
        "disputed words": len(law.word_ids()), "readings": sum(len(law.word(w).ids()) for w in law.word_ids()),
        "names that are known": len(law.names()), "license_name values": len(law.raw("licence_names")),
    }
    tags = law.tags()
    open_tags = {t: row.get("why", "") for t, row in tags.items() if row["law"] == "unknown"}
    sorts = Counter(map(sort_of, laws)).most_common()
    weak = {x.id: x.weak for x in laws if x.weak}
    unread = [x.id for x in laws if not x.sha256 and x.id not in ("unknown", "web")]
    parts = [
        table(("what", "how many"), [(k, f"{v:,}") for k, v in counts.items() if v]),
        heading("Licences by sort"), table(("sort", "licences"), [(s, str(n)) for s, n in sorts]),
        heading("Hugging Face tags"), text(f"{len(tags)} of {len(tags)} decided: {len(tags) - len(open_tags)} mean a "
                                           f"licence, {len(open_tags)} are unknown, each with its reason."),
        table(("reason", "tags"), _by_reason(open_tags)),
        heading("Weak tables"), listed(f"{id}: {why}" for id, why in weak.items()),
        heading("Without the hash of a whole text"), text(", ".join(unread) + "."),
        heading("Own law"), text(_own_words(law)),
    ]
    data = {**{k.replace(" ", "_"): v for k, v in counts.items()}, "sorts": dict(sorts), "weak": weak,
            "tags": {"decided": len(tags), "of": len(tags), "unknown": open_tags}, "without_text": unread,
            "own": law.own()}
    return Document(f"{len(laws)} licences, {counts['rules']} rules", tuple(parts), data)


def _by_reason(tags: dict[str, str]) -> list[tuple[str, str]]:
    reasons = dict.fromkeys(tags.values())
    return [(r, ", ".join(t for t, why in tags.items() if why == r)) for r in reasons]


def _cases() -> int:
    """How many cases the sources hold; 0 where only the compiled form is installed."""
    from caveat.law.compile import Sources

    src = Sources()
    return sum(len(src.cases(id)) for id in src.sources)


def _own_words(law: Shelf) -> str:
    own = [f"{name} ({folder})" for sort in law.own().values() for name, folder in sort.items()]
    return f"On top of what ships: {', '.join(own)}." if own else "None: everything here ships with Caveat."
