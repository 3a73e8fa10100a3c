"""A question becomes a small imagined lineage: what the asker makes, what others made, and what is done with it.

Every node is named in plain words ("output of gpt-4"), so that findings and "read as" speak the asker's language.
"""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple, Protocol

from caveat.errors import QuestionError, nearest, slipped
from caveat.evidence.facts import said_facts
from caveat.evidence.sentence import LABELLING, Licences, Plan, Question, Thing
from caveat.evidence.services import dated, renamed
from caveat.evidence.two_place import TWO_PLACE, TwoPlace, kind_taken
from caveat.evidence.wording import label_of, words_of
from caveat.law.words import ACTS
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
    def law_or_family(self, name: str) -> str | None: ...
    def law_names(self) -> list[str]: ...


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

    def use(self, plan: Plan, form: TwoPlace) -> None:
        told, preps = plan.things, plan.preps
        if not told:  # "retrieve over my-notes with M": what it is done to may follow a preposition
            told, preps = preps[0][1], preps[1:]
        things = [self.node(t, "dataset" if plan.act == "retrieve" else "") for t in told]
        others = [self.node(t) for prep, ts in preps if prep != "to" for t in ts]
        choices = plan.offered.choices if plan.offered else ((),)
        for node in things:
            self.add_use(plan.act, node, choices, plan.named)
        for node in others:
            self.add_use(form.other, node, ((),), "", things[0] if things and plan.act == "evaluate" else "")
        self.it = (things or others)[-1]

    def add_use(self, act: str, node: str, choices: tuple[tuple[str, ...], ...], named: str, of: str = "") -> None:
        named = named or self.name_of.get(node, "")
        if act == "serve" and self.facts.get("channel") == "internal":
            act = "run"  # nobody outside is reached: what is kept in the house is run
        self.uses.append(UseClaim(node, act, SAID, choices[0], named, of))
        self.offers.append(choices)

    def make(self, plan: Plan, form: TwoPlace) -> str:
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
        kind = kind_taken(plan, self.q.plans)
        parts = [(form.thing, self.node(t, kind)) for t in things] + [(form.other, self.node(t)) for t in others]
        if form.makes == "same":
            kind = self.kinds.get(parts[0][1], "")
        else:
            kind = "dataset" if plan.act == "filter" else form.makes
        return self.step(label_of(plan.act, [p for _, p in parts]), kind, parts)

    def teach(self, plan: Plan, form: TwoPlace, things: list[Thing], others: list[Thing]) -> str:
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
        # a data set writes nothing: "output of it" is the data itself
        parts = [("filter" if thing.how == "generate" and self.kinds.get(i) == "dataset" else thing.how, i)
                 for i in inner]
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
            self.tell_near(thing)
            self.not_slipped(thing)
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
        own = "my-" + low.removeprefix("my").strip().replace(" ", "-")
        near = self.names.nearest(thing.name) or [own]
        raise QuestionError(self.q.text, thing.at, f"nobody is known as {thing.name!r}", near)

    def not_slipped(self, thing: Thing) -> None:
        """One's own thing that differs in a letter from one made here and never used is that one, mistyped."""
        low, text = thing.name.lower(), self.q.text.lower()
        slips = [m for m in self.made if slipped(low, m) and text.count(m) == 1]
        if low.startswith("my-") and not thing.under and slips:
            raise QuestionError(self.q.text, thing.at, f"nobody made {thing.name!r}", slips)

    def tell_near(self, thing: Thing) -> None:
        """A repository that nobody knows, spelt almost like one that is known: it stays a stranger's, and is told."""
        if "/" not in thing.name or thing.under or thing.offered:
            return
        alike = [n for n in self.names.nearest(thing.name) if nearest(thing.name.lower(), [n.lower()], cutoff=0.92)]
        if alike:
            self.problems.append(Problem("question", f"nobody is known as {thing.name}: did you mean {alike[0]}?",
                                         None, "it is somebody's, without known terms"))

    def is_new_own(self, thing: Thing) -> bool:
        low = thing.name.lower()
        return low.startswith("my-") and low not in self.made and low not in self.known and not thing.under

    def catalogued(self, id: str, thing: Thing) -> str:
        service = self.names.is_service(id)
        had = self.today if service else self.facts.get("obtained", self.today)  # the text one took the material under
        day = date.fromisoformat(thing.date or had)
        node = f"{id} of {thing.date}" if service and thing.date else id
        if node not in self.known:
            self.known.add(node)
            self.tell_not_held(id, day)
            claims = dated(self.names.claims(id, day), self.names.is_service, id)
            self.claims += [renamed(c, id, node) for c in claims]
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
        if "target" in self.facts:
            self.claims.append(AssetClaim(node, "target", self.facts["target"], SAID))
            return
        for word, target in TARGET_NAMES:
            if word in name:
                self.claims.append(AssetClaim(node, "target", target, SAID))
                return
