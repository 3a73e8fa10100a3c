"""Chat templates are programs from strangers: here one turns messages into text, inside a sandbox and within a budget.

Jinja's sandbox keeps a template from reaching anything but data. It does not keep it from running for ever or from
filling the memory, so every loop, call, list and text is also charged to a budget (template_budget.py), by calls that
are written into the template's own syntax tree before it is compiled.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from caveat.errors import EngineError
from caveat.runtime.template_budget import Budget, Spent, metered

TEMPLATE_LIMIT = 128 << 10
WIDEST, LARGEST = 1000, 1 << 64
#: Filters that real templates use; all others do not exist here.
FILTERS = ("abs", "capitalize", "count", "d", "default", "dictsort", "first", "float", "indent", "int", "items", "join",
           "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace", "reverse",
           "round", "safe", "select", "selectattr", "sort", "string", "title", "trim", "unique", "upper")
#: Attributes of plain data that a template may use.
ATTRIBUTES: dict[type, frozenset[str]] = {
    str: frozenset({"capitalize", "count", "endswith", "find", "isdigit", "join", "lower", "lstrip", "removeprefix",
                    "removesuffix", "replace", "rfind", "rsplit", "rstrip", "split", "splitlines", "startswith",
                    "strip", "title", "upper"}),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}
TIMES = re.compile(r"(?:[^%]|%[-#]?[a-zA-Z%]){0,200}")


class Template:
    """One chat template, compiled once. An empty one passes a lone user's text on, as a model without chat wants it."""

    def __init__(self, text: str, bos: str = "", eos: str = "") -> None:
        """Raises EngineError for a template that is no template, or is longer than any real one."""
        self.bos, self.eos, self._one = bos, eos, threading.Lock()
        self._budget = Budget()
        self._compiled = _guarded(lambda: _environment(self._budget).from_string(_short(text))) if text else None

    def render(self, messages: Any, *, open_answer: bool = True) -> str:
        """The text that the model continues. Raises EngineError, kind "template", where the template will not do it."""
        said = _messages(messages)
        if self._compiled is None:
            return _lone(said)
        with self._one:
            self._budget.fresh()
            return str(_guarded(lambda: self._text(self._compiled, said, open_answer)))

    def _text(self, compiled: Any, messages: list[dict[str, Any]], open_answer: bool) -> str:
        parts = []
        for part in compiled.generate(messages=messages, bos_token=self.bos, eos_token=self.eos, tools=None,
                                      documents=None, add_generation_prompt=open_answer):
            self._budget.charge(part)
            parts.append(part)
        return "".join(parts)


def _short(text: str) -> str:
    if len(text) > TEMPLATE_LIMIT:
        raise EngineError(f"the chat template has {len(text):,} letters; none that is one is so long", "template")
    return text


def _messages(messages: Any) -> list[dict[str, Any]]:
    """A copy of the messages as plain data: what a template changes is its own."""
    if not isinstance(messages, list) or not messages:
        raise EngineError("messages want a list with at least one message", "refused")
    if not all(isinstance(m, dict) and isinstance(m.get("role"), str) for m in messages):
        raise EngineError("each message wants a role and a content", "refused")
    return [{**m, "content": _content(m.get("content"))} for m in messages]


def _content(content: Any) -> str:
    """The text of a content; of its typed parts, the texts one after the other."""
    if isinstance(content, list) and all(isinstance(p, dict) and p.get("type") == "text" for p in content):
        return "".join(str(p.get("text", "")) for p in content)
    if isinstance(content, str):
        return content
    raise EngineError("the content of a message wants text", "refused")


def _lone(messages: list[dict[str, Any]]) -> str:
    if len(messages) != 1 or messages[0]["role"] != "user":
        raise EngineError("this model has no chat template: it takes one text, no conversation", "template")
    return str(messages[0]["content"])


