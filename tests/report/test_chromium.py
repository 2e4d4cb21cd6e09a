"""The page in a real browser: drawn, in light and dark, and without a sideways scroll on a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from demo import DIGITS, DIGITS_CARD, fleet, page, validated

from genfoundry.report import render_validation

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDTHS = (390, 1280)

HARNESS = """<!doctype html><body>%s<pre id="result"></pre><script>
onload = () => { result.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(frame => {
  const page = frame.contentDocument, root = page.documentElement;
  return {
    inner: frame.contentWindow.innerWidth, scroll: root.scrollWidth, height: root.scrollHeight,
    background: frame.contentWindow.getComputedStyle(page.body).backgroundColor,
    loaded: [...page.images].filter(i => i.naturalWidth > 0).length, images: page.images.length,
    flat: [...page.querySelectorAll("svg.canvas, svg.track")].filter(s => {
      const box = s.getBoundingClientRect(); return box.width < 20 || box.height < 10; }).length,
    plots: page.querySelectorAll("svg.canvas, svg.track").length,
    small: [...page.querySelectorAll("p, dd, dt, small, figcaption, span, a, code")].filter(e =>
      e.textContent.trim() && parseFloat(frame.contentWindow.getComputedStyle(e).fontSize) < 10).length,
  };
})); };
</script>"""


def chromium() -> str:
    """The browser's program; its absence is a failure that says how to mend it."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail(f"No Chromium ({', '.join(NAMES)}) on the PATH. Remedy: apt-get install chromium")
    return found


def browse(folder: Path, *arguments: str) -> str:
    command = [chromium(), *FLAGS, f"--user-data-dir={folder / 'profile'}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=True).stdout


def measure(folder: Path, document: str, scheme: int) -> list[dict]:
    """What the browser made of `document` at each of `WIDTHS`; scheme 0 is dark, 1 is light."""
    frame = '<iframe style="border:0;height:900px;width:{}px" srcdoc="{}"></iframe>'
    frames = "".join(frame.format(width, html.escape(document)) for width in WIDTHS)
    (folder / "harness.html").write_text(HARNESS % frames, encoding="utf-8")
    scheme_flag = f"--blink-settings=preferredColorScheme={scheme}"
    dom = browse(folder, scheme_flag, "--dump-dom", (folder / "harness.html").as_uri())
    found = re.search(r'<pre id="result">(.+?)</pre>', dom, re.S)
    assert found, dom[-500:]
    return json.loads(html.unescape(found[1]))


def lightness(colour: str) -> float:
    return sum(map(int, re.findall(r"\d+", colour)[:3])) / (3 * 255)


@pytest.fixture(scope="module")
def report() -> str:
    return page(fleet())


@pytest.mark.parametrize(("scheme", "light"), [(1, True), (0, False)])
def test_the_report_is_drawn_on_a_phone_and_a_desktop(tmp_path: Path, report: str, scheme: int, light: bool) -> None:
    for width, found in zip(WIDTHS, measure(tmp_path, report, scheme), strict=True):
        assert found["inner"] == width
        assert found["scroll"] <= width
        assert found["height"] > 5000
        assert found["loaded"] == found["images"] > 20
        assert found["plots"] > 40
        assert found["flat"] == 0
        assert found["small"] == 0
        assert (lightness(found["background"]) > 0.5) is light


def test_long_words_do_not_widen_the_page(tmp_path: Path) -> None:
    word = "x" * 300
    view = fleet()[0]
    view = view.model_copy(
        update={"recipe": word, "title": word, "family": word, "settings": {word: word}, "curves": {word: [(0, 1.0)]},
                "card": {**view.card, "title": word, "class_names": [word] * 10}}
    )  # fmt: skip
    for width, found in zip(WIDTHS, measure(tmp_path, page([view]), 1), strict=True):
        assert found["scroll"] <= width


def test_the_validation_page_scrolls_its_table_in_its_own_box(tmp_path: Path) -> None:
    rows = [{"path": "a/" + "y" * 200, "reason": "NOT_IMAGE", "sentence": "It begins with text.", "sha256": "ab" * 32}]
    document = render_validation(validated(DIGITS, {"train": 4000}), DIGITS_CARD, rows)
    for width, found in zip(WIDTHS, measure(tmp_path, document, 1), strict=True):
        assert found["scroll"] <= width


def test_a_picture_of_the_page_is_not_blank(tmp_path: Path, report: str) -> None:
    from PIL import Image

    (tmp_path / "report.html").write_text(report, encoding="utf-8")
    shot = tmp_path / "shot.png"
    browse(tmp_path, f"--screenshot={shot}", "--window-size=1280,1600", (tmp_path / "report.html").as_uri())
    with Image.open(shot) as image:
        assert image.size == (1280, 1600)
        assert len(image.convert("L").getcolors(256) or []) > 100
