"""Strangers' YAML is read as written, within bounds, and never raises."""

from __future__ import annotations

from caveat.evidence import yaml_safe
from caveat.evidence.yaml_safe import Limits, Mapping, Scalar, Sequence


def test_a_value_stays_the_word_that_was_written() -> None:
    tree = yaml_safe.read("language: no\nversion: 1.10\ndate: 2024-01-01\n", "README.md")

    assert tree.mapping.strings() == ("no", "1.10", "2024-01-01")
    assert tree.problems == ()


def test_lines_count_from_where_the_block_stands_in_the_file() -> None:
    tree = yaml_safe.read("a: 1\nb:\n- x\n- y\n", "README.md", first_line=2)

    assert [e.line for e in tree.mapping.items()] == [2, 3]
    assert [(p, s.line) for p, s in yaml_safe.scalars(tree.root)] == [("a", 2), ("b[0]", 4), ("b[1]", 5)]


def test_an_empty_item_is_null_and_a_quoted_empty_one_is_not() -> None:
    tree = yaml_safe.read('datasets:\n-\n- ""\n- ~\n', "f")

    items = (Scalar("", 2, True), Scalar("", 3), Scalar("~", 4, True))
    assert tree.mapping.get("datasets") == Sequence(items, 2)
    assert tree.mapping.strings("datasets") == ("",)


def test_a_key_written_twice_is_kept_twice_and_told() -> None:
    tree = yaml_safe.read("tag: a\ntag: b\n", "f")

    assert tree.mapping.keys() == ("tag", "tag")
    assert [p.what for p in tree.problems] == ["the key 'tag' stands twice"]


def test_tabs_are_read_as_blanks_and_told() -> None:
    tree = yaml_safe.read("license: mit\nwidget:\n\t- text: a\n", "f")

    assert tree.mapping.text("license") == "mit"
    assert [p.what for p in tree.problems] == ["a tab inside YAML"]
    assert isinstance(tree.mapping.get("widget"), Sequence)


def test_what_stands_before_a_syntax_error_is_kept() -> None:
    tree = yaml_safe.read("license: mit\nfrom: a: b\nx: y\n", "f")

    assert tree.mapping.text("license") == "mit"
    assert tree.problems[0].line == 2


def test_an_alias_bomb_is_refused_with_one_problem() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    tree = yaml_safe.read("\n".join(rows), "f")

    assert None is tree.root
    assert len(tree.problems) == 1


def test_depth_and_self_reference_and_size_are_bounded() -> None:
    deep = yaml_safe.read("[" * 100_000, "f")
    loop = yaml_safe.read("a: &a [*a]", "f")
    large = yaml_safe.read("a: " + "x" * 100, "f", limits=Limits(size=50))

    assert [deep.root, loop.root, large.root] == [None, None, None]
    assert [len(t.problems) for t in (deep, loop, large)] == [1, 1, 1]


def test_nothing_is_constructed() -> None:
    tree = yaml_safe.read("a: !!python/object/apply:os.system ['echo']\n", "f")

    assert Sequence((Scalar("echo", 1),), 1) == tree.mapping.get("a")


def test_merge_keys_fill_in_what_is_not_written() -> None:
    tree = yaml_safe.read("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  x: 3\n", "f")
    use = tree.mapping.get("use")

    assert isinstance(use, Mapping)
    assert dict(use.entries[i][::2] for i in (0, 1)) == {"x": Scalar("3", 4), "y": Scalar("2", 1)}


def test_odd_bytes_never_raise() -> None:
    odd = ("\x00", "a: \x07", "\ud800: x", "%YAML 9.9\n---\na", "? [a, b]\n: c", "- - - a\n b", "&", "*x", "")
    for text in odd:
        yaml_safe.read(text, "f")
