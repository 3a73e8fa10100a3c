"""Folders made to hurt, one row each: how to build it, what must be told, which exit code is right.

Shared by the end-to-end test, which asserts, and benchmarks/hostile.py, which prints. Beside every hostile thing lies
a good card, which must still be judged.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

GOOD = "---\nlicense: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n---\n# Good\n"


class Hostile(NamedTuple):
    """One hostile folder. `told`: a piece of the one line that must be printed ("" = nothing is wrong with it)."""

    name: str
    build: Callable[[Path], object]
    told: str
    codes: tuple[int, ...] = (0, 1)
    good: bool = True  # a good card lies beside it and must be judged
    deep: bool = False  # too slow for every day


def _text(name: str, text: str | bytes) -> Callable[[Path], object]:
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return lambda folder: (folder / name).write_bytes(data)


def _sparse(name: str, size: int, head: bytes = b"") -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        with (folder / name).open("wb") as f:
            f.write(head)
            f.truncate(size)

    return build


def _spread(count: int) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        for i in range(count):
            below = folder / f"part{i // 1000}"
            if i % 1000 == 0:
                below.mkdir()
            (below / f"{i}.txt").touch()

    return build


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / "LICENSE")


def _socket(folder: Path) -> None:
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket is short
    try:
        socket.socket(socket.AF_UNIX).bind("Modelfile")
    finally:
        os.chdir(here)


def _link_out(folder: Path) -> None:
    secret = folder.parent / "secret"
    secret.mkdir()
    (secret / "LICENSE").write_text("Apache License\nVersion 2.0, January 2004\n")
    (folder / "LICENSE").symlink_to(secret / "LICENSE")
    (folder / "docs").symlink_to(secret)


def _loops(folder: Path) -> None:
    (folder / "loop").symlink_to(folder)
    (folder / "merge.yml").symlink_to("merge.yml")


def _zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("README.md", b"\0" * (1 << 26))


def _law_pipe(folder: Path) -> None:
    (folder / "caveat.toml").write_text('[law]\npath = "law"\n')
    (folder / "law" / "licences").mkdir(parents=True)
    os.mkfifo(folder / "law" / "licences" / "own.toml")


def _ring(folder: Path) -> None:
    rows = [f'[[step]]\nmakes = "a/{i}"\nact = "finetune"\nfrom = ["a/{(i + 1) % 50}"]\n' for i in range(50)]
    (folder / "caveat.toml").write_text("\n".join(rows))


def _steps(count: int) -> str:
    head = '[project]\nname = "a/0"\n'
    return head + "".join(f'[[step]]\nmakes = "a/{i}"\nact = "finetune"\nfrom = ["a/{i + 1}"]\n' for i in range(count))


def _safetensors(header: bytes, size: int | None = None, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header) if size is None else size) + header + data


def _gguf(pairs: int, body: bytes = b"", tensors: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, tensors, pairs) + body


def _key(name: str, kind: int) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind)


def _aliases(width: int, rows: int) -> str:
    """YAML in which every row repeats the one before it many times."""
    lines = [f"a0: &a0 [{', '.join(['x'] * width)}]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * width)}]" for i in range(1, rows)]
    return "\n".join(lines)


def _card(front: str, body: str = "# x\n") -> str:
    return f"---\n{front}\n---\n{body}"


def _deep_array(levels: int) -> bytes:
    return b"".join(struct.pack("<IQ", 9, 1) for _ in range(levels)) + struct.pack("<IQ", 4, 0)


_MANY = {f"layer.{i}.w": {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]} for i in range(100_000)}
_FANNED = "\n".join(f"{a} = {' or '.join([b] * 40)}" for a, b in zip("abcdefgh", "bcdefghi")) + '\ni = "a/x"\n'
_SWOLLEN = "\n".join(f'{a} = f"{{{"}{".join([b] * 60)}}}"' for a, b in zip("abcdefgh", "bcdefghi")) + '\ni = "a/x"\n'
_CALL = "m = AutoModel.from_pretrained(a)\n"

FOLDERS: tuple[Hostile, ...] = (
    Hostile("cycle of fifty steps", _ring, "a ring: a/0 <- a/1"),
    Hostile("yaml of a gigabyte", _sparse("merge.yml", 1 << 30), "merge.yml: larger than 1 MiB"),
    Hostile("card of a gigabyte", _sparse("README.de.md", 1 << 30), "README.de.md: larger than"),
    Hostile(
        "alias bomb in a recipe", _text("merge.yml", _aliases(10, 12) + "\nmerge_method: linear"), "unfolds to more"
    ),
    Hostile("alias bomb in a card", _text("README.de.md", _card(_aliases(10, 12))), "unfolds to more"),
    Hostile(
        "merge keys that multiply",
        _text(
            "merge.yml",
            "merge_method: linear\n"
            + "\n".join(
                ["m0: &m0 {k: v}", *(f"m{i}: &m{i} {{<<: [{', '.join([f'*m{i - 1}'] * 10)}]}}" for i in range(1, 12))]
            ),
        ),
        "unfolds to more",
    ),
    Hostile("yaml nested deeply", _text("merge.yml", "merge_method: " + "[" * 100_000), "nest"),
    Hostile("json nested deeply", _text("config.json", "[" * 1_000_000), "nested deeper"),
    Hostile(
        "json with a key 200,000 times", _text("config.json", "{" + '"a": 1, ' * 200_000 + '"b": 2}'), "stands twice"
    ),
    Hostile(
        "json with 200,000 keys, one twice",
        _text("config.json", "{" + "".join(f'"k{i}": 1, ' for i in range(200_000)) + '"k199999": 2}'),
        "stands twice",
    ),
    Hostile("json of eight megabytes of lists", _text("config.json", '{"a": [' + "[]," * 2_600_000 + "[]]}"), ""),
    Hostile(
        "json with a number of a million digits", _text("config.json", '{"a": ' + "9" * 1_000_000 + "}"), "not JSON"
    ),
    Hostile(
        "safetensors header longer than the file", _text("m.safetensors", _safetensors(b"{}", 1 << 62)), "header says"
    ),
    Hostile(
        "safetensors header of a hundred megabytes",
        _sparse("m.safetensors", 101_000_000, struct.pack("<Q", 99_999_999)),
        "m.safetensors: the header is not JSON",
    ),
    Hostile(
        "safetensors header full of lists",
        _text("m.safetensors", _safetensors(b'{"a":[' + b"[]," * 3_000_000 + b"1]}")),
        "a header of more than",
    ),
    Hostile(
        "safetensors with 100,000 tensors that overlap",
        _text("m.safetensors", _safetensors(json.dumps(_MANY).encode(), None, b"\0" * 8)),
        "overlap",
    ),
    Hostile(
        "safetensors with negative sizes",
        _text("m.safetensors", _safetensors(b'{"w": {"dtype": "F16", "shape": [-1], "data_offsets": [8, -8]}}')),
        "do not lie where",
    ),
    Hostile(
        "safetensors with a tensor twice",
        _text(
            "m.safetensors",
            _safetensors(
                b'{"w": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}, "w": {"dtype": "F16", "shape": [1],'
                b' "data_offsets": [0, 2]}}',
                None,
                b"\0\0",
            ),
        ),
        "stands twice",
    ),
    Hostile("safetensors nested deeply", _text("m.safetensors", _safetensors(b"[" * 100_000)), "m.safetensors"),
    Hostile(
        "safetensors with huge shapes",
        _text(
            "m.safetensors",
            _safetensors(
                b'{"w": {"dtype": "F16", "shape": [' + b"281474976710655," * 15 + b'1], "data_offsets": [0, 2]}}',
                None,
                b"\0\0",
            ),
        ),
        "do not lie where",
    ),
    Hostile("gguf with 2^60 keys and tensors", _text("m.gguf", _gguf(1 << 60, b"", 1 << 60)), "asks for"),
    Hostile(
        "gguf with a text of 2^60 bytes", _text("m.gguf", _gguf(1, struct.pack("<Q", 1 << 60) + b"key")), "asks for"
    ),
    Hostile(
        "gguf array of 2^61 numbers",
        _text("m.gguf", _gguf(1, _key("a", 9) + struct.pack("<IQ", 4, 1 << 61))),
        "asks for",
    ),
    Hostile(
        "gguf array of a billion texts, sparse",
        _sparse("m.gguf", 1 << 34, _gguf(1, _key("a", 9) + struct.pack("<IQ", 8, 1 << 30))),
        "m.gguf",
    ),
    Hostile("gguf with keys without end, sparse", _sparse("m.gguf", 1 << 34, _gguf(100_000)), "m.gguf"),
    Hostile(
        "gguf with megabyte texts without end",
        _sparse(
            "m.gguf",
            1 << 38,
            _gguf(
                100_000, b"".join(_key(f"k{i}", 8) + struct.pack("<Q", 1 << 20) + b"\0" * (1 << 20) for i in range(100))
            ),
        ),
        "m.gguf",
    ),
    Hostile("gguf arrays in arrays", _text("m.gguf", _gguf(1, _key("a", 9) + _deep_array(50_000))), "m.gguf"),
    Hostile(
        "gguf with a key many times", _text("m.gguf", _gguf(50_000, (_key("a", 7) + b"\1") * 50_000)), "stands twice"
    ),
    Hostile(
        "card with escapes and html",
        _text(
            "README.de.md",
            _card(
                'license: "\x1b[31m<script>alert(1)</script>"\nbase_model: "\x1b]0;owned\x07/x"',
                "\x1b[2J<img src=x onerror=y>\n",
            ),
        ),
        "",
    ),
    Hostile("links out of the folder", _link_out, "leads out of the folder"),
    Hostile("links that loop", _loops, ""),
    Hostile("zip bomb", _zip_bomb, "archives are never opened"),
    Hostile(
        "file named with a newline and an escape",
        _text("\x1b[2Jevil\nname.yml", "merge_method: ["),
        "\\x1b[2Jevil\\nname.yml",
    ),
    Hostile("pipe named LICENSE", _fifo, "not a plain file"),
    Hostile("socket named Modelfile", _socket, "not a plain file"),
    Hostile("folder named config.json", lambda f: (f / "config.json").mkdir(), "a folder where a file was expected"),
    Hostile("20,000 files", _spread(20_000), ""),
    Hostile("200,000 files", _spread(200_000), "", deep=True),
    Hostile(
        "lines of a megabyte",
        lambda f: [(f / n).write_text("x " * 500_000) for n in ("LICENSE", "NOTICE", "README.de.md")],
        "",
    ),
    Hostile(
        "card with 100,000 data sets",
        _text("README.de.md", _card("datasets:\n" + "\n".join(f"- a/d{i}" for i in range(100_000)))),
        "README.de.md",
    ),
    Hostile(
        "card with 10,000 bases",
        _text("README.de.md", _card("base_model:\n" + "\n".join(f"- a/b{i}" for i in range(10_000)))),
        "base_model holds 10000 names",
    ),
    Hostile(
        "card with 100,000 bases in one text",
        _text("README.de.md", _card("base_model: " + ",".join(f"a/b{i}" for i in range(100_000)))),
        "base_model holds 100000 names",
    ),
    Hostile(
        "card with 3,000 data sets",
        _text("README.de.md", _card("datasets:\n" + "\n".join(f"- a/d{i}" for i in range(3_000)))),
        "datasets holds 3000 names",
    ),
    Hostile("card body of a megabyte of brackets", _text("README.de.md", _card("license: mit", "[" * 900_000)), ""),
    Hostile(
        "card body of links",
        _text("README.de.md", _card("license: mit", "fine-tuned from [x](https://huggingface.co/a/x) " * 18_000)),
        "",
    ),
    Hostile(
        "card body of fences", _text("README.de.md", _card("license: mit", "```\nmerge_method: x\n```\n" * 20_000)), ""
    ),
    Hostile("caveat.toml with 10,000 steps", _text("caveat.toml", _steps(10_000)), ""),
    Hostile(
        "caveat.toml with 10,000 steps into one",
        _text(
            "caveat.toml",
            '[project]\nname = "a/m"\n'
            + "".join(f'[[step]]\nmakes = "a/m"\nact = "merge"\nfrom = ["a/p{i}"]\n' for i in range(10_000)),
        ),
        "is made in 10001 steps",
        deep=True,
    ),
    Hostile("caveat.toml nested deeply", _text("caveat.toml", "a = " + "[" * 50_000), "caveat.toml", (2,), False),
    Hostile(
        "caveat.toml of brackets and blanks", _text("caveat.toml", "[" + " " * 100_000), "caveat.toml", (2,), False
    ),
    Hostile(
        "caveat.toml with a key of 100,000 parts",
        _text("caveat.toml", ".".join(["a"] * 100_000) + " = 1"),
        "more than 200 parts",
        (2,),
        False,
    ),
    Hostile(
        "caveat.toml with a number of 5,000 digits", _text("caveat.toml", "a = " + "9" * 5_000), "not TOML", (2,), False
    ),
    Hostile("own law that is a pipe", _law_pipe, "own.toml", (2,), False),
    Hostile("python nested deeply", _text("app.py", "LLM" + "(" * 100_000), "app.py"),
    Hostile(
        "python with a chain of 100,000 operators", _text("app.py", "LLM(x)\nx = " + "-" * 100_000 + "1"), "app.py"
    ),
    Hostile("python with a chain of 100,000 attributes", _text("app.py", "LLM(x)\nx" + ".a" * 100_000), "app.py"),
    Hostile("python with a sum of 20,000 texts", _text("app.py", "LLM(" + "'a'+" * 20_000 + "'b')"), "app.py"),
    Hostile("python values that multiply", _text("app.py", _CALL + _FANNED), ""),
    Hostile("python texts that swell", _text("app.py", _CALL + _SWOLLEN), ""),
    Hostile("python of a megabyte of names", _text("app.py", "LLM(a)\n" + "a," * 500_000), "app.py"),
    Hostile(
        "python of 100,000 calls",
        _text("app.py", "".join(f"LLM('a/m{i}')\n" for i in range(60_000))),
        "more than 2000 calls",
    ),
    Hostile(
        "script of variables that swell",
        _text(
            "run.sh",
            "A0=xxxxxxxxxx\n"
            + "".join(f'A{i}="{f"$A{i - 1}" * 50}"\n' for i in range(1, 12))
            + "python train.py --model_name_or_path $A11\n",
        ),
        "",
    ),
    Hostile(
        "script of a hundred thousand lines in one",
        _text("run.sh", "python train.py \\\n" + "--a b \\\n" * 100_000),
        "",
    ),
    Hostile("database that is none", _text("logs.db", b"SQLite format 3\0" + b"\xff" * 8_000), ""),
    Hostile(
        "record of eight megabytes of lists",
        _text("bom.json", '{"bomFormat": "CycloneDX", "components": [' + "[]," * 2_600_000 + "[]]}"),
        "",
    ),
    Hostile("notebook nested deeply", _text("n.ipynb", '{"cells": ' + "[" * 1_000_000 + '"LLM("'), "n.ipynb"),
    Hostile("notebook of empty cells", _text("n.ipynb", '{"x": "LLM(", "cells": [' + "{}," * 2_000_000 + "{}]}"), ""),
    Hostile("modelfile of open quotes", _text("Modelfile", "FROM x\n" + 'SYSTEM """\n' * 90_000), "Modelfile"),
    Hostile(
        "bytes that are no text",
        lambda f: [
            (f / n).write_bytes(b"FROM LLM( \xff\xfe\x80" * 9)
            for n in ("merge.yml", "app.py", "config.json", "LICENSE")
        ],
        "",
    ),
    Hostile("card that is a pipe", lambda f: os.mkfifo(f / "README.md"), "not a plain file", (0, 1, 2), False),
    Hostile(
        "a thousand cards",
        lambda f: [((f / f"o__m{i}").mkdir(), (f / f"o__m{i}" / "README.md").write_text(GOOD)) for i in range(1_000)],
        "",
        deep=True,
    ),
)
