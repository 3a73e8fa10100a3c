"""Does a rule meet an event, in this world? The only place where rules are read; three-valued until doubts settle."""

from __future__ import annotations

from caveat.law.rule import Condition, Law, Rule, Test
from caveat.law.words import CONTAINED_IN, FACTS, competes
from caveat.verdict.bind import Pair, cell_at, seen_role
from caveat.verdict.event import Event
from caveat.verdict.inquiry import Inquiry, holds, in_force, purposes
from caveat.verdict.world import Tri, World, all_of, any_of, no


class Matcher:
    """Puts the rules of one law to one event and one pair."""

    __slots__ = ("event", "inquiry", "law", "pair", "role", "world")

    def __init__(self, inquiry: Inquiry, event: Event, pair: Pair, world: World) -> None:
        self.inquiry, self.event, self.pair, self.world = inquiry, event, pair, world
        self.law: Law = inquiry.law_of(pair.law)
        self.role = seen_role(pair, event.act, event.target)

    def meets(self, rule: Rule) -> Tri:
        """Whether the rule applies: act, role, kind, conditions, and no exception."""
        if not in_force(rule, self.inquiry.date_of(self.event)):
            return False
        if not (self.could(rule) and self._acted(rule) is not False):
            return False
        limiting = rule.says == "may"
        return all_of((
            self._acted(rule), self._to(rule), self.condition(rule.when, limiting, True),
            no(self.condition(rule.unless, True, False)),
        ))

    def could(self, rule: Rule) -> bool:
        """Cheap: the rule's role or an `also` of its words may reach this pair."""
        return self._on(rule) or any(w in self.inquiry.words for w in rule.do)

    def excused_by(self, rule: Rule) -> list[Rule]:
        """The `may` rules named by `unless.rule` that lift this one here."""
        named = [t.value[0] for ands in rule.unless for t in ands if t.key == "rule"]
        return [r for r in map(self.law.rule, named) if self.meets(r)]

    def short(self, rule: Rule) -> bool:
        """A grant that speaks of this act in this role, whatever its conditions."""
        return self._on(rule) and bool(set(rule.do) & set(self.event.acts))

    def _acted(self, rule: Rule) -> Tri:
        on = self._on(rule)
        if on and set(rule.do) & set(self.event.acts):
            return True
        words = [w for w in rule.do if w in self.inquiry.words]
        return any_of(self._word_acts(w, on) for w in words)

    def _word_acts(self, word: str, on: bool) -> Tri:
        def covers(reading_id: str) -> bool:
            reading = self.inquiry.word_of(word).reading(reading_id)
            base = self.role.partition("/")[0]
            direct = on and bool(set(reading.acts) & set(self.event.acts))
            return direct or any((a, base) in reading.also for a in self.event.acts)

        return self.word(word, covers)

    def _on(self, rule: Rule) -> bool:
        base = self.role.partition("/")[0]
        if self.role in rule.on or base in rule.on:
            return True
        return rule.contained and any(base in CONTAINED_IN.get(on, ()) for on in rule.on)

    def _to(self, rule: Rule) -> Tri:
        return any_of(self._target(t) for t in rule.to) if rule.to else True

    def _target(self, to: str) -> Tri:
        if to in self.inquiry.words:
            return self.word(to, lambda r: self._reads_target(to, r))
        if to == "language-model" and self.event.target == "small-language-model":
            return True
        return to in ("any", self.event.kind) or (self.event.kind == "model" and to == self.event.target)

    def _reads_target(self, word: str, reading: str) -> bool:
        targets = self.inquiry.word_of(word).reading(reading).targets
        return self.event.kind == "model" and ("any" in targets or self.event.target in targets)

    def condition(self, condition: Condition, limiting: bool, if_empty: bool) -> Tri:
        if not condition:
            return if_empty
        return any_of(all_of(self._test(t, limiting) for t in ands) for ands in condition)

    def _test(self, test: Test, limiting: bool) -> Tri:
        if test.key == "made-from":
            return self._made_from(test.value[0])
        if test.key == "rule":
            return self.meets(self.law.rule(test.value[0]))
        if test.key in self.inquiry.words:
            return self.word(test.key, lambda r: r in test.value)
        return self._fact(test, limiting)

    def _made_from(self, family: str) -> Tri:
        """Every base, before the act, is of the family; else the word same-family, if the step makes a derivative."""
        bases = self.event.base_families
        if bases and all(family in f for f in bases):
            return True
        cell = cell_at(self.law, self.role, self.event.act)
        if cell is None:
            return False
        then = cell.then.partition("/")[0] == "derivative"
        other = cell.other.partition("/")[0] == "derivative"
        derives: Tri = then if not cell.word else self.word(cell.word, lambda r: then if r in cell.readings else other)
        return all_of((derives, self.word("same-family", lambda r: r == "any-part")))

    def word(self, word: str, test: object) -> Tri:
        """A test of a disputed word's reading: settled, presumed, or varying over readings."""
        inquiry = self.inquiry
        if word in inquiry.readings:
            return test(inquiry.readings[word])  # type: ignore[operator,no-any-return]
        presumed = inquiry.word_of(word).presumed
        if presumed and inquiry.presume:
            inquiry.noted[word] = presumed
            return test(presumed)  # type: ignore[operator,no-any-return]
        return self.world.varies(word, test)  # type: ignore[arg-type]

    def _fact(self, test: Test, limiting: bool) -> Tri:
        name = test.key
        said = self._said(name)
        if name == "purpose":
            return self._purpose(test, said, limiting)
        if said is not None:
            return holds(test, said)
        presumed = FACTS[name].presumed
        if presumed is not None and self.inquiry.presume:
            if holds(test, presumed) or FACTS[name].type != "date":
                self.inquiry.noted[name] = presumed
            return holds(test, presumed)
        return self.world.varies(name, lambda v: holds(test, v))

    def _purpose(self, test: Test, said: str | None, limiting: bool) -> Tri:
        if said is not None:
            wanted = [p in test.value for p in purposes(said)]
            return all(wanted) if limiting else any(wanted)
        if not limiting and self.inquiry.presume:
            self.inquiry.noted["purpose"] = "ordinary"
            return "ordinary" in test.value
        return self.world.varies("purpose", lambda v: v in test.value)

    def _said(self, name: str) -> str | None:
        """What is known of a fact: from the event, from what was said, or from the lineage; None = not said."""
        inquiry, event = self.inquiry, self.event
        derived = {
            "date": inquiry.date_of(event), "target": event.target if event.kind == "model" else "",
            "multimodal": event.multimodal, "modified": "yes" if self.pair.base_role == "derivative" else "no",
            "accepted": "yes" if self.pair.law in inquiry.accepted else "", "channel": inquiry.channel,
            "hosted": "yes" if event.subject_kind == "service" else "no",
        }
        if name in ("date", "modified", "target", "hosted"):
            return derived[name] or inquiry.facts.get(name)
        said = inquiry.facts.get(name) or derived.get(name) or None
        if name == "competes" and said is None:
            kind, way = (self._said(fact) or "" for fact in ("target", "channel"))
            return competes(inquiry.readings.get("compete", ""), kind, way)
        if said is not None and name in ("sued", "permission"):
            return self._about_law(name, said)
        return said

    def _about_law(self, name: str, said: str) -> str:
        """`sued = llama-2` and `permission = llama-2` speak of one law (or family) only."""
        if said in ("yes", "no", "patent", "copyright"):
            return said
        return "yes" if said in (self.law.id, *self.law.family) else "no"
