"""Starts a licence, a disputed word or a reader from a form, so that neighbours have the same shape.

    python docs/new.py licence|word|reader NAME       (make new KIND=... NAME=...)
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LICENCE = '''id        = "{name}"
spdx      = "LicenseRef-{name}"       # the SPDX id where there is one
name      = "{name}"                  # in full
publisher = ""
since     = {today}
source    = "https://"                # where the text is published
checked   = {{ on = {today}, against = "" }}
root      = "materials"               # service for terms of a hosted API
binds     = "contract"                # contract | right | both
covers    = []

[[rule]]
id   = "grant"
at   = "1"
says = "may"
do   = ["all"]
gist = "One sentence of ours."

[[outbound]]
on     = ["materials", "derivative"]
demand = "any"
at     = "1"

[[case]]
ask    = "run my-model under {name}"
answer = "permitted"
why    = "One sentence."
'''
WORD = '''word    = "{name}"
ask     = "One plain question?"
used-as = "condition"                 # acts | targets | condition
[[reading]]
id      = "narrow"
means   = "One sentence of ours."
held-by = "Who holds it, where it is argued."
[[reading]]
id      = "wide"
means   = "One sentence of ours."
held-by = "Who holds it, where it is argued."
'''
READER = '''"""Reads FORMAT: what it says of how a thing was made.

Format: where it is described. Traps: what makes a naive reader wrong.
"""

from __future__ import annotations

from caveat.evidence.source import Source
from caveat.lineage.claims import Evidence

NAMES = ("{name}.*",)
READS = "bytes"
LIMIT = 1 << 20


def read(source: Source, file: str, asset: str) -> Evidence:
    """What the file says about `asset`. Never raises for what strangers wrote: that becomes a problem."""
    raise NotImplementedError
'''
#: kind -> (path, form, what to do next)
KINDS = {
    "licence": ("src/caveat/law/licences/{name}.toml", LICENCE, "python -m caveat.law check {name}, then make law"),
    "word": ("src/caveat/law/disputed/{name}.toml", WORD, "use it in a law file, then make law"),
    "reader": ("src/caveat/evidence/{module}.py", READER, "add {module!r} to READERS in evidence/__init__.py; a story"),
}
NAME = re.compile(r"[a-z0-9][a-z0-9.+_-]*")


def main(words: list[str]) -> int:
    """Exit code: 0 written, 2 wrong words or the file is there already."""
    if len(words) != 2 or words[0] not in KINDS or not NAME.fullmatch(words[1]):
        print(f"make new KIND={'|'.join(KINDS)} NAME=x   (lower case, digits, - . +)", file=sys.stderr)
        return 2
    where, form, then = KINDS[words[0]]
    parts = {"name": words[1], "module": words[1].replace("-", "_"), "today": date.today().isoformat()}
    path = ROOT / where.format(**parts)
    if path.exists():
        print(f"{path.relative_to(ROOT)} is there already", file=sys.stderr)
        return 2
    path.write_text(form.format(**parts), "utf-8")
    print(f"{path.relative_to(ROOT)} written; next: {then.format(**parts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
