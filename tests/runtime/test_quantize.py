"""Quantizing writes the bytes that llama.cpp writes, in bounded memory, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.errors import EngineError, EvidenceError, SettingsError
from caveat.flows.quantize_plan import layout_of
from caveat.runtime import quantize_engine
from caveat.runtime.quantize import quantize, rewritten
from caveat.runtime.quantize_blocks import to_bytes, to_numbers
from caveat.runtime.quantize_engine import Job
from caveat.runtime.quantize_types import FILE_TYPES, NATIVE, named, targets
from caveat.runtime.types import BY_NAME
from tests.runtime.quantize_made import small, tensors, tiny

#: Digests of types and bytes of all tensors that llama.cpp's own quantizer (0.5.0-dev, commit 0c1e570, x86-64) made of
#: the files of tests/runtime/quantize_made.py: with an output matrix, 256 wide, and without one, 128 wide.
LLAMA_CPP = {
    ("F16", False): "faaf61ddb9d436ac0bf47ced1b71aceb", ("F16", True): "7626817334fc580f9f82803a3f1771b0",
    ("BF16", False): "6310f7c64990eb5eabc0c8d044cbf6d4", ("BF16", True): "44c4958c6ffcb51f4c676c05fac369ab",
    ("Q8_0", False): "8cea65de1ef74c3ec0595f7f377a0fb0", ("Q8_0", True): "106517437f82ebf2840d3e8e2b8e9a7b",
    ("Q6_K", False): "f7305200c3d7332a93baec8b3b5ba307", ("Q6_K", True): "e27d5c17bfedc0199d23e12363f428c0",
    ("Q5_1", False): "3a006969f2337a0bbfdad1544d98c5f6", ("Q5_1", True): "2c70880c33282f6fd133753f4bb8d3d0",
    ("Q5_0", False): "c9ae096444ae8a4b4c26cb0c6c172cc8", ("Q5_0", True): "d8508cc58f0d451839da2972d8fe07b9",
    ("Q4_1", False): "b50c3f98a609842f0c4bf96b828b6c2d", ("Q4_1", True): "0cec320645a8fab4421758e0bd657637",
    ("Q4_0", False): "4be822d9624333f8513984d6ec7e88dd", ("Q4_0", True): "071aabf092a470a738dbaf0658eca0fa",
}


def whole(path: Path) -> str:
    return hashlib.sha256(repr(sorted(tensors(path).items())).encode()).hexdigest()[:32]


def made(source: Path, name: str, *, pure: bool = False) -> Path:
    out = source.with_name(f"{source.stem}-{name}.gguf")
    layout = layout_of(source)[0]
    quantize(layout, out, targets(layout.tensors, name, pure=pure), {"general.file_type": FILE_TYPES[name]})
    return out


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {False: tiny(folder / "own.gguf"), True: tiny(folder / "tied.gguf", tied=True, width=128)}


@pytest.mark.parametrize(("name", "tied"), sorted(LLAMA_CPP))
def test_types_and_bytes_are_those_of_llama_cpp(models: dict[bool, Path], name: str, tied: bool) -> None:
    """Types and bytes are those of llama.cpp, the output matrix in Q6_K among them."""

    assert LLAMA_CPP[name, tied] == whole(made(models[tied], name))


def test_pure_gives_the_output_matrix_the_type_of_the_others(models: dict[bool, Path]) -> None:
    kinds = {kind for kind, _ in tensors(made(models[False], "Q4_0", pure=True)).values()}

    assert {"Q4_0", "F32"} == kinds


def test_a_row_that_no_block_divides_stays_in_16_bits(tmp_path: Path) -> None:
    source = tiny(tmp_path / "odd.gguf", odd=True)

    assert tensors(made(source, "Q4_0"))["blk.0.odd.weight"][0] == "F16"


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-64, 64, width=32), min_size=256, max_size=256), st.integers(-12, 8))
def test_numbers_come_back_within_the_step_of_their_block(values: list[float], power: int) -> None:
    """Whatever the numbers, what is read back differs by no more than the blocks of the type allow."""
    row = np.array([values], np.float32) * np.float32(2.0**power)
    top = float(np.abs(row).max())
    for name, share in {"Q8_0": 1 / 127, "Q6_K": 1 / 30, "Q5_0": 1 / 15, "Q5_1": 1 / 15, "Q4_0": 1 / 7,
                        "Q4_1": 1 / 7}.items():
        back = to_numbers(to_bytes(row, BY_NAME[name]), BY_NAME[name], 256)

        assert float(np.abs(back - row).max()) <= top * share * 1.01 + 2.0**-24, name


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.floats(-8, 8, width=32), st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.5, 3.5])), min_size=64,
                max_size=64), st.integers(-30, 10))
def test_our_own_blocks_are_those_of_the_gguf_package(values: list[float], power: int) -> None:
    """Along columns or along rows: the same bytes, ties, empty blocks and tiny numbers included."""
    from gguf import quants
    from gguf.constants import GGMLQuantizationType

    row = np.array([[v + 0.0 for v in values]], np.float32) * np.float32(2.0**power)
    for name in ("BF16", "Q8_0", "Q5_1", "Q5_0", "Q4_1", "Q4_0"):
        theirs = quants.quantize(row, GGMLQuantizationType[name])

        assert bytes(theirs) == bytes(to_bytes(row, BY_NAME[name])), name


def test_other_pairs_of_the_header_stay_byte_for_byte(models: dict[bool, Path], tmp_path: Path) -> None:
    """Changing one pair changes no other and no tensor."""
    source, out = models[False], tmp_path / "out.gguf"
    before, head = layout_of(source)
    rewritten(before, out, {"general.license": "mit", "general.file_type": 7, "tokenizer.ggml.scores": ""})
    after, changed = layout_of(out)
    kept = {**head.values, "general.license": "mit", "general.file_type": 7}
    del kept["tokenizer.ggml.scores"]

    assert kept == changed.values
    assert tensors(source) == tensors(out)
    assert [t.name for t in before.tensors] == [t.name for t in after.tensors]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc: peak memory cannot be read")
def test_memory_is_bounded_by_a_piece_of_a_tensor(tmp_path: Path) -> None:
    """A tensor of 96 MiB is quantized with far less than itself beyond what the imports take."""
    from tests.runtime import files

    source = files.write(tmp_path / "big.gguf", {"general.architecture": "llama"},
                         [("blk.0.ffn_up.weight", (4096, 6144), "F32")])
    code = ("import re, sys\nfrom pathlib import Path\nfrom caveat.flows.quantize_plan import layout_of\n"
            "from caveat.runtime.quantize import quantize, packages\n"
            "from caveat.runtime.quantize_types import targets\n"
            "layout = layout_of(Path(sys.argv[1]))[0]\npackages()\n"
            "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
            "before = peak()\n"
            "quantize(layout, Path(sys.argv[2]), targets(layout.tensors, 'Q8_0'), {})\n"
            "print(peak() - before)")
    said = subprocess.run([sys.executable, "-c", code, source, tmp_path / "o.gguf"], check=True, capture_output=True,
                          text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})

    assert 0 < int(said.stdout) * 1024 < 24 << 20


# What goes wrong leaves the input as it was and nothing half written.


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_file_that_is_cut_off_is_refused_by_the_name_of_the_tensor(tmp_path: Path) -> None:
    source = tiny(tmp_path / "cut.gguf")
    os.truncate(source, source.stat().st_size - 5000)

    with pytest.raises(EvidenceError, match=r"ffn_down.weight' ends at byte \d+, the file at \d+"):
        layout_of(source)


@pytest.mark.parametrize("at", range(0, 400, 7))
def test_a_header_cut_anywhere_gives_one_clear_error(tmp_path: Path, at: int) -> None:
    whole_file = small(tmp_path / "w.gguf").read_bytes()
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(whole_file[:at])

    with pytest.raises(EvidenceError, match=r"cut\.gguf"):
        layout_of(cut)


def lying(path: Path, was: bytes, now: bytes) -> Path:
    data = small(path).read_bytes()
    assert data.count(was) >= 1
    path.write_bytes(data.replace(was, now, 1))
    return path


def entry(name: str, *numbers: int) -> bytes:
    return name.encode() + b"".join(n.to_bytes(w, "little") for n, w in zip(numbers, (4, 8, 8, 4, 8)))


@pytest.mark.parametrize(("now", "words"), [
    (entry("blk.0.ffn_up.weight", 2, 64, 1 << 40, 0), "ends at byte|asks? for|numbers"),
    (entry("blk.0.ffn_up.weight", 2, 64, 64, 77), r"lie\.gguf: tensor 'blk.0.ffn_up.weight' is of type 77"),
    (entry("blk.0.ffn_up.weight", 2, 64, 64, 4), r"lie\.gguf: tensor 'blk.0.ffn_up.weight' is of type 4,"),
    (entry("blk.0.ffn_up.weight", 2, 63, 64, 2), "blocks of 32"),
    (entry("blk.0.ffn_up.weight", 2, 64, 64, 0, 1 << 60), "ends at byte"),
    (entry("blk.0.ffn_up.weight", 2, 64, 64, 0, 17), "not aligned"),
    (entry("blk.0.ffn_up.weight", 2, 0, 64, 0), "is no F32 tensor"),
])
def test_lies_about_a_tensor_are_told(tmp_path: Path, now: bytes, words: str) -> None:
    """Dimensions, types and places that the file does not hold."""
    source = lying(tmp_path / "lie.gguf", entry("blk.0.ffn_up.weight", 2, 64, 64, 0) + (0).to_bytes(0, "little"), now)

    with pytest.raises(EvidenceError, match=words):
        layout_of(source)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 420), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_corrupted_header_is_read_rightly_or_refused(changes: list[tuple[int, int]]) -> None:
    """Whatever bytes of the header are others: one clear error, or a file that is written whole."""
    with tempfile.TemporaryDirectory() as name:
        source = small(Path(name) / "in.gguf")
        data = bytearray(source.read_bytes())
        for at, byte in changes:
            data[at] = byte
        source.write_bytes(data)
        try:
            layout_of(made(source, "Q8_0"))
        except EvidenceError as fault:
            assert "in.gguf: " in str(fault), fault
            assert left_in(Path(name)) == ["in.gguf"]


def test_numbers_that_a_type_cannot_hold_are_told(tmp_path: Path) -> None:
    source = small(tmp_path / "inf.gguf")
    at = next(t.at for t in layout_of(source)[0].tensors if t.name == "token_embd.weight")
    with source.open("r+b") as stream:
        stream.seek(at)
        stream.write(np.float32(1e9).tobytes())
    with pytest.raises(EvidenceError, match=r"token_embd.weight' holds a number of 1e\+09, which F16 cannot hold"):
        made(source, "F16")
    with source.open("r+b") as stream:
        stream.seek(at)
        stream.write(np.float32("nan").tobytes())
    with pytest.raises(EvidenceError, match="not finite"):
        made(source, "Q4_0")

    assert left_in(tmp_path) == ["inf.gguf"]


def test_a_type_that_cannot_be_read_back_is_told_with_its_file(tmp_path: Path) -> None:
    """Whole blocks of a type that is known and not read here: the file and the tensor are named."""
    data = small(tmp_path / "in.gguf").read_bytes()
    was, now = (entry("blk.0.ffn_up.weight", 2, 64, 64, n) for n in (0, BY_NAME["Q8_1"].number))
    (tmp_path / "in.gguf").write_bytes(data.replace(was, now, 1))

    with pytest.raises(EvidenceError, match=r"in\.gguf: tensor 'blk.0.ffn_up.weight' .* Q8_1"):
        made(tmp_path / "in.gguf", "Q8_0")


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tiny(tmp_path / "in.gguf")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(SettingsError, match="cannot write"):
            made(source, "Q8_0")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert left_in(tmp_path) == ["in.gguf"]
    assert hashlib.sha256(source.read_bytes()).hexdigest() == digest


def test_an_interruption_leaves_nothing_behind(tmp_path: Path) -> None:
    source = tiny(tmp_path / "in.gguf")
    layout = layout_of(source)[0]

    def interrupt(done: int, total: int, name: str) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        quantize(layout, tmp_path / "out.gguf", targets(layout.tensors, "Q8_0"), {}, interrupt)

    assert left_in(tmp_path) == ["in.gguf"]


def test_an_old_output_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    source, out = small(tmp_path / "in.gguf"), tmp_path / "in-Q8_0.gguf"
    out.write_bytes(b"old")
    with source.open("r+b") as stream:
        stream.seek(layout_of(source)[0].tensors[-1].at)
        stream.write(np.float32("inf").tobytes())
    with pytest.raises(EvidenceError):
        made(source, "Q8_0")

    assert out.read_bytes() == b"old"


# Engines.


def test_names_of_quantizations_are_known_or_refused() -> None:
    assert named("q4_k_m") == "Q4_K_M"
    assert named("Q4_K") == "Q4_K_M"
    assert "Q6_K" in NATIVE
    with pytest.raises(EvidenceError, match="Q4_K_M"):
        named("Q4_K_N")


def test_without_an_engine_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantize_engine, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)

    with pytest.raises(EngineError, match="pip install llama-cpp-python"):
        quantize_engine.chosen()


def test_what_needs_a_matrix_says_so_before_anything_is_read() -> None:
    with pytest.raises(SettingsError, match="IQ2_XXS needs --imatrix"):
        quantize_engine.checked(Job(Path("in"), Path("out"), "IQ2_XXS"))


def test_an_engine_that_fails_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bin" / "llama-quantize"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'no such type' >&2\nexit 3\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tool.parent), prepend=os.pathsep)

    with pytest.raises(EngineError, match="ended with 3: no such type"):
        engine = next(e for e in quantize_engine.found() if e.name == "llama-quantize")
        engine.run(Job(tmp_path / "in.gguf", tmp_path / "out.gguf", "Q4_K_M"))


@pytest.mark.parametrize("words", ["main: build = 4000 (0c1e570)", "version: 0.5.0-dev (build 4000, commit 0c1e570)"])
def test_the_version_of_the_tool_is_told(words: str) -> None:
    found = quantize_engine.BUILD.search(words)

    assert found
    assert found.groups() == ("4000", "0c1e570")
