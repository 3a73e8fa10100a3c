"""Cards are read in every form in which they are written, and say no more than they say."""

from __future__ import annotations

import pytest

from caveat.evidence import card, licence_words
from caveat.lineage.claims import AssetClaim, Evidence, FileClaim, LicenceClaim, StepClaim

WORDS = licence_words.words_from({
    "tag": {"apache-2.0": {"law": "apache-2.0", "spdx": "Apache-2.0"}, "mit": {"law": "mit", "spdx": "MIT"},
            "llama2": {"law": "llama-2"}, "llama3": {"law": "llama-3"}, "gemma": {"law": "gemma"},
            "cc-by-nc-4.0": {"law": "cc-by-nc-4.0"}, "other": {"law": "unknown"}, "openrail": {"law": "unknown"}},
    "license_name": {"qwen": "qwen-2024", "yi-license": "yi-2.1"},
})


def read(text: str | bytes, asset: str = "me/mine", file: str = "README.md") -> Evidence:
    return card.read(text, file, asset, WORDS)


def front(*lines: str, body: str = "") -> Evidence:
    return read("\n".join(["---", *lines, "---", body]))


def steps(evidence: Evidence, strong: bool = False) -> list[tuple[str, str]]:
    return [(c.act, c.parent) for c in evidence.claims
            if isinstance(c, StepClaim) and not (strong and c.place.weak)]


def licences(evidence: Evidence) -> list[tuple[tuple[str, ...], str]]:
    return [(c.laws, c.raw) for c in evidence.claims if isinstance(c, LicenceClaim)]


def weak(evidence: Evidence) -> list[str]:
    return [c.place.weak for c in evidence.claims if isinstance(c, (LicenceClaim, StepClaim))]


def test_front_matter_is_found_in_every_form() -> None:
    forms = {
        "plain": "---\nlicense: mit\n---\n# x",
        "windows": "---\r\nlicense: mit\r\n---\r\n# x",
        "doubled": "---\r\r\nlicense: mit\r\r\n---\r\r\n# x",
        "marked": "\ufeff---\nlicense: mit\n---\n",
        "blank before": "\n\n---\nlicense: mit\n---\n",
        "unclosed": "---\nlicense: mit\ntags:\n- a\n\n# Title\n",
        "below prose": "Some words.\n\n---\nlicense: mit\n---\n",
        "quoted": '---\n"license": "mit"\n---\n',
        "flow": "---\n{license: mit}\n---\n",
    }

    assert {name: [(("mit",), "mit")] for name in forms} == {name: licences(read(t)) for name, t in forms.items()}


def test_odd_forms_are_told() -> None:
    assert [p.what for p in read("---\nlicense: mit\n\n# Title\n").problems] == ["front matter is never closed"]
    assert [p.what for p in read("words\n---\nlicense: mit\n---\n").problems] == ["front matter below prose"]
    assert [p.what for p in read("---\n## Title\nwords\n").problems] == ["dashes without front matter"]


def test_a_block_below_prose_is_weak() -> None:
    assert weak(read("words\n---\nlicense: mit\n---\n")) == ["not at the top of the card, so the hub does not read it"]


def test_a_card_without_front_matter_says_nothing() -> None:
    evidence = read("# Title\n\nHello.\n")

    assert [(c.field, c.value) for c in evidence.claims if isinstance(c, AssetClaim)] == [("kind", "model")]
    assert evidence.problems == ()


def test_licences_are_read_as_they_are_written() -> None:
    cases = {
        "license: MIT": (("mit",), "MIT"),
        "license: Apache License 2.0": (("apache-2.0",), "Apache License 2.0"),
        "license: [llama2, other]": (("llama-2", "unknown"), "llama2, other"),
        "license: other\nlicense_name: qwen": (("qwen-2024",), "other (qwen)"),
        "license: other\nlicense_name: mine": (("unknown",), "other (mine)"),
        "license: other\nlicense_link: https://ai.google.dev/gemma/terms":
            (("gemma",), "other (https://ai.google.dev/gemma/terms)"),
        "license: openrail": (("unknown",), "openrail"),
        "license_name: qwen": (("qwen-2024",), "qwen"),
        "tags: ['license:mit']": (("mit",), "mit"),
    }

    assert {k: [v] for k, v in cases.items()} == {k: licences(front(*k.split("\n"))) for k in cases}


