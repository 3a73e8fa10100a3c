"""Tells a public repository id from an address, a folder on somebody's disk, and prose.

Claims carry ids as written; only the address around an id is taken off here. The catalogue resolves names
later.
"""

from __future__ import annotations

import re

ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}")
BARE = re.compile(r"[A-Za-z0-9][\w.-]{0,95}")
HUB = re.compile(
    r"(?:https?:)?/*(?:www\.)?(?:huggingface\.co|hf\.co)/"
    r"(?P<sort>datasets/)?(?P<owner>[\w.-]{1,96})/(?P<name>[\w.-]{1,96})"
)
GITHUB = re.compile(r"https?://(?:www\.)?github\.com/(?P<owner>[\w.-]{1,96})/(?P<name>[\w.-]{1,96}?)(?:\.git)?(?=[/#?)\s]|$)")
#: First words of hub addresses that are no repository owner.
NO_OWNER = frozenset({
    "spaces", "docs", "papers", "blog", "collections", "models", "datasets", "tasks", "learn", "settings",
    "join", "login", "api", "front", "organizations",
})

LOCAL = re.compile(r"^(?:[./~\\]|[A-Za-z]:[\\/]|file:)|\\|\.(?:jsonl?|csv|parquet|txt|bin|gguf|safetensors)$")
#: Longest text that may hold a name or an address.
LONGEST = 1000
FIRST_FOLDERS = frozenset({
    "home", "mnt", "workspace", "root", "content", "models", "model", "outputs", "output", "checkpoints",
    "tmp",
})


def is_local(written: str) -> bool:
    """Whether `written` is a path on its writer's disk, which nobody else can look up."""
    written = written[:LONGEST]
    if LOCAL.search(written) or (written.count("/") > 1 and not written.startswith("http")):
        return True
    return "/" in written and written.split("/")[0].lower() in FIRST_FOLDERS


def repo_id(written: str) -> str:
    """The `owner/name` (or old bare name) in `written`, with a hub address taken off; "" if it is neither."""
    if len(written) > LONGEST:
        return ""
    text = written.strip().strip("`'\"<>").rstrip("/")
    hub = HUB.search(text)
    if hub:
        return "" if hub["owner"] in NO_OWNER else f"{hub['owner']}/{hub['name']}"
    text = re.sub(r"^(?:hf://|hub://)?(?:datasets/)?", "", text).split("@")[0]
    if is_local(text):
        return ""
    return text if ID.fullmatch(text) or BARE.fullmatch(text) else ""


def folder_name(written: str) -> str:
    """The last part of a path, as a name to look for among the repositories that are known."""
    return re.split(r"[/\\]", written.rstrip("/\\"))[-1]


def match_folder(written: str, known: tuple[str, ...]) -> str:
    """The known id that a local folder's name stands for (`152334H_miqu` for `152334H/miqu`), or ""."""
    folder = folder_name(written).lower()
    for one in known:
        low = one.lower()
        if folder in (low.replace("/", "_"), low.replace("/", "-"), low.split("/")[-1]):
            return one
    return ""


def weak_ending(name: str) -> str:
    """The name without owner, lower case: two uploads of one thing share it."""
    return name.split("/")[-1].lower()
