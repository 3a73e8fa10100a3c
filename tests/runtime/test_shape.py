"""Shapes come from config.json and GGUF keys alike, and what is not known is told and never guessed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caveat.runtime import memory, mixes, published
from caveat.runtime.shape import Shape, Unknown, of_config, of_gguf, tensors
from caveat.runtime.types import BY_NAME, KINDS, size

CONFIG: dict[str, Any] = {
    "model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96,
    "num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 100, "max_position_embeddings": 512,
}


def shape(**changes: Any) -> Shape:
    found = of_config(CONFIG | changes)
    assert isinstance(found, Shape)
    return found


@pytest.mark.parametrize("name, numbers", [
    ("Llama-2-7B", 6_738_415_616), ("Llama-2-13B", 13_015_864_320), ("Llama-2-70B", 68_976_648_192),
    ("Llama-3-8B", 8_030_261_248), ("Llama-3-70B", 70_553_706_496), ("Mistral-7B", 7_241_732_096),
    ("SmolLM2-135M", 134_515_008), ("Qwen2.5-7B", 7_615_616_512)])
def test_known_models_have_as_many_numbers_as_they_are_known_for(name: str, numbers: int) -> None:
    found = published.named(name)
    form = of_config(found.config) if found else None
    assert isinstance(form, Shape)

    assert mixes.elements(tensors(form)) == numbers


@pytest.mark.parametrize("word", ["meta-llama/Llama-2-7b-chat-hf", "llama 2 7b", "LLAMA-2-7B"])
def test_names_are_found_with_and_without_owner(word: str) -> None:
    found = published.named(word)

    assert found and found.name == "Llama-2-7B" and found.source.startswith("https://")


@pytest.mark.parametrize("changes", [
    {"model_type": "mamba"}, {"model_type": ["llama"]}, {"model_type": None}, {"num_local_experts": 8},
    {"num_hidden_layers": 0}, {"num_hidden_layers": -2}, {"num_hidden_layers": 2.5}, {"num_hidden_layers": True},
    {"num_hidden_layers": 1 << 20}, {"hidden_size": 1 << 40}, {"num_key_value_heads": 3}, {"vocab_size": "many"},
    {"num_attention_heads": 3}, {"mlp_bias": True}])
def test_what_is_not_known_or_not_believed_is_no_shape(changes: dict[str, Any]) -> None:
    assert isinstance(of_config(CONFIG | changes), Unknown)


def test_architectures_differ_in_their_tensors() -> None:
    names = {kind: {t.name for t in tensors(shape(model_type=kind))} for kind in
             ("llama", "qwen2", "qwen3", "gemma", "gemma2")}

    assert "blk.1.attn_k.bias" in names["qwen2"] - names["llama"]
    assert "blk.0.attn_q_norm.weight" in names["qwen3"] - names["llama"]
    assert names["llama"] - names["gemma"] == {"output.weight"}
    assert names["gemma2"] - names["gemma"] >= {"blk.0.post_ffw_norm.weight", "blk.1.post_attention_norm.weight"}


def test_a_header_tells_the_same_shape_as_a_configuration() -> None:
    form = shape()
    keys = {"general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": 64,
            "llama.feed_forward_length": 96, "llama.attention.head_count": 4, "llama.attention.head_count_kv": [2, 2],
            "llama.context_length": 512}

    assert of_gguf(keys, tensors(form)) == form
    assert isinstance(of_gguf(keys | {"llama.attention.head_count_kv": [2, 4]}, tensors(form)), Shape)
    assert isinstance(of_gguf(keys | {"general.architecture": "rwkv7"}, tensors(form)), Unknown)
    assert isinstance(of_gguf(keys | {"llama.expert_count": 8}, tensors(form)), Unknown)


def test_windows_shorten_the_cache_of_every_other_layer() -> None:
    form = shape(model_type="gemma2", sliding_window=4096)
    row = 2 * 2 * form.kv_heads * form.head_size

    assert memory.cache(form, 16384) == row * (16384 + 4096 + 512)
    assert memory.cache(form, 1000) == row * 2 * 1024


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_rows_are_whole_blocks(kind: Any) -> None:
    assert size(kind, (kind.block * 3, 5)) == kind.bytes * 15
    assert size(kind, (kind.block * 2 + 1,)) == kind.bytes * 3 if kind.block > 1 else True


def test_a_row_that_no_block_divides_falls_back() -> None:
    form = shape(hidden_size=576, num_attention_heads=9, num_key_value_heads=3)
    kinds = {mix: mixes.kind_of(tensors(form)[4], mix, form).name for mix in ("Q4_K_S", "Q6_K", "Q3_K_S", "IQ4_XS")}

    assert kinds == {"Q4_K_S": "Q5_0", "Q6_K": "Q8_0", "Q3_K_S": "Q4_0", "IQ4_XS": "IQ4_NL"}


@given(room=st.integers(0, 1 << 34), kind=st.sampled_from(memory.CACHE_TYPES))
def test_the_longest_context_fits_and_the_next_does_not(room: int, kind: str) -> None:
    form = shape(max_position_embeddings=100_000)
    weights = mixes.weight(tensors(form), "Q8_0", form)

    found = memory.longest(form, weights, room, kind)

    assert found == 0 or memory.need(form, weights, found, kind).total() <= room
    assert found == form.context or memory.need(form, weights, found + memory.STEP, kind).total() > room


def test_published_quality_has_a_source_and_known_types() -> None:
    for model in ("Llama-2-7B", "Llama-2-70B", "Llama-3-8B"):
        quality = published.quality(model)
        assert quality.source.startswith("https://") and quality.what
        assert set(quality.ratio) <= set(mixes.MIXES)
        assert all(ratio >= 0.999 for ratio in quality.ratio.values())
    assert published.quality("Mistral-7B").ratio == {}


def test_every_row_of_the_mixtures_names_what_exists() -> None:
    for names, part, _, kind in mixes.ROWS:
        assert set(names.split()) <= set(mixes.MIXES) and part in mixes.PARTS.values() and kind in BY_NAME
