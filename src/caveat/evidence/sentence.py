"""The sentence reader: one question in plain words becomes plans, or an error with a caret and the nearest words.

    question = [politeness] plan { ("and" | "then" | ",") plan } [ "where" fact { ("," | "and") fact } ] [ "?" ]
    plan     = ACT thing { "and" thing }
               { ("with" | "on" | "from" | "using" | "into" | "in" | "over" | "by") thing { "and" thing }
               | "as" licences | "named" NAME }                                          in any order
    thing    = "it" | NAME
             | ("quantized" | "converted" | "finetuned" | "adapted" | "pruned" | "distilled") thing
             | ("output" | "answers" | "translations" | "labels" | "scores") "of" thing [ "on" thing ]
             | ("merge" | "mix") "of" thing { "and" thing }
             | ("finetune" | "distillation") "of" thing [ "on" thing ]
             | "found" thing [ "offered" "under" licences ]
               each followed by any of: "under" licences (binds to the nearest NAME), "of" DATE
    licences = LICENCE { "+" LICENCE } | quoted SPDX expression (AND = all at once, OR = a choice)
    fact     = WORD "=" VALUE | WORD ("<" | "<=" | ">" | ">=") NUMBER                    reading.WORD too

Case, articles and a closing "?" are ignored. What follows "and" is a new plan if it begins with an act, else another
thing. Names are resolved by the functions handed in; this module knows grammar and no asset.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple, NoReturn

from caveat.errors import QuestionError, nearest
from caveat.law.words import ACTS

MAKES_BY_NOUN = {
    "output": "generate", "outputs": "generate", "answers": "generate", "answer": "generate", "responses": "generate",
    "completions": "generate", "translations": "generate", "labels": "generate", "scores": "generate",
    "text": "generate", "generations": "generate", "summaries": "generate", "captions": "generate",
    "merge": "merge", "mix": "mix", "mixture": "mix", "finetune": "finetune", "fine-tune": "finetune",
    "distillation": "distil",
}
MAKES_BY_ADJECTIVE = {
    "quantized": "quantize", "quantised": "quantize", "converted": "convert", "finetuned": "finetune",
    "fine-tuned": "finetune", "tuned": "finetune", "adapted": "adapt", "pruned": "prune", "distilled": "distil",
    "merged": "merge", "filtered": "filter",
}
LABELLING = ("label", "tag", "caption", "transcribe", "translate",  # everyday: generates labels of M on D
             "summarize", "summarise", "paraphrase", "rewrite")
PREPOSITIONS = ("with", "on", "from", "using", "into", "in", "over", "by", "to", "against")
ARTICLES = frozenset({"a", "an", "the", "my", "our", "some", "this", "that", "these", "those", "its"})
POLITE = re.compile(
    r"^\s*(?:(?:please|hi|hello)[,\s]+)?(?:(?:may|can|could|should|might|must|do|does|are|am|is|would)\s+"
    r"(?:i|we|one|you|it|they|(?:my|our|the|a)\s+(?:company|team|firm|startup|university|organi[sz]ation|lab))\s+(?:be\s+)?(?:(?:ok|okay|allowed|legal|permitted|fine|lawful|free|able|possible)\s+"
    r"(?:for\s+(?:us|me)\s+)?(?:to\s+)?)?(?:have\s+permission\s+to\s+)?(?:please\s+)?|i\s+(?:want|plan|would\s+like)\s+to\s+"
    r"|we\s+(?:want|plan|would\s+like)\s+to\s+)",
    re.IGNORECASE,
)
#: Formats and methods said of a change of format: they name no thing and change no verdict.
FORMATS = frozenset({
    "gguf", "ggml", "onnx", "safetensors", "mlx", "tensorrt", "tflite", "openvino", "coreml", "gptq", "awq", "exl2",
    "bitsandbytes", "hqq", "fp16", "bf16", "fp8", "fp4", "nf4", "int8", "int4", "8-bit", "4-bit", "8bit", "4bit",
    "q4_0", "q4_k_m", "q5_k_m", "q6_k", "q8_0", "1-bit", "2-bit", "3-bit", "bits", "format",
})
#: A fine-tune by these is an adapter.
BY_ADAPTER = frozenset({"lora", "qlora", "dora", "adapters"})
#: Said of the whole question, anywhere in it: words -> fact.
ADVERBS = {
    "commercially": ("commercial", "yes"), "non-commercially": ("commercial", "no"),
    "noncommercially": ("commercial", "no"), "internally": ("channel", "internal"),
}
#: A model of one's own that is not named: "a reward model" is my-reward-model.
GENERIC = frozenset({"model", "classifier", "embedder", "lm", "llm", "reward-model", "language-model",
                     "embedding-model"})
TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|,|\+|[^\s,+\"']+(?:\+\+)?")
DATE = re.compile(r"^\d{4}(-\d{2}(-\d{2})?)?$")
FACT = re.compile(r"^\s*([A-Za-z_.\-]+)\s*(=|<=|>=|<|>)\s*(\"[^\"]*\"|'[^']*'|\S+(?:\s*\+\s*\S+)*)\s*$")


class Token(NamedTuple):
    """One word of the question: as written, in lower case without quotes, and its column."""

    text: str
    low: str
    at: int
    quoted: bool


class Licences(NamedTuple):
    """What follows `as` or `under`: sets of law ids, any one of which may be picked."""

    choices: tuple[tuple[str, ...], ...]
    words: str


class Thing(NamedTuple):
    """A thing as said. how: "it", "name", or the act that makes it; inner: what it is made of."""

    how: str
    at: int
    name: str = ""
    word: str = ""  # the word it was said with ("labels")
    inner: "tuple[Thing, ...]" = ()
    on: "tuple[Thing, ...]" = ()
    found: bool = False
    offered: Licences | None = None
    under: Licences | None = None
    date: str = ""


class Plan(NamedTuple):
    """One step or use as said."""

    act: str
    said: str  # the verb as typed, lower case
    at: int
    things: tuple[Thing, ...]
    preps: tuple[tuple[str, tuple[Thing, ...]], ...] = ()
    offered: Licences | None = None
    named: str = ""


class Question(NamedTuple):
    """What was understood: plans, and facts as written (name, operator, value, column)."""

    text: str
    plans: tuple[Plan, ...]
    facts: tuple[tuple[str, str, str, int], ...]


LicenceOf = Callable[[str], tuple[tuple[str, ...], ...] | None]  # words -> choices, None = not known


def verbs() -> dict[str, str]:
    """Every word that may begin a plan -> act."""
    found: dict[str, str] = {}
    for act in ACTS.values():
        for word in (act.name, *act.everyday):
            stem = word[:-1] if word.endswith("e") else word
            found.update({word: act.name, f"{stem}ing": act.name})
    found.update(dict.fromkeys(LABELLING, "generate") | {w.rstrip("e") + "ing": "generate" for w in LABELLING})
    return found


VERBS = verbs()


def read(text: str, licence_of: LicenceOf, licence_words: Callable[[], Iterable[str]],
         is_name: Callable[[str], bool] = lambda name: False) -> Question:
    """Parse one question; raises QuestionError with the column of what was not understood."""
    return _Reader(text, licence_of, licence_words, is_name).question()


class _Reader:
    """Recursive descent over tokens; `here` is the next token."""

    def __init__(self, text: str, licence_of: LicenceOf, licence_words: Callable[[], Iterable[str]],
                 is_name: Callable[[str], bool]) -> None:
        self.text, self.licence_of, self.licence_words, self.is_name = text, licence_of, licence_words, is_name
        body, self.fact_part, self.fact_at = _split_where(text)
        start = m.end() if (m := POLITE.match(body)) else 0
        tokens = list(_tokens(body.rstrip(", "), start))
        self.adverbs = [(*ADVERBS[t.low], t.at) for t in tokens if t.low in ADVERBS and not t.quoted]
        self.tokens = [t for t in tokens if t.low not in ADVERBS or t.quoted]
        self.here = 0

    def question(self) -> Question:
        plans = [self.plan()]
        while self.peek():
            while self.peek() in ("and", "then", ",", "also", "afterwards", "to"):
                self.here += 1
            if not self.peek():
                self.fail("something to do after this", self.end(), VERBS)
            plans.append(self.plan())
        facts = [(name, "=", value, at) for name, value, at in self.adverbs]
        facts += _facts(self.text, self.fact_part, self.fact_at)
        return Question(self.text, tuple(plans), tuple(facts))

    # -- tokens ---------------------------------------------------------------------------------------------------
    def peek(self, ahead: int = 0) -> str:
        n = self.here + ahead
        return self.tokens[n].low if n < len(self.tokens) else ""

    def take(self) -> Token:
        token = self.tokens[self.here]
        self.here += 1
        return token

    def end(self) -> int:
        return len(self.text.rstrip()) if not self.fact_part else max(self.fact_at - 7, 0)

    def at(self) -> int:
        return self.tokens[self.here].at if self.here < len(self.tokens) else self.end()

    def fail(self, what: str, at: int, known: Iterable[str] = (), word: str = "") -> NoReturn:
        raise QuestionError(self.text, at, what, nearest(word, known) if word else ())

    # -- plans ----------------------------------------------------------------------------------------------------
    def verb(self) -> tuple[str, int]:
        """The act at this place and how many tokens it takes; ("", 0) if there is none."""
        two = f"{self.peek()}-{self.peek(1)}"
        if self.peek(1) and two in VERBS and not self.is_name(self.peek(1)):
            return two, 2
        low = self.peek()
        if low in VERBS and self.peek(1) != "of" and not self.tokens[self.here].quoted:
            return low, 1
        return "", 0

    def plan(self) -> Plan:
        if self.peek() == "do" and self.peek(1) in VERBS:  # "do RAG over my-docs", "do DPO of M"
            self.here += 1
            if self.peek(1) == "of":
                del self.tokens[self.here + 1]
        at, (said, width) = self.at(), self.verb()
        if not width:
            self.fail("expected something to do (train, ship, run, ...)", at, VERBS, self.peek())
        self.here += width
        if VERBS[said] == "sell" and (self.peek(), self.peek(1)) == ("access", "to"):
            return self.sell_access(at)
        things = () if self.peek() in (*PREPOSITIONS, "as", "named") and self.peek() != "" else self.things()
        plan = Plan(VERBS[said], said, at, things)
        while self.peek() in (*PREPOSITIONS, "as", "named", "called", "under"):
            plan = self.clause(plan)
        if plan.act == "name" and not plan.named and self.here < len(self.tokens) and self.tokens[self.here].quoted:
            plan = plan._replace(named=self.take().text.strip("\"'"))
        if not plan.things and not plan.preps:
            self.fail(f"{said} what?", self.at())
        return plan

    def sell_access(self, at: int) -> Plan:
        """To sell access is to host for money, not to hand over."""
        self.here += 2
        self.adverbs.append(("commercial", "yes", at))
        return Plan("serve", "serve", at, self.things())

    def clause(self, plan: Plan) -> Plan:
        word = self.take().low
        if plan.act in ("convert", "quantize") and self.formats():
            return plan
        if plan.act == "finetune" and word in ("with", "using", "by") and self.peek() in BY_ADAPTER:
            self.here += 1
            return plan._replace(act="adapt", said="adapt")
        if word == "to" and self.verb()[1] and plan.act == "run":  # use M's answers to train T = train T with them
            then = self.plan()
            return then._replace(at=plan.at, preps=(*then.preps, ("with", plan.things)))
        if word in ("as", "under"):
            return plan._replace(offered=self.licences())
        if word in ("named", "called"):
            return plan._replace(named=self.name_token().text.strip("\"'"))
        return plan._replace(preps=(*plan.preps, (word, self.things())))

    def formats(self) -> bool:
        """Pass over "GGUF", "4-bit AWQ format": true if any stood here."""
        start = self.here
        while self.peek() in FORMATS and not self.tokens[self.here].quoted:
            self.here += 1
        return self.here > start

    def things(self) -> tuple[Thing, ...]:
        found = [self.thing()]
        while self.peek() in ("and", ",", "+") and self._thing_follows():
            self.here += 1
            found.append(self.thing())
        return tuple(found)

    def _thing_follows(self) -> bool:
        """After "and": a new plan if an act begins there, else another thing."""
        if self.here + 1 >= len(self.tokens) or self.peek(1) in ("then", "also", "and"):
            return False
        self.here += 1
        is_verb = self.verb()[1] > 0
        self.here -= 1
        return not is_verb

    # -- things ---------------------------------------------------------------------------------------------------
    def thing(self) -> Thing:
        self.articles()
        low, at = self.peek(), self.at()
        if low in ("found", "downloaded", "public") and self.here + 1 < len(self.tokens):
            return self.found()
        if low in MAKES_BY_ADJECTIVE and not self.tokens[self.here].quoted:
            self.here += 1
            return self.tail(Thing(MAKES_BY_ADJECTIVE[low], at, word=low, inner=(self.thing(),)))
        if low in MAKES_BY_NOUN and self.peek(1) in ("of", "from", "by"):
            return self.made_by_noun()
        if low == "it":
            self.here += 1
            return self.tail(Thing("it", at))
        two = f"{low}-{self.peek(1)}"
        generic = two if two in GENERIC else low if low in GENERIC else ""
        if generic and not self.tokens[self.here].quoted and not self.is_name(low):
            self.here += 2 if generic == two else 1
            return self.tail(Thing("name", at, name=f"my-{generic}"))
        token = self.name_token()
        return self.tail(Thing("name", at, name=token.text.strip("\"'")))

    def articles(self) -> None:
        while self.peek() in ARTICLES and self.here + 1 < len(self.tokens) and not self.tokens[self.here].quoted:
            self.here += 1

    def found(self) -> Thing:
        self.here += 1
        thing = self.thing()._replace(found=True)
        if self.peek() == "offered" and self.peek(1) in ("under", "as"):
            self.here += 2
            thing = thing._replace(offered=self.licences())
        return thing

    def made_by_noun(self) -> Thing:
        token = self.take()
        self.here += 1  # of
        act = MAKES_BY_NOUN[token.low]
        inner = self.things() if act in ("merge", "mix") else (self.thing(),)
        thing = Thing(act, token.at, word=token.low, inner=inner)
        if self.peek() == "on":
            self.here += 1
            thing = thing._replace(on=self.things() if act == "finetune" else (self.thing(),))
        return self.tail(thing)

    def tail(self, thing: Thing) -> Thing:
        """`under LICENCE` and `of DATE`, where they may follow."""
        while True:
            if self.peek() == "under" and thing.under is None:
                self.here += 1
                thing = thing._replace(under=self.licences())
            elif self.peek() == "of" and DATE.match(self.peek(1)):
                self.here += 1
                thing = thing._replace(date=self.day())
            else:
                return thing

    def day(self) -> str:
        """A date as written, made whole: a year is its middle, a month its first day."""
        token = self.take()
        whole = token.low + {4: "-07-01", 7: "-01", 10: ""}[len(token.low)]
        try:
            return date.fromisoformat(whole).isoformat()
        except ValueError:
            self.fail(f"no day is written {token.text} (write 2024-03-31, 2024-03 or 2024)", token.at)

    def name_token(self) -> Token:
        if self.here >= len(self.tokens) or (self.peek() in (",", "+") and not self.tokens[self.here].quoted):
            self.fail("a name is missing here", self.at())
        token = self.take()
        if token.low in ("and", "then", *PREPOSITIONS) and not token.quoted:
            self.fail("a name is missing here", token.at)
        return token

    # -- licences -------------------------------------------------------------------------------------------------
    def licences(self) -> Licences:
        token = self.name_token()
        words, at = [token.text.strip("\"'")], token.at
        while self.peek() == "+" or (self.peek() == "plus"):
            self.here += 1
            words.append(self.name_token().text.strip("\"'"))
        sets: list[tuple[tuple[str, ...], ...]] = []
        for word in words:
            found = self.licence_of(word)
            if found is None:
                self.fail(f"no licence is known as {word!r}", at, self.licence_words(), word.lower())
            sets.append(found)
        return Licences(_all_of(sets), " + ".join(words))


def _all_of(sets: Iterable[tuple[tuple[str, ...], ...]]) -> tuple[tuple[str, ...], ...]:
    """The choices of several expressions taken together."""
    result: tuple[tuple[str, ...], ...] = ((),)
    for choices in sets:
        result = tuple((*a, *(x for x in b if x not in a)) for a in result for b in choices)
    return result


def _tokens(body: str, start: int) -> Iterable[Token]:
    for m in TOKEN.finditer(body, start):
        text = m[0]
        quoted = text[0] in "\"'"
        low = text.strip("\"'").lower()
        if not quoted and text.endswith("?"):
            text, low = text.rstrip("?"), low.rstrip("?")
        if text:
            yield Token(text, low, m.start(), quoted)


def _split_where(text: str) -> tuple[str, str, int]:
    """The plans, the facts, and the column where the facts begin."""
    m = re.search(r"\s(?:where|if|given(?:\s+that)?|assuming)\s+(?=[A-Za-z_.\-]+\s*(?:=|<|>))", text, re.IGNORECASE)
    if not m:
        bare = re.search(r"\swhere\b", text, re.IGNORECASE)
        return (text, "", 0) if not bare else (text[: bare.start()], text[bare.end():], bare.end())
    return text[: m.start()], text[m.end():], m.end()


def _facts(text: str, part: str, at: int) -> Iterable[tuple[str, str, str, int]]:
    stripped = part.rstrip().rstrip("?").rstrip()
    offset = 0
    for piece in re.split(r"(,|\s+and\s+)", stripped):
        column = at + offset + (len(piece) - len(piece.lstrip()))
        offset += len(piece)
        if piece.strip() in ("", ",", "and"):
            continue
        m = FACT.match(piece)
        if not m:
            raise QuestionError(text, column, f"not a fact: {piece.strip()!r} (write name = value)")
        yield m[1].lower(), m[2], m[3].strip("\"'"), column
