"""How an answer is marked: statements with a place, held against what is really wrong and against what is not so.

The rules are the same for every tool and lenient on what counts as found: naming the folder (or the asset in it), the
licence and the kind of breach is enough; no clause is asked for, and "it depends" counts. A false claim is a problem
claimed in a lawful folder, or a duty or licence that the texts do not bear out, each counted once a folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from demo import LAWFUL, REAL


class Said(NamedTuple):
    """One statement of a tool. `claim`: problem (something is wrong or missing), note (told, blames nothing),
    unknown (could not say)."""

    folder: str
    claim: str
    text: str


class Score(NamedTuple):
    """Ids of the real problems found, false claims as (folder, why), and how many things it could not say."""

    found: frozenset[str]
    false: frozenset[tuple[str, str]]
    unknown: int


#: Problem -> expressions that one statement about its folder must all match.
FOUND = {
    "dpo-llama2": (r"llama", r"improv|train\w* (?:an)?other|1\.b\.v|rival|compet"),
    "dpo-openai": (r"openai|gpt", r"compet|rival|2\.c|terms"),
    "lora-label": (r"llama", r"label|declared|offered|incompat|conflict|mismatch|contradict"),
    "lora-notice": (r"llama", r"notice|agreement|licen[cs]e text"),
    "merge-nc": (r"non-?commercial|cc-by-nc|gain or payment", r""),
    "merge-llama3": (r"llama", r"label|declared|offered|incompat|conflict|agreement|licen[cs]e text"),
    "merge-name": (r"llama", r"built with|begin|1\.b\.i\.name"),
    "script-openai": (r"openai|gpt", r"compet|rival|2\.c|3\.3|terms"),
    "script-alpaca": (r"alpaca", r"non-?commercial|cc-by-nc|gain or payment"),
}
#: Advice about handling, not about what a licence asks: neither right nor wrong here.
ADVICE = re.compile(r"gated model repository|no revision pin")


class Wrong(NamedTuple):
    """A claim that the texts do not bear out: what it matches, where it would be false ("" everywhere), and why."""

    pattern: str
    folders: tuple[str, ...]
    why: str


LLAMA_2 = ("support-lora", "desk-sft", "llama-2-7b-harbour", "mistral-7b-orca-dpo")
NO_SUCH = "under Llama 2, which has no such clause"
WRONG = (
    Wrong(r"built with (?:meta )?llama", LLAMA_2, f"asks for Built with Llama {NO_SUCH}"),
    Wrong(r"begins? with .?llama", LLAMA_2, f"asks for a name beginning with Llama {NO_SUCH}"),
    Wrong(r"license of meta-llama/\S+ is apache", (), "calls a Llama model Apache-2.0"),
    Wrong(r"license-mit is apache", (), "calls the MIT text Apache-2.0"),
)
#: What a problem in a lawful folder was said to be, in our words.
BLAMED = (
    (r"700\s?(?:m\b|million)", "fails it for the limit at 700 million monthly users, which nothing here comes near"),
    (r"acceptable use policy", "asks that the use policy be handed over too; the agreement takes it in by its address"),
    (r"requires a notice file", "warns that there is no Notice, which lies beside it"),
    (r"nothing here points at", "warns that the licence and notice files are missing, which lie beside it"),
    (r"non-?commercial", "takes the makers' own non-commercial label for a breach"),
    (r"openai", "takes a client of one's own server for OpenAI's service"),
    (r"", "claims a problem where there is none"),
)


def score(told: Iterable[Said]) -> Score:
    """Marks of one tool's statements."""
    told = [s for s in told if not ADVICE.search(s.text)]
    claims = [s for s in told if s.claim == "problem"]
    found = {p.id for p in REAL for s in claims if s.folder == p.folder and _all(FOUND[p.id], s.text)}
    return Score(frozenset(found), frozenset(_false(told)), sum(s.claim == "unknown" for s in told))


def _all(patterns: tuple[str, ...], text: str) -> bool:
    return all(re.search(p, text, re.IGNORECASE) for p in patterns)


def _false(told: list[Said]) -> Iterable[tuple[str, str]]:
    for s in told:
        here = [w for w in WRONG if not w.folders or s.folder in w.folders]
        wrong = [w for w in here if re.search(w.pattern, s.text, re.IGNORECASE)]
        yield from ((s.folder, w.why) for w in wrong if s.claim != "unknown")
        if s.folder in LAWFUL and s.claim == "problem" and not wrong:
            yield s.folder, next(why for pattern, why in BLAMED if re.search(pattern, s.text, re.IGNORECASE))
