"""What fuzzing begins with: small inputs of every format, made in code, and the words that are mixed into them."""

from __future__ import annotations

import json
import struct
import tempfile
from pathlib import Path

CUT = b"\x00\xff"


def gguf(*pairs: tuple[str, str], version: int = 3) -> bytes:
    """A GGUF header with string values."""

    def text(s: str) -> bytes:
        return struct.pack("<Q", len(s)) + s.encode()

    body = b"".join(text(k) + struct.pack("<I", 8) + text(v) for k, v in pairs)
    return b"GGUF" + struct.pack("<IQQ", version, 0, len(pairs)) + body


def safetensors(header: object, data: int = 0) -> bytes:
    """A safetensors file with this header and `data` bytes behind it."""
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * data


CARD = b"""---
license: llama2
base_model: [meta-llama/Llama-2-7b-hf, a/x]
base_model_relation: finetune
datasets: [a/b, c/d]
tags: [mergekit, "base_model:quantized:a/x"]
---
# Thing
fine-tuned from [x](https://huggingface.co/a/x) on the [d](https://huggingface.co/datasets/c/d) dataset.

```yaml
merge_method: slerp
base_model: a/x
slices:
  - sources: [{model: a/x, layer_range: [0, 32]}, {model: b/y, layer_range: [0, 32]}]
```
"""
TOML = b"""[project]
name = "my-chat"
by = "acme"
[facts]
commercial = true
[assets."acme/notes"]
kind = "dataset"
licence = "cc-by-4.0"
[[step]]
makes = "my-chat"
act = "train"
from = ["acme/notes"]
date = 2023-09-01
[[use]]
act = "ship"
as = "apache-2.0"
[settle.improve]
reading = "weights"
why = "memo"
by = "legal"
until = 2027-06-30
[[accept]]
finding = "x/y@z"
why = "w"
owner = "o"
until = 2027-01-31
"""
LAW = b"""id = "own-1"
name = "Own terms"
spdx = []
publisher = "acme"
binds = ["contract"]
[[rule]]
id = "use"
at = "1"
says = "may"
do = ["run", "ship"]
on = ["materials"]
gist = "You may."
unless = [{ commercial = "yes" }]
[[rule]]
id = "notice"
at = "2"
says = "must"
do = ["ship"]
on = ["materials"]
gist = "Keep it."
check = "notice"
[roles]
"output train" = { if = { derivative = ["works"] }, then = "derivative", else = "trained" }
[[outbound]]
on = ["derivative"]
demand = "keep"
[[case]]
ask = "may I run it"
answer = "permitted"
"""
CODE = b"""import argparse
p.add_argument("--model", default="a/x")
NAME = "a/x" or f"{B}-chat"
model = AutoModelForCausalLM.from_pretrained(NAME)
ds = load_dataset("c/d")
client.chat.completions.create(model={"m": "gpt-4"}["m"])
SFTTrainer(model=model, train_dataset=ds, args=SFTConfig(output_dir="my-chat")).train()
"""
QUESTIONS = (
    b"may I train falcon-7b on output of llama-2-70b-chat and sell it?",
    b"ship merge of llama-2-7b and mistral-7b as mit",
    b'distil llama-3.1-70b into qwen-2.5-7b and ship it named "swift-8b"',
    b"serve quantized gemma-2-9b where commercial = yes",
    b"train my-lm on output of gpt-4 where date = 2023-06-01, competes = no",
    b"evaluate llama-2-7b with gpt-4",
)
YAML_WORDS = (
    "&a ",
    "*a",
    "<<: ",
    "- ",
    ": ",
    "[",
    "]",
    "{",
    "}",
    "|\n",
    ">\n",
    "---\n",
    "!!python/object:os.system ",
    "? ",
    "\t",
    "base_model",
    "merge_method",
    "models",
    "slices",
    "datasets",
    "license",
    "experts",
    "\r\r\n",
)
TOML_WORDS = (
    "[[step]]",
    "[[use]]",
    "[[accept]]",
    "[settle.",
    "[facts]",
    "[assets.",
    "= ",
    '"""',
    "'",
    "{",
    "}",
    "1979-05-27",
    "inf",
    "nan",
    "[",
    "]",
    "true",
    "act",
    "makes",
    "from",
    "date",
    "until",
    "reading",
    "as",
)
GGUF_WORDS = (
    "GGUF",
    "general.license",
    "general.base_model.count",
    "general.base_model.0.repo_url",
    "general.file_type",
    "general.name",
    "general.architecture",
    "general.datasets",
    "\\x08\\x00\\x00\\x00",
    "\\x09\\x00\\x00\\x00",
    "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x7f",
)
JSON_WORDS = (
    "{",
    "}",
    "[",
    "]",
    '":',
    "null",
    "NaN",
    "1e999",
    "\\\\u0000",
    "_name_or_path",
    "architectures",
    "model_type",
    "base_model_name_or_path",
    "peft_type",
    "__metadata__",
    "data_offsets",
    "shape",
    "dtype",
)
CODE_WORDS = (
    "from_pretrained(",
    "load_dataset(",
    "LLM(",
    "pipeline(",
    "SFTTrainer(",
    ".create(",
    "model=",
    'f"{',
    "lambda",
    " or ",
    " if ",
    " else ",
    "[",
    "(",
    ":=",
    "async ",
    "await ",
    "%%bash",
    "push_to_hub(",
    "output_dir=",
    "match ",
)
CARD_WORDS = (
    *YAML_WORDS,
    "](https://huggingface.co/",
    "fine-tuned from ",
    "quantized version of ",
    "```yaml\n",
    "|",
    "**",
    "<details>",
    "This model is a ",
    "merge of ",
    "generated with ",
    "datasets/",
    "`",
    "\n\n",
)
LICENCES = (
    b"MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining a copy of this software and"
    b" to deal in the Software. The above copyright notice and this permission notice",
    b"Llama 2 Community License Agreement\nLlama 2 Version Release Date: July 18, 2023\n",
    b"Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. All Rights Reserved.",
)
SENTENCE_WORDS = (
    "train ",
    "finetune ",
    "distil ",
    "merge of ",
    "output of ",
    "found ",
    " and ",
    " or ",
    " on ",
    " into ",
    " as ",
    " under ",
    "where ",
    "named ",
    "date = ",
    "llama-2-7b ",
    "gpt-4 ",
    "gemma-2-9b ",
    "my-lm ",
    "sell it",
    "ship it",
    "serve ",
    "quantized ",
    '"',
    "(",
    ")",
    "?",
    ",",
    "+",
    "reading.improve = ",
    "labels of ",
    "cc-by-nc-4.0 ",
    "someone's ",
    "acme/notes ",
    "purpose = ",
    "commercial = yes",
)


