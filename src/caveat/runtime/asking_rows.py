"""Prompts in, answers into the journal: one at a time for a model in this process, several at once for an address.

A row whose asking fails is asked again a few times if that may help, and is kept as an error if not. Where row after
row fails, the other side is gone, and the run stops rather than writing a file of errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from queue import Queue
from typing import Any, NamedTuple

from caveat.errors import CaveatError, EngineError
from caveat.runtime import journal as kinds
from caveat.runtime.engine import Answer, Engine
from caveat.runtime.journal import Journal
from caveat.runtime.prompts import Bad, Prompt

#: FIRST_WAIT: seconds before the second attempt; doubles.
ATTEMPTS, FIRST_WAIT, FAILS_IN_A_ROW = 4, 0.5, 20
ANSWER_LIMIT = 16 << 20
GONE = frozenset({"http", "connection", "timeout", "closed"})
SEEDS = 1 << 31


class Manner(NamedTuple):
    """How rows are asked: settings as they are sent, the first seed (None: none is sent), how many at once."""

    parameters: Mapping[str, Any]
    seed: int | None
    parallel: int = 1
    again: bool = False  # rows that failed before
    file: str = ""  # of the prompts, as errors name it


class Outcome(NamedTuple):
    """One row as it goes into the journal."""

    number: int
    kind: int
    fields: dict[str, Any]
    gone: str = ""  # the fault, where the other side may be gone


def seed_of(first: int, index: int) -> int:
    """The seed of one row: its own, and the same whenever the row is asked."""
    return (first + index) % SEEDS


def ask_all(engine: Engine, prompts: Iterable[Prompt | Bad], into: Journal, manner: Manner,
            told: Callable[[], None]) -> None:
    """Ask every row that is not in the journal yet; `told` is called after each. Memory holds `parallel` rows.

    Raises CaveatError where the other side is gone; what was answered until then is kept.
    """
    wanted = (p for p in prompts if not into.done(p.number, manner.again))
    outcomes = _one_by_one if manner.parallel < 2 else _several
    failed = 0
    for outcome in outcomes(engine, wanted, manner):
        into.add(*outcome[:3])
        told()
        failed = failed + 1 if outcome.gone else 0
        if failed >= FAILS_IN_A_ROW:
            raise CaveatError(f"stopped after {failed} rows in a row without an answer ({outcome.gone}); what was "
                              "answered is kept: --resume --retry-errors goes on")


def _one_by_one(engine: Engine, wanted: Iterable[Prompt | Bad], manner: Manner) -> Iterator[Outcome]:
    return (_outcome(engine, row, manner) for row in wanted)


def _several(engine: Engine, wanted: Iterable[Prompt | Bad], manner: Manner) -> Iterator[Outcome]:
    """Workers ask, this thread keeps. They are daemons: Ctrl-C does not wait for answers that nobody wants any more."""
    asked: Queue[Prompt | Bad | None] = Queue()
    answered: Queue[Outcome | BaseException] = Queue()

    def work() -> None:
        while (row := asked.get()) is not None:
            try:
                answered.put(_outcome(engine, row, manner))
            except BaseException as fault:
                answered.put(fault)

    for _ in range(manner.parallel):
        threading.Thread(target=work, daemon=True).start()
    under_way = 0
    try:
        for row in wanted:
            asked.put(row)
            under_way += 1
            if under_way >= 2 * manner.parallel:
                yield _arrived(answered)
                under_way -= 1
        for _ in range(under_way):
            yield _arrived(answered)
    finally:
        for _ in range(manner.parallel):
            asked.put(None)


def _arrived(answered: Queue[Outcome | BaseException]) -> Outcome:
    outcome = answered.get()
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome


def _outcome(engine: Engine, row: Prompt | Bad, manner: Manner) -> Outcome:
    if isinstance(row, Bad):
        return Outcome(row.number, kinds.ERROR, _error(row, "prompt", row.what, manner, 0))
    attempts = 0
    wait = FIRST_WAIT
    while True:
        attempts += 1
        try:
            return _row(row, engine.chat(_request(row, manner)), manner)
        except EngineError as fault:
            if not fault.again or attempts >= ATTEMPTS:
                gone = str(fault) if fault.kind in GONE else ""
                return Outcome(row.number, kinds.ERROR, _error(row, fault.kind, str(fault), manner, attempts), gone)
            time.sleep(max(wait, fault.after))
            wait *= 2


def _request(row: Prompt, manner: Manner) -> dict[str, Any]:
    seed = {} if manner.seed is None else {"seed": seed_of(manner.seed, row.number)}
    return {"messages": row.chat(), **manner.parameters, **seed}


def _row(row: Prompt, answer: Answer, manner: Manner) -> Outcome:
    choice = answer["choices"][0]
    text, usage = choice["message"]["content"], answer.get("usage")
    if len(text) > ANSWER_LIMIT or not _writable(text):
        raise EngineError("an answer that is too long or no text", "malformed")
    said = {"prompt": row.prompt} if row.prompt else {"messages": list(row.messages)}
    fields = {"id": row.id or str(row.number), **said, **({"system": row.system} if row.system else {}),
              "response": text, "finish_reason": str(choice.get("finish_reason") or "")[:40],
              **_counts(usage if isinstance(usage, dict) else {})}
    if manner.seed is not None:
        fields["seed"] = seed_of(manner.seed, row.number)
    kind = kinds.PROMPT if row.prompt else kinds.MESSAGES
    return Outcome(row.number, kinds.ROW | kind | (kinds.SYSTEM if row.system else 0), fields)


def _writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _counts(usage: Mapping[str, Any]) -> dict[str, int]:
    counted = {k: usage.get(k) for k in ("prompt_tokens", "completion_tokens")}
    return {k: v for k, v in counted.items() if isinstance(v, int) and 0 <= v < SEEDS}


def _error(row: Prompt | Bad, kind: str, what: str, manner: Manner, attempts: int) -> dict[str, Any]:
    """An error as errors.jsonl tells it: where in which file, what kind, what; no text of the prompt."""
    told = {"row": row.number, "file": manner.file, "line": row.line, "kind": kind, "error": what[:2000]}
    return {**told, **({"id": row.id} if isinstance(row, Prompt) and row.id else {}),
            **({"attempts": attempts} if attempts > 1 else {})}
