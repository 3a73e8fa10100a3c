"""The small HTTP client takes answers however they are cut, as h11 does, and refuses what is not certain."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caveat.errors import SettingsError
from caveat.runtime.serving import wire
from caveat.runtime.serving.wire import Broke, Connection, Slow, Unreachable, Upstream, address

h11 = pytest.importorskip("h11")
HEAD = b"HTTP/1.1 200 OK\r\n"


class Pipe:
    """A transport that notes what a connection does to it."""

    def __init__(self) -> None:
        self.paused, self.aborted = False, False

    def write(self, data: bytes) -> None: ...

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def read(pieces: list[bytes], method: str = "POST", closes: bool = True) -> tuple[int, bytes]:
    connection = Connection()
    connection.connection_made(Pipe())  # type: ignore[arg-type]  # as much of a transport as is used
    connection.send(b"", method)

    async def feed() -> None:
        for piece in pieces:
            connection.data_received(piece)
            await asyncio.sleep(0)
        if closes:
            connection.connection_lost(None)

    feeding = asyncio.ensure_future(feed())
    try:
        status, _ = await connection.head(0.2)
        body = b""
        while piece := await connection.piece(0.2):
            body += piece
        return status, body
    finally:
        await feeding


def ours(data: bytes, cuts: list[int], method: str = "POST") -> tuple[int, bytes] | str:
    marks = sorted({0, len(data), *(c % (len(data) + 1) for c in cuts)})
    try:
        return asyncio.run(read([data[a:b] for a, b in pairwise(marks)], method))
    except Broke:
        return "broke"


def theirs(data: bytes, method: str = "POST") -> tuple[int, bytes] | str:
    """The same by h11."""
    one = h11.Connection(h11.CLIENT)
    one.send(h11.Request(method=method, target="/", headers=[("host", "x"), ("content-length", "0")]))
    one.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        one.receive_data(data)
        one.receive_data(b"")
        while True:
            event = one.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                return "broke"
    except h11.RemoteProtocolError:
        return "broke"


def chunked(parts: list[bytes], end: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts if p) + end


@settings(max_examples=150, deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=5), st.lists(st.integers(0, 400), max_size=8),
       st.sampled_from(["chunked", "length", "close", "trailers", "extensions", "continue", "cut"]))
def test_an_answer_is_the_same_however_it_is_cut(parts: list[bytes], cuts: list[int], how: str) -> None:
    whole = b"".join(parts)
    data = {
        "chunked": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(parts),
        "length": HEAD + b"content-length: %d\r\n\r\n" % len(whole) + whole,
        "close": HEAD + b"\r\n" + whole,
        "trailers": HEAD + b"transfer-encoding: Chunked\r\n\r\n" + chunked(parts, b"0\r\nx: y\r\n\r\n"),
        "extensions": HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"3;a=b\r\nabc\r\n" + chunked(parts),
        "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length: %d\r\n\r\n" % len(whole) + whole,
        "cut": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(parts, b"5\r\nab"),
    }[how]

    assert ours(data, cuts) == theirs(data)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60), st.sampled_from([b"", HEAD, HEAD + b"transfer-encoding: chunked\r\n\r\n"]))
def test_no_bytes_break_it_or_make_it_hang(data: bytes, before: bytes) -> None:
    ours(before + data, [3, 17])


@pytest.mark.parametrize("data", [
    b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 99 x\r\n\r\n", HEAD + b"a b: c\r\n\r\n", HEAD + b" folded\r\n\r\n",
    HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", HEAD + b"content-length: -1\r\n\r\n",
    HEAD + b"content-length: +1\r\n\r\na", HEAD + b"transfer-encoding: gzip\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabcX\r\n0\r\n\r\n",
    HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"1" * 9000, HEAD + b"x: " + b"y" * 70_000,
    HEAD + b"content-length: 5\r\n\r\nabc", b"", b"HTTP/1.1 101 Switching\r\n\r\n", b"HTTP/1.1 200",
])
def test_what_is_not_certain_is_refused(data: bytes) -> None:
    assert ours(data, [9]) == "broke"


@pytest.mark.parametrize("data, method", [
    (HEAD + b"content-length: 9\r\n\r\n", "HEAD"), (b"HTTP/1.1 204 No\r\n\r\n", "POST"),
    (b"HTTP/1.1 304 Same\r\ncontent-length: 9\r\n\r\n", "GET"),
])
def test_answers_without_a_body_end_at_their_head(data: bytes, method: str) -> None:
    assert ours(data, [], method)[1] == b""


def test_a_slow_reader_makes_the_upstream_wait_and_silence_ends() -> None:
    async def run() -> tuple[bool, bool, int]:
        connection, pipe = Connection(), Pipe()
        connection.connection_made(pipe)  # type: ignore[arg-type]
        connection.send(b"", "POST")
        connection.data_received(HEAD + b"\r\n" + b"x" * (wire.HIGH_WATER + 1))
        await connection.head(1)
        before = pipe.paused
        got = await connection.piece(1)
        with pytest.raises(Slow):
            await connection.piece(0.01)
        return before, pipe.paused, len(got)

    assert asyncio.run(run()) == (True, False, wire.HIGH_WATER + 1)


def test_a_kept_connection_that_speaks_unasked_is_not_used_again() -> None:
    async def run() -> bool:
        connection = Connection()
        connection.connection_made(Pipe())  # type: ignore[arg-type]
        connection.send(b"", "POST")
        connection.data_received(HEAD + b"content-length: 0\r\n\r\n")
        await connection.head(1)
        assert connection.rests() and connection.ready()
        connection.data_received(HEAD + b"content-length: 5\r\n\r\nsmugl")
        return connection.ready()

    assert asyncio.run(run()) is False


@pytest.mark.parametrize("url, told", [
    ("http://localhost:11434", ("localhost", 11434, False, b"", b"localhost:11434")),
    ("https://api.example/v1/", ("api.example", 443, True, b"/v1", b"api.example")),
    ("http://[::1]:8000", ("::1", 8000, False, b"", b"[::1]:8000")),
])
def test_addresses(url: str, told: tuple[object, ...]) -> None:
    where = address(url)

    assert (*where, where.named()) == told


@pytest.mark.parametrize("url", ["http://x:99999", "http://x/a b", "//x", "http://x/é", "http://x\r\ny", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="--upstream"):
        address(url)


@pytest.mark.deep
def test_tls_is_spoken_and_a_certificate_of_nobody_is_refused(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                           "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost",
                           "-addext", "subjectAltName=DNS:localhost"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no openssl here to make a certificate")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"content-length: 2\r\n\r\nok")

    async def run() -> bytes:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server = await asyncio.start_server(answer, "localhost", 0, ssl=context)
        upstream = Upstream(address(f"https://localhost:{server.sockets[0].getsockname()[1]}"), 5)
        with pytest.raises(Unreachable):
            await upstream.ask("GET", b"/", [], b"")
        assert upstream.tls is not None
        upstream.tls.load_verify_locations(cert)
        got = await upstream.ask("GET", b"/", [], b"")
        body = b"".join([p async for p in got.pieces()])
        got.close()
        upstream.close()
        server.close()
        return body

    assert asyncio.run(run()) == b"ok"
