"""Random questions in the grammar of `caveat ask`, over names that the catalogue knows and licences on the shelf."""

from __future__ import annotations

from random import Random

NAMES = (
    "llama-2-7b", "llama-2-70b-chat", "llama-3-8b", "llama-3.1-70b", "mistral-7b", "gemma-2-9b", "qwen-2.5-7b",
    "falcon-7b", "gpt-4", "alpaca", "acme/enigma", "my-lm", "my-notes", "c4",
)
MODELS, DATA, SERVICES = NAMES[:8], ("alpaca", "my-notes", "c4", "acme/notes under cc-by-nc-4.0"), ("gpt-4",)
LICENCES = ("apache-2.0", "mit", "cc-by-4.0", "cc-by-nc-4.0", "llama-2", "gpl-3.0", "gemma", "cc-by-sa-4.0")
FACTS = ("commercial = yes", "commercial = no", "competes = no", "domicile = DE", "monthly_users > 800_000_000",
         "actor = company", "reading.improve = weights", "reading.bound = follows", "date = 2024-01-01")
NOISE = ("it", "and", "under", "of", "on", "found", "train", "?", ",", "+", "output", "as", "where", "named", "42",
         "nobody", "quantized", "=", "\"", "merge", "", "é", "-" * 50)


def a_model(r: Random, deep: int = 2) -> str:
    """A model, as it stands or as somebody changed it."""
    plain = r.choice(MODELS)
    if not deep or r.random() < 0.5:
        return plain
    changed = a_model(r, deep - 1)
    return r.choice((f"quantized {changed}", f"finetuned {changed}", f"merge of {a_model(r, 0)} and {r.choice(MODELS)}",
                     f"finetune of {plain} on {a_set(r, deep - 1)}"))


def a_set(r: Random, deep: int = 2) -> str:
    """A data set: known, written by a model, or found."""
    if not deep or r.random() < 0.4:
        return r.choice(DATA)
    writer = r.choice((*SERVICES, a_model(r, deep - 1)))
    noun = r.choice(("output", "answers", "translations", "labels"))
    return f"{r.choice(('', '', 'found '))}{noun} of {writer}"


def a_use(r: Random, thing: str = "it") -> str:
    verb = r.choice(("ship", "sell", "run", "serve", "evaluate"))
    offered = f" as {r.choice(LICENCES)}" if verb in ("ship", "sell") and r.random() < 0.4 else ""
    return f"{verb} {thing}{offered}"


def a_making(r: Random) -> str:
    """A plan that makes something."""
    return r.choice((
        f"train {r.choice(('my-lm', a_model(r, 1)))} on {a_set(r)}", f"finetune {a_model(r, 1)} on {a_set(r)}",
        f"quantize {a_model(r)}", f"merge {a_model(r, 1)} and {a_model(r, 1)}", f"distil {a_model(r, 1)} into my-lm",
        f"annotate {r.choice(DATA)} with {a_model(r, 1)}", f"mix {a_set(r)} and {a_set(r)}",
        f"adapt {a_model(r, 1)} on my-notes",
        f"filter {r.choice(DATA)} with {a_model(r, 1)}", f"bundle {a_model(r, 1)} into my-app",
    ))


def facts(r: Random) -> str:
    return f" where {', '.join(r.sample(FACTS, r.randint(1, 2)))}" if r.random() < 0.3 else ""


def a_question(r: Random) -> str:
    """One to three plans, perhaps with facts."""
    plans = [a_making(r) if r.random() < 0.8 else a_use(r, a_model(r))]
    plans += [a_use(r) for _ in range(r.choice((0, 1, 1, 2)))]
    return r.choice((" and ", " then ")).join(plans) + facts(r)


def garbage(r: Random) -> str:
    """Words of the grammar in any order, or a good question with something torn out or put in."""
    torn = r.random() < 0.6
    words = a_question(r).split(" ") if torn else [r.choice((*NOISE, *NAMES)) for _ in range(r.randint(0, 12))]
    for _ in range(r.randint(0, 3)):
        n = r.randrange(len(words) + 1)
        words[n:n + r.randint(0, 1)] = [r.choice(NOISE)]
    return " ".join(words)
