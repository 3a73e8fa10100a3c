"""What an asset was made from, what reaches it, what is wrong, what is owed.

  caveat check ./my-model                a folder, a card, a recipe, a caveat.toml, a code base
  caveat check a b --format markdown     several
  caveat check owner/name                from the local Hugging Face cache; --online asks the hub (extra: hub)
"""

from __future__ import annotations

import argparse

from caveat.cli.options import dated, exit_code, fail_on, render, settings, shared, show


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH|REPO", help="default: this folder")
    parser.add_argument("--id", metavar="OWNER/NAME", help="what the folder is called on the hub, if its name does not say")
    parser.add_argument("--online", action="store_true", help="read a repository's small files from the hub")
    shared(parser)


def run(options: argparse.Namespace) -> int:
    from caveat.flows.checking import check
    from caveat.flows.places import place_of

    given, wanted = settings(options), fail_on(options)
    reports = []
    for path in options.paths:
        place, name = place_of(path, options.online)
        reports += [dated(r, options) for r in check(place, asset=options.id or name, **given)]
    show(joined([render(r, options) for r in reports], options.format), options)
    return exit_code(reports, wanted, options.max_law_age)


def joined(texts: list[str], form: str) -> str:
    """One object a line in JSON; a blank line or a rule between reports otherwise."""
    return {"json": "\n", "markdown": "\n---\n\n"}.get(form, "\n").join(t.rstrip("\n") for t in texts)
