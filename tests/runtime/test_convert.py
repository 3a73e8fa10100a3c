"""A converted checkpoint says what the checkpoint says: the same next tokens by llama.cpp, the same rows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caveat.cli import main
from caveat.errors import EvidenceError
from caveat.runtime.convert.converting import convert, plan
from caveat.runtime.convert.splitter import way_of
from tests.runtime import checkpoints, reference

gguf = pytest.importorskip("gguf")
pytest.importorskip("sentencepiece")
pytest.importorskip("tokenizers")
PROMPT = [1, 20, 30, 40, 300, 7, 8, 9]
QWEN3 = {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "head_dim": 32}
QWEN2 = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "num_key_value_heads": 2}
MIXTRAL = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "num_local_experts": 4,
           "num_experts_per_tok": 2}


def made(folder: Path, wanted: str = "f32", **settings: Any) -> Path:
    checkpoints.checkpoint(folder, **settings)
    out = folder.with_suffix(".gguf")
    convert(plan(folder, wanted), out)
    return out


def read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """(pairs, tensors by name) with the package's own reader."""
    reader = gguf.GGUFReader(path)
    return {k: f.contents() for k, f in reader.fields.items()}, {t.name: t for t in reader.tensors}


def answered(path: Path, tokens: list[int], shown: int = 20) -> dict[int, float]:
    """token -> log probability of the likeliest next tokens, by llama.cpp."""
    xllamacpp = pytest.importorskip("xllamacpp")
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel, p.verbosity = str(path), 256, 1, -1
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    p.warmup = p.fit_params = p.ui = False
    said = xllamacpp.Server(p).handle_completions({"prompt": tokens, "n_predict": 1, "temperature": 0.0,
                                                   "n_probs": shown})
    return {t["id"]: t["logprob"] for t in said["choices"][0]["logprobs"]["content"][0]["top_logprobs"]}


CASES = {
    "grouped heads": checkpoints.config(),
    "all heads, tied": checkpoints.config(num_key_value_heads=4, tie_word_embeddings=True),
    "biases": checkpoints.config(attention_bias=True),
    "wide heads": checkpoints.config(architectures=["MistralForCausalLM"], head_dim=32),
    "experts": checkpoints.config(**MIXTRAL),
    "qwen2": checkpoints.config(**QWEN2),
    "qwen3": checkpoints.config(**QWEN3),
}


@pytest.mark.parametrize("name", CASES)
def test_llama_cpp_answers_as_the_checkpoint_would(name: str, tmp_path: Path) -> None:
    config = CASES[name]
    out = made(tmp_path / "m", said=config)
    scores = reference.logits(config, checkpoints.weights(config), PROMPT)
    wanted = scores - np.log(np.exp(scores).sum())
    got = answered(out, PROMPT)
    assert max(abs(wanted[n] - p) for n, p in got.items()) < 0.03
    assert max(got, key=lambda n: got[n]) == int(wanted.argmax())


def test_a_stretched_context_turns_slower_and_is_answered_so(tmp_path: Path) -> None:
    rope = {**checkpoints.LLAMA3_ROPE, "original_max_position_embeddings": 64}
    config = checkpoints.config(rope_scaling=rope, hidden_size=128)
    out = made(tmp_path / "m", said=config)
    slower = np.array(read(out)[1]["rope_freqs.weight"].data)
    waves = 2 * np.pi * 10000.0 ** (np.arange(16) / 16)
    assert (slower[waves < 16] == 1).all() and (slower[waves > 64] == 8).all()
    between = (waves > 16) & (waves < 64)
    assert between.any() and ((slower[between] > 1) & (slower[between] < 8)).all()
    weights = checkpoints.weights(config)
    scores = reference.logits(config, weights, PROMPT[::-1], slower)
    got = answered(out, PROMPT[::-1])
    wanted = scores - np.log(np.exp(scores).sum())
    assert max(abs(wanted[n] - p) for n, p in got.items()) < 0.03
    plain = reference.logits(config, weights, PROMPT[::-1])
    assert np.abs(plain - scores).max() > 0.05  # it would be seen if it were left out


def test_rows_of_queries_and_keys_are_paired_within_their_heads(tmp_path: Path) -> None:
    config = checkpoints.config()
    _, tensors = read(made(tmp_path / "m", said=config))
    weights = checkpoints.weights(config)
    for ours, theirs, heads in (("attn_q", "q", 4), ("attn_k", "k", 2)):
        rows = weights[f"model.layers.1.self_attn.{theirs}_proj.weight"][1]
        for head in range(heads):
            for pair in range(8):
                got = tensors[f"blk.1.{ours}.weight"].data[head * 16 + 2 * pair:head * 16 + 2 * pair + 2]
                assert (got == rows[[head * 16 + pair, head * 16 + 8 + pair]]).all()
    assert (tensors["blk.1.attn_v.weight"].data == weights["model.layers.1.self_attn.v_proj.weight"][1]).all()


