"""GGUF headers of every version are read, long arrays are stepped over, and lies end the reading."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from caveat.evidence import gguf, licence_words
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim

WORDS = licence_words.words_from({"tag": {"llama3": {"law": "llama-3"}}, "license_name": {"qwen": "qwen-2024"}})
Pair = tuple[str, int, object]


class Writer:
    """Writes a header of one version and order."""

    def __init__(self, version: int = 3, order: str = "<") -> None:
        self.version, self.order = version, order

    def size(self, n: int) -> bytes:
        return struct.pack(self.order + ("I" if self.version == 1 else "Q"), n)

    def text(self, s: str) -> bytes:
        return self.size(len(s.encode())) + s.encode()

    def value(self, kind: int, value: object) -> bytes:
        if kind == 8:
            return self.text(str(value))
        if kind == 9:
            assert isinstance(value, tuple)
            inner, items = value
            body = b"".join(self.value(inner, i) for i in items)
            return struct.pack(self.order + "I", inner) + self.size(len(items)) + body
        return struct.pack(self.order + gguf.SCALARS[kind], value)

    def file(self, *pairs: Pair, count: int | None = None) -> bytes:
        head = b"GGUF" + struct.pack(self.order + "I", self.version) + self.size(0)
        body = b"".join(self.text(k) + struct.pack(self.order + "I", t) + self.value(t, v) for k, t, v in pairs)
        return head + self.size(len(pairs) if count is None else count) + body


def read(data: bytes, file: str = "model.gguf") -> Evidence:
    return gguf.read(data, file, "me/mine", WORDS)


def steps(evidence: Evidence) -> list[tuple[str, str, str]]:
    return [(c.child, c.act, c.parent) for c in evidence.claims if isinstance(c, StepClaim)]


def general(*pairs: tuple[str, str]) -> list[Pair]:
    return [(f"general.{k}", 8, v) for k, v in pairs]


@pytest.mark.parametrize(("version", "order"), [(1, "<"), (2, "<"), (3, "<"), (3, ">")])
def test_every_version_is_read(version: int, order: str) -> None:
    head = gguf.header(Writer(version, order).file(("a", 8, "x"), ("b", 4, 7), ("c", 9, (8, ["p", "q"]))), "f")

    assert head.values == {"a": "x", "b": 7, "c": ["p", "q"]}
    assert (head.version, head.problems) == (version, ())


def test_a_path_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "m.gguf"
    path.write_bytes(Writer().file(("a", 8, "x")))

    assert gguf.header(path, "m.gguf").values == {"a": "x"}
    assert gguf.read(tmp_path / "none.gguf", "none.gguf", "me/mine", WORDS).problems


def test_long_arrays_are_stepped_over() -> None:
    tokens = (8, [f"t{n}" for n in range(5000)])
    head = gguf.header(Writer().file(("tokens", 9, tokens), ("scores", 9, (6, [0.0] * 5000)), ("z", 8, "end")), "f")

    assert head.word("z") == "end"
    assert [len(v) for v in head.values.values() if isinstance(v, list)] == [gguf.ARRAY_KEPT] * 2


def test_a_base_of_the_same_name_was_quantized() -> None:
    data = Writer().file(
        *general(("name", "Llama 3 8B"), ("base_model.0.name", "Llama 3 8B"), ("license", "llama3"),
                 ("base_model.0.repo_url", "https://huggingface.co/meta-llama/Llama-3-8B"), ("quantized_by", "me")),
        ("general.base_model.count", 4, 1), ("general.file_type", 4, 15))
    evidence = read(data)

    assert steps(evidence) == [("me/mine", "quantize", "meta-llama/Llama-3-8B")]
    assert [c.laws for c in evidence.claims if isinstance(c, LicenceClaim)] == [("llama-3",)]
    assert [c.value for c in evidence.claims if isinstance(c, AssetClaim) and c.field == "maker"] == ["me"]


def test_a_source_stands_between_the_file_and_its_bases() -> None:
    data = Writer().file(
        *general(("source.repo_url", "https://huggingface.co/a/tuned"), ("base_model.0.organization", "Meta Llama"),
                 ("base_model.0.name", "Llama 3 8B")),
        ("general.base_model.count", 4, 1), ("general.file_type", 4, 15))

    assert steps(read(data)) == [("me/mine", "quantize", "a/tuned"), ("a/tuned", "finetune", "Meta-Llama/Llama-3-8B")]


def test_whole_numbers_are_a_conversion() -> None:
    data = Writer().file(*general(("source.repo_url", "https://huggingface.co/a/b")), ("general.file_type", 4, 1))

    assert steps(read(data)) == [("me/mine", "convert", "a/b")]


def test_licence_other_is_filled_from_its_name() -> None:
    evidence = read(Writer().file(*general(("license", "other"), ("license.name", "qwen"))))

    said = [(c.laws, c.raw) for c in evidence.claims if isinstance(c, LicenceClaim)]

    assert said == [(("qwen-2024",), "other (qwen)")]


def test_data_sets_are_the_sources() -> None:
    evidence = read(Writer().file(("general.datasets", 9, (8, ["c/d"]))))

    assert steps(evidence) == [("me/mine", "train", "c/d")]
    assert evidence.claims[0].place.weak


def test_lies_end_the_reading_and_are_told() -> None:
    whole = Writer().file(("a", 8, "x"), count=2**40)
    huge = Writer().file(("a", 8, "x")) [:-1]
    array = Writer().file(("n", 8, "kept"), ("a", 9, (8, [])))[:-8] + struct.pack("<Q", 2**60)

    assert [len(gguf.header(d, "f").problems) for d in (huge, array)] == [1, 1]
    assert gguf.header(whole, "f").values == {"a": "x"}
    assert gguf.header(array, "f").word("n") == "kept"


def test_rubbish_never_raises() -> None:
    for data in (b"", b"GGUF", b"GGUF\x09\0\0\0", b"GGML" + b"\0" * 40, b"GGUF\x03\0\0\0" + b"\xff" * 64,
                 Writer().file(("a", 9, (9, [(9, [(9, [(9, [(9, [])])])])])))):
        read(data)
