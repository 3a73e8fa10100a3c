"""What a run leaves behind is read back as the same lineage, and nothing that a person wrote is lost."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import caveat
from caveat.evidence.caveat_toml import Reading
from caveat.guard import written_card, written_toml
from caveat.guard.seen import Load
from caveat.guard.written import BESIDE, write
from caveat.law import toml_safe
from tests.guard.runs import DAY, FREE, LLAMA, MISTRAL, PAIRS, ROWS, edges, quotes, run

BASE = Load("model", MISTRAL, "26bca36bde8333b5d7f72e9ed20ccda6a618af24", where="train.py:3", act="finetune")
DATA = Load("data", ROWS, "", "train_sft", ("prompt", "messages"), where="train.py:5")


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "out" / "my-chat"


def checked(folder: Path) -> caveat.Report:
    [report] = caveat.check(folder, today=DAY.isoformat())
    return report


@pytest.mark.parametrize("loads", [
    (BASE, DATA),
    (Load("model", LLAMA, act="adapt"), DATA),
    (BASE, Load("data", PAIRS, where="train.py:9"), Load("teacher", "mistralai/Mixtral-8x7B-Instruct-v0.1")),
    (BASE, Load("data", "someone/unheard-of-rows", where="train.py:9")),
    (BASE, Load("reward", "OpenAssistant/reward-model-deberta-v3-large-v2")),
    (BASE, Load("data", "", unknown="rows from a list in memory", where="train.py:4", columns=("text", "model"),
                generators=("gpt-4",), named_in=("model",))),
], ids=["ordinary", "adapter", "teacher", "unheard-of", "reward", "memory"])
def test_a_check_of_the_folder_gives_the_lineage_back(out: Path, loads: tuple[Load, ...]) -> None:
    """Card and caveat.toml together say no step more and none less than the run did, and the verdict is the same."""
    done = run(out, *loads)

    assert write(out, done) == []
    report = checked(out)

    assert edges(done.judged.report) == edges(report)
    assert report.subject == "my-chat"
    made = {(f.id, f.verdict) for f in done.judged.report.findings if f.about == "made"}
    assert made == {(f.id, f.verdict) for f in report.findings if f.about == "made"}


def test_revision_split_and_columns_are_kept(out: Path) -> None:
    write(out, run(out, BASE, DATA))

    assert {f"{MISTRAL}@26bca36bde8333b5d7f72e9ed20ccda6a618af24", f"{ROWS} (train_sft; prompt, messages)"} <= \
        quotes(checked(out))


def test_the_day_is_kept_on_ones_own_steps(out: Path) -> None:
    write(out, run(out, BASE, DATA))
    text = (out / "caveat.toml").read_text("utf-8")

    assert [c.when for c in Reading(text, "caveat.toml", "x").evidence().claims if hasattr(c, "when")] == [DAY, DAY]


def test_data_on_a_disk_keeps_what_was_read_there(out: Path, tmp_path: Path) -> None:
    """The rows are gone when the model is checked: their writer and their terms are in the lineage."""
    rows = tmp_path / "rows"
    rows.mkdir()
    (rows / "README.md").write_text("---\nlicense: cc-by-nc-4.0\ntask_categories:\n- text-generation\n---\n# Rows\n")
    (rows / "train.jsonl").write_text('{"prompt": "a", "answer": "b", "model": "gpt-4"}\n')
    done = run(out, BASE, Load("data", str(rows), where="train.py:5"))
    write(out, done)
    for file in rows.iterdir():
        file.unlink()
    report = checked(out)

    assert edges(done.judged.report) == edges(report)
    assert any(act == "generate" and parent == "gpt-4" for _, act, parent in edges(report))
    assert [n.licences for n in report.graph.nodes if n.id == "rows"] == [("cc-by-nc-4.0",)]


@pytest.mark.parametrize("project", ["", '[project]\nby = "us"\n'], ids=["you", "us"])
@pytest.mark.parametrize("generator", ["gpt-4", "acme/unheard-of", ""])
@pytest.mark.parametrize("place", ["rows.jsonl", "./data/rows.jsonl"])
def test_rows_of_ones_own_keep_their_verdict(
        out: Path, tmp_path: Path, project: str, generator: str, place: str) -> None:
    """Whose they are and who wrote them, whatever the party of the steps is called."""
    (tmp_path / "caveat.toml").write_text(project)
    (tmp_path / "data").mkdir()
    told = f', "model": "{generator}"' if generator else ""
    (tmp_path / place).write_text(f'{{"prompt": "a", "answer": "b"{told}}}\n')
    done = run(out, BASE, Load("data", place, where="train.py:5"), project=tmp_path / "caveat.toml")
    write(out, done)
    report = checked(out)

    assert edges(done.judged.report) == edges(report)
    assert {(f.id, f.verdict, f.whose) for f in done.judged.report.findings if f.about == "made"} == \
        {(f.id, f.verdict, f.whose) for f in report.findings if f.about == "made"}


def test_a_path_outside_leads_nowhere(out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tmp_path / "elsewhere" / "rows.jsonl"
    rows.parent.mkdir()
    rows.write_text('{"prompt": "a", "answer": "b", "generator": "gpt-4"}\n')
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    write(out, run(out, BASE, Load("data", str(rows))))
    text = (out / "caveat.toml").read_text("utf-8")

    assert str(tmp_path) not in text
    assert ("my-chat", "train", "elsewhere/rows.jsonl") in edges(checked(out))


def test_what_was_accepted_is_written_with_owner_and_end(out: Path) -> None:
    finding = "llama-2/no-improving-others@my-chat"
    loads = (BASE, Load("data", "acme/rows"))
    rows = out.parent / "rows"
    rows.mkdir(parents=True)
    (rows / "data.jsonl").write_text('{"prompt": "a", "answer": "b", "model": "meta-llama/Llama-2-70b-chat-hf"}\n')
    loads = (BASE, Load("data", str(rows)))
    assert [f.id for f in run(out, *loads).judged.refused] == [finding]

    done = run(out, *loads, accept=(finding,))
    write(out, done)
    [taken] = [f.accepted for f in checked(out).findings if f.id == finding]

    assert taken is not None
    assert (taken.owner, taken.until, DAY.isoformat() in taken.why) == ("ada", DAY + written_toml.GRACE, True)
    assert finding in (out / "README.md").read_text("utf-8")


def test_a_second_run_replaces_only_what_the_first_wrote(out: Path) -> None:
    write(out, run(out, BASE, DATA))
    first = [(out / name).read_text("utf-8") for name in ("caveat.toml", "README.md")]
    write(out, run(out, BASE, DATA))
    again = [(out / name).read_text("utf-8") for name in ("caveat.toml", "README.md")]
    write(out, run(out, BASE, Load("data", PAIRS)))

    assert first == again
    assert ROWS not in (out / "caveat.toml").read_text("utf-8")
    assert ("my-chat", "train", PAIRS) in edges(checked(out))


def test_a_run_that_goes_on_keeps_what_went_in_before(out: Path) -> None:
    write(out, run(out, BASE, DATA))
    write(out, run(out, BASE, Load("data", PAIRS), resumed=True))

    assert {("my-chat", "train", ROWS), ("my-chat", "train", PAIRS)} <= edges(checked(out))


def test_a_run_from_its_own_output_goes_on(out: Path) -> None:
    """Written several times over, as trainers with a callback do."""
    write(out, run(out, BASE, DATA))
    for _ in range(2):
        write(out, run(out, Load("model", "out/my-chat", act="finetune"), Load("data", PAIRS)))

    assert {(act, p) for child, act, p in edges(checked(out)) if child == "my-chat"} == {
        ("finetune", MISTRAL), ("train", ROWS), ("train", PAIRS)}


def test_a_card_that_is_no_text_is_left_alone_and_the_lineage_written(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "README.md").write_bytes(b"\xff\xfe")

    assert "README.md is not UTF-8" in write(out, run(out, BASE, DATA))[0]
    assert ((out / "README.md").read_bytes(), (out / "caveat.toml").is_file()) == (b"\xff\xfe", True)


def test_a_link_in_the_folder_leads_no_writing_out_of_it(out: Path) -> None:
    out.mkdir(parents=True)
    theirs = out.parent / "theirs.md"
    theirs.write_text("# Theirs\n")
    (out / "README.md").symlink_to(theirs)
    write(out, run(out, BASE, DATA))

    assert theirs.read_text() == "# Theirs\n"


OWN = """# mine
[project]
name = "acme/helper"   # the name on the hub
by = "acme"

