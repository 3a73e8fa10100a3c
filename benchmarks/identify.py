"""Which licence is this text, and what was changed in it? Caveat and ScanCode side by side, in one run.

    python benchmarks/identify.py [--peer PYTHON] [--texts DIR] [--no-peer] [--no-alarms] [--out FILE]

The peer is scancode-toolkit-mini, installed into a throwaway environment unless --peer names a Python that has it; its
package also carries the texts. --texts adds texts from elsewhere (see tools/editions.py). Every text is put whole,
with a clause deleted (a cited one and one in the middle), with a number changed, with another vendor's name, cut to
its first third, joined with its use policy and wrapped at another width.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from editions import EDITIONS, Edition  # noqa: E402
from fingerprints import read, without_front_matter  # noqa: E402
from segments import segments  # noqa: E402

from caveat.flows.effects import sort_of  # noqa: E402
from caveat.law.laying import SOLID  # noqa: E402
from caveat.law.recognise import Match, identify  # noqa: E402
from caveat.law.shelf import shelf  # noqa: E402

#: The texts of the question asked: AI licences and terms.
WANTED = re.compile(
    r"llama|gemma|rail|falcon|qwen|deepseek|mistral|nvidia|openai|stability|exaone|databricks|yi-|chatglm")
VENDORS = ("Meta", "Google", "BigScience", "BigCode", "TII", "Alibaba Cloud", "DeepSeek", "NVIDIA", "OpenAI",
           "Mistral AI", "Stability AI", "LG", "Databricks", "Qwen", "Falcon", "BLOOM", "Yi", "ChatGLM", "Moonshot")
PEER = r"""
import json, sys, time
begun = time.time()
from licensedcode.cache import get_index
from scancode.api import get_licenses
for line in sys.stdin:
    file = line.strip()
    start = time.time()
    found = get_licenses(file)
    keys, coverage = [], []
    for d in found["license_detections"]:
        for m in d["matches"]:
            keys.append(m["license_expression"]); coverage.append(m["match_coverage"])
    whole = found["detected_license_expression"] or ""
    told = {"file": file, "keys": keys, "coverage": coverage, "whole": whole, "took": time.time() - start}
    print(json.dumps(told), flush=True)
"""


class Question(NamedTuple):
    """One text with what is right: law, part, the peer's key, and the clause or number that was changed."""

    name: str
    kind: str
    edition: Edition
    text: str
    clause: str = ""
    second: Edition | None = None


class Score(NamedTuple):
    """Right name, change told and placed, needless differences told."""

    named: bool
    placed: bool
    needless: int


