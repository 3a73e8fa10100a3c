"""GGUF files served at home, as OpenAI's clients expect it.

    GET /v1/models · /v1/models/NAME      POST /v1/chat/completions · /v1/completions  (streamed or not)
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from caveat.errors import CaveatError
from caveat.runtime.engine import Answer, Engine, missing, whole
from caveat.runtime.serving import told
from caveat.runtime.serving.chat import Bad, Seat, looked_at, status_of, text_looked_at
from caveat.runtime.serving.middleware import KEY, App
from caveat.runtime.serving.proxy import Gone, TooLarge
from caveat.runtime.serving.proxy import whole as body_of
from caveat.runtime.serving.replies import fault

MOST_BODY = 4 << 20
Shape = Callable[[Answer], Answer]


class Served(NamedTuple):
    """A model to serve: the name clients use, other names it answers to, its owner, and how to open it."""

    id: str
    also: tuple[str, ...]
    owner: str
    open: Callable[[], Engine]


def endpoint(models: tuple[Served, ...]) -> App:
    """The ASGI app. Raises CaveatError where starlette is missing."""
    try:
        from starlette.applications import Starlette
        from starlette.routing import Route
    except ImportError as error:
        raise missing("serving a model", error) from None
    desk = Desk(models)
    return Starlette(lifespan=desk.live, exception_handlers={404: desk.nowhere, 405: desk.nowhere}, routes=[
        Route("/v1/models", desk.list), Route("/v1/models/{name:path}", desk.one),
        Route("/v1/chat/completions", desk.chat, methods=["POST"]),
        Route("/v1/completions", desk.bare, methods=["POST"]),
    ])


class Desk:
    """What each route does. `Any` stands for starlette's requests and responses, which are imported late."""

    def __init__(self, models: tuple[Served, ...]) -> None:
        self.models, self.since = models, int(time.time())
        self.seats = {m.id: Seat(m.open) for m in models}
        self.names: dict[str, Served] = {name: m for m in reversed(models) for name in (*m.also, m.id)}

    @asynccontextmanager
    async def live(self, app: Any) -> AsyncIterator[None]:
        yield
        for seat in self.seats.values():
            await seat.close()

    async def nowhere(self, request: Any, error: Any) -> Any:
        what = f"{request.method} {request.url.path[:200]}: there is nothing here"
        return _json(fault(error.status_code, what, "not_found"), error.status_code)

    async def list(self, request: Any) -> Any:
        return _json({"object": "list", "data": [self._listed(m) for m in self.models]})

    async def one(self, request: Any) -> Any:
        found = self.names.get(request.path_params["name"])
        return _json(self._listed(found)) if found else _bad(_no_model(request.path_params["name"]))

    def _listed(self, m: Served) -> dict[str, Any]:
        return {"id": m.id, "object": "model", "created": self.since, "owned_by": m.owner}

    async def bare(self, request: Any) -> Any:
        """A text gone on with, as it is: no chat template."""
        return await self._answered(request, text_looked_at, as_text)

    async def chat(self, request: Any) -> Any:
        return await self._answered(request, looked_at, dict)

    async def _answered(self, request: Any, look: Callable[[dict[str, Any]], dict[str, Any]], shape: Shape) -> Any:
        try:
            asked = await self._asked(request)
            model = self._named(asked)
            chunks = self.seats[model.id].chunks(look(asked))
            return await self._replied(request, Stream(model.id, chunks, request.scope.get(KEY), asked, shape))
        except Bad as bad:
            return _bad(bad)
        except CaveatError as error:
            return _json(fault(status_of(error), str(error), "engine"), status_of(error))

    async def _asked(self, request: Any) -> dict[str, Any]:
        try:
            body = await body_of(request.scope, request.receive, MOST_BODY)
        except TooLarge:
            raise Bad(413, f"the request is larger than {MOST_BODY} bytes", "request_too_large") from None
        except Gone:
            raise Bad(400, "the request broke off", "broke_off") from None
        asked = told.asked(body)
        if not asked:
            raise Bad(400, "the request wants a JSON object", "invalid_json")
        return asked

    def _named(self, asked: Mapping[str, Any]) -> Served:
        name = asked.get("model")
        found = self.names.get(name) if isinstance(name, str) else None
        if found is None:
            raise _no_model(name)
        return found

    async def _replied(self, request: Any, streamed: Stream) -> Any:
        """The first chunk is awaited before anything is sent, so that its faults get a status of their own."""
        from starlette.responses import StreamingResponse

        if not streamed.wanted:
            return await _unless_left(request, streamed.collected())
        await _unless_left(request, streamed.begin())
        return StreamingResponse(streamed.events(), media_type="text/event-stream", headers={
            "cache-control": "no-cache", "x-accel-buffering": "no"})


