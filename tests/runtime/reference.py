"""A transformer of the Llama family, written plainly from its published formulas: what a converted file is held to.

It reads the checkpoint's own tensors, halves turned as the checkpoint has them, and knows nothing of GGUF.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Weights = dict[str, tuple[str, np.ndarray]]


def logits(config: dict[str, Any], weights: Weights, tokens: list[int], slower: np.ndarray | None = None) -> np.ndarray:
    """The scores of the next token, (vocabulary,). `slower`: by how much each pair turns slower."""
    w = {name: numbers.astype(np.float64) for name, (_, numbers) in weights.items()}
    heads, eps = config["num_attention_heads"], config["rms_norm_eps"]
    keys = config.get("num_key_value_heads", heads)
    size = config.get("head_dim") or config["hidden_size"] // heads
    x = w["model.embed_tokens.weight"][tokens]
    for n in range(config["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        h = _norm(x, w[layer + "input_layernorm.weight"], eps)
        q, k, v = (_linear(h, w, f"{layer}self_attn.{name}_proj").reshape(len(tokens), -1, size) for name in "qkv")
        if layer + "self_attn.q_norm.weight" in w:
            q = _norm(q, w[layer + "self_attn.q_norm.weight"], eps)
            k = _norm(k, w[layer + "self_attn.k_norm.weight"], eps)
        q, k = (_turned(y, config["rope_theta"], slower) for y in (q, k))
        k, v = (np.repeat(y, heads // keys, axis=1) for y in (k, v))
        scores = np.einsum("qhd,khd->hqk", q, k) / np.sqrt(size)
        scores += np.triu(np.full((len(tokens), len(tokens)), -np.inf), 1)
        mixed = np.einsum("hqk,khd->qhd", _softmax(scores), v).reshape(len(tokens), -1)
        x = x + _linear(mixed, w, layer + "self_attn.o_proj")
        h = _norm(x, w[layer + "post_attention_layernorm.weight"], eps)
        x = x + _feed(h, w, layer, config)
    x = _norm(x, w["model.norm.weight"], eps)
    return np.asarray(x[-1] @ w.get("lm_head.weight", w["model.embed_tokens.weight"]).T)


def _feed(h: np.ndarray, w: dict[str, np.ndarray], layer: str, config: dict[str, Any]) -> np.ndarray:
    if not config.get("num_local_experts"):
        return _mlp(h, *(w[f"{layer}mlp.{name}_proj.weight"] for name in ("gate", "up", "down")))
    shares = _softmax(h @ w[layer + "block_sparse_moe.gate.weight"].T)
    out = np.zeros_like(h)
    for row, share in enumerate(shares):
        best = np.argsort(-share)[:config["num_experts_per_tok"]]
        for e in best:
            gate, down, up = (w[f"{layer}block_sparse_moe.experts.{e}.w{i}.weight"] for i in "123")
            out[row] += share[e] / share[best].sum() * _mlp(h[row:row + 1], gate, up, down)[0]
    return out


def _mlp(h: np.ndarray, gate: np.ndarray, up: np.ndarray, down: np.ndarray) -> np.ndarray:
    g = h @ gate.T
    return (g / (1 + np.exp(-g)) * (h @ up.T)) @ down.T


def _linear(h: np.ndarray, w: dict[str, np.ndarray], name: str) -> np.ndarray:
    return h @ w[name + ".weight"].T + w.get(name + ".bias", 0.0)


def _norm(x: np.ndarray, weight: np.ndarray, eps: float) -> np.ndarray:
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


def _softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


def _turned(y: np.ndarray, theta: float, slower: np.ndarray | None) -> np.ndarray:
    half = y.shape[-1] // 2
    speed = theta ** (-np.arange(half) / half) / (1 if slower is None else slower)
    angle = np.arange(len(y))[:, None, None] * speed
    first, second = y[..., :half], y[..., half:]
    return np.concatenate([first * np.cos(angle) - second * np.sin(angle),
                           second * np.cos(angle) + first * np.sin(angle)], -1)
