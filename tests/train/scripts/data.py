"""Training data in the ways in which people name it: each way is one or two lines of `datasets`, as in any script."""

from datasets import Dataset, IterableDataset, concatenate_datasets, interleave_datasets, load_dataset, load_from_disk


def by_id(name):
    """`load_dataset("owner/name")`, answered from the cache where there is no network."""
    return load_dataset(name, split="train")


def folder(path):
    """A folder of one's own with data files and a card."""
    return load_dataset(path, split="train")


def parquet(path):
    return load_dataset("parquet", data_files=path, split="train")


def jsonl(path):
    return load_dataset("json", data_files={"train": path})["train"]


def stream(path):
    """Rows as they come; nothing of them is known before the first is asked for."""
    return load_dataset("parquet", data_files=path, split="train", streaming=True)


def stream_jsonl(path):
    return load_dataset("json", data_files=path, split="train", streaming=True)


def stream_id(name):
    return load_dataset(name, split="train", streaming=True)


def saved(path):
    return load_from_disk(path)


def joined(paths):
    """One set behind the other: what the second one is made of does not show in the first rows."""
    return concatenate_datasets([_any(p) for p in paths.split("+")])


def mixed(paths):
    """Rows in turns from several sets, drawn by weight."""
    sets = [_any(p) for p in paths.split("+")]
    return interleave_datasets(sets, probabilities=[1 / len(sets)] * len(sets), seed=1)


def mixed_stream(paths):
    return interleave_datasets([_any(p).to_iterable_dataset() for p in paths.split("+")])


def _any(path):
    data = parquet(path) if path.endswith(".parquet") else jsonl(path) if path.endswith(".jsonl") else by_id(path)
    return data.rename_column("question", "prompt") if "question" in data.column_names else data


WAYS = {
    "id": by_id, "folder": folder, "parquet": parquet, "jsonl": jsonl, "stream": stream, "stream-id": stream_id,
    "stream-jsonl": stream_jsonl, "saved": saved, "joined": joined, "mixed": mixed, "mixed-stream": mixed_stream,
}


def preferences(way: str, name: str) -> Dataset | IterableDataset:
    """Columns prompt, chosen and rejected, and no others."""
    data = WAYS[way](name)
    if "question" in data.column_names:
        data = data.rename_column("question", "prompt")
    return data.select_columns(["prompt", "chosen", "rejected"])


def lessons(way: str, name: str) -> Dataset | IterableDataset:
    """Columns prompt and completion."""
    return preferences(way, name).map(lambda row: {"prompt": row["prompt"], "completion": row["chosen"]},
                                      remove_columns=["chosen", "rejected"])
