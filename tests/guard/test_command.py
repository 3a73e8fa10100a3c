"""What the guard reads in a command line: recipes and scripts, and where it will not see."""

from __future__ import annotations

from pathlib import Path

import pytest

from caveat.guard.command import blind_spots, files_in, read


@pytest.mark.parametrize(("words", "files"), [
    ("python train.py", ["train.py"]),
    ("accelerate launch --config_file ds.yaml --num_processes 2 train.py --config config.yaml",
     ["ds.yaml", "train.py", "config.yaml"]),
    ("torchrun --nproc_per_node=2 train.py --config=config.yaml", ["train.py", "config.yaml"]),
    ("axolotl train config.yaml", ["config.yaml"]),
    ("llamafactory-cli train config.yaml learning_rate=1e-5", ["config.yaml"]),
    ("env A=1 uv run --with x torchrun -m pkg.train --config config.yaml", ["config.yaml"]),
    ("bash run.sh config.yaml config.yaml", ["run.sh", "config.yaml"]),
    ("papermill nb.ipynb out.ipynb", ["nb.ipynb"]),
    ("python -c pass missing.py", []),
])
def test_files_that_are_there_are_found_wherever_they_stand(
        words: str, files: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("train.py", "config.yaml", "ds.yaml", "run.sh", "nb.ipynb"):
        (tmp_path / name).write_text("")

    assert [str(f) for f in files_in(words.split())] == files


@pytest.mark.parametrize(("words", "said"), [
    ("python train.py -I", ""),
    ("python -m pkg -E", ""),
    ("python -X dev -W ignore -u train.py", ""),
    ("python -c 'x' -S", ""),
    ("python3.11 -I train.py", "-I ignores PYTHONPATH"),
    ("python -uE train.py", "-E ignores PYTHONPATH"),
    ("nice -n 5 python -Wignore -S train.py", "-S skips the start-up modules"),
    ("accelerate launch train.py", ""),
    ("uv run python train.py", ""),
    ("A=1 python train.py", ""),
    ("docker run image python train.py", "a container"),
    ("ssh node python train.py", "another machine"),
    ("true", "no Python program"),
])
def test_blind_spots_are_told(words: str, said: str) -> None:
    told = list(blind_spots(words.split()))

    assert len(told) == bool(said)
    assert said in "".join(told)


def test_a_script_whose_first_line_isolates_python_is_a_blind_spot(tmp_path: Path) -> None:
    for name, line in (("open", "#!/usr/bin/python3"), ("shut", "#!/usr/bin/python3 -sE")):
        (tmp_path / name).write_text(line + "\n")
        (tmp_path / name).chmod(0o755)

    assert list(blind_spots([str(tmp_path / "open")])) == []
    assert list(blind_spots([str(tmp_path / "shut")])) == [
        "shut: python3 -E ignores PYTHONPATH: nothing is seen in that process"]


def test_words_that_no_file_can_have_are_no_files() -> None:
    assert read(["python", "x\0y.py", "a" * 5000 + ".yaml", "--=", "", "=.py"]).files == ()