[[step]]
makes = "acme/helper"
act = "train"
from = ["acme/notes"]

[assets."acme/notes"]
kind = "dataset"
licence = "cc-by-4.0"
"""


def test_somebodys_own_caveat_toml_keeps_every_line(out: Path) -> None:
    """The model takes the name that the file gives it."""
    out.mkdir(parents=True)
    (out / "caveat.toml").write_text(OWN)
    write(out, run(out, BASE, DATA))
    text = (out / "caveat.toml").read_text("utf-8")
    report = checked(out)

    assert text.startswith(OWN)
    assert report.subject == "acme/helper"
    assert {("acme/helper", "train", "acme/notes"), ("acme/helper", "finetune", MISTRAL),
            ("acme/helper", "train", ROWS)} <= edges(report)


def test_lines_after_the_marks_are_kept_too(out: Path) -> None:
    write(out, run(out, BASE, DATA))
    file = out / "caveat.toml"
    file.write_text(file.read_text("utf-8") + '\n[facts]\ncommercial = false  # mine\n', "utf-8")
    write(out, run(out, BASE, Load("data", PAIRS)))

    assert file.read_text("utf-8").endswith('\n[facts]\ncommercial = false  # mine\n')
    assert ("my-chat", "train", PAIRS) in edges(checked(out))


@pytest.mark.parametrize("own", ["step = []\n", "this is no TOML\n", "[[step]]\nmakes = 3\n"])
def test_a_file_that_cannot_take_it_in_is_left_alone_and_told(out: Path, own: str) -> None:
    out.mkdir(parents=True)
    (out / "caveat.toml").write_text(own)
    told = write(out, run(out, BASE, DATA))

    assert (out / "caveat.toml").read_text() == own
    assert BESIDE in "".join(told)
    assert MISTRAL in (out / BESIDE).read_text("utf-8")


HOSTILE = [
    'a"\n[project]\nname = "evil', "x`|<script>alert(1)</script>", "]\n---\nlicense: mit", "# <<< caveat",
    f"{written_toml.END}\n", written_card.END, "\u202egnp.exe", "weights \U0001f600 été", "a\\nb\\u0041", "\ud800x",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_gets_out_of_its_quotes(out: Path, name: str) -> None:
    """Whatever a column or a folder holds, both files stay readable, and a second run finds its marks again."""
    loads = (BASE, Load("data", "", unknown="rows", columns=("text", name), split=name, generators=("gpt-4",),
                        named_in=(name,), revision=name, config=name))
    write(out, run(out, *loads))
    first = (out / "caveat.toml").read_text("utf-8"), (out / "README.md").read_text("utf-8")
    write(out, run(out, *loads))
    report = checked(out)

    assert first == ((out / "caveat.toml").read_text("utf-8"), (out / "README.md").read_text("utf-8"))
    assert report.subject == "my-chat"
    assert any(act == "generate" for _, act, _ in edges(report))
    assert not any(p.file in ("README.md", "caveat.toml") for p in report.problems)
    assert "<script>" not in (out / "README.md").read_text("utf-8").replace("`x`", "").split("| `")[0]


@pytest.mark.parametrize("text", [*HOSTILE, "", "plain", "".join(map(chr, range(0x20))), "\x7f"])
def test_a_quoted_text_reads_back(text: str) -> None:
    import tomllib

    assert tomllib.loads(f"a = {toml_safe.quoted(text)}")["a"] == text.replace("\ud800", "\ufffd")


CARD = """---
model_name: my-chat
tags:
- generated_from_trainer   # by the trainer
- sft
datasets: HuggingFaceH4/no_robots
language: en
---