def test_two_labels_that_differ_are_both_kept_and_told() -> None:
    evidence = front("licence: gemma", "license: mit")

    assert licences(evidence) == [(("gemma",), "gemma"), (("mit",), "mit")]
    assert evidence.problems[0].what == "two labels that differ (licence: gemma and license: mit)"


def test_a_body_that_contradicts_the_label_is_shown() -> None:
    evidence = front("license: mit", body="- **License:** gemma\n")

    assert [laws for laws, _ in licences(evidence)] == [("mit",), ("gemma",)]
    assert evidence.problems[0].what == "the body names gemma, the label says mit"


def test_a_body_that_narrows_the_label_is_told() -> None:
    evidence = front("license: mit", body="- **License:** MIT license under the condition that nobody competes\n")

    assert licences(evidence) == [(("mit",), "mit")]
    assert evidence.problems[0].what == "the body adds a condition to the label"


def test_a_link_to_known_terms_stands_for_a_missing_label() -> None:
    evidence = read("**License** A custom license is at: [Meta](https://ai.meta.com/llama/license)\n")

    assert [c.laws for c in evidence.claims if isinstance(c, LicenceClaim)] == [("llama-2",)]
    assert weak(evidence) == ["a sentence of the body"]


def test_the_gate_is_no_body() -> None:
    evidence = front("license: llama2", "extra_gated_prompt: >-", "  License: Apache 2.0. Built with Llama")

    assert licences(evidence) == [(("llama-2",), "llama2")]
    assert [c for c in evidence.claims if isinstance(c, FileClaim)] == []


def test_a_label_of_a_template_is_weak() -> None:
    evidence = front("license: apache-2.0", "base_model: unsloth/x-bnb-4bit",
                     body="This was trained 2x faster with [Unsloth](https://github.com/unslothai/unsloth)")

    assert "written by the Unsloth template, whatever the base" in weak(evidence)


def test_how_a_base_was_used_is_read_or_inferred() -> None:
    cases = {
        ("base_model: a/b", "base_model_relation: quantized"): [("quantize", "a/b")],
        ("base_model: a/b",): [("finetune", "a/b")],
        ("base_model: [a/b, c/d]",): [("merge", "a/b"), ("merge", "c/d")],
        ("base_model: a/b", "library_name: peft"): [("adapt", "a/b")],
        ("base_model: a/b", "tags: [gguf]"): [("quantize", "a/b")],
        ("base_model: a/b", "tags: [gguf, sft]"): [("finetune", "a/b")],
        ("base_model: a/b", "quantized_by: me"): [("quantize", "a/b")],
        ("base_model: a/b", "quantized_by: me", "model_creator: me", "tags: [dpo]"): [("finetune", "a/b")],
        ("base_model: a/b", "quantized_by: me", "model_creator: a", "tags: [dpo]"): [("quantize", "a/b")],
        ("base_model: a/mine",): [("copy", "a/mine")],
        ("base_model: https://huggingface.co/a/b",): [("finetune", "a/b")],
        ("tags: ['base_model:adapter:a/b']",): [("adapt", "a/b")],
        ("tags: [mergekit, a/b, c/d]",): [("merge", "a/b"), ("merge", "c/d")],
        ("base_model: ",): [],
    }

    assert cases == {k: steps(front(*k)) for k in cases}


def test_a_name_of_other_terms_beside_a_label_is_told() -> None:
    differs = front("license: apache-2.0", "license_name: llama2")

    assert [p.what for p in differs.problems] == ["license_name says llama2, the label says apache-2.0"]
    assert front("license: apache-2.0", "license_name: apache-2.0").problems == ()


def test_a_name_with_a_size_is_a_model_though_its_card_has_a_key_of_data_sets() -> None:
    cut = card.front_matter.split("---\ntask_categories: [x]\n---\n", "README.md").front
    kinds = [card.kind_of(cut, "README.md", name) for name in ("acme/notes-llama-13b", "acme/notes", "acme/web-627B")]

    assert kinds == ["model", "dataset", "dataset"]


