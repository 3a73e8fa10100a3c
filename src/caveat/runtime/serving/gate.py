"""Who may talk to a server on this machine: its own pages and programs, and nobody's web page.

A web page elsewhere can point its own name at 127.0.0.1 (then the Host header names it) or post blindly to it (then
Origin or Sec-Fetch-Site names it). Both are refused; nothing is ever allowed across origins.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from caveat.runtime.serving.replies import error

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Any, Any], Awaitable[None]]
LOCAL = ("localhost", "127.0.0.1", "::1")
MOST_BODY = 32 << 20
CLOSED = ("the server speaks no WebSocket", 1008)


class Gate:
    """Wraps an ASGI app. `hosts` are names it is reached by; `anywhere` lets in every address written in digits."""

    def __init__(self, app: App, hosts: Iterable[str] = LOCAL, anywhere: bool = False) -> None:
        self.app, self.hosts, self.anywhere = app, frozenset(h.lower().strip("[]") for h in hosts), anywhere

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": CLOSED[1], "reason": CLOSED[0]})
        elif scope["type"] == "http" and (why := self.refuses(scope)):
            await error(send, 403, why, "forbidden")
        else:
            await self.app(scope, receive, send)

    def refuses(self, scope: Scope) -> str:
        """Why this request is not let in; "" if it is."""
        told = {k: v.decode("latin-1") for k, v in scope["headers"] if k in (b"host", b"origin", b"sec-fetch-site")}
        host, origin = told.get(b"host", ""), told.get(b"origin", "")
        if not self.knows(host):
            return f"this server does not go by the name {host[:100]!r} (start it with --allow-host NAME)"
        if (origin and urlsplit_host(origin) != host.lower()) or told.get(b"sec-fetch-site") == "cross-site":
            return "requests from other web pages are not answered"
        return ""

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server. An address in digits cannot be somebody's rebound name."""
        name = bare(host)
        return name in self.hosts or (self.anywhere and _is_address(name))


def bare(host: str) -> str:
    """A host without its port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def urlsplit_host(origin: str) -> str:
    """The host and port of an origin; "" for what is none ("null" included)."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name))
    except ValueError:
        return False


def local(host: str) -> bool:
    """Whether a server on this host is reached from this machine only."""
    name = host.strip("[]").lower()
    return name == "localhost" or (_is_address(name) and ip_address(name).is_loopback)