# Model Card for my-chat

Words of a person.
"""


def test_a_trainers_card_is_completed_in_its_own_order(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "README.md").write_text(CARD)
    write(out, run(out, BASE, Load("data", FREE)))
    text = (out / "README.md").read_text("utf-8")
    front, body = written_card.cut(text)

    assert [line.split(":")[0] for line in front if line[0] not in "- "] == [
        "model_name", "tags", "datasets", "language", "license", "base_model", "base_model_relation"]
    assert "- generated_from_trainer   # by the trainer" in front
    assert "- caveat" in front
    assert {"- HuggingFaceH4/no_robots", f"- {FREE}", "license: apache-2.0", f"base_model: {MISTRAL}"} <= set(front)
    assert "Words of a person." in body
    assert "What may be done with it" in body


def test_what_a_former_run_put_into_the_card_goes_with_it(out: Path) -> None:
    """A licence and a data set that are true no longer do not stay; what a person wrote does."""
    out.mkdir(parents=True)
    (out / "README.md").write_text(CARD)
    write(out, run(out, BASE, Load("data", FREE)))
    write(out, run(out, Load("model", LLAMA, act="finetune"), Load("data", PAIRS)))
    front, _ = written_card.cut((out / "README.md").read_text("utf-8"))

    assert not {"license: apache-2.0", f"- {FREE}", f"base_model: {MISTRAL}"} & set(front)
    assert {f"- {PAIRS}", f"base_model: {LLAMA}", "- HuggingFaceH4/no_robots", "- sft"} <= set(front)


def test_text_after_the_section_is_kept(out: Path) -> None:
    write(out, run(out, BASE, DATA))
    card = out / "README.md"
    card.write_text(card.read_text("utf-8") + "\nWritten below by hand.\n", "utf-8")
    write(out, run(out, BASE, Load("data", PAIRS)))
    text = card.read_text("utf-8")

    assert text.endswith("\nWritten below by hand.\n")
    assert text.count(written_card.BEGIN) == text.count(written_card.END) == 1


def test_a_licence_that_a_person_wrote_stays(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "README.md").write_text("---\nlicense: mit\n---\n# Mine\n")
    write(out, run(out, Load("model", LLAMA, act="finetune"), Load("data", FREE)))
    text = (out / "README.md").read_text("utf-8")

    assert "license: mit" in text
    assert "license: llama2" not in text
    assert "may go out under llama-2" in text


@pytest.mark.parametrize(("loads", "line"), [
    ((BASE, Load("data", FREE)), "license: apache-2.0"),
    ((Load("model", LLAMA, act="finetune"), Load("data", FREE)), "license: llama2"),
    ((BASE, Load("data", "someone/unheard-of-rows")), ""),
    ((BASE, Load("data", "HuggingFaceH4/no_robots"), Load("data", "tatsu-lab/alpaca")), ""),
], ids=["free", "must-keep", "unknown", "hangs-on-facts"])
def test_a_licence_is_written_only_where_the_verdict_lets_it_out(out: Path, loads: tuple[Load, ...], line: str) -> None:
    done = run(out, *loads)
    write(out, done)
    text = (out / "README.md").read_text("utf-8")

    assert (line in text) if line else ("license:" not in text and "None is written above" in text)


def test_a_word_of_a_template_is_no_licence(out: Path) -> None:
    out.mkdir(parents=True)
    (out / "README.md").write_text("---\nlicence: license\n---\n# Mine\n")
    write(out, run(out, BASE, Load("data", FREE)))

    assert "license: apache-2.0" in (out / "README.md").read_text("utf-8")
    assert [d.laws for d in checked(out).declared] == [("apache-2.0",)]


def test_a_folder_that_cannot_be_written_is_told_and_raises_nothing(out: Path) -> None:
    out.parent.mkdir(parents=True)
    out.write_text("a file where a folder should be")

    assert "could not be written" in write(out, run(out, BASE, DATA))[0]


def test_no_temporary_file_stays(out: Path) -> None:
    write(out, run(out, BASE, DATA))

    assert sorted(p.name for p in out.iterdir()) == ["README.md", "caveat.toml"]


def test_the_end_of_an_acceptance_is_a_date(out: Path) -> None:
    assert date(2027, 2, 22) == DAY + written_toml.GRACE
