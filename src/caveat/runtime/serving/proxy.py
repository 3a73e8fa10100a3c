"""Everything passes through to an upstream, byte for byte as it comes; what concerns one connection is left behind.

The request's body is taken whole (up to a limit) before it is sent on; the answer goes out piece by piece as the
upstream sends it, still compressed if it was. Redirects are passed on and not followed: keys go to the upstream and
nowhere else, and nothing of them is logged. An upstream that dies midway breaks the client's connection too, so that
half an answer never looks whole.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from caveat.runtime.serving import told
from caveat.runtime.serving.gate import MOST_BODY
from caveat.runtime.serving.middleware import KEY, Receive, Scope, Send
from caveat.runtime.serving.replies import error
from caveat.runtime.serving.wire import TARGET, Broke, Headers, Slow, Unreachable, Upstream, address

#: Headers that concern one connection only (RFC 9110 §7.6.1), and those that each side writes for itself.
HOP = frozenset((b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection",
                 b"te", b"trailer", b"trailers", b"transfer-encoding", b"upgrade", b"expect"))
OURS = HOP | {b"host", b"content-length"}
#: What a browser adds about our own page (the gate let no other in): an upstream would take it for a stranger's page,
#: and cookies of other programs on this machine are none of its business.
BROWSER = frozenset((b"origin", b"referer", b"cookie", b"sec-fetch-site", b"sec-fetch-mode", b"sec-fetch-dest",
                     b"sec-fetch-user"))


#: Of the models that an upstream lists: bytes of the list, and how many are shown on the page.
MOST_LIST, MOST_LISTED = 1 << 20, 50


#: What `Proxy.models` raises where the upstream gives no list.
NO_ANSWER = (Unreachable, Slow, Broke)


class Gone(Exception):
    """The client hung up."""


class TooLarge(Exception):
    """A body beyond the limit."""


class Proxy:
    """An ASGI app in front of `upstream` (http://HOST[:PORT][/PATH]). Raises SettingsError for what is no such address.

    `seconds` without a byte from upstream end a request; bodies beyond `most_body` bytes are refused.
    """

    def __init__(self, upstream: str, *, most_body: int = MOST_BODY, seconds: float = 600.0) -> None:
        self.where, self.most_body = address(upstream), most_body
        self.upstream = Upstream(self.where, seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        try:
            body = await whole(scope, receive, self.most_body)
            target = self._target(scope)
        except TooLarge:
            await error(send, 413, f"the request is larger than {self.most_body} bytes", "request_too_large")
        except ValueError:
            await error(send, 400, "the path of the request is no path", "invalid_path")
        except Gone:
            return
        else:
            await until_left(receive, self._answer(scope, target, body, send))

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.upstream.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, target: bytes, body: bytes, send: Send) -> None:
        try:
            answer = await self.upstream.ask(scope["method"], target, _asked(scope["headers"]), body)
        except (Unreachable, Slow, Broke) as fault:
            _cut(scope, "upstream")
            await error(send, *_told(fault, self.where.host))
            return
        try:
            await send({"type": "http.response.start", "status": answer.status, "headers": onward(answer.headers, HOP)})
            async for piece in answer.pieces():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (Slow, Broke):
            _cut(scope, "upstream")  # returning without an end makes the server break the connection
        finally:
            answer.close()

    async def models(self) -> list[str]:
        """The names of the models that the upstream lists without being shown a key. Raises what `ask` raises, Broke
        for a list that is none."""
        prefix = b"" if self.where.path.endswith(b"/v1") else b"/v1"
        answer = await self.upstream.ask("GET", self.where.path + prefix + b"/models", [], b"")
        try:
            body = b""
            async for piece in answer.pieces():
                body += piece
                if len(body) > MOST_LIST:
                    raise Broke
        finally:
            answer.close()
        listed = told.asked(body).get("data")
        if answer.status != 200 or not isinstance(listed, list):
            raise Broke
        named = [m["id"] for m in listed if isinstance(m, dict) and isinstance(m.get("id"), str)]
        return [name for name in named if len(name) <= told.LONGEST_NAME][:MOST_LISTED]

    def _target(self, scope: Scope) -> bytes:
        """The upstream's own path is put before, unless the client already wrote it. Raises ValueError."""
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        if self.where.path and not (path + b"/").startswith(self.where.path + b"/"):
            path = self.where.path + path
        query: bytes = scope.get("query_string", b"")
        target = path + (b"?" + query if query else b"")
        if not TARGET.fullmatch(target):
            raise ValueError
        return target


async def until_left(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do the work in this task until it is done or the client hangs up, which cancels it."""
    me, left, over = asyncio.current_task(), False, False

    def stop(leaving: asyncio.Task[None]) -> None:
        nonlocal left
        if me is not None and not over and not leaving.cancelled():
            left = True
            me.cancel()

    leaving = asyncio.ensure_future(_left(receive))
    leaving.add_done_callback(stop)
    try:
        await work
    except asyncio.CancelledError:
        if not left or me is None or me.uncancel():
            raise  # somebody else wants this task to end
    finally:
        over = True
        leaving.cancel()


def _asked(headers: Headers) -> Headers:
    """The request's headers as the upstream gets them."""
    from_page = any(k in (b"origin", b"sec-fetch-site") for k, _ in headers)
    return onward(headers, OURS | BROWSER if from_page else OURS)


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


def _told(fault: Exception, host: str) -> tuple[int, str, str]:
    """Status, words and code: what the client is told of an upstream that gave no answer. Never its path or keys."""
    if isinstance(fault, Unreachable):
        return 502, f"the upstream {host} cannot be reached", "upstream_unreachable"
    if isinstance(fault, Slow):
        return 504, f"the upstream {host} did not answer in time", "upstream_timeout"
    return 502, f"the upstream {host} broke off before it answered", "upstream_broke_off"
