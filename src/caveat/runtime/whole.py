"""A file takes its name when it is whole: written beside its target, then renamed over it, or nothing is left of it.

The one place where this is done; what goes wrong is an OSError here, and each caller says it in its own words.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A stream for the new bytes of `target`; a link is not followed out of the folder. Raises OSError."""
    name = ""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "wb", buffering=1 << 20) as made:
            yield made
        Path(name).chmod(mode_of(target))
        Path(name).replace(target)
        name = ""
    finally:
        if name:
            Path(name).unlink(missing_ok=True)


def mode_of(target: Path) -> int:
    """The mode of the file that is replaced, or that of any new file under the umask (a temporary file's is 0600)."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
