"""`caveat explain` and `caveat compare`: a licence in our words, and two licences by what they let you do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from caveat.errors import SettingsError, nearest
from caveat.flows.asking import ask
from caveat.law.rule import Condition, Law, Rule, Test, Word
from caveat.law.shelf import Shelf, shelf
from caveat.verdict.answer import Verdict
from caveat.verdict.document import Document, Part, heading, listed, table, text


class Effect(NamedTuple):
    """One thing that people do, as a question about somebody's model, data set or service under a licence."""

    label: str
    question: str  # {x} = the thing under the licence


MODEL_EFFECTS = (
    Effect("run it", "run {x}"),
    Effect("run it commercially", "run {x} where commercial = yes"),
    Effect("fine-tune it", "finetune {x} on my-notes"),
    Effect("quantize and ship it", "quantize {x} and ship it"),
    Effect("ship a fine-tune", "finetune {x} on my-notes and ship it"),
    Effect("ship a fine-tune as Apache-2.0", "finetune {x} on my-notes and ship it as apache-2.0"),
    Effect("sell a fine-tune", "finetune {x} on my-notes and sell it"),
    Effect("host it", "serve {x} where commercial = yes"),
    Effect("put it into an app and sell that", "bundle {x} into my-app and sell it"),
    Effect("merge it with an Apache model and ship", "merge {x} and acme/other-7b under apache-2.0 and ship it"),
    Effect("publish its answers", "ship output of {x}"),
    Effect("train another model on its answers", "train my-lm on output of {x}"),
    Effect("train on its answers and sell", "train my-lm on output of {x} and sell it"),
    Effect("train on its answers found elsewhere", "train my-lm on found output of {x}"),
    Effect("let it judge training data", "annotate my-data with {x} then train my-lm on it"),
    Effect("distil it into another model", "distil {x} into my-lm"),
)
DATA_EFFECTS = (
    Effect("train on it", "train my-lm on {x}"),
    Effect("train on it commercially", "train my-lm on {x} where commercial = yes"),
    Effect("train on it and ship as Apache-2.0", "train my-lm on {x} and ship it as apache-2.0"),
    Effect("filter it and ship", "filter {x} and ship it"),
    Effect("sell it", "sell {x}"),
)
SERVICE_EFFECTS = (
    Effect("call it", "run {x}"),
    Effect("build it into a product and sell that", "bundle {x} into my-app and sell it"),
    Effect("publish its answers", "ship output of {x}"),
    Effect("train a model that competes on its answers", "train my-lm on output of {x} where competes = yes"),
    Effect("train one that does not compete", "train my-lm on output of {x} where competes = no"),
    Effect("train on its answers found elsewhere", "train my-lm on found output of {x} where competes = yes"),
    Effect("use it as a judge of a benchmark", "evaluate my-lm with {x} where competes = yes"),
    Effect("distil it into another model", "distil {x} into my-lm where competes = yes"),
)


def explain(what: str) -> Document:
    """A licence (`llama-2`), a clause (`llama-2/1.b.v`), a disputed word or a Hugging Face tag. Raises SettingsError."""
    law = shelf()
    name, _, clause = what.partition("/")
    if what in law.word_ids():
        return _word_page(law.word(what))
    id = law.resolve(name)
    if id is None:
        return _tag_page(law, what)
    return _clause_page(law.law(id), clause) if clause else _law_page(law, law.law(id))


def _tag_page(law: Shelf, what: str) -> Document:
    row = law.tag(what)
    if row is None:
        known = [*law.names(), *law.word_ids(), *law.tags()]
        raise SettingsError(f"nothing is known as {what!r}", nearest(what.lower(), known))
    reason = {"family": "it names a family, not a member", "unwritten": "no law file is written yet",
              "silent": "it says nothing"}.get(row.get("why", ""), row.get("why", ""))
    says = f"The Hugging Face tag {what!r} ({row['name']}) is unknown: {reason}. Unknown is not permission."
    return Document(what, (text(says),), {"tag": what, **row})


def _law_page(shelf: Shelf, law: Law) -> Document:
    facts = [f"published by {law.publisher}" if law.publisher else "", f"in force since {law.since}" if law.since else "",
             f"SPDX {law.spdx}" if law.spdx else "", f"binds by {law.binds}", f"text: {law.source}" if law.source else "",
             f"checked {law.checked} against {law.against}" if law.checked else "not checked against a text",
             "its terms move over time" if law.rolling else ""]
    parts = [text("; ".join(f for f in facts if f) + ".")]
    parts += [text(f"Weak: {law.weak}")] if law.weak else []
    parts += [heading("Clauses, in our words"), _rules_table(r for r in law.rules if not r.standing)]
    standing = [f"{r.at}: {r.gist}" for r in law.rules if r.standing]
    parts += [heading("Always, while you hold it"), listed(standing)] if standing else []
    used = disputed_in(law, shelf)
    parts += [heading("Words that are disputed in it"),
              table(("word", "readings"), [(w, " | ".join(shelf.word(w).ids())) for w in used])] if used else []
    parts.append(text("Not legal advice; the text itself is at its source."))
    return Document(f"{law.id}: {law.name}", tuple(parts), _law_data(law, used))


