"""`caveat.require(...)`: one line at the top of any script; what may not be done raises before anything is loaded.

    caveat.require(base="mistralai/Mistral-7B-v0.1", data=["HuggingFaceH4/no_robots"], makes="acme/helper")
    caveat.require("train mistral-7b on output of llama-2-70b-chat")

Needs no extras: names and paths are judged as `caveat check` judges a recipe that says the same.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import overload

from caveat.errors import SettingsError, nearest
from caveat.guard.frames import users_line
from caveat.guard.inside.plain import plain
from caveat.guard.judged import DOUBTFUL, Settings, reports_of, sorted_out, surroundings
from caveat.guard.planned import asset_of, evidence_of
from caveat.guard.refusal import refusal, refused_answer
from caveat.guard.seen import Load, Trainer
from caveat.guard.telling import told
from caveat.guard.watch import accepted_by, project_here
from caveat.lineage.claims import AssetClaim, Evidence, Place, StepClaim, UseClaim
from caveat.verdict.answer import Report, Verdict

#: Acts that a base can go through on the way to a new model; `train` means that the base learns from the data.
OF_TRAINING = {"train": "finetune", "finetune": "finetune", "adapt": "adapt", "distil": "distil"}
HOW = "caveat.require"
#: Acts that make another model of a base without teaching it.
OF_WEIGHTS = frozenset({"quantize", "merge", "prune", "convert", "copy"})
Names = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


@overload
def require(sentence: str, /, *, strict: bool = ..., accept: Sequence[str] = ...,
            facts: Mapping[str, str] | None = ..., readings: Mapping[str, str] | None = ...) -> Verdict: ...
@overload
def require(*, base: str | os.PathLike[str] | None = ..., data: Names = ..., adapters: Names = ...,
            teachers: Names = ..., act: str = ..., makes: str | None = ..., purpose: str | None = ...,
            strict: bool = ..., accept: Sequence[str] = ..., facts: Mapping[str, str] | None = ...,
            readings: Mapping[str, str] | None = ...) -> Report: ...
def require(sentence: str | None = None, /, *, base: str | os.PathLike[str] | None = None, data: Names = (),
            adapters: Names = (), teachers: Names = (), act: str = "finetune", makes: str | None = None,
            purpose: str | None = None, strict: bool = False, accept: Sequence[str] = (),
            facts: Mapping[str, str] | None = None, readings: Mapping[str, str] | None = None) -> Report | Verdict:
    """Go on if this may be done; else raise.

    `base`, `data`, `adapters` and `teachers` are hub ids or paths; `act` is what is done to the base; `makes` what the
    result is called; `purpose` what it is for: one of the purposes that licences name ("research", "military", ...) or
    an act on the result ("ship", "sell", "serve"). `strict` raises on what depends or is unknown too; `accept` are
    ids of findings somebody lives with, beside those of CAVEAT_ACCEPT. Returns the whole report (of a sentence: the
    verdict). Raises Refused with clause, proof and smallest fix; SettingsError or QuestionError for what is not
    understood.
    """
    taken = accepted_by(accept)
    if sentence is not None:
        if base or data or adapters or teachers or makes or purpose:
            raise SettingsError("caveat.require takes a sentence or the parts of a run, not both")
        return _asked(sentence, strict, taken, facts, readings)
    settings = _settings(facts, readings, purpose)
    where = users_line()
    loads = (*_loads("model", base, where), *_loads("adapter", adapters, where), *_loads("teacher", teachers, where),
             *_loads("data", data, where))
    if not loads:
        raise SettingsError("caveat.require wants a base, data, or a sentence; nothing was named")
    evidence = _evidence(loads, Trainer(HOW, hub=makes or "", where=where), _act(act), purpose, settings)
    report = reports_of(evidence, settings)[0]
    return _decided(report, strict, taken)


def _asked(sentence: str, strict: bool, taken: Sequence[str], facts: Mapping[str, str] | None,
           readings: Mapping[str, str] | None) -> Verdict:
    from caveat.flows.asking import ask

    answer = ask(sentence, facts=facts, readings=readings)
    bad = {"prohibited"} | (DOUBTFUL if strict else frozenset())
    stopping = [f for f in answer.findings if f.verdict in bad and f.id not in taken]
    if stopping:
        raise refused_answer(answer, stopping)
    return answer


def _settings(facts: Mapping[str, str] | None, readings: Mapping[str, str] | None, purpose: str | None) -> Settings:
    from caveat.flows.asking import checked_facts, checked_readings
    from caveat.law.words import PURPOSES

    told = dict(facts or {})
    if purpose in PURPOSES:
        told["purpose"] = str(purpose)
    return Settings(checked_facts(told), checked_readings(readings or {}), project=project_here())


def _loads(what: str, names: Names | None, where: str) -> tuple[Load, ...]:
    if names is None or names == "":
        return ()
    several = (names,) if isinstance(names, (str, os.PathLike)) else names
    return tuple(Load(what, plain(os.fspath(n)), where=where, how=f"caveat.require({what})") for n in several)


def _act(written: str) -> str:
    from caveat.evidence.caveat_toml_words import EVERYDAY

    act = EVERYDAY.get(written.strip().lower(), "")
    if act not in OF_TRAINING and act not in OF_WEIGHTS:
        known = sorted({*OF_TRAINING, *OF_WEIGHTS})
        raise SettingsError(f"caveat.require: the act {written!r} makes no model of a base (known: {', '.join(known)})",
                            nearest(written, known))
    return act


def _evidence(loads: tuple[Load, ...], trainer: Trainer, act: str, purpose: str | None, settings: Settings) -> Evidence:
    """The planned run as claims; an act that teaches nothing is a step from the base, and data go into no such step."""
    around = surroundings(settings)
    declared = frozenset(c.asset for c in around.claims if not isinstance(c, StepClaim))
    taught = [load._replace(act=OF_TRAINING.get(act, "")) if load.what == "model" else load for load in loads]
    planned = evidence_of(taught, trainer, declared)
    child = planned.subjects[0]
    place = Place("detected", trainer.where.rpartition(":")[0] or trainer.where, None, f"caveat.require(act={act})")
    if act in OF_WEIGHTS:
        bases = (asset_of(load, declared) for load in loads if load.what == "model")
        made = tuple(StepClaim(child, act, base, place, "you") for base in bases)
        planned = planned._replace(claims=(*planned.claims, *made), problems=())
    if not any(load.what == "model" for load in loads):
        planned += Evidence(claims=(AssetClaim(child, "own", "yes", place),))
    return (planned + Evidence(claims=_uses(child, purpose, place)) + around)._replace(subjects=(child,))


def _uses(child: str, purpose: str | None, place: Place) -> tuple[UseClaim, ...]:
    from caveat.evidence.caveat_toml_words import EVERYDAY
    from caveat.law.words import ACTS, PURPOSES

    if not purpose or purpose in PURPOSES:
        return ()
    act = EVERYDAY.get(purpose.strip().lower(), "")
    if not act or (ACTS[act].makes and act != "serve"):
        known = [*PURPOSES, *(a for a in ACTS if not ACTS[a].makes)]
        raise SettingsError(f"caveat.require: the purpose {purpose!r} is not known", nearest(purpose, known))
    return (UseClaim(child, act, place),)


def _decided(report: Report, strict: bool, taken: Sequence[str]) -> Report:
    judged = sorted_out(report, taken)
    used = [f for f in report.findings if f.about == "use" and not f.accepted and f.id not in taken]
    judged = judged._replace(
        refused=(*judged.refused, *(f for f in used if f.verdict == "prohibited")),
        warned=(*judged.warned, *(f for f in used if f.verdict in DOUBTFUL)))
    if judged.stops(strict):
        raise refusal(judged, HOW, strict)
    page = told(judged, HOW)
    if page:
        print(page, file=sys.stderr)
    return judged.report
