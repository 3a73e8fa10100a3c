"""ASGI middleware that says whose answers these are and logs what was delivered, around any app that serves a model.

    app.add_middleware(ProvenanceMiddleware)                                         FastAPI, Starlette
    vllm serve MODEL --middleware caveat.runtime.serving.middleware.ProvenanceMiddleware    (settings: settings.py)

Bodies pass untouched and unbuffered. After the request was read, one task listens for the client hanging up, so that
a half-delivered answer is logged as such even if the app never looks.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from caveat.errors import CaveatError
from caveat.runtime.serving import told
from caveat.runtime.serving.exchange import Exchange, rows_of
from caveat.runtime.serving.headers import Headers, Known, exchange_header, provenance, replaced
from caveat.runtime.serving.log import Log
from caveat.runtime.serving.replies import error
from caveat.runtime.serving.settings import Settings, from_environment, run_id

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
#: Origins that were found, by model name; names come from strangers, so there is a bound.
MOST_NAMES = 1000
#: Bytes of a request that are parsed in a thread, so that others need not wait.
LARGE = 128 << 10
#: Where the exchange lies in the scope, for an app that knows who cut it off.
KEY = "caveat.exchange"


class Named(NamedTuple):
    """What is known of one model name, and the headers that say it."""

    known: Known | None
    headers: Headers


class ProvenanceMiddleware:
    """Wraps an ASGI app. Without `settings` they come from the environment (see settings.py)."""

    def __init__(self, app: App, settings: Settings | None = None, log: Log | None = None) -> None:
        self.app = app
        told = settings or from_environment()
        self.settings = told if told.run_id else told._replace(run_id=run_id())
        self.log = log or (Log(told.log) if told.log else None)
        self.names: dict[str, Named] = {}
        self.nobody = Named(None, provenance(None, self.settings.run_id))
        self.count = itertools.count(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        elif scope["type"] != "http" or not self.settings.watches(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
        elif self.log and (self.log.fault or not self.log.open()):
            await error(send, 503, "what is answered here is logged, and the log cannot be written now",
                        "log_unavailable")
        else:
            await Watched(self, scope, receive, send).run()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            if self.log:
                await asyncio.to_thread(self.log.close)

    async def known(self, model: str) -> Named:
        """The origin of a model; found in a thread the first time, since it may take a moment."""
        if model not in self.names:
            known = await asyncio.to_thread(self._found, model)
            found = Named(known, provenance(known, self.settings.run_id))
            if len(self.names) >= MOST_NAMES:
                return found
            self.names[model] = found
        return self.names[model]

    def _found(self, model: str) -> Known | None:
        try:
            return self.settings.find(model)
        except CaveatError:
            return None  # nobody is known by it: the log says the name, and no generator


class Watched:
    """One exchange on its way through: what the app receives and sends, seen and left as it is."""

    def __init__(self, owner: ProvenanceMiddleware, scope: Scope, receive: Receive, send: Send) -> None:
        self.owner, self.scope, self._receive, self._send = owner, scope, receive, send
        run = owner.settings.run_id
        self.exchange = Exchange(scope["path"], run, f"{run}/{next(owner.count)}")
        self.headers = owner.nobody.headers
        self.gone: asyncio.Task[Message] | None = None
        scope[KEY] = self.exchange

    async def run(self) -> None:
        try:
            await self.owner.app(self.scope, self.receive, self.send)
        finally:
            if self.gone:
                self.gone.cancel()
            self._logged()

    def _logged(self) -> None:
        """Both rows are put without waiting: no cancellation can come between."""
        self.exchange.over()
        self._ask()
        if self.owner.log:
            self.owner.log.put(rows_of(self.exchange, self.owner.settings.keep_text)[1])

    def _ask(self) -> None:
        if self.owner.log and not self.exchange.logged:
            self.exchange.logged = True
            self.owner.log.put(rows_of(self.exchange, self.owner.settings.keep_text)[0])

    async def receive(self) -> Message:
        """Pieces of the request as they come; then whatever the one listener hears."""
        if self.gone:
            return await asyncio.shield(self.gone)
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.exchange.gone = not self.exchange.whole
        elif message["type"] == "http.request":
            self.exchange.request.add(message.get("body", b""))
            if not message.get("more_body"):
                await self._asked()
        return message

    async def _asked(self) -> None:
        exchange = self.exchange
        body = exchange.request.whole()
        exchange.body = told.asked(body) if len(body) < LARGE else await asyncio.to_thread(told.asked, body)
        exchange.known, self.headers = await self.owner.known(told.model_of(exchange.body, exchange.path))
        self._ask()
        self.gone = asyncio.create_task(self._listen())

    async def _listen(self) -> Message:
        message = await self._receive()
        self.exchange.gone = not self.exchange.whole
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._started(message)
        await self._send(message)
        if message["type"] == "http.response.body" and not self.exchange.gone:
            self.exchange.answer.add(message.get("body", b""))
            self.exchange.whole = not message.get("more_body", False)

    def _started(self, message: Message) -> Message:
        exchange, headers = self.exchange, list(message.get("headers", ()))
        exchange.status = None if exchange.gone else message["status"]
        named = {bytes(k).lower(): bytes(v).decode("latin-1").strip().lower() for k, v in headers}
        exchange.media, exchange.encoding = named.get(b"content-type", ""), named.get(b"content-encoding", "")
        return {**message, "headers": replaced(headers, [*self.headers, exchange_header(exchange.id)])}
