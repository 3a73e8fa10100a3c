"""What is fuzzed, one row a reader: the function, inputs to begin with, words to mix in, and what must hold after.

A target takes bytes and returns nothing. Errors that a person is told (CaveatError and its kin) are fine where they
are documented; anything else that comes out, a slow run or an output that swells is a finding.
"""

from __future__ import annotations

import json
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, LawError, QuestionError, SettingsError
from caveat.lineage.claims import Evidence
from tests.fuzz.seeds import (
    BOOK,
    CARD,
    CARD_WORDS,
    CODE,
    CODE_WORDS,
    CONFIG,
    CUT,
    FROM,
    GGUF_WORDS,
    JSON_WORDS,
    LAW,
    LICENCES,
    QUESTIONS,
    SENTENCE_WORDS,
    SLERP,
    TOML,
    TOML_WORDS,
    YAML_WORDS,
    database,
    gguf,
    pieces,
    safetensors,
)

#: What one small input may yield at most: claims and problems, and characters of each text in them.
MOST_TOLD, LONGEST_TOLD = 20_000, 4_000


class Target(NamedTuple):
    """One thing to fuzz. `longest` is the largest input tried, in bytes."""

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[str, ...] = ()
    longest: int = 8192


def bounded(said: Evidence) -> None:
    """No more is said than an input of this size can bear."""
    assert len(said.claims) + len(said.problems) < MOST_TOLD, (len(said.claims), len(said.problems))
    for p in said.problems:
        assert len(p.what) < LONGEST_TOLD, p.what[:200]
        assert p.line is None or p.line >= 0
    for c in said.claims:
        assert len(c.place.quote) < LONGEST_TOLD, c.place.quote[:200]


def _reader(module: str, file: str) -> Callable[[bytes], None]:
    from importlib import import_module

    def run(data: bytes) -> None:
        read: Callable[..., Evidence] = import_module(f"caveat.evidence.{module}").read
        bounded(read(data, file, "acme/thing"))

    return run


def _by_path(module: str, *names: str) -> Callable[[bytes], None]:
    """A reader that opens the file itself, under each of these names."""
    from importlib import import_module

    def run(data: bytes) -> None:
        read: Callable[..., Evidence] = import_module(f"caveat.evidence.{module}").read
        with tempfile.TemporaryDirectory() as folder:
            for name in names:
                file = Path(folder, name)
                file.write_bytes(data)
                bounded(read(file, name, "acme/thing"))
                assert file.read_bytes() == data
            assert sorted(p.name for p in Path(folder).iterdir()) == sorted(names)

    return run


def _caveat_toml(data: bytes) -> None:
    from caveat.evidence.caveat_toml import read

    try:
        bounded(read(data, "caveat.toml", "acme/thing"))
    except SettingsError as error:
        assert len(str(error)) < LONGEST_TOLD


def _recipe_blocks(data: bytes) -> None:
    from caveat.evidence.recipe_blocks import read

    bounded(read(data.decode("utf-8", "replace"), "README.md", "acme/thing", ("a/x",)))


def _yaml_safe(data: bytes) -> None:
    from caveat.evidence import yaml_safe

    tree = yaml_safe.read(data.decode("utf-8", "replace"), "x.yml")
    total = sum(len(s.text) for _, s in yaml_safe.scalars(tree.root))
    assert total < 50_000 * (len(data) + 1)
    bounded(Evidence(problems=tree.problems))


def _json_safe(data: bytes) -> None:
    from caveat.evidence import json_safe

    found = json_safe.read(data, "config.json")
    for key in list(found.data)[:5]:
        found.line(key, found.word(key))
    sum(1 for _ in json_safe.strings_in(found.data))
    bounded(Evidence(problems=found.problems))


def _toml_lines(data: bytes) -> None:
    from caveat.evidence.toml_lines import Lines

    lines = Lines(data.decode("utf-8", "replace"))
    assert all(1 <= n <= lines.count for n in lines.found.values())
    assert lines.of("step[1].act") >= 1


def _sentence(data: bytes) -> None:
    from caveat.flows.asking import ask

    try:
        ask(data.decode("utf-8", "replace"), today="2026-01-01")
    except QuestionError as error:
        assert len(error.caret().splitlines()) >= 1
    except CaveatError:
        pass


def _law(data: bytes) -> None:
    """One text as an organisation's own licence, and as its own disputed word."""
    from caveat.law.shelf import shipped

    for sort, name in (("licences", "own-1"), ("disputed", "own-word")):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, sort).mkdir()
            Path(folder, sort, f"{name}.toml").write_bytes(data)
            try:
                law = shipped().with_own(Path(folder))
                (law.law if sort == "licences" else law.word)(name)
            except LawError as error:
                assert len(str(error)) < LONGEST_TOLD


