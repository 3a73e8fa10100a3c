"""Runs and pictures in the README, made by running the commands that stand there.

A run is a fenced block after a comment `<!-- run: COMMAND -->`; a picture is a file named after
`<!-- picture: COMMAND -->`. `python docs/runs.py` writes them again; `--check` says what is stale (a test calls it).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUN = re.compile(
    r"(<!-- run: (?P<command>[^\n]*?)(?: \| head -(?P<head>\d+))? -->\n```[a-z]*\n)(?P<text>.*?)(```\n)", re.DOTALL
)
PICTURE = re.compile(r"<!-- picture: (?P<command>[^\n]*?) -->\n!\[[^\]]*\]\((?P<file>[^)]+)\)")
SVG = re.compile(r"<svg.*?</svg>", re.DOTALL)


def output(command: str) -> str:
    """What a caveat command prints at 80 columns, without colour, on the day the law files were checked."""
    words = command.replace("caveat", f"{sys.executable} -m caveat", 1)
    environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "80", "PYTHONUTF8": "1"}
    done = subprocess.run(words, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + ("" if done.returncode < 2 else done.stderr)


def with_runs(text: str) -> str:
    """The text with every run as it comes out now."""
    def fresh(m: re.Match[str]) -> str:
        lines = output(m["command"]).splitlines()
        shown = [*lines[: int(m["head"])], "..."] if m["head"] and len(lines) > int(m["head"]) else lines
        return f"{m[1]}$ {m['command']}\n" + "\n".join(line.rstrip() for line in shown) + f"\n{m[5]}"

    return RUN.sub(fresh, text)


def pictures(text: str) -> dict[Path, str]:
    """Each picture's file and what it should hold: the drawing out of the page that the command makes."""
    found = {}
    for m in PICTURE.finditer(text):
        drawing = SVG.search(output(m["command"]))
        found[ROOT / m["file"]] = (drawing[0] if drawing else "") + "\n"
    return found


def main(words: list[str]) -> int:
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    fresh, drawn = with_runs(text), pictures(text)
    stale = [readme.name] if fresh != text else []
    stale += [p.name for p, svg in drawn.items() if not p.exists() or p.read_text(encoding="utf-8") != svg]
    if "--check" in words:
        print("\n".join(f"stale: {name} (python docs/runs.py)" for name in stale) or "fresh")
        return 1 if stale else 0
    readme.write_text(fresh, encoding="utf-8")
    for path, svg in drawn.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(svg, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
