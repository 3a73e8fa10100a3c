"""The chat page before any app that speaks OpenAI's language: three files, and what may be done with the answers.

    GET / or /caveat/ · /caveat/page.css · /caveat/page.js · /caveat/models
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from caveat.runtime.serving.middleware import App, Receive, Scope, Send
from caveat.runtime.serving.replies import reply

HERE = Path(__file__).parent / "page"
#: The page asks nothing of anybody but this server, runs only its own script and is shown in no other page.
POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
GUARDS = ((b"content-security-policy", POLICY.encode()), (b"x-content-type-options", b"nosniff"),
          (b"referrer-policy", b"no-referrer"), (b"cache-control", b"no-cache"), (b"x-frame-options", b"DENY"),
          (b"cross-origin-opener-policy", b"same-origin"), (b"cross-origin-resource-policy", b"same-origin"))
FILES = {"/caveat/": ("page.html", b"text/html; charset=utf-8"), "/caveat/page.css": ("page.css", b"text/css"),
         "/caveat/page.js": ("page.js", b"text/javascript; charset=utf-8"),
         "/caveat/icon.svg": ("icon.svg", b"image/svg+xml")}
#: What the page asks: {"models": [panel, ...], "place": where the answers come from, "fault": what went wrong}.
Shown = Callable[[], Awaitable[Mapping[str, Any]]]


class Pages:
    """Wraps an ASGI app with the page at `home` ("/" or "/caveat/")."""

    def __init__(self, app: App, home: str, shown: Shown) -> None:
        self.app, self.shown = app, shown
        self.files = {**FILES, home: FILES["/caveat/"]}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" and scope["method"] in ("GET", "HEAD") else ""
        if path in self.files:
            name, media = self.files[path]
            await reply(send, 200, HERE.joinpath(name).read_bytes(), media, GUARDS)
        elif path == "/caveat/models":
            await reply(send, 200, json.dumps(await self.shown()).encode(), b"application/json", GUARDS)
        else:
            await self.app(scope, receive, send)
