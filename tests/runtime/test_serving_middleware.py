"""The same middleware inside other people's servers, set up by the environment; and what it reads of answers."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import inspect
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.errors import SettingsError
from caveat.flows.serving import log_rows, origins_file
from caveat.runtime.origin import Origin
from caveat.runtime.serving import told
from caveat.runtime.serving.headers import Known, exchange_header, provenance, replaced, safe
from caveat.runtime.serving.settings import Settings, from_environment, read_origins
from tests.runtime.serving_parts import Running, httpx, logged, wait_until

PATH = "caveat.runtime.serving.middleware.ProvenanceMiddleware"
ASK = {"model": "served", "messages": [{"role": "user", "content": "hi"}]}


def added(app: Any, path: str) -> None:
    """As vLLM does it: the object at an import path, a class is added without arguments."""
    module, _, name = path.rpartition(".")
    found = getattr(importlib.import_module(module), name)
    assert inspect.isclass(found)
    app.add_middleware(found)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    fastapi = pytest.importorskip("fastapi")
    from starlette.responses import StreamingResponse

    origins = tmp_path / "origins.json"
    origins.write_text(origins_file({"served": "meta-llama/Llama-2-7b-chat-hf"}))
    monkeypatch.setenv("CAVEAT_ORIGINS", str(origins))
    monkeypatch.setenv("CAVEAT_LOG", str(tmp_path / "log"))
    made = fastapi.FastAPI()
    made.state.steps = 0

    async def words() -> Any:
        for _ in range(made.state.many):
            made.state.steps += 1
            yield b'data: {"choices": [{"delta": {"content": "x"}}]}\n\n'
            await asyncio.sleep(0.005)
        yield b"data: [DONE]\n\n"

    @made.post("/v1/chat/completions")
    async def chat(body: dict[str, Any]) -> Any:
        made.state.many = body.get("max_tokens", 3)
        return StreamingResponse(words(), media_type="text/event-stream")

    @made.post("/v1/completions")
    async def slow(body: dict[str, Any]) -> Any:
        made.state.steps += 1
        await asyncio.sleep(body.get("seconds", 0))
        return {"choices": [{"text": "done", "finish_reason": "stop"}]}

    @made.post("/login")
    async def login(body: dict[str, Any]) -> Any:
        return body

    added(made, PATH)
    return made


def test_loaded_as_vllm_does_it_marks_and_logs_what_models_answer_and_nothing_else(app: Any, tmp_path: Path) -> None:
    with Running(app) as up:
        answer = httpx.post(up.url + "/v1/chat/completions", json=ASK)
        login = httpx.post(up.url + "/login", json={"password": "sk-verysecret"})
        row, = logged(tmp_path / "log")

    assert answer.headers["caveat-generator"] == "pkg:huggingface/meta-llama/Llama-2-7b-chat-hf"
    assert answer.headers["caveat-may"].startswith("train=prohibited")
    assert "caveat-run-id" not in login.headers
    assert (row["text_sha256"], row["ended"]) == (told.digest("xxx"), "finished")


def test_a_client_that_leaves_is_known_even_if_the_app_never_looks(app: Any, tmp_path: Path) -> None:
    body = json.dumps({**ASK, "seconds": 0.3}).encode()
    with Running(app) as up:
        with socket.create_connection(("127.0.0.1", up.port)) as s:
            s.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                      b"Content-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: app.state.steps)
        row, = logged(tmp_path / "log")

    assert (row["ended"], row["cut_by"], row["response_bytes"]) == ("cut off", "client", 0)


def test_an_app_that_breaks_is_logged_as_the_servers_fault(app: Any, tmp_path: Path) -> None:
    with Running(app) as up:
        httpx.post(up.url + "/v1/completions", json={**ASK, "seconds": "x"})
        row, = logged(tmp_path / "log")

    assert (row["status"], row["ended"], row["cut_by"]) == (None, "cut off", "server")  # its 500 is written further out


def test_its_rows_are_evidence_that_check_reads(app: Any, tmp_path: Path) -> None:
    import caveat

    with Running(app) as up:
        httpx.post(up.url + "/v1/chat/completions", json=ASK)
        logged(tmp_path / "log")
    rows = tmp_path / "data" / "rows.jsonl"
    rows.parent.mkdir()
    rows.write_text("".join(line + "\n" for line in log_rows(str(tmp_path / "log"))))
    report, = caveat.check(rows)

    assert [(e.child, e.act, e.parent) for e in report.graph.edges if e.act == "generate"] == [
        (report.subject, "generate", "meta-llama/Llama-2-7b-chat-hf")]


def test_settings_of_the_environment(tmp_path: Path) -> None:
    one = from_environment({"CAVEAT_GENERATOR": "acme/llama", "CAVEAT_PATHS": "/mine", "CAVEAT_KEEP_TEXT": "1"})
    found = one.find("whatever")

    assert found and found.origin.purl == "pkg:huggingface/acme/llama"
    assert one.keep_text and one.watches("POST", "/mine") and one.watches("POST", "/v1/chat/completions/")
    assert not one.watches("GET", "/v1/completions") and not one.watches("POST", "/login")
    for text in ("[", "[]", '{"m": 1}', '{"m": {"name": "x"}}'):
        (tmp_path / "o.json").write_text(text)
        with pytest.raises(SettingsError, match=r"o\.json"):
            read_origins(tmp_path / "o.json")
    with pytest.raises(SettingsError, match="CAVEAT_GENERATOR"):
        from_environment({"CAVEAT_GENERATOR": "a b"})


@settings(max_examples=40, deadline=None)
@given(st.text(), st.text())
def test_no_value_can_begin_another_header(name: str, word: str) -> None:
    known = Known(Origin(name, "model", word, laws=(word,), terms_on=name), ((name, word),))
    for key, value in [*provenance(known, name), exchange_header(word)]:
        assert key.isascii() and key.startswith(b"caveat-")
        assert all(0x20 <= b < 0x7F for b in value)


def test_what_somebody_else_wrote_as_ours_is_replaced() -> None:
    assert replaced([(b"Caveat-Terms", b"mit"), (b"x", b"y")], [(b"caveat-terms", b"z")]) == [
        (b"x", b"y"), (b"caveat-terms", b"z")]
    assert safe("a\r\nSet-Cookie: é") == b"a%0D%0ASet-Cookie: %C3%A9"


SSE = b'data: {"choices":[{"delta":{"content":"a"}}]}\r\n\r\n: comment\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize("body, media, said", [
    (SSE, "text/event-stream; charset=utf-8", ("a", "", None, None, True)),
    (b'data: {"type":"message_start","message":{"content":[],"usage":{"input_tokens":5}}}\n\n'
     b'data: {"type":"content_block_delta","delta":{"type":"text_delta","text":"b"}}\n\n'
     b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}\n\n'
     b'data: {"type":"message_stop"}\n\n', "text/event-stream", ("b", "end_turn", 5, 2, True)),
    (b'{"message":{"content":"c"},"done":false}\n{"message":{"content":"d"},"done":true,"done_reason":"stop",'
     b'"eval_count":4,"prompt_eval_count":3}\n', "application/x-ndjson", ("cd", "stop", 3, 4, True)),
    (b'{"output":[{"content":[{"type":"output_text","text":"e"}]}],"usage":{"input_tokens":1,"output_tokens":2}}',
     "application/json", ("e", "", 1, 2, False)),
    (b'{"content":[{"type":"text","text":"f"}],"stop_reason":"end_turn"}', "application/json",
     ("f", "end_turn", None, None, False)),
    (b"not json", "application/json", ("", "", None, None, False)),
    (b"[" * 100_000, "application/json", ("", "", None, None, False)),
])
def test_answers_of_several_shapes_are_read(body: bytes, media: str, said: tuple[Any, ...]) -> None:
    assert told.said(body, media, "")[:5] == said
    assert told.said(gzip.compress(body), media, "gzip")[:5] == said
    assert told.said(body, media, "br").text == ""


@settings(max_examples=40, deadline=None)
@given(st.binary(), st.sampled_from(["text/event-stream", "application/json", "application/x-ndjson"]),
       st.sampled_from(["", "gzip", "deflate"]))
def test_no_bytes_break_the_reading(body: bytes, media: str, encoding: str) -> None:
    assert isinstance(told.said(body, media, encoding).text, str)


@settings(max_examples=40, deadline=None)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["choices", "delta", "message", "content", "text", "usage", "output", "response", "done"]), x)))
def test_no_json_breaks_the_reading(value: Any) -> None:
    assert isinstance(told.said(json.dumps(value).encode(), "application/json", ""), told.Said)
    told.messages(told.asked(json.dumps(value).encode()))


def test_a_name_that_nobody_told_of_gets_no_generator(tmp_path: Path) -> None:
    """An adapter that is served under a name of its own is not its base."""
    (tmp_path / "o.json").write_text('{"m": {"name": "a/m", "purl": "pkg:huggingface/a/m"}}')
    find = from_environment({"CAVEAT_ORIGINS": str(tmp_path / "o.json")}).find

    assert [bool(find(name)) for name in ("m", "my-adapter", "")] == [True, False, True]
    assert Settings().find("x") is None
