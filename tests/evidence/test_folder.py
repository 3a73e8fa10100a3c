"""A folder is walked once: each asset in it gets its name, files and readers, and nothing outside is touched."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from caveat.errors import EvidenceError, SettingsError
from caveat.evidence import READERS, folder, gather, hub_cache
from caveat.evidence import __file__ as room
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, StepClaim

CARD = "---\nlicense: mit\nbase_model: a/x\n---\n# Hello\n"
APACHE = "Apache License\nVersion 2.0, January 2004\n"


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def steps(said: Evidence) -> set[tuple[str, str, str]]:
    return {(c.child, c.act, c.parent) for c in said.claims if isinstance(c, StepClaim)}


def licences(said: Evidence) -> set[tuple[str, str]]:
    return {(c.asset, law) for c in said.claims if isinstance(c, LicenceClaim) for law in c.laws}


def test_the_registry_is_sorted_and_names_every_reader_in_the_folder() -> None:
    files = Path(room).parent.glob("*.py")
    with_names = {p.stem for p in files if re.search(r"^NAMES = ", p.read_text(), re.MULTILINE)}

    assert tuple(sorted(READERS)) == READERS
    assert set(READERS) == with_names


def test_a_folder_with_a_card_is_one_asset_named_for_the_folder(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "my-model", {"README.md": CARD, "LICENSE": APACHE}))

    assert said.subjects == ("my-model",)
    assert ("my-model", "apache-2.0") in licences(said)
    assert {parent for _, _, parent in steps(said)} == {"a/x"}


def test_a_name_can_be_given_or_written_in_caveat_toml(tmp_path: Path) -> None:
    root = write(tmp_path / "dir", {"README.md": CARD, "caveat.toml": "[project]\nname = 'said'\n"})

    assert gather(root).subjects == ("said",)
    assert gather(root / "caveat.toml").subjects == ("said",)
    assert gather(root, "given").subjects == ("given",)


def test_a_folder_named_owner_and_name_gives_the_public_name_as_inferred(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "owner__name-7b", {"README.md": CARD}))
    named = [c.place.kind for c in said.claims if isinstance(c, AssetClaim) and c.field == "name"]

    assert said.subjects == ("owner/name-7b",)
    assert named == ["inferred"]


def test_every_folder_with_a_card_is_an_asset_of_its_own(tmp_path: Path) -> None:
    said = gather(write(tmp_path, {"a__x/README.md": CARD, "plain/README.md": CARD, "b__y/Modelfile": "FROM c\n"}))

    assert said.subjects == ("a/x", "b/y", "plain")
    assert ("b/y", "copy", "c") in steps(said)


def test_a_card_in_a_folder_of_a_project_is_evidence_and_no_subject(tmp_path: Path) -> None:
    code = 'AutoModel.from_pretrained("./models/tuned")\nLLM("./elsewhere")\nLLM("o/p")\n'
    said = gather(write(tmp_path / "app", {"app.py": code, "models/tuned/README.md": CARD}))

    assert said.subjects == ("app",)
    assert {s for s in steps(said) if s[0] == "app"} == {("app", "bundle", "tuned"), ("app", "bundle", "o/p")}


def test_a_readme_without_front_matter_makes_no_asset(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "app", {"app.py": 'LLM("o/p")', "docs/README.md": "# Docs\n---\n"}))

    assert said.subjects == ("app",)


def test_code_beside_a_card_is_no_product(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "m", {"README.md": CARD, "example.py": 'LLM("o/p")'}))

    assert not [s for s in steps(said) if s[1] == "bundle"]


def test_a_training_script_makes_its_own_subject(tmp_path: Path) -> None:
    code = 'Trainer(model=AutoModel.from_pretrained("a/x"), args=TrainingArguments(hub_model_id="me/new"))'
    said = gather(write(tmp_path / "code", {"train.py": code}))

    assert said.subjects == ("me/new",)
    assert steps(said) == {("me/new", "finetune", "a/x")}


def test_several_merge_recipes_make_several_models(tmp_path: Path) -> None:
    merge = "models:\n- model: a/x\nmerge_method: linear\n"
    said = gather(write(tmp_path / "r", {"one.yml": merge, "two.yml": merge}))

    assert steps(said) == {("one", "merge", "a/x"), ("two", "merge", "a/x")}
    assert said.subjects == ("one", "two")


def test_the_licence_of_a_part_is_not_that_of_the_whole(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "m", {"README.md": CARD, "third_party/zip/LICENSE": APACHE, "licenses/a.txt": "",
                                         "LICENSES/LICENSE": APACHE.replace("2.0,", "2.0")}))
    places = [c.place.file for c in said.claims if isinstance(c, LicenceClaim) and "apache-2.0" in c.laws]

    assert places == ["LICENSES/LICENSE"]


def test_tools_and_caches_are_left_out(tmp_path: Path) -> None:
    hidden = {f"{d}/a__b/README.md": CARD for d in (".git", "node_modules", "__pycache__", "venv", ".cache")}
    said = gather(write(tmp_path / "m", {"README.md": CARD, **hidden, "ve/pyvenv.cfg": "", "ve/c__d/README.md": CARD}))

    assert {c.child for c in said.claims if isinstance(c, StepClaim)} == {"m"}


def test_the_hub_cache_is_read_through_its_links_at_the_commit_of_main(tmp_path: Path) -> None:
    repo = tmp_path / "hub" / "models--owner--name"
    write(repo, {"refs/main": "aaaaaaaa", "blobs/123": CARD, "snapshots/bbbbbbbb/README.md": CARD})
    (repo / "snapshots/aaaaaaaa").mkdir()
    (repo / "snapshots/aaaaaaaa/README.md").symlink_to("../../blobs/123")
    found = hub_cache.local("owner/name", tmp_path / "hub")

    assert found == repo / "snapshots/aaaaaaaa"
    for path in (found, repo, tmp_path / "hub"):
        said = gather(path)
        assert said.subjects == ("owner/name",)
        assert {parent for _, _, parent in steps(said)} == {"a/x"}
        assert said.problems == ()


def test_the_cache_is_where_the_environment_says() -> None:
    assert hub_cache.cache_home({"HF_HUB_CACHE": "/a"}) == Path("/a")
    assert hub_cache.cache_home({"HF_HOME": "/b"}) == Path("/b/hub")
    assert hub_cache.local("../../etc/passwd") is None
    assert hub_cache.local("nobody/nothing-here", Path("/nonexistent")) is None


def test_a_wrong_caveat_toml_ends_the_check_only_if_it_is_ones_own(tmp_path: Path) -> None:
    root = write(tmp_path / "m", {"README.md": CARD, "part/caveat.toml": "[projct]\n"})

    assert [p.file for p in gather(root).problems] == ["part/caveat.toml"]
    write(root, {"caveat.toml": "[projct]\n"})
    with pytest.raises(SettingsError):
        gather(root)


def test_nothing_to_read_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match="holds nothing that can be read"):
        gather(tmp_path)
    with pytest.raises(EvidenceError, match="does not exist"):
        gather(tmp_path / "no")
    with pytest.raises(EvidenceError, match="no file that a reader knows"):
        gather(write(tmp_path, {"x.bin": ""}) / "x.bin")


def test_one_file_can_be_named(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "m", {"README.md": CARD, "Modelfile": "FROM c"}) / "Modelfile")

    assert steps(said) == {("m", "copy", "c")}


def test_many_problems_of_one_sort_become_one() -> None:
    from caveat.lineage.claims import Problem

    same = [Problem(f"f{i}", "cannot be opened") for i in range(50)]
    told = folder.grouped([Problem("a", "other"), *same])

    assert [p.what for p in told] == ["other", "cannot be opened (50 files, this is the first)"]


def test_names_are_printable(tmp_path: Path) -> None:
    name = os.fsdecode(b"evil\n\x1b[31m\xff")

    assert folder.printable(name) == "evil\\n\\x1b[31m\\xff"
    assert gather(write(tmp_path / name, {"README.md": CARD})).subjects == ("evil\\n\\x1b[31m\\xff",)


def test_a_caveat_toml_deeper_down_speaks_for_nobody_but_its_part(tmp_path: Path) -> None:
    part = "[project]\nname = 'part'\nby = 'evil'\n[facts]\ncommercial = false\n" \
           "[[accept]]\nfinding = 'x'\nwhy = 'y'\n" \
           "owner = 'z'\nuntil = 2099-01-01\n[[step]]\nmakes = 'part'\nact = 'merge'\nfrom = 'a/x'\n"
    said = gather(write(tmp_path / "m", {"README.md": CARD, "part/caveat.toml": part}))

    assert (said.you, said.facts, said.acceptances) == ("", (), ())
    assert [(c.child, c.by) for c in said.claims if isinstance(c, StepClaim) and c.act == "merge"] == [("part", "")]


def test_folders_of_one_name_are_told_apart(tmp_path: Path) -> None:
    said = gather(write(tmp_path / "all", {"a/in/README.md": CARD, "b/in/README.md": CARD}))

    assert said.subjects == ("in", "in (b)")


def test_models_below_code_that_does_not_use_them_are_checked_too(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text(f"---\nlicense: mit\nbase_model: acme/{name}-base\n---\n# {name}\n")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text("from transformers import pipeline\npipeline(model='acme/helper')\n")

    assert gather(tmp_path).subjects == (tmp_path.name, "one", "two")


PLAN = "base_model: a/x\nadapter: lora\nsequence_len: 2048\ndatasets:\n  - path: ./rows.jsonl\n    type: alpaca\n" \
       "output_dir: out/chat\n"


def test_who_one_is_makes_no_asset_beside_a_plan(tmp_path: Path) -> None:
    files = {"plan.yaml": PLAN, "caveat.toml": "[project]\nby = 'acme'\n"}

    assert gather(write(tmp_path / "run", files)).subjects == ("chat",)
    assert gather(write(tmp_path / "used", {**files, "caveat.toml": "[project]\nby = 'acme'\n[[use]]\nact = 'ship'\n"}
                        )).subjects == ("used", "chat")


def test_rows_that_a_plan_names_as_a_file_are_placed_in_that_file(tmp_path: Path) -> None:
    rows = '{"messages": [], "model": "gpt-4"}\n'
    said = gather(write(tmp_path, {"plan.yaml": PLAN, "rows.jsonl": rows}) / "plan.yaml")

    assert [c.place.file for c in said.claims if isinstance(c, StepClaim) and c.act == "generate"] == ["./rows.jsonl"]
