"""Would anybody notice? Deliberate faults in a copy of the engine, one at a time, against everything we check with.

Each fault is a line rewritten in a temporary copy of the package; then the golden questions (if CAVEAT_MATERIAL,
default ../shared, is there), the cases inside the law files, the literal spec and the properties over random law are
asked. Prints how many of each notice; exits 1 if a fault is noticed by nothing.

    python benchmarks/mutations.py [--only WORD ...] [--draws 1500] [--quick]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENOUGH = 5
COLUMNS = ("golden", "cases", "spec", "properties")


class Fault(NamedTuple):
    """One deliberate fault: in which file of the package, what stands there, and what is put in its place."""

    name: str
    file: str
    old: str
    new: str


FAULTS = (
    Fault("output needs a grant", "verdict/judge.py",
          "if not (ROLES[base] or",
          'if not (ROLES[base] or base == "output" or'),
    Fault("no role needs a grant", "verdict/judge.py",
          "if not (ROLES[base] or",
          "if True or not (ROLES[base] or"),
    Fault("no outbound", "verdict/offer.py",
          "if not broken:",
          "if True:"),
    Fault("derivative does not contain materials", "verdict/match.py",
          "return rule.contained and any(",
          "return False and any("),
    Fault("everybody accepted", "verdict/judge.py",
          'return m.inquiry.facts.get("accepted") == "yes" or (',
          "return True or ("),
    Fault("nobody accepted", "verdict/decide.py",
          "if ROLES[p.base_role] and not p.stranger)",
          "if False)"),
    Fault("same-family never asked", "verdict/match.py",
          'lambda r: r == "any-part")))',
          "lambda r: False)))"),
    Fault("family walks train edges", "lineage/graph.py",
          "            if ACTS[e.act].in_family:",
          '            if ACTS[e.act].in_family or e.act == "train":'),
    Fault("any base of a merge excuses", "verdict/match.py",
          "all(family in f for f in bases)",
          "any(family in f for f in bases)"),
    Fault("name clash ignored", "verdict/decide.py",
          "pair.law != pair2.law and clash(",
          "False and clash("),
    Fault("fold across worlds before inside", "verdict/fold.py",
          "[g.state(n) for n in range(len(g.leaves))] for g in folded.groups]",
          "[os[k].state for _, os in g.leaves] for g in folded.groups for k in range(len(g.items))]"),
    Fault("bound not carried past train", "verdict/bind.py",
          "stranger=pair.stranger or",
          "stranger=(pair.stranger and not act.teaches) or"),
    Fault("guard joined by or", "verdict/bind.py",
          "if _excludes(old, allowed):\n        return None",
          "if _excludes(old, allowed):\n        return guard"),
    Fault("guard keeps readings of either", "verdict/bind.py",
          "yes_a & yes_b if yes_a and yes_b else",
          "yes_a | yes_b if yes_a and yes_b else"),
    Fault("tdm for shipping", "verdict/judge.py",
          "if set(m.event.acts) & set(r.grants)}",
          "if r.grants}"),
    Fault("threshold >= for >", "verdict/inquiry.py",
          '"over": number > test.value',
          '"over": number >= test.value'),
    Fault("presumption satisfies a purpose grant", "verdict/match.py",
          "if not limiting and self.inquiry.presume:",
          "if self.inquiry.presume:"),
    Fault("standing duties counted", "verdict/judge.py",
          'rule.says == "must" and not rule.standing and',
          'rule.says == "must" and'),
    Fault("when read as unless", "verdict/match.py",
          "self.condition(rule.when, limiting, True)",
          "no(self.condition(rule.when, limiting, False))"),
    Fault("today's API terms for yesterday's call", "evidence/imagine.py",
          "date.fromisoformat(thing.date or had)",
          'date.fromisoformat("2026-11-24")'),
    Fault("terms follow every stranger", "verdict/judge.py",
          'm.word("bound", lambda r: r == "follows")',
          'm.word("bound", lambda r: True)'),
    Fault("later holders asked like makers", "verdict/judge.py",
          'if m.pair.later and "bound"',
          'if False and "bound"'),
    Fault("others' output counts as one's own", "verdict/judge.py",
          'return whose != "own" and _accepted(m)',
          "return _accepted(m)"),
    Fault("sole bears company", "verdict/offer.py",
          "if len(offered) > 1:",
          "if False:"),
    Fault("a maker's duty for everybody", "verdict/judge.py",
          '(rule.duty_of != "maker" or event.makers_own)',
          "True"),
    Fault("unknown outranks refused", "verdict/judge.py",
          "GRANTED, UNKNOWN, REFUSED = 0, 1, 2",
          "GRANTED, UNKNOWN, REFUSED = 0, 2, 1"),
    Fault("every open word is a doubt", "verdict/fold.py",
          "if state != state2:",
          "if True:"),
    Fault("rule dates ignored", "verdict/inquiry.py",
          "    return (not rule.since or rule.since <= day) and",
          "    return True or"),
    Fault("selling is not commercial", "verdict/decide.py",
          'facts["commercial"] = "yes"',
          "pass"),
    Fault("selling is not handing over", "verdict/event.py",
          '("sell", "ship") if self.act == "sell"',
          '("sell",) if self.act == "sell"'),
    Fault("an owner's variant is a derivative", "verdict/bind.py",
          "return bool(pair.owner) and",
          "return False and"),
    Fault("sub-roles are strangers to their base", "verdict/match.py",
          "if self.role in rule.on or base in rule.on:",
          "if self.role in rule.on:"),
)


def mutant(fault: Fault, into: Path) -> Path:
    """A copy of the package with this fault. Raises ValueError if the line is not there exactly once."""
    package = into / "caveat"
    shutil.copytree(ROOT / "src" / "caveat", package, ignore=shutil.ignore_patterns("__pycache__"))
    file = package / fault.file
    text = file.read_text("utf-8")
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.name}: {text.count(fault.old)} lines read {fault.old!r} in {fault.file}")
    file.write_text(text.replace(fault.old, fault.new), "utf-8")
    return into


def applies(fault: Fault) -> bool:
    return (ROOT / "src" / "caveat" / fault.file).read_text("utf-8").count(fault.old) == 1


# -- inside a copy --------------------------------------------------------------------------------------------------
def noticed(draws: int, quick: bool) -> dict[str, int]:
    """How many questions, cases, draws and properties go wrong here; `quick` stops at the first column that notices."""
    found: dict[str, int] = {}
    for column, count in (("golden", golden), ("spec", lambda: disagreements(draws)), ("cases", cases),
                          ("properties", lambda: properties(draws // 15))):
        found[column] = count()
        if quick and found[column]:
            break
    return found


def golden() -> int:
    from tests.test_golden import told

    folder = Path(os.environ.get("CAVEAT_MATERIAL", ROOT.parent / "shared")) / "golden"
    return sum(bool(safely(partial(told, case))) for f in sorted(folder.glob("*.toml"))
               for case in tomllib.loads(f.read_text("utf-8"))["case"])


def cases() -> int:
    from caveat.flows.cases import case_faults
    from caveat.law.compile import Sources
    from caveat.law.shelf import shelf

    sources = Sources()
    return sum(bool(safely(partial(case_faults, id, case)))
               for id in sorted(sources.sources) if shelf().has(id) for case in sources.cases(id))


def disagreements(draws: int) -> int:
    """How many draws the spec answers otherwise; counting stops at ENOUGH."""
    from tests.laws.drawn import Chance, a_question
    from tests.laws.test_spec import disagreement

    trials = (safely(partial(disagreement, a_question(Chance(seed), 16))) for seed in range(draws))
    return len(list(islice(filter(None, trials), ENOUGH)))


def properties(draws: int) -> int:
    """How many properties fail on these draws."""
    from tests.laws import test_properties
    from tests.laws.drawn import Chance, a_question

    drawn = [a_question(Chance(seed), 16) for seed in range(draws)]
    return sum(any(safely(partial(test, q)) for q in drawn) for test in inner(test_properties))


def inner(module: Any) -> Iterator[Callable[[Any], None]]:
    """The bodies of a module's Hypothesis tests."""
    for name, test in vars(module).items():
        if name.startswith("test_") and hasattr(test, "hypothesis"):
            yield test.hypothesis.inner_test


