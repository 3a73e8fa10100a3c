"""Serve GGUF files at home: an OpenAI-compatible endpoint, a chat page, and provenance on every answer.

  caveat serve-model smollm2.gguf                     open http://127.0.0.1:8080/ and talk
  caveat serve-model a.gguf b.gguf --log served.sqlite
  curl http://127.0.0.1:8080/v1/chat/completions -d '{"model": "smollm2", "messages": [...]}'
"""

from __future__ import annotations

import argparse

from caveat.cli.served import listening, shared, stated


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("models", nargs="+", metavar="M.gguf", help="models to serve, each under its file's name")
    shared(parser, 8080, "NAME=OWNER/NAME", "what a file is, where nothing in it says so (NAME: its file name)")
    parser.add_argument("--threads", type=int, default=1, metavar="N", help="of the processor (default: 1)")
    parser.add_argument("--context", type=int, default=0, metavar="N", help="tokens (default: as trained, up to 8192)")


def run(options: argparse.Namespace) -> int:
    from caveat.flows.serving import serve

    server = serve(options.models, threads=options.threads, context=options.context, **stated(options))
    return listening(server, options, page=True)
