"""Runs the user's own `convert_hf_to_gguf.py` for an architecture that is not converted here, only when told to.

It is the user's program: it may import torch and run what the user lets it run. It writes into a folder of its own, and
what it wrote gets its licence pairs afterwards.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from caveat.errors import EngineError, SettingsError

#: A conversion of a large model takes an hour; a day is an end.
SECONDS = 24 * 3600
TAIL = 2000


def converted(converter: Path, python: str, folder: Path, out: Path, kind: str) -> None:
    """Writes `out` by the converter. Raises SettingsError where there is none, EngineError with its last words."""
    if not converter.is_file():
        raise SettingsError(f"--converter {converter}: no such file; it is convert_hf_to_gguf.py of a llama.cpp folder")
    command = [python, str(converter), str(folder), "--outfile", str(out), "--outtype", kind]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=SECONDS, check=False)
    except OSError as fault:
        raise SettingsError(f"--python {python}: {fault.strerror}") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"{converter.name} did not end within a day") from None
    if done.returncode or not out.is_file():
        said = done.stdout[-TAIL:].decode("utf-8", "replace").strip().splitlines()
        raise EngineError(f"{converter.name} failed ({done.returncode}): {(said or [''])[-1][:300]!a}")
