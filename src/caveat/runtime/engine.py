"""What runs a model, whichever it is: a question in, an answer out, in the wire shapes of OpenAI's chat completions.

Two kinds, one protocol: `local` runs a GGUF file in this process, `remote` asks an address. Callers know neither.

    request   {"messages": [{"role", "content"}], "max_tokens"?, "temperature"?, "top_p"?, "seed"?, "stop"?}
              {"prompt": text to go on from, as it is, ...} instead of messages, for a file in this process only
    chat      {"choices": [{"message": {"role", "content"}, "finish_reason"}], "usage"?, "model", "created", ...}
    stream    {"choices": [{"delta": {"content"?}, "finish_reason"}], ...}, the last one with a finish_reason
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from caveat.errors import CaveatError, EngineError

Request = dict[str, Any]
Answer = dict[str, Any]


class Engine(Protocol):
    """Something that answers chats. `name` and `version` go into provenance; neither ever holds a key."""

    name: str
    version: str

    def chat(self, request: Request) -> Answer:
        """One whole answer. Raises EngineError; `again` says whether asking once more may help."""
        ...

    def stream(self, request: Request) -> Iterator[Answer]:
        """The answer as it comes; closing the iterator stops the model. Raises EngineError, also midway."""
        ...

    def close(self) -> None:
        """Give back memory and connections; a second call does nothing."""
        ...


def local(path: str | Path, *, threads: int = 1, context: int = 0) -> Engine:
    """A GGUF file in this process, on xllamacpp. `context` in tokens, 0: as trained, at most 8192.

    One thread unless told: threads that spin are slower than one where processors are shared.
    Raises EngineError for a file or chat template that cannot be run, CaveatError where the extra is missing.
    """
    from caveat.runtime.local_engine import LocalEngine

    return LocalEngine(Path(path), threads=threads, context=context)


def remote(url: str, *, key: str = "", timeout: float = 300.0) -> Engine:
    """Any OpenAI-compatible address ("http://localhost:11434/v1"). The key is sent there and goes nowhere else.

    `timeout` in seconds without a byte. Raises SettingsError for what is no such address.
    """
    from caveat.runtime.remote_engine import RemoteEngine

    return RemoteEngine(url, key=key, timeout=timeout)


def missing(what: str, fault: ImportError) -> CaveatError:
    """The one error where a part of the extra is not installed."""
    return CaveatError(f"{what} needs {fault.name or 'a package'} that is not installed: pip install 'caveat[run]'")


def whole(chunks: Iterable[Answer]) -> Answer:
    """One answer of a stream's chunks. Raises EngineError if it stopped before it was finished."""
    text: list[str] = []
    last: Answer = {}
    reason = ""
    for chunk in chunks:
        choice = (chunk.get("choices") or [{}])[0]
        text.append((choice.get("delta") or {}).get("content") or "")
        reason = choice.get("finish_reason") or reason
        last = {**last, **{k: v for k, v in chunk.items() if k != "choices"}}
    if not reason:
        raise EngineError("the answer broke off before it was finished", "closed", again=True)
    message = {"role": "assistant", "content": "".join(text)}
    return {**last, "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}]}
