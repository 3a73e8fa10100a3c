"""Python code and notebooks: which models, services and data sets a program calls or trains on, by its syntax alone.

    AutoModelForCausalLM.from_pretrained("owner/name")      an app with a model inside: a product that bundles it
    client.chat.completions.create(model="gpt-4o")          an app on a service
    SFTTrainer(model=..., train_dataset=load_dataset(...))  a model being made: finetune and train

Nothing is imported or run. Names are followed through plain assignments, defaults of functions, argparse and
environment lookups; a name that is put together at run time is kept as far as it is known and marked `computed`.

Traps: a method called `create` or `generate` that is not a model's; `load_dataset("json", data_files=...)`; a
tokenizer or processor alone is no model; `push_to_hub` names the child; a reference model of DPO is no parent of its
own; notebooks hold magics (`!pip`, `%%bash`) between their code, and start whole trainings by them.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from bisect import bisect_left
from collections.abc import Callable, Iterator

from caveat.evidence import dataset_builder, launch_lines
from caveat.evidence.code_calls import Call, calls_in
from caveat.evidence.code_training import trained
from caveat.evidence.repo_names import is_local
from caveat.evidence.source import place, text_of
from caveat.lineage.claims import AssetClaim, Claim, Evidence, Problem, StepClaim

NAMES = ("*.py", "*.ipynb")
READS = "bytes"
LIMIT = 8 << 20
#: Longest code that is parsed, in characters: the syntax tree takes about a hundred times as much memory.
CODE_LIMIT = 1 << 20
#: Words and brackets in code that is parsed: each becomes a node or two of about half a kilobyte. A megabyte of real
#: code has a hundred thousand words.
MARKS_LIMIT = 250_000
MARKS = re.compile(r"\w+|[\[({]")
#: A magic and the lines over which it goes on.
MAGIC = re.compile(r"^([ \t]*)([!%?](?:[^\n]*\\\n){0,200}[^\n]*)$", re.MULTILINE)
#: A cell that becomes a file.
WRITTEN = re.compile(r"%%writefile(?:[ \t]+-a)?[ \t]+[^\n]{1,300}\.(?P<ending>yaml|yml|py|sh)[ \t]*\n")
#: Steps by which a model is made of another.
TRAINS = frozenset({"finetune", "adapt"})
#: A file without any of these words calls nothing that we know.
WORTH = re.compile(
    r"from_pretrained|pipeline\(|load_dataset|SentenceTransformer|CrossEncoder|snapshot_download|hf_hub_download"
    r"|\bLLM\(|Llama\(|\.create\(|\.parse\(|completion\(|generate_content|\.chat\(|\.stream\(|\.complete\(|embed"
    r"|Chat[A-Z]|GenerativeModel|ollama|InferenceClient|Trainer\(|get_peft_model|BasedBuilder|DatasetBuilder"
)


def read(data: bytes, file: str, asset: str) -> Evidence:
    """The claims of one program or notebook about `asset` (the product, or the model that it trains)."""
    source = text_of(data, file, LIMIT)
    notebook = file.endswith(".ipynb") and (launch_lines.STARTS.search(source.text) or "%%writefile" in source.text)
    if not WORTH.search(source.text) and not notebook:
        return Evidence(problems=source.problems)
    if file.endswith(".ipynb"):
        return Evidence(problems=source.problems) + of_notebook(source.text, file, asset)
    return Evidence(problems=source.problems) + of_code(source.text, file, asset)


def of_code(code: str, file: str, asset: str) -> Evidence:
    """The claims of the text of a program."""
    tree, wrong = parsed(code, file)
    if not tree:
        return Evidence(problems=wrong)
    found = Evidence(problems=wrong) + claims_of(tree, file, asset)
    return found + _examples(tree, code, found, file, asset)


def _examples(tree: ast.Module, code: str, found: Evidence, file: str, asset: str) -> Evidence:
    """How a training script says that it is launched, where its own code does not say what it trains."""
    first = tree.body[0] if tree.body else None
    if "Trainer(" not in code or any(isinstance(c, StepClaim) and c.act in TRAINS for c in found.claims):
        return Evidence()
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return launch_lines.of_docstring(first.value.value, file, asset, first.lineno)
    return Evidence()


def of_notebook(text: str, file: str, asset: str) -> Evidence:
    """The claims of a notebook; places name the cell, for lines of the file itself tell nobody anything."""
    rows, wrong = _raw_cells(text, file)
    cells = list(map(_without_magics, rows))
    said = of_code("\n".join(cells), file, asset)
    said += launch_lines.of_text("\n".join(map(launch_lines.magics, rows)), file, asset)
    said += _written_files(rows, file, asset)
    starts = [0]
    for cell in cells:
        starts.append(starts[-1] + cell.count("\n") + 1)
    claims = tuple(_in_cell(c, starts) for c in said.claims)
    return said._replace(claims=claims, problems=(*wrong, *said.problems))


def _written_files(rows: list[str], file: str, asset: str) -> Evidence:
    """Recipes and programs that a notebook writes by `%%writefile`, read as the files they become."""
    from caveat.evidence import recipe

    read: dict[str, Callable[[str, str, str], Evidence]] = {"yaml": recipe.of_text, "yml": recipe.of_text,
                                                            "py": of_code, "sh": launch_lines.of_text}
    found, line = Evidence(), 0
    for cell in rows:
        written = WRITTEN.match(cell)
        if written:  # the lines before are kept empty, so that places tell the cell
            found += read[written["ending"]]("\n" * (line + 1) + cell[written.end():], file, asset)
        line += cell.count("\n") + 1
    return found


def _in_cell(claim: Claim, starts: list[int]) -> Claim:
    cell = bisect_left(starts, claim.place.line or 1)
    return claim._replace(place=claim.place._replace(line=None, key=f"code cell {cell}: {claim.place.key}"))


def parsed(code: str, file: str) -> tuple[ast.Module | None, tuple[Problem, ...]]:
    """The syntax tree, or why there is none."""
    if len(code) > CODE_LIMIT:
        return None, (Problem(file, f"code of more than {CODE_LIMIT >> 20} MiB", None, "it was not read"),)
    if sum(1 for _ in MARKS.finditer(code)) > MARKS_LIMIT:
        return None, (Problem(file, f"code of more than {MARKS_LIMIT} words", None, "it was not read"),)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code), ()
    except SyntaxError as error:
        return None, (Problem(file, f"not Python: {error.msg}", error.lineno, "it was not read"),)
    except (ValueError, RecursionError, MemoryError) as error:
        return None, (Problem(file, f"not Python: {type(error).__name__}", None, "it was not read"),)


def _raw_cells(text: str, file: str) -> tuple[list[str], tuple[Problem, ...]]:
    """The code cells of a notebook as they stand."""
    try:
        cells = json.loads(text).get("cells", [])
        rows = ["".join(c.get("source", ())) for c in cells if isinstance(c, dict) and c.get("cell_type") == "code"]
    except (ValueError, RecursionError, AttributeError, TypeError) as error:
        return [], (Problem(file, f"not a notebook: {type(error).__name__}", None, "it was not read"),)
    return rows, ()


def _without_magics(cell: str) -> str:
    """The cell with magics as comments, lines that they go on over as well, so that lines stay countable."""
    if cell.lstrip().startswith("%%") and not cell.lstrip().startswith(("%%time", "%%capture")):
        return re.sub(r"^", "# ", cell, flags=re.MULTILINE)
    return MAGIC.sub(lambda m: m[1] + "pass  # " + m[2].replace("\n", "\n# "), cell)


def claims_of(tree: ast.Module, file: str, asset: str) -> Evidence:
    """Claims of a syntax tree: the models being trained, then everything else the program calls."""
    try:
        calls, unknown = calls_in(tree, file)
        training = trained(tree, calls, file, asset)
    except RecursionError:
        return Evidence(problems=(Problem(file, "code nested too deeply", None, "it was not read"),))
    rest = [c for c in calls if c.name not in training.used]
    built = tuple(dataset_builder.claims_of(tree, file, asset))
    bundled = () if built else _bundled(rest, file, asset)
    claims = tuple(dict.fromkeys((*training.claims, *built, *bundled)))
    return Evidence(claims=claims, problems=unknown)


def _bundled(calls: list[Call], file: str, asset: str) -> Iterator[Claim]:
    """A product that bundles what it calls; data sets that are only loaded are named, not bundled. Folders of one's
    own are steps as well: the gathering knows whether an asset lies there."""
    inside = [c for c in calls if c.kind in ("model", "service")]
    first = next((c for c in inside if not is_local(c.name)), None)
    if first:
        yield AssetClaim(asset, "kind", "product", place(file, first.line, first.how, first.written, "detected"))
    for c in inside:
        where = place(file, c.line, c.how, c.written, "detected", c.weak)
        if not is_local(c.name):
            yield AssetClaim(c.name, "kind", c.kind, where)
        yield StepClaim(asset, "bundle", c.name, where, computed=c.computed)
    for c in calls:
        if c.kind == "dataset" and not is_local(c.name):
            yield AssetClaim(c.name, "kind", "dataset", place(file, c.line, c.how, c.written, "detected"))
