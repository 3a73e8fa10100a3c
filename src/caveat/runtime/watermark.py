"""A mark in the choice of words that only the holder of a key can see: made while a model writes, found by counting.

After Kirchenbauer et al., "A Watermark for Large Language Models" (ICML 2023): the tokens before the next one, hashed
with the key, choose a share gamma of the vocabulary; these "green" tokens get `delta` more in their logits. Unmarked
text has a share gamma of green tokens, marked text more:

    z = (green - gamma T) / sqrt(T gamma (1 - gamma))       T distinct (tokens before, token) pairs, each counted once

Here membership is drawn for each token by itself (a hash below gamma), so that a detector needs no vocabulary; the
share is gamma in the mean. The key is kept apart from what it marks, and only its id is ever written elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, SettingsError

GAMMA, DELTA, BEFORE = 0.25, 2.0, 1
#: Below this probability of chance a text is called marked.
CERTAIN = 1e-6
MOST_KEY = 4096
_MASK = (1 << 64) - 1


class Key(NamedTuple):
    """The secret (32 bytes) and the settings it marks with: share, logits added, tokens before that are hashed."""

    secret: bytes
    gamma: float = GAMMA
    delta: float = DELTA
    before: int = BEFORE

    def id(self) -> str:
        """What may be written anywhere: it tells keys apart and nothing of the secret."""
        told = f"caveat-watermark-id {self.gamma} {self.delta} {self.before}".encode()
        return hmac.new(self.secret, told, hashlib.sha256).hexdigest()[:16]


class Found(NamedTuple):
    """A count: distinct pairs, green ones among them, z, and the probability of as many by chance (exact binomial)."""

    pairs: int
    green: int
    gamma: float
    z: float
    p: float

    def says(self, certain: float = CERTAIN) -> str:
        """marked | no mark | too short (even all green would not be certain)."""
        if self.p < certain:
            return "marked"
        return "too short" if self.gamma ** self.pairs > certain else "no mark"


# The key.


def key_at(path: Path, gamma: float = GAMMA, delta: float = DELTA) -> Key:
    """The key in a file; where there is none, a new one, readable by its owner alone. Raises SettingsError."""
    return read_key(path) if path.exists() else _made(path, Key(secrets.token_bytes(32), gamma, delta))


def _made(path: Path, key: Key) -> Key:
    said = {"caveat-watermark": 1, "secret": key.secret.hex(), "gamma": key.gamma, "delta": key.delta,
            "before": key.before}
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(json.dumps(said) + "\n")
    except OSError as fault:
        raise SettingsError(f"cannot write the watermark's key {path}: {fault.strerror}") from None
    return key


def read_key(path: Path) -> Key:
    """The key in a file. Raises SettingsError where it is none, or where others may read it."""
    try:
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise SettingsError(f"{path}: others may read this key: chmod 600 {path}")
        with path.open("rb") as file:
            said = json.loads(file.read(MOST_KEY))
        key = Key(bytes.fromhex(said["secret"]), float(said["gamma"]), float(said["delta"]), int(said["before"]))
    except OSError as fault:
        raise SettingsError(f"cannot read the watermark's key {path}: {fault.strerror}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise SettingsError(f"{path}: no key of a watermark (--watermark FILE makes one)") from None
    if not (len(key.secret) == 32 and 0 < key.gamma < 1 and 0 < key.delta <= 100 and 1 <= key.before <= 8):
        raise SettingsError(f"{path}: no key of a watermark (--watermark FILE makes one)")
    return key


# Green.


def _seed(key: Key, before: Sequence[int]) -> int:
    """64 bits of the tokens before, that nobody without the key can tell."""
    told = b"".join(int(t).to_bytes(4, "little") for t in before)
    return int.from_bytes(hmac.new(key.secret, told, hashlib.sha256).digest()[:8], "little")


def is_green(key: Key, before: Sequence[int], token: int) -> bool:
    """Whether a token is one of those that the tokens before it choose."""
    x = (_seed(key, before) + (token + 1) * 0x9E3779B97F4A7C15) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return (x ^ (x >> 31)) < int(key.gamma * 2**64)


def green(key: Key, before: Sequence[int], vocabulary: int) -> Any:
    """The same for all tokens at once: an array of yes and no. (Steele et al. 2014, SplitMix64, as the hash.)"""
    import numpy as np

    u = np.uint64
    x = u(_seed(key, before)) + np.arange(1, vocabulary + 1, dtype=u) * u(0x9E3779B97F4A7C15)
    x = (x ^ (x >> u(30))) * u(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> u(27))) * u(0x94D049BB133111EB)
    return (x ^ (x >> u(31))) < u(int(key.gamma * 2**64))


def counted(key: Key, texts: Iterable[Sequence[int]]) -> Found:
    """The count over texts as tokens; a pair that comes again, also in another text, counts once."""
    pairs: set[tuple[int, ...]] = set()
    for tokens in texts:
        pairs.update(tuple(tokens[n - key.before:n + 1]) for n in range(key.before, len(tokens)))
    hits = sum(is_green(key, pair[:-1], pair[-1]) for pair in pairs)
    return found(len(pairs), hits, key.gamma)


def found(pairs: int, hits: int, gamma: float) -> Found:
    """z and p of a count."""
    spread = math.sqrt(pairs * gamma * (1 - gamma))
    return Found(pairs, hits, gamma, (hits - gamma * pairs) / spread if pairs else 0.0, at_least(hits, pairs, gamma))


def at_least(hits: int, of: int, share: float) -> float:
    """The probability of so many or more, each with the same share: the upper tail of the binomial, summed exactly."""
    if hits <= 0:
        return 1.0
    log = math.log(share), math.log1p(-share)
    terms = [math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1) + k * log[0] + (of - k) * log[1]
             for k in range(hits, of + 1)]
    top = max(terms)
    return min(1.0, math.exp(top) * math.fsum(math.exp(t - top) for t in terms))


class Marker:
    """What an engine calls before each token with the tokens so far and their scores (llama-cpp-python's protocol)."""

    def __init__(self, key: Key) -> None:
        self.key = key

    def __call__(self, tokens: Any, scores: Any) -> Any:
        if len(tokens) >= self.key.before:
            scores[green(self.key, tokens[-self.key.before:], len(scores))] += self.key.delta
        return scores


# Tokens of a text, for the detector.


class Tokenizer:
    """The vocabulary of a GGUF file, by llama-cpp-python (which reads no weights for it), else by xllamacpp."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._cut = _by_llama_cpp(path)
        except ImportError:
            self._cut = _by_xllamacpp(path)

    def tokens(self, text: str) -> list[int]:
        """The tokens of a text, without those of start and end."""
        return list(self._cut(text))


def _by_llama_cpp(path: Path) -> Any:
    from llama_cpp import Llama

    try:
        model = Llama(str(path), vocab_only=True, verbose=False)
    except ValueError as fault:
        raise CaveatError(f"{path}: its vocabulary cannot be read ({fault})") from None
    return lambda text: model.tokenize(text.encode(), add_bos=False, special=False)


def _by_xllamacpp(path: Path) -> Any:
    """xllamacpp cuts text only over the address that it opens on this machine, locked with a key of this moment."""
    try:
        import httpx
        import xllamacpp

        from caveat.runtime.local_engine import started
    except ImportError:
        raise CaveatError("cutting text into tokens needs an engine: pip install 'caveat[run]'") from None
    lock = secrets.token_hex(32)
    p = xllamacpp.CommonParams()
    p.model.path, p.n_ctx, p.n_parallel, p.verbosity, p.api_keys = str(path), 64, 1, -1, [lock]
    p.warmup = p.fit_params = p.ui = False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = 1
    try:
        server = started(p)  # one that was only made could wait for ever when it is taken down
    except Exception as fault:
        raise CaveatError(f"{path}: its vocabulary cannot be read ({fault})") from None

    client = httpx.Client(base_url=server.listening_address, headers={"Authorization": f"Bearer {lock}"}, timeout=60,
                          trust_env=False)

    def cut(text: str, alive: Any = server) -> list[int]:  # whoever holds the cutter holds the server
        try:
            done = client.post("/tokenize", json={"content": text, "add_special": False, "parse_special": False})
            return [int(t) for t in done.raise_for_status().json()["tokens"]]
        except (httpx.HTTPError, ValueError, KeyError) as fault:
            raise CaveatError(f"{path}: the engine did not cut a text into tokens ({type(fault).__name__})") from None

    return cut
