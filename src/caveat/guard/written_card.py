"""The card of a trained model, completed: the keys that trainers forget, and one section from the verdict.

What stands in the card stays as it is and in its order; keys are added, items are added to lists, and what stands
between our two marks is replaced. Trainers write their card again whenever they save: it is completed again after.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence

from caveat.evidence.front_matter import DASHES
from caveat.evidence.repo_names import ID
from caveat.guard.judged import Judged, Settings
from caveat.guard.planned import asset_of, on_disk
from caveat.guard.seen import Load
from caveat.guard.written_licence import Label, label
from caveat.lineage.claims import Evidence
from caveat.report import model_card, words
from caveat.report.escape import for_code, for_markdown, visible

BEGIN = "<!-- caveat: begin. Written after a run; the next run replaces what stands between these marks. -->"
END = "<!-- caveat: end -->"
ADDED = "<!-- caveat: added "
TAG = "caveat"
#: A line that TRL's template writes for want of a licence; a real one takes its place.
PLACEHOLDERS = ("licence: license",)
LISTS, WHOLE = ("datasets", "tags"), "keys that were not there"
RELATIONS = {"finetune": "finetune", "adapt": "adapter"}
KEY = re.compile(r"^(?P<key>[A-Za-z_][\w-]*)\s*:(?P<rest>.*)$")
EMPTY = re.compile(r"[\w-]+\s*:\s*(?:#.*)?")
MOST = 100
Keys = Mapping[str, str | Sequence[str]]


def completed(old: str, evidence: Evidence, loads: Sequence[Load], judged: Judged, settings: Settings,
              resumed: bool = False) -> str:
    """The card with the keys and the section; a new card where there was none. What an older run added is taken out
    first, unless this run goes on from it."""
    terms = label(evidence, judged, settings)
    text = old.replace("\r\n", "\n")
    front, body = cut(text)
    front = front if resumed else without(front, added_in(body))
    wanted = keys(loads, judged, terms)
    said = section(loads, judged, terms, _says(front, "license") if _licensed(front) else "")
    if not text.strip():
        body = f"\n# {for_markdown(judged.report.subject)}\n"
    lines = "\n".join(filled(front, wanted))
    done = f"---\n{lines}\n---\n{placed(body, f'{note(front, wanted)}{said}')}"
    return done.replace("\n", "\r\n") if "\r\n" in old else done


def cut(text: str) -> tuple[list[str], str]:
    """The lines of the front matter, and the body after it; no lines where there is none that is closed."""
    lines = text.split("\n")
    if not DASHES.match(lines[0]):
        return [], text
    closed = next((i for i in range(1, len(lines)) if DASHES.match(lines[i])), None)
    return (lines[1:closed], "\n".join(lines[closed + 1:])) if closed else ([], text)


# Front matter.


def keys(loads: Sequence[Load], judged: Judged, terms: Label) -> dict[str, str | tuple[str, ...]]:
    """What the card should say, in the order in which hubs write it. Only public ids: a hub refuses others."""
    bases = _public(loads, ("model",))
    rows = _public([load for load in loads if load.act in ("", "train")], ("data",))
    acts = {e.act for e in judged.report.graph.edges if e.child == judged.report.subject and e.parent in bases}
    relation = RELATIONS["adapt"] if "adapt" in acts else RELATIONS["finetune"] if "finetune" in acts else ""
    found: dict[str, str | tuple[str, ...]] = dict(terms.front)
    found |= {"base_model": bases[0] if len(bases) == 1 else bases} if bases else {}
    found |= {"base_model_relation": relation} if bases and relation else {}
    found |= {"datasets": rows} if rows else {}
    return {**found, "tags": (TAG,)}


def _public(loads: Sequence[Load], whats: tuple[str, ...]) -> tuple[str, ...]:
    names = [asset_of(load) for load in loads if load.what in whats and load.name and not on_disk(load)]
    return tuple(n for n in dict.fromkeys(names) if ID.fullmatch(n))[:MOST]


def _says(front: Sequence[str], key: str) -> str:
    found = (m for m in map(KEY.match, front) if m and m["key"] == key)
    return next((m["rest"].strip() or "(a list)" for m in found), "")


def filled(front: Sequence[str], wanted: Keys) -> list[str]:
    """The lines with what is missing: a key that is there is kept, and only lists of data sets and tags grow."""
    lines = list(front)
    licensed = _licensed(lines)
    if "license" in wanted and not licensed:
        lines = [line for line in lines if line.strip() not in PLACEHOLDERS]
    for key, value in wanted.items():
        if licensed and key.startswith("license"):
            continue
        if _block(lines, key)[0] < 0:
            lines += _lines(key, value)
        elif key in LISTS:
            lines = _grown(lines, key, (value,) if isinstance(value, str) else value)
    return lines


def note(front: Sequence[str], wanted: Keys) -> str:
    """A comment that tells the next run what this one adds, so that it can be taken out again; in letters that no
    reader of cards takes for words."""
    added: dict[str, list[str]] = {}
    for key, value in wanted.items():
        values = [value] if isinstance(value, str) else list(value)
        had = {h.lower() for h in _listed(front, key)} if key in LISTS else set()
        new = [v for v in values if v.lower() not in had]
        if new and (key in LISTS or not _says(front, key)) and not (key.startswith("license") and _licensed(front)):
            added[key] = new
    added[WHOLE] = [key for key in added if _block(front, key)[0] < 0]
    return f"{ADDED}{b64encode(json.dumps(added).encode()).decode()} -->\n\n"


def added_in(body: str) -> dict[str, list[str]]:
    """What an older run says that it added."""
    lines = body.split("\n")
    start, end = _marks(lines)
    for line in lines[max(start, 0):end]:
        if line.startswith(ADDED) and line.endswith(" -->"):
            try:
                said = json.loads(b64decode(line[len(ADDED):-len(" -->")]))
            except (ValueError, RecursionError):
                return {}
            rows = said.items() if isinstance(said, dict) else ()
            return {k: [str(v) for v in vs] for k, vs in rows if isinstance(vs, list)}
    return {}


def without(front: Sequence[str], added: Mapping[str, Sequence[str]]) -> list[str]:
    """The lines without what was added: whole keys that still say it, and items of lists."""
    gone = {"\n".join(_lines(k, vs[0])) for k, vs in added.items() if len(vs) == 1 and k not in (*LISTS, WHOLE)}
    lines = [line for line in front if line not in gone]
    for key in LISTS:
        values = added.get(key, ())
        mine = {f"- {v}" for v in values} | set(_lines("x", values)[1:])
        lines = _shorter(lines, key, mine, key in added.get(WHOLE, ())) if values else lines
    return lines


def _shorter(lines: list[str], key: str, items: set[str], mine: bool) -> list[str]:
    """Without these items, and without a key that was added for them and holds no others."""
    here, end = _block(lines, key)
    if here < 0:
        return lines
    kept = [line for line in lines[here + 1:end] if line.strip() not in items]
    whole = mine and not any(line.strip() for line in kept)
    return [*lines[:here], *([] if whole else [lines[here], *kept]), *lines[end:]]


def _block(lines: Sequence[str], key: str) -> tuple[int, int]:
    """Where a key stands and where its value ends; (-1, -1) if it is not there."""
    here = next((i for i, line in enumerate(lines) if (m := KEY.match(line)) and m["key"] == key), -1)
    if here < 0:
        return -1, -1
    ends = (i for i in range(here + 1, len(lines)) if lines[i].strip() and lines[i][0] not in " \t-#")
    return here, next(ends, len(lines))


def _listed(front: Sequence[str], key: str) -> list[str]:
    here, end = _block(front, key)
    return _items("\n".join(front[here:end])) if here >= 0 else []


def _licensed(front: Sequence[str]) -> bool:
    """Whether a person said it already; `licence: license`, which a template of TRL's writes, says nothing."""
    return bool(_says(front, "license") or _says(front, "licence") not in ("", "license", "licence"))


