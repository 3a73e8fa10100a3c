"""The tokens of a checkpoint as GGUF keeps them: from a SentencePiece model, or from tokenizer.json.

    tokenizer.model                   "llama": pieces with scores            } added tokens and special ids over them
    tokenizer.json, byte fallback     "llama": scores from the order of merges }
    tokenizer.json, byte level        "gpt2":  tokens, merges, and the way text is cut (splitter.py)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, EvidenceError
from caveat.runtime.convert.folder import at_home, bounded, document, inside, packages, shown
from caveat.runtime.convert.splitter import way_of

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
BYTE_TOKEN = re.compile(r"<0x[0-9A-Fa-f]{2}>")
SPACE = "\u2581"
ADDED_SCORE, NO_SCORE = -1000.0, -10000.0
LONGEST = 1 << 16
#: Tokens of a chat that some checkpoints forget to mark as special.
LOOKS_SPECIAL = re.compile(r"<\|.*\|>|<\uff5c.*\uff5c>|<unused.*>|<pad>|<mask>|<2mass>|\[@BOS@\]", re.DOTALL)


class Vocabulary(NamedTuple):
    """Tokens in the order of their ids, with types, and scores ("llama") or merges ("gpt2")."""

    sort: str  # llama | gpt2
    way: str  # tokenizer.ggml.pre
    tokens: tuple[bytes, ...]
    types: tuple[int, ...]
    scores: tuple[float, ...] = ()


class _Token(NamedTuple):
    text: str
    special: bool


def vocabulary(folder: Path, size: int, way: str = "") -> Vocabulary:
    """The tokens of a folder, filled up to `size`. `way` overrides the name of the pre-tokenizer.

    Raises EvidenceError naming the file for tokenizers that are missing, broken or of another sort.
    """
    if inside(folder, "tokenizer.model"):
        return _of_pieces(folder, size)
    where, said = folder / "tokenizer.json", document(folder, "tokenizer.json")
    if said is None:
        raise EvidenceError(f"{folder}: neither tokenizer.model nor tokenizer.json is here; without its tokens a model "
                            "cannot be run")
    model = said.get("model")
    if not isinstance(model, dict) or (model.get("type") or "BPE") != "BPE":
        raise EvidenceError(f"{where}: only BPE vocabularies are converted here, not "
                            f"{shown(str(model.get('type') if isinstance(model, dict) else model))}")
    if model.get("byte_fallback"):
        return _of_merges(folder, said, model, size)
    return _of_bytes(folder, said, model, size, way)


# SentencePiece.


def _of_pieces(folder: Path, size: int) -> Vocabulary:
    pieces = _processor(folder / "tokenizer.model")
    count = pieces.vocab_size()
    tokens, scores, types = _unused(size)
    for n in range(min(count, size)):
        tokens[n], scores[n], types[n] = pieces.id_to_piece(n), pieces.get_score(n), _sort(pieces, n)
    _put_added(folder, tokens, scores, types)
    return Vocabulary("llama", "default", _encoded(tokens, folder), tuple(types), tuple(scores))


def _processor(path: Path) -> Any:
    try:
        from sentencepiece import SentencePieceProcessor
    except ImportError:
        raise CaveatError("a SentencePiece tokenizer needs sentencepiece: pip install 'caveat[run]'") from None
    try:
        return SentencePieceProcessor(model_proto=bounded(path))
    except (RuntimeError, ValueError) as fault:
        raise EvidenceError(f"{path}: no SentencePiece model: {shown(str(fault))}") from None


def _encoded(tokens: list[str], folder: Path) -> tuple[bytes, ...]:
    try:
        return tuple(t.encode() for t in tokens)
    except UnicodeEncodeError as fault:
        raise EvidenceError(f"{folder}: a token is no text: {shown(str(fault.object))}") from None


def _sort(pieces: Any, n: int) -> int:
    if pieces.is_unknown(n):
        return UNKNOWN
    return CONTROL if pieces.is_control(n) else UNUSED if pieces.is_unused(n) else BYTE if pieces.is_byte(n) else NORMAL


def _unused(size: int) -> tuple[list[str], list[float], list[int]]:
    return [f"[PAD{n}]" for n in range(size)], [NO_SCORE] * size, [UNUSED] * size


def _put_added(folder: Path, tokens: list[str], scores: list[float], types: list[int]) -> None:
    """Tokens that were added later, over those of the vocabulary."""
    older = _ids(document(folder, "added_tokens.json") or {}, folder / "added_tokens.json")
    for text, n in older.items():
        if n < len(tokens):
            tokens[n], scores[n], types[n] = text, ADDED_SCORE, USER_DEFINED
    for n, token in _decoder(folder).items():
        if n < len(tokens):
            types[n], scores[n] = _added_sort(token), ADDED_SCORE
            tokens[n] = token.text if types[n] == CONTROL else token.text.replace(SPACE, " ")


def _added_sort(token: _Token) -> int:
    return CONTROL if token.special or LOOKS_SPECIAL.fullmatch(token.text) else USER_DEFINED


def _decoder(folder: Path) -> dict[int, _Token]:
    """added_tokens_decoder of tokenizer_config.json: id -> token."""
    where = folder / "tokenizer_config.json"
    said = (document(folder, where.name) or {}).get("added_tokens_decoder") or {}
    if not isinstance(said, dict):
        raise EvidenceError(f"{where}: added_tokens_decoder has to be an object")
    return {_id(int(n) if n.isdecimal() and len(n) < 9 else None, where): _token(v, where) for n, v in said.items()}


def _token(said: Any, where: Path) -> _Token:
    text = said.get("content") if isinstance(said, dict) else None
    if not isinstance(text, str) or len(text) > LONGEST:
        raise EvidenceError(f"{where}: an added token without its text: {shown(str(said))}")
    return _Token(text, bool(said.get("special")))


def _id(n: Any, where: Path) -> int:
    if type(n) is not int or not 0 <= n < 1 << 24:
        raise EvidenceError(f"{where}: {shown(str(n))} is no number of a token")
    return n


def _ids(said: Any, where: Path) -> dict[str, int]:
    """text -> id, each id once."""
    if not isinstance(said, dict):
        raise EvidenceError(f"{where}: a vocabulary has to be an object")
    ids = {text: _id(n, where) for text, n in said.items()}
    if len(set(ids.values())) < len(ids):
        raise EvidenceError(f"{where}: two tokens have the same number")
    return ids


# tokenizer.json.


def _added(folder: Path, said: dict[str, Any]) -> dict[int, _Token]:
    """Added tokens of tokenizer.json, and those that tokenizer_config.json has besides."""
    where, listed = folder / "tokenizer.json", said.get("added_tokens") or []
    if not isinstance(listed, list):
        raise EvidenceError(f"{where}: added_tokens has to be a list")
    mine = {_id(t.get("id") if isinstance(t, dict) else None, where): _token(t, where) for t in listed}
    return {**_decoder(folder), **mine}


def _tokens(folder: Path, said: dict[str, Any], model: dict[str, Any], size: int) -> Iterator[tuple[int, str, bool]]:
    """(id, text, whether it was added) of every token there is; raises where one lies beyond the model's rows."""
    where = folder / "tokenizer.json"
    by_id = {n: (text, False) for text, n in _ids(model.get("vocab"), where).items()}
    by_id |= {n: (token.text, True) for n, token in _added(folder, said).items()}
    largest = max(by_id, default=-1)
    if largest >= size:
        raise EvidenceError(f"{where}: token {largest} lies beyond the {size} rows that config.json gives the model")
    yield from ((n, text, added) for n, (text, added) in by_id.items())


