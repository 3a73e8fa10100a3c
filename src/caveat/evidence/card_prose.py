"""Finds the few sentences of a card's body that say plainly what the thing was made from.

Only forms that leave no room are read: a label with a link, "fine-tuned from [x](address)", "quantized version of",
a merge that lists its parts, a table of training data. Everything is `detected`; a name that is merely mentioned
(a judge, a benchmark, a competitor) is no step.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence.repo_names import GITHUB, HUB, ID, NO_OWNER


class Line(NamedTuple):
    """One line of prose: its number in the file, its text, the heading above it, and how far it is indented."""

    number: int
    text: str
    heading: str
    indent: int = 0


class Step(NamedTuple):
    """A step found in prose: act, parent as written, the line, and why little should be built on it."""

    act: str
    parent: str
    line: Line
    weak: str = ""


ORIGINAL_CARD = re.compile(r"^\W*original (?:model )?card\b", re.IGNORECASE)
LONGEST_LINE = 4000
#: How many characters before a link are asked for the act: keeps long lines full of links cheap.
NEAR = 200
LINES_LIMIT = 20_000
LINK = re.compile(r"\[(?P<text>[^\]\[]{0,200})\]\((?P<url>[^()\s]{1,400})\)")


def lines_of(body: str, first_line: int) -> list[Line]:
    """Lines outside code fences, up to where a quantizer quotes the card of the original."""
    found: list[Line] = []
    heading, fence = "", ""
    for number, raw in enumerate(body.split("\n")[:LINES_LIMIT], first_line):
        text = raw.strip()[:LONGEST_LINE]
        mark = text[:3]
        if mark in ("```", "~~~") and (not fence or mark == fence) and not (not fence and text[3:].count("`") > 1):
            fence = "" if fence else mark
        elif fence or not text:
            continue
        elif ORIGINAL_CARD.match(text.replace("*", "")):
            break
        else:
            heading = text.lstrip("# ").strip() if re.match(r"#{1,6}\s*\S", text) else heading
            found.append(Line(number, text, heading, len(raw) - len(raw.lstrip())))
    return found


def plain(text: str) -> str:
    """`text` without emphasis, code marks and link addresses."""
    return re.sub(r"[*`_]{1,3}(?=\S)|(?<=\S)[*`_]{1,3}", "", LINK.sub(lambda m: m["text"], text)).strip()


def sentences(text: str) -> list[str]:
    """Sentences of one line; a dot inside a name or an address ends none."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\[*`])", text)


def hub_ids(text: str, sort: str = "") -> list[str]:
    """Ids behind hub addresses of one sort ("" models, "datasets/" data sets), in order."""
    found = [f"{m['owner']}/{m['name'].rstrip('.')}" for m in HUB.finditer(text)
             if (m["sort"] or "") == sort and m["owner"] not in NO_OWNER]
    return list(dict.fromkeys(found))


def steps(lines: list[Line], asset: str, kind: str) -> list[Step]:
    """All steps that the body states plainly about `asset` (kind: model | dataset)."""
    finders = _MODEL_FINDERS if kind == "model" else _DATA_FINDERS
    # An indented line of prose tells of the item above it, which is often a sibling; a label is a label.
    found = [s for line in lines for find in finders if line.indent < 2 or find not in _TOP_ONLY
             for s in find(line, asset)]
    if kind == "model":
        found += _tables(lines)
    own = asset.lower()
    first: dict[tuple[str, str], Step] = {}
    for step in found:
        if step.parent.lower() != own:
            first.setdefault((step.act, step.parent.lower()), step)
    return list(first.values())


LABELS: tuple[tuple[str, str], ...] = (
    (r"fine-?tuned from(?: the)?(?: base)?(?: model)?", "finetune"),
    (r"(?:base|parent|foundation) model", "finetune"),
    (r"original model(?: link)?", "quantize"),
    (r"adapted from(?: model)?", "finetune"),
)
_LABEL = re.compile(
    "|".join(rf"(?P<l{i}>{p})" for i, (p, _) in enumerate(LABELS)).join(
        (r"^[-*+>|\s]*(?:", r")(?: ?\[optional\])? ?(?:\||:)+\s*(?P<value>.+)$")), re.IGNORECASE)