def _lines(key: str, value: str | Sequence[str]) -> list[str]:
    return model_card.front({key: value}).split("\n")[1:-2]


def _grown(lines: list[str], key: str, wanted: Sequence[str]) -> list[str]:
    """The list under a key with the items it lacks; a form that is not one item a line is written anew as one."""
    here, end = _block(lines, key)
    had = _items("\n".join(lines[here:end]))
    lacking = [w for w in wanted if w.lower() not in {h.lower() for h in had}]
    if not lacking:
        return lines
    dashed = [i for i in range(here + 1, end) if lines[i].lstrip().startswith("- ")]
    if EMPTY.fullmatch(lines[here]) and (dashed or not had):
        last = dashed[-1] if dashed else here
        indent = lines[last][:len(lines[last]) - len(lines[last].lstrip())] if dashed else ""
        new = [indent + line for line in _lines("x", lacking)[1:]]
        return [*lines[:last + 1], *new, *lines[last + 1:]]
    return [*lines[:here], *_lines(key, (*had, *lacking)), *lines[end:]]


def _items(block: str) -> list[str]:
    from caveat.evidence import yaml_safe

    tree = yaml_safe.read(block, "README.md").mapping
    return [text for key in LISTS for text in tree.strings(key)]


# The section.


def placed(body: str, said: str) -> str:
    """The body with the section in place of the older one, or at its end."""
    block = f"{BEGIN}\n\n{said.strip()}\n\n{END}\n"
    lines = body.split("\n")
    start, end = _marks(lines)
    if start < 0:
        return f"{body.rstrip()}\n\n{block}" if body.strip() else f"\n{block}"
    return "\n".join((*lines[:start], block.rstrip("\n"), *lines[end + 1:]))