def _of_bytes(folder: Path, said: dict[str, Any], model: dict[str, Any], size: int, way: str) -> Vocabulary:
    added, (tokens, _, types) = _added(folder, said), _unused(size)
    for n, text, is_added in _tokens(folder, said, model, size):
        types[n] = _added_sort(added[n]) if is_added else NORMAL
        tokens[n] = text.replace(SPACE, " ") if types[n] == USER_DEFINED else text
    name = way or way_of(said.get("pre_tokenizer"), bool(model.get("ignore_merges")), str(folder / "tokenizer.json"))
    return Vocabulary("gpt2", name, _encoded(tokens, folder), tuple(types))


def _of_merges(folder: Path, said: dict[str, Any], model: dict[str, Any], size: int) -> Vocabulary:
    """SentencePiece in the form of merges: a piece scores the higher the earlier it is merged."""
    rank: dict[str, int] = {}
    for n, merge in enumerate(model.get("merges") or []):
        pair = merge.split(" ", 1) if isinstance(merge, str) else merge
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(p, str) for p in pair):
            raise EvidenceError(f"{folder / 'tokenizer.json'}: merge {n} is no pair of pieces")
        rank.setdefault(pair[0] + pair[1], n)
    added, (tokens, scores, types) = _added(folder, said), _unused(size)
    for n, text, is_added in _tokens(folder, said, model, size):
        tokens[n], types[n] = text, _piece_sort(text, model, added.get(n) if is_added else None)
        scores[n] = ADDED_SCORE if types[n] in (USER_DEFINED, CONTROL) else -float(rank.get(text, len(rank) + n))
    return Vocabulary("llama", "default", _encoded(tokens, folder), tuple(types),
                      tuple(scores))


def _piece_sort(text: str, model: dict[str, Any], added: _Token | None) -> int:
    if text == model.get("unk_token"):
        return UNKNOWN
    return _added_sort(added) if added else BYTE if BYTE_TOKEN.fullmatch(text) else NORMAL


# Into the header.


def put(header: Any, folder: Path, words: Vocabulary, size: int) -> None:
    """The vocabulary, its special ids and the chat template, as pairs of a GGUFWriter."""
    settings = document(folder, "tokenizer_config.json") or {}
    prefix = settings.get("add_prefix_space")
    if isinstance(prefix, bool):
        header.add_add_space_prefix(prefix)
    header.add_tokenizer_model(words.sort)
    header.add_tokenizer_pre(words.way)
    header.add_token_list(words.tokens)
    if words.scores:
        header.add_token_scores(words.scores)
    header.add_token_types(words.types)
    special = _special(folder, words)
    try:
        special.add_to_gguf(header, quiet=True)
    except (AttributeError, KeyError, TypeError, ValueError) as fault:
        raise EvidenceError(f"{folder}: its chat templates or special tokens are none: {shown(str(fault))}") from None


def _special(folder: Path, words: Vocabulary) -> Any:
    """Special ids, whether they are put before and after a text, merges and templates: read by the `gguf` package
    from files that were found sound before."""
    _, gguf = packages()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.json"):
        document(folder, name)
    for name in ("chat_template.jinja", "merges.txt"):
        path = inside(folder, name)
        if path:
            bounded(path)
    more = folder / "additional_chat_templates"
    if any(not at_home(p, folder) or p.stat().st_size > 1 << 20 for p in more.glob("*.jinja")):
        raise EvidenceError(f"{more}: templates have to lie in the folder itself, 1 MiB each at most")
    count = len(words.tokens) if words.sort == "llama" else None
    try:
        return gguf.SpecialVocab(folder, load_merges=words.sort == "gpt2", n_vocab=count)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, OSError, RecursionError) as fault:
        raise EvidenceError(f"{folder}: the tokenizer's special tokens cannot be read: {shown(str(fault))}") from None
