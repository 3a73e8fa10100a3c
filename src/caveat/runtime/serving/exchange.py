"""One request and its answer, as bytes go by: digests of all of them, a bounded copy, and who ended it.

Only what was handed to the client's connection while it was open counts as delivered.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

from caveat.runtime.serving import told
from caveat.runtime.serving.headers import Known
from caveat.runtime.serving.log import now

#: Copies kept for reading: of a request and of an answer, in bytes. Digests go on beyond.
MOST_KEPT = 8 << 20


class Tap:
    """Digest, size and a bounded copy of a stream of bytes."""

    __slots__ = ("chunks", "digest", "size")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.digest = sha256()
        self.size = 0

    def add(self, chunk: bytes) -> None:
        self.digest.update(chunk)
        self.size += len(chunk)
        if self.size <= MOST_KEPT:
            self.chunks.append(chunk)

    def whole(self) -> bytes:
        """The copy; b"" where it grew too large to be kept whole."""
        return b"".join(self.chunks) if self.size <= MOST_KEPT else b""


@dataclass(slots=True)
class Exchange:
    """What is seen of one exchange. `cut_by`: "" finished | client | upstream | server."""

    path: str
    run_id: str
    id: str
    began: float = field(default_factory=time.time)
    clock: float = field(default_factory=time.perf_counter)
    request: Tap = field(default_factory=Tap)
    answer: Tap = field(default_factory=Tap)
    body: dict[str, Any] = field(default_factory=dict)
    known: Known | None = None
    status: int | None = None
    media: str = ""
    encoding: str = ""
    logged: bool = False  # its first row is written
    whole: bool = False  # the last byte of the answer was handed over
    gone: bool = False  # the client hung up before that
    cut_by: str = ""
    usage: dict[str, Any] | None = None  # tokens, where the app told them beside its answer
    seconds: float = 0.0

    def asked(self, keep_text: bool) -> dict[str, Any]:
        """The first row: what was asked, of whom."""
        origin = self.known.origin if self.known else None
        return {
            "kind": "asked", "exchange": self.id, "run_id": self.run_id, "time": now(self.began), "path": self.path,
            "model": told.model_of(self.body, self.path), "generator": origin.purl if origin else None,
            "terms": list(origin.laws) if origin else None, "terms_on": origin.terms_on if origin else None,
            "stream": self.body.get("stream") is True, "parameters": told.parameters(self.body),
            "request_sha256": self.request.digest.hexdigest(), "request_bytes": self.request.size,
            **({"messages": told.messages(self.body)} if keep_text else {}),
        }

    def over(self) -> None:
        """The clock stops; who ended it is settled as far as the wire tells."""
        self.seconds = time.perf_counter() - self.clock
        if not self.cut_by and not self.whole:
            self.cut_by = "client" if self.gone else "server"

    def answered(self, keep_text: bool) -> dict[str, Any]:
        """The second row: what was delivered, how it ended, and by whom if it was cut off."""
        said = told.said(self.answer.whole(), self.media, self.encoding)
        usage = self.usage or {}
        cut_by = self.cut_by or ("upstream" if self._broken_off(said) else "")
        return {
            "kind": "answered", "exchange": self.id, "ended_at": now(), "status": self.status,
            "response_sha256": self.answer.digest.hexdigest(), "response_bytes": self.answer.size,
            "text_sha256": told.digest(said.text) if said.text else None, "finish_reason": said.finish or None,
            "answered_as": said.model or None,
            "tokens": {"prompt": usage.get("prompt_tokens", said.prompt_tokens),
                       "completion": usage.get("completion_tokens", said.completion_tokens)},
            "ended": "cut off" if cut_by else "finished", "cut_by": cut_by or None,
            "seconds": round(self.seconds, 4),
            **({"response": said.text} if keep_text else {}),
        }

    def _broken_off(self, said: told.Said) -> bool:
        """A stream whose framing ended well and whose text says neither why it stopped nor that it is done."""
        streamed = self.media.startswith("text/event-stream") and self.status == 200
        return streamed and 0 < self.answer.size <= MOST_KEPT and self.encoding in ("", "identity") \
            and not said.ended and not said.finish


def rows_of(exchange: Exchange, keep_text: bool) -> tuple[partial[dict[str, Any]], partial[dict[str, Any]]]:
    """What makes the two rows of an exchange, for the log's thread to call."""
    return partial(exchange.asked, keep_text), partial(exchange.answered, keep_text)