#: Names of files in a fuzzed folder: the byte before each piece chooses one.
FILES = (
    "README.md",
    "config.json",
    "adapter_config.json",
    "LICENSE",
    "NOTICE",
    "USE_POLICY.md",
    "Modelfile",
    "merge.yml",
    "caveat.toml",
    "train.py",
    "app.ipynb",
    "m.gguf",
    "m.safetensors",
    "part/README.md",
    "models--a--b/README.md",
    "bad\x1b[31m\nname.py",
    "owner__name/config.json",
    "cycle/caveat.toml",
)


def _folder(data: bytes) -> None:
    from caveat.errors import EvidenceError
    from caveat.flows.checking import check
    from caveat.report import render

    with tempfile.TemporaryDirectory() as folder:
        for piece in data.split(CUT)[:8]:
            file = Path(folder, FILES[(piece[:1] or b"\0")[0] % len(FILES)])
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(piece[1:])
        try:
            reports = check(folder, today="2026-01-01")
        except (EvidenceError, SettingsError, CaveatError):
            return
        for report in reports[:3]:
            harmless({form: render(form, report) for form in ("terminal", "json", "markdown", "html")})


def _forms(data: bytes) -> None:
    from caveat.report import render
    from caveat.verdict.answer import Cited, Declared, Finding, Graph, GraphEdge, GraphNode, Report

    name = data.decode("utf-8", "surrogateescape")
    place: Any = __import__("caveat.lineage.claims", fromlist=["Place"]).Place("declared", name, 1, name, name)
    graph = Graph(
        (GraphNode(name, name, (name,), ((name, name),), (), True), GraphNode("x", "model")),
        (GraphEdge(name, name, "x", name),),
    )
    found = Finding(
        "id", "prohibited", name, name, name, name, (Cited(name, name, name, "must", name),), note=name, whose=name
    )
    answer = Report(name, name, "prohibited", (Declared(name, (name,), place),), findings=(found,), graph=graph)
    harmless({form: render(form, answer) for form in ("terminal", "json", "markdown", "html")})


def harmless(told: dict[str, str]) -> None:
    """No form obeys what a stranger wrote: no escapes in a terminal, no tags or links of theirs in a page."""
    from html.parser import HTMLParser

    from markdown_it import MarkdownIt

    assert not [c for c in told["terminal"] if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0]
    assert json.loads(told["json"])
    tags: set[str] = set()
    parser: Any = type("_Tags", (HTMLParser,), {"handle_starttag": lambda self, tag, attrs: tags.add(tag)})()
    parser.feed(told["html"])
    assert not tags & {"script", "img", "iframe", "object", "embed", "form", "input", "base"}, tags
    blocks = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(told["markdown"])
    html = {t.content.strip() for b in blocks for t in (b, *(b.children or ())) if t.type.startswith("html")}
    assert html <= {"<details><summary>Proof: the way it came here</summary>", "</details>", "<br>"}, html


