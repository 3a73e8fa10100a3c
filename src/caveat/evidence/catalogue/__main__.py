"""`python -m caveat.evidence.catalogue compile` rewrites the compiled form; without a word it prints the coverage.

Run it after every change to a TOML file of this folder: a test compares the digest.
"""

from __future__ import annotations

import json
import sys

from caveat.errors import CaveatError
from caveat.evidence.catalogue import COMPILED, FOLDER, Catalogue, compile_sources


def main(words: list[str]) -> int:
    """Exit code: 0 done, 2 wrong sources or usage."""
    if words not in ([], ["compile"]):
        print("usage: python -m caveat.evidence.catalogue [compile]", file=sys.stderr)
        return 2
    try:
        compiled = compile_sources(FOLDER)
    except CaveatError as e:
        print(e, file=sys.stderr)
        return 2
    if words:
        COMPILED.write_text(json.dumps(compiled, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")
    print(coverage(Catalogue(compiled), compiled))
    return 0


def coverage(catalogue: Catalogue, compiled: dict[str, object]) -> str:
    """How much is known, in one line."""
    kinds = [a.kind for i in catalogue.ids() if (a := catalogue.asset(i))]
    counts = ", ".join(f"{kinds.count(k)} {k}s" for k in sorted(set(kinds)))
    sizes = {k: len(v) for k, v in compiled.items() if isinstance(v, (dict, list))}
    return (f"{len(catalogue)} assets ({counts}), {sizes['patterns']} patterns, {sizes['services']} services, "
            f"{sizes['names']} names, {sizes['loose']} loose names")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