NO_VALUE = re.compile(r"more information needed|^\W*(?:none|n/?a|-)?\W*$|\[optional\]", re.IGNORECASE)


def _label(line: Line, asset: str) -> Iterator[Step]:
    """`- **Finetuned from model:** [x](address)`, a form many templates share."""
    bare = re.sub(r"(?<![\w/])[*_`]+|[*_`]+(?![\w/])", "", line.text)
    match = _LABEL.match(bare)
    if not match or NO_VALUE.search(match["value"]):
        return
    act = next(a for i, (_, a) in enumerate(LABELS) if match[f"l{i}"])
    ids = hub_ids(match["value"])
    name = ids[0] if ids else _written_name(match["value"])
    if name and not (act == "quantize" and not ids):
        yield Step(act, name, line)


def _written_name(value: str) -> str:
    """A name that stands alone after a label ("LLaMA", "unsloth/x"), or "" where it is a sentence."""
    name = plain(value).strip(" .;,|")
    return name if len(name) <= 60 and len(name.split()) <= 4 and not re.search(r"[<>{}]|https?:", name) else ""


_OF = r"(?:of|from|on top of|based on|over)(?: the)?(?: base)?(?: model)?s?,?\s*(?:`|\*\*)*"
_TUNED = re.compile(
    rf"fine-?\s?tun(?:ed|e|ing)(?: checkpoint| version| model| variant)?(?: that is)? {_OF}$", re.IGNORECASE)
_TRAINED_FROM = re.compile(r"\b(?:model|LLM) trained from\s*$", re.IGNORECASE)
_BY_TUNING = re.compile(r"\b(?:built|created|made|obtained|trained) by (?:[\w-]+ )?fine-?tuning(?: the)?\s*$",
                        re.IGNORECASE)
_WE_TUNED = re.compile(r"\bwe (?:further )?fine-?tuned(?: the)?\s*$", re.IGNORECASE)
_DISTILLED = re.compile(
    r"\bdistil(?:l?ed)?(?: version)? (?:of|from)(?: the)?(?: larger)?\s*(?:`|\*\*)*$", re.IGNORECASE)
_QUANTIZED = re.compile(
    r"(?:quanti[sz](?:ed|ation)s?|quants|gguf|ggml|gptq|awq|exl2|\d-bit)\b"
    r"[^.\[]{0,60}?\b(?:of|for|from|based on)(?: the)?"
    r"(?: model)?\s*(?:`|\*\*)*$", re.IGNORECASE)
_CONVERTED = re.compile(r"convert(?:ed|ion)\b[^.\[]{0,40}\b(?:of|from)(?: the)?\s*(?:`|\*\*)*$", re.IGNORECASE)
#: (what stands before the link, act)
BEFORE_LINK: tuple[tuple[re.Pattern[str], str], ...] = (
    (_TUNED, "finetune"), (_TRAINED_FROM, "finetune"), (_BY_TUNING, "finetune"), (_WE_TUNED, "finetune"),
    (_DISTILLED, "distil"), (_QUANTIZED, "quantize"), (_CONVERTED, "convert"))
#: The subject of the sentence is another thing when one of these stands before the verb.
OTHER_SUBJECT = re.compile(
    r"\]\(|https?:|\bwhich\b|\bwhile\b|\bsimilar\b|\bcompared?\b|\bunlike\b|\bavailable\b|\byou\b|\bcan\b"
    r"|^\W*(?:models|the base|other)\b|\bversion:? *(?:from|by)\b", re.IGNORECASE)
#: A link to data before the verb does not change the subject ("we used our own [set] to fine-tune [model]").
DATA_LINK = re.compile(r"\[[^\]]{0,200}\]\(https?://(?:www\.)?huggingface\.co/datasets/[^)]{1,200}\)")


