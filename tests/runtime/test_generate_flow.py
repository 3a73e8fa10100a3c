"""`caveat generate` from the command line to the folder: what is refused, kept, resumed, and never written down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caveat.cli import main
from caveat.cli.progress import Progress
from caveat.errors import CaveatError, SettingsError
from caveat.flows import generating
from caveat.flows.generating import Start, Wanted, generate, start
from caveat.runtime import asking_rows
from caveat.runtime.origin import Origin
from caveat.runtime.remote_engine import RemoteEngine
from tests.runtime.answering import Server, serving, smollm2

NAME = "meta-llama/Llama-2-7b-chat-hf"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(asking_rows, "FIRST_WAIT", 0.01)
    with serving() as one:
        yield one


@pytest.fixture
def no_papers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Card and statement rest on a whole check; where a test is about rows, they are left out."""
    monkeypatch.setattr(generating, "_papers", lambda *args: None)


def wanted(tmp_path: Path, server: Server, *lines: str, **more: Any) -> Wanted:
    file = tmp_path / "p.txt"
    if lines:
        file.write_text("\n".join(lines) + "\n")
    given = {"url": server.url, "format": "jsonl", "seed": 7, **more}
    return Wanted(NAME, file, tmp_path / "out", **given)


ORIGIN = Origin(NAME, "model", f"pkg:huggingface/{NAME}", "", "", ("llama-2",), "2026-11-24")


def run(w: Wanted) -> generating.Done:
    return generate(w, Start(ORIGIN, None, False), lambda rows, errors, of: None)


def rows_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for f in sorted((folder / "data").glob("*.jsonl")) for line in f.read_text().splitlines()]


def errors_in(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "errors.jsonl").read_text().splitlines()]


def test_a_small_real_model_writes_a_folder_that_says_whose_output_it_is(
        tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.txt").write_text("Name a colour\nName a colour\n")
    code = main(["generate", "--model", str(smollm2()), "--prompts", str(tmp_path / "p.txt"), "-o",
                 str(tmp_path / "out"), "--max-tokens", "8", "--seed", "1", "--context", "512", "--format", "jsonl",
                 "--purpose", "train mistral-7b", "--verifiable"])
    rows = rows_in(tmp_path / "out")
    statement = json.loads((tmp_path / "out" / "provenance.intoto.json").read_text())

    assert code == 0
    assert "2 rows of HuggingFaceTB/SmolLM2-135M-Instruct" in capsys.readouterr().out
    assert [(r["id"], r["prompt"], r["seed"]) for r in rows] == \
        [("0", "Name a colour", 1), ("1", "Name a colour", 2)]
    assert all(r["response"] and r["generator"].startswith("pkg:huggingface/HuggingFaceTB/SmolLM2") for r in rows)
    assert {r["run_id"] for r in rows} == {statement["predicate"]["runDetails"]["metadata"]["invocationId"]}
    assert statement["subject"][0]["name"] == "data/part-00000.jsonl"
    assert (tmp_path / "out" / "README.md").read_text().startswith("---\n")
    assert json.loads((tmp_path / "out" / "croissant.json").read_text())["@type"] == "sc:Dataset"
    assert main(["verify", str(tmp_path / "out")]) == 0
    assert "rows, files and statement agree; 2 rows in 1 file" in capsys.readouterr().out


def test_a_resumed_run_of_a_real_model_equals_one_that_was_never_stopped(
        tmp_path: Path, no_papers: None, small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generating, "local", lambda *_, **__: small)
    file = tmp_path / "p.txt"
    file.write_text("Name a colour\nSay hi\n")
    origin = Origin("m", "model", "pkg:generic/m", file=str(smollm2()), terms_on="2026-11-24")
    whole = Wanted(str(smollm2()), file, tmp_path / "whole", format="jsonl", seed=3, max_tokens=4, context=256,
                   verifiable=True)

    def stop_after_one(rows: int, errors: int, of: int) -> None:
        if rows == 1:
            raise KeyboardInterrupt

    generate(whole, Start(origin, None, False), lambda *_: None)
    stopped = whole._replace(out=tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        generate(stopped, Start(origin, None, False), stop_after_one)
    assert not (tmp_path / "stopped" / "data").exists()
    generate(stopped._replace(resume=True), Start(origin, None, False), lambda *_: None)

    def told(folder: Path) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k not in ("run_id", "row_sha256")} for r in rows_in(folder)]
    assert told(tmp_path / "whole") == told(tmp_path / "stopped")


