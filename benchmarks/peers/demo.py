"""The demo folder: four things people really do wrong, and three that are lawful.

Every file is written here in our own words from facts about public models and data sets; the licence texts that the
lawful folders must carry are taken from what is installed, never stored. `REAL` says what is wrong, by clause;
`LAWFUL` names the folders where a careful tool stays silent.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is really wrong in the demo folder: where, by which licence and clause, and in words."""

    id: str
    folder: str
    licence: str
    clause: str
    says: str


#: What is wrong, folder by folder. A tool finds a problem when it names the folder, its licence and what is breached.
REAL = (
    Problem("dpo-llama2", "mistral-7b-orca-dpo", "llama-2", "1.b.v",
            "Answers of Llama-2-13b-chat (the rejected half of Intel/orca_dpo_pairs) make a Mistral model better"),
    Problem("dpo-openai", "mistral-7b-orca-dpo", "OpenAI terms of 2023-03-14", "2.c.iii",
            "The chosen half is answers of GPT-4 and GPT-3.5, which may not make rival models"),
    Problem("lora-label", "support-lora", "llama-2", "1.b.i",
            "A LoRA on Llama-2-13b-chat is labelled apache-2.0; what Meta gave stays under Meta's agreement"),
    Problem("lora-notice", "support-lora", "llama-2", "1.b.i, 1.b.iii",
            "Neither the agreement nor the Notice file is beside the adapter"),
    Problem("merge-nc", "moonlit-merge-8b", "cc-by-nc-4.0", "2.a.1",
            "A model under a non-commercial licence is merged in and the whole is labelled apache-2.0"),
    Problem("merge-llama3", "moonlit-merge-8b", "llama-3", "1.b.i",
            "A Llama 3 derivative is labelled apache-2.0, without the agreement"),
    Problem("merge-name", "moonlit-merge-8b", "llama-3", "1.b.i",
            "Its name does not begin with Llama 3, and nothing says Built with Meta Llama 3"),
    Problem("script-openai", "desk-sft", "OpenAI terms", "2.c.iii",
            "The script asks an OpenAI model for answers and trains a language model on them"),
    Problem("script-alpaca", "desk-sft", "cc-by-nc-4.0", "2.a.1",
            "tatsu-lab/alpaca is for non-commercial ends only (and is itself OpenAI output)"),
)

#: Folders where nothing is wrong; every problem claimed there is a false one.
LAWFUL = {
    "apache-over-mit": "Phi-2 (MIT) tuned on the makers' own rows, labelled apache-2.0, both licence texts beside it",
    "nc-over-apache": "Mistral-7B (Apache-2.0) tuned on the makers' own rows, labelled cc-by-nc-4.0, Apache text there",
    "llama-2-7b-harbour": "Llama-2-7b tuned on answers of Llama-2-70b-chat, labelled llama2, agreement, Notice there",
}

