"""`caveat fit` as people use it: files, folders, names; what does not fit, is cut, or is not known is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.cli.fit import size
from caveat.runtime import mixes
from caveat.runtime.shape import Shape, of_config, tensors
from tests.runtime import files
from tests.runtime.test_shape import CONFIG

KEYS = {"general.architecture": "llama", "general.name": "tiny", "llama.block_count": 2, "llama.context_length": 512,
        "llama.embedding_length": 64, "llama.feed_forward_length": 96, "llama.attention.head_count": 4,
        "llama.attention.head_count_kv": 2}


def entries() -> tuple[files.Entry, ...]:
    shape = of_config(CONFIG)
    assert isinstance(shape, Shape)
    return tuple((t.name, t.dimensions, mixes.kind_of(t, "Q4_0", shape).name) for t in tensors(shape))


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["fit", *words, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


def row(said: dict[str, Any], kind: str) -> dict[str, Any]:
    return next(r for r in said["quantizations"] if r["type"] == kind)


def test_a_file_is_told_to_the_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files.write(tmp_path / "tiny.gguf", KEYS, entries())
    code, said = answer(capsys, str(path))

    assert code == 0 and said["problems"] == []
    assert said["file_bytes"] == said["expected_bytes"] == path.stat().st_size
    assert row(said, "as it is")["weights"] == row(said, "Q4_0")["weights"]


def test_a_download_that_broke_off_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files.write(tmp_path / "tiny.gguf", KEYS, entries(), less=1000)
    _, said = answer(capsys, str(path))

    assert "bytes before its last tensor" in said["problems"][0]["what"]
    assert said["expected_bytes"] == said["file_bytes"] + 1000


def test_a_folder_of_safetensors_is_compared_with_its_config(tmp_path: Path,
                                                             capsys: pytest.CaptureFixture[str]) -> None:
    shape = of_config(CONFIG)
    assert isinstance(shape, Shape)
    weights = {t.name: t.dimensions for t in tensors(shape)} | {"lm_head.weight": (64, 100)}
    del weights["output.weight"]
    files.checkpoint(tmp_path, CONFIG, weights)
    _, said = answer(capsys, str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"num_hidden_layers": 3}))
    _, wrong = answer(capsys, str(tmp_path))

    assert said["problems"] == [] and row(said, "as stored")["weights"] == 2 * mixes.elements(tensors(shape))
    assert "config.json describes" in wrong["problems"][0]["what"]


def test_a_head_that_no_header_holds_is_the_embedding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = of_config(CONFIG, tied=True)
    assert isinstance(shape, Shape)
    files.checkpoint(tmp_path, CONFIG, {t.name: t.dimensions for t in tensors(shape)})
    _, said = answer(capsys, str(tmp_path))

    assert said["shape"]["tied"] is True and said["problems"] == []


def test_a_gpu_decides_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    enough, said = answer(capsys, "Llama-3-8B", "--gpu", "8GiB", "--context", "8192")
    too_little, _ = answer(capsys, "meta-llama/Llama-2-70b-hf", "--gpu", "8GiB")

    assert (enough, too_little) == (0, 1)
    assert [row(said, k)["fits"] for k in ("Q8_0", "Q6_K", "Q4_K_M")] == ["no", "tight", "fits"]
    assert row(said, "Q4_K_M")["needs"]["8192"]["cache"] == 1 << 30
    assert row(said, "Q4_K_M")["perplexity_ratio"] == pytest.approx(6.407115 / 6.231636, abs=1e-6)


def test_a_smaller_cache_leaves_room_for_a_longer_context(capsys: pytest.CaptureFixture[str]) -> None:
    longest = [row(answer(capsys, "Mistral-7B", "--gpu", "6GiB", "--cache-type", kind)[1], "Q4_K_M")["longest_context"]
               for kind in ("f16", "q8_0", "q4_0")]

    assert longest == sorted(set(longest)) and longest[0] > 4096


def test_the_page_says_it_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "Llama-3-8B", "--gpu", "8GiB", "--context", "8192", "--width", "120"]) == 0
    page = capsys.readouterr().out

    assert "✓ Q6_K and smaller fit in 8.00 GiB with 8,192 tokens; Q5_1 leaves a GiB free." in page
    assert "https://huggingface.co/meta-llama/Meta-Llama-3-8B/blob/main/config.json" in page


def test_an_unknown_architecture_is_weighed_and_no_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = files.write(tmp_path / "m.gguf", {"general.architecture": "mamba"}, entries())
    code, said = answer(capsys, str(path))
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')

    assert code == 0 and said["weights"] > 0 and "quantizations" not in said
    assert main(["fit", str(tmp_path / "config.json")]) == 2
    assert "known are llama" in capsys.readouterr().err


@pytest.mark.parametrize("make, told", [
    (lambda d: d, "holds no .gguf"), (lambda d: d / "no-such-model", "config.json is enough"),
    (lambda d: _written(d / "a.gguf", b"GGUFGGUF"), "not"), (lambda d: _written(d / "a.gguf", b""), "cannot be opened"),
    (lambda d: _written(d / "a.safetensors", b"x"), "no config.json")])
def test_what_cannot_be_read_is_one_line(make: Any, told: str, tmp_path: Path,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", str(make(tmp_path))]) == 2
    assert told in capsys.readouterr().err


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("words, bytes", [
    ("8GiB", 8 << 30), ("24GB", 24 * 10**9), ("8", 8 << 30), ("1.5 g", 15 * 10**8), ("512MiB", 512 << 20),
    ("8589934592", 8 << 30)])
def test_sizes_are_read_as_people_write_them(words: str, bytes: int) -> None:
    assert size(words) == bytes


@pytest.mark.parametrize("words", [["--gpu", "big"], ["--context", "-1"], ["--cache-type", "q2_k"]])
def test_settings_nobody_means_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = main(["fit", "Llama-3-8B", *words])
    except SystemExit as left:
        code = int(left.code or 0)

    assert code == 2
