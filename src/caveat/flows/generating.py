"""`caveat generate`: rows that a model writes, each with whose output it is, once the purpose has been looked at.

    start(wanted)             whose model it is, and whether the purpose is allowed: before a token is written
    generate(wanted, begun)   the rows, their files, the card, the statement, the metadata
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from caveat.errors import CaveatError, EvidenceError, SettingsError
from caveat.flows.origin import allowed, origin_of
from caveat.runtime import prompts, run_folder
from caveat.runtime.asking_rows import Manner, ask_all
from caveat.runtime.engine import Engine, local, remote
from caveat.runtime.journal import Journal
from caveat.runtime.origin import Origin, without_secrets
from caveat.runtime.prompts import Survey
from caveat.runtime.provenance import OutFile, Run
from caveat.runtime.row_scan import RowsDigest
from caveat.runtime.rows import FORMATS, Form, file_digest, finished, write
from caveat.runtime.run_folder import Begun
from caveat.verdict.answer import Verdict

#: What is sent where nobody says otherwise: answers of a useful length, as varied as chat models are used.
TEMPERATURE, MAX_TOKENS = 0.7, 512
DOUBTFUL = ("depends", "unknown")
#: option -> (least, most)
BOUNDS: dict[str, tuple[float, float]] = {
    "temperature": (0, 100), "top_p": (0, 1), "max_tokens": (1, 1 << 20), "threads": (1, 512),
    "context": (0, 1 << 24), "parallel": (1, 256), "timeout": (1, 86_400), "seed": (0, (1 << 31) - 1),
}
Told = Callable[[int, int, int], None]


class Wanted(NamedTuple):
    """What was asked for on the command line. `seed` None: chosen by chance and written down; `key` goes nowhere."""

    model: str
    prompts: Path
    out: Path
    url: str = ""
    named: str = ""
    purpose: str = ""
    format: str = "parquet"
    verifiable: bool = False
    seed: int | None = None
    temperature: float = TEMPERATURE
    top_p: float | None = None
    max_tokens: int = MAX_TOKENS
    threads: int = 1
    context: int = 0  # tokens; 0: as the model was trained, up to 8192
    parallel: int = 1
    timeout: float = 300.0  # seconds without a byte from an address
    on: str = ""  # ISO day whose terms apply
    resume: bool = False
    retry_errors: bool = False
    strict: bool = False
    key: str = ""
    by: str = ""
    licence: str = ""
    title: str = ""
    watermark: Path | None = None  # file of the key; made where there is none


class Start(NamedTuple):
    """What is known before the first token: the model, the verdict on the purpose (None: none was told)."""

    origin: Origin
    verdict: Verdict | None
    refused: bool

    def doubtful(self) -> bool:
        return self.verdict is not None and self.verdict.verdict in DOUBTFUL


class Done(NamedTuple):
    """A finished run; `cut` is how many bytes of a torn tail the journal lost when it was opened.

    `versions`: of the engine, where it was resumed under another one than it was begun with.
    """

    run: Run
    cut: int = 0
    nothing_to_do: bool = False
    versions: tuple[str, ...] = ()


def start(wanted: Wanted) -> Start:
    """Whose model, and may its output serve the purpose. Raises SettingsError, EvidenceError."""
    _bounded(wanted)
    before = run_folder.begun(wanted.out) if wanted.resume else None
    # A resumed run goes on under the terms it began under, whatever day it is by now.
    on = wanted.on or (str(before.asked.get("terms_on", "")) if before else "")
    origin = origin_of(wanted.model, url=wanted.url, named=wanted.named, on=on)
    if not wanted.url and not origin.file:
        raise SettingsError(f"{wanted.model}: a name, not a file: --model wants a GGUF file, or a name and --url")
    verdict = allowed(origin, wanted.purpose, fixes=False) if wanted.purpose else None
    refused = verdict is not None and (verdict.verdict == "prohibited" or
                                       (wanted.strict and verdict.verdict in DOUBTFUL))
    # What would make it lawful is looked for only where it is not: that takes longer than the verdict.
    return Start(origin, allowed(origin, wanted.purpose) if refused else verdict, refused)


def _bounded(wanted: Wanted) -> None:
    told = wanted._asdict()
    for name, (least, most) in BOUNDS.items():
        value = told[name]
        if value is not None and not least <= value <= most:
            raise SettingsError(f"--{name.replace('_', '-')} wants {least:g} to {most:g}, not {value}")
    if wanted.format not in FORMATS:
        raise SettingsError(f"--format wants {' or '.join(FORMATS)}, not {wanted.format!r}")
    if wanted.parallel > 1 and not wanted.url:
        raise SettingsError("--parallel is for an address (--url): a model in this process answers one row at a time")


def generate(wanted: Wanted, begun: Start, told: Told) -> Done:
    """All rows that are missing, then the files. `told(rows, errors, of)` is called after each row.

    Killed at any moment, a resumed run goes on where it was. Raises CaveatError; KeyboardInterrupt keeps what is there.
    """
    seen = prompts.survey(wanted.prompts)
    before = run_folder.begun(wanted.out)
    asked = _asked(wanted, begun.origin, seen, before)
    run_folder.ready(wanted.out, before, asked, resume=wanted.resume)
    journal_file = wanted.out / run_folder.STATE_FOLDER / run_folder.JOURNAL_FILE
    if before is not None and before.finished and not (wanted.retry_errors and journal_file.exists()):
        done = Done(_run(wanted, begun, seen, before, "", 0, 0), 0, True)
    else:
        done = _gone_on(wanted, begun, seen, before, asked, told)
    if not (wanted.out / run_folder.ERRORS_FILE).exists():
        run_folder.clear(wanted.out)
    return done


def _gone_on(wanted: Wanted, begun: Start, seen: Survey, before: Begun | None, asked: Mapping[str, Any],
             told: Told) -> Done:
    """The rows that are missing, and the files."""
    with closing(_engine(wanted, begun.origin)) as engine:
        state = _answering(wanted.out, before or run_folder.begin(wanted.out, asked), engine)
        with closing(Journal(wanted.out / run_folder.STATE_FOLDER / run_folder.JOURNAL_FILE)) as journal:
            _ask(wanted, engine, journal, seen, asked, told)
            _unchanged(wanted.prompts, seen)
            return _finish(wanted, begun, seen, state, journal, engine)


def _answering(folder: Path, state: Begun, engine: Engine) -> Begun:
    """The run with the engine's version noted: under another one, the same seed may give another answer."""
    if not engine.version or engine.version in state.versions[-1:]:
        return state
    noted = state._replace(versions=(*state.versions, engine.version))
    run_folder.keep(folder, noted)
    return noted