# -- questions ------------------------------------------------------------------------------------------------------
def questions(licensedcode: Path, texts: Path | None) -> Iterator[Question]:
    known = [(e, t) for e in EDITIONS if WANTED.search(e.law) and (t := read(e, licensedcode, texts))]
    policies = {(e.law, e.version): (e, t) for e, t in known if e.part == "policy"}
    for e, t in known:
        name = f"{e.law} {e.part} {e.key.removesuffix('.txt').split('~')[-1]}"
        yield Question(name, "whole", e, t)
        for label, cut in deletions(e, t):
            yield Question(name, "clause deleted", e, cut, label)
        if changed := re.search(r"\b(\d{2,3}) million", t):
            few = changed[1].rstrip("0") or changed[1]
            yield Question(name, "number changed", e, t.replace(changed[0], f"{few} million"), "number")
        if renamed := other_vendor(t):
            yield Question(name, "other vendor", e, renamed, "renamed")
        yield Question(name, "first third", e, t[:len(t) // 3])
        if e.part == "agreement" and (e.law, e.version) in policies:
            second = policies[e.law, e.version]
            yield Question(name, "with its policy", e, t + "\n\n" + second[1], second=second[0])
        rows = (textwrap.fill(row, 61, break_long_words=False) for row in t.split("\n"))
        yield Question(name, "rewrapped", e, "\n".join(rows))


def deletions(edition: Edition, text: str) -> Iterator[tuple[str, str]]:
    """The text without one clause that the law file cites, and without one in the middle."""
    cited = {r.at for r in shelf().law(edition.law).rules}
    parts = [s for s in segments(text, edition.shape) if len(s.pieces) == 1 and len(s.pieces[0].split()) > SOLID + 3]
    prefix = f"{edition.prefix}." if edition.prefix else ""
    mine = [s for s in parts if prefix + s.label in cited]
    chosen = [mine[len(mine) // 2]] if mine else []
    for part in dict.fromkeys([*chosen, *parts[len(parts) // 2:len(parts) // 2 + 1]]):
        bare = re.escape(re.sub(r"[*_\\]", "", part.pieces[0]).strip())
        pattern = re.sub(r"(?:\\\s)+|\s+", r"[\\s*_\\\\>#]+", bare)
        found = re.search(pattern, text)
        if found:
            yield prefix + part.label, text[:found.start()] + text[found.end():]


def other_vendor(text: str) -> str:
    """The text with every name of its most frequent vendor replaced; empty if it names none three times."""
    counted = Counter({v: len(re.findall(rf"\b{v}\b", text)) for v in VENDORS})
    vendor, times = counted.most_common(1)[0]
    return re.sub(rf"\b{vendor}\b", "Zenithal", text) if times >= 3 else ""


# -- marks ----------------------------------------------------------------------------------------------------------
def ours(q: Question, found: tuple[Match, ...]) -> Score:
    mine = [m for m in found if q.edition.law in m.laws and m.part == q.edition.part]
    wanted = [q.edition.law, *([q.second.law] if q.second else [])]
    named = len(found) == len(wanted) == len([m for m in found if set(m.laws) & set(wanted)]) and bool(mine)
    if q.edition.version and mine:
        named = named and mine[0].version == q.edition.version
    told = [d for m in found for d in m.differences]
    hits = {"clause deleted": lambda d: d.kind == "missing" and d.clause == q.clause,
            "number changed": lambda d: d.kind == "number", "other vendor": lambda d: d.kind == "renamed"}
    right = [d for d in told if q.kind in hits and hits[q.kind](d)]
    placed = bool(right) if q.kind in hits else named and (
        mine[0].share == "first part" if q.kind == "first third" else all(m.sure == "exact" for m in found))
    return Score(named, placed, len(told) - len(right))


def theirs(q: Question, answer: dict) -> Score:
    """The peer is right if every key it names is the text's, and has noticed a change if it covers less than all."""
    own = "" if q.edition.key.endswith(".txt") else q.edition.key
    keys = {e.key for e in EDITIONS if e.law == q.edition.law and not e.key.endswith(".txt")}
    named = bool(answer["keys"]) and all(set(re.findall(r"[\w.+-]+", k)) - {"AND", "OR", "WITH"} <= (keys or {own})
                                         for k in answer["keys"])
    noticed = any(c < 100 for c in answer["coverage"])
    changed = q.kind not in ("whole", "rewrapped", "with its policy")
    return Score(named, named and noticed == changed, 0)


# -- the run --------------------------------------------------------------------------------------------------------
def peer_python(named: str) -> str:
    if named:
        return named
    folder = Path(tempfile.mkdtemp(prefix="caveat-peer-"))
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(folder / "bin/pip"), "install", "-q", "scancode-toolkit-mini", "pluggy<1.6"], check=True)
    return str(folder / "bin/python")


def ask_peer(python: str, files: list[Path]) -> tuple[list[dict], float]:
    begun = time.perf_counter()
    run = subprocess.Popen([python, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.DEVNULL)
    assert run.stdin and run.stdout
    answers, first = [], 0.0
    for file in files:
        run.stdin.write(f"{file}\n")
        run.stdin.flush()
        answers.append(json.loads(run.stdout.readline()))
        first = first or time.perf_counter() - begun
    run.stdin.close()
    run.wait()
    return answers, first


def first_answer(file: Path) -> float:
    """Seconds from starting a process to its answer, the best of five."""
    code = "import sys; from pathlib import Path; from caveat.law.recognise import identify; " \
           "print(identify(Path(sys.argv[1]).read_text())[0].law)"
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code, str(file)], check=True, capture_output=True)
        took.append(time.perf_counter() - begun)
    return min(took)


def false_alarms(licensedcode: Path) -> list[str]:
    """Every text of the package that no law file was read from: which are called an AI licence or AI terms?"""
    own, alarms = {e.key for e in EDITIONS}, []
    others = [path for path in sorted(licensedcode.glob("*.LICENSE")) if path.stem not in own]
    for path in others:
        found = identify(without_front_matter(path.read_text(errors="replace")))
        alarms += [f"{path.stem}: {m.law} {m.score}" for m in found
                   if sort_of(shelf().law(m.law)) in ("models", "hosted services")]
    print(f"\nfalse alarms on the {len(others)} other texts: {len(alarms)}")
    for alarm in alarms:
        print(f"  {alarm}")
    return alarms


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", default="")
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--no-peer", action="store_true", help="ask Caveat only")
    parser.add_argument("--no-alarms", action="store_true")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    python = peer_python(options.peer)
    where = subprocess.run([python, "-c", "import licensedcode; print(licensedcode.__file__)"], check=True,
                           capture_output=True, text=True).stdout.strip()
    data = Path(where).parent / "data/licenses"
    asked = list(questions(data, options.texts))
    folder = Path(tempfile.mkdtemp(prefix="caveat-texts-"))
    files = [folder / f"{n}.txt" for n in range(len(asked))]
    for q, file in zip(asked, files):
        file.write_text(q.text)
    nothing = {"keys": [], "coverage": [], "whole": "", "took": 0.0}
    answers, peer_first = ([nothing] * len(files), 0.0) if options.no_peer else ask_peer(python, files)
    identify(asked[0].text)
    rows = []
    for q, answer in zip(asked, answers):
        begun = time.perf_counter()
        found = identify(q.text)
        took = time.perf_counter() - begun
        rows.append((q, ours(q, found), took, theirs(q, answer), answer, found))
    tell(rows, first_answer(files[0]), peer_first)
    if options.out:
        options.out.write_text(json.dumps([[q.name, q.kind, q.clause, a._asdict(), b._asdict(), answer["whole"]]
                                           for q, a, _, b, answer, _ in rows], indent=0))
    return int(not options.no_alarms and bool(false_alarms(data)))


def tell(rows: list, own_first: float, peer_first: float) -> None:
    kinds = dict.fromkeys(q.kind for q, *_ in rows)
    print(f"{'':<17}{'':>6} | {'caveat':>26} | {'scancode':>17} | {'with a key there':>17}")
    print(f"{'text put':<17}{'texts':>6} | {'named':>7}{'placed':>8}{'needless':>11} | {'named':>8}{'noticed':>9} | "
          f"{'texts':>8}{'named':>9}")
    for kind in kinds:
        of = [r for r in rows if r[0].kind == kind]
        keyed = [r for r in of if not r[0].edition.key.endswith(".txt")]
        print(f"{kind:<17}{len(of):>6} | {sum(r[1].named for r in of):>7}{sum(r[1].placed for r in of):>8}"
              f"{sum(r[1].needless for r in of):>11} | {sum(r[3].named for r in of):>8}"
              f"{sum(r[3].placed for r in of):>9} | {len(keyed):>8}{sum(r[3].named for r in keyed):>9}")
    per, theirs_per = [r[2] for r in rows], [r[4]["took"] for r in rows[1:]]
    print(f"first answer: caveat {own_first:.2f} s, scancode {peer_first:.2f} s ({peer_first / own_first:.0f} times)")
    print(f"per text, median: caveat {sorted(per)[len(per) // 2] * 1000:.0f} ms, "
          f"scancode {sorted(theirs_per)[len(theirs_per) // 2] * 1000:.0f} ms")
    for q, score, _, _, _, found in rows:
        if not (score.named and score.placed):
            print(f"  caveat wrong: {q.name} / {q.kind} {q.clause}: "
                  f"{[(m.laws, m.part, m.version, m.sure, m.share) for m in found]} "
                  f"{[(d.kind, d.clause) for m in found for d in m.differences][:5]}")
    wrong = [(q, a["whole"]) for q, _, _, peer, a, _ in rows if not peer.named and not q.edition.key.endswith(".txt")]
    for q, whole in wrong[:60]:
        print(f"  scancode wrong: {q.name} / {q.kind}: {whole[:90]}")


if __name__ == "__main__":
    sys.exit(main())
