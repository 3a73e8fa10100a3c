"""A question becomes a small imagined lineage: what the asker makes, what others made, and what is done with it.

Every node is named in plain words ("output of gpt-4"), so that findings and "read as" speak the asker's language.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import NamedTuple, Protocol

from caveat.errors import QuestionError, nearest
from caveat.evidence.sentence import LABELLING, Licences, Plan, Question, Thing
from caveat.law.words import ACTS, COUNTRY_GROUPS, FACTS, PURPOSES
from caveat.lineage.claims import AssetClaim, Claim, LicenceClaim, Place, Problem, StepClaim, UseClaim

YOU, SOMEONE = "you", "someone else"
SAID = Place("declared", "question")


class Names(Protocol):
    """What the reader asks about names: the catalogue and the shelf, behind one door."""

    def resolve(self, name: str) -> str | None: ...
    def claims(self, id: str, day: date | None) -> tuple[Claim, ...]: ...
    def is_service(self, id: str) -> bool: ...
    def not_held(self, id: str, day: date) -> tuple[str, ...] | None: ...
    def nearest(self, name: str) -> list[str]: ...
    def readings(self, word: str) -> tuple[str, ...]: ...
    def words(self) -> list[str]: ...


class PlanRead(NamedTuple):
    """One plan in words, the nodes it made, and which of the uses are its own (from, to)."""

    words: str
    nodes: frozenset[str]
    uses: tuple[int, int]


class Imagined(NamedTuple):
    """What was understood: claims for the lineage, uses by plan, facts, readings, and the choices that are open."""

    read_as: str
    subject: str
    claims: tuple[Claim, ...]
    uses: tuple[UseClaim, ...]
    plans: tuple[PlanRead, ...]
    facts: dict[str, str]
    readings: dict[str, str]
    offers: tuple[tuple[tuple[str, ...], ...], ...]  # per use: the sets of licences it may be offered under
    presumed: tuple[str, ...]  # assets presumed the asker's own, or free of their publisher's terms
    problems: tuple[Problem, ...] = ()  # what could not be known


class _Act(NamedTuple):
    """How a two-place act uses its operands: edge of the things, edge of the others, and which preposition is which."""

    makes: str  # kind, "" = a use
    thing: str  # act on the edge from (or use of) each thing
    other: str  # act on the edge from (or use of) what follows the preposition
    model_first: bool = False  # the things are taught: known ones give a base edge, new ones are the result


TWO_PLACE: dict[str, _Act] = {
    "train": _Act("model", "finetune", "train", model_first=True),
    "finetune": _Act("model", "finetune", "train", model_first=True),
    "adapt": _Act("model", "adapt", "train", model_first=True),
    "distil": _Act("model", "distil", "finetune"),
    "merge": _Act("model", "merge", "merge"),
    "prune": _Act("model", "prune", "train"),
    "quantize": _Act("model", "quantize", "run"),
    "convert": _Act("model", "convert", "run"),
    "copy": _Act("same", "copy", "run"),
    "generate": _Act("dataset", "mix", "generate"),
    "annotate": _Act("dataset", "mix", "annotate"),
    "filter": _Act("dataset", "filter", "annotate"),
    "mix": _Act("dataset", "mix", "mix"),
    "bundle": _Act("product", "bundle", "bundle"),
    "evaluate": _Act("", "evaluate", "evaluate"),
    "retrieve": _Act("", "retrieve", "run"),
    "run": _Act("", "run", "run"),
    "serve": _Act("", "serve", "serve"),
    "ship": _Act("", "ship", "ship"),
    "sell": _Act("", "sell", "sell"),
    "name": _Act("", "name", "name"),
}
PAST = {"train": "trained", "finetune": "finetuned", "adapt": "adapted", "distil": "distilled", "merge": "merged",
        "prune": "pruned", "quantize": "quantized", "convert": "converted", "copy": "copy", "annotate": "annotated",
        "filter": "filtered", "mix": "mixed", "bundle": "bundled", "generate": "output"}
DATA_NOUNS = frozenset("data answers output outputs samples text texts pairs examples it".split())
TARGET_NAMES = (("reward", "reward-model"), ("classifier", "classifier"), ("embed", "embedding"))


def imagine(question: Question, names: Names, today: str) -> Imagined:
    """Claims and uses of a question; raises QuestionError for names, facts and readings that nobody knows."""
    return _Imaginer(question, names, today).imagined()


class _Imaginer:
    def __init__(self, question: Question, names: Names, today: str) -> None:
        self.q, self.names = question, names
        self.facts, self.readings = said_facts(question, names)
        self.today = self.facts.get("date", today)
        self.claims: list[Claim] = []
        self.uses: list[UseClaim] = []
        self.offers: list[tuple[tuple[str, ...], ...]] = []
        self.made: dict[str, str] = {}  # own names made earlier -> node
        self.known: set[str] = set()  # nodes whose claims are there
        self.kinds: dict[str, str] = {}
        self.name_of: dict[str, str] = {}  # node -> a name it bears
        self.it = ""
        self.presumed: list[str] = []
        self.problems: list[Problem] = []

    def imagined(self) -> Imagined:
        plans = [self.plan(plan) for plan in self.q.plans]
        read_as = " then ".join(p.words for p in plans)
        facts = [f"{k} = {v}" for k, v in self.facts.items()] + [f"reading.{k} = {v}" for k, v in self.readings.items()]
        read_as += f" where {', '.join(facts)}" if facts else ""
        return Imagined(read_as, self.it, tuple(self.claims), tuple(self.uses), tuple(plans), self.facts,
                        self.readings, tuple(self.offers), tuple(dict.fromkeys(self.presumed)), tuple(self.problems))

    # -- plans ------------------------------------------------------------------------------------------------------
    def plan(self, plan: Plan) -> PlanRead:
        known, uses, form = set(self.known), len(self.uses), TWO_PLACE[plan.act]
        if form.makes:
            self.it = self.make(plan, form)
        else:
            self.use(plan, form)
        return PlanRead(words_of(plan), frozenset(self.known - known), (uses, len(self.uses)))

    def use(self, plan: Plan, form: _Act) -> None:
        told, preps = plan.things, plan.preps
        if not told:  # "retrieve over my-notes with M": what it is done to may follow a preposition
            told, preps = preps[0][1], preps[1:]
        things = [self.node(t) for t in told]
        others = [self.node(t) for prep, ts in preps if prep != "to" for t in ts]
        choices = plan.offered.choices if plan.offered else ((),)
        for node in things:
            self.add_use(plan.act, node, choices, plan.named)
        for node in others:
            self.add_use(form.other, node, ((),), "", things[0] if things and plan.act == "evaluate" else "")
        self.it = (things or others)[-1]

    def add_use(self, act: str, node: str, choices: tuple[tuple[str, ...], ...], named: str, of: str = "") -> None:
        named = named or self.name_of.get(node, "")
        self.uses.append(UseClaim(node, act, SAID, choices[0], named, of))
        self.offers.append(choices)

    def make(self, plan: Plan, form: _Act) -> str:
        """What a making plan makes: its node, with an edge from every operand."""
        others = [t for _, ts in plan.preps for t in ts]
        things = list(plan.things)
        if plan.act == "distil":
            return self.distil(plan, things, others)
        if plan.act == "bundle":
            return self.bundle(things, others)
        if form.model_first:
            return self.teach(plan, form, things, others)
        if plan.act == "generate":
            return self.generate(plan, things, others)
        parts = [(form.thing, self.node(t)) for t in things] + [(form.other, self.node(t)) for t in others]
        if form.makes == "same":
            kind = self.kinds.get(parts[0][1], "")
        else:
            kind = "dataset" if plan.act == "filter" else form.makes
        return self.step(label_of(plan.act, [p for _, p in parts]), kind, parts)

    def teach(self, plan: Plan, form: _Act, things: list[Thing], others: list[Thing]) -> str:
        """train T on D: a known T gives the base edge; a new own T is the result itself."""
        data = [self.node(t, "dataset") for t in others]
        bases, own = [], ""
        for t in things:
            if t.how == "name" and self.is_new_own(t):
                own = t.name.lower()
            else:
                bases.append(self.node(t, "model"))
        if plan.act != "train" and own and not bases:
            bases, own = [self.node(things[0], "model")], ""
        parts = [(form.thing, b) for b in bases] + [(self.taught_by(d), d) for d in data]
        made = self.step(own or label_of(plan.act, bases or ["a model"]), "model", parts, named=plan.named)
        if own:
            self.made[own] = made
            self.target_from_name(own, made)
        return made

    def taught_by(self, node: str) -> str:
        """A model after "on" or "with" is a teacher, not data."""
        return "distil" if self.kinds.get(node) in ("model", "service") else "train"

    def distil(self, plan: Plan, things: list[Thing], others: list[Thing]) -> str:
        teachers = [("distil", self.node(t, "model")) for t in things]
        pupils = others
        own = next((t.name.lower() for t in pupils if t.how == "name" and self.is_new_own(t)), "")
        bases = [("finetune", self.node(t, "model")) for t in pupils if not (t.how == "name" and self.is_new_own(t))]
        label = own or label_of("distil", [b for _, b in bases] or [t for _, t in teachers])
        made = self.step(label, "model", [*teachers, *bases], named=plan.named)
        if own:
            self.made[own] = made
            self.target_from_name(own, made)
        return made

    def bundle(self, things: list[Thing], others: list[Thing]) -> str:
        parts = [("bundle", self.node(t)) for t in things]
        own = next((t.name for t in others if t.how == "name"), "")
        if own:
            self.named_ok(others[0])
        made = self.step(own.lower() or label_of("bundle", [p for _, p in parts]), "product", parts)
        if own:
            self.made[own.lower()] = made
        return made

    def generate(self, plan: Plan, things: list[Thing], others: list[Thing]) -> str:
        """generate my-set with M; label D with M: what M wrote (on D, which stays in)."""
        writers = [("generate", self.node(t, "model")) for t in others]
        own, kept = "", []
        for t in things:
            if not writers and t.how != "name":
                writers = [("generate", inner) for inner in [self.node(t)]]
            elif plan.said in LABELLING or any(plan.said.startswith(w.rstrip("e")) for w in LABELLING):
                kept.append(("mix", self.node(t, "dataset")))
            elif t.how == "name" and (self.is_new_own(t) or t.name.lower() in DATA_NOUNS):
                own = t.name.lower()
            elif writers:
                kept.append(("mix", self.node(t, "dataset")))
            else:
                writers = [("generate", self.node(t, "model"))]
        label = own if own and own not in DATA_NOUNS else label_of("generate", [w for _, w in writers])
        made = self.step(label, "dataset", [*writers, *kept])
        if own:
            self.made[own] = made
        return made

    # -- nodes ------------------------------------------------------------------------------------------------------
    def step(self, label: str, kind: str, parts: Sequence[tuple[str, str]], by: str = YOU, named: str = "",
             when: str = "") -> str:
        node = self.fresh(label)
        day = date.fromisoformat(when) if when else None
        self.kinds[node] = kind
        self.claims += [AssetClaim(node, "kind", kind, SAID), AssetClaim(node, "own", "yes", SAID)]
        if by == YOU:
            self.claims.append(AssetClaim(node, "maker", YOU, SAID))
        self.claims += [StepClaim(node, act, parent, SAID, by, day) for act, parent in parts]
        self.known.add(node)
        if named:
            self.name_of[node] = named
        elif len(parts) == 1 and parts[0][0] in ("quantize", "convert", "copy") and parts[0][1] in self.name_of:
            self.name_of[node] = self.name_of[parts[0][1]]
        elif parts and all(a in ("quantize", "convert", "copy") for a, _ in parts) and not self.is_own(parts[0][1]):
            self.name_of[node] = parts[0][1].rpartition("/")[2]
        return node

    def is_own(self, node: str) -> bool:
        return node.startswith("my-") or any(
            isinstance(c, AssetClaim) and c.asset == node and c.field == "own" for c in self.claims)

    def fresh(self, label: str) -> str:
        """A label nobody bears yet: "X (finetuned)", "X (finetuned) 2"."""
        node, n = label, 2
        while node in self.known:
            node, n = f"{label} {n}", n + 1
        return node

    def node(self, thing: Thing, kind: str = "") -> str:
        """The node of a thing, with its claims; made now if the thing says how."""
        if thing.how == "it":
            if not self.it:
                raise QuestionError(self.q.text, thing.at, '"it" is nothing yet: no plan before made anything')
            return self.licensed(self.it, thing)
        if thing.how == "name":
            return self.named(thing, kind)
        return self.nested(thing)

    def nested(self, thing: Thing) -> str:
        """Output of M, quantized M, merge of A and B: made by the asker, or by somebody else if found."""
        by = SOMEONE if thing.found else YOU
        when = thing.date or next((t.date for t in thing.inner if t.date), "")
        inner = [self.node(t._replace(date=t.date or when) if t.how == "name" else t,
                           "model" if thing.how != "mix" else "dataset") for t in thing.inner]
        parts = [(thing.how, i) for i in inner]
        parts += [("train" if thing.how == "finetune" else "mix", self.node(t, "dataset")) for t in thing.on]
        kind = ACTS[thing.how].makes if ACTS[thing.how].makes != "same" else self.kinds.get(inner[0], "")
        made = self.step(label_of(thing.how, inner, thing.found), kind, parts, by, when=when)
        if thing.found:
            self.state_terms(made, thing.offered or thing.under)
            return made
        return self.licensed(made, thing)

    def state_terms(self, node: str, offered: Licences | None) -> None:
        """A found set has a publisher as well: his terms as said, else presumed free, and listed."""
        if offered:
            self.under(node, offered)
        else:
            self.presumed.append(f"publisher of {node}")

    def under(self, node: str, licences: Licences) -> None:
        self.claims = [c for c in self.claims if not (isinstance(c, LicenceClaim) and c.asset == node)]
        for choice in licences.choices:
            many = len(licences.choices) > 1
            laws = choice
            self.claims.append(LicenceClaim(node, laws, SAID, many, licences.words))

    def licensed(self, node: str, thing: Thing) -> str:
        if thing.under:
            self.under(node, thing.under)
        return node

    def named(self, thing: Thing, kind: str) -> str:
        name, low = thing.name, thing.name.lower()
        if low in self.made:
            return self.licensed(self.made[low], thing)
        known = self.names.resolve(name)
        if known and not low.startswith("my-"):
            return self.catalogued(known, thing)
        self.named_ok(thing)
        node = low if low.startswith("my-") else name
        if node not in self.known:
            self.known.add(node)
            self.kinds[node] = kind or "model"
            self.claims.append(AssetClaim(node, "kind", self.kinds[node], SAID))
            if low.startswith("my-") and not thing.under and not thing.found:
                self.claims += [AssetClaim(node, "own", "yes", SAID), AssetClaim(node, "maker", YOU, SAID)]
                self.presumed.append(node)
                self.target_from_name(low, node)
        return self.licensed(node, thing._replace(under=thing.offered or thing.under))

    def named_ok(self, thing: Thing) -> None:
        """A bare name that nobody knows is an error with the nearest names: a typo must never become permission."""
        low = thing.name.lower()
        if low.startswith("my-") or "/" in low or thing.under or thing.offered or low in self.made:
            return
        near = [*self.names.nearest(thing.name)]
        raise QuestionError(self.q.text, thing.at, f"nobody is known as {thing.name!r}", near or [f"my-{low.removeprefix('my').strip().replace(' ', '-')}"])

    def is_new_own(self, thing: Thing) -> bool:
        low = thing.name.lower()
        return low.startswith("my-") and low not in self.made and low not in self.known and not thing.under

    def catalogued(self, id: str, thing: Thing) -> str:
        service = self.names.is_service(id)
        day = date.fromisoformat(thing.date or self.today)
        node = f"{id} of {thing.date}" if service and thing.date else id
        if node not in self.known:
            self.known.add(node)
            self.tell_not_held(id, day)
            claims = dated(self.names.claims(id, day), self.names.is_service, id)
            self.claims += [_renamed(c, id, node) for c in claims]
        self.kinds[node] = next((c.value for c in self.claims
                                 if isinstance(c, AssetClaim) and c.asset == node and c.field == "kind"), "model")
        if not service and self.kinds[node] == "model" and not thing.found:
            self.name_of[node] = id.rpartition("/")[2]
        return self.licensed(node, thing)

    def tell_not_held(self, id: str, day: date) -> None:
        """A service called on a day whose text is not held: say so, naming the texts on either side."""
        around = self.names.not_held(id, day)
        if around is not None:
            near = f"; held are {', '.join(around)}" if around else ""
            self.problems.append(Problem("catalogue", f"the terms of {id} on {day} are not held{near}", None,
                                         "they count as unknown"))

    def target_from_name(self, name: str, node: str) -> None:
        """my-reward-model, my-classifier, my-embedder say what they are."""
        for word, target in TARGET_NAMES:
            if word in name and "target" not in self.facts:
                self.claims.append(AssetClaim(node, "target", target, SAID))
                return


def dated(claims: Iterable[Claim], is_service: Callable[[str], bool], root: str = "") -> list[Claim]:
    """A service called on a day is a node of its own ("gpt-4 of 2023-06-01"): its terms are those of that day."""
    out: list[Claim] = []
    claims = list(claims)
    days = {(c.parent, c.when) for c in claims if isinstance(c, StepClaim) and c.when and is_service(c.parent)}
    for c in claims:
        if isinstance(c, StepClaim):
            out.append(_dated_step(c, days))
        elif isinstance(c, LicenceClaim) and c.place.key.startswith("of ") and c.asset != root:
            out.append(LicenceClaim(f"{c.asset} {c.place.key}", c.laws, c.place, c.choice, c.raw))
        else:
            out.append(c)
    out += [AssetClaim(f"{name} of {day.isoformat()}", "kind", "service", Place("catalogue"))
            for name, day in days if day]
    return out


def _dated_step(c: StepClaim, days: Collection[tuple[str, date | None]]) -> StepClaim:
    if (c.parent, c.when) not in days or c.when is None:
        return c
    return StepClaim(c.child, c.act, f"{c.parent} of {c.when.isoformat()}", c.place, c.by, c.when, c.column, c.computed)


def _renamed(c: Claim, old: str, new: str) -> Claim:
    if old == new or not isinstance(c, (AssetClaim, LicenceClaim)) or c.asset != old:
        return c
    if isinstance(c, AssetClaim):
        return AssetClaim(new, c.field, c.value, c.place)
    return LicenceClaim(new, c.laws, c.place, c.choice, c.raw)


def label_of(act: str, parts: Sequence[str], found: bool = False) -> str:
    """A node's name in plain words."""
    what = " and ".join(parts) if act in ("merge", "mix", "generate") else parts[0]
    label = f"{PAST[act]} of {what}" if act in ("generate", "merge", "mix", "copy") else f"{what} ({PAST.get(act, act)})"
    label = label.replace("merged of", "merge of").replace("mixed of", "mix of")
    return f"found {label}" if found else label


