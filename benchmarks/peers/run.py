"""One demo folder, every tool that installs: who finds what is really wrong, who claims what is not owed, how long.

    python benchmarks/peers/run.py [--envs DIR] [--raw DIR] [--only NAME ...] [--write]

Each peer goes into a throwaway environment of its own (--envs keeps them), and runs the command of its own page on the
folder, without network where the machine can take it away. --raw keeps what they printed. --write puts the table into
docs/peers.md. The rules of marking are in marks.py.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import NamedTuple

from demo import LAWFUL, REAL, make, texts
from marks import Score, score
from peers import PEERS, Peer, caveat

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

TIMES = 3
#: The peer whose package carries the text of the Llama 2 agreement, which a lawful folder must hold.
HOLDS_TEXTS = "scancode-toolkit"
PAGE = ROOT / "docs" / "peers.md"
#: Nothing may leave: for machines where the network cannot be taken away from one process.
CLOSED = {"HF_HUB_OFFLINE": "1", "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}


class Row(NamedTuple):
    """One line of the table; `failed` says why there are no marks."""

    name: str
    version: str
    seconds: float
    score: Score
    note: str
    failed: str = ""


def python_of(version: str) -> str | None:
    """A Python of this version, or this one."""
    if not version:
        return sys.executable
    built = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    return shutil.which(f"python{version}") if not built else str(built[-1])


def install(peer: Peer, envs: Path) -> str:
    """Makes the environment; "" or why it could not be made."""
    env, python = envs / peer.package, python_of(peer.python)
    if (env / "bin" / peer.command[0]).exists():
        return ""
    if python is None:
        return f"needs Python {peer.python}, which is not here"
    subprocess.run([python, "-m", "venv", str(env)], check=True)
    pip = [str(env / "bin" / "pip"), "install", "-q", "--disable-pip-version-check", peer.package, *peer.also]
    done = subprocess.run(pip, capture_output=True, text=True)
    return "" if done.returncode == 0 else "does not install: " + done.stderr.strip().splitlines()[-1][:120]


def version_of(peer: Peer, envs: Path) -> str:
    code = f"import importlib.metadata as m; print(m.version({peer.package!r}))"
    python = str(envs / peer.package / "bin" / "python")
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def alone() -> list[str]:
    """A prefix that takes the network from a command, where the machine has one."""
    probe = shutil.which("unshare") and subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode == 0
    return ["unshare", "-n"] if probe else []


def timed(command: list[str], demo: Path, home: Path) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Median wall time of the whole process, and the last answer."""
    env = {**os.environ, **CLOSED, "HOME": str(home), "NO_COLOR": "1"}
    spent = []
    for _ in range(TIMES):
        begun = time.monotonic()
        done = subprocess.run([*alone(), *command], cwd=demo, env=env, capture_output=True, text=True, timeout=300)
        spent.append(time.monotonic() - begun)
    return statistics.median(spent), done


def command_of(words: tuple[str, ...], program: Path, demo: Path, out: Path) -> list[str]:
    files = sorted(str(p.relative_to(demo)) for p in demo.rglob("*") if p.is_file())
    folders = sorted(p.name for p in demo.iterdir())
    lists = {"{files}": files, "{folders}": folders, "{out}": [str(out)]}
    return [str(program), *(w for word in words[1:] for w in lists.get(word, [word]))]