class Stream:
    """An engine's chunks on their way to a client: named as the client named the model, tokens counted apart."""

    def __init__(self, model: str, chunks: AsyncIterator[Answer], exchange: Any, asked: Mapping[str, Any],
                 shape: Shape) -> None:
        self.model, self.chunks, self.exchange, self.shape = model, chunks, exchange, shape
        self.wanted = asked.get("stream") is True
        options = asked.get("stream_options")
        self.counts = isinstance(options, dict) and options.get("include_usage") is True
        self.head: Answer = {}
        self.usage: dict[str, Any] | None = None

    async def begin(self) -> None:
        self.head = self._seen(await anext(self.chunks, {}))

    def _seen(self, chunk: Answer) -> Answer:
        usage = chunk.get("usage")
        if isinstance(usage, dict):
            self.usage = usage
            if self.exchange is not None:
                self.exchange.usage = usage
        return {**chunk, "model": self.model}

    async def events(self) -> AsyncIterator[bytes]:
        """Server-sent events. An engine that fails midway is told as an error event, and the stream is not done."""
        chunk = self.head
        try:
            while chunk:
                yield _event(self.shape({k: v for k, v in chunk.items() if k != "usage"}))
                chunk = self._seen(await anext(self.chunks, {}))
                chunk = chunk if "choices" in chunk else {}
        except CaveatError as error:
            if self.exchange is not None:
                self.exchange.cut_by = "server"
            yield _event(fault(500, str(error), "engine"))
            return
        finally:
            await self.chunks.aclose()  # type: ignore[attr-defined]  # an async generator
        if self.counts:
            yield _event(self.shape({**self.head, "choices": [], "usage": self.usage}))
        yield b"data: [DONE]\n\n"

    async def collected(self) -> Any:
        """The whole answer in one piece. Raises EngineError if it broke off."""
        try:
            got = [self._seen(chunk) async for chunk in self.chunks]
        finally:
            await self.chunks.aclose()  # type: ignore[attr-defined]
        return _json(self.shape(whole(got)))


def as_text(answer: Answer) -> Answer:
    """A chat's answer, or a chunk of one, in the shape of a completion."""
    choices = [{"index": 0, "text": (c.get("delta") or c.get("message") or {}).get("content") or "", "logprobs": None,
                "finish_reason": c.get("finish_reason")} for c in answer["choices"]]
    id = str(answer.get("id", "")).replace("chatcmpl-", "cmpl-", 1)
    return {**answer, "id": id, "object": "text_completion", "choices": choices}


async def _unless_left(request: Any, work: Awaitable[Any]) -> Any:
    """What the work gives; if the client hangs up first, the work is stopped: nobody is there to read it."""
    import asyncio

    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise Bad(499, "the client hung up", "hung_up")
        return await working
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Any) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _no_model(name: object) -> Bad:
    what = f"the model {str(name)[:200]!r} is not served here; /v1/models lists them"
    return Bad(404, what, "model_not_found", "model")


def _event(told: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(told, separators=(",", ":")).encode() + b"\n\n"


def _json(told: Any, status: int = 200) -> Any:
    from starlette.responses import JSONResponse

    return JSONResponse(told, status, headers={"x-content-type-options": "nosniff"})


def _bad(bad: Bad) -> Any:
    return _json(fault(bad.status, bad.what, bad.code, bad.param), bad.status)
