"""Checkpoints from strangers: each lie is told with its file and place, and no half-written file is left."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.errors import EvidenceError, SettingsError
from caveat.runtime.convert import folder as folders
from caveat.runtime.convert.converting import convert, plan
from caveat.runtime.convert.safetensors import of_file
from caveat.runtime.convert.splitter import way_of
from tests.runtime import checkpoints

pytest.importorskip("gguf")
pytest.importorskip("sentencepiece")
pytest.importorskip("tokenizers")
T = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}

HEADERS: dict[str, tuple[Any, bytes, int | None, str]] = {
    "nothing": (b"", b"", None, "no JSON"),
    "length beyond the file": ({"a": T}, bytes(8), 1 << 40, "is said to have"),
    "no JSON": (b"{", b"", None, "no JSON"),
    "a list": (b"[]", b"", None, "an object was expected|JSON object"),
    "deep": (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", b"", None, "nested too deeply|no JSON"),
    "many": (b'{"a":[' + b"[]," * 4_000_100 + b"[]]}", b"", None, "lists and objects"),
    "a name twice": (b'{"a": 1, "a": 2}', b"", None, "stands twice"),
    "no number": (b'{"a": NaN}', b"", None, "no number"),
    "no object": ({"a": 3}, b"", None, "no object describes"),
    "unknown type": ({"a": {**T, "dtype": "F7"}}, bytes(8), None, "is not known"),
    "a type that is a list": ({"a": {**T, "dtype": ["F32"]}}, bytes(8), None, "is not known"),
    "negative shape": ({"a": {**T, "shape": [-2]}}, bytes(8), None, "whole numbers"),
    "shape of words": ({"a": {**T, "shape": ["2"]}}, bytes(8), None, "whole numbers"),
    "true is no number": ({"a": {**T, "shape": [True]}}, bytes(8), None, "whole numbers"),
    "huge shape": ({"a": {**T, "shape": [1 << 39, 1 << 39]}}, bytes(8), None, "are .* bytes, not 8"),
    "past the end": ({"a": {**T, "data_offsets": [8, 16]}}, bytes(8), None, "outside of the file"),
    "backwards": ({"a": {**T, "data_offsets": [8, 0]}}, bytes(8), None, "outside of the file"),
    "another size": ({"a": {**T, "shape": [3]}}, bytes(8), None, "12 bytes, not 8"),
    "overlap": ({"a": T, "b": {**T, "data_offsets": [4, 12]}}, bytes(12), None, "share bytes"),
    "overlap around nothing": ({"a": T, "e": {**T, "shape": [0], "data_offsets": [4, 4]},
                                "b": {**T, "data_offsets": [4, 12]}}, bytes(12), None, "share bytes"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_that_lie(name: str, tmp_path: Path) -> None:
    header, data, length, told = HEADERS[name]
    file = tmp_path / "model.safetensors"
    checkpoints.raw(file, header, data, length)
    with pytest.raises(EvidenceError, match=told) as fault:
        of_file(file)
    assert str(file) in str(fault.value) and len(str(fault.value)) < 600


def test_a_header_larger_than_the_format_allows_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    with file.open("wb") as out:
        out.write(struct.pack("<Q", 200_000_000))
        out.truncate(300_000_000)
    with pytest.raises(EvidenceError, match="100,000,000 at most"):
        of_file(file)


def changed(folder: Path, **changes: Any) -> None:
    said = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**said, **changes}))


CONFIGS: dict[str, tuple[dict[str, Any], str]] = {
    "no heads": ({"num_attention_heads": 0}, "num_attention_heads"),
    "heads of words": ({"num_attention_heads": "4"}, "num_attention_heads"),
    "heads that cannot share": ({"num_key_value_heads": 3}, "cannot share"),
    "odd heads": ({"num_attention_heads": 3, "num_key_value_heads": 3}, "even head"),
    "more layers than tensors": ({"num_hidden_layers": 3}, r"blk\.2.* is missing"),
    "fewer layers than tensors": ({"num_hidden_layers": 1}, "has no place"),
    "a billion layers": ({"num_hidden_layers": 10**9}, "from 1 to 2048"),
    "another width": ({"hidden_size": 128}, "has to be"),
    "another vocabulary": ({"vocab_size": 321}, "has to be"),
    "another feed-forward": ({"intermediate_size": 97}, "has to be"),
    "more key heads": ({"num_key_value_heads": 4}, "has to be"),
    "experts that are not there": ({"num_local_experts": 2}, "has no place|is missing"),
    "quantized": ({"quantization_config": {"quant_method": "gptq"}}, "quantized already"),
    "another architecture": ({"architectures": ["\x1b[31mEvil"]}, r"x1b\[31mEvil.*--converter"),
    "no architecture": ({"architectures": []}, "not named"),
    "odd positions": ({"rope_scaling": {"rope_type": "spiral", "factor": 2.0}}, "spiral"),
    "positions without a factor": ({"rope_scaling": {"rope_type": "linear"}}, "without a factor"),
    "positions of words": ({"rope_scaling": {"rope_type": "linear", "factor": "x"}}, "factor"),
    "positions of zero": ({"rope_scaling": {**checkpoints.LLAMA3_ROPE, "factor": 0}}, "not 0"),
    "endless theta": ({"rope_theta": 1e300}, "rope_theta"),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_configs_that_lie(name: str, tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    changes, told = CONFIGS[name]
    changed(folder, **changes)
    with pytest.raises(EvidenceError, match=told) as fault:
        plan(folder)
    assert "\x1b" not in str(fault.value)


def test_an_epsilon_that_is_none_leaves_nothing(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    changed(folder, rms_norm_eps="tiny")
    assert main(["convert", str(folder), "-o", str(tmp_path / "o.gguf")]) == 2
    assert not list(tmp_path.glob("*o.gguf*"))


def indexed(change: Callable[[dict[str, str]], None]) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        file = folder / "model.safetensors.index.json"
        said = json.loads(file.read_text())
        change(said["weight_map"])
        file.write_text(json.dumps(said))
    return work


FILE = "model-00001-of-00002.safetensors"
INDEXES: dict[str, tuple[Callable[[Path], None], str]] = {
    "out of the folder": (indexed(lambda w: w.update({"lm_head.weight": "../secret.safetensors"})), "no name of a"),
    "an absolute path": (indexed(lambda w: w.update({"lm_head.weight": "/etc/x.safetensors"})), "no name of a file"),
    "a pickle": (indexed(lambda w: w.update({"lm_head.weight": "pytorch_model.bin"})), "no safetensors"),
    "a file that is missing": (indexed(lambda w: w.update({"lm_head.weight": "gone.safetensors"})), "is missing"),
    "a tensor elsewhere": (indexed(lambda w: w.update({"lm_head.weight": FILE})), "is not in it"),
    "a tensor left out": (indexed(lambda w: w.pop("lm_head.weight") and None), "not in the index"),
    "a list": (lambda f: (f / "model.safetensors.index.json").write_text('{"weight_map": []}') and None, "weight_map"),
}


@pytest.mark.parametrize("name", INDEXES)
def test_indexes_that_lie(name: str, tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m", pieces=2)
    checkpoints.safetensors(tmp_path / "secret.safetensors", {})
    change, told = INDEXES[name]
    change(folder)
    with pytest.raises(EvidenceError, match=told):
        plan(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.model", "tokenizer_config.json"])
def test_links_out_of_the_folder_are_not_followed(name: str, tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    with pytest.raises(EvidenceError, match="leads out of the folder"):
        plan(folder)


def test_templates_are_not_read_through_links(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / "chat_template.jinja").write_text("x")
    (folder / "additional_chat_templates").mkdir()
    (tmp_path / "secret").write_text("secret")
    (folder / "additional_chat_templates" / "rag.jinja").symlink_to(tmp_path / "secret")
    with pytest.raises(EvidenceError, match="in the folder itself"):
        convert(plan(folder), tmp_path / "o.gguf")


def test_numbers_that_gguf_cannot_hold_are_told(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    changed(folder, eos_token_id=1 << 40)
    (folder / "tokenizer_config.json").write_text("{}")
    changed(folder, rope_scaling={"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 1 << 40})
    with pytest.raises(EvidenceError, match="no GGUF file can hold"):
        convert(plan(folder), tmp_path / "o.gguf")
    assert not list(tmp_path.glob("*o.gguf*"))


def test_links_into_the_blobs_of_a_hub_cache_are(tmp_path: Path) -> None:
    home = tmp_path / "models--me--tune"
    folder = checkpoints.checkpoint(home / "snapshots" / "abc")
    (home / "blobs").mkdir()
    for file in list(folder.iterdir()):
        file.rename(home / "blobs" / file.name)
        file.symlink_to(Path("../../blobs") / file.name)
    assert plan(folder).words.sort == "llama"


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt"])
def test_pickled_weights_are_never_opened(name: str, tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / name)  # whoever opened it would hang
    with pytest.raises(EvidenceError, match="safe_serialization"):
        plan(folder)


def test_files_that_end_early_leave_nothing(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    planned = plan(folder, "f16")
    weights = folder / "model.safetensors"
    with weights.open("r+b") as out:
        out.truncate(weights.stat().st_size - 100)
    with pytest.raises(EvidenceError, match="ends inside tensor"):
        convert(planned, tmp_path / "o.gguf")
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_numbers_beyond_the_type_are_told(tmp_path: Path) -> None:
    import numpy as np

    folder = checkpoints.checkpoint(tmp_path / "m")
    tensors = checkpoints.weights(checkpoints.config())
    tensors["lm_head.weight"][1][0, 0] = np.float32(1e6)
    checkpoints.safetensors(folder / "model.safetensors", tensors)
    with pytest.raises(EvidenceError, match=r"lm_head.*--type bf16"):
        convert(plan(folder, "f16"), tmp_path / "o.gguf")
    assert not list(tmp_path.glob("*o.gguf*"))
    convert(plan(folder, "bf16"), tmp_path / "o.gguf")


def tokenizer(**changes: Any) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        said = json.loads(checkpoints.bpe(319, "llama3"))
        for key, value in changes.items():
            (said["model"] if key in said["model"] else said)[key] = value
        (folder / "tokenizer.json").write_text(json.dumps(said))
    return work


def text(name: str, words: str | bytes) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        (folder / name).write_bytes(words.encode() if isinstance(words, str) else words)
    return work


TOKENIZERS: dict[str, tuple[Callable[[Path], None], str]] = {
    "deep": (text("tokenizer.json", "[" * 100_000), "nested|no JSON|lists and objects"),
    "no JSON": (text("tokenizer.json", b"\xff\xfe"), "no JSON"),
    "a word list": (tokenizer(type="WordPiece"), "only BPE"),
    "ids of words": (tokenizer(vocab={"a": "1"}), "no number of a token"),
    "ids beyond the model": (tokenizer(vocab={"a": 10**6}), "lies beyond"),
    "negative ids": (tokenizer(vocab={"a": -1}), "no number of a token"),
    "one id for two": (tokenizer(vocab={"a": 1, "b": 1}), "same number"),
    "no vocabulary": (tokenizer(vocab=None), "has to be an object"),
    "added without text": (tokenizer(added_tokens=[{"id": 3}]), "without its text"),
    "added beyond": (tokenizer(added_tokens=[{"id": 999, "content": "x"}]), "lies beyond"),
    "merges of numbers": (tokenizer(merges=[1, 2]), "special tokens cannot be read|merge"),
    "a template of another sort": (tokenizer(post_processor={"processors": 3}), "cannot be read"),
    "merges that are no text": (tokenizer(merges=["\ud800 a"]), "no GGUF file can hold"),
    "an added token that is no text": (
        text("tokenizer_config.json", '{"added_tokens_decoder": {"3": {"content": "\\ud800"}}}'), "is no text"),
    "templates that are none": (text("tokenizer_config.json", '{"chat_template": [3]}'), "templates"),
    "settings that are none": (text("tokenizer_config.json", '{"added_tokens_decoder": {"x": 1}}'), "no number|text"),
}


@pytest.mark.parametrize("name", TOKENIZERS)
def test_tokenizers_that_lie(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m", tokenizer="llama3")
    change, told = TOKENIZERS[name]
    change(folder)
    with pytest.raises(EvidenceError, match=told):
        convert(plan(folder, "f16"), tmp_path / "o.gguf")
    assert not list(tmp_path.glob("*o.gguf*"))


def test_a_sentencepiece_model_that_is_none(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    (folder / "tokenizer.model").write_bytes(b"\x0a\xff\xff\xff\xff\x0f no model")
    with pytest.raises(EvidenceError, match="no SentencePiece model"):
        plan(folder)


def test_files_larger_than_their_sort_are_not_read(tmp_path: Path) -> None:
    folder = checkpoints.checkpoint(tmp_path / "m")
    with (folder / "tokenizer.model").open("r+b") as out:
        out.truncate(folders.LIMITS["tokenizer.model"] + 1)
    with pytest.raises(EvidenceError, match="at most"):
        plan(folder)


def test_a_pattern_that_crashes_or_never_ends_is_told() -> None:
    for pattern in ("(" * 200, "((((a+)+)+)+)+$"):
        odd = {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}
        with pytest.raises(EvidenceError, match=r"cannot be used|no name here"):
            way_of(odd, False, "tokenizer.json")
    with pytest.raises(EvidenceError, match="is not tried"):
        way_of({"type": "Split", "pattern": {"Regex": "a" * 100_000}}, False, "tokenizer.json")


def test_places_that_are_none(tmp_path: Path) -> None:
    from caveat.flows.converting import Order, planned

    folder = checkpoints.checkpoint(tmp_path / "m")
    (tmp_path / "there.gguf").write_text("mine")
    for out, told in (("x.bin", "ending in .gguf"), ("there.gguf", "--force"), ("no/x.gguf", "no folder")):
        with pytest.raises(SettingsError, match=told):
            planned(Order(folder, tmp_path / out))
    assert (tmp_path / "there.gguf").read_text() == "mine"
    with pytest.raises(EvidenceError, match="no such folder"):
        planned(Order(tmp_path / "gone", tmp_path / "x.gguf"))


def test_nothing_that_lies_in_the_working_folder_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People convert from inside the checkpoint's folder: modules of a stranger lie there."""
    for name in ("tokenizers.py", "json.py", "caveat.py", "resource.py"):
        (tmp_path / name).write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    assert way_of(level, False, "tokenizer.json") == "gpt-2"
    assert not (tmp_path / "ran").exists()