@pytest.mark.parametrize("kind", ["F32", "F16", "BF16", "F64"])
@pytest.mark.parametrize("wanted", ["f32", "f16", "bf16"])
def test_every_type_becomes_every_other_as_numpy_rounds(kind: str, wanted: str, tmp_path: Path) -> None:
    config = checkpoints.config()
    _, tensors = read(made(tmp_path / "m", wanted, said=config, kind=kind))
    numbers = checkpoints.weights(config)["model.layers.0.mlp.up_proj.weight"][1]
    as_read = {"BF16": (numbers.view("<u4") & 0xFFFF0000).view("<f4"), "F16": numbers.astype("<f2").astype("<f4"),
               "F32": numbers, "F64": numbers}[kind]
    t = tensors["blk.0.ffn_up.weight"]
    if wanted == "bf16":
        got = (t.data.view("<u2").astype("<u4") << 16).view("<f4").reshape(numbers.shape)
        assert (np.abs(got - as_read) <= np.abs(as_read) * 2**-8).all()
        exact = kind == "BF16"
        assert (got == as_read).all() == exact
    else:
        assert (t.data == as_read.astype("<f4" if wanted == "f32" else "<f2")).all()
    assert tensors["blk.0.attn_norm.weight"].tensor_type.name == "F32"


def test_auto_keeps_sixteen_bits_as_they_are(tmp_path: Path) -> None:
    for kind, is_ in (("BF16", "BF16"), ("F16", "F16"), ("F32", "F16")):
        checkpoints.checkpoint(tmp_path / kind, kind=kind)
        assert plan(tmp_path / kind).kind == is_


def test_several_files_give_the_tensors_of_one(tmp_path: Path) -> None:
    (pairs, one), (others, several) = (read(made(tmp_path / n / "m", "f16", pieces=p)) for n, p in (("a", 1), ("b", 3)))
    assert {n: t.data.tobytes() for n, t in one.items()} == {n: t.data.tobytes() for n, t in several.items()}
    assert {k: v for k, v in pairs.items() if "GGUF" not in k} == {k: v for k, v in others.items() if "GGUF" not in k}


def test_pieces_keep_their_scores_and_added_tokens_theirs(tmp_path: Path) -> None:
    import sentencepiece

    pairs, _ = read(made(tmp_path / "m"))
    spm = sentencepiece.SentencePieceProcessor(model_proto=checkpoints.spm())
    assert pairs["tokenizer.ggml.model"] == "llama"
    assert pairs["tokenizer.ggml.tokens"][:300][5:] == [spm.id_to_piece(n) for n in range(5, 300)]
    assert pairs["tokenizer.ggml.scores"][259:300] == [spm.get_score(n) for n in range(259, 300)]
    assert pairs["tokenizer.ggml.token_type"][:4] == [3, 3, 3, 6]
    assert pairs["tokenizer.ggml.tokens"][300:303] == ["<extra>", "<|im_start|>", "[PAD302]"]
    assert pairs["tokenizer.ggml.token_type"][300:303] == [4, 3, 5]
    assert (pairs["tokenizer.ggml.bos_token_id"], pairs["tokenizer.ggml.eos_token_id"]) == (1, 2)
    assert pairs["tokenizer.chat_template"] == checkpoints.CHAT


@pytest.mark.parametrize(("sort", "way"), [("llama3", "llama-bpe"), ("gpt2", "gpt-2"), ("smollm", "smollm")])
def test_byte_level_tokens_and_the_way_text_is_cut(sort: str, way: str, tmp_path: Path) -> None:
    pairs, _ = read(made(tmp_path / "m", tokenizer=sort))
    said = json.loads(checkpoints.bpe(319, sort))
    assert (pairs["tokenizer.ggml.model"], pairs["tokenizer.ggml.pre"]) == ("gpt2", way)
    assert {t: n for n, t in enumerate(pairs["tokenizer.ggml.tokens"])}.items() >= said["model"]["vocab"].items()
    assert pairs["tokenizer.ggml.merges"] == [" ".join(m) for m in said["model"]["merges"]]
    think = pairs["tokenizer.ggml.tokens"].index("<think>")
    assert pairs["tokenizer.ggml.token_type"][think] == 4 and pairs["tokenizer.ggml.token_type"][0] == 3


