"""Coverage-guided fuzzing of every reader (atheris): `python tests/fuzz/run.py --seconds 60 [target ...]`.

Each target runs in a process of its own, with a limit on memory (512 MB), on one input (5 seconds) and with an audit
hook that forbids to write, connect, start or unpickle anything. Inputs that break something are kept and named.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]
#: CPU seconds that one small input may take.
SLOW = 2.0
#: Audit events that nothing which reads strangers' files may cause.
FORBIDDEN = (
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "socket.connect",
    "socket.bind",
    "pickle.find_class",
    "ctypes.dlopen",
    "urllib.Request",
    "ftplib.connect",
    "smtplib.connect",
)


#: The line of a fuzzer's output that says what went wrong.
WRONG = r"^(?:[\w.]*(?:Error|Exception|Slow|Exit|Interrupt)\b.*|==\d+== *(?:ERROR|libFuzzer).*)$"


class Outcome(NamedTuple):
    """What one target's run came to."""

    target: str
    runs: int
    coverage: int
    crash: str  # "" = none; else what went wrong, and where the input lies


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--keep", type=Path, default=None, help="where inputs that break something are kept")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options, rest = parser.parse_known_args()
    if options.one:
        return _fuzz(options.one, rest)
    from tests.fuzz.targets import targets

    print(f"{'target':<16}{'runs':>10}{'coverage':>10}  outcome")
    outcomes = []
    for name in options.targets or targets():
        outcomes.append(one := fuzz(name, options.seconds, options.keep))
        print(f"{one.target:<16}{one.runs:>10}{one.coverage:>10}  {one.crash or 'nothing found'}", flush=True)
    return any(o.crash for o in outcomes)


def fuzz(name: str, seconds: int, keep: Path | None = None) -> Outcome:
    """Fuzzes one target in a process of its own."""
    from tests.fuzz.targets import targets

    target = targets()[name]
    home = keep or Path(tempfile.mkdtemp(prefix="caveat-fuzz-"))
    corpus = home / name
    corpus.mkdir(parents=True, exist_ok=True)
    for n, seed in enumerate(target.seeds):
        (corpus / f"seed{n}").write_bytes(seed)
    words = home / f"{name}.dict"
    words.write_text("\n".join(f'"{_quoted(w)}"' for w in target.words if w) + "\n")
    call = [
        sys.executable,
        __file__,
        "--one",
        name,
        str(corpus),
        f"-dict={words}",
        f"-max_total_time={seconds}",
        "-timeout=5",
        "-rss_limit_mb=512",
        f"-max_len={target.longest}",
        f"-artifact_prefix={home}/{name}-",
        "-print_final_stats=1",
        "-verbosity=1",
        "-len_control=20",
    ]
    done = subprocess.run(call, capture_output=True, text=True, errors="replace", timeout=seconds * 3 + 120)
    return Outcome(
        name,
        _number(r"stat::number_of_executed_units:\s*(\d+)", done.stderr),
        _number(r"cov: (\d+)", done.stderr),
        _crash(done) if done.returncode else "",
    )


def _quoted(word: str) -> str:
    if "\\x" in word or '\\"' in word or "\\\\" in word:
        return word
    return "".join(
        c if c.isalnum() or c in " .,:=-_[](){}/|<>*&!?#%'`+" else "".join(f"\\x{b:02x}" for b in c.encode())
        for c in word
    )


def _number(pattern: str, text: str) -> int:
    return int((re.findall(pattern, text) or ["0"])[-1])


def _crash(done: subprocess.CompletedProcess[str]) -> str:
    """The exception or the fuzzer's own words, with the last places in our code."""
    said = done.stderr + done.stdout
    what = re.findall(WRONG, said, re.MULTILINE)
    where = re.findall(r'File "[^"]*src/(caveat/[^"]+)", line (\d+)', said)
    kept = re.findall(r"Test unit written to (\S+)", said)
    places = " < ".join(f"{f}:{n}" for f, n in where[-3:][::-1])
    told = what[0][:200] if what else f"ended with {done.returncode}"
    return f"{told} at {places or '?'} [{kept[-1] if kept else ''}]"


class Slow(Exception):
    """One small input took longer than it may."""


def _fuzz(name: str, flags: list[str]) -> int:
    import atheris

    with atheris.instrument_imports(include=["caveat"], enable_loader_override=False):
        from tests.fuzz.targets import targets

        target = targets()[name]
        for seed in target.seeds:  # what is imported late is imported now, under instruments and without the hook
            target.run(seed)
    _forbid(name in ("folder", "law", "recipe", "record", "database", "data_columns"))

    def once(data: bytes) -> None:
        began = time.process_time()
        target.run(data)
        took = time.process_time() - began
        if took > SLOW:
            raise Slow(f"{took:.1f} s for {len(data)} bytes")

    atheris.Setup([sys.argv[0], *flags], once)
    atheris.Fuzz()
    return 0


def _forbid(writes: bool) -> None:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(FORBIDDEN):
            raise AssertionError(f"forbidden: {event} {args!r:.200}")
        if event == "open" and not writes and isinstance(args[1], str) and set(args[1]) & set("wax+"):
            raise AssertionError(f"opened to write: {args[0]!r:.200}")

    sys.addaudithook(hook)


if __name__ == "__main__":
    sys.exit(main())
