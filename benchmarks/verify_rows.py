"""How fast rows are held to their statement: as a ratio to what must be done at least, one SHA-256 over the files.

    python benchmarks/verify_rows.py [ROWS]        default 100,000 short rows, in Parquet and JSON lines
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.runtime import run_made

from caveat.flows.belonging import verify
from caveat.runtime import rows as rows_module


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for form in rows_module.FORMATS:
        for verifiable in (False, True):
            with tempfile.TemporaryDirectory() as folder:
                measure(Path(folder) / "rows", form, verifiable, count)


def measure(folder: Path, form: str, verifiable: bool, count: int) -> None:
    run_made.run_folder(folder, run_made.LLAMA_2, rows=count, form=form, verifiable=verifiable)
    size = sum(f.stat().st_size for f in folder.glob("data/*"))
    least = timed(lambda: [hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.glob("data/*")])
    took = timed(lambda: verify(folder))
    tracemalloc.start()
    assert not verify(folder).faults
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    hashed = "with digests of rows" if verifiable else "without"
    print(f"{form:8} {hashed:21} {count / took:>10,.0f} rows/s   {took / least:>7.1f} x a SHA-256 of the "
          f"{size / 1e6:.1f} MB   Python's peak {peak / 1e6:.1f} MB")


def timed(what: object) -> float:
    started = time.process_time()
    what()  # type: ignore[operator]
    return time.process_time() - started


if __name__ == "__main__":
    main()
