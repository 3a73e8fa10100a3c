"""Programs say what they call and train on, by their syntax alone; nothing is imported or run."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from caveat.evidence import python_code
from caveat.lineage.claims import AssetClaim, Evidence, StepClaim


def read(code: str, file: str = "app.py") -> Evidence:
    return python_code.read(dedent(code).encode(), file, "app")


def calls(code: str) -> list[tuple[str, str, str]]:
    said = read(code)
    kinds = {c.asset: c.value for c in said.claims if isinstance(c, AssetClaim) and c.field == "kind"}
    return [(c.act, kinds[c.parent], c.parent) for c in said.claims if isinstance(c, StepClaim)]


@pytest.mark.parametrize(("code", "kind", "name"), [
    ('AutoModelForCausalLM.from_pretrained("a/x")', "model", "a/x"),
    ('AutoModel.from_pretrained(pretrained_model_name_or_path="a/x", device="cpu")', "model", "a/x"),
    ('PeftModel.from_pretrained(base, "a/lora")', "model", "a/lora"),
    ('pipeline("text-generation", model="a/x")', "model", "a/x"),
    ('pipeline("text-generation", "a/x")', "model", "a/x"),
    ('SentenceTransformer("all-MiniLM-L6-v2")', "model", "all-MiniLM-L6-v2"),
    ('vllm.LLM(model="a/x")', "model", "a/x"),
    ('Llama.from_pretrained(repo_id="a/x-GGUF", filename="*q8_0.gguf")', "model", "a/x-GGUF"),
    ('snapshot_download("a/x")', "model", "a/x"),
    ('ollama.chat(model="llama3.2", messages=[])', "model", "llama3.2"),
    ('client.chat.completions.create(model="gpt-4o", messages=[])', "service", "gpt-4o"),
    ('OpenAI().responses.create(model="gpt-4o", input="")', "service", "gpt-4o"),
    ('self.client.messages.create(model="claude-3-5-sonnet", max_tokens=9)', "service", "claude-3-5-sonnet"),
    ('genai.GenerativeModel("gemini-1.5-pro")', "service", "gemini-1.5-pro"),
    ('client.models.generate_content(model="gemini-2.0-flash", contents="")', "service", "gemini-2.0-flash"),
    ('client.chat.complete(model="mistral-large-latest")', "service", "mistral-large-latest"),
    ('co.chat(model="command-r-plus", message="")', "service", "command-r-plus"),
    ('litellm.completion(model="anthropic/claude-3-opus", messages=[])', "service", "anthropic/claude-3-opus"),
    ('ChatOpenAI(model="gpt-4o-mini", temperature=0)', "service", "gpt-4o-mini"),
    ('client.chat.completions.create(model="meta-llama/Llama-3-8B")', "model", "meta-llama/Llama-3-8B"),
])
def test_a_program_bundles_what_it_calls(code: str, kind: str, name: str) -> None:
    assert calls(code) == [("bundle", kind, name)]


@pytest.mark.parametrize("code", [
    'AutoTokenizer.from_pretrained("a/x")', 'queue.create(model="x")', 'obj.generate("x")', "model.from_pretrained()",
    'load_dataset("json", data_files="x.json")', 'pipeline("text-generation")',
    'print("client.chat.completions.create(model=gpt-4)")', 'load_dataset("a/x")',
])
def test_what_is_no_model_gives_no_step(code: str) -> None:
    assert calls(code) == []


@pytest.mark.parametrize(("code", "name", "computed"), [
    ('MODEL = "a/x"\nAutoModel.from_pretrained(MODEL)', "a/x", False),
    ('def f(m="gpt-4"):\n  client.chat.completions.create(model=m)', "gpt-4", True),
    ('p.add_argument("--model-name", default="a/x")\nargs = p.parse_args()\nLLM(args.model_name)', "a/x", True),
    ('C = {"model": "a/x"}\nLLM(model=C["model"])', "a/x", False),
    ('LLM(model=os.environ.get("M", "a/x"))', "a/x", True),
    ('LLM(model=os.getenv("M") or "a/x")', "a/x", True),
    ('LLM(model=f"meta-llama/Llama-{size}")', "meta-llama/Llama-{size}", True),
    ('O = "a"\nLLM(model=O + "/x")', "a/x", False),
    ('class S:\n  model: str = "a/x"\ns = S()\nLLM(s.model)', "a/x", False),
])
def test_names_are_followed_as_far_as_the_syntax_tells(code: str, name: str, computed: bool) -> None:
    steps = [c for c in read(code).claims if isinstance(c, StepClaim)]

    assert [(c.parent, c.computed) for c in steps] == [(name, computed)]


def test_a_name_known_only_at_run_time_is_a_problem() -> None:
    said = read("LLM(model=sys.argv[1])")

    assert [(p.line, p.what) for p in said.problems] == [(1, "LLM: the name of the model is only known at run time")]


def test_training_makes_a_model_from_base_and_data() -> None:
    said = read("""\
        model = AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1")
        ds = load_dataset("Intel/orca_dpo_pairs", split="train").map(f)
        args = DPOConfig(output_dir="runs/neural-chat")
        DPOTrainer(model, ref_model=AutoModelForCausalLM.from_pretrained("mistralai/Mistral-7B-v0.1"),
                   args=args, train_dataset=ds).train()
        """)
    steps = [(c.child, c.act, c.parent, c.place.line) for c in said.claims if isinstance(c, StepClaim)]

    assert steps == [("neural-chat", "finetune", "mistralai/Mistral-7B-v0.1", 1),
                     ("neural-chat", "train", "Intel/orca_dpo_pairs", 2)]


def test_an_adapter_is_adapted_and_the_hub_id_names_it() -> None:
    said = read("""\
        def data():
            return load_dataset("a/d")
        t = SFTTrainer("a/base", peft_config=LoraConfig(r=8), args=SFTConfig(output_dir="./results"),
                       train_dataset=data())
        t.push_to_hub("me/mine")
        """)
    steps = [(c.child, c.act, c.parent) for c in said.claims if isinstance(c, StepClaim)]

    assert steps == [("me/mine", "adapt", "a/base"), ("me/mine", "train", "a/d")]


def test_without_a_name_of_its_own_the_model_is_the_folder() -> None:
    said = read('Trainer(model=AutoModel.from_pretrained("a/x"), args=TrainingArguments("./results"))')

    assert [(c.child, c.act) for c in said.claims if isinstance(c, StepClaim)] == [("app", "finetune")]


def test_a_notebook_is_read_by_its_code_cells() -> None:
    cells = [{"cell_type": "markdown", "source": 'LLM("no/no")'},
             {"cell_type": "code", "source": ["!pip install vllm\n", "%time x = 1\n"]},
             {"cell_type": "code", "source": "%%bash\nrm -rf /"},
             {"cell_type": "code", "source": ['LLM("a/x")']}]
    said = read(json.dumps({"cells": cells}), "n.ipynb")
    steps = [c for c in said.claims if isinstance(c, StepClaim)]

    assert [(c.parent, c.place.line, c.place.key) for c in steps] == [("a/x", None, "code cell 3: LLM")]
    assert said.problems == ()


@pytest.mark.parametrize(("code", "what"), [
    ('LLM("a/x"\n', "not Python"), ("LLM(" * 3000, "not Python"), ('LLM("a")\x00', "not Python"),
    ("x = " + "-" * 200_000 + "1  # Llama(", "not Python"), ("LLM(\n" + "#" * (1 << 21), "code of more than 1 MiB"),
])
def test_bad_code_is_one_problem(code: str, what: str) -> None:
    said = read(code)

    assert said.claims == ()
    assert [p.what.startswith(what) for p in said.problems] in ([True], [])


def test_a_bad_notebook_is_one_problem() -> None:
    for text in ("{}LLM(", "[1]  ", '{"cells": "LLM("}', "[" * 100_000 + "LLM("):
        assert len(read(text, "n.ipynb").problems) <= 1


def test_a_loaded_model_handed_on_is_no_unknown_name() -> None:
    said = read('m = AutoModel.from_pretrained("a/x")\npipeline("t", model=m)\npipeline("t", model=load())')

    assert said.problems == ()


@pytest.mark.parametrize(("model", "kind"), [("gpt-4", "service"), ("meta-llama/Llama-2-70b-chat-hf", "model")])
def test_rows_asked_of_a_service_before_training_are_written_by_it(model: str, kind: str) -> None:
    said = read(f"""
        def ask(q):
            return client.chat.completions.create(model="{model}", messages=q).choices[0]
        rows = Dataset.from_list([{{"text": ask(q)}} for q in open("q.txt")])
        SFTTrainer("a/base", train_dataset=rows, args=SFTConfig(output_dir="desk"))
    """)
    steps = [(c.child, c.act, c.parent) for c in said.claims if isinstance(c, StepClaim)]
    kinds = {c.value for c in said.claims if isinstance(c, AssetClaim) and c.asset == model}

    assert [("desk", "finetune", "a/base"), ("answers for desk", "generate", model),
            ("desk", "train", "answers for desk")] == steps
    assert {kind} == kinds
