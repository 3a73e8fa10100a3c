"""A chat template is a stranger's program: it may write text, and nothing else, and not for ever."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from caveat.errors import EngineError
from caveat.runtime import template_budget
from caveat.runtime.chat_template import Template
from caveat.runtime.gguf_words import words
from tests.runtime.answering import smollm2

ASK = [{"role": "user", "content": "Hi {{ 7 * 7 }}"}]
DOUBLED = ("{{% set ns = namespace(s={start}) %}}{{% for i in range(60) %}}{{% set ns.s = {more} %}}{{% endfor %}}"
           "{{{{ ns.s }}}}")
ENDLESS = {
    "loops in loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "filtered loops": "{% for a in range(99999) %}{% for b in range(99999) if false %}{% endfor %}{% endfor %}",
    "macros": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "blocks": "{% block a %}{{ self.a() }}{{ self.a() }}{% endblock %}",
    "recursive loops": "{% for i in messages recursive %}{{ loop(messages) }}{% endfor %}",
    "repetition": "{{ 'a' * 10**10 }}", "powers": "{{ 9 ** 99999999 }}",
    "wide format": "{{ '{:>999999999}'.format(1) }}", "old format": "{{ '%999999999d' % 1 }}",
    "many fields": "{{ ('{0}' * 5000).format('x' * 100000) }}",
    "sums": DOUBLED.format(start="'ab'", more="ns.s ~ ns.s"), "plus": DOUBLED.format(start="'ab'", more="ns.s + ns.s"),
    "nested lists": DOUBLED.format(start="['a']", more="[ns.s, ns.s]"),
    "nested maps": DOUBLED.format(start="['a']", more="{'a': ns.s, 'b': ns.s}"),
    "replacing": DOUBLED.format(start="'ab'", more="ns.s.replace('a', ns.s)"),
    "the filter": DOUBLED.format(start="'ab'", more="ns.s | replace('b', ns.s)"),
    "wide": "{{ 'x' | indent(10**9) }}", "json": "{{ messages | tojson(indent=10**9) }}",
    "dates": "{{ strftime_now('%999999999d') }}", "ranges": "{{ range(10**12) | list }}",
    "text in loops": "{% set x %}{% for i in range(99999) %}" + "y" * 100_000 + "{% endfor %}{% endset %}",
    "nesting": "{{ " + "(" * 50_000, "sums without end": "{{ 1" + "+1" * 6_000 + " }}", "too long": "x" * 200_000,
}
REACHING = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ cycler.__init__.__globals__.os.system('touch SEEN') }}",
    "{{ self.__init__.__globals__ }}", "{{ namespace.__init__.__globals__ }}", "{{ lipsum.__globals__ }}",
    "{{ range.__func__.__globals__ }}", "{% include '/etc/passwd' %}", "{% import 'os' as os %}",
    "{% extends '/etc/passwd' %}", "{{ messages | map('attr', '__class__') | list }}", "{{ messages.append(1) }}",
    "{{ messages[0].update({'role': 'x'}) }}", "{{ messages[0].content.encode() }}",
    "{{ raise_exception.__globals__.x }}", "{{ '{0.__class__}'.format(1) }}", "{{ '{a[0]}'.format_map({'a': 1}) }}",
]


def test_a_real_template_gives_the_text_the_model_was_trained_on() -> None:
    head = words(smollm2())

    said = Template(head.template, head.bos, head.eos).render([{"role": "system", "content": "Be short."}, *ASK])

    assert said == ("<|im_start|>system\nBe short.<|im_end|>\n<|im_start|>user\nHi {{ 7 * 7 }}<|im_end|>\n"
                    "<|im_start|>assistant\n")


def test_what_real_templates_use_is_there() -> None:
    text = ("{{- bos_token }}{%- set ns = namespace(n=0) %}{%- for m in messages if m.role != 'system' %}\n"
            "{%- if loop.index0 > 5 %}{% break %}{% endif %}{% set ns.n = ns.n + 1 %}"
            "{% generation %}[{{ m['role'] | upper }}] {{ m.content | trim }}{% endgeneration %}"
            "{{ {'a': [1, 'é<']} | tojson }}{%- endfor %}{{ ns.n }}{{ 'a,b'.split(',')[-1] }}"
            "{{ '%' ~ strftime_now('%Y')[:2] }}{{ tools is none }}{{ '<{}{a}>'.format(1, a='b') }}")

    assert Template(text, "<s>").render(ASK) == '<s>[USER] Hi {{ 7 * 7 }}{"a": [1, "é<"]}1b%20True<1b>'


@pytest.mark.parametrize("name", ENDLESS)
def test_a_template_without_end_is_stopped(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_budget, "STEPS", 100_000)  # a fiftieth of the real budget, so that this is quick

    with pytest.raises(EngineError, match="the chat template") as fault:
        Template(ENDLESS[name]).render(ASK)

    assert fault.value.kind == "template"


@pytest.mark.parametrize("text", REACHING)
def test_a_template_reaches_nothing_but_its_messages(
        text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(EngineError, match="the chat template"):
        Template(text).render(ASK)

    assert list(tmp_path.iterdir()) == []


def test_time_is_a_budget_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_budget, "SECONDS", 0.2)
    text = "{% set a = range(99999) | list %}{% for i in range(99999) %}{% if -1 in a %}{% endif %}{% endfor %}"

    with pytest.raises(EngineError, match="seconds"):
        Template(text).render(ASK)


def test_what_a_template_refuses_is_told_in_its_words() -> None:
    with pytest.raises(EngineError, match="refuses these messages: roles must alternate"):
        Template("{{ raise_exception('roles must alternate') }}").render(ASK)


@pytest.mark.deep
def test_templates_of_real_models_give_what_transformers_gives(material: Path) -> None:
    """Every template that llama.cpp keeps, against Jinja set up as transformers sets it up, without any budget."""
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    folder = Path(os.environ.get("LLAMA_CPP", material / "llama.cpp")) / "models" / "templates"
    files = sorted(folder.glob("*.jinja"))
    if not files:
        pytest.skip(f"no templates in {folder}: set LLAMA_CPP to llama.cpp's sources")
    plain = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"])
    plain.filters["tojson"] = lambda value, **how: json.dumps(value, ensure_ascii=False, **how)
    plain.globals.update(raise_exception=lambda what: 1 / 0, strftime_now=lambda how: datetime.now().strftime(how))
    told = [{"role": "system", "content": "S"}, *ASK, {"role": "assistant", "content": "yo"}, *ASK]
    compared = 0
    for file in files:
        text = file.read_text("utf-8")
        for messages in (ASK, told):
            try:
                wanted = plain.from_string(text).render(messages=messages, bos_token="<s>", eos_token="</s>",
                                                        tools=None, documents=None, add_generation_prompt=True)
            except Exception:  # it wants other messages, or a tag that plain Jinja does not know
                continue
            compared += 1
            assert Template(text, "<s>", "</s>").render(messages) == wanted, file.name

    assert compared > len(files)


def test_a_budget_is_for_one_rendering_not_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template_budget, "STEPS", 10_000)
    template = Template("{% for i in range(1000) %}{% endfor %}done")

    assert {template.render(ASK) for _ in range(8)} == {"done"}


def test_messages_are_given_as_a_copy() -> None:
    mine = [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]

    assert Template("{{ messages[0].content }}").render(mine) == "ab"
    assert mine[0]["content"][0] == {"type": "text", "text": "a"}


def test_without_a_template_a_lone_text_goes_through_and_a_conversation_does_not() -> None:
    assert Template("").render([{"role": "user", "content": "Once upon"}]) == "Once upon"
    with pytest.raises(EngineError, match="no chat template"):
        Template("").render([*ASK, *ASK])
