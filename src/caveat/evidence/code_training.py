"""Training inside Python: which model a Trainer makes, from which base, on which data.

    SFTTrainer(model=model, train_dataset=ds, args=SFTConfig(output_dir="my-chat"))
      my-chat <-finetune- what `model` was loaded from,   my-chat <-train- what `ds` was loaded from
      my-chat <-train- answers for my-chat <-generate- the service that the rows of `ds` were asked of
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence.code_calls import Call, calls_in, is_public
from caveat.evidence.code_values import Names, dotted, keyword, last_name
from caveat.evidence.repo_names import folder_name
from caveat.evidence.source import place
from caveat.lineage.claims import AssetClaim, Claim, StepClaim

TRAINER = re.compile(r"^(?:\w*Trainer|RewardModelTrainer)$")
ARGUMENTS = re.compile(r"(?:TrainingArguments|Config|Args|Arguments)$")
#: Names of output folders that say nothing about what is made.
PLAIN_OUTPUT = re.compile(
    r"(?:results?|outputs?|output_dir|out|checkpoints?|ckpts?|tmp|temp|models?|saved_models?|logs?|runs?|trainer|"
    r"test[-_]trainer|train|training|finetuned?|\.+)(?:[-_]?\d+)?", re.IGNORECASE)
#: How many expressions are followed to find where a variable came from.
MOST = 400
#: Trainers of one program that are looked at.
MOST_TRAINERS = 100


class Trained(NamedTuple):
    """Claims about models being made, and the names of assets that served for it."""

    claims: tuple[Claim, ...]
    used: frozenset[str]


def trained(tree: ast.Module, calls: list[Call], file: str, asset: str) -> Trained:
    """What the Trainers of a program make; nothing if it has none."""
    by_node: dict[ast.Call, list[Call]] = {}
    for c in calls:
        by_node.setdefault(c.node, []).append(c)
    trainers = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and TRAINER.match(last_name(n.func))]
    if not trainers or not by_node:
        return Trained((), frozenset())
    names = Names(tree)
    child = _child(tree, names) or asset
    called = {last_name(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    adapted = bool(called & {"get_peft_model", "LoraConfig"})
    claims: list[Claim] = []
    used: set[str] = set()
    for t in trainers[:MOST_TRAINERS]:
        claims += _steps(t, child, adapted, names, by_node, file, used)
    return Trained(tuple(dict.fromkeys(claims)), frozenset(used))


def _steps(t: ast.Call, child: str, adapted: bool, names: Names, by_node: dict[ast.Call, list[Call]], file: str,
           used: set[str]) -> Iterator[Claim]:
    """finetune (or adapt) from the model's origins, train from the data's."""
    how = dotted(t.func)
    model = keyword(t, "model") or (t.args[0] if t.args else None)
    lora = adapted or keyword(t, "peft_config") is not None
    data = keyword(t, "train_dataset", "dataset")
    teacher = keyword(t, "teacher_model")
    for part, kind, act in ((model, "model", "adapt" if lora else "finetune"), (teacher, "model", "distil"),
                            (data, "dataset", "train")):
        for c in _origins(part, names, by_node):
            used.add(c.name)
            if c.kind == kind and is_public(c):
                where = place(file, c.line, f"{how}: {c.how}", c.written, "detected", c.weak)
                yield AssetClaim(child, "kind", "model", place(file, t.lineno, how, child, "detected"))
                yield AssetClaim(c.name, "kind", kind, where)
                yield StepClaim(child, act, c.name, where, computed=c.computed)
    yield from _marked(t, child, names, by_node, file, used)
    yield from _written(t, data, child, names, by_node, file, used)
    for extra in ("ref_model", "eval_dataset", "tokenizer"):
        used.update(c.name for c in _origins(keyword(t, extra), names, by_node))


def _marked(t: ast.Call, child: str, names: Names, by_node: dict[ast.Call, list[Call]], file: str,
            used: set[str]) -> Iterator[Claim]:
    """Reward models and judges mark answers, and the model learns from the marks: a set of answers in between."""
    given = keyword(t, "reward_model", "reward_funcs", "judge")
    parts = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given]
    judges = [c for p in parts for c in _origins(p, names, by_node) if c.kind == "model"]
    used.update(c.name for c in judges)
    answers = f"answers of {child}, scored"
    for c in filter(is_public, judges):
        where = place(file, c.line, f"{dotted(t.func)}: {c.how}", c.written, "detected", c.weak)
        yield from (AssetClaim(answers, "kind", "dataset", where), AssetClaim(answers, "own", "yes", where))
        yield StepClaim(answers, "annotate", c.name, where, computed=c.computed)
        yield StepClaim(child, "train", answers, where)


def _written(t: ast.Call, data: ast.expr | None, child: str, names: Names, by_node: dict[ast.Call, list[Call]],
             file: str, used: set[str]) -> Iterator[Claim]:
    """Rows that the program asks a service for before it trains on them: a set of answers in between."""
    answers = f"answers for {child}"
    for c in (c for c in _origins(data, names, by_node) if _asked(c) and is_public(c)):
        used.add(c.name)
        where = place(file, c.line, f"{dotted(t.func)}: {c.how}", c.written, "detected", c.weak)
        yield AssetClaim(child, "kind", "model", place(file, t.lineno, dotted(t.func), child, "detected"))
        yield AssetClaim(c.name, "kind", c.kind, where)
        yield from (AssetClaim(answers, "kind", "dataset", where), AssetClaim(answers, "own", "yes", where))
        yield StepClaim(answers, "generate", c.name, where, computed=c.computed)
        yield StepClaim(child, "train", answers, where)


def _asked(c: Call) -> bool:
    """A service, or an open model behind the client of one: `create(model="owner/name")` on one's own server."""
    return c.kind == "service" or (c.kind == "model" and c.how.endswith((".create", ".parse")))


