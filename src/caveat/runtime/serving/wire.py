"""A small HTTP/1.1 client for one upstream, because a proxy touches every token: bytes in, bytes out, nothing kept.

General clients cost ten times as much per piece (docs/serve.md has the figures). What is not plain HTTP/1.1 is an error
here and never a guess: two lengths, unknown codings, odd chunk sizes, bytes after the end. Framing: RFC 9112 §6.

    connection   head -> body (none | length | chunked | until it closes) -> idle, for a few seconds -> closed
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import deque
from collections.abc import AsyncIterator
from typing import NamedTuple
from urllib.parse import urlsplit

from caveat.errors import SettingsError

MOST_HEAD = 64 << 10
MOST_LINE = 4 << 10
#: Bytes that wait for a slow client before the upstream is told to wait too.
HIGH_WATER = 256 << 10
CONNECT_SECONDS = 10.0
#: Shorter than servers usually keep an idle connection (uvicorn, llama-server: 5), or a request meets a closed one.
KEEP_SECONDS = 4.0
MOST_IDLE = 256
STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*")
SIZE = re.compile(rb"([0-9a-fA-F]{1,15})(?:[ \t]*;[^\r\n]*)?")
TARGET = re.compile(rb"/[!-~]*")
Headers = list[tuple[bytes, bytes]]


class Unreachable(Exception):
    """No connection could be made."""


class Slow(Exception):
    """No byte came for too long."""


class Broke(Exception):
    """The connection ended, or its bytes were no HTTP, before the answer was whole."""


class Address(NamedTuple):
    """Where an upstream is; `path` is put before every target."""

    host: str
    port: int
    tls: bool
    path: bytes

    def named(self) -> bytes:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}").encode()


def address(url: str) -> Address:
    """The parts of http://HOST[:PORT][/PATH]. Raises SettingsError, which repeats nothing of it: it may hold a key."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        path = parts.path.encode("ascii").rstrip(b"/")
    except ValueError:
        parts, host, port, path = urlsplit(""), "", None, b""
    if parts.scheme not in ("http", "https") or not host or not url.isprintable() or parts.query or parts.fragment or (
            path and not TARGET.fullmatch(path)):
        raise SettingsError("--upstream wants http://HOST[:PORT][/PATH] or https://...")
    if "@" in parts.netloc:
        raise SettingsError("--upstream wants no user or password in it: clients send their own keys")
    tls = parts.scheme == "https"
    return Address(host, port or (443 if tls else 80), tls, path)


class Upstream:
    """Connections to one address, kept for a moment when idle. `seconds`: the longest wait for a byte."""

    def __init__(self, where: Address, seconds: float) -> None:
        self.where, self.seconds = where, seconds
        self.idle: deque[Connection] = deque()
        self.tls = ssl.create_default_context() if where.tls else None

    async def ask(self, method: str, target: bytes, headers: Headers, body: bytes) -> Answer:
        """Send a request; the answer's head is read. Raises Unreachable, Slow or Broke."""
        connection = self._kept() or await self._new()
        lines = [method.encode() + b" " + target + b" HTTP/1.1", b"host: " + self.where.named(),
                 *(k + b": " + v for k, v in headers)]
        if body or method in ("POST", "PUT", "PATCH"):
            lines.append(b"content-length: %d" % len(body))
        try:
            connection.send(b"\r\n".join(lines) + b"\r\n\r\n" + body, method)
            return Answer(self, connection, *await connection.head(self.seconds))
        except BaseException:
            connection.close()
            raise

    def _kept(self) -> Connection | None:
        while self.idle:
            connection = self.idle.pop()
            if connection.ready():
                return connection
        return None

    async def _new(self) -> Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, self.where.host, self.where.port, ssl=self.tls)
                return connection
        except (OSError, TimeoutError):
            raise Unreachable from None

    def keep(self, connection: Connection) -> None:
        """Take a connection back whose answer was read to its end."""
        if len(self.idle) < MOST_IDLE and connection.rests():
            self.idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