def safely(ask: Callable[[], Any]) -> Any:
    """What was found wrong; a crash is wrong."""
    try:
        return ask()
    except Exception as fault:
        return repr(fault)


# -- outside --------------------------------------------------------------------------------------------------------
def tried(fault: Fault | None, draws: int, quick: bool = False) -> dict[str, int]:
    """What notices this fault (None: the engine as it stands), in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        source = mutant(fault, Path(folder)) if fault else ROOT / "src"
        command = [sys.executable, __file__, "--inside", "--draws", str(draws), *(["--quick"] if quick else [])]
        path = os.pathsep.join((str(source), str(ROOT)))
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"})
    if done.returncode:
        raise RuntimeError(f"{fault.name if fault else 'as it stands'}: {done.stderr[-2000:]}")
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def row(name: str, found: Mapping[str, object]) -> str:
    return f"{name:<42}" + "".join(f"{found.get(c, '-')!s:>12}" for c in COLUMNS)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--draws", type=int, default=1500)
    parser.add_argument("--quick", action="store_true", help="stop at the first kind of check that notices")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.inside:
        print(json.dumps(noticed(args.draws, args.quick)))
        return 0
    wanted = [f for f in FAULTS if not args.only or any(word in f.name for word in args.only)]
    print(row("fault", {c: c for c in COLUMNS}))
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda f: told(f, args.draws, args.quick), [None, *wanted]))
    missed = [f.name for f, found in zip(wanted, results[1:]) if not any(found.values())]
    print(f"{len(wanted) - len(missed)} of {len(wanted)} noticed")
    print(*(f"  nothing notices: {name}" for name in missed), sep="\n")
    return 1 if missed or any(results[0].values()) else 0


def told(fault: Fault | None, draws: int, quick: bool) -> dict[str, int]:
    found = tried(fault, draws, quick)
    print(row(fault.name if fault else "(as it stands)", found), flush=True)
    return found


if __name__ == "__main__":
    sys.exit(main())
