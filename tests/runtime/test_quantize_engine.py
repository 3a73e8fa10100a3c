"""llama.cpp itself: the same bytes where both can make them, K-quantizations our header, perplexity as its tool's.

Engine tests run where llama-cpp-python is installed (make test-engine); the formula is tested everywhere.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from caveat.cli import main
from caveat.errors import EngineError
from caveat.evidence.gguf import header
from caveat.flows.quantize_plan import layout_of
from caveat.runtime import perplexity
from caveat.runtime.quantize import quantize, rewritten
from caveat.runtime.quantize_engine import Job, chosen
from caveat.runtime.quantize_types import targets
from tests.runtime.quantize_made import tensors, tiny

ESTIMATE = "perplexity: calculating perplexity over 3 chunks, n_ctx=512\nFinal estimate: PPL = 33.5351 +/- 4.07267\n"


def test_perplexity_is_the_exponential_of_the_mean_loss() -> None:
    """ln 2 and ln 8 in the mean are ln 4; the error is the standard error of the losses times the value."""
    found = perplexity._counted([math.log(2), math.log(8)] * 8, 4, "x")

    assert found["value"] == pytest.approx(4.0)
    assert found["error"] == pytest.approx(4.0 * math.log(2) / math.sqrt(15))


def test_the_tools_own_words_are_read() -> None:
    found = perplexity._told(ESTIMATE, 512, Path("m.gguf"))

    assert found[:4] == (33.5351, 4.07267, 3, 3 * 255)


def test_without_anything_to_count_with_it_is_said_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perplexity, "find_spec", lambda name: None)
    monkeypatch.setattr(perplexity.shutil, "which", lambda name: None)

    with pytest.raises(EngineError, match="xllamacpp does not give"):
        perplexity.engine()


# With llama.cpp.


@pytest.fixture(scope="module")
def llama_cpp() -> object:
    return pytest.importorskip("llama_cpp", reason="llama-cpp-python is not installed: make test-engine")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("engine") / "tiny.gguf", layers=2)


@pytest.mark.engine
@pytest.mark.parametrize("name", ["F16", "BF16", "Q8_0", "Q6_K", "Q5_1", "Q5_0", "Q4_1", "Q4_0"])
def test_our_bytes_are_those_of_the_library(llama_cpp: object, source: Path, tmp_path: Path, name: str) -> None:
    theirs, ours = tmp_path / "theirs.gguf", tmp_path / "ours.gguf"
    chosen("llama-cpp-python").run(Job(source, theirs, name))
    layout = layout_of(source)[0]
    quantize(layout, ours, targets(layout.tensors, name), {})

    assert tensors(theirs) == tensors(ours)


@pytest.mark.engine
def test_k_quantizations_keep_the_librarys_tensors_under_our_header(llama_cpp: object, source: Path,
                                                                    tmp_path: Path) -> None:
    raw, out = tmp_path / "raw.gguf", tmp_path / "out.gguf"
    chosen().run(Job(source, raw, "Q4_K_M"))
    rewritten(layout_of(raw)[0], out, {"general.license": "mit"})
    code = main(["quantize", str(source), "-o", str(tmp_path / "made.gguf"), "--type", "Q4_K_M", "--base",
                 "mistralai/Mistral-7B-v0.1"])

    assert code == 0
    assert tensors(raw) == tensors(out) == tensors(tmp_path / "made.gguf")
    assert header(tmp_path / "made.gguf", "made").number("general.file_type") == 15
    assert header(tmp_path / "made.gguf", "made").word("general.license") == "apache-2.0"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.engine
def test_an_importance_matrix_is_read_and_used(llama_cpp: object, source: Path, tmp_path: Path) -> None:
    """IQ2_XS is refused without one and made with one; a K-quantization with one differs from one without."""
    matrix = _matrix(source, tmp_path / "imatrix.gguf")
    plain, weighed, small = (tmp_path / f"{n}.gguf" for n in ("plain", "weighed", "small"))
    chosen().run(Job(source, plain, "Q4_K_M"))
    chosen().run(Job(source, weighed, "Q4_K_M", matrix=matrix))
    chosen().run(Job(source, small, "IQ2_XS", matrix=matrix))

    assert tensors(plain) != tensors(weighed)
    assert "IQ2_XS" in {kind for kind, _ in tensors(small).values()}


def _matrix(source: Path, out: Path) -> Path:
    """An importance matrix in GGUF form for every matrix of the model: sums of squares and counts."""
    from gguf import GGUFWriter

    writer = GGUFWriter(out, "llama")
    writer.add_string("general.type", "imatrix")
    for t in layout_of(source)[0].tensors:
        if len(t.dimensions) == 2:
            sums = (np.arange(t.dimensions[0], dtype=np.float32) % 7 + 1) ** 2
            writer.add_tensor(f"{t.name}.in_sum2", sums.reshape(1, -1))
            writer.add_tensor(f"{t.name}.counts", np.array([[4.0]], np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out


@pytest.mark.engine
def test_a_file_that_the_library_refuses_is_one_clear_error(llama_cpp: object, source: Path, tmp_path: Path) -> None:
    layout = layout_of(source)[0]
    broken = tmp_path / "broken.gguf"
    rewritten(layout, broken, {"llama.block_count": ""})

    with pytest.raises(EngineError, match="Q4_K_M was not made"):
        chosen().run(Job(broken, tmp_path / "out.gguf", "Q4_K_M"))


@pytest.mark.engine
def test_perplexity_before_and_after(llama_cpp: object, source: Path, tmp_path: Path,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    """Random weights foretell nothing: about as many choices as there are tokens, the same tokens both times."""
    text = tmp_path / "text.txt"
    text.write_text("one two three " * 120)
    code = main(["quantize", str(source), "-o", str(tmp_path / "q.gguf"), "--type", "Q8_0", "--base",
                 "mistralai/Mistral-7B-v0.1", "--perplexity", str(text)])
    said = " ".join(capsys.readouterr().out.split())

    assert code == 0
    assert "tokens scored" in said
    assert 0.8 < float(said.partition("× ")[2].split()[0]) < 1.25
    short = tmp_path / "short.txt"
    short.write_text("too short")
    with pytest.raises(EngineError, match="two windows of 512 are the least"):
        perplexity.perplexity(source, short)