class Answer(NamedTuple):
    """An answer whose body is still to come. Close it in any case."""

    upstream: Upstream
    connection: Connection
    status: int
    headers: Headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes, without its framing. Raises Slow or Broke."""
        while piece := await self.connection.piece(self.upstream.seconds):
            yield piece

    def close(self) -> None:
        """Back to the idle ones if it was read to its end, else closed: the upstream then knows that nobody listens."""
        if self.connection.whole:
            self.upstream.keep(self.connection)
        else:
            self.connection.close()


class Connection(asyncio.Protocol):
    """One connection and the parser of its answers."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.buffer = bytearray()
        self.waiter: asyncio.Future[None] | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.until = 0.0
        self.ended = False  # the other side closed, or was closed
        self.wrong = False  # what came is no HTTP
        self.paused = False
        self.whole = True  # the answer was read to its end
        self.lasts = True  # it may be used again
        self.method = ""
        self.mode = ""  # "" idle | head | length | chunked | close
        self.left = 0  # bytes of a body or chunk still to come; in chunked mode 0: a size line comes
        self.ready_pieces: list[bytes] = []
        self.waiting = 0

    # -- what asyncio calls
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # create_connection makes a Transport

    def data_received(self, data: bytes) -> None:
        if not self.mode:
            self.close()  # nobody asked: what comes now would be taken for the next answer
            return
        self.buffer += data
        self._parse()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended = True
        if self.mode == "close" and error is None:
            self._done()
        self._wake()

    # -- what the proxy calls
    def send(self, data: bytes, method: str) -> None:
        self.method, self.mode, self.whole, self.lasts = method, "head", False, True
        self._untimed()
        if self.transport is not None:
            self.transport.write(data)

    async def head(self, seconds: float) -> tuple[int, Headers]:
        """(status, headers) of the answer; those of interim answers (1xx) are passed over."""
        while True:
            end = self.buffer.find(b"\r\n\r\n") if self.mode == "head" else -1
            if end < 0:
                if self.wrong or self.ended or len(self.buffer) > MOST_HEAD:
                    raise Broke
                await self._wait(seconds)
                continue
            head = bytes(self.buffer[:end])
            del self.buffer[:end + 4]
            status, headers, minor = _head(head)
            if status >= 200:
                self._framed(status, headers, minor)
                self._parse()
                return status, headers

    async def piece(self, seconds: float) -> bytes:
        """All that has come of the body; b"" at its end."""
        while not self.ready_pieces:
            if self.wrong or (self.ended and not self.whole):
                raise Broke
            if self.whole:
                return b""
            await self._wait(seconds)
        pieces, self.ready_pieces, self.waiting = self.ready_pieces, [], 0
        if self.paused and self.transport is not None and not self.ended:
            self.paused = False
            self.transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def ready(self) -> bool:
        """Whether an idle connection can be used again."""
        return not self.ended and not self.mode and self.transport is not None and not self.transport.is_closing()

    def rests(self) -> bool:
        """Idle from now on, for a moment; False where it cannot be used again."""
        if not self.lasts or self.buffer or not self.ready():
            return False
        self._untimed()
        self.timer = asyncio.get_running_loop().call_later(KEEP_SECONDS, self.close)
        return True

    def close(self) -> None:
        self._untimed()
        self.ended = True
        if self.transport is not None:
            self.transport.abort()

    # -- waiting
    async def _wait(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self.waiter = loop.create_future()
        self.until = loop.time() + seconds
        if self.timer is None:
            self.timer = loop.call_later(seconds, self._late)
        try:
            await self.waiter
        finally:
            self.waiter = None

    def _late(self) -> None:
        """One timer for many waits: a timer for each token would cost more than its bytes."""
        self.timer = None
        if self.waiter is None or self.waiter.done():
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self.until:
            self.timer = loop.call_at(self.until, self._late)
        else:
            self.waiter.set_exception(Slow())

    def _wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def _untimed(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None

    # -- parsing
    def _framed(self, status: int, headers: Headers, minor: bytes) -> None:
        """How long the body is (RFC 9112 §6.3). Raises Broke where that is not certain."""
        lengths = {v for k, v in headers if k == b"content-length"}
        coding, links = (b",".join(v.lower() for k, v in headers if k == name)
                         for name in (b"transfer-encoding", b"connection"))
        self.lasts = b"close" not in links and (minor == b"1" or b"keep-alive" in links)
        if self.method == "HEAD" or status in (204, 304):
            self._done()
        elif coding:
            if coding != b"chunked" or lengths:
                raise Broke
            self.mode, self.left = "chunked", 0
        elif lengths:
            length = lengths.pop()
            if lengths or not re.fullmatch(rb"\d{1,15}", length):
                raise Broke
            self.mode, self.left = "length", int(length)
        else:
            self.mode, self.lasts = "close", False

    def _parse(self) -> None:
        if self.mode == "chunked":
            self._chunks()
        elif self.mode == "length":
            self._take(self.left)
            if not self.left:
                self._done()
        elif self.mode == "close":
            self.left = len(self.buffer)
            self._take(self.left)

    def _take(self, most: int) -> None:
        """Body bytes out of the buffer; a slow reader makes the upstream wait."""
        got = bytes(self.buffer[:most])
        if not got:
            return
        del self.buffer[:len(got)]
        self.left -= len(got)
        self.ready_pieces.append(got)
        self.waiting += len(got)
        if self.waiting > HIGH_WATER and not self.paused and self.transport is not None and not self.ended:
            self.paused = True
            self.transport.pause_reading()

    def _chunks(self) -> None:
        """As many chunks as are there. `left` counts a chunk's bytes and the line end behind them."""
        while self.buffer:
            if self.left > 2:
                self.left -= 2
                self._take(self.left)
                self.left += 2
                continue
            if len(self.buffer) < self.left:
                return
            if self.buffer[:self.left] != b"\r\n"[2 - self.left:]:
                self.wrong = True
                return
            del self.buffer[:self.left]
            self.left = 0
            end = self.buffer.find(b"\r\n")
            if end < 0:
                self.wrong = len(self.buffer) > MOST_LINE
                return
            if not self._sized(bytes(self.buffer[:end]), end):
                return

    def _sized(self, line: bytes, end: int) -> bool:
        """A size line is read; False where the end of the body was, or where more must come."""
        size = SIZE.fullmatch(line)
        if size is None:
            self.wrong = True
            return False
        if int(size[1], 16):
            del self.buffer[:end + 2]
            self.left = int(size[1], 16) + 2
            return True
        close = self.buffer.find(b"\r\n\r\n", end)  # trailers, if any, end with an empty line; they are left behind
        if close < 0:
            self.wrong = len(self.buffer) > MOST_HEAD
            return False
        del self.buffer[:close + 4]
        self._done()
        return False

    def _done(self) -> None:
        self.whole, self.mode = True, ""


def _head(head: bytes) -> tuple[int, Headers, bytes]:
    """(status, headers in lower case, minor version). Raises Broke for what is no head."""
    first, *lines = head.split(b"\r\n")
    status, fields = STATUS.fullmatch(first), [FIELD.fullmatch(line) for line in lines]
    if status is None or None in fields or status[2] == b"101":
        raise Broke
    return int(status[2]), [(f[1].lower(), f[2]) for f in fields if f], status[1]
