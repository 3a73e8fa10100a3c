"""A checkpoint folder as one GGUF file, with what its licence asks to lie beside it. The law is asked first.

  caveat convert ./Llama-2-7b-hf -o llama-2-7b-f16.gguf
  caveat convert ./my-tune -o my-tune.gguf --type bf16 --base owner/my-tune
  caveat convert ./gemma-2b -o gemma-2b.gguf --converter ~/llama.cpp/convert_hf_to_gguf.py --python ~/torch/bin/python

Llama, Mistral, Mixtral, Qwen2 and Qwen3 with safetensors and a SentencePiece or BPE tokenizer are converted here, a
piece at a time and without torch; others by your own llama.cpp converter. Pickled weights (.bin, .pt) are never opened.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from caveat.cli import making
from caveat.cli.options import fail_on, settings

if TYPE_CHECKING:
    from caveat.flows.converting import Made


def arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", type=Path, metavar="DIR", help="config.json, *.safetensors, tokenizer.model or tokenizer.json")
    add("-o", "--output", type=Path, required=True, metavar="OUT.gguf", help="written whole or not at all")
    add("--type", choices=("f32", "f16", "bf16", "auto"), default="auto",
        help="of the matrices (default: auto = bf16 or f16 as they are, f16 of f32)")
    add("--base", default="", metavar="OWNER/NAME", help="which model the folder is, if its card does not say")
    add("--card", default="", metavar="OWNER/NAME", help="the name it is published under (judges the hand-over too)")
    add("--licence-from", type=Path, metavar="FILE|DIR", help="your copy of the texts (default: in the folder)")
    add("--notice", action="append", default=[], metavar="LINE", help="a line of your own for NOTICE (repeatable)")
    add("--no-papers", action="store_true", help="the file alone: no texts, NOTICE and card beside it")
    add("--pre", default="", metavar="NAME", help="llama.cpp's name of the pre-tokenizer, where it is not recognised")
    add("--converter", type=Path, metavar="FILE", help="your own convert_hf_to_gguf.py, for other architectures")
    add("--python", default="", metavar="FILE", help="the Python that runs it (default: this one)")
    add("--force", action="store_true", help="write over an output that is there")
    making.answers(parser)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.converting import Order, made, planned
    from caveat.verdict.gate import failing

    said, wanted = settings(options), fail_on(options)
    plan = planned(Order(options.model, options.output, options.type, options.base, options.converter, options.python,
                         options.pre, options.force, options.card, options.licence_from, tuple(options.notice),
                         not options.no_papers, said["facts"], said["readings"]))
    for line in plan.origin.problems:
        making.say(line)
    if making.refused(plan.verdict, wanted, options):
        return 1
    done = made(plan, _Bar(), making.say)
    _show(done, options)
    return int(failing(plan.verdict, wanted) or (done.laid is not None and making.unmet(done.laid.reports, wanted)))


def _show(done: Made, options: argparse.Namespace) -> None:
    from caveat.flows.converting import facts_of, page

    if options.format == "json":
        return making.show_facts(facts_of(done))
    verdict = done.planned.verdict
    print(f"{verdict.verdict}: {verdict.read_as}\n")
    return making.show_page(page(done), options)


class _Bar:
    """A progress line on a terminal; silent elsewhere."""

    def __init__(self) -> None:
        self.begun, self.shown = time.monotonic(), sys.stderr.isatty()

    def __call__(self, done: int, total: int, name: str) -> None:
        if self.shown:
            speed = done / max(1e-3, time.monotonic() - self.begun) / 1e6
            print(f"\r\033[K{done / max(1, total):4.0%} {speed:7.1f} MB/s  {ascii(name)[1:-1][:40]}",
                  end="\n" if done >= total else "", file=sys.stderr, flush=True)