# -- words back ---------------------------------------------------------------------------------------------------
def words_of(plan: Plan) -> str:
    """The plan as it was read, in canonical words."""
    parts = [plan.act if plan.said not in LABELLING else plan.said, " and ".join(map(said, plan.things))]
    parts += [f"{prep} {' and '.join(map(said, ts))}" for prep, ts in plan.preps]
    parts += [f"as {plan.offered.words}"] if plan.offered else []
    parts += [f'named "{plan.named}"'] if plan.named else []
    return " ".join(p for p in parts if p)


def said(thing: Thing) -> str:
    """One thing in canonical words."""
    core = {"it": "it", "name": thing.name}.get(thing.how, "")
    if not core:
        core = _made_words(thing)
    core = f"found {core}" if thing.found else core
    core += f" offered under {thing.offered.words}" if thing.offered else ""
    core += f" under {thing.under.words}" if thing.under else ""
    return core + (f" of {thing.date}" if thing.date else "")


def _made_words(thing: Thing) -> str:
    inner = " and ".join(map(said, thing.inner))
    joint = " " if thing.word.endswith("ed") else " of "
    return f"{thing.word}{joint}{inner}" + (f" on {' and '.join(map(said, thing.on))}" if thing.on else "")


# -- facts --------------------------------------------------------------------------------------------------------
def said_facts(question: Question, names: Names) -> tuple[dict[str, str], dict[str, str]]:
    """Facts and readings as said, checked; raises QuestionError with the column."""
    facts: dict[str, str] = {}
    readings: dict[str, str] = {}
    for name, op, value, at in question.facts:
        try:
            word = name.removeprefix("reading.")
            if word != name or (word in names.words() and word not in FACTS):
                readings[word] = check_reading(word, value, names)
            else:
                facts[fact_name(name)] = check_fact(fact_name(name), op, value)
        except LookupError as fault:
            what, near = fault.args
            raise QuestionError(question.text, at, what, near) from None
    return facts, readings


