"""Everything passes through untouched, every answer says whose it is, and the log knows what was delivered."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from caveat.errors import SettingsError
from caveat.flows.serving import origins_file, proxied
from caveat.runtime.serving.proxy import Proxy, onward
from caveat.runtime.serving.reading import checked
from tests.runtime.serving_parts import (
    DONE,
    QUESTION,
    Running,
    Upstream,
    bytes_of,
    event,
    httpx,
    logged,
    piece,
    stream_head,
    wait_until,
)

SECRETS = ("sk-verysecret", "xapi-hidden", "crumb-hidden", "key-in-query", "answer-cookie")
WHOLE = [event("Hel"), event("lo"), event("", "stop"), DONE]


@contextmanager
def proxy(upstream: str, folder: Path, **more: Any) -> Iterator[Running]:
    server = proxied(upstream, host="127.0.0.1", log=str(folder / "log"), **more)
    with Running(server.app) as running:
        yield running


async def whole_stream(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
    out.write(stream_head(b"Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nX-Own: kept\r\n"
                          b"Caveat-Generator: pkg:forged\r\nSet-Cookie: a=answer-cookie\r\n"))
    for data in WHOLE:
        out.write(piece(data))
    out.write(b"0\r\n\r\n")
    await out.drain()


def sent(port: int, request: bytes) -> bytes:
    """The raw bytes of an answer, until the server closes or says the end of a chunked body."""
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.sendall(request)
        got = b""
        while not got.endswith(b"0\r\n\r\n") and (more := s.recv(65536)):
            got += more
        return got


def unchunked(body: bytes) -> bytes:
    got = b""
    while (size := int(body.partition(b"\r\n")[0], 16)):
        body = body.partition(b"\r\n")[2]
        got, body = got + body[:size], body[size + 2:]
    return got


def post(port: int, path: str = "/v1/chat/completions", extra: str = "", body: bytes = b"") -> bytes:
    body = body or json.dumps({**QUESTION, "stream": True}).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def test_a_stream_passes_byte_for_byte(tmp_path: Path) -> None:
    with Upstream(whole_stream) as upstream, proxy(upstream.url, tmp_path) as running:
        got = sent(running.port, post(running.port, "/v1/chat/completions?key=key-in-query&a=%2F%7e+b"))
        row, = logged(tmp_path / "log")
    head, _, body = got.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")

    assert unchunked(body) == b"".join(WHOLE)
    assert b"x-own: kept" in lines and not any(line.startswith((b"x-hop", b"connection")) for line in lines)
    assert [x for x in lines if x.startswith(b"caveat-generator")] == \
        [b"caveat-generator: pkg:huggingface/meta-llama/llama-2-7b-chat-hf"]
    assert any(x.startswith(b"caveat-may: train=prohibited, sell=permitted") for x in lines)
    assert upstream.got[0][0].split(b" ")[1] == b"/v1/chat/completions?key=key-in-query&a=%2F%7e+b"
    assert (row["response_sha256"], row["response_bytes"]) == (sha256(b"".join(WHOLE)).hexdigest(),
                                                               len(b"".join(WHOLE)))
    assert row["text_sha256"] == sha256(b"Hello").hexdigest()
    assert (row["ended"], row["cut_by"], row["finish_reason"], row["status"]) == ("finished", None, "stop", 200)
    assert (row["model"], row["answered_as"]) == ("meta-llama/Llama-2-7b-chat-hf", "m")
    assert row["path"] == "/v1/chat/completions"


def test_the_first_piece_arrives_before_the_second_is_sent(tmp_path: Path) -> None:
    arrived = asyncio.Event()

    async def slow(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        out.write(stream_head() + piece(event("a")))
        await asyncio.wait_for(arrived.wait(), 10)
        out.write(piece(event("", "stop")) + b"0\r\n\r\n")

    with Upstream(slow) as upstream, proxy(upstream.url, tmp_path) as running, \
            httpx.stream("POST", running.url + "/v1/chat/completions", json=QUESTION, timeout=20) as answer:
        pieces = answer.iter_raw()
        first = next(pieces)
        upstream.loop.call_soon_threadsafe(arrived.set)
        rest = b"".join(pieces)

    assert (first, rest) == (event("a"), event("", "stop"))


def test_no_key_is_ever_written_down(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    extra = "Authorization: Bearer sk-verysecret\r\nX-Api-Key: xapi-hidden\r\nCookie: c=crumb-hidden\r\n"
    with Upstream(whole_stream) as upstream, proxy(upstream.url, tmp_path, keep_text=True) as running:
        sent(running.port, post(running.port, "/v1/chat/completions?api_key=key-in-query", extra))
        row, = logged(tmp_path / "log")
    told = capfd.readouterr()
    kept = b"".join(bytes_of(tmp_path)) + (told.out + told.err).encode()

    assert [s for s in SECRETS if s.encode() in kept] == []
    assert b"sk-verysecret" in upstream.got[0][0] and b"crumb-hidden" in upstream.got[0][0]
    assert (row["messages"], row["response"]) == (QUESTION["messages"], "Hello")


def test_of_our_own_page_the_upstream_sees_neither_address_nor_cookies(tmp_path: Path) -> None:
    with Upstream(whole_stream) as upstream, proxy(upstream.url, tmp_path) as running:
        extra = f"Origin: {running.url}\r\nSec-Fetch-Site: same-origin\r\nCookie: c=crumb-hidden\r\nX-Mine: 1\r\n"
        sent(running.port, post(running.port, extra=extra))
    head = upstream.got[0][0].lower()

    assert b"x-mine: 1" in head
    assert not any(name in head for name in (b"origin", b"sec-fetch", b"cookie"))


async def dies(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
    out.write(stream_head() + piece(event("half")) + b"ff\r\ndata: {")
    await out.drain()
    out.transport.abort()


async def ends_too_soon(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
    out.write(stream_head() + piece(event("half")) + b"0\r\n\r\n")


@pytest.mark.parametrize("answer, broken", [(dies, True), (ends_too_soon, False)])
def test_an_upstream_that_dies_midway_is_named_and_what_came_is_known(answer: Any, broken: bool,
                                                                      tmp_path: Path) -> None:
    with Upstream(answer) as upstream, proxy(upstream.url, tmp_path) as running:
        got = sent(running.port, post(running.port))
        row, = logged(tmp_path / "log")

    assert got.endswith(b"0\r\n\r\n") is not broken
    assert (row["ended"], row["cut_by"]) == ("cut off", "upstream")
    assert row["text_sha256"] == sha256(b"half").hexdigest()


def test_an_upstream_that_is_not_there_is_told_as_openai_would(tmp_path: Path) -> None:
    with proxy("http://127.0.0.1:9", tmp_path) as running:
        answer = httpx.post(running.url + "/v1/chat/completions", json=QUESTION)
        row, = logged(tmp_path / "log")

    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_unreachable")
    assert (row["cut_by"], row["status"]) == ("upstream", 502)


def test_who_hangs_up_stops_the_upstream_and_the_row_says_so(tmp_path: Path) -> None:
    async def endless(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        out.write(stream_head())
        while True:
            out.write(piece(event("x")))
            await out.drain()
            await asyncio.sleep(0.01)

    with Upstream(endless) as upstream, proxy(upstream.url, tmp_path) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as s:
            s.sendall(post(running.port))
            got = b""
            while b"data: " not in got:
                got += s.recv(100)
        row, = logged(tmp_path / "log")
        wait_until(lambda: upstream.left)

    assert (row["ended"], row["cut_by"]) == ("cut off", "client")
    assert row["response_bytes"] > 0


def test_a_client_that_leaves_before_the_answer_begins_is_known_too(tmp_path: Path) -> None:
    async def thinks(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await out.drain()

    with Upstream(thinks) as upstream, proxy(upstream.url, tmp_path) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as s:
            s.sendall(post(running.port))
            wait_until(lambda: upstream.got)
        row, = logged(tmp_path / "log")

    assert (row["cut_by"], row["status"], row["response_bytes"]) == ("client", None, 0)


def test_what_is_compressed_stays_compressed_and_is_read_for_the_log(tmp_path: Path) -> None:
    packed = gzip.compress(json.dumps({"choices": [{"message": {"content": "é"}, "finish_reason": "stop"}],
                                       "usage": {"prompt_tokens": 3, "completion_tokens": 1}}).encode())

    async def zipped(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: "
                  b"%d\r\n\r\n" % len(packed) + packed)

    with Upstream(zipped) as upstream, proxy(upstream.url, tmp_path) as running, \
            httpx.stream("POST", running.url + "/v1/chat/completions", json=QUESTION) as answer:
        assert b"".join(answer.iter_raw()) == packed
        row, = logged(tmp_path / "log")

    assert row["text_sha256"] == sha256("é".encode()).hexdigest()
    assert row["tokens"] == {"prompt": 3, "completion": 1}


def test_redirects_and_other_routes_pass_and_large_bodies_do_not(tmp_path: Path) -> None:
    async def moved(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        out.write(b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://elsewhere.example/\r\n"
                  b"Content-Length: 0\r\n\r\n")

    with Upstream(moved) as upstream, proxy(upstream.url + "/base", tmp_path, most_body=1000) as running:
        answer = httpx.get(running.url + "/v1/models", headers={"authorization": "Bearer x"})
        large = httpx.post(running.url + "/v1/chat/completions", content=b"x" * 1001)
        chunked = httpx.post(running.url + "/v1/chat/completions", content=iter([b"x" * 600] * 2))

    assert (answer.status_code, answer.headers["location"]) == (307, "http://elsewhere.example/")
    assert upstream.got[0][0].startswith(b"GET /base/v1/models HTTP/1.1\r\n")
    assert (large.status_code, chunked.status_code) == (413, 413)
    assert large.json()["error"]["code"] == "request_too_large"
    assert len(upstream.got) == 1


@pytest.mark.parametrize("upstream", ["localhost:1234", "ftp://x/", "http://", "http://u:p@x/", "http://x/?key=1"])
def test_what_is_no_upstream_is_refused_without_repeating_it(upstream: str) -> None:
    with pytest.raises(SettingsError, match="--upstream") as told:
        Proxy(upstream)

    assert "u:p" not in str(told.value)


def test_headers_that_concern_one_connection_stay_there() -> None:
    told = [(b"connection", b"close, X-One"), (b"x-one", b"1"), (b"te", b"trailers"), (b"x-two", b"2")]

    assert onward(told, frozenset((b"connection", b"te"))) == [(b"x-two", b"2")]


@pytest.mark.deep
def test_openais_own_client_lists_chats_streams_and_sees_errors(tmp_path: Path) -> None:
    openai = pytest.importorskip("openai")

    async def answers(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        if head.startswith(b"GET"):
            text = json.dumps({"object": "list", "data": [{"id": "m", "object": "model", "created": 1,
                                                           "owned_by": "x"}]}).encode()
        elif json.loads(body).get("stream"):
            return await whole_stream(head, body, out)
        elif json.loads(body)["model"] == "bad":
            text = b'{"error": {"message": "no", "type": "invalid_request_error", "param": null, "code": "none"}}'
            out.write(b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                      % len(text) + text)
            return None
        else:
            text = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]}).encode()
        out.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text)
        return None

    with Upstream(answers) as upstream, proxy(upstream.url + "/v1", tmp_path) as running, \
            openai.OpenAI(base_url=running.url + "/v1", api_key="sk-verysecret", max_retries=0) as client:
        asked: Any = {"model": "m", "messages": QUESTION["messages"]}
        listed = [m.id for m in client.models.list()]
        one = client.chat.completions.create(**asked).choices[0].message.content
        chunks = client.chat.completions.create(**asked, stream=True)
        streamed = "".join(c.choices[0].delta.content or "" for c in chunks)
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(**{**asked, "model": "bad"})
        rows = logged(tmp_path / "log", 3)

    assert (listed, one, streamed) == (["m"], "Hello", "Hello")
    assert [r["text_sha256"] for r in rows[:2]] == [sha256(b"Hello").hexdigest()] * 2
    assert rows[2]["status"] == 404
    assert upstream.got[0][0].startswith(b"GET /v1/models ")


def test_the_page_before_an_upstream_lists_its_models_and_says_where_words_go(tmp_path: Path) -> None:
    async def lists(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        text = b'{"data": [{"id": "meta-llama/Llama-2-7b-chat-hf"}, {"id": "a b"}, {"id": 3}, 4]}'
        out.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) + text)

    with Upstream(lists) as upstream, proxy(upstream.url, tmp_path) as running:
        page = httpx.get(running.url + "/caveat/")
        shown = httpx.get(running.url + "/caveat/models").json()
        httpx.get(running.url + "/")
    with proxy("http://127.0.0.1:9", tmp_path) as running:
        nothing = httpx.get(running.url + "/caveat/models").json()

    assert "default-src 'none'" in page.headers["content-security-policy"] and "Shift+Enter" in page.text
    assert [(m["id"], m["answers"][2]["verdict"]) for m in shown["models"]] == [
        ("meta-llama/Llama-2-7b-chat-hf", "prohibited")]
    assert "goes to 127.0.0.1" in shown["place"]
    assert [head.split(b" ")[1] for head, _ in upstream.got] == [b"/v1/models", b"/"]
    assert (nothing["models"], "does not list them" in nothing["fault"]) == ([], True)


def test_a_named_model_is_what_its_answers_are_of(tmp_path: Path) -> None:
    with Upstream(whole_stream) as upstream, \
            proxy(upstream.url, tmp_path, named={"mine": "meta-llama/Llama-2-7b-chat-hf"}) as running:
        headers = httpx.post(running.url + "/v1/chat/completions", json={**QUESTION, "model": "mine"}).headers
        unknown = httpx.post(running.url + "/v1/chat/completions", json={**QUESTION, "model": "x\r\nx: y"}).headers

    assert headers["caveat-generator"] == "pkg:huggingface/meta-llama/Llama-2-7b-chat-hf"
    assert "caveat-generator" not in unknown and "caveat-run-id" in unknown
    assert json.loads(origins_file({"mine": "meta-llama/Llama-2-7b-chat-hf"}))["mine"]["may"]["train"] == "prohibited"


@pytest.mark.parametrize("many", [8, pytest.param(100, marks=pytest.mark.deep)])
def test_nothing_is_lost_when_clients_hang_up_and_upstreams_die_at_random(many: int, tmp_path: Path) -> None:
    chance = random.Random(7)

    async def sometimes(head: bytes, body: bytes, out: asyncio.StreamWriter) -> None:
        dying = json.loads(body)["seed"]
        out.write(stream_head())
        for n in range(30):
            if n == dying:
                out.transport.abort()
                return
            out.write(piece(event(f"{n} ")))
            await out.drain()
            await asyncio.sleep(0.001)
        out.write(piece(event("", "stop")) + piece(DONE) + b"0\r\n\r\n")

    with Upstream(sometimes) as upstream, proxy(upstream.url, tmp_path) as running:
        for n in range(many):
            dying = chance.randrange(30) if n % 2 else 99
            body = json.dumps({**QUESTION, "seed": dying}).encode()
            with socket.create_connection(("127.0.0.1", running.port)) as s:
                s.sendall(post(running.port, body=body))
                if n % 2:
                    while s.recv(65536):
                        pass
                else:
                    time.sleep(chance.random() * 0.03)
        rows = logged(tmp_path / "log", many)
    by = [r["cut_by"] for r in sorted(rows, key=lambda r: r["time"])]

    assert len(rows) == many
    assert by[1::2] == ["upstream"] * (many // 2)
    assert set(by[::2]) <= {"client", None}
    assert checked(tmp_path / "log").faults == ()