def _asked(wanted: Wanted, origin: Origin, seen: Survey, before: Begun | None) -> dict[str, Any]:
    """What makes a run the run it is: all of it must be the same when it is resumed."""
    chosen = before.asked.get("seed") if before else secrets.randbelow(1 << 31)
    sampling = {"temperature": wanted.temperature, "max_tokens": wanted.max_tokens,
                **({} if wanted.top_p is None else {"top_p": wanted.top_p})}
    return {"model": origin.purl, "asked_as": wanted.model if wanted.url else "",
            "url": without_secrets(wanted.url),
            "prompts": seen.sha256, "terms_on": origin.terms_on, "purpose": wanted.purpose, "format": wanted.format,
            "verifiable": wanted.verifiable, "seed": chosen if wanted.seed is None else wanted.seed,
            "context": wanted.context, **sampling, **_mark(wanted)}


def _mark(wanted: Wanted) -> dict[str, str]:
    """The id of the watermark's key, and nothing else of it."""
    if wanted.watermark is None:
        return {}
    from caveat.runtime.watermark import key_at

    if wanted.url:
        raise SettingsError("--watermark needs a model in this process: at an address its logits cannot be reached")
    return {"watermark": key_at(wanted.watermark).id()}


def _engine(wanted: Wanted, origin: Origin) -> Engine:
    if wanted.watermark is not None:
        from caveat.runtime.marked_engine import marked
        from caveat.runtime.watermark import read_key

        return marked(_gguf(Path(origin.file)), read_key(wanted.watermark), threads=wanted.threads,
                      context=wanted.context)
    if wanted.url:
        return remote(wanted.url, key=wanted.key, timeout=wanted.timeout)
    return local(_gguf(Path(origin.file)), threads=wanted.threads, context=wanted.context)