def test_a_model_that_names_itself_as_base_is_told() -> None:
    evidence = front("base_model: me/mine")

    assert steps(evidence) == []
    assert evidence.problems[0].what == "base_model names the model itself"


def test_data_sets_train_and_null_items_are_nothing() -> None:
    assert steps(front("datasets:", "- a/b", "-", "- wikipedia")) == [("train", "a/b"), ("train", "wikipedia")]
    assert steps(front("datasets: teknium1/GPTeacher/roleplay")) == [("train", "teknium1/GPTeacher")]
    assert steps(front("datasets: cnn/xsum/samsum/ami")) == [("train", n) for n in ("cnn", "xsum", "samsum", "ami")]


def test_the_data_of_a_quantized_model_are_its_bases() -> None:
    evidence = front("base_model: a/b", "quantized_by: me", "datasets: [d/e]")

    assert steps(evidence) == [("quantize", "a/b"), ("train", "d/e")]
    assert steps(evidence, strong=True) == [("quantize", "a/b")]


def test_only_prompts_are_no_lesson() -> None:
    link = "[UltraFeedback](https://huggingface.co/datasets/openbmb/UltraFeedback)"
    evidence = front("datasets: [openbmb/UltraFeedback]", body=f"We use the prompt sets from {link}.")

    assert steps(evidence, strong=True) == []


def test_plain_sentences_are_steps() -> None:
    link, data = "[B](https://huggingface.co/a/b)", "[D](https://huggingface.co/datasets/c/d)"
    cases = {
        f"This model is a fine-tuned version of {link} on {data}.": [("finetune", "a/b"), ("train", "c/d")],
        f"- **Finetuned from model [optional]:** {link}": [("finetune", "a/b")],
        "- **Finetuned from model:** a/b": [("finetune", "a/b")],
        "- **Finetuned from model:** [LLaMA](https://arxiv.org/abs/2302.13971).": [("finetune", "LLaMA")],
        "static quants of https://huggingface.co/a/b": [("quantize", "a/b")],
        f"- Original model: {link}": [("quantize", "a/b")],
        f"It was built by finetuning {link} on the {data}": [("finetune", "a/b"), ("train", "c/d")],
        "This is a merge of `a/b` and `c/d`.": [("merge", "a/b"), ("merge", "c/d")],
        f"We used our {data} to fine-tune on top of {link}.": [("finetune", "a/b")],
        "A distilled version of the larger Big-405B-Instruct model": [("distil", "Big-405B-Instruct")],
    }

    assert cases == {k: steps(read(k)) for k in cases}


def test_a_mere_mention_is_no_step() -> None:
    link = "[B](https://huggingface.co/a/b)"
    cases = (
        f"Quantized models are available: [GGUF]{link[3:]}",
        f"It outperforms {link}, which was fine-tuned from [C](https://huggingface.co/c/d).",
        "Answers were judged by GPT-4; see [MT-Bench](https://huggingface.co/spaces/lmsys/mt-bench).",
        "- **Finetuned from model:** [More Information Needed]",
        f"You can also finetune from {link}.",
        f"```\nfine-tuned from {link}\n```",
        f"# Original model card: X\nThis is a fine-tuned version of {link}",
        "Built by finetuning Mine on a [set](https://huggingface.co/datasets/c/d).",
        "We fine-tuned using the code from [Llama-X](https://github.com/A/Llama-X)",
    )

    assert {c: [] for c in cases} == {c: steps(read(c)) for c in cases}


def test_a_table_of_training_data_is_read_and_one_of_scores_is_not() -> None:
    row = "|---|---|\n| [Baize](https://github.com/project-baize/baize-chatbot) | 65% |\n"

    assert steps(read(f"### Training Data\n\n| **Data source** | share |\n{row}")) == [
        ("train", "project-baize/baize-chatbot")]
    assert steps(read(f"### Evaluation\n\n| Data | score |\n{row}")) == []


