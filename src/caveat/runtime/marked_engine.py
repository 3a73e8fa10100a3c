"""A GGUF file run in this process with a watermark, on llama-cpp-python: the one engine here that shows its logits."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from caveat.errors import CaveatError, EngineError
from caveat.runtime.chat_template import Template
from caveat.runtime.engine import Answer, Request, whole
from caveat.runtime.gguf_words import words
from caveat.runtime.watermark import Key, Marker

USUAL_CONTEXT = 8192
SETTINGS = ("max_tokens", "temperature", "top_p", "top_k", "min_p", "seed", "stop", "presence_penalty",
            "frequency_penalty", "repeat_penalty")


def marked(path: str | Path, key: Key, *, threads: int = 1, context: int = 0) -> MarkedEngine:
    """An engine like `engine.local`, whose answers carry the mark of the key. Raises CaveatError, EngineError."""
    return MarkedEngine(Path(path), key, threads=threads, context=context)


class MarkedEngine:
    """One model in memory, answering one chat at a time; others wait."""

    name = "llama-cpp-python"

    def __init__(self, path: Path, key: Key, *, threads: int = 1, context: int = 0) -> None:
        head = words(path)
        self.path, self.label, self.marker = path, path.stem, Marker(key)
        self.template = Template(head.template, head.bos, head.eos)
        self.strip = head.bos if head.add_bos is not False else ""
        self.add_bos = head.add_bos is not False
        self._one = threading.Lock()
        self._model, self.version = _loaded(path, threads, context or min(head.context or USUAL_CONTEXT, USUAL_CONTEXT))

    def chat(self, request: Request) -> Answer:
        return whole(self.stream(request))

    def stream(self, request: Request) -> Iterator[Answer]:
        """Chunks as the model writes. The text is rendered before the first one, so its faults come at once."""
        if request.get("tools"):
            raise EngineError("tools are not passed to a local model: ask a server that speaks them", "refused")
        text = self.template.render(request.get("messages"))
        asked = {k: request[k] for k in SETTINGS if request.get(k) is not None}
        if "max_tokens" not in asked and request.get("max_completion_tokens"):
            asked["max_tokens"] = request["max_completion_tokens"]
        return self._chunks(text.removeprefix(self.strip) if self.strip else text, {"max_tokens": None, **asked})

    def close(self) -> None:
        with self._one:
            if self._model is not None:
                self._model.close()
            self._model = None

    def _chunks(self, text: str, asked: Request) -> Iterator[Answer]:
        head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "object": "chat.completion.chunk",
                "created": int(time.time()), "model": self.label}
        with self._one:
            if self._model is None:
                raise EngineError(f"{self.path}: the engine is closed", "refused")
            prompt = self._model.tokenize(text.encode(), add_bos=self.add_bos, special=True)
            yield {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""},
                                        "finish_reason": None}]}
            yield from ({**head, **chunk} for chunk in self._told(prompt, asked))

    def _told(self, prompt: list[int], asked: Request) -> Iterator[Answer]:
        count = 0
        try:
            for chunk in self._model.create_completion(prompt, stream=True, logits_processor=[self.marker], **asked):
                choice = chunk["choices"][0]
                count += 1 if choice["text"] else 0
                delta = {"content": choice["text"]} if choice["text"] else {}
                usage = {"prompt_tokens": len(prompt), "completion_tokens": count, "total_tokens": len(prompt) + count}
                yield {"choices": [{"index": 0, "delta": delta, "finish_reason": choice["finish_reason"]}],
                       **({"usage": usage} if choice["finish_reason"] else {})}
        except (ValueError, RuntimeError) as fault:
            raise EngineError(f"the engine failed: {fault}") from None


def _loaded(path: Path, threads: int, context: int) -> tuple[Any, str]:
    try:
        import llama_cpp
    except ImportError:
        raise CaveatError("a watermark needs an engine that shows its logits, and xllamacpp does not: "
                          "pip install llama-cpp-python (it is compiled, about five minutes)") from None
    try:
        return llama_cpp.Llama(str(path), n_ctx=context, n_threads=threads, n_threads_batch=threads,
                               verbose=False), str(llama_cpp.__version__)
    except ValueError as fault:
        raise EngineError(f"{path}: the engine cannot load it ({fault})", "refused") from None
