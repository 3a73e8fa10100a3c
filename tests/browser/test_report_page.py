"""The one-file page in a real browser: it fits a phone and a desk, draws its picture and runs nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from caveat.report import render
from tests.report import samples

pytestmark = pytest.mark.browser
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MEASURE = (
    "<script>addEventListener('load', () => { const s = document.querySelector('svg');"
    "document.title = [document.documentElement.scrollWidth, innerWidth,"
    " s ? Math.round(s.getBoundingClientRect().height) : 0].join(' '); });</script>"
)


def seen(page: str, folder: Path, width: int) -> tuple[int, int, int]:
    """Width of the content, of the window, and height of the drawing, as the browser lays the page out.

    The page forbids scripts, so the copy that is measured is the page without that rule and with one script.
    """
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    copy = folder / "page.html"
    bare = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", page)
    copy.write_text(bare.replace("</body>", MEASURE + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
         f"--window-size={width},900", "--virtual-time-budget=3000", "--dump-dom", copy.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )
    title = re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout)
    assert title, done.stdout[:400] + done.stderr[-400:]
    return int(title[1]), int(title[2]), int(title[3])


@pytest.mark.parametrize("width", [500, 1280])  # headless Chromium makes no window narrower than 500
@pytest.mark.parametrize("name", [pytest.param("neural-chat", marks=pytest.mark.deep), "hostile"])
def test_nothing_is_wider_than_the_window(name: str, width: int, tmp_path: Path) -> None:
    content, window, drawing = seen(render("html", samples.ALL[name]), tmp_path, width)

    assert content <= window
    assert drawing > 100


def test_the_page_itself_allows_no_script() -> None:
    page = render("html", samples.ALL["hostile"])

    assert "default-src 'none'" in page
    assert "<script" not in page.lower()
