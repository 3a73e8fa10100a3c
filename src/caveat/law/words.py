"""The one vocabulary: the verbs of licences, the edges of lineages and the verbs of questions are the same words.

Acts, groups, roles, kinds and facts are tables here and nowhere else; nothing in the engine branches on an act by
name. Disputed words are not here: they are law (`disputed/*.toml`).
"""

from typing import NamedTuple


class Act(NamedTuple):
    """One act: what it is done to, what it makes ("" = a use that makes nothing), and how people call it."""

    name: str
    works_from: tuple[str, ...]
    makes: str  # kind of the thing made, "same" as the subject, or "" for a use
    everyday: tuple[str, ...] = ()  # other words people type
    hands_over: bool = False  # somebody else gets the thing
    in_family: bool = False  # the base walk of `made-from` goes through it
    in_making: bool = False  # making or changing of a model by the asker (name duties of the maker)
    writes: bool = False  # what the generator wrote or marked: whoever did it is bound, others are strangers
    teaches: bool = False  # the model learns from the parent; its base is the model taught
    adds: bool = True  # the step adds something of its maker's own (a copy in another format does not)


ACTS: dict[str, Act] = {
    a.name: a
    for a in (
        Act("copy", ("any",), "same", ("download", "mirror", "clone", "keep", "store"), in_family=True, adds=False),
        Act("convert", ("model", "dataset"), "same", ("reformat", "export"), in_family=True, adds=False),
        Act("quantize", ("model",), "model", ("quantise", "gptq", "awq", "gguf"), in_family=True, in_making=True,
            adds=False),
        Act("finetune", ("model",), "model",
            ("fine-tune", "tune", "sft", "dpo", "rlhf", "orpo", "kto", "instruct-tune", "continue-pretraining",
             "continue-pre-training", "continue-training", "preference-tune", "post-train", "align"),
            in_family=True, in_making=True),
        Act("adapt", ("model",), "model", ("lora", "qlora", "adapter-tune"), in_family=True, in_making=True),
        Act("merge", ("model",), "model", ("blend-weights", "mergekit", "frankenmerge"), in_family=True,
            in_making=True),
        Act("prune", ("model",), "model", ("sparsify", "shrink"), in_family=True, in_making=True),
        Act("distil", ("model", "service"), "model", ("distill",), in_making=True, teaches=True),
        Act("train", ("dataset",), "model", ("pretrain", "pre-train", "teach", "improve"), in_making=True,
            teaches=True),
        Act("generate", ("model", "service"), "dataset", ("synthesize", "synthesise", "create", "write"), writes=True),
        Act("annotate", ("model", "service"), "dataset", ("judge", "score", "rank", "grade", "rate"), writes=True),
        Act("filter", ("dataset", "model", "service"), "dataset", ("select", "subset", "curate", "clean", "dedupe")),
        Act("mix", ("dataset",), "dataset", ("blend", "combine")),
        Act("bundle", ("any",), "product", ("embed", "include", "package", "integrate", "build-into"), hands_over=True),
        Act("serve", ("model", "product"), "service", ("host", "deploy", "offer-api"),),
        Act("run", ("model", "service", "software", "product"), "", ("use", "execute", "call", "try", "query")),
        Act("ship", ("any",), "", ("release", "publish", "upload", "redistribute", "distribute", "share", "give",
                                   "push", "post", "open-source", "hand-over", "give-away"), hands_over=True),
        Act("sell", ("any",), "", ("monetize", "monetise", "license-out"), hands_over=True),
        Act("evaluate", ("model", "service"), "", ("benchmark", "test", "measure")),
        Act("retrieve", ("dataset",), "", ("rag", "search-over")),
        Act("name", ("any",), "", ("call-it",)),
    )
}

#: Groups that a rule may name in `do`; each is a set of acts.
GROUPS: dict[str, frozenset[str]] = {
    "use": frozenset({"run", "copy", "evaluate", "retrieve", "generate", "annotate"}),
    "change": frozenset({"convert", "quantize", "finetune", "adapt", "merge", "prune", "filter", "mix"}),
    "give": frozenset({"ship", "sell", "bundle"}),
    "all": frozenset(ACTS),
}

#: Roles, and whether the licence is all that lets you (True) or only prohibitions and duties count (False).
ROLES: dict[str, bool] = {
    "materials": True,
    "derivative": True,
    "bundled": True,
    "service": True,
    "output": False,
    "judged": False,
    "trained": False,
}