def _origins(node: ast.expr | None, names: Names, by_node: dict[ast.Call, list[Call]]) -> list[Call]:
    """The known calls that an expression goes back to, through variables and functions of the same program."""
    found: list[Call] = []
    stack: list[ast.AST] = [node] if node is not None else []
    seen: set[int] = set()
    while stack and len(seen) < MOST:
        here = stack.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, ast.Call) and here in by_node:
            found += by_node[here]
        elif isinstance(here, ast.Constant) and isinstance(here.value, str) and here is node:
            found += _named(here)
        else:
            stack += _behind(here, names)
    return found


def _named(here: ast.Constant) -> list[Call]:
    """A Trainer may be given the name of its model: `SFTTrainer("owner/name", ...)`."""
    call = ast.parse("AutoModel.from_pretrained()", mode="eval").body
    assert isinstance(call, ast.Call)
    call.args, call.lineno = [here], here.lineno
    return calls_in(call, "")[0]


def _behind(here: ast.AST, names: Names) -> list[ast.AST]:
    """The expressions one step back."""
    if isinstance(here, ast.Name):
        return list(names.assigned.get(here.id, ()))
    if isinstance(here, ast.Attribute):
        return [*names.assigned.get(f".{here.attr}", ()), here.value]
    below: list[ast.AST] = list(ast.iter_child_nodes(here))
    if isinstance(here, ast.Call) and isinstance(here.func, ast.Name) and here.func.id in names.functions:
        function = names.functions[here.func.id]
        below += [n for n in ast.walk(function) if isinstance(n, ast.Call)][:MOST]
    return below


def _child(tree: ast.Module, names: Names) -> str:
    """What the model being made is called: a hub id, else an output folder with a name of its own, else ""."""
    hub, folder = "", ""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = last_name(node.func)
        if called == "push_to_hub":
            hub = hub or _text(names, keyword(node, "repo_id") or (node.args[0] if node.args else None))
        elif ARGUMENTS.search(called):
            hub = hub or _text(names, keyword(node, "hub_model_id"))
            folder = folder or folder_name(_text(names, keyword(node, "output_dir")))
    return hub if "/" in hub else ("" if PLAIN_OUTPUT.fullmatch(folder) else folder)


def _text(names: Names, node: ast.expr | None) -> str:
    values = names.values(node)
    return values[0].text if values and "{" not in values[0].text else ""
