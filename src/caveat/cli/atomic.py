"""Files are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
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
    target = Path(path)
    try:
        fd, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(fd, "w", encoding="utf-8") as out:
            out.writelines(line + end for line in lines)
        Path(name).chmod(_mode(target))
        Path(name).replace(target)
    except OSError as fault:
        raise SettingsError(f"cannot write {path}: {fault.strerror}") from None


def _mode(target: Path) -> int:
    """The mode of the file that is replaced, or that of any new file under the umask (a temporary file's is 0600)."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