#: A rule on the left role also reaches things in the right roles, because these contain it.
CONTAINED_IN: dict[str, tuple[str, ...]] = {"materials": ("derivative",)}

#: Where a rule names no role.
DEFAULT_ON: tuple[str, ...] = ("materials", "bundled", "service")

KINDS = ("model", "dataset", "service", "software", "product")

#: What a model is, finer than its kind. `small-language-model` is derived: under one billion parameters.
#: Models whose work is to mark: taught on marks, they learn the marks themselves.
MARKERS = frozenset({"classifier", "reward-model"})

TARGETS = (
    "language-model", "small-language-model", "encoder", "embedding", "classifier", "reward-model",
    "image-model", "speech-model",
)

#: role -> act -> role, or a cell {"if": {word: reading}, "then": role, "else": role}; "" is nothing.
_LAUNDERING = {"if": {"output-of-output": "laundering"}, "then": "output", "else": "", "same-party": True}
_ADAPTER = {"if": {"adapter": "derivative"}, "then": "derivative", "else": "trained"}
_ADAPTED = {"if": {"derivative": "adapted"}, "then": "derivative", "else": ""}
DEFAULT_ROLES: dict[str, dict[str, object]] = {
    "materials": {
        "copy": "materials", "convert": "materials", "filter": "materials",
        "quantize": "derivative", "finetune": "derivative", "adapt": _ADAPTER, "merge": "derivative",
        "prune": "derivative", "mix": "derivative",
        "distil": "trained", "train": _ADAPTED, "generate": "output", "annotate": "judged",
        "bundle": "bundled", "serve": "service",
    },
    "derivative": {
        "copy": "derivative", "convert": "derivative", "filter": "derivative", "quantize": "derivative",
        "finetune": "derivative", "adapt": _ADAPTER, "merge": "derivative", "prune": "derivative",
        "mix": "derivative",
        "distil": "trained", "train": _ADAPTED, "generate": "output", "annotate": "judged",
        "bundle": "bundled", "serve": "service",
    },
    "output": {"copy": "output", "convert": "output", "filter": "output", "mix": "output",
               "train": "trained", "distil": "trained"},
    "judged": {"copy": "judged", "convert": "judged", "filter": "judged", "mix": "judged"},
    "trained": {"copy": "trained", "convert": "trained", "quantize": "trained", "finetune": "trained",
                "adapt": "trained", "merge": "trained", "prune": "trained", "bundle": "trained", "serve": "trained",
                "generate": _LAUNDERING},
    "bundled": {"copy": "bundled", "bundle": "bundled", "serve": "service"},
    "service": {"generate": "output", "annotate": "judged", "distil": "trained", "bundle": "bundled",
                "serve": "service", "finetune": "service", "copy": "service"},
}


class Fact(NamedTuple):
    """One fact people may state: its type, and what holds when they do not."""

    name: str
    type: str  # "number" | "choice" | "set" | "date" | "yes-no"
    values: tuple[str, ...] = ()  # of a choice; empty = open
    presumed: str | None = None  # None = a doubt where a licence asks; else presumed and listed
    says: str = ""  # the presumption in words, as reports list it


_YES_NO = ("yes", "no")
FACTS: dict[str, Fact] = {
    f.name: f
    for f in (
        Fact("monthly_users", "number", presumed="0", says="monthly users below every threshold"),
        Fact("sued", "choice", ("no", "patent", "copyright", "yes"), "no", "no suit over the material or its output"),
        Fact("commercial", "yes-no", _YES_NO),
        Fact("actor", "choice", ("person", "nonprofit", "university", "company")),
        Fact("revenue", "number"),
        Fact("permission", "choice", (), "no", "no separate permission from the publisher"),
        Fact("target", "choice", TARGETS, "language-model", "what is made is a language model"),
        Fact("channel", "choice", ("internal", "hosted", "distributed", "product")),
        Fact("domicile", "choice", ()),
        Fact("competes", "yes-no", _YES_NO),
        Fact("accepted", "yes-no", _YES_NO, "no", "the generator's terms were not accepted"),
        Fact("purpose", "set", (), "ordinary", "a lawful and ordinary purpose"),
        Fact("guardrails", "choice", ("kept", "removed", "replaced"), "kept", "safeguards are kept"),
        Fact("obtained", "date", (), "newest", "the newest text offered"),
        Fact("date", "date", (), "today", "today"),
        Fact("product", "yes-no", _YES_NO, "no", "not received inside somebody's product"),
        Fact("hosted", "yes-no", _YES_NO),  # from the lineage: is the thing somebody's service
        Fact("memorises", "yes-no", _YES_NO, "no", "the model does not recite its training texts"),
        Fact("grounded", "yes-no", _YES_NO, "no", "answers were not grounded in a web search"),
        Fact("multimodal", "yes-no", _YES_NO, "no", "the model reads text only"),
        Fact("modified", "yes-no", _YES_NO),  # from the lineage: was the thing changed since the licensed original
        Fact("by_program", "yes-no", _YES_NO, "no", "output was taken as the terms provide"),
        Fact("notice-file", "yes-no", _YES_NO, "no", "the original has no NOTICE file"),
        Fact("patented", "yes-no", _YES_NO, "no", "no patent claims"),
    )
}