def test_llama_cpp_cuts_text_as_the_tokenizer_does(tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    xllamacpp = pytest.importorskip("xllamacpp")
    out = made(tmp_path / "m", tokenizer="llama3")
    text = "the quick brown 12345 foxes' licence\n\n says: don't!"
    tokens = Tokenizer.from_str(checkpoints.bpe(319, "llama3")).encode(text).ids
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.verbosity, p.warmup, p.fit_params, p.ui = str(out), 256, -1, False, False, False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    server = xllamacpp.Server(p)
    ask = {"n_predict": 1, "temperature": 0.0, "n_probs": 5}
    by_text = server.handle_completions({**ask, "prompt": text})
    by_ids = server.handle_completions({**ask, "prompt": tokens})
    assert by_text["usage"]["prompt_tokens"] in (len(tokens), len(tokens) + 1)  # with the token of the start
    if by_text["usage"]["prompt_tokens"] == len(tokens):
        assert by_text["choices"][0]["logprobs"] == by_ids["choices"][0]["logprobs"]


def test_pieces_given_as_merges_score_in_their_order(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / "tokenizer.model").unlink()
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2, **{f"<0x{n:02X}>": 3 + n for n in range(256)}}
    vocab |= {t: 259 + n for n, t in enumerate(["▁", "a", "b", "ab", "▁a", "▁ab"])}
    (folder / "tokenizer.json").write_text(json.dumps({
        "added_tokens": [{"id": n, "content": t, "special": True} for n, t in enumerate(("<unk>", "<s>", "</s>"))],
        "model": {"type": "BPE", "byte_fallback": True, "unk_token": "<unk>", "vocab": vocab,
                  "merges": ["▁ a", "a b", "▁a b"]}}))
    convert(plan(folder, "f16"), tmp_path / "o.gguf")
    pairs, _ = read(tmp_path / "o.gguf")
    score = dict(zip(pairs["tokenizer.ggml.tokens"], pairs["tokenizer.ggml.scores"], strict=True))
    assert score["▁a"] > score["ab"] > score["▁ab"] > score["b"]
    assert pairs["tokenizer.ggml.token_type"][:4] == [2, 3, 3, 6]


def test_a_way_of_cutting_without_a_name_is_told() -> None:
    odd = {"type": "Split", "pattern": {"Regex": "[aeiou]"}, "behavior": "Isolated", "invert": False}
    with pytest.raises(EvidenceError, match="--pre NAME"):
        way_of(odd, False, "tokenizer.json")


CAPITALS, SMALL = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
WORD, SHORT, REST = r"[^\r\n\p{L}\p{N}]?", r"(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"\s*[\r\n]+|\s+(?!\S)|\s+"
BY_CASE = [f"{WORD}{CAPITALS}*{SMALL}+", f"{WORD}{CAPITALS}+{SMALL}*"]
SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n/]*"
PATTERNS = {
    "qwen2": [checkpoints.LLAMA3_SPLIT.replace("{1,3}", "")],
    "qwen35": [checkpoints.LLAMA3_SPLIT.replace("{1,3}", "").replace(r"?\p{L}+", r"?[\p{L}\p{M}]+")
               .replace(r"[^\s\p{L}\p{N}]+", r"[^\s\p{L}\p{M}\p{N}]+")],
    "tekken": ["|".join([*BY_CASE, r"\p{N}", SIGNS, REST])],
    "gpt-4o": ["|".join([*(f"{w}{SHORT}?" for w in BY_CASE), r"\p{N}{1,3}", SIGNS, REST])],
    "deepseek-v3": [r"\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
                    r"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|" + REST],
}


@pytest.mark.parametrize("name", PATTERNS)
def test_the_ways_of_well_known_models(name: str) -> None:
    """Composed from what these models' tokenizers are published to do."""
    splits = [{"type": "Split", "pattern": {"Regex": p}, "behavior": "Isolated", "invert": False}
              for p in PATTERNS[name]]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    assert way_of({"type": "Sequence", "pretokenizers": [*splits, level]}, True, "x") == name


