"""What a training process was seen to load, as plain values: what hooks, callbacks and `require` hand to the judge.

    Load      one data set, model, adapter, reference, reward or teacher, with the line of code that loaded it
    Trainer   the moment of decision: who trains, where it writes to, and whether its parts could be told apart
"""

from __future__ import annotations

from typing import Any, NamedTuple

WHATS = ("data", "model", "adapter", "reference", "reward", "teacher")
#: What a load is in the run: taught on, changed, imitated, marked with, only measured with, or not known ("").
ACTS = ("train", "finetune", "adapt", "distil", "annotate", "evaluate", "")
#: The act that each sort of thing has unless somebody knows better.
USUAL = {"data": "train", "model": "finetune", "adapter": "adapt", "reference": "", "reward": "annotate",
         "teacher": "distil"}
#: The longest name, and the most names of one load, that travel between processes.
LONGEST, MOST = 400, 64


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


def plain(value: object, longest: int = LONGEST) -> str:
    """A stranger's value as one bounded line that no terminal obeys; "" where it cannot even be printed."""
    try:
        text = value if isinstance(value, str) else str(value)
        return "".join(c if c.isprintable() else "\ufffd" for c in text[:longest])
    except Exception:  # __str__ of somebody's object
        return ""


def load_of(said: dict[str, Any]) -> Load:
    """A Load from what another process wrote down; unknown keys and odd values are left out."""
    kept: dict[str, Any] = {}
    for key, value in said.items():
        if key in Load._fields and isinstance(value, list):
            kept[key] = tuple(plain(v) for v in value[:MOST])
        elif key in Load._fields and isinstance(value, str):
            kept[key] = plain(value)
    return Load(**{"what": "data", "name": "", **kept})