def test_a_data_set_card_says_what_made_it() -> None:
    text = ("---\ntask_categories: [text-generation]\nsource_datasets: [original, 'extended|a/b']\n---\n"
            "52,000 instructions generated by OpenAI's `text-davinci-003`.\n")
    evidence = read(text, file="datasets/me/mine/README.md")

    assert steps(evidence) == [("mix", "a/b"), ("generate", "text-davinci-003")]


def test_a_name_in_an_evaluation_generates_nothing() -> None:
    text = "---\ntask_categories: [x]\n---\nThe answers were evaluated with scores generated by GPT-4.\n"

    assert steps(read(text)) == []


def test_synthetic_without_a_name_is_told() -> None:
    evidence = front("task_categories: [x]", "size_categories: [n<1K]", "tags: [synthetic]")

    assert evidence.problems[0].what == "tagged synthetic, but no model is named that wrote it"


def test_columns_named_after_models_are_their_answers() -> None:
    evidence = front("dataset_info:", "  features:", "  - name: question", "  - name: chatgpt",
                     "  - name: llama2-13b-chat")

    assert steps(evidence) == [("generate", "chatgpt"), ("generate", "llama2-13b-chat")]
    assert {"chatgpt", "llama2-13b-chat"} == {c.column for c in evidence.claims if isinstance(c, StepClaim)}


def test_targets_come_from_the_task() -> None:
    tasks = {"text-classification": "classifier", "sentence-similarity": "embedding", "fill-mask": "encoder",
             "text-to-image": "image-model", "text-generation": "language-model"}
    claims = {t: [c for c in front(f"pipeline_tag: {t}").claims if isinstance(c, AssetClaim)] for t in tasks}
    said = {t: [c.value for c in found if c.field == "target"] for t, found in claims.items()}

    assert said == {t: [target] for t, target in tasks.items()}


def test_a_label_counts_where_it_is_shown_and_not_where_it_is_asked_for() -> None:
    shown = read("### Built with Meta Llama 3\n")
    asked = read("You must prominently display “Built with Llama” on a related website.\n")

    marks = [(c.what, c.value) for c in shown.claims if isinstance(c, FileClaim)]

    assert marks == [("card-line", "Built with Meta Llama 3")]
    assert [c for c in asked.claims if isinstance(c, FileClaim)] == []


def test_claims_point_at_their_line() -> None:
    evidence = read("\n---\nlicense: mit\nbase_model:\n- a/b\n---\n\n- **Finetuned from model:** a/b\n")

    places = [(c.place.line, c.place.key) for c in evidence.claims if isinstance(c, (LicenceClaim, StepClaim))]

    assert places == [(3, "license"), (5, "base_model[0]"), (8, "body")]


def test_nothing_raises() -> None:
    for odd in (b"\xff\xfe\x00", b"---\n\x80: [\n---", "---", "---\n---", "---\n- a\n---", "\x00",
                "---\nlicense: {a: b}\n---",
                "---\nbase_model: {a: [b]}\ndatasets: {c: d}\ntags: x\n---", "---\n" + "a: [" * 500):
        read(odd)


@pytest.mark.parametrize(("body", "writers"), [
    ("Answers generated with [ours](https://huggingface.co/meta-llama/Llama-2-70b-chat-hf).",
     ["meta-llama/Llama-2-70b-chat-hf"]),
    ("The responses were generated using `mistralai/Mixtral-8x7B-Instruct-v0.1`.",
     ["mistralai/Mixtral-8x7B-Instruct-v0.1"]),
    ("Answers were written by hand and/or by our staff.", []),
    ("The data was created from [x](https://huggingface.co/datasets/Open-Orca/OpenOrca).", []),
    ("Scores of responses generated by org/judge-7b.", []),
])
def test_an_open_model_that_wrote_the_answers_is_read_from_the_card(body: str, writers: list[str]) -> None:
    text = f"---\ntask_categories: [text-generation]\n---\n{body}\n"
    claims = card.read(text.encode(), "README.md", "me/answers").claims
    assert [c.parent for c in claims if isinstance(c, StepClaim) and c.act == "generate"] == writers
