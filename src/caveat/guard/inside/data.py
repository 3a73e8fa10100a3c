"""Notes every data set that Hugging Face `datasets` loads, and lets what is made of it carry the note along.

map, filter, select, shuffle, split, concatenate, interleave and stream give new objects: each carries the numbers of
what went in. Rows that come from memory, a generator or a data frame have no origin that anybody could know.
"""

from __future__ import annotations

from typing import Any

from .look import columns_of, look
from .plain import plain, plains
from .run import run, tag, tags
from .wrap import After, after, argument

#: Methods that give a new data set of the same rows, or of some of them.
CARRY = (
    "add_column", "add_item", "align_labels_with_mapping", "batch", "cast", "cast_column", "class_encode_column",
    "decode", "filter", "flatten", "flatten_indices", "map", "remove_columns", "rename_column", "rename_columns",
    "repeat", "reshard", "select", "select_columns", "shard", "shuffle", "skip", "sort", "take", "to_iterable_dataset",
    "train_test_split", "with_format", "with_transform", "_resolve_features",
)
FROM_FILES = ("from_csv", "from_json", "from_parquet", "from_text", "from_file")
MEMORY = {
    "from_generator": "rows from a generator of one's own", "from_list": "rows from a list in memory",
    "from_dict": "rows from a mapping in memory", "from_pandas": "rows from a data frame",
    "from_polars": "rows from a data frame", "from_spark": "rows from a data frame", "from_sql": "rows from a database",
    "from_buffer": "rows from memory",
}
SOURCE = "source"


def loading(module: Any) -> None:
    """datasets.load: load_dataset and load_from_disk."""
    after(module, "load_dataset", _loaded, SOURCE)
    after(module, "load_from_disk", _from_disk, SOURCE)


def tables(module: Any) -> None:
    """datasets.arrow_dataset: Dataset and the functions that join several."""
    _class(module.Dataset)
    _joins(module)


def streams(module: Any) -> None:
    """datasets.iterable_dataset: the same for streams."""
    _class(module.IterableDataset)
    _joins(module)


def groups(module: Any) -> None:
    """datasets.dataset_dict: several splits at once."""
    for name in ("DatasetDict", "IterableDatasetDict"):
        if hasattr(module, name):
            _class(getattr(module, name))


def combining(module: Any) -> None:
    """datasets.combine: concatenate_datasets and interleave_datasets as people call them."""
    _joins(module)


def _class(sort: Any) -> None:
    for name in CARRY:
        after(sort, name, _carried, group=SOURCE)  # a cache that it reads again is no source
    for name in FROM_FILES:
        after(sort, name, _from_files(name), SOURCE)
    for name, why in MEMORY.items():
        after(sort, name, _from_memory(name, why), SOURCE)
    after(sort, "load_from_disk", _from_disk_of_class, SOURCE)


def _joins(module: Any) -> None:
    for name in ("concatenate_datasets", "interleave_datasets", "_concatenate_map_style_datasets",
                 "_interleave_map_style_datasets", "_concatenate_iterable_datasets", "_interleave_iterable_datasets"):
        after(module, name, _joined, group=SOURCE)


def _carried(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if made is not None and args:
        tag(made, tags(args[0]))


def _joined(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    parts = argument(args, kwargs, 0, "dsets", "datasets")
    tag(made, [n for part in parts or () for n in tags(part)])


def _loaded(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    given = {"config": argument(args, kwargs, 1, "name"), "split": argument(args, kwargs, 4, "split"),
             "revision": argument(args, kwargs, 6, "revision")}
    files = plains([argument(args, kwargs, 3, "data_files"), argument(args, kwargs, 2, "data_dir")])
    name = argument(args, kwargs, 0, "path")
    _note(made, name, "datasets.load_dataset", files, {k: plain(v) for k, v in given.items() if v is not None})


def _from_disk(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    _note(made, argument(args, kwargs, 0, "dataset_path"), "datasets.load_from_disk")


def _from_disk_of_class(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    place = 1 if args and isinstance(args[0], type) else 0
    _note(made, argument(args, kwargs, place, "dataset_path", "dataset_dict_path"), "load_from_disk")


def _from_files(name: str) -> After:
    def noted(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        place = 1 if args and isinstance(args[0], type) else 0
        given = plains(argument(args, kwargs, place, "path_or_paths", "filename"))
        for one in given:
            _note(made, one, f"Dataset.{name}")

    return noted


def _from_memory(name: str, why: str) -> After:
    def noted(made: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        _note(made, "", f"Dataset.{name}", more={"unknown": why})

    return noted


def _note(made: Any, name: Any, how: str, files: list[str] | None = None, more: dict[str, str] | None = None) -> None:
    """One load for each data set that came back, so that a split keeps its own name."""
    parts: list[tuple[str, Any]] = [(plain(k), v) for k, v in list(made.items())[:50]] if isinstance(made, dict) \
        else [("", made)]
    for split, part in parts:
        load: dict[str, Any] = {"what": "data", "name": plain(name), "how": how, **(more or {})}
        load.update({"files": files} if files else {})
        load.update({"split": split} if split and not load.get("split") else {})
        load.update(_seen_in(part, bool(load.get("unknown"))))
        tag(part, [run().note(**load)])


def _seen_in(part: Any, memory: bool) -> dict[str, Any]:
    """Columns, and who wrote the rows as far as columns tell; a stream from memory is not touched."""
    values = look(part, memory)
    found: dict[str, Any] = {"columns": columns_of(part)}
    return {k: v for k, v in {**found, "values": values}.items() if v}