def row_of(peer: Peer, envs: Path, demo: Path, work: Path, raw: Path | None) -> Row:
    nothing = Score(frozenset(), frozenset(), 0)
    if why := install(peer, envs):
        return Row(peer.name, "", 0, nothing, peer.note, why)
    out = work / (peer.out or "none")
    command = command_of(peer.command, envs / peer.package / "bin" / peer.command[0], demo, out)
    version = version_of(peer, envs)
    try:
        seconds, done = timed(command, demo, work)
        text = out.read_text("utf-8") if peer.out and out.exists() else done.stdout
        if raw:
            (raw / f"{peer.name}.txt").write_text(text + "\n--- stderr\n" + done.stderr, "utf-8")
        told = score(peer.reading(text, demo))
    except (ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        return Row(peer.name, version, 0, nothing, peer.note, f"gave nothing to read ({type(error).__name__})")
    return Row(peer.name, version, seconds, told, peer.note)


def our_row(demo: Path, work: Path, raw: Path | None) -> Row:
    program = Path(sys.executable).parent / "caveat"
    words = ("caveat", "check", "{folders}", "--format", "json")
    seconds, done = timed(command_of(words, program, demo, work), demo, work)
    if raw:
        (raw / "caveat.txt").write_text(done.stdout, "utf-8")
    version = subprocess.run([str(program), "--version"], capture_output=True, text=True).stdout.split()[-1]
    return Row("caveat", version, seconds, score(caveat(done.stdout, demo)), "reads every folder given; no network")


def given_texts(envs: Path) -> dict[str, str]:
    """Licence texts for the lawful folders; that of Llama 2 comes with scancode-toolkit, under a header of its own."""
    held = envs.glob(f"{HOLDS_TEXTS}/lib/*/site-packages/licensedcode/data/licenses/llama-2-license-2023.LICENSE")
    found = [p.read_text("utf-8").split("---", 2)[2].lstrip() for p in held]
    return {**texts(), **({"llama-2": found[0]} if found else {})}


def laid_out(peer: Peer, demo: Path, place: Path) -> Path:
    """The demo folder, or a copy of it with the file that this tool wants."""
    if not peer.laid[0]:
        return demo
    copy = place / "told" / "demo"
    shutil.copytree(demo, copy, dirs_exist_ok=True)
    (copy / peer.laid[0]).write_text(peer.laid[1], "utf-8")
    return copy


# -- the page -------------------------------------------------------------------------------------------------------
def table(rows: list[Row]) -> str:
    head = "| tool | version | found, of " + f"{len(REAL)} | false claims | could not say | seconds | what it is |\n"
    return head + "|---|---|---|---|---|---|---|\n" + "".join(map(line, rows))


def line(r: Row) -> str:
    marks = f"{len(r.score.found)} | {len(r.score.false)} | {r.score.unknown} | {r.seconds:.2f}"
    return f"| {r.name} | {r.version} | {f'{r.failed} | | | ' if r.failed else marks} | {r.note} |\n"


def who(rows: list[Row]) -> str:
    marked = [r for r in rows if not r.failed]
    head = "| what is wrong | where | clause | found by |\n|---|---|---|---|\n"
    return head + "".join(f"| {p.says} | {p.folder} | {p.licence} §{p.clause} | "
                          f"{', '.join(r.name for r in marked if p.id in r.score.found) or 'nobody'} |\n" for p in REAL)


def falsehoods(rows: list[Row]) -> str:
    told = [f"- **{r.name}**, `{folder}`: {why}\n" for r in rows for folder, why in sorted(r.score.false)]
    return "".join(told) or "None.\n"


def page(rows: list[Row]) -> str:
    lawful = "".join(f"- `{name}`: {says}\n" for name, says in LAWFUL.items())
    return TEXT.format(day=date.today().isoformat(), times=TIMES, table=table(rows), who=who(rows), lawful=lawful,
                       false=falsehoods(rows), n=len(REAL))


TEXT = """\
# Beside its peers

Written by `python benchmarks/peers/run.py --write` on {day}. One demo folder of our own (`benchmarks/peers/demo.py`):
four things that people really do wrong, with {n} problems in all, and three lawful neighbours where a careful tool
stays silent. Each peer is the newest release that its registry gives, in an environment of its own, and runs the
command of its own page without network. Seconds are whole processes, the median of {times}.

{table}
## Who finds what

{who}
A problem counts as found when a tool names the folder or the asset, the licence and the kind of breach; no clause is
asked for, "it depends" counts, and what a tool could not say counts for nothing. The rules are in
`benchmarks/peers/marks.py`, the same for all.

## False claims

A problem claimed in a lawful folder, or a duty or licence that the texts do not bear out, once a folder and kind.
Advice about handling (pin a revision, use a company account) is not counted.

{false}
The lawful folders:

{lawful}
## What this does not show

The folder is ours, and so are the rules of marking: a tool made for another purpose (recognising texts, listing parts,
finding malicious weights) is not bad because it finds nothing here. Tools that ask a hub for labels would tell more
with the network; labels alone would still not show what a data set was made with. Caveat knows Stheno, Alpaca and the
preference pairs from its catalogue, and the demo names only such assets: of a model that nobody has written down it
says "unknown". When the folder was new Caveat found seven of the nine; the two gaps that it showed are closed since
(rows that a script asks a service for before it trains on them; the label of Stheno). One is still open: that credit
and changes are stated is read only where a line of the card names the original by its hub id. Whether OpenAI's or
Meta's terms bind whoever merely received the answers is disputed, and whether a use is commercial nobody has said:
Caveat names those problems as "depends", with the word or the fact on which they turn. Tools that say less start
sooner; Caveat is not the fastest of the table.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=Path, help="keep the environments there")
    parser.add_argument("--raw", type=Path, help="keep what the tools printed")
    parser.add_argument("--only", nargs="*", help="these packages")
    parser.add_argument("--write", action="store_true", help="write docs/peers.md")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        envs, demo, work = asked.envs or Path(base, "envs"), Path(base, "place", "demo"), Path(base, "home")
        work.mkdir()
        for folder in filter(None, (asked.raw, envs)):
            folder.mkdir(parents=True, exist_ok=True)
        wanted = [p for p in PEERS if not asked.only or p.package in asked.only]
        for p in PEERS:
            if p in wanted or p.package == HOLDS_TEXTS:
                install(p, envs)
        make(demo, given_texts(envs))
        rows = [our_row(demo, work, asked.raw),
                *(row_of(p, envs, laid_out(p, demo, work), work, asked.raw) for p in wanted)]
    print(table(rows), who(rows), falsehoods(rows), sep="\n")
    if asked.write:
        PAGE.write_text(page(rows), "utf-8")


if __name__ == "__main__":
    main()
