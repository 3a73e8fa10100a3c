"""Names a byte-level pre-tokenizer by what it does: some short texts are cut, and the cuts are compared.

llama.cpp has to cut text as the model was taught to, and knows the ways by name (`tokenizer.ggml.pre`). Patterns that
are spelt differently and cut alike are one way; what cuts like none of them is an error, never a guess.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from caveat.errors import CaveatError, EvidenceError

#: Digits in a row; contractions; letters behind a sign and in both cases; line ends behind signs; blanks; Han; marks.
TEXTS = ("1234567 89", "I'LL he'll", "(hello wOrldX", "a!\n\nb ?/\nc", "x  \n y   z", "\u4f60\u597dabc 1\u4e2d",
         "e\u0301a\u0301 x", " ..  -- (a")
_LINES, _BLANKS, _SIGNS = "a|!\n\n|b| ?/\n|c", "x|  \n| y|  | z", " ..| | --| (|a"
_OLD = ("I|'|LL| he|'ll", "(|hello| wOrldX", "a|!|\n|\n|b| ?/|\n|c")
_NEW = ("I|'LL| he|'ll", "(hello| wOrldX", _LINES, _BLANKS)
_HAN, _APART, _JOINED = "\u4f60\u597dabc| |1|\u4e2d", "e|\u0301a|\u0301| x", "e\u0301a\u0301| x"
_ONE, _THREE = "1|2|3|4|5|6|7| |8|9", "123|456|7| |89"
#: Name in GGUF -> where it cuts each of the texts.
WAYS: dict[str, tuple[str, ...]] = {
    "gpt-2": ("1234567| 89", *_OLD, _BLANKS, "\u4f60\u597dabc| 1|\u4e2d", "e|\u0301|a|\u0301| x", _SIGNS),
    "smollm": (_ONE, *_OLD, _BLANKS, _HAN, "e|\u0301|a|\u0301| x", _SIGNS),
    "llama-bpe": (_THREE, *_NEW, _HAN, _APART, _SIGNS),
    "qwen2": (_ONE, *_NEW, _HAN, _APART, _SIGNS),
    "qwen35": (_ONE, *_NEW, _HAN, _JOINED, _SIGNS),
    "tekken": (_ONE, "I|'LL| he|'ll", "(hello| w|Orld|X", _LINES, _BLANKS, _HAN, _JOINED, _SIGNS),
    "gpt-4o": (_THREE, "I'LL| he'll", "(hello| w|Orld|X", _LINES, _BLANKS, _HAN, _JOINED, _SIGNS),
    "deepseek-v3": (_THREE, *_NEW, "\u4f60\u597d|abc| |1|\u4e2d", _JOINED, _SIGNS),
}
#: What cuts like Llama 3 but merges within words that are tokens: llama.cpp looks words up first for Llama 3 alone.
SAME_BUT_MERGED = {"llama-bpe": "dbrx"}
MOST = 64 << 10
SECONDS = 30


def way_of(pre: Any, words_first: bool, where: str) -> str:
    """The name of a pre-tokenizer. `words_first`: whether a word that is a token is taken whole (`ignore_merges`).

    Raises EvidenceError for one that no name fits, or that cannot be tried.
    """
    cut = tuple("|".join(pieces) for pieces in _tried(pre, where))
    name = next((n for n, way in WAYS.items() if way == cut), "")
    if not name:
        raise EvidenceError(f"{where}: its pre-tokenizer cuts text in a way that has no name here; if you know the "
                            f"name that llama.cpp has for it, say --pre NAME ({', '.join(WAYS)}, ...)")
    return name if words_first else SAME_BUT_MERGED.get(name, name)


def _tried(pre: Any, where: str) -> list[list[str]]:
    asked = json.dumps({"pre": pre, "texts": TEXTS})
    if len(asked) > MOST:
        raise EvidenceError(f"{where}: a pre-tokenizer of {len(asked):,} letters is not tried")
    try:
        done = subprocess.run([sys.executable, "-P", "-m", "caveat.runtime.convert.probe"], input=asked.encode(),
                              capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise EvidenceError(f"{where}: its pre-tokenizer runs without end") from None
    if b"ModuleNotFoundError" in done.stderr:
        raise CaveatError("naming a pre-tokenizer needs tokenizers: pip install 'caveat[run]'")
    if done.returncode:
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["stopped"])[-1]
        raise EvidenceError(f"{where}: its pre-tokenizer cannot be used: {last[:120]!a}")
    return [[str(piece) for piece in pieces] for pieces in json.loads(done.stdout)]
