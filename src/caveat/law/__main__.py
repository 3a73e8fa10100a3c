"""For authors of law: `python -m caveat.law check|compile|schema|cases [ID ...]`."""

from __future__ import annotations

import sys

from caveat.errors import CaveatError
from caveat.law.compile import Sources, write


def check(ids: list[str]) -> int:
    src, faults = Sources(), 0
    for id in ids or sorted(src.sources):
        try:
            law = src.law(id)
            print(f"{id}: {len(law.rules)} rules, {len(src.cases(id))} cases")
        except CaveatError as fault:
            faults += 1
            print(fault)
    return 1 if faults else 0


def main() -> int:
    command, ids = (sys.argv[1] if len(sys.argv) > 1 else ""), sys.argv[2:]
    if command == "check":
        return check(ids)
    if command == "compile":
        write(keep_going="--keep-going" in ids)
        return 0
    if command == "schema":
        from caveat.law import editor

        editor.write()
        return 0
    if command == "cases":
        from importlib import import_module

        return int(import_module("caveat.flows.cases").ask_cases(ids))  # law knows nothing above it: authors' door only
    print(__doc__)
    return 2


if __name__ == "__main__":
    sys.exit(main())