def targets() -> dict[str, Target]:
    """Every target by name; a test compares the names with the readers that are registered."""
    return {
        "adapter_config": Target(
            _reader("adapter_config", "adapter_config.json"),
            (b'{"base_model_name_or_path": "meta-llama/Llama-2-7b-hf", "peft_type": "LORA"}',),
            JSON_WORDS,
        ),
        "card": Target(_reader("card", "README.md"), (CARD, CARD.replace(b"\n", b"\r\n"), CARD[:90]), CARD_WORDS),
        "caveat_toml": Target(_caveat_toml, (TOML,), TOML_WORDS),
        "config": Target(_reader("config", "config.json"), CONFIG, JSON_WORDS),
        "gguf": Target(
            _reader("gguf", "m.Q4_K_M.gguf"),
            (
                gguf(("general.license", "llama2"), ("general.base_model.count", "1"), ("general.name", "x")),
                gguf(("general.license", "mit"), version=2),
                gguf(("a", "b"))[:24]
                + struct.pack("<Q", 1)
                + b"k"
                + struct.pack("<IIQ", 9, 9, 2)
                + struct.pack("<IQ", 4, 1),
            ),
            GGUF_WORDS,
        ),
        "launch_lines": Target(
            _by_path("launch_lines", "run.sh"),
            (
                b'MODEL="a/x"\naccelerate launch train.py \\\n  --model_name_or_path ${MODEL:-b/y} '
                b'--dataset_name "c/d"\n',
            ),
            ("python train.py ", "${", "$A", "A=", "\n", " && ", "--config ", "--model_name_or_path ", "'", "export "),
        ),
        "recipe": Target(
            _by_path("recipe", "axolotl.yml"),
            (
                b"base_model: a/x\nadapter: lora\ndatasets:\n  - path: c/d\n    type: alpaca\nnum_epochs: 1\n",
                b"model_name_or_path: a/x\nstage: sft\ndataset: c/d\nfinetuning_type: lora\noutput_dir: out\n",
                b"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nspec: {predictor: {model: {storageUri: hf://a/x}}}\n",
            ),
            (*YAML_WORDS, "_component_: ", "checkpointer:", "steps:", "llm:", "flavors:", "spec:", "${", "{{"),
        ),
        "record": Target(
            _by_path("record", "bom.json"),
            (
                b'{"bomFormat": "CycloneDX", "components": [{"type": "machine-learning-model", "name": "a/x", '
                b'"licenses": '
                b'[{"license": {"id": "MIT"}}]}]}',
                b'{"spdxVersion": "SPDX-2.3", "packages": [{"name": "a/x", "licenseDeclared": "MIT"}]}',
                b'{"object": "fine_tuning.job", "model": "gpt-4o", "fine_tuned_model": "ft:x", "training_file": "f"}',
            ),
            (*JSON_WORDS, "bomFormat", "spdxVersion", "fine_tuning.job", "resourceSpans", "gen_ai.request.model"),
        ),
        "data_columns": Target(
            _by_path("data_columns", "train.jsonl", "train.parquet"),
            (
                b'{"prompt": "x", "gpt-4": "y", "model": "gpt-4o"}\n{"prompt": "x", "model": "a/x"}\n',
                b"PAR1" + b"\0" * 40 + b"PAR1",
            ),
            (*JSON_WORDS, "PAR1", "model", "generated_by"),
        ),
        "database": Target(
            _by_path("record", "logs.db"), (database(),), ("CREATE TABLE", "responses", "model", "text")
        ),
        "licence_file": Target(_reader("licence_file", "LICENSE"), LICENCES),
        "mergekit": Target(_reader("mergekit", "merge.yml"), (SLERP,), YAML_WORDS),
        "modelfile": Target(_reader("modelfile", "Modelfile"), (FROM,), ("FROM ", "ADAPTER ", "LICENSE ", '\\"\\"\\"')),
        "notebook": Target(_reader("python_code", "n.ipynb"), (BOOK,), (*JSON_WORDS, "cells", "cell_type", "source")),
        "python_code": Target(_reader("python_code", "train.py"), (CODE,), CODE_WORDS),
        "safetensors": Target(
            _reader("safetensors", "model-00001-of-00002.safetensors"),
            (
                safetensors(
                    {
                        "__metadata__": {"license": "mit", "base_model": "a/x"},
                        "w": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]},
                    },
                    8,
                ),
            ),
            JSON_WORDS,
        ),
        "recipe_blocks": Target(_recipe_blocks, (CARD, SLERP), CARD_WORDS),
        "yaml_safe": Target(
            _yaml_safe, (CARD[4:200], SLERP, b"a: &a [x, x]\nb: &b [*a, *a]\nc: {<<: *b}\n"), YAML_WORDS
        ),
        "json_safe": Target(_json_safe, CONFIG, JSON_WORDS),
        "toml_lines": Target(_toml_lines, (TOML,), TOML_WORDS),
        "sentence": Target(_sentence, QUESTIONS, SENTENCE_WORDS, 400),
        "law": Target(_law, (LAW,), TOML_WORDS),
        "folder": Target(
            _folder,
            (
                pieces((0, CARD), (3, LICENCES[0]), (8, TOML)),
                pieces((9, CODE), (7, SLERP), (6, FROM)),
                pieces((0, b'---\nbase_model: acme/b\nlicense: "\x1b[31m<script>"\n---\n'), (15, CODE), (1, CONFIG[0])),
            ),
            (*CARD_WORDS, "\\x00\\xff"),
            4096,
        ),
        "forms": Target(
            _forms,
            (b"\x1b[31m<script>alert(1)</script>", b"</title>](javascript:x)\n\n# `x` |a|", b"\xff\xfe"),
            ("<script>", "](", "```", "|", "\\x1b[", "%%{", "&lt;", "<!--", "-->", "\\xe2\\x80\\xae"),
            200,
        ),
    }