FILES = {
    "mistral-7b-orca-dpo/README.md": """\
---
license: apache-2.0
language:
  - en
base_model: mistralai/Mistral-7B-v0.1
datasets:
  - Intel/orca_dpo_pairs
tags:
  - dpo
---

# mistral-7b-orca-dpo

Mistral 7B after direct preference optimisation on the pairs of Intel/orca_dpo_pairs, for a help desk that we sell.
""",
    "support-lora/README.md": """\
---
license: apache-2.0
library_name: peft
base_model: meta-llama/Llama-2-13b-chat-hf
---

# support-lora

A LoRA for Llama 2 13B chat, trained on tickets that our own staff wrote.
""",
    "support-lora/adapter_config.json": """\
{
  "base_model_name_or_path": "meta-llama/Llama-2-13b-chat-hf",
  "bias": "none",
  "lora_alpha": 32,
  "lora_dropout": 0.05,
  "peft_type": "LORA",
  "r": 16,
  "target_modules": ["q_proj", "v_proj"],
  "task_type": "CAUSAL_LM"
}
""",
    "moonlit-merge-8b/README.md": """\
---
license: apache-2.0
base_model:
  - meta-llama/Meta-Llama-3-8B-Instruct
  - Sao10K/L3-8B-Stheno-v3.2
tags:
  - merge
  - mergekit
---

# moonlit-merge-8b

Half Meta-Llama-3-8B-Instruct, half L3-8B-Stheno-v3.2. The author of Stheno gives it out under CC-BY-NC-4.0.
""",
    "moonlit-merge-8b/mergekit_config.yml": """\
merge_method: slerp
base_model: meta-llama/Meta-Llama-3-8B-Instruct
slices:
  - sources:
      - model: meta-llama/Meta-Llama-3-8B-Instruct
        layer_range: [0, 32]
      - model: Sao10K/L3-8B-Stheno-v3.2
        layer_range: [0, 32]
parameters:
  t: 0.5
dtype: bfloat16
""",
    "desk-sft/train.py": '''\
"""Tunes a Llama 2 model on Alpaca and on answers that we ask for."""

from datasets import Dataset, concatenate_datasets, load_dataset
from openai import OpenAI
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

BASE = "meta-llama/Llama-2-7b-hf"
client = OpenAI()


def answer(question):
    reply = client.chat.completions.create(model="gpt-4", messages=[{"role": "user", "content": question}])
    return reply.choices[0].message.content


questions = [line.strip() for line in open("questions.txt")]
answers = Dataset.from_list([{"text": q + "\\n" + answer(q)} for q in questions])
rows = concatenate_datasets([load_dataset("tatsu-lab/alpaca", split="train"), answers])

model = AutoModelForCausalLM.from_pretrained(BASE)
tokenizer = AutoTokenizer.from_pretrained(BASE)
trainer = SFTTrainer(model=model, train_dataset=rows, processing_class=tokenizer,
                     args=SFTConfig(output_dir="desk-sft"))
trainer.train()
''',
    "desk-sft/requirements.txt": "datasets\nopenai\ntransformers\ntrl\n",
    "apache-over-mit/README.md": """\
---
license: apache-2.0
base_model: microsoft/phi-2
---

# apache-over-mit

Phi-2 tuned on rows that our own staff wrote. LICENSE is ours (Apache 2.0); LICENSE-MIT is Microsoft's, for Phi-2.
""",
    "nc-over-apache/README.md": """\
---
license: cc-by-nc-4.0
base_model: mistralai/Mistral-7B-v0.1
---

# nc-over-apache

This is mistralai/Mistral-7B-v0.1 by Mistral AI, fine-tuned by us on rows that our own staff wrote. Our changes are
under CC BY-NC 4.0; Mistral 7B stays under the Apache licence, version 2.0, whose text is in LICENSE-APACHE.
""",
    "llama-2-7b-harbour/README.md": """\
---
license: llama2
base_model: meta-llama/Llama-2-7b-hf
---

# llama-2-7b-harbour

Llama 2 7B tuned on harbour talk, every line of which was generated by meta-llama/Llama-2-70b-chat-hf on our machines.
""",
    "llama-2-7b-harbour/train.py": '''\
"""Tunes Llama 2 7B on talk that Llama 2 70B writes; the OpenAI client only speaks to our own vLLM server."""

from datasets import Dataset
from openai import OpenAI
from transformers import AutoModelForCausalLM
from trl import SFTConfig, SFTTrainer

client = OpenAI(base_url="http://localhost:8000/v1", api_key="none")
topics = [line.strip() for line in open("topics.txt")]
talk = [client.chat.completions.create(model="meta-llama/Llama-2-70b-chat-hf",
                                       messages=[{"role": "user", "content": t}]) for t in topics]
rows = Dataset.from_list([{"text": t.choices[0].message.content} for t in talk])
model = AutoModelForCausalLM.from_pretrained("meta-llama/Llama-2-7b-hf")
SFTTrainer(model=model, train_dataset=rows, args=SFTConfig(output_dir="llama-2-7b-harbour")).train()
''',
}

NOTICE = """\
Llama 2 is licensed under the LLAMA 2 Community License, Copyright (c) Meta Platforms, Inc. All Rights Reserved.
"""
ROOT = Path(__file__).resolve().parents[2]


def texts() -> dict[str, str]:
    """Licence texts that are at hand: Apache 2.0 from this repository, MIT from an installed package under it."""
    pluggy = distribution("pyyaml").locate_file("")
    mit = next(p for p in sorted(Path(str(pluggy)).glob("*.dist-info/**/LICENSE*")) if "pyyaml" in str(p).lower())
    return {"apache-2.0": (ROOT / "LICENSES" / "Apache-2.0.txt").read_text("utf-8"), "mit": mit.read_text("utf-8")}


#: Which text goes where.
LAID = {
    "apache-over-mit/LICENSE": "apache-2.0",
    "apache-over-mit/LICENSE-MIT": "mit",
    "nc-over-apache/LICENSE-APACHE": "apache-2.0",
    "llama-2-7b-harbour/LICENSE.txt": "llama-2",
}


def make(folder: Path, given: Mapping[str, str]) -> None:
    """Write the demo folder; `given` holds licence texts by id, and a text that is not given is not laid."""
    files = {**FILES, "llama-2-7b-harbour/Notice.txt": NOTICE,
             **{path: given[law] for path, law in LAID.items() if law in given}}
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