def check_reading(word: str, value: str, names: Names) -> str:
    """A reading of a word; LookupError(what, nearest) if either is not known."""
    if word not in names.words():
        raise LookupError(f"no disputed word {word!r}", nearest(word, names.words()))
    if value.lower() not in names.readings(word):
        raise LookupError(f"{word} has no reading {value!r}", list(names.readings(word)))
    return value.lower()


def fact_name(name: str) -> str:
    name = name.strip().lower()
    for spelt in (name, name.replace("-", "_"), name.replace("_", "-")):
        if spelt in FACTS:
            return spelt
    raise LookupError(f"no fact is called {name!r}", nearest(name, FACTS))


def check_fact(name: str, op: str, value: str) -> str:
    """The value of a fact in its one spelling; LookupError(what, nearest) if it cannot be that."""
    fact, low = FACTS[name], value.strip().lower()
    if fact.type == "number":
        return _number(name, op, low)
    if op != "=":
        raise LookupError(f"{name} is not a number: write {name} = value", [])
    if fact.type == "yes-no":
        low = {"true": "yes", "false": "no", "y": "yes", "n": "no"}.get(low, low)
    if fact.type == "set":
        return _purposes(low)
    if name == "domicile":
        return _country(value)
    if fact.type == "date":
        return _date(name, low)
    if fact.values and low not in fact.values and name not in ("sued", "permission"):
        raise LookupError(f"{name} cannot be {value!r}", nearest(low, fact.values) or list(fact.values))
    return low