def test_a_breach_is_refused_before_the_first_token_with_its_clause(
        tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.txt").write_text("hello\n")
    code = main(["generate", "--model", NAME, "--url", server.url, "--prompts", str(tmp_path / "p.txt"), "-o",
                 str(tmp_path / "out"), "--purpose", "train mistral-7b"])
    told = capsys.readouterr()

    assert code == 1
    assert "llama-2 §1.b.v" in told.out
    assert "refused before the first token" in told.err
    assert not server.asked
    assert not (tmp_path / "out").exists()


def test_what_is_unknown_warns_and_strict_refuses_it(tmp_path: Path, server: Server) -> None:
    asked = wanted(tmp_path, server, "hello", purpose="train mistral-7b")._replace(model="nobody/knows-this")

    loose, strict = start(asked), start(asked._replace(strict=True))

    assert (loose.refused, loose.doubtful(), strict.refused) == (False, True, True)


def test_rows_that_fail_are_kept_as_errors_and_can_be_asked_again(
        tmp_path: Path, server: Server, no_papers: None) -> None:
    asked = wanted(tmp_path, server, "fine", "teapot now", "flaky one", "bro\0ken", "fine")
    first = run(asked)
    errors = errors_in(asked.out)

    assert (first.run.rows, first.run.errors) == (3, 2)
    assert [f.name for f in first.run.files] == ["data/part-00000.jsonl", "errors.jsonl"]
    assert [(e["row"], e["line"], e["file"], e["kind"]) for e in errors] == \
        [(1, 2, "p.txt", "http"), (3, 4, "p.txt", "prompt")]
    assert "HTTP 418: short" in errors[0]["error"]
    assert (server.asked["flaky one"], server.asked["fine"]) == (3, 2)

    before = rows_in(asked.out)
    second = run(asked._replace(resume=True))
    third = run(asked._replace(resume=True, retry_errors=True))

    assert second.nothing_to_do
    assert (server.asked["teapot now"], server.asked["fine"]) == (2, 2)
    assert (third.run.rows, third.run.errors, rows_in(asked.out)) == (3, 2, before)


def test_several_at_once_come_out_in_order_and_each_with_its_seed(
        tmp_path: Path, server: Server, no_papers: None) -> None:
    asked = wanted(tmp_path, server, *(f"q {n}" for n in range(300)), parallel=8, verifiable=True)
    run(asked)

    assert [(r["prompt"], r["seed"]) for r in rows_in(asked.out)] == [(f"q {n}", 7 + n) for n in range(300)]
    assert set(server.asked.values()) == {1}


def test_a_server_that_is_gone_stops_the_run_and_resuming_finishes_it(
        tmp_path: Path, server: Server, no_papers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking_rows, "ATTEMPTS", 1)
    asked = wanted(tmp_path, server, "first", *(f"down {n}" for n in range(100)))
    with pytest.raises(CaveatError, match="stopped after 20 rows in a row without an answer"):
        run(asked)

    assert sum(server.asked.values()) == 21
    monkeypatch.setattr("tests.runtime.answering.MANNERS", {})
    done = run(asked._replace(resume=True, retry_errors=True))

    assert (done.run.rows, done.run.errors, server.asked["first"]) == (101, 0, 1)
    assert not (asked.out / "errors.jsonl").exists()


@pytest.mark.parametrize(("more", "what"), [
    ({"temperature": 0.5}, "temperature was 0.7, is 0.5"), ({"seed": 8}, "seed was 7, is 8"),
    ({"format": "parquet"}, "format was 'jsonl'"), ({"max_tokens": 9}, "max_tokens was 512"),
    ({"verifiable": True}, "verifiable was False"), ({"model": "other"}, "asked_as was"),
])
def test_a_resumed_run_is_the_same_run_or_an_error(
        tmp_path: Path, server: Server, no_papers: None, more: dict[str, Any], what: str) -> None:
    asked = wanted(tmp_path, server, "one", "teapot")
    run(asked)

    with pytest.raises(SettingsError, match=f"cannot be resumed, it is another run: .*{what}"):
        run(asked._replace(resume=True, **more))


def test_a_complete_run_leaves_rows_and_papers_and_resuming_it_says_so(tmp_path: Path, server: Server) -> None:
    """Nothing is left that a push would send along; the statement alone still knows the run."""
    asked = wanted(tmp_path, server, "one", "two")
    done = run(asked)
    left = sorted(str(f.relative_to(asked.out)) for f in asked.out.rglob("*"))
    again = run(asked._replace(resume=True))

    assert left == ["README.md", "croissant.json", "data", "data/part-00000.jsonl", "provenance.intoto.json"]
    assert (again.nothing_to_do, again.run.run_id, sum(server.asked.values())) == (True, done.run.run_id, 2)
    for more, what in (({"seed": 8}, "seed was 7, is 8"), ({"format": "parquet"}, "format was 'jsonl'"),
                       ({"purpose": "sell it"}, "purpose was"), ({"top_p": 0.5}, "top_p was None")):
        with pytest.raises(SettingsError, match=what):
            run(asked._replace(resume=True, **more))


def test_a_state_that_a_kill_left_behind_the_end_goes_with_the_next_resume(tmp_path: Path, server: Server) -> None:
    asked = wanted(tmp_path, server, "one")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(generating.run_folder, "clear", lambda folder: None)
        run(asked)
    assert (asked.out / ".caveat-run" / "rows.journal").exists()

    assert run(asked._replace(resume=True)).nothing_to_do
    assert not (asked.out / ".caveat-run").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"predicate": 1}',
                                  '{"predicate": {"buildDefinition": {}, "runDetails": []}}'])
