"""Time and memory of `caveat check` on folders made to hurt, as a table: input, seconds, peak, the line that is told.

    python benchmarks/hostile.py [--deep] [word ...]      rows whose names hold one of the words; --deep: slow ones too
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
SECONDS, MEGABYTES = 10.0, 300.0


def main() -> int:
    from tests.hostile_folders import FOLDERS

    words, deep = [w for w in sys.argv[1:] if w != "--deep"], "--deep" in sys.argv
    rows = [h for h in FOLDERS if (deep or not h.deep) and (not words or any(w in h.name for w in words))]
    print(f"bounds: {SECONDS:.0f} s of CPU, {MEGABYTES:.0f} MB at the peak\n")
    print(f"{'input':<52}{'seconds':>8}{'MB':>6}{'code':>6}  told")
    kept = list(map(measured, rows))
    return int(not all(kept))


def measured(hostile: Any) -> bool:
    """Prints one row; whether it kept within bounds and did nothing that is forbidden."""
    from tests.hostile_folders import GOOD
    from tests.hostile_run import caveat

    home = Path(tempfile.mkdtemp(prefix="caveat-hostile-"))
    folder = home / "m"
    folder.mkdir()
    if hostile.good:
        (folder / "README.md").write_text(GOOD)
    hostile.build(folder)
    run = caveat(folder, home / "home")
    shutil.rmtree(home, ignore_errors=True)
    kept = run.cpu < SECONDS and run.peak < MEGABYTES and not run.forbidden and run.code in hostile.codes
    told = run.line(hostile.told).removeprefix("problem ")[:90] or "(nothing is wrong with it)"
    row = f"{hostile.name:<52}{run.cpu:>8.1f}{run.peak:>6.0f}{run.code:>6}  {told}"
    print(row if kept else f"{row}  OUT OF BOUNDS", flush=True)
    return kept


if __name__ == "__main__":
    sys.exit(main())
