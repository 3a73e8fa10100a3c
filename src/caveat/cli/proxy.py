"""Pass everything through to a model server, with provenance on every answer and a log of what was delivered.

  caveat proxy --upstream http://localhost:11434 --named llama2=meta-llama/Llama-2-7b-chat-hf --log served.sqlite
  caveat proxy --upstream https://api.openai.com --on 2026-11-24
  caveat proxy --named my-llama=meta-llama/Llama-2-7b-chat-hf --write-origins origins.json    for a middleware
"""

from __future__ import annotations

import argparse
import sys

from caveat.cli.served import listening, shared, stated
from caveat.errors import SettingsError


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--upstream", metavar="URL", help="where the models are: http://HOST[:PORT][/PATH]")
    shared(parser, 8081, "MODEL=OWNER/NAME", "what a served name stands for (repeatable)")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS",
                        help="without a byte from upstream (default: 600)")
    parser.add_argument("--most-body", type=int, default=32, metavar="MiB", help="of a request (default: 32)")
    parser.add_argument("--write-origins", metavar="FILE",
                        help="write what --named says for CAVEAT_ORIGINS, and stop")


def run(options: argparse.Namespace) -> int:
    from caveat.flows import serving

    if options.write_origins:
        from caveat.cli.atomic import write

        write(options.write_origins, serving.origins_file(serving.pairs(options.named, "--named"), options.on))
        print(f"wrote {options.write_origins}: set CAVEAT_ORIGINS to it", file=sys.stderr)
        return 0
    if not options.upstream:
        raise SettingsError("caveat proxy wants --upstream URL")
    if not 0 < options.most_body <= 4096 or not 0 < options.timeout <= 86_400:
        raise SettingsError("--most-body wants 1 to 4096 MiB, --timeout 1 to 86400 seconds")
    server = serving.proxied(options.upstream, most_body=options.most_body << 20, seconds=options.timeout,
                             **stated(options))
    return listening(server, options, page=False)