def test_a_statement_that_is_none_of_ours_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "provenance.intoto.json").write_text(text)

    assert generating.run_folder.begun(tmp_path) is None


def test_resuming_under_another_version_of_the_engine_goes_on_and_is_told(
        tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "p.txt").write_text("one\nteapot\n")
    words = ["generate", "--model", NAME, "--url", server.url, "--prompts", str(tmp_path / "p.txt"), "-o",
             str(tmp_path / "out"), "--format", "jsonl"]
    monkeypatch.setattr(RemoteEngine, "version", "1.0")
    main(words)
    assert "version" not in capsys.readouterr().err
    monkeypatch.setattr(RemoteEngine, "version", "2.0")
    main([*words, "--resume", "--retry-errors"])
    statement = json.loads((tmp_path / "out" / "provenance.intoto.json").read_text())

    assert "versions 1.0, then 2.0 of the engine" in capsys.readouterr().err
    assert statement["predicate"]["buildDefinition"]["internalParameters"]["engineVersion"] == "1.0 then 2.0"


def test_a_password_in_an_address_is_written_nowhere(
        tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    asked = wanted(tmp_path, server, "one")
    address = server.url.replace("http://", "http://me:hunter2@") + "?key=hunter2"
    told = generating._asked(asked._replace(url=address), ORIGIN, generating.prompts.survey(asked.prompts), None)
    code = main(["generate", "--model", NAME, "--url", address, "--prompts", str(asked.prompts), "-o", str(asked.out)])

    assert told["url"] == server.url
    assert code == 2
    assert "hunter2" not in "".join(capsys.readouterr()) + repr(told)
    assert not asked.out.exists()


def test_other_prompts_and_another_model_are_another_run(tmp_path: Path, server: Server) -> None:
    asked = wanted(tmp_path, server, "one")
    run(asked)
    changed = wanted(tmp_path, server, "one", "two", resume=True)

    with pytest.raises(SettingsError, match="prompts was"):
        run(changed)
    with pytest.raises(SettingsError, match="model was"):
        generate(changed, Start(ORIGIN._replace(purl="pkg:generic/x"), None, False), lambda *_: None)
    with pytest.raises(SettingsError, match="holds a run already"):
        run(changed._replace(resume=False))
    with pytest.raises(SettingsError, match="no run to resume"):
        run(changed._replace(out=tmp_path / "new"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("x")
    with pytest.raises(SettingsError, match="holds other things"):
        run(changed._replace(out=tmp_path / "full", resume=False))


def test_prompts_changed_under_way_are_noticed(tmp_path: Path, server: Server, no_papers: None) -> None:
    asked = wanted(tmp_path, server, "one", "two")

    def change(rows: int, errors: int, of: int) -> None:
        if rows == 2:
            asked.prompts.write_text("one\nthree\n")

    with pytest.raises(CaveatError, match="was changed while its rows were asked"):
        generate(asked, Start(ORIGIN, None, False), change)


def test_the_key_reaches_the_server_and_no_file(
        tmp_path: Path, server: Server, no_papers: None, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-1234")
    (tmp_path / "p.txt").write_text("hello\nkey please\n")
    words = ["generate", "--model", NAME, "--url", server.url, "--prompts", str(tmp_path / "p.txt"), "-o",
             str(tmp_path / "out"), "--key-env"]
    main([*words, "MY_KEY"])
    files = [f for f in (tmp_path / "out").rglob("*") if f.is_file()]

    assert server.headers["authorization"] == "Bearer sk-secret-1234"
    assert len(files) >= 3
    assert not [f for f in files if b"sk-secret" in f.read_bytes()]
    assert "sk-secret" not in "".join(capsys.readouterr())
    assert main([*words, "NO_SUCH_KEY"]) == 2


@pytest.mark.parametrize(("more", "what"), [
    ({"max_tokens": 0}, "--max-tokens wants 1"), ({"temperature": float("nan")}, "--temperature"),
    ({"parallel": 4, "url": ""}, "--parallel is for an address"), ({"seed": -1}, "--seed wants 0"),
    ({"url": "", "model": "mistral-7b"}, "a name, not a file"), ({"on": "tomorrow"}, "no day"),
])
def test_settings_that_cannot_be_are_refused(tmp_path: Path, server: Server, more: dict[str, Any], what: str) -> None:
    with pytest.raises(SettingsError, match=what):
        start(wanted(tmp_path, server, "x")._replace(**more))


def test_progress_is_silent_in_a_pipe_and_tells_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress(1, 0, 10)
    progress._first = 100

    assert capsys.readouterr().err == ""
    assert progress.line(150, 10, 320, 30.0) == \
        "160/320 rows  [############............]  2.0/s  1:20 left  10 failed"


def test_progress_draws_one_line_on_a_terminal_and_no_control_codes_where_colour_is_off(
        monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    drawn = []
    for no_colour in ("", "1"):
        monkeypatch.setenv("NO_COLOR", no_colour)
        with Progress() as progress:
            for n in range(1001):
                progress(n, 0, 1000)
        drawn.append(capsys.readouterr().err)

    assert ["\x1b[K" in text for text in drawn] == [True, False]
    assert all(text.count("\n") == 1 and text.count("\r") <= 5 and "1,000/1,000 rows" in text for text in drawn)


@pytest.mark.deep
def test_ctrl_c_stops_cleanly_and_resume_goes_on(tmp_path: Path, server: Server) -> None:
    server.wait = 0.02
    (tmp_path / "p.txt").write_text("".join(f"q {n}\n" for n in range(400)))
    words = [sys.executable, "-m", "caveat", "generate", "--model", NAME, "--url", server.url, "--prompts",
             str(tmp_path / "p.txt"), "-o", str(tmp_path / "out"), "--format", "jsonl", "--parallel", "4"]
    for number in (signal.SIGINT, signal.SIGTERM):
        resumed = ["--resume"] if number == signal.SIGTERM else []
        with subprocess.Popen([*words, *resumed], stderr=subprocess.PIPE, text=True) as child:
            asked = sum(server.asked.values())
            while sum(server.asked.values()) < asked + 40:
                time.sleep(0.02)
            os.kill(child.pid, number)
            told = child.communicate(timeout=20)[1]
            assert child.returncode == 130, told
            assert "--resume goes on" in told
    done = subprocess.run([*words, "--resume"], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert [r["prompt"] for r in rows_in(tmp_path / "out")] == [f"q {n}" for n in range(400)]
    assert sum(server.asked.values()) <= 400 + 2 * 4
