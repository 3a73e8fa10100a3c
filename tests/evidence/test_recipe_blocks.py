"""Recipes that people paste into cards are read: fenced, in details, or bare."""

from __future__ import annotations

from caveat.evidence import recipe_blocks
from caveat.lineage.claims import StepClaim

SLERP = """slices:
  - sources:
      - model: a/b
        layer_range: [0, 32]
      - model: c/d
        layer_range: [0, 32]
merge_method: slerp
base_model: {base}
"""


def steps(text: str, known: tuple[str, ...] = (), listed: tuple[str, ...] = ()) -> list[tuple[str, str, str]]:
    found = recipe_blocks.read(text, "README.md", "me/mine", known, listed=listed).claims
    return [(c.act, c.parent, c.place.weak) for c in found if isinstance(c, StepClaim)]


def test_a_fenced_merge_names_its_parents() -> None:
    found = steps(f"Words\n\n```yaml\n{SLERP.replace('{base}', 'a/b')}```\n")

    assert sorted(found) == [("merge", "a/b", ""), ("merge", "c/d", "")]


def test_a_base_that_is_not_merged_is_weak() -> None:
    found = steps(f"```yaml\n{SLERP.replace('{base}', 'x/y')}```\n")

    assert ("merge", "x/y", recipe_blocks.ONLY_BASE) in found


def test_lines_count_from_the_card() -> None:
    claims = recipe_blocks.read(f"Words\n\n```yaml\n{SLERP}```\n", "README.md", "me/mine", first_line=10).claims

    assert min(c.place.line or 0 for c in claims if isinstance(c, StepClaim)) == 15


def test_layer_ranges_without_a_fence_are_read() -> None:
    text = ("Merge with these\n\n\n      - model: a/b\n        layer_range: [0, 8]\n\n      - model: c/d\n"
            "        layer_range: [4, 12]\n\n      - model: a/b\n        layer_range: [9, 16]\n"
            "merge_method: passthrough\n")

    assert steps(text) == [("merge", "a/b", ""), ("merge", "c/d", "")]


def test_a_self_merge_has_one_parent() -> None:
    rows = "".join(f"- sources:\n  - model: a/b\n    layer_range: [{n}, {n + 20}]\n" for n in range(0, 80, 10))

    assert steps(f"```yaml\nslices:\n{rows}merge_method: passthrough\n```") == [("merge", "a/b", "")]


def test_a_folder_is_matched_with_a_name_the_card_knows_or_said_as_unknown() -> None:
    text = "```yaml\nmerge_method: dare_linear\nmodels:\n- model: /home/me/c_d\n- model: /home/me/lost\n```"

    assert steps(text, ("c/d",)) == [("merge", "c/d", ""), ("merge", "/home/me/lost", recipe_blocks.FOLDER)]


def test_intermediates_of_a_staged_recipe_are_weak() -> None:
    text = "```yaml\nmerge_method: ties\nmodels:\n- model: a/b\n- model: me/stage-1\n```"

    assert steps(text, listed=("a/b",)) == [("merge", "a/b", ""), ("merge", "me/stage-1", recipe_blocks.NOT_LISTED)]


def test_experts_are_parents() -> None:
    text = "```yaml\nbase_model: a/b\ngate_mode: hidden\nexperts:\n- source_model: c/d\n  positive_prompts: [x]\n```"

    assert sorted(steps(text)) == [("merge", "a/b", ""), ("merge", "c/d", "")]


def test_axolotl_in_details_names_base_adapter_and_data() -> None:
    text = ("<details><summary>See axolotl config</summary>\n\naxolotl version: `0.4.0`\n```yaml\nbase_model: a/b\n"
            "load_in_8bit: true\ndatasets:\n  - path: c/d\n    type: alpaca\n  - path: data/mine.jsonl\n    type: x\n"
            "adapter: lora\n```\n\n</details><br>\n")

    assert steps(text) == [("adapt", "a/b", ""), ("train", "c/d", ""),
                           ("train", "data/mine.jsonl", recipe_blocks.FOLDER)]


def test_the_command_that_was_run_names_the_base() -> None:
    text = "```\npython finetune.py \\\n    --base_model='a/b' \\\n    --lora_r=16\n```\n"

    assert steps(text) == [("adapt", "a/b", "")]
    assert steps("```\npython generate.py --base_model a/b\n```") == []


def test_other_yaml_is_no_recipe() -> None:
    assert steps("```yaml\nmodel: a/b\nport: 80\n```\n") == []