def _guarded(work: Callable[[], Any]) -> Any:
    """Whatever a template does wrong, as one error."""
    import jinja2

    try:
        return work()
    except EngineError:
        raise
    except Spent as fault:
        raise EngineError(f"the chat template was stopped: {fault}", "template") from None
    except jinja2.TemplateSyntaxError as fault:
        raise EngineError(f"the chat template is no Jinja: {fault.message} (line {fault.lineno})", "template") from None
    except (RecursionError, MemoryError):
        raise EngineError("the chat template was stopped: it nests too deeply", "template") from None
    except Exception as fault:  # whatever else: the template is a stranger's program
        raise EngineError(f"the chat template failed: {str(fault)[:300]}", "template") from None


def _environment(budget: Budget) -> Any:
    """Jinja as chat templates expect it (block lines leave no blank), with nothing in it but data and the budget."""
    made = _sandbox(budget)(trim_blocks=True, lstrip_blocks=True, optimized=False, finalize=budget.written,
                            extensions=["jinja2.ext.loopcontrols", _generation()])
    kept = {name: made.filters[name] for name in FILTERS}
    made.filters.clear()
    made.filters.update({name: budget.filter(name, filter) for name, filter in kept.items()}, tojson=budget.json(_json))
    made.globals.clear()
    made.globals.update(range=budget.range, dict=dict, namespace=_namespace(), raise_exception=_raised,
                        strftime_now=_now)
    made.charge, made.bounded = budget.tick, budget.bounded
    return made


def _generation() -> Any:
    from jinja2.ext import Extension

    class Generation(Extension):
        """{% generation %}, which marks the answer for training and changes nothing here."""

        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    return Generation


def _sandbox(budget: Budget) -> Any:
    """The class of an environment in which every operation, call and attribute is asked for and costs something."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Sandbox(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset("+ - * / // % **".split())

        def _parse(self, source: str, name: str | None, filename: str | None) -> Any:
            return metered(super()._parse(source, name, filename), self)

        def wrap_str_format(self, value: Any) -> Any:
            plain = super().wrap_str_format(value)
            return plain and budget.formatted(value.__self__, plain)

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            known = next((ATTRIBUTES[kind] for kind in ATTRIBUTES if isinstance(obj, kind)), None)
            return attr in known if known is not None else super().is_safe_attribute(obj, attr, value)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _calculable(operator, left, right)
            return budget.bounded(super().call_binop(context, operator, left, right))

        def call(__self, __context: Any, __obj: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(getattr(__obj, "__self__", None), (str, list, dict, tuple)):
                budget.allow(__obj.__name__, __obj.__self__, args)
            return budget.bounded(super().call(__context, __obj, *args, **kwargs))

    return Sandbox


def _namespace() -> Any:
    from jinja2.utils import Namespace

    return Namespace


def _calculable(operator: str, left: Any, right: Any) -> None:
    """Refuses arithmetic whose result would be endless: its size is known before it is made."""
    if operator == "%" and isinstance(left, str):
        raise Spent("texts are not formatted here")
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if operator == "*" and not numbers:
        many, thing = (left, right) if isinstance(left, int) else (right, left)
        if not isinstance(many, int) or many * len(thing) > 1 << 20:
            raise Spent("a text or list is repeated too often")
    if operator in ("*", "**") and numbers and max(abs(left), abs(right)) > LARGEST:
        raise Spent("a number grows too large")
    if operator == "**" and numbers and abs(right) > 64:
        raise Spent("a number grows too large")


def _raised(message: Any = "") -> Any:
    raise EngineError(f"the chat template refuses these messages: {str(message)[:300]}", "template")


def _now(format: Any) -> str:
    """The day as a template wants it written; widths, which would pad without end, are refused."""
    if not isinstance(format, str) or not TIMES.fullmatch(format):
        raise Spent("a date is written in no usual way")
    return datetime.now().strftime(format)


def _json(value: Any, ensure_ascii: bool = False, indent: int | None = None, separators: Any = None,
          sort_keys: bool = False) -> str:
    """As transformers writes JSON into prompts: letters as they are, no escaping for web pages."""
    if isinstance(indent, int) and indent > 16:
        raise Spent("JSON is indented too far")
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
