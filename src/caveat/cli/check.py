"""What an asset was made from, what reaches it, what is wrong, what is owed.

  caveat check ./my-model                a folder, a card, a recipe, a caveat.toml, a code base
  caveat check a b --format markdown     several
  caveat check owner/name                from the local Hugging Face cache; --online asks the hub (extra: hub)
  caveat check --pull owner/name         before anything is downloaded: what the cache and the catalogue know
  caveat check . --format sarif -o caveat.sarif --baseline known.json      the gate in CI: only new findings fail
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from caveat.cli.options import GATE_FORMATS, colour, dated, exit_code, fail_on, settings, shared, show, told, width

if TYPE_CHECKING:
    from caveat.verdict.answer import Report


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", default=["."], metavar="PATH|REPO", help="default: this folder")
    parser.add_argument("--id", metavar="OWNER/NAME",
                        help="what the folder is called on the hub, if its name does not say")
    parser.add_argument("--online", action="store_true", help="read a repository's small files from the hub")
    parser.add_argument("--pull", action="store_true",
                        help="judge repositories before they are downloaded: may I have and run them")
    parser.add_argument("--policy", metavar="FILE", help="your organisation's rules ([policy], as in caveat.toml)")
    parser.add_argument("--baseline", metavar="FILE",
                        help="a former answer (json or sarif): only findings that are new or worse fail")
    parser.add_argument("--write-baseline", metavar="FILE", help="keep today's findings as the baseline; exit 0")
    shared(parser, GATE_FORMATS)


def run(options: argparse.Namespace) -> int:
    given, wanted = settings(options), fail_on(options)
    known = _known(options.baseline)
    given["policy"] = _policy(options.policy)
    reports = [dated(r, options) for path in options.paths for r in _reports(path, options, given)]
    if known is not None:
        from caveat.flows.gate import compared, counted

        reports = [compared(r, known) for r in reports]
        told(counted(reports, known), options)
    show(_text(reports, options, wanted), options)
    if options.write_baseline:
        return _write(reports, options)
    return exit_code(reports, wanted, options.max_law_age)


def _reports(path: str, options: argparse.Namespace, given: dict[str, Any]) -> list[Report]:
    if options.pull:
        from caveat.flows.pulling import pull

        return pull(path, online=options.online, **given)
    from caveat.flows.checking import check
    from caveat.flows.places import place_of, root_of

    place, name = place_of(path, options.online)
    return [r._replace(root=root_of(place)) for r in check(place, asset=options.id or name, **given)]


def _known(baseline: str | None) -> dict[str, Any] | None:
    if not baseline:
        return None
    from caveat.flows.gate import read_baseline

    return dict(read_baseline(baseline))


def _policy(file: str | None) -> Any:
    if not file:
        return None
    from pathlib import Path

    from caveat.evidence.policy import read_file

    return read_file(Path(file))


def _text(reports: list[Report], options: argparse.Namespace, wanted: frozenset[str]) -> str:
    from caveat.report import render_all

    return render_all(options.format, reports, wanted, width(options), colour() and not options.output)


def _write(reports: list[Report], options: argparse.Namespace) -> int:
    """Today's findings as the baseline of tomorrow; whatever they are, this run passes."""
    from caveat.cli.atomic import write
    from caveat.report import render_all

    write(options.write_baseline, render_all("json", reports, frozenset()) + "\n")
    told(f"baseline: kept in {options.write_baseline}", options)
    return 0
