"""The command line: exit codes, carets, one answer a line, hints, colour, pipes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caveat.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = str(ROOT / "examples" / "Intel__neural-chat-7b-v3-1")
BANNED = "train falcon-7b on output of llama-2-70b-chat"
FREE = "run mistralai/Mistral-7B-v0.1"
Out = pytest.CaptureFixture[str]


def lines(out: Out) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.readouterr().out.splitlines()]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ask", FREE), 0),
        (("ask", BANNED), 1),
        (("ask", BANNED, "--fail-on", "none"), 0),
        (("ask", "train my-lm on my-notes"), 0),
        (("ask", "train my-lm on acme/notes"), 1),
        (("ask", "train my-lm on acme/notes", "--fail-on", "prohibited"), 0),
        (("ask", "juggle falcon-7b"), 2),
        (("ask",), 2),
        (("check", EXAMPLE), 1),
        (("check", EXAMPLE, "--fail-on", "none"), 0),
        (("check", "no/such/folder/here"), 2),
        (("explain", "llama-2"), 0),
        (("explain", "no-such-licence"), 2),
        (("compare", "apache-2.0", "mit"), 0),
        ((), 2),
    ],
    ids=lambda x: " ".join(x)[-40:] if isinstance(x, tuple) else str(x),
)
def test_exit_code(words: tuple[str, ...], code: int, capsys: Out) -> None:
    assert code == main(words)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: Out) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"caveat {name}" in capsys.readouterr().out


def test_version_is_told(capsys: Out) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out.startswith("caveat ")


def test_an_unknown_command_is_met_with_the_nearest(capsys: Out) -> None:
    assert main(["chekc", "."]) == 2
    assert "did you mean check" in capsys.readouterr().err


def test_what_was_not_understood_is_underlined(capsys: Out) -> None:
    assert main(["ask", "train falcon-7b on output of llama2-70b"]) == 2
    err = capsys.readouterr().err.splitlines()

    assert err[0] == "train falcon-7b on output of llama2-70b"
    assert err[1].index("^") == err[0].index("llama2-70b")
    assert "did you mean" in err[2]


def test_a_misunderstood_question_is_an_object_too(capsys: Out) -> None:
    assert main(["ask", "train falcon-7b on output of llama2-70b", "--format", "json"]) == 2
    (told,) = lines(capsys)

    assert {"caveat", "error", "at"} <= told.keys()


def test_questions_from_a_pipe_are_answered_in_order(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{BANNED}\n\njuggle it\n{FREE}\n"))

    assert main(["ask", "-", "--format", "json"]) == 2
    first, second, third = lines(capsys)
    assert first["verdict"] == "prohibited"
    assert "error" in second
    assert "verdict" in third


def test_a_fact_nobody_knows_is_refused_with_the_nearest(capsys: Out) -> None:
    assert main(["ask", FREE, "--fact", "monthly_user=5"]) == 2
    assert "monthly_users" in capsys.readouterr().err


def test_a_reading_settles_a_doubt(capsys: Out) -> None:
    question = "annotate my-data with llama-2-70b-chat then train mistral-7b on it"

    assert _verdict(["ask", question], capsys) == "depends"
    assert _verdict(["ask", question, "--read", "improve=any-help"], capsys) == "prohibited"


def _verdict(words: list[str], out: Out) -> object:
    main([*words, "--format", "json"])
    return lines(out)[0]["verdict"]


def test_a_reading_nobody_holds_is_refused(capsys: Out) -> None:
    assert main(["ask", FREE, "--read", "improve=whatever"]) == 2
    assert "improve" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["json", "markdown", "html", "terminal"])
def test_every_form_is_printed_or_written(form: str, tmp_path: Path, capsys: Out) -> None:
    target = tmp_path / "answer"

    assert main(["check", EXAMPLE, "--format", form, "--output", str(target)]) == 1
    assert capsys.readouterr().out == ""
    assert target.read_text("utf-8").strip()
    assert [target] == list(tmp_path.iterdir())


def test_a_folder_that_is_not_there_cannot_be_written_to(tmp_path: Path, capsys: Out) -> None:
    assert main(["ask", FREE, "--output", str(tmp_path / "no" / "answer")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_colour_is_for_terminals_only(capsys: Out, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    main(["ask", BANNED])
    assert "\x1b" not in capsys.readouterr().out

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    main(["ask", BANNED])
    assert "\x1b" in capsys.readouterr().out

    monkeypatch.setenv("NO_COLOR", "1")
    main(["ask", BANNED])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize("width", [40, 80, 120])
def test_no_line_is_wider_than_asked(width: int, capsys: Out) -> None:
    main(["ask", BANNED, "--width", str(width)])

    assert [line for line in capsys.readouterr().out.splitlines() if len(line) > width] == []


def test_a_reader_that_goes_away_is_no_error() -> None:
    questions = f"{BANNED}\n" * 300
    command = f"{sys.executable} -m caveat ask - | head -n 1"
    done = subprocess.run(["bash", "-c", command], input=questions, capture_output=True, text=True, check=False,
                          env={**os.environ, "NO_COLOR": "1"})

    assert "prohibited" in done.stdout
    assert "Traceback" not in done.stderr


def test_python_dash_m_is_the_same_program() -> None:
    done = subprocess.run([sys.executable, "-m", "caveat", "ask", BANNED], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "no-improving-others" in done.stdout
