"""Everything passes through to an upstream, byte for byte as it comes; what concerns one connection is left behind.

The request's body is taken whole (up to a limit) before it is sent on; the answer goes out piece by piece as the
upstream sends it, still compressed if it was. Redirects are passed on and not followed: keys go to the upstream and
nowhere else, and nothing of them is logged. An upstream that dies midway breaks the client's connection too, so that
half an answer never looks whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, MutableMapping
from typing import Any

from caveat.errors import CaveatError, SettingsError
from caveat.runtime.serving.gate import MOST_BODY
from caveat.runtime.serving.middleware import KEY, Receive, Scope, Send
from caveat.runtime.serving.replies import error

#: Headers that concern one connection only (RFC 9110 §7.6.1), and those that each side writes for itself.
HOP = frozenset((b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
                 b"te", b"trailer", b"trailers", b"transfer-encoding", b"upgrade", b"expect"))
OURS = HOP | {b"host", b"content-length"}
CONNECT_SECONDS = 10.0
#: Shorter than servers usually keep an idle connection (uvicorn: 5), or a request meets a closed one.
KEEP_SECONDS = 4.0
Headers = list[tuple[bytes, bytes]]


class Gone(Exception):
    """The client hung up."""


class TooLarge(Exception):
    """A body beyond the limit."""


class Proxy:
    """An ASGI app in front of `upstream` (http://host[:port][/path]). Raises SettingsError for what is no such address,
    CaveatError where httpx is missing. `seconds` without a byte from upstream end a request."""

    def __init__(self, upstream: str, *, most_body: int = MOST_BODY, seconds: float = 600.0) -> None:
        try:
            import httpx
        except ImportError:
            raise CaveatError("a proxy needs httpx: pip install 'caveat[run]'") from None
        self.base = _address(httpx, upstream)
        self.prefix = self.base.raw_path.rstrip(b"/")
        self.most_body = most_body
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=256, keepalive_expiry=KEEP_SECONDS)
        # The transport alone: no cookies kept, no redirects followed, no keys out of a netrc file, nothing logged.
        self.transport = httpx.AsyncHTTPTransport(limits=limits, trust_env=False)
        self.timeout = {"connect": CONNECT_SECONDS, "read": seconds, "write": seconds, "pool": None}
        self._httpx = httpx

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            body = await whole(scope, receive, self.most_body)
        except TooLarge:
            await error(send, 413, f"the request is larger than {self.most_body} bytes", "request_too_large")
            return
        except Gone:
            return
        await self._passed(scope, receive, send, body)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.transport.aclose()
        await send({"type": "lifespan.shutdown.complete"})

    async def _passed(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Whichever comes first: the answer is through, or the client hangs up; then the upstream is told to stop."""
        passing = asyncio.ensure_future(self._answer(scope, send, body))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((passing, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            passing.cancel()
            leaving.cancel()
            await asyncio.gather(passing, leaving, return_exceptions=True)
        if not passing.cancelled():
            passing.result()

    async def _answer(self, scope: Scope, send: Send, body: bytes) -> None:
        try:
            url = self._url(scope)
        except self._httpx.InvalidURL:
            await error(send, 400, "the path of the request is no path", "invalid_path")
            return
        request = self._httpx.Request(scope["method"], url, headers=onward(scope["headers"], OURS),
                                      content=body or None, extensions={"timeout": self.timeout})
        try:
            response = await self.transport.handle_async_request(request)
        except self._httpx.TransportError as fault:
            _cut(scope, "upstream")
            await error(send, *_told(self._httpx, fault, self.base.host))
            return
        try:
            await self._stream(scope, response, send)
        except self._httpx.TransportError:
            _cut(scope, "upstream")  # returning without an end makes the server break the connection
        finally:
            await response.aclose()

    async def _stream(self, scope: Scope, response: Any, send: Send) -> None:
        headers = onward(((k.lower(), v) for k, v in response.headers.raw), HOP)
        await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
        message: MutableMapping[str, Any] = {"type": "http.response.body", "more_body": True}
        pieces: AsyncIterable[bytes] = response.stream
        async for piece in pieces:
            await send({**message, "body": piece})
        await send({"type": "http.response.body", "body": b""})

    def _url(self, scope: Scope) -> Any:
        """The upstream's address of this request: its own path is put before, unless the client already wrote it."""
        path = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        path = path if path.startswith(b"/") else b"/" + path
        if self.prefix and not (path + b"/").startswith(self.prefix + b"/"):
            path = self.prefix + path
        query = scope.get("query_string", b"")
        return self.base.copy_with(raw_path=path + (b"?" + query if query else b""))


def _address(httpx: Any, upstream: str) -> Any:
    try:
        url = httpx.URL(upstream)
    except (httpx.InvalidURL, TypeError, ValueError):
        url = None
    if url is None or url.scheme not in ("http", "https") or not url.host or url.query or url.fragment:
        raise SettingsError("--upstream wants http://HOST[:PORT][/PATH] or https://...")
    if url.userinfo:
        raise SettingsError("--upstream wants no user or password in it: clients send their own keys")
    return url


def onward(headers: Any, left: frozenset[bytes]) -> Headers:
    """Headers without those that stay on one connection, also the ones that Connection names."""
    headers = list(headers)
    named = {n.strip().lower() for k, v in headers if k == b"connection" for n in v.split(b",")}
    return [(k, v) for k, v in headers if k not in left and k not in named]


async def whole(scope: Scope, receive: Receive, most: int) -> bytes:
    """The body of a request. Raises TooLarge before it takes more than `most` bytes, Gone if the client hangs up."""
    length = next((v for k, v in scope["headers"] if k == b"content-length"), b"0")
    if length.isdigit() and int(length[:20]) > most:
        raise TooLarge
    pieces, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        pieces.append(message.get("body", b""))
        size += len(pieces[-1])
        if size > most:
            raise TooLarge
        if not message.get("more_body"):
            return b"".join(pieces)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _cut(scope: Scope, by: str) -> None:
    exchange = scope.get(KEY)
    if exchange is not None and not exchange.gone:
        exchange.cut_by = by


def _told(httpx: Any, fault: Exception, host: str) -> tuple[int, str, str]:
    """Status, words and code: what the client is told of an upstream that gave no answer. Never its address or keys."""
    if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout):
        return 502, f"the upstream {host} cannot be reached", "upstream_unreachable"
    if isinstance(fault, httpx.TimeoutException):
        return 504, f"the upstream {host} did not answer in time", "upstream_timeout"
    return 502, f"the upstream {host} broke off before it answered", "upstream_broke_off"
