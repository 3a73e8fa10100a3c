"""The calls by which Python programs get hold of models, services and data sets: one table, one row a way of calling.

Rows are matched on the end of the dotted name that is called, longest first, so that `client.messages.create` is a
service and `queue.create` is nothing.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from caveat.evidence.code_values import Names, Value, dotted, keyword, last_name
from caveat.evidence.repo_names import ID, is_local
from caveat.lineage.claims import Problem


class Way(NamedTuple):
    """One way of calling: what it gets, under which keywords the name stands, and at which position (-1: none)."""

    kind: str  # model | service | dataset
    keywords: tuple[str, ...]
    position: int = -1
    weak: str = ""


class Call(NamedTuple):
    """One call found. `name` is the asset's name; `written` the line's own words; `node` the syntax."""

    kind: str
    name: str
    line: int
    how: str
    written: str
    computed: bool
    weak: str
    node: ast.Call


_PRETRAINED = ("pretrained_model_name_or_path", "model_name", "model_id", "model_name_or_path")
_MODEL, _NAME, _REPO = ("model",), ("model", "model_name"), ("repo_id",)
AZURE = "a deployment's name, which its owner chooses"

WAYS: dict[str, Way] = {
    "PeftModel.from_pretrained": Way("model", ("model_id",), 1),
    "Llama.from_pretrained": Way("model", _REPO, 0),
    "from_pretrained": Way("model", _PRETRAINED, 0),
    "from_model_id": Way("model", ("model_id",), 0),
    "pipeline": Way("model", _MODEL, 1),
    "SentenceTransformer": Way("model", ("model_name_or_path",), 0),
    "CrossEncoder": Way("model", ("model_name", "model_name_or_path"), 0),
    "HuggingFaceEmbeddings": Way("model", ("model_name", "model"), -1),
    "HuggingFaceEndpoint": Way("model", ("repo_id", "model"), -1),
    "InferenceClient": Way("model", _MODEL, 0),
    "snapshot_download": Way("model", _REPO, 0),
    "hf_hub_download": Way("model", _REPO, 0),
    "LLM": Way("model", _MODEL, 0),
    "EngineArgs": Way("model", _MODEL, -1),
    "AsyncEngineArgs": Way("model", _MODEL, -1),
    "ollama.chat": Way("model", _MODEL, 0),
    "ollama.generate": Way("model", _MODEL, 0),
    "ollama.embeddings": Way("model", _MODEL, 0),
    "ChatOllama": Way("model", _MODEL, -1),
    "OllamaLLM": Way("model", _MODEL, -1),
    "Ollama": Way("model", _MODEL, -1),
    "completions.create": Way("service", _MODEL),
    "completions.parse": Way("service", _MODEL),
    "completions.stream": Way("service", _MODEL),
    "responses.create": Way("service", _MODEL),
    "responses.parse": Way("service", _MODEL),
    "messages.create": Way("service", _MODEL),
    "messages.stream": Way("service", _MODEL),
    "embeddings.create": Way("service", _MODEL),
    "images.generate": Way("service", _MODEL),
    "ChatCompletion.create": Way("service", ("model", "engine")),
    "ChatCompletion.acreate": Way("service", ("model", "engine")),
    "Completion.create": Way("service", ("model", "engine")),
    "Embedding.create": Way("service", ("model", "engine")),
    "completion": Way("service", _MODEL, 0),
    "acompletion": Way("service", _MODEL, 0),
    "GenerativeModel": Way("service", ("model_name", "model"), 0),
    "models.generate_content": Way("service", _MODEL),
    "models.generate_content_stream": Way("service", _MODEL),
    "chat.complete": Way("service", _MODEL),
    "chat.stream": Way("service", _MODEL),
    "co.chat": Way("service", _MODEL),
    "co.generate": Way("service", _MODEL),
    "co.embed": Way("service", _MODEL),
    "init_chat_model": Way("service", _MODEL, 0),
    "dspy.LM": Way("service", _MODEL, 0),
    "AzureChatOpenAI": Way("service", ("model", "model_name", "azure_deployment"), -1, AZURE),
    "OpenAIEmbeddings": Way("service", _NAME),
    **{f"Chat{vendor}": Way("service", _NAME) for vendor in (
        "OpenAI", "Anthropic", "GoogleGenerativeAI", "VertexAI", "MistralAI", "Cohere", "Groq", "XAI", "DeepSeek",
        "Bedrock", "BedrockConverse", "Together", "Fireworks", "Perplexity", "NVIDIA")},
    **{vendor: Way("service", _NAME) for vendor in ("OpenAI", "Anthropic", "Gemini", "MistralAI", "Cohere", "Groq")},
    "load_dataset": Way("dataset", ("path",), 0),
    "load_from_disk": Way("dataset", ("dataset_path",), 0),
}
#: Classes whose `from_pretrained` loads no weights.
NO_WEIGHTS = re.compile(r"(?:Tokenizer\w*|Processor|Config|FeatureExtractor|Scheduler|Vectorizer)\.from_pretrained$")
#: Builders of `load_dataset` that read files of one's own.
BUILDERS = frozenset({"json", "csv", "parquet", "text", "arrow", "pandas", "imagefolder", "audiofolder", "webdataset"})
#: Owners in names that routers use for services (`anthropic/claude-...`).
SERVICES = frozenset({
    "openai", "anthropic", "google", "gemini", "vertex_ai", "azure", "bedrock", "cohere", "mistral", "xai", "x-ai",
    "deepseek", "groq", "perplexity", "openrouter", "google_genai", "google_vertexai", "mistralai",
})
NAME = re.compile(r"[A-Za-z0-9{./~][\w./:{}@+-]{1,199}")
MOST_CALLS = 2000


def calls_in(tree: ast.AST, file: str) -> tuple[list[Call], tuple[Problem, ...]]:
    """Every known call in a program with the names it may mean, and those whose name is not known here."""
    names = Names(tree)
    found: list[Call] = []
    problems: list[Problem] = []
    for node in ast.walk(tree):
        if len(found) >= MOST_CALLS:
            many = f"more than {MOST_CALLS} calls of models and data"
            problems.insert(0, Problem(file, many, None, "the rest was left out"))
            break
        if isinstance(node, ast.Call):
            how, way = way_of(node)
            if way:
                calls = list(_calls(node, how, way, names))
                found += calls
                problems += [] if calls else _unknown(node, how, way, file, names)
    return sorted(found, key=lambda c: c.line), tuple(problems[:20])


def way_of(node: ast.Call) -> tuple[str, Way | None]:
    """The row of the table that a call fits, with the dotted name as written."""
    how = dotted(node.func)
    if NO_WEIGHTS.search(how):
        return how, None
    parts = how.split(".")
    short = (".".join(parts[-2:]), parts[-1])
    return how, next((WAYS[s] for s in short if s in WAYS), None)


def argument(node: ast.Call, way: Way) -> ast.expr | None:
    """The expression that names what is called."""
    named = keyword(node, *way.keywords)
    if named is not None:
        return named
    if 0 <= way.position < len(node.args) and not isinstance(node.args[way.position], ast.Starred):
        return node.args[way.position]
    return None


def _calls(node: ast.Call, how: str, way: Way, names: Names) -> Iterator[Call]:
    for value in names.values(argument(node, way)):
        name = value.text.strip()
        if not NAME.fullmatch(name) or (way.kind == "dataset" and name in BUILDERS):
            continue
        kind = _kind(way.kind, name, node, names)
        yield Call(kind, name, node.lineno, how, _written(how, value), value.computed or "{" in name, way.weak, node)


def _kind(kind: str, name: str, node: ast.Call, names: Names) -> str:
    """A repository id behind an API client is a model that somebody hosts; `repo_type` tells data sets."""
    if kind == "service" and ID.fullmatch(name) and name.split("/")[0].lower() not in SERVICES:
        return "model"
    sort = names.values(keyword(node, "repo_type"))
    return "dataset" if kind == "model" and sort and sort[0].text == "dataset" else kind


def _written(how: str, value: Value) -> str:
    return f'{how}("{value.text}")'


def _unknown(node: ast.Call, how: str, way: Way, file: str, names: Names) -> list[Problem]:
    """A call whose name is only known when the program runs; calls that give no name at all are no problem."""
    given = argument(node, way)
    if given is None or isinstance(given, ast.Constant) or _is_object(given, names):
        return []
    what = f"{how}: the name of the {way.kind} is only known at run time"
    return [Problem(file, what, node.lineno, "it was left out")]


#: Calls that give a text, where a call in place of a name is else a loaded thing.
GIVES_TEXT = frozenset({"get", "getenv", "str", "format", "input", "join", "strip", "pop", "replace", "lower"})


def _is_object(given: ast.expr, names: Names) -> bool:
    """Whether the argument is surely no name: a loaded model, given as a call or by a variable that holds one."""
    if isinstance(given, ast.Call):
        return last_name(given.func) not in GIVES_TEXT
    if not isinstance(given, ast.Name):
        return False
    held = names.assigned.get(given.id, ())
    return any(isinstance(v, ast.Call) and last_name(v.func) not in GIVES_TEXT for v in held)


def is_public(call: Call) -> bool:
    return not is_local(call.name)
