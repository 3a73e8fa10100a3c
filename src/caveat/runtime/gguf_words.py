"""The few words of a GGUF header that running a model needs: its chat template, its first and last tokens.

The engine could read them itself, but by then it has also run the template; this reader only looks, within bounds.
Token texts are stepped over; the two that are wanted are cut out by number.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import EngineError

TEMPLATE, ARCHITECTURE = "tokenizer.chat_template", "general.architecture"
TOKENS, BOS, EOS = "tokenizer.ggml.tokens", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"
ADD_BOS = "tokenizer.ggml.add_bos_token"
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
PAIRS_LIMIT, ITEMS_LIMIT, WORD_LIMIT = 100_000, 3_000_000, 1 << 20


class Words(NamedTuple):
    """What was read: template ("" = none), texts of the first and last token, context it was trained for (tokens)."""

    architecture: str = ""
    template: str = ""
    bos: str = ""
    eos: str = ""
    add_bos: bool | None = None
    context: int = 0


def words(path: Path) -> Words:
    """The words of one file. Raises EngineError naming the file for what is no GGUF or lies about its sizes."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _words(data)
    except (struct.error, ValueError, IndexError, OverflowError, RecursionError) as fault:
        raise EngineError(f"{path}: no GGUF file that can be read ({fault})", "refused") from None
    except OSError as fault:
        raise EngineError(f"{path}: {fault.strerror}", "refused") from None


def _words(data: mmap.mmap) -> Words:
    if data[:4] != b"GGUF":
        raise ValueError("it does not begin with GGUF")
    (version,) = struct.unpack_from("<I", data, 4)
    if version not in (2, 3):
        raise ValueError(f"version {version} is not one the engine runs")
    at = 24
    (pairs,) = struct.unpack_from("<Q", data, 16)
    if pairs > PAIRS_LIMIT:
        raise ValueError(f"{pairs} pairs in the header")
    found: dict[str, Any] = {}
    for _ in range(pairs):
        key, at = _text(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        found[key], at = _value(data, at + 4, kind, key == TOKENS)
    return _told(data, found)


def _told(data: mmap.mmap, found: dict[str, Any]) -> Words:
    def token(key: str) -> str:
        places, number = found.get(TOKENS), found.get(key)
        whole = isinstance(places, list) and isinstance(number, int) and 0 <= number < len(places)
        return _text(data, places[number])[0] if whole else ""  # type: ignore[index]

    architecture = str(found.get(ARCHITECTURE, ""))
    context = found.get(f"{architecture}.context_length")
    add = found.get(ADD_BOS)
    template = found.get(TEMPLATE)
    return Words(architecture, template if isinstance(template, str) else "", token(BOS), token(EOS),
                 add if isinstance(add, bool) else None, context if isinstance(context, int) else 0)


def _text(data: mmap.mmap, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", data, at)
    if length > WORD_LIMIT or at + 8 + length > len(data):
        raise ValueError(f"a text of {length} bytes in the header")
    return data[at + 8:at + 8 + length].decode("utf-8", "replace"), at + 8 + length


def _value(data: mmap.mmap, at: int, kind: int, keep: bool) -> tuple[Any, int]:
    if kind == STRING:
        return _text(data, at)
    if kind != ARRAY:
        letter = SCALARS[kind] if kind in SCALARS else _unknown(kind)
        return struct.unpack_from("<" + letter, data, at)[0], at + struct.calcsize("<" + letter)
    item, count = struct.unpack_from("<IQ", data, at)
    return _array(data, at + 12, item, count, keep)


def _array(data: mmap.mmap, at: int, item: int, count: int, keep: bool) -> tuple[Any, int]:
    """Steps over an array; of the token texts, where each one lies is kept."""
    if count > ITEMS_LIMIT:
        raise ValueError(f"an array of {count} items in the header")
    if item != STRING:
        width = struct.calcsize("<" + (SCALARS[item] if item in SCALARS else _unknown(item)))
        return None, _within(data, at + width * count)
    places: list[int] = []
    for _ in range(count):
        if keep:
            places.append(at)
        (length,) = struct.unpack_from("<Q", data, at)
        at = _within(data, at + 8 + length)
    return places if keep else None, at


def _within(data: mmap.mmap, at: int) -> int:
    if at > len(data):
        raise ValueError("an array runs past the end of the file")
    return at


def _unknown(kind: int) -> str:
    raise ValueError(f"a value of type {kind}, which does not exist")
