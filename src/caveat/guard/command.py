"""Reads the command that is going to be run: which Python starts in it, which recipes and scripts it names, and where
the guard will not be able to see. Nothing is run here, and no launcher's grammar is needed: words are looked at one by
one, so `uv run torchrun ... train.py --config x.yaml` reads like `python train.py`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

PYTHON = re.compile(r"(?:python|pypy)(?:\d+(?:\.\d+)*)?(?:\.exe)?")
#: Files that say what is going to be trained, and those that start others.
RECIPES = frozenset({".yaml", ".yml"})
SCRIPTS = frozenset({".py", ".ipynb", ".sh", ".bash", ".slurm", ".sbatch"})
#: Programs that hand their environment on to what they start; anything else that is no Python is another language.
PASSES_ON = frozenset((
    "env nice nohup time timeout setsid stdbuf numactl taskset ionice chrt bash sh dash zsh uv uvx conda mamba "
    "micromamba pixi poetry pdm hatch rye make srun mpirun mpiexec tmux screen xargs deepspeed tini dumb-init "
    "unbuffer strace perf nsys").split())
ELSEWHERE = {
    "docker": "a container", "podman": "a container", "apptainer": "a container", "singularity": "a container",
    "ssh": "another machine", "kubectl": "a cluster", "sbatch": "a batch system", "ray": "a cluster",
    "sky": "a cloud", "modal": "a cloud", "sudo": "another user's environment",
}
#: Options of Python that take the guard's folder away, and what they do.
BLINDERS = {"I": "ignores PYTHONPATH", "E": "ignores PYTHONPATH", "S": "skips the start-up modules"}
#: Options of Python with a value in the next word.
WITH_VALUE = frozenset("cmWX")
MOST_FILES = 20
MAGIC = {b"\x7fELF": True, b"MZ": True, b"\xcf\xfa\xed\xfe": True, b"\xca\xfe\xba\xbe": True}


class Command(NamedTuple):
    """The words, the files among them that are worth reading, and warnings about what cannot be seen."""

    words: tuple[str, ...]
    files: tuple[Path, ...] = ()
    blind: tuple[str, ...] = ()


def read(words: Sequence[str]) -> Command:
    """What a command line says. Raises nothing: a command that does not exist is found out when it is run."""
    return Command(tuple(words), tuple(files_in(words)), tuple(blind_spots(words)))


def files_in(words: Sequence[str]) -> Iterator[Path]:
    """Recipes and scripts that lie where a word says, also behind `--flag=`; each once, in order."""
    seen: set[str] = set()
    for word in words:
        path = Path(word.partition("=")[2] if word.startswith("-") and "=" in word else word)
        if path.suffix.lower() in RECIPES | SCRIPTS and str(path) not in seen and len(seen) < MOST_FILES:
            seen.add(str(path))
            if _plain_file(path):
                yield path


def _plain_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def blind_spots(words: Sequence[str]) -> Iterator[str]:
    """Every reason, in words, why something of the run will not be seen."""
    for n, word in enumerate(words):
        if PYTHON.fullmatch(Path(word).name):
            yield from _options(Path(word).name, words[n + 1:])
    program = next((w for w in words if "=" not in w), "")
    name = Path(program).name
    if name in ELSEWHERE:
        yield f"{name} runs in {ELSEWHERE[name]}: the guard does not go along unless you install and start it there"
    elif name not in PASSES_ON and not PYTHON.fullmatch(name):
        yield from _program(program)


def _options(name: str, after: Sequence[str]) -> Iterator[str]:
    """Short options of one Python, up to its script."""
    skip = False
    for word in after:
        if skip:
            skip = False
            continue
        if not word.startswith("-") or word.startswith("--") or word == "-":
            return
        for at, letter in enumerate(word[1:], 1):
            if letter in BLINDERS:
                yield f"{name} -{letter} {BLINDERS[letter]}: nothing is seen in that process"
            if letter in WITH_VALUE:
                if letter in "cm":
                    return
                skip = at == len(word) - 1
                break


def _program(program: str) -> Iterator[str]:
    """A program that is no Python script, or one whose first line takes the guard's folder away."""
    found = shutil.which(program)
    if found is None:
        return
    with Path(found).open("rb") as opened:
        first = opened.read(256)
    if any(first.startswith(mark) for mark in MAGIC):
        yield f"{Path(program).name} is no Python program: only Pythons that it starts are seen"
    elif first.startswith(b"#!"):
        line = first[2:].split(b"\n")[0].decode("utf-8", "replace").split()
        at = next((n for n, w in enumerate(line) if PYTHON.fullmatch(Path(w).name)), None)
        if at is not None:
            yield from _options(f"{Path(program).name}: {Path(line[at]).name}", line[at + 1:])
