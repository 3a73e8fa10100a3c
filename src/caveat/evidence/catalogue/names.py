"""What people call assets: globs, folded spellings, and suffixes that say "somebody's quantized copy of".

Strict reading serves typed questions, where a typo must never become permission; loose reading serves evidence.
"""

import re
from functools import cache
from typing import NamedTuple

#: Longest name that is looked at.
LONGEST = 200


class Glob(NamedTuple):
    """A glob over names, and the index of the pattern or service that it stands for."""

    glob: str
    sort: str  # pattern | service
    at: int


def fits(glob: str, name: str) -> bool:
    """Whether a glob (only * is special, case ignored) fits the whole name. No regular expressions: these are slow
    to build, and every start would build all of them."""
    head, *rest = glob.lower().split("*")
    low = name.lower()
    if not rest:
        return low == head
    *middle, tail = rest
    at, end = len(head), len(low) - len(tail)
    if at > end or not (low.startswith(head) and low.endswith(tail)):
        return False
    for part in middle:
        found = low.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def in_case_of(glob: str, name: str) -> str:
    """The name with the letters of the glob's fixed beginning."""
    head = glob.partition("*")[0]
    return head + name[len(head):]


def fold(name: str) -> str:
    """One spelling for "Llama 2 13B Chat", "llama-2-13b-chat" and "llama2:13b-chat"; dots stay only between digits."""
    kept = re.sub(r"[^a-z0-9.]+", "", name.lower()[:LONGEST])
    return re.sub(r"(?<!\d)\.|\.(?!\d)", "", kept)


#: Suffixes of repositories that hold a known model in other numbers (quantize) or in another format (convert).
_BITS = r"(?:\d{1,2}-?bit|iq\d[\w]*|[wq]\d[\w.]*|int[48]|fp8[\w-]*|nf4|nvfp4|mxfp4|\d+(?:\.\d+)?bpw)"
SUFFIXES: tuple[tuple[str, str], ...] = (
    ("quantize", rf"[-_.](?:i1-)?(?:gguf|ggml)(?:[-_.]{_BITS})?"),
    ("quantize", rf"[-_.](?:awq|gptq|exl2|exl3|hqq|aqlm|eetq|autoround|imatrix)(?:[-_.](?:{_BITS}|\d+g))*"),
    ("quantize", rf"[-_.](?:unsloth-)?bnb(?:[-_.]{_BITS})+"),
    ("quantize", rf"[-_.](?:mlx[-_.])?(?:quantized[-_.])?{_BITS}(?:[-_.]mlx)?"),
    ("convert", r"[-_.](?:mlx|onnx(?:[-_.]web)?|openvino|sharded(?:-[a-z0-9]+)?|bf16|fp16|f16|safetensors)"),
)
_MOST_SUFFIXES = 4


@cache
def _tails() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Built when a name that nobody knows is first looked at, not at every start."""
    return tuple((act, re.compile(rf"(?P<stem>.+?){tail}", re.IGNORECASE)) for act, tail in SUFFIXES)


def without_suffix(name: str) -> tuple[str, str] | None:
    """("quantize", "Llama-2-7B-Chat") of "Llama-2-7B-Chat-GGUF"; None where no suffix stands."""
    stem, acts = re.sub(r"\.gguf$", "-GGUF", name[:LONGEST], flags=re.IGNORECASE), set()
    for _ in range(_MOST_SUFFIXES):
        found = next(((act, m["stem"]) for act, tail in _tails() if (m := tail.fullmatch(stem))), None)
        if found is None:
            break
        acts.add(found[0])
        stem = found[1]
    return ("quantize" if "quantize" in acts else "convert", stem) if acts else None


#: Accounts that re-upload others' models under their own names, unchanged or in other numbers.
COPIERS = frozenset({
    "thebloke", "bartowski", "quantfactory", "mradermacher", "maziyarpanahi", "lmstudio-community", "unsloth",
    "mlx-community", "casperhansen", "solidrust", "second-state", "ggml-org", "lonestriker", "turboderp",
    "hugging-quants", "neuralmagic", "redhatai", "nousresearch", "gpt4all-community", "ibnzterrell", "techxgenus",
    "modelcloud", "cortecs", "richarderkhov", "legraphista", "duyntnet", "dranger003", "qwen", "google",
})