#: Groups of countries that a rule may name in `domicile`.
EEA_ONLY = frozenset({"IS", "LI", "NO"})
EU = frozenset((
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU",
    "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
))
COUNTRY_GROUPS: dict[str, frozenset[str]] = {"EU": EU, "EEA": EU | EEA_ONLY}

#: What a settled `compete` makes of the fact `competes`: reading -> (target, channel, value), the first row that fits;
#: "" fits all. What no row says stays a doubt: who sells embeddings or judges is another question for each provider.
COMPETES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "any-model": (("", "", "yes"),),
    "capability": (("language-model", "", "yes"), ("classifier", "", "no")),
    "substitute": (("", "internal", "no"), ("classifier", "", "no"), ("language-model", "hosted", "yes"),
                   ("language-model", "distributed", "yes"), ("language-model", "product", "yes")),
}


def competes(reading: str, target: str, channel: str) -> str | None:
    """Whether what is made competes, in this reading of the word; None where that is open."""
    return next((value for kind, way, value in COMPETES.get(reading, ())
                 if kind in ("", target) and way in ("", channel)), None)


#: Fields of use that bans and limited grants speak of, and their everyday words.
PURPOSES: dict[str, tuple[str, ...]] = {
    "ordinary": (), "research": ("academic", "science", "scientific"), "evaluation": ("testing",),
    "personal": ("hobby",), "production": (), "education": ("teaching",),
    "military": ("warfare", "defence", "defense"), "nuclear": (), "espionage": (), "weapons": (), "drugs": (),
    "violence": (), "self-harm": (), "terrorism": (), "critical-infrastructure": (), "surveillance": ("tracking",),
    "biometrics": (), "law-enforcement": ("policing",), "immigration": (), "justice": (),
    "medical-advice": ("medical", "diagnosis"), "medical-device": (), "legal-advice": (), "financial-advice": (),
    "insurance": (), "credit": (), "employment": (), "discrimination": (), "harassment": (), "exploitation": (),
    "child-abuse": (), "human-trafficking": (), "crime": (), "fraud": ("scam",), "spam": (), "disinformation": (),
    "defamation": (), "impersonation": (), "undisclosed-machine": (), "fake-engagement": (), "malware": (),
    "infringement": (), "private-data": ("doxxing",), "unlicensed-practice": (), "sexual-content": (),
    "automated-decisions": (), "social-scoring": (), "manipulation": (), "elections": ("campaigning",),
    "gambling": (), "remove-safeguards": ("jailbreak",), "high-risk": (), "unlawful": ("illegal",),
    "art": (), "documentary": (), "advertising": (), "scraping": (), "minors": (), "reverse-engineering": (),
}

SAYS = ("may", "must", "must not", "ends", "unknown")
BINDS = ("contract", "right", "both")
VERDICTS = ("prohibited", "unknown", "depends", "conditional", "permitted")  # worst first

#: How a duty's fulfilment is looked for on disk: the key of `check` -> what it means.
CHECKS: dict[str, str] = {
    "file": "a file of this sort lies beside the asset: agreement, licence, notice, policy, source",
    "notice": "a notice file with these parts: name, licence, copyright, reservation, terms-link",
    "name-prefix": "the name begins with this word",
    "name-contains": "the name contains this word",
    "card": "the card says it: changed, credit, data-credit, licence-link, built-with, generated, source, registered",
    "line": "the card or product page shows this short phrase (a fixed label the licence asks for)",
    "terms": "the terms or licence beside the asset pass these limits on",
    "licence": "the declared licence is (or contains) this law id",
}