def _number(name: str, op: str, low: str) -> str:
    factor = {"k": 1e3, "m": 1e6, "b": 1e9}.get(low[-1:], 1)
    digits = low.rstrip("kmb").replace("_", "").replace("$", "")
    try:
        number = float(digits) * factor
    except ValueError:
        raise LookupError(f"{name} is a number, not {low!r}", []) from None
    number += {">": 1, "<": -1}.get(op, 0)
    return str(int(number)) if number == int(number) else repr(number)


def _purposes(low: str) -> str:
    known = {*PURPOSES, *(w for row in PURPOSES.values() for w in row)}
    words = [w.strip() for w in low.replace("+", ",").split(",") if w.strip()]
    for word in words:
        if word not in known:
            raise LookupError(f"no purpose is called {word!r}", nearest(word, known))
    return ",".join(words)


def _country(value: str) -> str:
    upper = value.strip().upper()
    if upper in COUNTRY_GROUPS or (len(upper) == 2 and upper.isalpha()):
        return upper
    raise LookupError(f"domicile is a two-letter country code or {', '.join(COUNTRY_GROUPS)}, not {value!r}", [])


def _date(name: str, low: str) -> str:
    try:
        return date.fromisoformat(low + {4: "-07-01", 7: "-01"}.get(len(low), "")).isoformat()
    except ValueError:
        raise LookupError(f"{name} is a date like 2024-03-31, not {low!r}", []) from None