def _other_subject(before: str) -> bool:
    return bool(OTHER_SUBJECT.search(DATA_LINK.sub("", before)))


def _sharper(act: str, before: str) -> str:
    """A conversion to a format that is quantized by habit is a quantization; LoRA tuning is an adapter."""
    if act == "finetune" and re.search(r"\bq?lora\s+fine-?tuning", before, re.IGNORECASE):
        return "adapt"
    return "quantize" if act == "convert" and _QUANTIZED_FORM.search(before) else act


def _before_link(line: Line, asset: str) -> Iterator[Step]:
    """`This model is a fine-tuned version of [x](address)`: the words right before the link say the act."""
    for sentence in sentences(line.text):
        for match in LINK_OR_URL.finditer(sentence):
            before = sentence[:match.start()]
            ids = hub_ids(match.group(0))
            act = next((a for p, a in BEFORE_LINK if p.search(before[-NEAR:])), "")
            if ids and act and not _other_subject(before):
                yield Step(_sharper(act, before), ids[0], line)
            elif ids and _AS_BASE.match(sentence[match.end():]) and re.search(r"\bwe use\b", before, re.IGNORECASE):
                yield Step("finetune", ids[0], line)


_AS_BASE = re.compile(r"\s*(?:model )?as (?:our|the|a) base\b", re.IGNORECASE)
_TEACHER = re.compile(
    r"\bdistilled version of the (?:larger )?(?P<name>[A-Z][\w.-]*-\d+B[\w.-]*\w)", re.IGNORECASE)


def _teacher(line: Line, asset: str) -> Iterator[Step]:
    """`a distilled version of the larger X-405B`: a name with a size, where no link is given."""
    yield from (Step("distil", m["name"], line) for m in _TEACHER.finditer(line.text) if "](" not in m["name"])


_QUANTIZED_FORM = re.compile(r"gguf|ggml|gptq|awq|\bq[2-8]_|\dbit|\d-bit", re.IGNORECASE)
LINK_OR_URL = re.compile(rf"{LINK.pattern}|https?://[^\s()<>]{{5,300}}")


_MERGE = re.compile(
    r"^\W*(?:frankenmerge|merge) of\b"
    r"|\b(?:is|was|by)\b[^.]{0,60}\b(?:merge|blend|merging|combination)\b[^.]{0,20}\bof\b"
    r"|\bby merging\b|models? used in the merge (?:are|were)"
    r"|\bwas merged using\b.{0,300}\bas (?:a|the) base", re.IGNORECASE)
_TICKED = re.compile(rf"`({ID.pattern})`")


def _merge(line: Line, asset: str) -> Iterator[Step]:
    """`Merge of [a](address) and [b](address)`, and the bullets under "Models Merged"."""
    if line.heading.lower().startswith(("models merged", "merged models")) and re.match(r"[*+-]\s", line.text):
        ids = hub_ids(line.text)
        yield from (Step("merge", i, line) for i in ids[:1])
        return
    for sentence in sentences(line.text):
        match = _MERGE.search(sentence)
        if match and not re.search(r"https?:", sentence[:match.start()]):
            ids = list(dict.fromkeys(hub_ids(sentence) + _TICKED.findall(sentence)))
            yield from (Step("merge", i, line) for i in ids if len(ids) > 1 or "as a base" in sentence)


_TRAINED_ON = re.compile(
    r"\b(?:fine-?\s?tun(?:ed|ing)|trained|aligned|instruction-tuned)\b[^.\[]{0,80}"
    r"\b(?:on|with|using|from)\b", re.IGNORECASE)
_NOT_TRAINING = re.compile(
    r"prompt|evaluat|benchmark|compared|recipe|similar|inspired|tokeni[sz]er|\bscor(?:e|ing)", re.IGNORECASE)


