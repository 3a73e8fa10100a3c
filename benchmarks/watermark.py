"""How often is unmarked text called marked, how often is marked text found, by length, and what does marking cost?

    python benchmarks/watermark.py --model M.gguf [--prompts N] [--tokens N] [--keys N]

Human text: the language reference that ships with Python (pydoc topics), cut into pieces of so many tokens, each tried
with many keys. The model's own unmarked answers are tried likewise. Marked answers are cut to their first tokens.
Needs llama-cpp-python. One thread; speeds are of this machine, the cost is the ratio.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from caveat.runtime.marked_engine import MarkedEngine, marked
from caveat.runtime.watermark import BEFORE, DELTA, GAMMA, Key, Tokenizer, counted

LENGTHS = (25, 50, 100, 200)
LIMITS = (1e-2, 1e-3, 1e-4, 1e-6)
ASKED = ("Write a story about {}.", "Explain {} to a child.", "List reasons to like {}.", "Describe a day with {}.",
         "What is the history of {}?", "Write a letter about {}.", "Give advice about {}.", "Argue about {}.")
ABOUT = ("rain", "bread", "bicycles", "the moon", "libraries", "winter", "a river", "chess")


def key_of(n: int, gamma: float = GAMMA, delta: float = DELTA) -> Key:
    return Key(hashlib.sha256(f"benchmark {n}".encode()).digest(), gamma, delta, BEFORE)


def human() -> str:
    """Prose of people: what `help()` knows of the language."""
    from pydoc_data.topics import topics

    return "\n\n".join(topics[name] for name in sorted(topics))


def pieces(tokens: list[int], length: int, most: int) -> list[list[int]]:
    return [tokens[n:n + length] for n in range(0, len(tokens) - length + 1, length)][:most]


def wrongly(name: str, texts: list[list[int]], keys: int) -> None:
    """The share of (text, key) that are called marked, at each limit."""
    found = [counted(key_of(1000 + k), [t]).p for t in texts for k in range(keys)]
    shares = ", ".join(f"p < {limit:g}: {sum(p < limit for p in found) / len(found):.2g}" for limit in LIMITS)
    print(f"  {name}: {len(found)} trials; called marked at {shares}; smallest p {min(found):.2g}")


def answers(engine: MarkedEngine, prompts: list[str], tokens: int) -> tuple[list[str], float]:
    """Answers, and tokens a second."""
    out, count, begun = [], 0, time.monotonic()
    for n, prompt in enumerate(prompts):
        said = engine.chat({"messages": [{"role": "user", "content": prompt}], "max_tokens": tokens,
                            "temperature": 0.8, "seed": n})
        out.append(said["choices"][0]["message"]["content"])
        count += said["usage"]["completion_tokens"]
    return out, count / (time.monotonic() - begun)


def found_by_length(texts: Iterable[list[int]], key: Key) -> None:
    texts = list(texts)
    for length in LENGTHS:
        long = [counted(key, [t[:length]]) for t in texts if len(t) >= length]
        if long:
            middle = sorted(f.z for f in long)[len(long) // 2]
            shares = ", ".join(f"p < {x:g}: {sum(f.p < x for f in long)}/{len(long)}" for x in LIMITS)
            print(f"  first {length} tokens: {shares}; median z {middle:.1f}")
    whole = counted(key, texts)
    print(f"  all together: {whole.green} of {whole.pairs} distinct pairs green, z = {whole.z:.1f}, p = {whole.p:.2g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add: Callable[..., object] = parser.add_argument
    add("--model", type=Path, required=True)
    add("--prompts", type=int, default=12)
    add("--tokens", type=int, default=220)
    add("--keys", type=int, default=50)
    asked = parser.parse_args()
    cutter = Tokenizer(asked.model)
    print(f"gamma {GAMMA}, delta {DELTA}, {BEFORE} token before")
    print("unmarked text of people (Python's language reference)")
    tokens = cutter.tokens(human()[:1_500_000])
    for length in LENGTHS:
        wrongly(f"{length} tokens", pieces(tokens, length, 200), asked.keys)
    prompts = [ASKED[n % 8].format(ABOUT[(n + n // 8) % 8]) for n in range(asked.prompts)]
    engine = marked(asked.model, key_of(0), context=1024)
    marker = engine.marker
    engine.marker = lambda tokens, scores: scores  # type: ignore[assignment]  # the same engine, marking nothing
    plain, plain_speed = answers(engine, prompts, asked.tokens)
    print("unmarked answers of the model")
    for length in LENGTHS:
        cut = [t[:length] for t in map(cutter.tokens, plain) if len(t) >= length]
        if cut:
            wrongly(f"{length} tokens", cut, asked.keys * 4)
    engine.marker = marker
    said, speed = answers(engine, prompts, asked.tokens)
    print("marked answers of the model")
    found_by_length(map(cutter.tokens, said), key_of(0))
    print(f"speed {plain_speed:.1f} tokens/s unmarked, {speed:.1f} marked: x {plain_speed / speed:.2f} of the time")


if __name__ == "__main__":
    main()