def pieces(*pieces: tuple[int, bytes]) -> bytes:
    return CUT.join(bytes([n]) + body for n, body in pieces)


SLERP = (
    b"merge_method: slerp\nbase_model: a/x\nmodels:\n  - model: a/x+b/l\n"
    b"  - model: b/y\n    parameters: {weight: 0.5}\n"
)
CONFIG = (
    b'{"_name_or_path": "a/x", "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 3}',
    b'{"quantization_config": {"quant_method": "gptq"}, "a": {"a": [1, {"b": null}]}, "a": 2}',
)
FROM = b'FROM llama3.2:1b\nADAPTER ./lora\nSYSTEM """\nhello\n"""\nLICENSE """MIT License"""\n'
BOOK = json.dumps(
    {"cells": [{"cell_type": "code", "source": ["%%bash\n", "x\n"]}, {"cell_type": "code", "source": CODE.decode()}]}
).encode()


def database() -> bytes:
    """A database of logs as the command line tool `llm` leaves it, with one row."""
    import sqlite3

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "logs.db")
        with sqlite3.connect(file) as db:
            db.execute("create table responses (id text, model text, prompt text, response text, datetime_utc text)")
            db.execute("insert into responses values ('1', 'gpt-4o', 'x', 'y', '2024-01-01')")
        db.close()
        return file.read_bytes()