def _trained_on(line: Line, asset: str) -> Iterator[Step]:
    """`fine-tuned on [x](data set address)`; a code repository counts only right behind "from" or "on"."""
    for sentence in sentences(line.text):
        short = _MODEL_LINK.sub(MODEL, sentence)
        match = _TRAINED_ON.search(short)
        if not match or _NOT_TRAINING.search(plain(short)) or short.startswith("<t"):
            continue
        before, rest = short[:match.start()], short[match.start():]
        if MODEL in before or _other_subject(before) or _of_a_child(short, asset):
            continue
        yield from (Step("train", i, line) for i in hub_ids(rest, "datasets/"))
        code = "" if _CODE.search(rest) else rest
        for link in re.finditer(rf"\b(?:from|on)(?: the)? {LINK.pattern}", code):
            yield from (Step("train", i, line) for i in _github(link["url"]))


def _of_a_child(sentence: str, asset: str) -> bool:
    """Whether it tells how somebody's next model was made from this one ("built by finetuning <this>")."""
    own = re.escape(asset.split("/")[-1])
    return bool(re.search(rf"fine-?tuning (?:the )?{own}\b(?![\w-])", sentence, re.IGNORECASE))


#: What a link to a model is shortened to, so that the words around it can be read as one clause.
MODEL = "(a model)"
_MODEL_LINK = re.compile(
    r"\[[^\]\[]{0,200}\]\(https?://(?:www\.)?huggingface\.co/(?!datasets/)[\w.-]+/[\w.-]+[^()\s]{0,200}\)")
_CODE = re.compile(r"\bcode\b|script|framework|librar|\.py\b", re.IGNORECASE)


def _github(url: str) -> list[str]:
    match = GITHUB.match(url)
    return [f"{match['owner']}/{match['name']}"] if match else []


_DATA_HEADING = re.compile(r"training data|train(?:ing)? data ?sets?|^data ?sets?$|data mix", re.IGNORECASE)
_DATA_COLUMN = re.compile(r"data(?:[ -]?set| source)?s?|source", re.IGNORECASE)


def _tables(lines: list[Line]) -> list[Step]:
    """Rows of a table of training data whose first cell links to a data set or its repository."""
    found: list[Step] = []
    inside = False
    for before, line in zip([Line(0, "", ""), *lines], lines):
        if not line.text.startswith("|"):
            inside = False
        elif before.number != line.number - 1 or not before.text.startswith("|"):
            head = plain(line.text.strip("|").split("|")[0])
            inside = bool(_DATA_HEADING.search(line.heading) and _DATA_COLUMN.fullmatch(head))
        elif inside:
            cell = line.text.strip("|").split("|")[0]
            ids = hub_ids(cell, "datasets/") or [i for m in LINK.finditer(cell) for i in _github(m["url"])]
            found += [Step("train", i, line) for i in ids[:1]]
    return found


#: (words of making that stand before the link to the other data set, act)
_DATA_FROM: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(rf"\b(?:{verbs})\b[^.\[]{{0,40}}\b(?:of|from)(?: the)?(?: original)?\s*(?:`|\*\*)*$", re.I), act)
    for verbs, act in (
        (r"subset|filtered|cleaned|curated|dedup\w*|pre-?processed|processed|extracted|sampled", "filter"),
        (r"copy|mirror|re-?upload|replica", "copy"),
        (r"translated|translation|adapted|derived|version", "mix"),
    )
)


def _data_from(line: Line, asset: str) -> Iterator[Step]:
    """`a filtered subset of [x](data set address)`."""
    for sentence in sentences(line.text):
        for match in LINK.finditer(sentence):
            before, ids = sentence[:match.start()], hub_ids(match["url"], "datasets/")
            act = next((a for p, a in _DATA_FROM if p.search(before[-NEAR:])), "")
            if ids and act and not OTHER_SUBJECT.search(before):
                yield Step(act, ids[0], line)
        yield from (Step("filter", m["name"].rstrip("."), line) for p in _PART_OF for m in p.finditer(sentence))