def _law_data(law: Law, used: list[str]) -> dict[str, Any]:
    return {"licence": law.id, "name": law.name, "publisher": law.publisher, "spdx": law.spdx, "binds": law.binds,
            "since": law.since, "checked": law.checked, "against": law.against, "weak": law.weak,
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
    known = set(shelf.word_ids())
    used = {t.key for r in law.rules for ands in (*r.when, *r.unless) for t in ands}
    used |= {w for r in law.rules for w in (*r.do, *r.to)}
    used |= {c.word for row in law.roles.values() for c in row.values()} | {d.word for d in law.outbound}
    return sorted(used & known)


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


def _word_page(word: Word) -> Document:
    rows = [(r.id, r.means, r.held_by) for r in word.readings]
    presumed = [text(f"Presumed: {word.presumed} (--presume nothing to ask).")] if word.presumed else []
    return Document(
        f"disputed word: {word.word}",
        (text(word.ask), table(("reading", "means", "held by"), rows), *presumed,
         text(f"Settle it with --read {word.word}=READING, or [settle.{word.word}] in caveat.toml.")),
        {"word": word.word, "ask": word.ask, "readings": [
            {"id": r.id, "means": r.means, "held_by": r.held_by} for r in word.readings]},
    )


def compare(*licences: str) -> Document:
    """Licences side by side, by effect: differences first. Raises SettingsError for a licence nobody knows."""
    laws = [_known(name) for name in licences]
    effects = effects_of(laws)
    rows = [(e.label, [outcome(e, law.id, law.root) for law in laws]) for e in effects]
    apart = [r for r in rows if len(set(r[1])) > 1]
    same = [r for r in rows if len(set(r[1])) == 1]
    head = ("you", *(law.id for law in laws))
    parts = [heading("Where they differ"), table(head, [(a, *b) for a, b in apart])] if apart else [
        text("No difference in what they let you do, among the acts compared.")]
    parts += [heading("Where they agree"), table(("you", "all"), [(a, b[0]) for a, b in same])] if same else []
    data = {"licences": [law.id for law in laws],
            "effects": [{"effect": a, "outcomes": dict(zip([x.id for x in laws], b)), "differs": len(set(b)) > 1}
                        for a, b in [*apart, *same]]}
    return Document(" against ".join(law.id for law in laws), tuple(parts), data)


def _known(name: str) -> Law:
    law = shelf()
    id = law.resolve(name)
    if id is None:
        raise SettingsError(f"no licence is known as {name!r}", nearest(name.lower(), law.names()))
    return law.law(id)


def effects_of(laws: Iterable[Law]) -> tuple[Effect, ...]:
    """The acts to compare: those of services if any law is about one, data acts besides model acts otherwise."""
    roots = {law.root for law in laws}
    if roots == {"service"}:
        return SERVICE_EFFECTS
    return (*MODEL_EFFECTS, *(e._replace(label=f"data set: {e.label}") for e in DATA_EFFECTS))


def outcome(effect: Effect, licence: str, root: str) -> str:
    """The verdict of one act under one licence, with what is owed: "conditional: 1.b.i, 1.b.iii"."""
    thing = "acme/data" if effect.label.startswith("data set") else "acme/some-7b"
    answer = ask(effect.question.format(x=f"{thing} under {licence}"))
    return verdict_words(answer)


def verdict_words(answer: Verdict) -> str:
    duties = [d for f in answer.findings for d in f.duties]
    owed = dict.fromkeys(d.cited.clause + ("" if d.owed == "always" else "?") for d in duties)
    hangs = dict.fromkeys(d.about for f in answer.findings for d in f.doubts if d.effect == "verdict")
    more = [f"on {', '.join(hangs)}" if hangs else "", f"owed {', '.join(owed)}" if owed else ""]
    tail = "; ".join(filter(None, more))
    return f"{answer.verdict} ({tail})" if tail else answer.verdict


def index() -> Document:
    """Every licence and disputed word that there is a file for."""
    law = shelf()
    rows = [(id, law.law(id).name, law.law(id).publisher) for id in law.ids()]
    words = [(w, law.word(w).ask) for w in law.word_ids()]
    parts = (table(("id", "name", "publisher"), rows), heading("Disputed words"), table(("word", "asks"), words))
    return Document(f"{len(rows)} licences, {len(words)} disputed words", parts,
                    {"licences": [r[0] for r in rows], "words": [w[0] for w in words]})
