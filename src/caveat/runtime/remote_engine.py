"""A model at an address that speaks OpenAI's chat completions: Ollama, vLLM, llama-server, hosted services.

Whatever comes back is a stranger's: answers are read within bounds, redirects are not followed (a key would go
along), and neither an error nor a log ever repeats the key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from caveat.errors import EngineError, SettingsError
from caveat.runtime.engine import Answer, Request, missing

ANSWER_LIMIT, LINE_LIMIT, TOLD_LIMIT = 32 << 20, 1 << 20, 300
CONNECT_SECONDS = 10.0
TRY_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|::1")
LONGEST_WAIT = 120.0


class RemoteEngine:
    """One address and its connections; safe to ask from several threads."""

    name, version = "openai-compatible", ""

    def __init__(self, url: str, *, key: str = "", timeout: float = 300.0) -> None:
        self.url = address(url)
        try:
            import httpx
        except ImportError as fault:
            raise missing("asking a model at an address", fault) from None
        self._http, self._key = httpx, key
        headers = {"authorization": f"Bearer {key}"} if key else {}
        near = bool(LOOPBACK.fullmatch(urlsplit(self.url).hostname or ""))
        # Proxies of the environment are for the world outside, not for this machine.
        self._client = httpx.Client(headers=headers, timeout=httpx.Timeout(timeout, connect=CONNECT_SECONDS),
                                    limits=httpx.Limits(max_connections=256), trust_env=not near)

    def chat(self, request: Request) -> Answer:
        with self._asked({**request, "stream": False}) as response:
            body = self._bounded(response)
        answer = self._read(body)
        if not isinstance((_choice(answer).get("message") or {}).get("content"), str):
            raise self._fault("an answer without a message", "malformed", again=True)
        return answer

    def stream(self, request: Request) -> Iterator[Answer]:
        with self._asked({**request, "stream": True}) as response:
            finished = False
            for data in self._events(response):
                if data == "[DONE]":
                    return
                chunk = self._read(data)
                finished = finished or bool(chunk.get("choices") and _choice(chunk).get("finish_reason"))
                yield chunk
            if not finished:
                raise self._fault("the connection closed before the answer was finished", "closed", again=True)

    def close(self) -> None:
        self._client.close()

    def _asked(self, request: Request) -> _Open:
        return _Open(self, request)

    def _bounded(self, response: Any) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > ANSWER_LIMIT:
                raise self._fault(f"an answer of more than {ANSWER_LIMIT >> 20} MiB", "malformed")
            parts.append(part)
        return b"".join(parts)

    def _events(self, response: Any) -> Iterator[str]:
        """The data lines of a server-sent event stream, each within bounds."""
        rest, size = b"", 0
        for part in response.iter_bytes():
            rest, size = rest + part, size + len(part)
            if len(rest) > LINE_LIMIT or size > ANSWER_LIMIT:
                raise self._fault("a stream without end", "malformed")
            *lines, rest = rest.split(b"\n")
            yield from (_data(line) for line in lines if line.startswith(b"data:"))
        if rest.startswith(b"data:"):
            yield _data(rest)

    def _read(self, body: bytes | str) -> Answer:
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            raise self._fault("an answer that is no JSON", "malformed", again=True) from None
        if not isinstance(answer, dict):
            raise self._fault("an answer that is no object", "malformed", again=True)
        if answer.get("error"):
            raise self._fault(f"an error: {_said(answer['error'])}", "refused")
        return answer

    def _fault(self, what: str, kind: str, *, again: bool = False, after: float = 0.0) -> EngineError:
        told = what.replace(self._key, "[key]") if self._key else what
        return EngineError(f"{self.url}: {told}", kind, again=again, after=after)


class _Open:
    """One request on its way; turns whatever goes wrong on the wire into one error."""

    def __init__(self, engine: RemoteEngine, request: Request) -> None:
        self.engine, self.request = engine, request

    def __enter__(self) -> Any:
        engine = self.engine
        try:
            sent = engine._client.build_request("POST", f"{engine.url}/chat/completions", json=self.request)
            self.response = engine._client.send(sent, stream=True)
        except engine._http.HTTPError as fault:
            raise self._wire(fault) from None
        if self.response.status_code != 200:
            refused = self._refusal()
            self.response.close()
            raise refused
        return self.response

    def __exit__(self, kind: Any, fault: Any, trace: Any) -> None:
        self.response.close()
        if isinstance(fault, self.engine._http.HTTPError):
            raise self._wire(fault) from None

    def _wire(self, fault: Exception) -> EngineError:
        slow = isinstance(fault, self.engine._http.TimeoutException)
        closed = isinstance(fault, self.engine._http.RemoteProtocolError)
        kind = "timeout" if slow else "closed" if closed else "connection"
        return self.engine._fault(f"{type(fault).__name__}: {str(fault)[:TOLD_LIMIT] or 'no answer in time'}", kind,
                                  again=True)

    def _refusal(self) -> EngineError:
        status = self.response.status_code
        try:
            body = self.engine._bounded(self.response)[:1 << 16]
            error = json.loads(body).get("error", "")
        except (EngineError, ValueError, RecursionError, AttributeError, self.engine._http.HTTPError):
            error = ""
        return self.engine._fault(f"HTTP {status}{': ' + _said(error) if error else ''}", "http",
                                  again=status in TRY_AGAIN, after=_after(self.response.headers.get("retry-after")))


def address(url: str) -> str:
    """The address without a trailing slash. Raises SettingsError for what is none, or holds a password."""
    try:
        parts = urlsplit(url[:2000])
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in ("http", "https") or not host:
        raise SettingsError(f"--url wants http://HOST/v1 or https://HOST/v1, not {url[:100]!r}")
    if parts.username or parts.password or parts.query:
        raise SettingsError("--url holds no user, password or query: a key comes from --key-env NAME")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}".removesuffix("/chat/completions")


def _choice(answer: Answer) -> Answer:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _data(line: bytes) -> str:
    return line[5:].strip().decode("utf-8", "replace")


def _said(error: Any) -> str:
    words = error.get("message", error) if isinstance(error, dict) else error
    return "".join(c if c.isprintable() else " " for c in str(words)[:TOLD_LIMIT])


def _after(header: str | None) -> float:
    try:
        return min(max(float(header or 0), 0.0), LONGEST_WAIT)
    except ValueError:
        return 0.0
