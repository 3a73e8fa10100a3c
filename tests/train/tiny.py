"""Models and data sets small enough for a CPU, under the names of real ones: the guard goes by names, cards and
columns, and none of these ask what the weights can do. Everything is made on the spot; nothing is fetched.

`make(root)` writes a Hugging Face home as the hub's own clients leave it (models by snapshot, data sets prepared in
Arrow form), and a working folder with scripts, data files, cards and the `caveat.toml` of the people who train.
Trap: torch and datasets are imported inside the functions, so that this module may be imported where they are absent.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

SCRIPTS = Path(__file__).with_name("scripts")
MISTRAL, LLAMA = "mistralai/Mistral-7B-v0.1", "meta-llama/Llama-2-7b-hf"
LLAMA_CHAT, MIXTRAL = "meta-llama/Llama-2-70b-chat-hf", "mistralai/Mixtral-8x7B-Instruct-v0.1"
#: A preference set of which the catalogue knows that Llama 2 wrote a side, and two that people wrote.
RESTRICTED, HUMAN, HELPFUL = "Intel/orca_dpo_pairs", "OpenAssistant/oasst1", "nvidia/HelpSteer2"
REVISION = "1" * 40
ROWS = 12
CHAT = ("{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}")
WORDS = ("the a cat dog sees likes runs slowly quickly red blue house tree why how what is are it because of "
         "user assistant system : ? . , better worse answer question").split()

#: Who trains, and what they settled. Terms follow an answer to whoever knows where it came from; and "large" means
#: nothing, as Llama 2's publisher has it: the weights here are small in truth, and the guard sees that they are.
STRICT = """[project]
by = "us"

[settle.bound]
reading = "follows"
why = "counsel is cautious"

[settle.large-language-model]
reading = "any-lm"
why = "the publisher says so"
"""
OPEN = '[project]\nby = "us"\n'


class Material(NamedTuple):
    """Where everything lies: a home for the hub's clients, and the folder in which commands run."""

    home: Path
    work: Path


def make(root: Path) -> Material:
    """All of it, under `root`. Takes a few seconds, most of them for importing torch."""
    material = Material(root / "home", root / "work")
    material.work.mkdir(parents=True)
    for script in SCRIPTS.iterdir():
        if script.is_file():
            shutil.copy(script, material.work / script.name)
    for name in (MISTRAL, LLAMA):
        _model(_snapshot(material.home, name))
    for name in (RESTRICTED, HUMAN, HELPFUL):
        _cached(material.home, name)
    _models(material.work)
    _data(material.work)
    (material.work / "caveat.toml").write_text(STRICT)
    return material


# Models.


def _snapshot(home: Path, name: str) -> Path:
    """The folder of a snapshot in the hub's cache."""
    repo = home / "hub" / f"models--{name.replace('/', '--')}"
    (repo / "refs").mkdir(parents=True)
    (repo / "refs" / "main").write_text(REVISION)
    return repo / "snapshots" / REVISION


def _model(folder: Path, card: str = "") -> None:
    """A Llama of one layer and sixteen numbers a token, with a tokenizer of some forty words."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
                         num_attention_heads=2, num_key_value_heads=2, max_position_embeddings=128,
                         pad_token_id=tokenizer.pad_token_id, bos_token_id=tokenizer.bos_token_id,
                         eos_token_id=tokenizer.eos_token_id)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if card:
        (folder / "README.md").write_text(card)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = ["<unk>", "<pad>", "<s>", "</s>", *WORDS]
    held = Tokenizer(models.WordLevel({w: n for n, w in enumerate(words)}, unk_token="<unk>"))
    held.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=held, unk_token="<unk>", pad_token="<pad>", bos_token="<s>",
                                   eos_token="</s>", chat_template=CHAT)


def card_of(**front: str | Sequence[str]) -> str:
    """A card's front matter: texts and lists of texts."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in front.items()]
    return "\n".join(("---", *lines, "---", "# Ours", ""))


def _models(work: Path) -> None:
    """Copies on one's own disk: one with a card that tells its base, one LoRA adapter over Mistral."""
    _model(work / "our-mistral", card_of(license="apache-2.0", base_model=MISTRAL, library_name="transformers"))
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(work / "our-mistral")
    adapted = get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM"))
    adapted.peft_config["default"].base_model_name_or_path = MISTRAL
    adapted.save_pretrained(work / "our-adapter")


# Data.


def rows(generator: str = "", number: int = ROWS) -> list[dict[str, str]]:
    """Rows of preference data; with the name of a model, a column says who wrote them."""
    told = {"model": generator} if generator else {}
    return [{"prompt": "why is the house red ?", "chosen": f"because it is the {WORDS[n % 20]} tree .",
             "rejected": "the cat runs .", **told} for n in range(number)]


def _cached(home: Path, name: str) -> None:
    """A data set as `load_dataset` leaves it after a download, which it takes again where there is no network.

    Form (datasets 2.20 to 5.2): HF_HOME/datasets/OWNER___NAME/CONFIG/VERSION/HASH/{dataset_info.json, NAME-train.arrow}
    """
    from datasets import Dataset, DatasetInfo
    from datasets.arrow_writer import ArrowWriter
    from datasets.splits import SplitDict, SplitInfo

    data = Dataset.from_list(rows())
    if name == RESTRICTED:
        data = data.rename_column("prompt", "question")
    owner, leaf = name.split("/")
    leaf = leaf.lower() if leaf.islower() else _snake(leaf)
    folder = home / "datasets" / f"{owner}___{leaf}" / "default" / "0.0.0" / REVISION
    folder.mkdir(parents=True)
    with ArrowWriter(features=data.features, path=str(folder / f"{leaf}-train.arrow")) as writer:
        for row in data:
            writer.write(row)
        count, size = writer.finalize()
    split = SplitInfo("train", num_bytes=size, num_examples=count, dataset_name=leaf)
    DatasetInfo(features=data.features, builder_name="parquet", dataset_name=leaf, config_name="default",
                version="0.0.0", splits=SplitDict({"train": split}, dataset_name=leaf)).write_to_directory(str(folder))


def _snake(name: str) -> str:
    from datasets.naming import camelcase_to_snakecase

    return str(camelcase_to_snakecase(name))


def _data(work: Path) -> None:
    """Files whose columns name a generator, and folders whose cards do."""
    for label, generator in (("llama", LLAMA_CHAT), ("mixtral", MIXTRAL), ("human", "")):
        _files(work, label, rows(generator))
        _folder(work / f"answers-{label}", generator)
    late = rows(MIXTRAL, 600) + rows(LLAMA_CHAT, 5)
    _files(work, "late", late)


def _files(work: Path, label: str, held: list[dict[str, str]]) -> None:
    from datasets import Dataset

    data = Dataset.from_list(held)
    data.to_parquet(str(work / f"{label}.parquet"))
    data.to_json(str(work / f"{label}.jsonl"))
    data.save_to_disk(str(work / f"{label}-saved"))


def _folder(folder: Path, generator: str) -> None:
    """Rows without any column of that kind: only the card tells who wrote them."""
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows()))
    who = f"generated with [{generator}](https://huggingface.co/{generator})" if generator else "written by our staff"
    front = card_of(license="apache-2.0", task_categories=["text-generation"], language=["en"])
    (folder / "README.md").write_text(f"{front}\nThe answers of this dataset were {who}.\n")
