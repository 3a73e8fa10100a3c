"""Rows that a model writes, each with whose output it is; what they are for is looked at before the first token.

  caveat generate --model model.gguf --prompts questions.jsonl -o rows --purpose "train mistral-7b"
  caveat generate --model llama3 --url http://localhost:11434/v1 --prompts p.txt -o rows --parallel 8
  caveat generate ... -o rows --resume                    go on after kill -9: no row is lost, none comes twice
  caveat generate --model gpt-4o --url https://api.openai.com/v1 --key-env OPENAI_API_KEY --on 2026-11-24 ...

Exit: 0 all rows have an answer · 1 the purpose is refused, or rows failed (errors.jsonl) · 2 wrong usage · 130 stopped
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caveat.cli.options import colour, width
from caveat.errors import SettingsError

if TYPE_CHECKING:
    from caveat.flows.generating import Done, Start, Wanted


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--model", required=True, metavar="FILE|NAME", help="a GGUF file (or a folder with one), or a name at --url")
    add("--prompts", required=True, metavar="FILE", help=".jsonl (prompt or messages, id, system), .parquet, or text")
    add("-o", "--output", required=True, metavar="DIR", help="a new folder for rows, card, statement and metadata")
    add("--purpose", default="", metavar="WORDS", help="what the rows are for ('train mistral-7b'): checked first")
    add("--strict", action="store_true", help="refuse a purpose that is open or unknown, too")
    add("--url", default="", metavar="URL", help="an OpenAI-compatible address: Ollama, vLLM, llama-server, a service")
    add("--key-env", default="", metavar="NAME", help="environment variable that holds the key for --url")
    add("--named", default="", metavar="OWNER/NAME", help="what the model is, where its file does not say")
    add("--on", default="", metavar="DATE", help="the day whose terms apply (default: today)")
    add("--format", choices=("parquet", "jsonl"), default="parquet", help="default: parquet")
    add("--verifiable", action="store_true", help="each row carries its seed and a SHA-256 of itself")
    add("--resume", action="store_true", help="go on with the run in DIR")
    add("--retry-errors", action="store_true", help="with --resume: ask the rows again that failed")
    _sampling(parser)
    add("--watermark", type=Path, metavar="KEYFILE",
        help="mark the choice of words with this key (made where there is none; needs llama-cpp-python)")
    add("--licence", default="", metavar="ID", help="what you publish the rows under (default: nothing is stated)")
    add("--title", default="", help="the card's title")
    add("--by", default="", metavar="NAME", help="who ran it, for the statement")


def _sampling(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, metavar="N", help="first row's seed; each row has its own (default: by chance, kept)")
    add("--temperature", type=float, default=0.7, metavar="T", help="default: 0.7")
    add("--top-p", type=float, metavar="P", help="default: the engine's")
    add("--max-tokens", type=int, default=512, metavar="N", help="longest answer (default: 512)")
    add("--context", type=int, default=0, metavar="N", help="tokens a local model holds (default: as trained)")
    add("--threads", type=int, default=1, metavar="N", help="processors for a local model (default: 1)")
    add("--parallel", type=int, default=1, metavar="N", help="rows asked at once, with --url (default: 1)")
    add("--timeout", type=float, default=300.0, metavar="SECONDS", help="without a byte from --url (default: 300)")


def run(options: argparse.Namespace) -> int:
    from caveat.cli.progress import Progress
    from caveat.flows.generating import generate, start

    wanted = _wanted(options)
    begun = start(wanted)
    for problem in begun.origin.problems:
        _told(problem)
    if begun.refused:
        return _refused(begun)
    if begun.doubtful() and begun.verdict:
        _told(f"the purpose is not settled: {begun.verdict.verdict}; caveat ask tells on what (--strict refuses)")
    _stop_cleanly()
    with Progress() as progress:
        try:
            done = generate(wanted, begun, progress)
        except KeyboardInterrupt:
            _told(f"stopped; every row answered so far is kept in {wanted.out}: the same command with --resume goes on")
            return 130
    return _finished(wanted, done)


def _wanted(options: argparse.Namespace) -> Wanted:
    from caveat.flows.generating import Wanted

    given: dict[str, Any] = {k: v for k, v in vars(options).items() if k in Wanted._fields}
    return Wanted(**{**given, "prompts": Path(options.prompts), "out": Path(options.output),
                     "key": _key(options.key_env)})


def _key(name: str) -> str:
    """The key that a variable holds. Raises SettingsError where it is not set; never repeats what it holds."""
    if not name:
        return ""
    key = os.environ.get(name, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise SettingsError(f"--key-env {name!r}: no such environment variable, or no key in it"[:200])
    return key


def _stop_cleanly() -> None:
    """A polite kill is the same as Ctrl-C."""
    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _refused(begun: Start) -> int:
    from caveat.report import render

    if begun.verdict:
        columns = width(argparse.Namespace(width=0))
        print(render("terminal", begun.verdict, columns, colour()).rstrip("\n"))
    _told("refused before the first token: nothing was generated")
    return 1


def _finished(wanted: Wanted, done: Done) -> int:
    run = done.run
    if done.nothing_to_do:
        _told(f"{wanted.out}: finished already, nothing to do")
        return 0
    if done.cut:
        _told(f"the journal's torn tail ({done.cut:,} bytes) was cut off and its rows asked again")
    if done.versions:
        _told(f"rows were answered by versions {', then '.join(done.versions)} of the engine: the same seed may give "
              "another answer under another")
    failed = f", {run.errors:,} failed (errors.jsonl; --resume --retry-errors asks them again)" if run.errors else ""
    print(f"{wanted.out}: {run.rows:,} rows of {run.origin.name}{failed}")
    return 1 if run.errors else 0


def _told(text: str) -> None:
    print(f"caveat generate: {text}", file=sys.stderr)
