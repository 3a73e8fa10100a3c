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

from caveat.cli import making
from caveat.cli.options import fail_on, settings

if TYPE_CHECKING:
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
    making.answers(parser)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.quantize_plan import planned
    from caveat.flows.quantizing import made
    from caveat.verdict.gate import failing

    wanted = fail_on(options)
    plan = planned(_order(options))
    for line in plan.warnings:
        making.say(line)
    if making.refused(plan.verdict, wanted, options):
        return 1
    if options.format == "terminal":
        making.show_verdict(plan.verdict, options)
    with _ended_cleanly():
        done = made(plan, _Bar(), making.say)
    _show(done, options)
    return int(failing(plan.verdict, wanted) or making.unmet(done.laid.reports, wanted))


def _order(options: argparse.Namespace) -> Any:
    from caveat.flows.quantize_plan import Order

    said = settings(options)
    return Order(options.model, options.output, options.type, options.purpose, options.base, options.card, options.by,
                 options.licence_from, tuple(options.notice), options.engine, options.imatrix, options.perplexity,
                 options.threads, options.pure, options.force, said["facts"], said["readings"])


def _show(done: Made, options: argparse.Namespace) -> None:
    from caveat.flows.quantizing import facts_of, page

    if options.format == "json":
        return making.show_facts(facts_of(done))
    print()
    return making.show_page(page(done), options)


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