#: Plain forms without a link: "12k examples from ... dataset owner/name", "subset of our OpenOrca data".
_PART_OF = (
    re.compile(
        rf"\b(?:examples|samples|rows|subset)\b[^.\[]{{0,60}}\bdata ?set `?(?P<name>{ID.pattern})", re.IGNORECASE),
    re.compile(r"\bsubset of (?:our|the) (?P<name>[A-Z][a-z]+[A-Z]\w+)(?= (?:data|dataset)\b)"),
)


#: Names of hosted models that are plain enough to stand for a service.
SERVICE = (
    r"(?:gpt-?4[\w.-]*|gpt-?3\.5[\w.-]*|chatgpt|text-davinci-00[123]"
    r"|claude[- ]?[\d.]*(?:[- ](?:opus|sonnet|haiku))?|gemini[- ][\w.-]+|palm[- ]?2|gpt-3(?![\w.]))"
)
_MADE_WITH = re.compile(
    r"\b(?:generated|synthesi[sz]ed|distilled|produced|created|written|we used|translated|completions)\b[^.\[]{0,30}?"
    r"\b(?:by|with|using|from|via|used)\s+(?:(?:the|openai'?s?|anthropic'?s?|google'?s?)\s+)*"
    rf"[`*\"\[]*(?P<name>{SERVICE})", re.IGNORECASE)
_LESSON = re.compile(r"data|instruction|response|answer|conversation|completion|sample|demonstration|question|caption"
                     r"|paraphras|dialog|text|summar", re.IGNORECASE)
_MEASURED = re.compile(r"evaluat|judge|rating|\bnot\b|score", re.IGNORECASE)


def _made_with(line: Line, asset: str) -> Iterator[Step]:
    """`52,000 demonstrations generated by text-davinci-003`: a verb of making, right before the name."""
    for sentence in sentences(line.text):
        match = _MADE_WITH.search(sentence)
        if match and _LESSON.search(sentence) and not _MEASURED.search(sentence):
            yield Step("generate", match["name"].strip(" .-`"), line)


#: The same verbs before a model with an address or an id of its own; a bare `a/b` needs a figure to be one.
_MADE_WITH_MODEL = re.compile(
    r"\b(?:generated|synthesi[sz]ed|distilled|produced|created|written|translated|completions)\b[^.\[]{0,30}?"
    r"\b(?:by|with|using|from|via)\s+(?:the\s+)?(?:model\s+)?[`*\"]*"
    rf"(?:\[[^\]\[]{{1,200}}\]\()?(?P<written>{HUB.pattern}|{ID.pattern})", re.IGNORECASE)


def _made_with_model(line: Line, asset: str) -> Iterator[Step]:
    """`answers generated with [owner/name](address of a model)`, or with its id."""
    for sentence in sentences(line.text):
        match = _MADE_WITH_MODEL.search(sentence)
        if match is None or not _LESSON.search(sentence) or _MEASURED.search(sentence):
            continue
        ids = hub_ids(match["written"]) or ([match["written"].rstrip(".")] if _plain_id(match["written"]) else [])
        yield from (Step("generate", i, line) for i in ids[:1])


def _plain_id(name: str) -> bool:
    return bool(ID.fullmatch(name) and re.search(r"\d", name.split("/")[1]))


_TOP_ONLY = (_before_link, _trained_on)
_MODEL_FINDERS = (_label, _before_link, _merge, _trained_on, _teacher)


_PROMPTS = re.compile(r"\bprompts?(?: sets?)?\b[^.\[]{0,30}\bfrom\b", re.IGNORECASE)


def prompts_only(lines: list[Line]) -> frozenset[str]:
    """Data sets of which a card says that only the prompts were taken: their answers taught nothing."""
    said = [s for line in lines for s in sentences(line.text) if _PROMPTS.search(s)]
    return frozenset(i.lower() for s in said for i in hub_ids(s, "datasets/"))


_DATA_FINDERS = (_data_from, _made_with, _made_with_model)
