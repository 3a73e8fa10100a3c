"""A model in fewer bits, with everything that its licence asks to lie beside it. The law is asked first.

  caveat quantize model.gguf -o out/model-Q8_0.gguf --type Q8_0
  caveat quantize model.gguf -o out/m-Q4_K_M.gguf --type Q4_K_M --base meta-llama/Llama-2-7b-hf
  caveat quantize model.gguf -o out/m-Q4_0.gguf --type Q4_0 --purpose "ship as apache-2.0"
  caveat quantize model.gguf -o out/m-Q4_0.gguf --type Q4_0 --perplexity text.txt

Types: F32 F16 BF16 Q8_0 Q6_K Q5_1 Q5_0 Q4_1 Q4_0 are made here; K- and I-quantizations by llama-cpp-python or
llama-quantize, where one is installed. A prohibited act or purpose is refused before anything is read but headers.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caveat.cli.options import DEFAULT_FAIL_ON, FAIL_ON, colour, fail_on, own_law, settings, width

if TYPE_CHECKING:
    from caveat.flows.quantize_plan import Planned
    from caveat.flows.quantizing import Made


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", type=Path, metavar="IN.gguf", help="32 or 16 bits, or quantized already (which loses more)")
    add("-o", "--output", type=Path, required=True, metavar="OUT.gguf", help="what goes along is laid beside it")
    add("--type", required=True, metavar="TYPE", help="Q8_0, Q4_K_M, ... (see above)")
    add("--purpose", default="", metavar="WORDS", help="'ship as mit', 'train mistral-7b on its output', 'serve'")
    add("--base", default="", metavar="OWNER/NAME", help="which model the input is, if its header does not say")
    add("--card", default="", metavar="OWNER/NAME", help="the name it is published under (means --purpose ship)")
    add("--by", default="", metavar="NAME", help="who quantizes (default: [project].by of caveat.toml)")
    add("--licence-from", type=Path, metavar="FILE|DIR", help="your copy of the texts (default: beside the input)")
    add("--notice", action="append", default=[], metavar="LINE", help="a line of your own for NOTICE (repeatable)")
    add("--perplexity", type=Path, metavar="TEXT", help="count perplexity on this text before and after")
    add("--imatrix", type=Path, metavar="FILE", help="importance matrix (GGUF form)")
    add("--engine", default="", metavar="NAME", help="gguf, llama-cpp-python, llama-quantize (default: first found)")
    add("--pure", action="store_true", help="every matrix in the type named, the output matrix too")
    add("--threads", type=int, default=1, metavar="N", help="of an engine (default: 1)")
    add("--force", action="store_true", help="write over an output that is there")
    _answers(parser)


def _answers(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--format", choices=("terminal", "json"), default="terminal", help="default: terminal")
    add("--fact", action="append", default=[], metavar="NAME=VALUE", help="state a fact (repeatable)")
    add("--read", action="append", default=[], metavar="WORD=READING", help="settle a disputed word (repeatable)")
    add("--presume", choices=("usual",), default="usual", help=argparse.SUPPRESS)
    own_law(parser)
    add("--fail-on", default=",".join(DEFAULT_FAIL_ON), metavar="LIST",
        help=f"exit 1 on any of {', '.join(FAIL_ON)} (default: {','.join(DEFAULT_FAIL_ON)}); the first two "
             "keep the file from being made")
    add("--width", type=int, default=0, help="columns (default: the terminal's)")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.beside import duties
    from caveat.flows.quantize_plan import planned
    from caveat.flows.quantizing import made
    from caveat.verdict.gate import failing

    wanted = fail_on(options)
    plan = planned(_order(options))
    for line in plan.warnings:
        print(f"caveat: {line}", file=sys.stderr)
    failed = failing(plan.verdict, wanted)
    if failed and failing(plan.verdict, wanted & {"prohibited", "contradicted"}):
        _show_verdict(plan, options)
        print("caveat: nothing was made", file=sys.stderr)
        return 1
    if options.format == "terminal":
        _show_verdict(plan, options)
    with _ended_cleanly():
        done = made(plan, _Bar(), lambda line: print(f"caveat: {line}", file=sys.stderr))
    _show(done, options)
    return int(failed or ("unmet" in wanted and any(d.state == "unmet" for d in duties(done.laid.reports))))


def _order(options: argparse.Namespace) -> Any:
    from caveat.flows.quantize_plan import Order

    said = settings(options)
    return Order(options.model, options.output, options.type, options.purpose, options.base, options.card, options.by,
                 options.licence_from, tuple(options.notice), options.engine, options.imatrix, options.perplexity,
                 options.threads, options.pure, options.force, said["facts"], said["readings"])


def _show_verdict(plan: Planned, options: argparse.Namespace) -> None:
    from caveat.report import render

    print(render(options.format, plan.verdict, width(options), colour()).rstrip("\n"))


def _show(done: Made, options: argparse.Namespace) -> None:
    from caveat.flows.quantizing import facts_of, page

    if options.format == "json":
        import json

        print(json.dumps(facts_of(done), ensure_ascii=False))
        return
    from caveat.report.pages import tell

    print()
    print(tell("terminal", page(done), width(options), colour()).rstrip("\n"))


@contextmanager
def _ended_cleanly() -> Iterator[None]:
    """A polite kill is an interruption: what is half made is taken away."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _Bar:
    """A progress line on a terminal; silent elsewhere."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.shown = sys.stderr.isatty()

    def __call__(self, done: int, total: int, name: str) -> None:
        if not self.shown:
            return
        share = done / max(1, total)
        speed = done / max(1e-3, time.monotonic() - self.begun) / 1e6
        clean = ascii(name)[1:-1][:40]
        end = "\n" if done >= total else ""
        print(f"\r\033[K{share:4.0%} {'#' * int(30 * share):<30} {speed:7.1f} MB/s  {clean}", end=end, file=sys.stderr,
              flush=True)
