"""What a person named for `caveat fit`, weighed: a GGUF file, a folder of safetensors, a config.json or a known name.

Headers and configurations alone are read. What they tell twice is compared, and a disagreement is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError, SettingsError, nearest
from caveat.evidence import gguf_tensors, json_safe, safetensors
from caveat.evidence.gguf_tensors import Tensors
from caveat.lineage.claims import Problem
from caveat.runtime import published, shape
from caveat.runtime.mixes import elements
from caveat.runtime.shape import Shape, Tensor, Unknown
from caveat.runtime.types import BY_NUMBER, size

FILES_LIMIT = 512
SHAPED_ALIKE = ("layers", "width", "feed_forward", "heads", "kv_heads", "vocabulary")


class Subject(NamedTuple):
    """A model to be fitted. `stored`: bytes of its weights as they lie there (0: nothing lies there), `held`: what they
    are called; `on_disk`: what files should weigh by their headers, and `size`: what they do; `known`: its name in the
    table of known models, or ""."""

    title: str
    shape: Shape | Unknown
    tensors: tuple[Tensor, ...] = ()
    stored: int = 0
    held: str = ""
    on_disk: int = 0
    size: int = 0
    known: str = ""
    source: str = ""
    problems: tuple[Problem, ...] = ()


def weighed(model: str) -> Subject:
    """The subject a path or a name means. Raises SettingsError for a name nobody knows, EvidenceError for nothing."""
    path = Path(model)
    if path.is_dir():
        return _folder(path)
    if path.suffix == ".gguf" and path.is_file():
        return _gguf(path)
    if path.suffix == ".safetensors" and path.is_file():
        return _checkpoint(path.parent, (path,))
    if path.name.endswith(".json") and path.is_file():
        return _config(path)
    return _named(model)


def _named(model: str) -> Subject:
    found = published.named(model)
    if found is None:
        known = sorted({n.name for n in published.names().values()})
        raise SettingsError(f"{model!r} is no file, folder or model with a known shape ({', '.join(known)}); "
                            "a folder with its config.json is enough", nearest(model, known))
    form = shape.of_config(found.config)
    tensors = shape.tensors(form) if isinstance(form, Shape) else ()
    return Subject(found.name, form, tensors, known=found.name, source=found.source)


# -- folders and configurations -------------------------------------------------------------------------------------
def _folder(path: Path) -> Subject:
    """What a folder holds: safetensors beside a config.json, else GGUF, else a config.json alone."""
    checkpoint = _listed(path, "*.safetensors")
    if checkpoint and (path / "config.json").is_file():
        return _checkpoint(path, checkpoint)
    ggufs = tuple(p for p in _listed(path, "*.gguf") if not gguf_tensors.is_later_part(p))
    if len(ggufs) == 1:
        return _gguf(ggufs[0])
    if ggufs:
        raise EvidenceError(f"{path} holds {len(ggufs)} models; name one: {', '.join(p.name for p in ggufs[:5])}")
    if (path / "config.json").is_file():
        return _config(path / "config.json")
    raise EvidenceError(f"{path} holds no .gguf, no config.json and no .safetensors beside one")


def _listed(path: Path, glob: str) -> tuple[Path, ...]:
    """Files of a folder, in order; the copy that Mistral keeps in its own layout is no second model."""
    return tuple(sorted(p for p in path.glob(glob) if not p.name.startswith("consolidated")))[:FILES_LIMIT]


def _config(path: Path, tied: bool | None = None) -> Subject:
    read = json_safe.read(path, path.name)
    form = shape.of_config(read.data, tied)
    tensors = shape.tensors(form) if isinstance(form, Shape) else ()
    return Subject(path.parent.name or path.name, form, tensors, problems=read.problems)


def _checkpoint(folder: Path, files: Sequence[Path]) -> Subject:
    """safetensors: what lies there is summed, its shape comes from config.json, and the two are compared."""
    if not (folder / "config.json").is_file():
        raise EvidenceError(f"{folder} has no config.json: the heads of a model stand in no safetensors header")
    counts: dict[str, int] = {}
    stored = 0
    problems: list[Problem] = []
    for file in files:
        found, size, told = safetensors.weights(file, file.name)
        counts, stored, problems = counts | found, stored + size, [*problems, *told]
    head = any(name.endswith("lm_head.weight") for name in counts)
    one = _config(folder / "config.json", None if not counts else not head)
    numbers = sum(n for name, n in counts.items() if not name.endswith("rotary_emb.inv_freq"))
    wrong = _disagreement(one, numbers, len(files))
    return one._replace(stored=stored, held="as stored", problems=(*one.problems, *problems, *wrong))


def _disagreement(one: Subject, numbers: int, files: int) -> tuple[Problem, ...]:
    """Where the headers hold other numbers than config.json describes: a part is missing, or it is another model."""
    told = elements(tuple(t for t in one.tensors if t.name != "rope_freqs.weight"))
    if not one.tensors or told == numbers:
        return ()
    what = f"config.json describes {told:,} numbers, {files} header{'s hold' if files > 1 else ' holds'} {numbers:,}"
    return (Problem("config.json", what, None, "packed weights or a missing part; the table follows config.json"),)


# -- GGUF -------------------------------------------------------------------------------------------------------------
def _gguf(path: Path) -> Subject:
    files = gguf_tensors.parts(path)
    read = [gguf_tensors.tensors(p, p.name) for p in files]
    infos = [i for r in read for i in r.tensors]
    problems = (*(p for r in read for p in r.problems), *(p for f, r in zip(files, read) for p in _cut(f, r)))
    if not infos:
        raise EvidenceError(f"{path}: {problems[0].what if problems else 'no tensor stands in its header'}")
    tensors = tuple(Tensor(i.name, i.dimensions) for i in infos)
    stored = sum(size(BY_NUMBER[i.kind], i.dimensions) for i in infos if i.kind in BY_NUMBER)
    form = shape.of_gguf(read[0].header.values, tensors)
    known = _known(read[0].header.word("general.name"), form)
    return Subject(path.name, form, tensors, stored, "as it is", sum(_end(r, r.alignment) for r in read),
                   sum(r.size for r in read), known, problems=(*problems, *_strange(path.name, read)))


def _end(read: Tensors, to: int = 1) -> int:
    """Where the last tensor of a file ends, in bytes, rounded up to a multiple of `to`."""
    ends = (i.offset + size(BY_NUMBER[i.kind], i.dimensions) for i in read.tensors if i.kind in BY_NUMBER)
    return read.start + -(-max(ends, default=0) // to) * to


def _cut(path: Path, read: Tensors) -> tuple[Problem, ...]:
    """A file that ends before its last tensor does: a download that broke off."""
    missing = _end(read) - read.size
    if not read.tensors or missing <= 0:
        return ()
    return (Problem(path.name, f"the file ends {missing:,} bytes before its last tensor does", None,
                    "sizes are those of the whole"),)


def _strange(file: str, read: Sequence[Tensors]) -> tuple[Problem, ...]:
    kinds = sorted({i.kind for r in read for i in r.tensors} - set(BY_NUMBER))
    return (Problem(file, f"tensors of unknown types {kinds[:5]}", None, "not counted"),) if kinds else ()


def _known(name: str, form: Shape | Unknown) -> str:
    """The known model that a file says it is and has the shape of; "" otherwise."""
    found = published.named(name.replace(" ", "-")) if name else None
    real = shape.of_config(found.config) if found else None
    same = isinstance(form, Shape) and isinstance(real, Shape) and all(
        getattr(form, key) == getattr(real, key) for key in SHAPED_ALIKE)
    return found.name if found and same else ""
