"""Models answer in one shape, wherever they run; what goes wrong on the way is one error that says what."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from caveat.errors import EngineError, SettingsError
from caveat.runtime.chat_template import TEMPLATE_LIMIT
from caveat.runtime.engine import Engine, local, remote, whole
from caveat.runtime.gguf_words import words
from caveat.runtime.local_engine import started
from tests.runtime.answering import Server, serving, smollm2

HI = {"messages": [{"role": "system", "content": "Speak."}, {"role": "user", "content": "Say hi in French"}],
      "max_tokens": 8, "temperature": 1.0}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as one:
        yield one


def said(engine: Engine, **more: object) -> str:
    return str(engine.chat({**HI, **more})["choices"][0]["message"]["content"])


def test_a_real_model_says_the_same_for_the_same_seed_whatever_was_asked_between(small: Engine) -> None:
    first, other = said(small, seed=1), said(small, seed=2)

    assert said(small, seed=1) == first != other


def test_the_stream_is_the_answer_and_leaving_it_early_leaves_the_model_usable(small: Engine) -> None:
    chunks = list(small.stream({**HI, "seed": 1}))
    for _ in small.stream({**HI, "max_tokens": 500}):
        break

    assert whole(chunks)["choices"][0]["message"]["content"] == said(small, seed=1)
    assert chunks[-1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1]["usage"]["completion_tokens"] == 8


@pytest.mark.parametrize(("more", "what"), [
    ({"messages": []}, "at least one message"), ({"messages": [{"role": "user"}]}, "wants text"),
    ({"messages": [{"role": "user", "content": "a " * 3000}]}, "exceeds the available context"),
    ({"temperature": "hot"}, "temperature"), ({"tools": [{}]}, "tools"),
])
def test_a_request_the_model_cannot_take_is_refused_in_words(small: Engine, more: dict[str, object], what: str) -> None:
    with pytest.raises(EngineError, match=what) as fault:
        said(small, **more)

    assert fault.value.again is False


def test_the_engines_own_door_is_locked(small: Engine) -> None:
    """The engine opens a port on this machine; nobody else's process may use the model through it."""
    import httpx

    address = small._server.listening_address  # type: ignore[attr-defined]
    answer = httpx.post(f"{address}/v1/chat/completions", json=HI, trust_env=False)

    assert answer.status_code == 401


def test_the_template_in_the_file_is_run_here_and_not_by_the_engine(tmp_path: Path) -> None:
    """A file whose template never ends loads as fast as any, and is stopped when it is asked."""
    bad = tmp_path / "bad.gguf"
    shutil.copyfile(smollm2(), bad)
    template = words(bad).template.encode()
    hostile = b"{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}"
    with bad.open("r+b") as file:
        at = file.read(8 << 20).find(template)
        file.seek(at)
        file.write(hostile.ljust(len(template)))
    engine = local(bad, context=256)
    try:
        with pytest.raises(EngineError, match="the chat template was stopped: more than"):
            said(engine)
    finally:
        engine.close()


@pytest.mark.parametrize("data", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 16, b"not one",
                                  b"GGUF\x03\0\0\0" + b"\0" * 16])
def test_what_is_no_model_is_one_error_that_names_the_file(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(data)

    with pytest.raises(EngineError, match=r"x\.gguf"):
        local(file)


def test_a_header_text_that_claims_more_than_the_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.gguf"
    file.write_bytes(b"GGUF\x03\0\0\0" + (0).to_bytes(8, "little") + (1).to_bytes(8, "little") +
                     (1 << 60).to_bytes(8, "little"))

    with pytest.raises(EngineError, match="no GGUF file"):
        words(file)
    assert TEMPLATE_LIMIT < 1 << 20


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(12))
def test_a_damaged_file_is_an_error_or_a_model_and_never_the_end_of_the_process(tmp_path: Path, seed: int) -> None:
    """Bytes of header and tensor list changed, or the file cut: in a process of its own, which must live."""
    bad, chance = tmp_path / "bad.gguf", random.Random(seed)
    shutil.copyfile(smollm2(), bad)
    if seed % 4 == 0:
        os.truncate(bad, chance.randrange(1000, bad.stat().st_size))
    with bad.open("r+b") as file:
        for _ in range(0 if seed % 4 == 0 else chance.choice((1, 3, 20))):
            file.seek(chance.randrange(8, 3000) if seed % 2 else chance.randrange(1_690_000, 1_720_000))
            file.write(bytes([chance.randrange(256)]))
    words = ("import sys\nfrom caveat.errors import EngineError\nfrom caveat.runtime.engine import local\n"
             "asked = {'messages': [{'role': 'user', 'content': 'hi'}], 'max_tokens': 1}\n"
             "try: local(sys.argv[1], context=64).chat(asked)\n"
             "except EngineError as fault: print(fault)\nprint('alive')")
    done = subprocess.run([sys.executable, "-c", words, str(bad)], capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "alive"), done.stderr[-500:]


