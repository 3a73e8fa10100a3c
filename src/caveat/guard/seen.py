"""What a training process was seen to load, as plain values: what hooks, callbacks and `require` hand to the judge.

    Load      one data set, model, adapter, reference, reward or teacher, with the line of code that loaded it
    Trainer   the moment of decision: who trains, where it writes to, and whether its parts could be told apart
"""

from __future__ import annotations

from typing import Any, NamedTuple

from caveat.guard.inside.plain import plain as plain

WHATS = ("data", "model", "adapter", "reference", "reward", "teacher", "architecture")
#: What a load is in the run: taught on, changed, imitated, marked with, only measured with, or not known ("").
ACTS = ("train", "finetune", "adapt", "distil", "annotate", "evaluate", "")
#: The act that each sort of thing has unless somebody knows better.
USUAL = {"data": "train", "model": "finetune", "adapter": "adapt", "reference": "", "reward": "annotate",
         "teacher": "distil", "architecture": ""}
#: The most names of one load that travel between processes.
MOST = 64


class Load(NamedTuple):
    """One thing that was loaded. `generators` and `judges` are names found in its columns or metadata, in the order
    of `named_in` (the columns they stood in); `unknown` says why nobody can know where it comes from."""

    what: str  # one of WHATS
    name: str  # id or path as given; "" where rows came from memory
    revision: str = ""
    split: str = ""
    columns: tuple[str, ...] = ()
    generators: tuple[str, ...] = ()
    where: str = ""  # "train.py:12", the call in the user's own code
    act: str = ""  # one of ACTS
    config: str = ""  # the subset of a data set
    files: tuple[str, ...] = ()  # data_files as given
    judges: tuple[str, ...] = ()
    named_in: tuple[str, ...] = ()  # column of each generator, then of each judge
    unknown: str = ""
    how: str = ""  # "datasets.load_dataset"
    presumed: str = ""  # "yes" where it goes in by presumption: the rows come from memory and cannot be traced

    def to_dict(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in self._asdict().items() if v}


class Trainer(NamedTuple):
    """Who trains. `tracked` is False where all that was loaded is presumed to go into the run."""

    how: str  # "trl.SFTTrainer", "torch.optim.AdamW.step"
    output: str = ""  # output_dir as given
    hub: str = ""  # hub_model_id
    where: str = ""
    tracked: bool = True

    def to_dict(self) -> dict[str, Any]:
        return dict(self._asdict())


def load_of(said: dict[str, Any]) -> Load:
    """A Load from what another process wrote down; unknown keys and odd values are left out. What columns hold
    (`values`) is read into the names of those who wrote and marked the rows."""
    kept: dict[str, Any] = {}
    for key, value in said.items():
        if key in Load._fields and isinstance(value, list):
            kept[key] = tuple(plain(v) for v in value[:MOST])
        elif key in Load._fields and isinstance(value, str):
            kept[key] = plain(value)
    return written(Load(**{"what": "data", "name": "", **kept}), said.get("values"))


def written(load: Load, values: object) -> Load:
    """The load with who wrote and who marked its rows, from the values of its columns."""
    from caveat.guard.columns import writers

    found = writers(load.columns, values) if isinstance(values, dict) else None
    return load if found is None else load._replace(generators=found.generators, judges=found.judges,
                                                    named_in=found.named_in)


def loads_of(said: object) -> list[Load]:
    """All loads of a record. A builder's name (json, parquet, ...) gives way to the files that it reads."""
    rows = [load_of(row) for row in said if isinstance(row, dict)] if isinstance(said, list) else []
    return [one for load in rows for one in _by_file(load)]


def _by_file(load: Load) -> list[Load]:
    from caveat.evidence.planned import BUILDERS

    if load.what != "data" or load.name not in BUILDERS or not load.files:
        return [load]
    return [load._replace(name=file, files=()) for file in load.files]