def _marks(lines: Sequence[str]) -> tuple[int, int]:
    """The lines of the last pair of marks; (-1, 0) if there is none."""
    end = next((i for i in reversed(range(len(lines))) if lines[i] == END), -1)
    start = next((i for i in reversed(range(max(end, 0))) if lines[i] == BEGIN), -1)
    return (start, end) if start >= 0 else (-1, 0)


def section(loads: Sequence[Load], judged: Judged, terms: Label, licence: str = "") -> str:
    """What it was made from, what may be done with it, and what is open. `licence` is what the card says already."""
    parts = (
        ("What it was made from", _made(loads, judged)),
        ("What may be done with it", model_card.may_section(judged.report)),
        ("Licence", _licence(terms, licence)),
        ("Open and accepted", "\n".join(_open(judged))),
    )
    return "\n\n".join(f"## {title}\n\n{text}" for title, text in parts if text)


def _made(loads: Sequence[Load], judged: Judged) -> str:
    rows = [f"| {for_markdown(load.what)} | {for_code(asset_of(load))} | {_code(load.revision)} | {_part(load)} |"
            for load in dict.fromkeys(loads[:MOST])]
    head = ("| part | which | revision | split, columns |", "| --- | --- | --- | --- |")
    table = "\n".join((*head, *rows)) if rows else ""
    return "\n\n".join(filter(None, (table, model_card.lineage_section(judged.report))))


def _code(text: str) -> str:
    return for_code(text) if text else ""


def _part(load: Load) -> str:
    some = ", ".join(_code(c) for c in load.columns[:8]) + (" ..." if len(load.columns) > 8 else "")
    return "; ".join(filter(None, (_code(load.config), _code(load.split), some)))


def _licence(terms: Label, said: str) -> str:
    if said:
        return (f"The card says {for_code(said)}. " if said != "(a list)" else "The card says it above. ") + (
            f"By its lineage it may go out under {for_markdown(' + '.join(terms.laws))}." if terms.laws
            else f"By its lineage: {for_markdown(terms.why)}.")
    if terms.front:
        return f"{for_markdown(terms.why).capitalize()}."
    if terms.laws:
        return f"It may go out under {for_markdown(' + '.join(terms.laws))} together; a card has no key for that."
    return f"None is written above: {for_markdown(terms.why)}."


def _open(judged: Judged) -> Iterator[str]:
    """What was accepted, what hangs on doubt, and what could not be read."""
    for f in judged.accepted:
        yield f"- accepted: {for_code(f.id)} ({for_markdown(words.sign(f.verdict))})"
    for f in (*judged.refused, *judged.warned):
        yield f"- {for_markdown(words.sign(f.verdict))}: {for_markdown(words.deed(f))} ({for_markdown(words.hangs(f))})"
    for p in judged.report.problems[:20]:
        yield f"- not known: {for_markdown(str(visible(words.problem(p))))}"