OPENED = ("import sys\nfrom caveat.runtime.engine import local\n"
          "local(sys.argv[1], context=64).close()\nprint('closed')")


@contextmanager
def busy(many: int = 2) -> Iterator[None]:
    """So many processes that do nothing as fast as they can."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(many)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.deep
def test_an_engine_closed_right_after_it_was_opened_never_hangs() -> None:
    """Thirty processes, each opening and closing one, while others take the processors; a hang is a time-out."""
    with busy():
        for _ in range(30):
            done = subprocess.run([sys.executable, "-c", OPENED, str(smollm2())], capture_output=True, text=True,
                                  timeout=60)
            assert (done.returncode, done.stdout) == (0, "closed\n"), done.stderr[-500:]


@pytest.mark.deep
def test_one_prompt_generated_twenty_times_always_ends(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("hi\n")
    for n in range(20):
        words = [sys.executable, "-m", "caveat", "generate", "--model", str(smollm2()), "--prompts",
                 str(tmp_path / "p.txt"), "-o", str(tmp_path / str(n)), "--max-tokens", "1", "--context", "64"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-500:]


# At an address.


def ask(server: Server, prompt: str, timeout: float = 5, key: str = "") -> str:
    engine = remote(server.url, timeout=timeout, key=key)
    try:
        answer = engine.chat({"messages": [{"role": "user", "content": prompt}]})
        return str(answer["choices"][0]["message"]["content"])
    finally:
        engine.close()


def test_an_address_is_asked_with_the_key_and_answers(server: Server) -> None:
    assert ask(server, "hello", key="sk-secret-1234") == "re: hello"
    assert server.headers["authorization"] == "Bearer sk-secret-1234"


def test_a_real_llama_server_answers_whole_and_streamed() -> None:
    """llama.cpp's own HTTP server, with a key, as `llama-server` runs it."""
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path, params.n_ctx, params.n_parallel, params.verbosity = str(smollm2()), 256, 1, -1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = params.fit_params = params.ui = False
    params.api_keys = ["sk-secret-1234"]
    running = started(params)
    asked = {**HI, "max_tokens": 4, "temperature": 0, "seed": 1}
    engine, stranger = (remote(f"{running.listening_address}/v1", key=k) for k in ("sk-secret-1234", "wrong"))

    one = engine.chat(asked)["choices"][0]
    assert one["message"]["content"] == whole(engine.stream(asked))["choices"][0]["message"]["content"] != ""
    assert one["finish_reason"] == "length"
    with pytest.raises(EngineError, match="HTTP 401: Invalid API Key"):
        stranger.chat(asked)


@pytest.mark.parametrize(("prompt", "kind", "again"), [
    ("teapot", "http", False), ("down", "http", True), ("busy", "http", True), ("moved", "http", False),
    ("broken", "malformed", True), ("list", "malformed", True), ("empty", "malformed", True),
    ("null", "malformed", True), ("bomb", "malformed", True), ("nan", "malformed", True),
    ("hangup", "closed", True), ("half", "closed", True),
])
def test_each_way_an_address_fails_has_its_name(server: Server, prompt: str, kind: str, again: bool) -> None:
    with pytest.raises(EngineError) as fault:
        ask(server, prompt)

    assert (fault.value.kind, fault.value.again) == (kind, again)
    assert server.url in str(fault.value)
    assert "\x1b" not in str(fault.value)


def test_too_slow_and_nobody_there_are_told_apart(server: Server) -> None:
    with pytest.raises(EngineError) as slow:
        ask(server, "slow", timeout=0.3)
    with pytest.raises(EngineError) as nobody:
        remote("http://127.0.0.1:9/v1").chat(HI)

    assert (slow.value.kind, nobody.value.kind) == ("timeout", "connection")


def test_a_key_is_never_repeated_even_if_the_other_side_does(server: Server) -> None:
    with pytest.raises(EngineError) as fault:
        ask(server, "key", key="sk-secret-1234")

    assert "sk-secret" not in str(fault.value)
    assert "[key]" in str(fault.value)


def test_a_stream_that_closes_midway_is_no_answer(server: Server) -> None:
    engine = remote(server.url)
    good = list(engine.stream({"messages": [{"role": "user", "content": "one two"}]}))

    assert whole(good)["choices"][0]["message"]["content"] == "one two "
    with pytest.raises(EngineError, match="closed before the answer was finished"):
        list(engine.stream({"messages": [{"role": "user", "content": "cut off"}]}))


@pytest.mark.parametrize("url", ["", "ftp://x/v1", "localhost:1", "http://user:pass@x/v1", "http://x/v1?key=1",
                                 "http://[::"])
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--url") as fault:
        remote(url)

    assert "pass@" not in str(fault.value)
