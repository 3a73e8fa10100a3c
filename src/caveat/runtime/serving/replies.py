"""Short answers of our own over bare ASGI, in the shape that OpenAI's clients understand."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
#: Status -> the error type that OpenAI's clients expect with it.
TYPES = {400: "invalid_request_error", 403: "permission_error", 404: "invalid_request_error",
         405: "invalid_request_error", 413: "invalid_request_error", 429: "rate_limit_error"}


def fault(status: int, what: str, code: str, param: str | None = None) -> dict[str, Any]:
    """The error object."""
    kind = TYPES.get(status, "api_error")
    return {"error": {"message": what, "type": kind, "param": param, "code": code}}


async def error(send: Send, status: int, what: str, code: str, param: str | None = None) -> None:
    """Send an error object."""
    await reply(send, status, json.dumps(fault(status, what, code, param)).encode(), b"application/json")


async def reply(send: Send, status: int, body: bytes, media: bytes,
                headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
    """Send a whole answer at once."""
    fixed = ((b"content-type", media), (b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": body})
