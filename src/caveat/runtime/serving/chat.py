"""One chat on an engine: the request looked at, the model run in a thread of its own, stopped when nobody listens.

Engines answer one chat at a time. Who comes meanwhile waits in a short line; who comes after that is told to come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from threading import Event
from typing import Any

from caveat.errors import CaveatError, EngineError
from caveat.runtime.engine import Answer, Engine

MOST_MESSAGES = 1000
MOST_IN_LINE = 32
ROLES = ("system", "developer", "user", "assistant")
#: Asked for, and not done here: silence would be a wrong answer.
NOT_DONE = ("tools", "functions", "logprobs", "top_logprobs", "audio", "modalities", "prediction", "web_search_options",
            "echo", "suffix")
#: Longest text where a completion does not say, as in OpenAI's reference: a bare text seldom ends by itself.
USUAL_TOKENS = 16


class Bad(Exception):
    """A request that cannot be answered: status, words, code and which parameter."""

    def __init__(self, status: int, what: str, code: str, param: str | None = None) -> None:
        self.status, self.what, self.code, self.param = status, what, code, param
        super().__init__(what)


def looked_at(request: dict[str, Any]) -> dict[str, Any]:
    """The request as an engine takes it. Raises Bad naming the parameter."""
    messages = request.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MOST_MESSAGES:
        raise Bad(400, f"messages wants a list of 1 to {MOST_MESSAGES}", "invalid_value", "messages")
    _doable(request)
    kept = {k: v for k, v in request.items() if k != "prompt"}
    return {**kept, "messages": [_message(m, f"messages[{n}]") for n, m in enumerate(messages)]}


def text_looked_at(request: dict[str, Any]) -> dict[str, Any]:
    """A request for a text to be gone on with, as an engine takes it. Raises Bad naming the parameter."""
    prompt = request.get("prompt")
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if not isinstance(prompt, str) or not prompt:
        raise Bad(400, "prompt wants one text", "invalid_value", "prompt")
    _doable(request)
    kept = {k: v for k, v in request.items() if k not in ("messages", "max_completion_tokens")}
    return {**kept, "prompt": prompt, "max_tokens": request.get("max_tokens") or USUAL_TOKENS}


def _doable(request: dict[str, Any]) -> None:
    """Raises Bad for what is not done here, and for numbers out of range."""
    for name in NOT_DONE:
        if request.get(name):
            raise Bad(400, f"{name}: this server does not do that", "unsupported_parameter", name)
    for name in ("n", "best_of"):
        if request.get(name) not in (None, 1):
            raise Bad(400, f"{name}: one answer at a time", "unsupported_parameter", name)
    if (request.get("response_format") or {"type": "text"}) != {"type": "text"}:
        raise Bad(400, "response_format: only text", "unsupported_parameter", "response_format")
    _numbers(request)


#: Parameter -> least, greatest.
RANGES = {"temperature": (0, 2), "top_p": (0, 1), "max_tokens": (1, 1 << 20), "max_completion_tokens": (1, 1 << 20),
          "seed": (-(1 << 63), 1 << 63), "presence_penalty": (-2, 2), "frequency_penalty": (-2, 2)}


def _numbers(request: dict[str, Any]) -> None:
    for name, (least, most) in RANGES.items():
        value = request.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise Bad(400, f"{name} wants a number from {least} to {most}", "invalid_value", name)


def _message(message: object, place: str) -> dict[str, str]:
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise Bad(400, f"{place}.role wants one of {', '.join(ROLES)}", "invalid_value", f"{place}.role")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(_part(p, place) for p in content)
    if not isinstance(content, str):
        raise Bad(400, f"{place}.content wants text", "invalid_value", f"{place}.content")
    return {"role": "system" if message["role"] == "developer" else message["role"], "content": content}


def _part(part: object, place: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return str(part["text"])
    raise Bad(400, f"{place}.content: only parts of text", "invalid_value", f"{place}.content")


class Seat:
    """One model that is served: its engine, opened when it is first asked, and the line before it."""

    def __init__(self, open_: Callable[[], Engine]) -> None:
        self._open = open_
        self._opening: asyncio.Task[Engine] | None = None
        self._one, self._line = asyncio.Lock(), 0

    async def chunks(self, request: dict[str, Any]) -> AsyncIterator[Answer]:
        """The answer as it comes; closing it stops the model. Raises Bad before the first chunk, EngineError later."""
        if self._line >= MOST_IN_LINE:
            raise Bad(429, "too many wait for this model; come back in a moment", "busy")
        self._line += 1
        try:
            async with self._one:
                engine = await self._opened()
                async for chunk in _from_thread(engine, request):
                    yield chunk
        finally:
            self._line -= 1

    async def _opened(self) -> Engine:
        """The engine, opened once. Who hangs up meanwhile does not stop it: the next one wants it too."""
        if self._opening is None or (self._opening.done() and self._opening.exception()):
            self._opening = asyncio.create_task(asyncio.to_thread(self._open))
        return await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Give its memory back."""
        if self._opening is not None:
            with suppress(CaveatError):
                engine = await self._opening
                await asyncio.to_thread(engine.close)


async def _from_thread(engine: Engine, request: dict[str, Any]) -> AsyncIterator[Answer]:
    """An engine's chunks, made in a thread. Whoever stops listening stops it, and waits until it has stopped."""
    loop, queue, left = asyncio.get_running_loop(), asyncio.Queue(), Event()  # type: Any, asyncio.Queue[Any], Event
    work = loop.run_in_executor(None, _work, engine, request, left,
                                lambda what: loop.call_soon_threadsafe(queue.put_nowait, what))
    try:
        while (chunk := await queue.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
    finally:
        left.set()
        await asyncio.shield(work)


def _work(engine: Engine, request: dict[str, Any], left: Event, tell: Callable[[Any], Any]) -> None:
    """Runs in a thread: every chunk is told, then an error or None."""
    chunks = None
    try:
        chunks = engine.stream(request)
        for chunk in chunks:
            if left.is_set():
                break
            tell(chunk)
        tell(None)
    except Exception as fault:
        tell(fault if isinstance(fault, CaveatError) else EngineError(f"the engine failed: {type(fault).__name__}"))
    finally:
        close = getattr(chunks, "close", None)
        if close:
            close()


def status_of(fault: CaveatError) -> int:
    """400 where the request was refused, else 500."""
    return 400 if isinstance(fault, EngineError) and fault.kind in ("refused", "template") else 500
