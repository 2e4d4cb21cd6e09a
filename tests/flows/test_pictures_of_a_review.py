"""The pictures on a review's page, from real evaluations: a forecaster's fans and a classifier's confusions."""

from __future__ import annotations

import base64
import re
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from genfoundry_flows.review import review as reviewing
from support.tracked import untrained
from support.trained import digits
from support.waves import PLAN, waves

from genfoundry import tracking
from genfoundry.dataset import verify
from genfoundry.exhibit import FILE, Bands, Exhibit, Matrix, from_json
from genfoundry.gate import Policy
from genfoundry.records import Evaluation
from genfoundry.report import standalone_svg
from genfoundry.review.affected import Selection, Touched
from genfoundry.review.compare import Review, Side, compare
from genfoundry.stages.evaluate import evaluate_model
from genfoundry.tasks.classification.about import Plan

SVG = "{http://www.w3.org/2000/svg}"


def page(found: Evaluation, output: Path, embed: bool = False) -> str:
    """The page of a review in which a new recipe was judged so."""
    touched = Touched(found.checkpoint.recipe, ("its recipe",), ())
    compared = compare(touched, Side(error="This revision has no such recipe."), Side(found), Policy(), None)
    review = Review("main", "0" * 12, "1" * 12, False, False, "ci", (compared,), Selection((touched,), (), ()))
    return reviewing.write_page(review, output, embed).read_text(encoding="utf-8")


def texts(drawing: bytes) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(drawing).iter(f"{SVG}text")]


def test_a_forecaster_shows_its_fans(root, monkeypatch):
    folder = waves(root)
    data = verify(folder).version
    found = evaluate_model(untrained(data, "deepar", {"layers": 1, "hidden": 4}, root / "model"), PLAN)
    text = page(found, root / "review.md")
    assert '| **deepar** | none | <img src="review-deepar-after.svg"' in text
    drawing = (root / "review-deepar-after.svg").read_bytes()
    assert [word for word in texts(drawing) if word in ("a, V", "b, V")] == ["a, V", "a, V", "b, V"]
    styles = [path.get("class") for path in ElementTree.fromstring(drawing).iter(f"{SVG}path")]
    for style in ("wide", "narrow", "median", "past", "observed", "baseline-0", "baseline-1"):
        assert styles.count(style) == 3 + 1, style  # three forecasts and the legend
    (address,) = re.findall(r'<img src="data:image/svg\+xml;base64,([^"]+)"', page(found, root / "one.md", embed=True))
    assert base64.b64decode(address) == drawing
    monkeypatch.setattr(reviewing, "MOST_PICTURES", 2 * len(address) // 3)
    assert '<img src="full-deepar-after.svg"' in page(found, root / "full.md", embed=True)
    assert (root / "full-deepar-after.svg").read_bytes() == drawing
    assert "<img" not in (root / "review-comment.md").read_text(encoding="utf-8")


def test_a_classifier_shows_what_it_takes_for_what(root):
    found = evaluate_model(untrained(digits(root), "cnn", {}, root / "model"), Plan())
    assert '<img src="review-cnn-after.svg"' in page(found, root / "review.md")
    shown = texts((root / "review-cnn-after.svg").read_bytes())
    (matrix,) = (each for each in _exhibits(found) if isinstance(each, Matrix))
    assert shown[-100:] == [f"{count:,.0f}" for row in matrix.cells for count in row]
    assert shown[1:21] == [str(digit) for _ in ("rows", "columns") for digit in range(10)]


def _exhibits(found: Evaluation) -> tuple[Exhibit, ...]:
    with tempfile.TemporaryDirectory() as scratch:
        path = tracking.fetch_whole(found.checkpoint.run_id, f"{found.folder}/{FILE}", Path(scratch))
        return from_json(path.read_text())


@pytest.mark.parametrize("name", ["<script>&", "\x00\x08\x1b[31m", "☃" * 500])
def test_a_name_of_any_letters_leaves_the_drawing_whole(name):
    quantiles = {level: [1.0, None] for level in ("0.025", "0.1", "0.5", "0.9", "0.975")}
    forecast = Bands(
        title="Forecasts", caption=name, freq="h", start="2020-01-01T00:00:00", past=[1.0, None, 3.0],
        observed=[None, 2.0], quantiles=quantiles,
    )  # fmt: skip
    title = texts(standalone_svg.forecasts([forecast]))[0]
    assert title == "".join(letter for letter in name if letter.isprintable())[:33] + "…" * (len(name) > 34)
