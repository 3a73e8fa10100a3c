"""What the middleware needs to know, from the program that serves or from the environment (as vLLM gives no arguments).

    CAVEAT_GENERATOR=OWNER/NAME or pkg:...    whose answers these are, whatever model is named
    CAVEAT_ORIGINS=origins.json               {"served name": {"name": ..., "purl": ..., "laws": [...], "may": {...}}}
                                              a name that is not in it (an adapter, say) gets no generator
    CAVEAT_LOG=served.sqlite                  the log; without it only headers are written
    CAVEAT_KEEP_TEXT=1                        the log keeps texts, not only digests
    CAVEAT_PATHS=/my/route,/other             more routes whose POST requests are answered by a model
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from caveat.errors import SettingsError
from caveat.runtime.origin import Origin, address
from caveat.runtime.serving.headers import Known, known_of

#: Ends of routes where a POST makes a model answer: OpenAI, Anthropic, Ollama, TGI, SageMaker, Google.
ROUTES = ("/completions", "/responses", "/messages", "/embeddings", "/generate", "/generate_stream", "/api/chat",
          "/invocations", ":generateContent", ":streamGenerateContent", "/edits", "/generations", "/rerank", "/score")
MOST_ORIGINS = 1 << 20
OWNER_NAME = re.compile(r"[\w.\-]{1,96}/[\w.\-]{1,96}")
Find = Callable[[str], Known | None]


def nobody(model: str) -> Known | None:
    """No model is known."""
    return None


class Settings(NamedTuple):
    """`find` tells the origin of a served model; it may be slow the first time it hears a name."""

    find: Find = nobody
    log: str = ""
    keep_text: bool = False
    routes: tuple[str, ...] = ROUTES  # ("",) = every POST
    run_id: str = ""

    def watches(self, method: str, path: str) -> bool:
        """Whether a model answers this request."""
        return method == "POST" and path.rstrip("/").endswith(self.routes)


def run_id() -> str:
    """A new id for one run of a server."""
    return f"serve-{uuid4().hex}"


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of a middleware that is loaded by its import path. Raises SettingsError."""
    file, generator = environment.get("CAVEAT_ORIGINS", ""), environment.get("CAVEAT_GENERATOR", "")
    origins = read_origins(Path(file)) if file else {}
    default = _named(generator) if generator else None
    sole = next(iter(origins.values())) if len(origins) == 1 else None
    more = tuple(p for p in environment.get("CAVEAT_PATHS", "").split(",") if p)
    keep = environment.get("CAVEAT_KEEP_TEXT", "").lower() in ("1", "true", "yes")
    find: Find = lambda model: origins.get(model) or default or (None if model else sole)  # noqa: E731
    return Settings(find, environment.get("CAVEAT_LOG", ""), keep,
                    (*ROUTES, *more), run_id())


def read_origins(path: Path) -> dict[str, Known]:
    """Served name -> origin, of a JSON file that `caveat proxy --write-origins` wrote. Raises SettingsError."""
    try:
        text = path.read_bytes()
        told = json.loads(text) if len(text) <= MOST_ORIGINS else None
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"cannot be read as origins: {error}", place=str(path)) from None
    if not isinstance(told, dict) or not all(isinstance(v, dict) for v in told.values()):
        raise SettingsError("wants an object: served name -> origin", place=str(path))
    return {name: known_of(one, f"{path}: {name[:80]}") for name, one in told.items()}


def _named(generator: str) -> Known:
    """A purl as it is; OWNER/NAME becomes one. Raises SettingsError for anything else."""
    if generator.startswith("pkg:"):
        return Known(Origin(generator, "model", generator))
    if not OWNER_NAME.fullmatch(generator):
        raise SettingsError(f"wants OWNER/NAME or a purl, not {generator[:100]!r}", place="CAVEAT_GENERATOR")
    return Known(Origin(generator, "model", address(generator, "model", known=True), told_by="named"))
