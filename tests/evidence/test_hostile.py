"""Folders made to hurt: each gives one clear line, in bounded time and memory, and the rest is still judged."""

from __future__ import annotations

import os
import resource
import socket
import struct
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from caveat.evidence import gather
from caveat.lineage.claims import Evidence, LicenceClaim

CARD = "---\nlicense: mit\nbase_model: a/x\n---\n# Hello\n"
#: Seconds that reading one hostile folder may take on a slow machine, and megabytes it may add.
SECONDS, MEGABYTES = 10.0, 400


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a good card: whatever lies beside it, this must still be judged."""
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "README.md").write_text(CARD)
    return folder


@pytest.fixture(autouse=True)
def bounded() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024

    assert grown < MEGABYTES


def judged(said: Evidence) -> bool:
    """Whether the card beside the hostile thing was still read."""
    return any(isinstance(c, LicenceClaim) and c.laws == ("mit",) for c in said.claims)


def told(root: Path) -> list[str]:
    start = time.monotonic()
    said = gather(root)
    assert time.monotonic() - start < SECONDS
    assert judged(said)
    return [f"{p.file}: {p.what}" for p in said.problems]


def test_a_yaml_of_a_gigabyte_is_not_read(root: Path) -> None:
    with (root / "merge.yml").open("wb") as f:
        f.truncate(1 << 30)

    assert told(root) == ["merge.yml: larger than 1 MiB"]


def test_every_reader_of_text_has_a_bound(root: Path) -> None:
    for name in ("LICENSE", "Modelfile", "config.json", "adapter_config.json", "app.py", "n.ipynb", "README.de.md"):
        with (root / name).open("wb") as f:
            f.truncate(1 << 30)

    assert len(told(root)) <= 7


def test_an_alias_bomb_is_one_line(root: Path) -> None:
    rows = ["models: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    (root / "merge.yml").write_text("\n".join([*rows, "merge_method: linear"]))

    assert len(told(root)) == 1


def test_deep_nesting_is_one_line_a_file(root: Path) -> None:
    (root / "merge.yml").write_text("merge_method: " + "[" * 100_000)
    (root / "config.json").write_text("[" * 100_000)
    (root / "app.py").write_text("LLM" + "(" * 100_000)
    (root / "n.ipynb").write_text('{"cells": ' + "[" * 100_000 + '"LLM("')

    assert len(told(root)) == 4


def test_headers_that_lie_about_their_size_are_one_line_each(root: Path) -> None:
    (root / "a.safetensors").write_bytes(struct.pack("<Q", 1 << 62) + b"{}")
    (root / "b.safetensors").write_bytes(b"\x01")
    (root / "c.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60))
    (root / "d.gguf").write_bytes(b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60) + b"key")
    (root / "e.gguf").write_bytes(b"")
    files = {line.split(":")[0] for line in told(root)}

    assert files == {"a.safetensors", "b.safetensors", "c.gguf", "d.gguf", "e.gguf"}


def test_archives_are_never_opened(root: Path) -> None:
    with zipfile.ZipFile(root / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("README.md", b"\0" * (1 << 24))
    (root / "x.tar.gz").write_bytes(b"not even one")

    assert told(root) == ["bomb.zip: an archive and 1 more"]


def test_links_out_of_the_folder_are_not_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "LICENSE").write_text("Apache License\nVersion 2.0, January 2004")
    (root / "LICENSE").symlink_to(tmp_path / "secret" / "LICENSE")
    (root / "docs").symlink_to(tmp_path / "secret")
    (root / "Modelfile").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(root)
    (root / "merge.yml").symlink_to("merge.yml")
    lines = told(root)

    assert [line for line in lines if "leads out" in line] == [
        f"{n}: a link that leads out of the folder" for n in ("LICENSE", "Modelfile", "docs")]
    assert not any(isinstance(c, LicenceClaim) and "apache-2.0" in c.laws for c in gather(root).claims)


def test_pipes_sockets_and_folders_named_as_files_are_not_opened(root: Path, tmp_path: Path,
                                                                 monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(root / "LICENSE")
    (root / "config.json").mkdir()
    monkeypatch.chdir(root)
    server = socket.socket(socket.AF_UNIX)
    server.bind("Modelfile")
    lines = told(root)
    server.close()

    assert sorted(lines) == [
        "LICENSE: not a plain file (a pipe, device or socket)",
        "Modelfile: not a plain file (a pipe, device or socket)",
        "config.json: a folder where a file was expected",
    ]


def test_a_card_that_is_a_folder_leaves_the_rest_readable(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()
    (tmp_path / "Modelfile").write_text("FROM a")
    said = gather(tmp_path)

    assert [p.what for p in said.problems] == ["a folder where a file was expected"]
    assert said.claims


def test_names_with_newlines_and_escapes_are_shown_and_not_obeyed(root: Path) -> None:
    (root / "\x1b[2Jevil\nname.yml").write_text("merge_method: [")
    (root / os.fsdecode(b"bad\xffbytes.py")).write_text("LLM(")
    lines = told(root)

    assert len(lines) == 2
    assert all(line.isprintable() for line in lines)


def test_escapes_and_html_in_values_stay_data(root: Path) -> None:
    (root / "Modelfile").write_text("FROM \x1b[31m<script>alert(1)</script>\n")

    assert judged(gather(root))


def test_bytes_that_are_no_text_are_told(root: Path) -> None:
    for name in ("merge.yml", "Modelfile", "app.py", "config.json", "LICENSE"):
        (root / name).write_bytes(b"merge_method: LLM( FROM \xff\xfe\xfa\x80" * 9)

    assert {line.split(":")[0] for line in told(root)} >= {"merge.yml", "Modelfile", "app.py", "config.json", "LICENSE"}


def test_a_folder_nested_very_deeply_ends(root: Path) -> None:
    deep = root
    for _ in range(200):
        deep = deep / "d"
        if len(str(deep)) > 3000:
            break
        deep.mkdir()

    assert [line.split(": ")[1] for line in told(root)] == ["folders nested deeper than 60"]


def test_long_lines_and_many_titles_do_not_slow_the_licence_reader(root: Path) -> None:
    (root / "LICENSE").write_text("llama license agreement " * 80_000)
    (root / "COPYING").write_text("permission is hereby granted, free of charge, to any person obtaining\n" * 28_000)

    assert len(told(root)) == 2


def spread(root: Path, count: int) -> None:
    """`count` small files, most of them of no interest."""
    for i in range(count):
        if i % 1000 == 0:
            folder = root / f"part{i // 1000}"
            folder.mkdir()
        (folder / f"{i}.txt").touch()


def test_many_files_are_one_quick_pass(root: Path) -> None:
    spread(root, 20_000)

    assert told(root) == []


@pytest.mark.deep
def test_very_many_files_are_one_pass_too(root: Path) -> None:
    spread(root, 200_000)

    assert told(root) == []


def test_many_broken_files_are_one_line(root: Path) -> None:
    for i in range(300):
        (root / f"{i}.py").write_text("LLM(")

    assert len(told(root)) == 1