def _gguf(path: Path) -> Path:
    """The one GGUF file of a folder, or the file itself. Raises EvidenceError where that is not clear."""
    if path.is_file():
        return path
    files = sorted(path.glob("*.gguf"))
    if len(files) != 1:
        there = ", ".join(f.name for f in files[:5]) or "none: caveat convert makes one"
        raise EvidenceError(f"{path}: one GGUF file is wanted, there {'are ' if files else 'is '}{there}")
    return files[0]


def _parameters(wanted: Wanted, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What is sent with every row besides its seed."""
    model = {"model": wanted.model} if wanted.url else {}
    return {**model, **{k: asked[k] for k in ("temperature", "max_tokens", "top_p") if k in asked}}


def _ask(wanted: Wanted, engine: Engine, journal: Journal, seen: Survey, asked: Mapping[str, Any], told: Told) -> None:
    told(journal.rows, journal.errors, seen.rows)
    # A hosted service may refuse a setting it does not know: without being asked, no seed is sent there.
    seeded = not wanted.url or wanted.seed is not None or wanted.verifiable
    manner = Manner(_parameters(wanted, asked), asked["seed"] if seeded else None, wanted.parallel,
                    wanted.retry_errors, wanted.prompts.name)
    ask_all(engine, prompts.read(wanted.prompts), journal, manner,
            lambda: told(journal.rows, journal.errors, seen.rows))
    journal.sync()


def _unchanged(path: Path, seen: Survey) -> None:
    if prompts.survey(path) != seen:
        raise CaveatError(f"{path}: was changed while its rows were asked; put the old file back and --resume")


# The files.


def _finish(wanted: Wanted, begun: Start, seen: Survey, state: Begun, journal: Journal, engine: Engine) -> Done:
    """Rows to files, papers beside them, then the mark that it is finished: killed in between, it is done again."""
    form = Form(wanted.format, begun.origin.purl, state.run_id, wanted.verifiable, journal.kinds)
    rows, digest = (finished(kept.fields, form) for kept in journal.in_order()), RowsDigest()
    files = write(digest.of(rows) if wanted.verifiable else rows, wanted.out, form)
    errors = wanted.out / run_folder.ERRORS_FILE
    if run_folder.write_lines(errors, (kept.fields for kept in journal.in_order(errors=True))):
        files += (OutFile(errors.name, file_digest(errors), errors.stat().st_size),)
    run = _run(wanted, begun, seen, state, engine.name, journal.rows, journal.errors)
    run = run._replace(files=files, rows_sha256=digest.hex() if wanted.verifiable else "")
    _papers(wanted, run, form)
    run_folder.keep(wanted.out, state._replace(finished=True))
    return Done(run, journal.cut, versions=state.versions if len(state.versions) > 1 else ())


def _run(wanted: Wanted, begun: Start, seen: Survey, state: Begun, engine: str, rows: int, errors: int) -> Run:
    from importlib.metadata import version

    sent = {k: state.asked[k] for k in ("temperature", "max_tokens", "top_p", "seed", "context", "watermark")
            if state.asked.get(k) is not None}
    verdict = begun.verdict.verdict if begun.verdict else ""
    return Run(state.run_id, begun.origin, engine, " then ".join(state.versions), sent, seen.sha256, state.started,
               run_folder.now(), rows, errors, (), wanted.purpose, verdict, (), wanted.by, wanted.prompts.name,
               version("caveat"), wanted.verifiable)


def _papers(wanted: Wanted, run: Run, form: Form) -> None:
    from caveat.flows.papers import papers

    for name, text in papers(run, form.columns(), licence=wanted.licence, title=wanted.title).items():
        run_folder.write_text(wanted.out / name, text)
