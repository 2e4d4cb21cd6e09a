"""Evaluations of the releases before exhibits are shown with all that they had to show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from demo import DIGITS, classifier_view, grid, image_view, page, series_view

from genfoundry.exhibit import FILE, Bands, Bars, Lines, Matrix, Picture, Table, to_json
from genfoundry.report import before
from genfoundry.report.gallery import read_gallery

NAMES = ("zero", "one")
FORECAST = {
    "series": "EWR", "unit": "°C", "freq": "h", "start": "2013-11-02T00:00:00", "past": [1.0, None], "future": [2.0],
    "quantiles": {"0.5": [1.5]}, "baselines": {"auto_ets": [1.0]},
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A gallery with a file of every kind that there was, and one that nobody knows."""
    for name in ("samples", "samples-standard_prior", "anomalies", "neighbours", "own_drawing"):
        (tmp_path / f"{name}.png").write_bytes(grid(1, 2, 0.1))
    return tmp_path


def judged(**details: list[float]):
    return image_view("a", "gan", "", "", 1.0).version.evaluation.model_copy(update={"details": details})


def test_its_files_are_pictures_in_the_order_of_the_report(folder: Path) -> None:
    shown = read_gallery(folder, judged(), NAMES)
    assert [(each.title, each.file) for each in shown.exhibits if isinstance(each, Picture)] == [
        ("Samples", "samples.png"),
        ("Samples", "samples-standard_prior.png"),
        ("Nearest training examples", "neighbours.png"),
        ("Anomalies", "anomalies.png"),
        ("Own drawing", "own_drawing.png"),
    ]
    assert {*shown.files} == {path.name for path in folder.iterdir()}
    assert shown.exhibits[0].stands_for == (292, 60)  # five cells of 56 pixels and their gaps
    assert DIGITS.spec.model_dump()["height"] == 28


def test_its_forecasts_are_bands(folder: Path) -> None:
    (folder / before.FORECASTS).write_text(json.dumps([FORECAST]))
    (shown,) = (each for each in read_gallery(folder, judged(), ()).exhibits if isinstance(each, Bands))
    assert (shown.caption, shown.unit, shown.observed, shown.lines) == ("EWR", "°C", (2.0,), {"auto_ets": (1.0,)})


def test_its_details_are_bars_lines_matrices_and_tables_by_the_names_of_the_card() -> None:
    details = {
        "class_share": [0.4, 0.6], "class_share_real": [0.5, 0.5], "fd_by_class": [1.0, 2.0],
        "confusion/0": [9.0, 1.0], "confusion/1": [0.0, 8.0],
        "reliability/examples": [3.0], "reliability/confidence": [0.9], "reliability/accuracy": [0.8],
        "crps_by_step": [1.0, 2.0], "crps_by_step_noise": [9.0, 9.0], "crps_by_step_auto_ets": [2.0, 3.0],
        "found/level_shift": [0.5, 0.25, 0.1, 0.0],
        "windows/scaled_crps_h2_o1": [1.0], "confidence": [0.87],
    }  # fmt: skip
    share, distance, matrix, calibration, by_step, faults, rest = before.of_details(details, NAMES)
    assert isinstance(share, Bars)
    assert (share.bars, share.beside) == (
        (("zero", 0.4), ("one", 0.6)),
        {"real": (0.5, 0.5)},
    )
    assert isinstance(distance, Bars)
    assert distance.bars == (("zero", 1.0), ("one", 2.0))
    assert isinstance(matrix, Matrix)
    assert (matrix.rows, matrix.cells) == (NAMES, ((9, 1), (0, 8)))
    assert isinstance(calibration, Lines)
    assert calibration.lines["model"] == ((0.9, 0.8),)
    assert isinstance(by_step, Lines)
    assert by_step.lines == {"model": ((1, 1), (2, 2)), "auto_ets": ((1, 2), (2, 3))}
    assert isinstance(faults, Table)
    assert faults.rows == (("level shift", "50%", "25%", "10%", "0%"),)
    assert isinstance(rest, Table)
    assert rest.rows == (("confidence", "0.870"),)
    assert next(iter(before.of_details({"confusion/0": [1.0, 0.0], "confusion/1": [0.0, 1.0]}, ()))).rows == ("0", "1")


def test_what_it_had_to_show_is_drawn(folder: Path) -> None:
    shown = read_gallery(folder, judged(class_share=[0.4, 0.6], class_share_real=[0.5, 0.5]), NAMES)
    view = image_view("a", "gan", "", "", 1.0).model_copy(update=shown._asdict())
    html = page([view])
    for heading in ("Samples", "Anomalies", "Own drawing", "Share of each class"):
        assert f"<h3>{heading}</h3>" in html


@pytest.mark.parametrize("view", [classifier_view(), series_view()], ids=lambda view: view.recipe)
def test_exhibits_of_today_are_read_as_they_were_written(view, folder: Path) -> None:
    (folder / FILE).write_text(to_json(view.exhibits))
    assert read_gallery(folder, view.version.evaluation, ()).exhibits == view.exhibits


def test_files_that_no_exhibit_names_are_not_read_and_those_that_are_gone_are_left_out(folder: Path) -> None:
    named = (Picture(title="One", file="samples.png", alt="one"), Picture(title="Two", file="gone.png", alt="two"))
    (folder / FILE).write_text(to_json(named))
    assert [*read_gallery(folder, judged(), ()).files] == ["samples.png"]
