"""Makes small random checkpoints, as the hub has them: config, safetensors in one or more files, a tokenizer."""

from __future__ import annotations

import io
import json
import struct
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

TEXT = ["the quick brown fox jumps over the lazy dog", "she sells sea shells by the sea shore", "42 is the answer",
        "a licence says what you may do and must do", "How are you? I'm fine, thanks!", "über ça va 你好"] * 40
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
                r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3_ROPE = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
               "original_max_position_embeddings": 8192}


def packed(kind: str, numbers: np.ndarray) -> bytes:
    """Numbers as they lie in a safetensors file; BF16 is cut off here, so that its 32 bits are exact."""
    if kind == "BF16":
        return (numbers.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return numbers.astype({"F32": "<f4", "F16": "<f2", "F64": "<f8"}[kind]).tobytes()


def safetensors(path: Path, tensors: dict[str, tuple[str, np.ndarray]]) -> None:
    """One file."""
    at, entries, datas = 0, {}, []
    for name, (kind, numbers) in tensors.items():
        data = packed(kind, numbers)
        entries[name] = {"dtype": kind, "shape": list(numbers.shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
        datas.append(data)
    raw(path, {"__metadata__": {"format": "pt"}, **entries}, b"".join(datas))


def raw(path: Path, header: Any, data: bytes = b"", length: int | None = None) -> None:
    """A file with any header, true or not."""
    said = json.dumps(header).encode() if not isinstance(header, bytes) else header
    path.write_bytes(struct.pack("<Q", len(said) if length is None else length) + said + data)


def weights(config: dict[str, Any], kind: str = "F32", seed: int = 0) -> dict[str, tuple[str, np.ndarray]]:
    """Random tensors of the names and shapes that a config asks for."""
    chance = np.random.default_rng(seed)
    width, heads, feed = config["hidden_size"], config["num_attention_heads"], config["intermediate_size"]
    head = config.get("head_dim") or width // heads
    keys = config.get("num_key_value_heads", heads) * head
    made: dict[str, tuple[str, np.ndarray]] = {}

    def add(name: str, *shape: int) -> None:
        scale = 1.0 if name.endswith("norm.weight") else 0.08
        made[name] = (kind, (chance.normal(size=shape) * scale + (name.endswith("norm.weight"))).astype(np.float32))

    add("model.embed_tokens.weight", config["vocab_size"], width)
    for n in range(config["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        for name, rows in (("q", heads * head), ("k", keys), ("v", keys)):
            add(f"{layer}self_attn.{name}_proj.weight", rows, width)
            if config.get("attention_bias") or config["architectures"][0].startswith("Qwen2"):
                add(f"{layer}self_attn.{name}_proj.bias", rows)
        add(f"{layer}self_attn.o_proj.weight", width, heads * head)
        if config["architectures"][0].startswith("Qwen3"):
            add(f"{layer}self_attn.q_norm.weight", head)
            add(f"{layer}self_attn.k_norm.weight", head)
        if config.get("num_local_experts"):
            add(f"{layer}block_sparse_moe.gate.weight", config["num_local_experts"], width)
            for e in range(config["num_local_experts"]):
                for which, shape in (("1", (feed, width)), ("2", (width, feed)), ("3", (feed, width))):
                    add(f"{layer}block_sparse_moe.experts.{e}.w{which}.weight", *shape)
        else:
            for which, shape in (("gate", (feed, width)), ("up", (feed, width)), ("down", (width, feed))):
                add(f"{layer}mlp.{which}_proj.weight", *shape)
        add(f"{layer}input_layernorm.weight", width)
        add(f"{layer}post_attention_layernorm.weight", width)
    add("model.norm.weight", width)
    if not config.get("tie_word_embeddings"):
        add("lm_head.weight", config["vocab_size"], width)
    return made


def shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a plain Llama, without numbers."""
    width, heads, feed = config["hidden_size"], config["num_attention_heads"], config["intermediate_size"]
    head = config.get("head_dim") or width // heads
    keys, found = config.get("num_key_value_heads", heads) * head, {}
    found["model.embed_tokens.weight"], found["model.norm.weight"] = (config["vocab_size"], width), (width,)
    for n in range(config["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        found |= {f"{layer}self_attn.{name}_proj.weight": (rows, width)
                  for name, rows in (("q", heads * head), ("k", keys), ("v", keys))}
        found |= {f"{layer}self_attn.o_proj.weight": (width, heads * head),
                  f"{layer}mlp.gate_proj.weight": (feed, width),
                  f"{layer}mlp.up_proj.weight": (feed, width), f"{layer}mlp.down_proj.weight": (width, feed),
                  f"{layer}input_layernorm.weight": (width,), f"{layer}post_attention_layernorm.weight": (width,)}
    return found if config.get("tie_word_embeddings") else {**found, "lm_head.weight": (config["vocab_size"], width)}


def config(**changes: Any) -> dict[str, Any]:
    """A small Llama with grouped heads."""
    said = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4,
            "num_key_value_heads": 2, "num_hidden_layers": 2, "intermediate_size": 96, "vocab_size": 320,
            "max_position_embeddings": 256, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "bos_token_id": 1,
            "eos_token_id": 2, "tie_word_embeddings": False, "hidden_act": "silu"}
    return {k: v for k, v in {**said, **changes}.items() if v is not None}


@lru_cache
def spm(size: int = 300) -> bytes:
    """A SentencePiece model with byte fallback, as Llama 2 has one."""
    import sentencepiece

    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT), model_writer=out, vocab_size=size, model_type="bpe", byte_fallback=True,
        character_coverage=0.98, minloglevel=2, num_threads=1)
    return out.getvalue()


@lru_cache
def bpe(size: int = 320, pre: str = "llama3") -> str:
    """A byte-level tokenizer.json, cutting text as Llama 3, GPT-2 or SmolLM do, with two special tokens."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    made = Tokenizer(models.BPE(ignore_merges=pre == "llama3"))
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=pre != "llama3")
    first = {"llama3": [pre_tokenizers.Split(Regex(LLAMA3_SPLIT), "isolated")], "gpt2": [],
             "smollm": [pre_tokenizers.Digits(individual_digits=True)]}[pre]
    made.pre_tokenizer = pre_tokenizers.Sequence([*first, level]) if first else level
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(TEXT, trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<|begin|>", "<|end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    made.add_tokens(["<think>"])
    return str(made.to_str())


CHAT = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


def checkpoint(folder: Path, said: dict[str, Any] | None = None, *, kind: str = "F32", tokenizer: str = "spm",
               pieces: int = 1) -> Path:
    """A whole folder; `pieces` files of weights."""
    said = said or config()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(said))
    _tokenizer(folder, tokenizer, said["vocab_size"])
    tensors = weights(said, kind)
    if pieces == 1:
        safetensors(folder / "model.safetensors", tensors)
        return folder
    index, names = {}, list(tensors)
    for n in range(pieces):
        mine = names[n * len(names) // pieces:(n + 1) * len(names) // pieces]
        file = f"model-{n + 1:05}-of-{pieces:05}.safetensors"
        safetensors(folder / file, {name: tensors[name] for name in mine})
        index |= dict.fromkeys(mine, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return folder


def _tokenizer(folder: Path, sort: str, size: int) -> None:
    if sort == "spm":
        (folder / "tokenizer.model").write_bytes(spm())
        settings = {"add_bos_token": True, "add_eos_token": False, "tokenizer_class": "LlamaTokenizer",
                    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": CHAT,
                    "added_tokens_decoder": {
                        "0": {"content": "<unk>", "special": True}, "1": {"content": "<s>", "special": True},
                        "2": {"content": "</s>", "special": True}, "300": {"content": "<extra>", "special": False},
                        "301": {"content": "<|im_start|>", "special": False}}}
    else:
        (folder / "tokenizer.json").write_text(bpe(min(size - 1, 319), sort))
        settings = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin|>", "eos_token": "<|end|>",
                    "chat_template": CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))

#: A law of somebody's own that forbids every change.
NO_CHANGE = '''
id = "no-change"
name = "No Change Licence"
publisher = "Someone"
since = 2024-01-01
source = "https://example.org/no-change"
covers = ["someone/*"]
checked = { on = 2026-11-01, against = "nothing", sha256 = "" }
[[rule]]
id = "no-converting"
at = "1"
says = "must not"
do = ["change"]
on = ["materials"]
gist = "Nothing may be changed."
'''
