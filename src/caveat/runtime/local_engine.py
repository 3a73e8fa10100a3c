"""A GGUF file run in this process, on xllamacpp (llama.cpp), for anybody who has the file and no server.

The chat template is the file's own, but it is rendered here, in a sandbox with a budget (chat_template.py), and the
engine is handed finished text: a template from a stranger never runs inside it. The engine's own address, which it
opens on this machine and nobody needs, is locked with a key that is thrown away.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

from caveat.errors import EngineError
from caveat.runtime.chat_template import Template
from caveat.runtime.engine import Answer, Request, missing, whole
from caveat.runtime.gguf_words import Words, words

USUAL_CONTEXT = 8192
#: chat-completion name -> the engine's; what is not here is not sent
SETTINGS = {"max_tokens": "n_predict", "max_completion_tokens": "n_predict", "temperature": "temperature",
            "top_p": "top_p", "top_k": "top_k", "min_p": "min_p", "seed": "seed", "stop": "stop",
            "presence_penalty": "presence_penalty", "frequency_penalty": "frequency_penalty",
            "repeat_penalty": "repeat_penalty", "logit_bias": "logit_bias"}
#: Stands in for the file's template, so that the engine never compiles that one.
NO_TEMPLATE = "{{ '' }}"


class LocalEngine:
    """One model in memory, answering one chat at a time; others wait."""

    name = "xllamacpp"

    def __init__(self, path: Path, *, threads: int = 1, context: int = 0) -> None:
        head = words(path)
        self.path, self.label = path, path.stem
        self.template = Template(head.template, head.bos, head.eos)
        self.strip = head.bos if head.add_bos is not False else ""
        self._one = threading.Lock()
        self._server, self.version = _server(path, head, threads, context)

    def chat(self, request: Request) -> Answer:
        return whole(self.stream(request))

    def stream(self, request: Request) -> Iterator[Answer]:
        """Chunks as the model writes. The text is rendered before the first one, so its faults come at once."""
        asked = {"prompt": self._text(request), "stream": True, "cache_prompt": bool(request.get("cache_prompt")),
                 **{ours: request[theirs] for theirs, ours in SETTINGS.items() if request.get(theirs) is not None}}
        return self._chunks(asked)

    def close(self) -> None:
        with self._one:
            self._server = None

    def _text(self, request: Request) -> str:
        if request.get("tools"):
            raise EngineError("tools are not passed to a local model: ask a server that speaks them", "refused")
        if isinstance(request.get("prompt"), str):
            return str(request["prompt"])
        text = self.template.render(request.get("messages"))
        # The engine puts the first token itself; one written by the template too would stand twice.
        return text.removeprefix(self.strip) if self.strip else text

    def _chunks(self, asked: Request) -> Iterator[Answer]:
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": "chat.completion.chunk",
                "created": int(time.time()), "model": self.label}
        with self._one:
            if self._server is None:
                raise EngineError(f"{self.path}: the engine is closed", "refused")
            yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                        "finish_reason": None}]}
            for chunk in _pumped(self._server, asked):
                yield {**head, **_chat_chunk(chunk)}


def _pumped(server: Any, asked: Request) -> Iterator[Answer]:
    """The engine's chunks, from a thread of its own: so that Ctrl-C is heard, and a reader who leaves stops it."""
    queue: Queue[Any] = Queue()
    left = threading.Event()

    def told(chunk: Answer) -> bool:
        queue.put(chunk)
        return left.is_set()

    def work() -> None:
        try:
            server.handle_completions(asked, told)
            queue.put(None)
        except Exception as fault:
            queue.put(fault)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        while (chunk := _next(queue)) is not None:
            yield _sound(chunk)
    finally:
        left.set()
        thread.join()


def _next(queue: Queue[Any]) -> Any:
    """The next chunk; waits in short steps, because a wait without end would not hear Ctrl-C on every system."""
    while True:
        try:
            return queue.get(timeout=1.0)
        except Empty:
            continue


def _sound(chunk: Any) -> Answer:
    if isinstance(chunk, Exception):
        raise EngineError(f"the engine failed: {chunk}")
    error = chunk.get("error")
    if error:
        raise EngineError(f"the engine refused: {error.get('message', error)}", "refused")
    return dict(chunk)


def _chat_chunk(chunk: Answer) -> Answer:
    choice = (chunk.get("choices") or [{}])[0]
    text, reason = choice.get("text") or "", choice.get("finish_reason")
    told = {"choices": [{"index": 0, "delta": {"content": text} if text else {}, "finish_reason": reason}]}
    usage = chunk.get("usage")
    return {**told, "usage": {k: usage[k] for k in ("prompt_tokens", "completion_tokens", "total_tokens")
                              if k in usage}} if usage else told


def _server(path: Path, head: Words, threads: int, context: int) -> tuple[Any, str]:
    try:
        import xllamacpp
    except ImportError as fault:
        raise missing("running a GGUF file", fault) from None
    trained = min(head.context or USUAL_CONTEXT, USUAL_CONTEXT)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = context or trained
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.chat_template, params.verbosity, params.api_keys = NO_TEMPLATE, -1, [secrets.token_hex(32)]
    params.fit_params = params.warmup = params.ui = params.endpoint_slots = params.endpoint_props = False
    params.cache_ram_mib = params.n_ctx_checkpoints = 0
    try:
        return started(params), f"{xllamacpp.__version__}"
    except Exception as fault:
        raise EngineError(f"{path}: the engine cannot load it ({fault}); caveat fit tells whether the file is whole",
                          "refused") from None


def started(params: Any) -> Any:
    """xllamacpp's engine, once its loop has answered one question: from then on it can be taken down at any moment.

    Its constructor returns before its loop begins, and the loop begins by setting "running". A destructor that is
    quicker has its "stop" overwritten, and waits for ever with the interpreter's lock in its hand. The counts of what
    was done so far are asked through the loop's own queue, so their answer means that it runs.
    """
    import xllamacpp

    params.endpoint_metrics = True
    server = xllamacpp.Server(params)
    server.handle_metrics()
    return server