def test_patterns_spelt_differently_that_cut_alike_are_one_way() -> None:
    respelt = checkpoints.LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}\p{N}?\p{N}?")
    assert respelt != checkpoints.LLAMA3_SPLIT
    pre = {"type": "Sequence", "pretokenizers": [
        {"type": "Split", "pattern": {"Regex": respelt}, "behavior": "Isolated", "invert": False},
        {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]}
    assert way_of(pre, True, "x") == "llama-bpe"
    assert way_of(pre, False, "x") == "dbrx"


@pytest.mark.deep
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux alone")
def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    """Matrices of 64 MiB are converted in a process that holds 40 more at most than for matrices of 4 KiB."""
    script = ("import sys,resource; from pathlib import Path;"
              "from caveat.runtime.convert.converting import plan,convert;"
              "convert(plan(Path(sys.argv[1]),'bf16'),Path(sys.argv[2]));"
              "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)")
    peaks = []
    for width in (64, 4096):
        config = checkpoints.config(hidden_size=width, num_attention_heads=4, intermediate_size=64,
                                    num_hidden_layers=1, tie_word_embeddings=True, head_dim=width // 4)
        folder = tmp_path / str(width)
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(config))
        checkpoints._tokenizer(folder, "spm", 320)
        sparse(folder / "model.safetensors", checkpoints.shapes(config))
        done = subprocess.run([sys.executable, "-c", script, str(folder), str(tmp_path / f"{width}.gguf")],
                              capture_output=True, text=True, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        peaks.append(int(done.stdout) * 1024)
    assert peaks[1] - peaks[0] < 40 << 20


def sparse(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """A file of zeros that takes no space, 32 bits a number."""
    at, entries = 0, {}
    for name, shape in shapes.items():
        size = 4 * int(np.prod(shape))
        entries[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    checkpoints.raw(path, entries)
    with path.open("r+b") as out:
        out.truncate(path.stat().st_size + at)


# The command.


def test_the_header_says_whose_it_is_and_the_check_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = checkpoints.checkpoint(tmp_path / "m"), tmp_path / "o.gguf"
    assert main(["convert", str(folder), "-o", str(out), "--base", "meta-llama/Llama-2-7b-hf", "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"]["verdict"] in ("permitted", "conditional")
    assert {d["clause"] for d in said["duties"]} >= {"1.b.i", "1.b.iii"}
    pairs, _ = read(out)
    assert pairs["general.license"] == "llama2"
    assert pairs["general.source.huggingface.repository"] == "meta-llama/Llama-2-7b-hf"
    assert main(["trace", str(out)]) == 0
    assert "convert ← meta-llama/Llama-2-7b-hf" in capsys.readouterr().out


def test_the_folders_own_card_is_taken_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = checkpoints.checkpoint(tmp_path / "m"), tmp_path / "o.gguf"
    (folder / "README.md").write_text("---\nlicense: apache-2.0\nbase_model: mistralai/Mistral-7B-v0.1\n---\n# mine\n")
    assert main(["convert", str(folder), "-o", str(out), "--base", "me/tune"]) == 0
    pairs, _ = read(out)
    assert pairs["general.license"] == "apache-2.0"
    assert pairs["general.base_model.0.repo_url"] == "https://huggingface.co/mistralai/Mistral-7B-v0.1"
    assert pairs["general.base_model.0.name"] == "Mistral-7B-v0.1"


def test_a_prohibited_conversion_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = checkpoints.checkpoint(tmp_path / "m"), tmp_path / "o.gguf"
    law = tmp_path / "law" / "licences"
    law.mkdir(parents=True)
    (law / "no-change.toml").write_text(checkpoints.NO_CHANGE)
    (folder / "README.md").write_text("---\nlicense: other\nlicense_name: no-change\n---\n")
    words = ["convert", str(folder), "-o", str(out), "--law", str(tmp_path / "law"), "--base", "someone/model"]
    assert main(words) == 1
    assert not out.exists() and "nothing was made" in capsys.readouterr().err



def test_other_architectures_go_through_the_users_own_converter(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / "config.json").write_text(json.dumps(checkpoints.config(architectures=["GemmaForCausalLM"])))
    with pytest.raises(EvidenceError, match="--converter"):
        plan(folder)
    raw = made(tmp_path / "raw")
    script = tmp_path / "convert_hf_to_gguf.py"
    script.write_text("import shutil, sys\nassert sys.argv[4:] == ['--outtype', 'bf16']\n"
                      f"shutil.copyfile({str(raw)!r}, sys.argv[3])\n")
    out = tmp_path / "o.gguf"
    assert main(["convert", str(folder), "-o", str(out), "--converter", str(script), "--type", "bf16",
                 "--base", "google/gemma-2b"]) == 0
    pairs, tensors = read(out)
    assert pairs["general.source.huggingface.repository"] == "google/gemma-2b" and "gemma" in pairs["general.license"]
    was = read(raw)[1]
    assert {n: t.data.tobytes() for n, t in tensors.items()} == {n: t.data.tobytes() for n, t in was.items()}
    script.write_text("raise SystemExit('no torch here')")
    assert main(["convert", str(folder), "-o", str(out), "--converter", str(script), "--force"]) == 2
    assert [p.name for p in tmp_path.glob(".caveat-*")] == []
