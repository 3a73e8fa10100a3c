"""Cuts some short texts with a stranger's pre-tokenizer, in a process of its own with bounded time and memory.

stdin: a pre-tokenizer as in tokenizer.json, and texts, as JSON; stdout: for each text where it is cut. A pattern may be
made to run for ever, or to crash the library that reads it; then this process ends, and nothing else does.
"""

from __future__ import annotations

import json
import resource
import sys

SECONDS, MEMORY = 10, 2 << 30


def cuts(pre: object, texts: list[str]) -> list[list[str]]:
    """The pieces of each text."""
    from tokenizers import Tokenizer

    made = Tokenizer.from_str(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": pre, "post_processor": None,
        "decoder": None, "model": {"type": "BPE", "vocab": {}, "merges": []}}))
    if made.pre_tokenizer is None:
        return [[text] for text in texts]
    return [[text[a:b] for _, (a, b) in made.pre_tokenizer.pre_tokenize_str(text)] for text in texts]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    asked = json.load(sys.stdin)
    json.dump(cuts(asked["pre"], asked["texts"]), sys.stdout)


if __name__ == "__main__":
    main()
