"""After the run: what was seen by which process, what was decided, and what could not be seen, in one summary.

The records come from processes that ran somebody's code: they are read within bounds and believed to be text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from caveat.guard.columns import name_of
from caveat.guard.seen import Load, Trainer, loads_of, plain

LIMIT, MOST_RECORDS, MOST_SHOWN = 16 << 20, 2000, 12


class Decision(NamedTuple):
    """One decision of one process: the trainer, what it was about, the findings that refused, warned, were accepted."""

    trainer: Trainer
    loads: tuple[Load, ...]
    subject: str
    verdict: str
    stop: bool
    refused: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    failed: bool = False
    folder: str = ""  # where the process was: relative paths are meant from there
    saved: str = ""  # where a loop of one's own saved its model


class Record(NamedTuple):
    """What one process wrote down."""

    pid: int
    rank: int
    program: str
    loads: tuple[Load, ...]
    decisions: tuple[Decision, ...]
    trouble: tuple[str, ...]


def records(folder: Path) -> list[Record]:
    """Every record of a run, by rank; files that are none are left out."""
    found = []
    for file in sorted(folder.glob("*.json"))[:MOST_RECORDS]:
        try:
            said = json.loads(file.read_bytes()[:LIMIT]) if not file.is_symlink() else None
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(said, dict):
            found.append(_record(said))
    return sorted(found, key=lambda r: (r.rank, r.pid))


def _record(said: dict[str, Any]) -> Record:
    return Record(_number(said.get("pid")), _number(said.get("rank")), " ".join(_texts(said.get("program"))),
                  tuple(loads_of(said.get("loads"))), tuple(map(_decision, _dicts(said.get("decisions")))),
                  _texts(said.get("trouble")))


def _decision(said: dict[str, Any]) -> Decision:
    from caveat.guard.decide import trainer_of

    trainer = said.get("trainer")
    return Decision(trainer_of(trainer if isinstance(trainer, dict) else {}), tuple(loads_of(said.get("loads"))),
                    plain(said.get("subject")), plain(said.get("verdict")), bool(said.get("stop")),
                    _texts(said.get("refused")), _texts(said.get("warned")), _texts(said.get("accepted")),
                    bool(said.get("failed")), plain(said.get("folder")), plain(said.get("saved")))


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _texts(value: object) -> tuple[str, ...]:
    return tuple(plain(v) for v in value[:100]) if isinstance(value, list) else ()


def _dicts(value: object) -> list[dict[str, Any]]:
    return [v for v in value[:100] if isinstance(v, dict)] if isinstance(value, list) else []


def refused(found: Iterable[Record]) -> bool:
    return any(d.stop for r in found for d in r.decisions)


def to_dict(found: Iterable[Record]) -> list[dict[str, Any]]:
    """The records as JSON for `--report`."""
    return [{"pid": r.pid, "rank": r.rank, "program": r.program, "loads": [x.to_dict() for x in r.loads],
             "decisions": [_decision_dict(d) for d in r.decisions], "trouble": list(r.trouble)} for r in found]


def _decision_dict(d: Decision) -> dict[str, Any]:
    return {**d._asdict(), "trainer": d.trainer.to_dict(), "loads": [x.to_dict() for x in d.loads]}


# In words.


def told(found: Sequence[Record], blind: Sequence[str]) -> str:
    """The summary for people, lines of at most a terminal's width where names allow."""
    lines = [f"caveat guard: {line}" for line in (*_seen(found), *_outcome(found), *_unseen(found, blind))]
    return "\n".join(lines) + "\n"


def _seen(found: Sequence[Record]) -> Iterator[str]:
    """Each distinct load once, with how many processes saw it."""
    count: dict[str, int] = {}
    for r in found:
        for words in dict.fromkeys(map(_words, r.loads)):
            count[words] = count.get(words, 0) + 1
    if count:
        yield f"seen in {_several(len(found), 'process', 'es')}:"
    for words, n in list(count.items())[:MOST_SHOWN]:
        yield f"  {words}" + (f"  (in {n} processes)" if n > 1 else "")
    if len(count) > MOST_SHOWN:
        yield f"  ... and {len(count) - MOST_SHOWN} more"


def _words(load: Load) -> str:
    name = load.name or load.unknown or "?"
    wrote = f", written by {', '.join(map(name_of, load.generators[:3]))}" if load.generators else ""
    return f"{load.what} {name}{wrote}  {load.where}".rstrip()


def _outcome(found: Sequence[Record]) -> Iterator[str]:
    decisions = [(r, d) for r in found for d in r.decisions]
    for line in dict.fromkeys(_decided(d) for _, d in decisions):
        ranks = [str(r.rank) for r, d in decisions if _decided(d) == line]
        yield line + (f" (ranks {', '.join(ranks[:8])})" if len(ranks) > 1 else "")
    if not decisions:
        yield "no start of a training was seen; nothing was decided"


def _decided(d: Decision) -> str:
    if d.failed:
        return f"{d.trainer.how}: no verdict could be had; " + ("the run was refused" if d.stop else "it went on")
    out = "refused" if d.stop else "let go on"
    more = [f"{n} {what}" for what, n in (("prohibited", len(d.refused)), ("open", len(d.warned)),
                                          ("accepted", len(d.accepted))) if n]
    return f"{d.trainer.how} → {d.subject}: {out}" + (f" ({', '.join(more)})" if more else "")


def _unseen(found: Sequence[Record], blind: Sequence[str]) -> Iterator[str]:
    trouble = dict.fromkeys(t for r in found for t in r.trouble)
    yield from (f"not seen: {line}" for line in [*blind, *trouble][:MOST_SHOWN])
    yield "a guard is advisory: it sees what goes through Python's own doors"


def _several(n: int, one: str, more: str) -> str:
    return f"{n} {one}{more if n != 1 else ''}"
