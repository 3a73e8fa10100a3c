"""Files are written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from caveat.errors import SettingsError


def write_all(folder: str, texts: Mapping[str, str]) -> None:
    """Files of a folder, made where it is missing; raises SettingsError naming the file."""
    try:
        for name in texts:
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise SettingsError(f"cannot write {folder}: {fault.strerror}") from None
    for name, text in texts.items():
        write(str(Path(folder) / name), text)


def write(path: str, text: str) -> None:
    """Write beside the target, then rename over it; raises SettingsError naming the file."""
    write_lines(path, (text,), end="")


def write_lines(path: str, lines: Iterable[str], end: str = "\n") -> None:
    """The same for lines that come one by one and may be more than memory holds."""
    from caveat.runtime.whole import replacing

    try:
        with replacing(Path(path)) as out:
            out.writelines((line + end).encode("utf-8") for line in lines)
    except OSError as fault:
        raise SettingsError(f"cannot write {path}: {fault.strerror}") from None
