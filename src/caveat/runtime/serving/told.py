"""What a request asks and an answer says, out of the bytes that went by: OpenAI's, Anthropic's and Ollama's shapes.

Read after the answer went out, in the log's own thread: nobody waits for it. What is not understood is not guessed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

MOST_TEXT = 8 << 20
LONGEST_NAME = 200
PARAMETERS = ("temperature", "top_p", "top_k", "seed", "max_tokens", "max_completion_tokens", "n", "stop",
              "frequency_penalty", "presence_penalty", "reasoning_effort")
#: Where requests keep what is asked.
ASKED = ("messages", "prompt", "input", "contents")


class Said(NamedTuple):
    """The text of an answer, why it stopped ("" = it did not say), tokens in and out, whether its end was seen, and
    which model it says it is of."""

    text: str = ""
    finish: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    ended: bool = False
    model: str = ""


def asked(body: bytes) -> dict[str, Any]:
    """The JSON object of a request, or {} for anything else."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def model_of(request: Mapping[str, Any], path: str) -> str:
    """The model a request names, in its body or (Google's way) in its path."""
    named = request.get("model")
    if not isinstance(named, str):
        named = path.rpartition("/models/")[2].partition(":")[0] if "/models/" in path else ""
    return named[:LONGEST_NAME]


def parameters(request: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the generation, as far as they are short."""
    kept = {k: request[k] for k in PARAMETERS if request.get(k) is not None}
    return {k: v for k, v in kept.items() if len(json.dumps(v)) <= LONGEST_NAME}


def messages(request: Mapping[str, Any]) -> Any:
    """What was asked: a list of messages, a prompt or an input."""
    return next((request[k] for k in ASKED if k in request), None)


def digest(text: str) -> str:
    """SHA-256 (hex) of a text in UTF-8; lone surrogates, which JSON can bring, count as they are."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# -- answers ------------------------------------------------------------------------------------------------------
def said(body: bytes, media: str, encoding: str) -> Said:
    """What an answer says. `media` is its content type, `encoding` its content coding."""
    plain = _decoded(body, encoding)
    if plain is None:
        return Said()
    found = Said()
    texts: list[str] = []
    for event in _events(plain, media):
        if event is None:
            found = found._replace(ended=True)
            continue
        texts.append("".join(_texts(event)))
        found = _added(found, event)
    return found._replace(text="".join(texts)[:MOST_TEXT])


def _decoded(body: bytes, encoding: str) -> bytes | None:
    """Unpacked to a bounded size; None for a coding that the standard library does not know."""
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        return None
    try:
        return zlib.decompressobj(47).decompress(body, MOST_TEXT)
    except zlib.error:
        return None


def _events(body: bytes, media: str) -> Iterator[dict[str, Any] | None]:
    """The JSON objects of an answer; None where a stream of events says that it is done."""
    if media.startswith("text/event-stream"):
        for line in body.replace(b"\r", b"\n").split(b"\n"):
            if line.startswith(b"data:"):
                data = line[5:].strip()
                yield None if data == b"[DONE]" else asked(data)
    elif "ndjson" in media:
        yield from map(asked, body.split(b"\n"))
    else:
        yield asked(body)


def _texts(event: Mapping[str, Any]) -> Iterator[str]:
    """The pieces of answer text in one event."""
    for choice in _objects(event.get("choices")):
        for holder in (choice.get("delta"), choice.get("message"), choice):
            yield from _content(holder)
    if isinstance(event.get("delta"), str) and event.get("type") == "response.output_text.delta":
        yield event["delta"]
    for holder in (event.get("delta"), event.get("message")):
        yield from _content(holder)
    for item in _objects(event.get("output")):
        yield from _content(item)
    yield from _content({k: event[k] for k in ("content", "response") if k in event})


def _content(holder: object) -> Iterator[str]:
    if not isinstance(holder, dict):
        return
    for name in ("content", "text", "response"):
        held = holder.get(name)
        if isinstance(held, str):
            yield held
        for part in _objects(held):
            if isinstance(part.get("text"), str):
                yield part["text"]


def _objects(held: object) -> list[dict[str, Any]]:
    return [x for x in held if isinstance(x, dict)] if isinstance(held, list) else []


def _added(found: Said, event: Mapping[str, Any]) -> Said:
    """Why it stopped and how much it counted, as far as this event tells."""
    stop = _stop(event) or found.finish
    counts = _counts(event)
    return found._replace(
        model=found.model or model_of(event, ""), finish=stop,
        prompt_tokens=found.prompt_tokens if counts[0] is None else counts[0],
        completion_tokens=found.completion_tokens if counts[1] is None else counts[1],
        ended=found.ended or event.get("done") is True or event.get("type") in ("message_stop", "response.completed"))


def _stop(event: Mapping[str, Any]) -> str:
    delta = event.get("delta") if isinstance(event.get("delta"), dict) else {}
    places = [*_objects(event.get("choices")), delta or {}, event]
    told = [p.get(k) for p in places for k in ("finish_reason", "stop_reason", "done_reason")]
    return next((t[:40] for t in told if isinstance(t, str)), "")


def _counts(event: Mapping[str, Any]) -> tuple[int | None, int | None]:
    holders = [event, *(x for x in (event.get("message"), event.get("response")) if isinstance(x, dict))]
    usage = next((h["usage"] for h in holders if isinstance(h.get("usage"), dict)), event)
    return _number(usage, "prompt_tokens", "input_tokens", "prompt_eval_count"), \
        _number(usage, "completion_tokens", "output_tokens", "eval_count")


def _number(usage: Mapping[str, Any], *names: str) -> int | None:
    return next((usage[n] for n in names if isinstance(usage.get(n), int)), None)
