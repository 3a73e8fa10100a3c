"""The cases inside law files, asked for real: what authors run, and what the tests run."""

from __future__ import annotations

from caveat.errors import CaveatError
from caveat.flows.asking import ask
from caveat.law.compile import Sources, write
from caveat.law.rule import Case
from caveat.law.shelf import shelf, shipped


def ask_cases(ids: list[str]) -> int:
    """Ask every case inside the law files (all, or those named) and print the misses."""
    write(keep_going=True)
    shipped.cache_clear()
    sources, wrong, total = Sources(), 0, 0
    for id in ids or sorted(sources.sources):
        for case in sources.cases(id) if shelf().has(id) else ():
            faults = case_faults(id, case)
            total += 1
            wrong += bool(faults)
            if faults:
                print(f"{id}: {case.ask}\n    {'; '.join(faults)}")
    print(f"{total - wrong} of {total} right")
    return 1 if wrong else 0


def case_faults(id: str, case: Case) -> list[str]:
    """What is wrong with the answer to one case of law file `id`; [] if nothing."""
    try:
        answer = ask(case.ask, fixes=False)
    except CaveatError as fault:
        return [] if case.answer == "error" else [f"not understood: {fault}"]
    cited = {f"{r.licence} {x}" for f in answer.findings for r in f.rules for x in (r.rule, r.clause)}
    owed = {f"{d.cited.licence} {x}" for f in answer.findings for d in f.duties for x in (d.cited.rule, d.cited.clause)}
    doubts = {d.about for f in answer.findings for d in f.doubts}
    full = [_full(id, x) for x in case.duties]
    faults = [f"verdict {answer.verdict}, expected {case.answer}"] if answer.verdict != case.answer else []
    faults += [f"proof lacks {b}" for b in case.by if _full(id, b) not in cited | owed]
    faults += [f"duty not listed: {d}" for d in case.duties if _full(id, d) not in owed]
    faults += [f"false duty: {d}" for d in case.not_owed if _full(id, d) in owed]
    standing = {f"{s.licence} {s.rule}" for s in answer.standing}
    faults += [f"not told as always owed: {s}" for s in case.standing if _full(id, s) not in standing]
    faults += [f"doubt not named: {d}" for d in case.doubts if d not in doubts]
    faults += [f"needless doubt: {', '.join(sorted(doubts))}"] if case.no_doubts and doubts else []
    if case.only_duties:
        pairs = {(d.cited.licence, d.cited.rule, d.cited.clause) for f in answer.findings for d in f.duties}
        more = sorted(f"{a} {b}" for a, b, c in pairs if f"{a} {b}" not in full and f"{a} {c}" not in full)
        faults += [f"false duty: {m}" for m in more]
    return faults


def _full(id: str, name: str) -> str:
    return name if " " in name else f"{id} {name}"
