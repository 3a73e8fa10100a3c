"""Real servers on ports of their own for the tests of serving: uvicorn in a thread, and an upstream that misbehaves."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from caveat.runtime.serving.reading import exchanges

pytest.importorskip("starlette", reason="the extra `run` is not installed")
httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn")

QUESTION = {"model": "meta-llama/Llama-2-7b-chat-hf", "messages": [{"role": "user", "content": "hello"}]}


class Running:
    """An ASGI app behind uvicorn on an ephemeral port, for the length of a `with`."""

    def __init__(self, app: Any) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, server_header=False,
                                                    timeout_graceful_shutdown=2))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)

    def __enter__(self) -> Running:
        self.thread.start()
        wait_until(lambda: self.server.started)
        return self

    def __exit__(self, *error: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


def wait_until(so: Callable[[], object], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not so():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


def event(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish}
    return b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                   "choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


class Upstream:
    """A raw HTTP/1.1 server in a thread that answers as `answer(head, body, writer)` says, and notes what it got."""

    def __init__(self, answer: Callable[[bytes, bytes, asyncio.StreamWriter], Any]) -> None:
        self.answer = answer
        self.got: list[tuple[bytes, bytes]] = []
        self.left = 0
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self.thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Upstream:
        self.thread.start()
        wait_until(lambda: self.port)
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *error: object) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._served, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self.loop.run_forever()

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n")
                           if line.lower().startswith(b"content-length:")), 0)
            body = await reader.readexactly(length)
            self.got.append((head, body))
            await self.answer(head, body, writer)
            writer.close()
        except (ConnectionError, asyncio.IncompleteReadError):
            self.left += 1


def stream_head(extra: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n" + extra + b"\r\n"


def piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def logged(path: Path, many: int = 1) -> list[dict[str, Any]]:
    """The exchanges of a log, once there are as many as asked."""
    wait_until(lambda: len([r for r in exchanges(path) if r["ended"] != "never ended"]) >= many)
    return list(exchanges(path))


def bytes_of(folder: Path) -> Iterator[bytes]:
    return (p.read_bytes() for p in folder.rglob("*") if p.is_file())
