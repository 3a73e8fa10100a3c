"""Texts as facts: words in one spelling, names and numbers lifted out, and hashes of every four words in a row.

    text -> Words(words, lines, numbers)      "Llama 3.1 of Meta, Inc." -> @ # of @      numbers {1: "3.1"}
    words -> grams: 32-bit hashes             a changed word changes four of them, a rewrapped line none

Names and numbers become marks, so that another vendor's name or another limit leaves the hashes alone and is told as
what it is. A hash says whether four words stood together; no sentence can be read back from a set of them.
"""

from __future__ import annotations

import re
import unicodedata
from _blake2 import blake2b
from typing import NamedTuple

#: Over how many lines an address may run, and how many words broken by a hyphen are mended.
CUTS, BROKEN = 5, 3000
#: How many words in a row make one gram.
LENGTH = 4
#: Longest text that is looked at, in characters, and most words; the rest is not read.
LIMIT, MOST = 2_000_000, 120_000
NAME, NUMBER = "@", "#"

#: Vendors and products, in lower case: facts about the world, not about any text.
NAMES = frozenset(
    "meta llama codellama google gemma gemini alibaba qwen tongyi qianwen deepseek mistral mixtral codestral vibe "
    "nvidia cosmos nemotron openai chatgpt gpt anthropic claude tii falcon falconllm bigscience bloom bigcode "
    "starcoder stability databricks dbrx mosaicml lg exaone microsoft phi cohere cohereforai yi lingyiwanwu zhipu glm "
    "chatglm baichuan internlm xai spacexai grok moonshot kimi tencent hunyuan facebook huggingface".split()
)
#: What stands after a company's name and belongs to it.
COMPANY = frozenset("ai labs platforms inc llc ltd limited ireland corp corporation cloud gmbh sas".split())
SCALE = {"thousand": 3, "million": 6, "billion": 9}

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+")
_TAG = re.compile(r"<[/!]?[a-zA-Z][^<>]{0,500}>")
_ADDRESS = re.compile(
    r"\]\([^()\s]{1,300}\)|<?(?:https?://|www\.)[^\s)\]>\"]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,40}){1,4}"
    r"|\b[\w-]{1,40}(?:\.[\w-]{1,40}){0,4}\.(?:com|org|net|ai|dev|io|ae|cn)\b(?:/[^\s)\]>\"”]*)?", re.IGNORECASE)
#: An address that a line's end cut after a hyphen, slash or underscore, and its tail.
_CUT = re.compile(r"(\S{0,200}(?:://|www\.|\.(?:com|org|net|ai|dev|io)/)\S{0,300}[-/_%&=])\n[ \t]*(?=\S)")
_PAGE = re.compile(r"\s*(?:page\s+)?\d{1,3}(?:\s*(?:of|/)\s*\d{1,3})?\s*", re.IGNORECASE)
_PLAIN = str.maketrans({
    "’": "'", "‘": "'", "\u00ad": None, "\u200b": None, "\u2060": None, "\ufeff": None, "\x0c": " ", "\\": None,
    "—": " ", "–": " ", "*": None, "`": None,
})
_OWN = re.compile(r"'s?\b")


class Words(NamedTuple):
    """A text in one spelling: words, the line (from 1) of each, the numbers that became marks, and the names."""

    words: tuple[str, ...]
    lines: tuple[int, ...]
    numbers: dict[int, str]  # place -> digits, "700000000"
    names: dict[int, str]  # place -> the names that stood there, "meta llama"
    broken: tuple[int, ...]  # places of words that a hyphen at a line's end leaves open


def words_of(text: str, more_names: frozenset[str] = frozenset()) -> Words:
    """Read a text; `more_names` are further words to be taken for names."""
    rows, names = plain_lines(text[:LIMIT]), NAMES | more_names
    found = _Reading(names)
    for number, row in enumerate(rows, 1):
        for match in _WORD.finditer(row):
            found.add(match.group(), number)
        if row.rstrip().endswith("-") and found.words and len(found.broken) < BROKEN:
            found.broken.append(len(found.words) - 1)
        if len(found.words) > MOST:
            break
    return Words(tuple(found.words), tuple(found.lines), found.numbers, found.names, tuple(found.broken))


def plain_lines(text: str) -> list[str]:
    """The lines of a text without markup, addresses, page numbers and case; as many lines as before."""
    text = text.replace("\r\r\n", "\n").replace("\r\n", "\n").replace("\r", "\n").replace("\\n", "  ")
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    if "<" in text or "&" in text:
        from html import unescape  # a large table, for pages only

        text = _TAG.sub(_blank, unescape(text).replace("\u00a0", " "))
    for _ in range(CUTS if "-\n" in text or "/\n" in text or "_\n" in text else 0):
        text = _CUT.sub(r"\n\1", text)
    rows = text.split("\n")
    return [_plain(row, before) for before, row in zip(["", *rows], rows)]


def _blank(match: re.Match[str]) -> str:
    """A tag leaves a blank and its line ends, so that lines keep their numbers."""
    return " " + "\n" * match.group().count("\n")


def _plain(row: str, before: str) -> str:
    if _PAGE.fullmatch(row) and not before.strip():
        return ""
    return _OWN.sub("", _ADDRESS.sub(" ", row).translate(_PLAIN).lower())


class _Reading:
    """Words as they come in; runs of names and of a number with its scale become one mark."""

    def __init__(self, names: frozenset[str]) -> None:
        self.known = names
        self.words: list[str] = []
        self.lines: list[int] = []
        self.numbers: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.broken: list[int] = []

    def add(self, word: str, line: int) -> None:
        last = self.words[-1] if self.words else ""
        if word in self.known or (last == NAME and word in COMPANY):
            self._name(word, line, last)
        elif word[0].isdigit():
            self._put(NUMBER, line)
            self.numbers[len(self.words) - 1] = word.replace(",", "").rstrip(".")
        elif word in SCALE and last == NUMBER:
            at = len(self.words) - 1
            self.numbers[at] = _scaled(self.numbers[at], SCALE[word])
        else:
            self._put(word, line)

    def _name(self, word: str, line: int, last: str) -> None:
        if last != NAME:
            self._put(NAME, line)
            self.names[len(self.words) - 1] = word
        elif word not in COMPANY:
            self.names[len(self.words) - 1] += " " + word

    def _put(self, word: str, line: int) -> None:
        self.words.append(word)
        self.lines.append(line)


def _scaled(digits: str, zeros: int) -> str:
    whole, _, part = digits.partition(".")
    return str(int((whole + part) or 0) * 10 ** max(0, zeros - len(part)))


def gram(words: tuple[str, ...]) -> int:
    """The 32-bit hash of some words in a row."""
    return int.from_bytes(blake2b(" ".join(words).encode(), digest_size=4).digest(), "little")


def grams(words: tuple[str, ...], length: int = LENGTH) -> list[int]:
    """The hashes of all runs of `length` words, one a place."""
    return [gram(words[n:n + length]) for n in range(len(words) - length + 1)]


def digest(words: tuple[str, ...], numbers: dict[int, str]) -> str:
    """SHA-256 of the words with their numbers: the same for a text however it is wrapped, quoted or marked up."""
    from hashlib import sha256

    return sha256(" ".join(numbers.get(n, w) for n, w in enumerate(words)).encode()).hexdigest()
