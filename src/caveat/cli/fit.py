"""Will it fit, at which quantization, with how much context: from headers and configurations, without the weights.

  caveat fit model.gguf --gpu 8GiB                  a file you have
  caveat fit ./my-model --gpu 24GiB --context 16384 a folder with config.json (and safetensors)
  caveat fit Llama-3-8B --cache-type q8_0           a model with a known shape, without having it
"""

from __future__ import annotations

import argparse
import re

from caveat.cli.options import colour, show, width

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30,
         "ti": 1 << 40}


def size(words: str) -> int:
    """Bytes of "8GiB", "8GB", "8 G" or "24" (a bare number up to 4096 is GiB). Raises ArgumentTypeError."""
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?i?)b?\s*", words, re.IGNORECASE)
    if not match or match[2].lower() not in UNITS:
        raise argparse.ArgumentTypeError(f"{words!r} is no size: 8GiB, 24GB, 512MiB")
    unit = "gi" if not match[2] and float(match[1]) <= 4096 else match[2].lower()
    return int(float(match[1]) * UNITS[unit])


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=".gguf, folder, config.json, .safetensors, or a known name")
    parser.add_argument("--gpu", type=size, default=0, metavar="SIZE",
                        help="memory there is, for instance 8GiB (exit 1 if nothing fits)")
    parser.add_argument("--context", type=int, default=0, metavar="N", help="tokens (default: the least in the table)")
    parser.add_argument("--cache-type", choices=("f16", "q8_0", "q4_0"), default="f16",
                        help="type of keys and values (default: f16)")
    parser.add_argument("--format", choices=("terminal", "json", "markdown"), default="terminal")
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (atomically) instead of printing")
    parser.add_argument("--width", type=int, default=0, help="columns (default: the terminal's)")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.fitting import fit
    from caveat.report.pages import tell

    answer = fit(options.model, options.gpu, options.context, options.cache_type)
    show(tell(options.format, answer.page, width(options), colour() and not options.output), options)
    return 0 if answer.fits else 1
