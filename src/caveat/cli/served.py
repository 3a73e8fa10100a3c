"""What `serve-model` and `proxy` share: their options, what they say when they start, and how they listen."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from caveat.errors import SettingsError

if TYPE_CHECKING:
    from caveat.flows.serving import Server


def shared(parser: argparse.ArgumentParser, port: int, form: str, named: str) -> None:
    """--host, --port, --allow-host, --named, --on, --log, --keep-text."""
    parser.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1, this machine alone")
    parser.add_argument("--port", type=int, default=port, help=f"default: {port}")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME",
                        help="a name this server goes by (repeatable); others are refused")
    parser.add_argument("--named", action="append", default=[], metavar=form, help=named)
    parser.add_argument("--on", default="", metavar="DATE", help="whose terms of which day (default: today)")
    parser.add_argument("--log", default="", metavar="FILE", help="an append-only log of what was delivered (SQLite)")
    parser.add_argument("--keep-text", action="store_true", help="the log keeps texts, not only their digests")


def stated(options: argparse.Namespace) -> dict[str, Any]:
    """The shared options as the flows take them. Raises SettingsError."""
    from caveat.flows.serving import pairs

    if not 0 < options.port < 65536:
        raise SettingsError(f"--port wants 1 to 65535, not {options.port}")
    if options.keep_text and not options.log:
        raise SettingsError("--keep-text wants --log FILE to keep them in")
    return {"host": options.host, "names": options.allow_host, "named": pairs(options.named, "--named"),
            "on": options.on, "log": options.log, "keep_text": options.keep_text}


def listening(server: Server, options: argparse.Namespace, page: bool) -> int:
    """Say what is served and where, listen, and at the end say how the log stands."""
    from caveat.report.escape import visible
    from caveat.runtime.serving.gate import local
    from caveat.runtime.serving.running import listen

    host = f"[{options.host}]" if ":" in options.host.strip("[]") else options.host
    print(f"http://{host}:{options.port}/{'' if page else 'caveat/'}  run {server.run_id}", file=sys.stderr)
    for line in server.serves:
        print(f"  {visible(line, 500)}", file=sys.stderr)
    if not local(options.host):
        print(f"caveat: warning: everybody who reaches {options.host} can use this server; it asks for no key",
              file=sys.stderr)
    try:
        listen(server.app, options.host, options.port)
    finally:
        lost = server.log.close() if server.log else 0
        if lost:
            print(f"caveat: {lost} rows could not be written to {options.log}: {server.log and server.log.fault}",
                  file=sys.stderr)
    return 0
