"""The server process itself: uvicorn, which writes no line about a request, since addresses can hold keys."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from caveat.errors import CaveatError
from caveat.runtime.engine import missing
from caveat.runtime.serving.gate import LOCAL, Gate, local
from caveat.runtime.serving.middleware import App


def gated(app: App, host: str, names: tuple[str, ...]) -> App:
    """The app behind its gate: reached by local names, by the host it listens on and by the names told."""
    return Gate(app, (*LOCAL, host, *names), anywhere=not local(host))


def worth_telling(record: Any) -> bool:
    """Whether a line of uvicorn's is news: answers that break off are in our log, and stopping stops them."""
    cancelled = record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError)
    return not cancelled and not record.getMessage().startswith(("ASGI callable returned without", "Cancel "))


def listen(app: App, host: str, port: int) -> None:
    """Serve until interrupted. Raises CaveatError where the port is taken or uvicorn is missing."""
    try:
        import uvicorn
    except ImportError as fault:
        raise missing("serving", fault) from None
    config = uvicorn.Config(app, host=host.strip("[]"), port=port, access_log=False, log_level="warning",
                            server_header=False, timeout_graceful_shutdown=2)
    logging.getLogger("uvicorn.error").addFilter(worth_telling)
    try:
        uvicorn.Server(config).run()
    except KeyboardInterrupt:
        return  # that is how a server at home is stopped
    except SystemExit:
        raise CaveatError(f"cannot listen on {host}:{port}: is it taken? (--port N)") from None
