"""Geometry of the plots, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from demo import forecast, score

from genfoundry.exhibit import Bands, Bars, Lines, Matrix, Table
from genfoundry.judging import classes
from genfoundry.report import cells, charts
from genfoundry.report import score_marks as scored
from genfoundry.report.scales import Scale, fit, time_ticks


def test_a_linear_axis() -> None:
    scale = Scale(0, 10)
    assert [scale.at(v) for v in (-1, 0, 2.5, 10, 99)] == [0, 0, 25, 100, 100]
    assert [(tick.at, tick.label) for tick in scale.ticks(5)] == [
        (0, "0"), (20, "2"), (40, "4"), (60, "6"), (80, "8"), (100, "10"),
    ]  # fmt: skip


def test_a_logarithmic_axis() -> None:
    scale = Scale(0.1, 1000, log=True)
    assert [scale.at(v) for v in (0.1, 1, 10, 100, 1000)] == [0, 25, 50, 75, 100]
    assert scale.at(-5) == 0
    assert [tick.label for tick in scale.ticks(5)] == ["0.1", "1", "10", "100", "1,000"]


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 19], False), ([1, 21], True), ([0, 1000], False), ([-1, 1000], False), ([math.nan], False), ([], False)],
)
def test_the_axis_is_logarithmic_where_positive_values_spread(values: list[float], log: bool) -> None:
    assert fit(values).log is log


@pytest.mark.parametrize("values", [[3.0], [0.0], [-2.0, -2.0], [1e-9, 1e9], [5e5, 5.0001e5], [math.inf, 1.0]])
def test_every_axis_has_ticks_inside_it_and_shows_its_values(values: list[float]) -> None:
    scale = fit(values)
    assert scale.low < scale.high
    ticks = scale.ticks()
    assert 1 <= len(ticks) <= 5
    assert all(0 <= tick.at <= 100 for tick in ticks)
    assert all(0 < scale.at(v) < 100 for v in values if math.isfinite(v))


def test_shares_have_an_axis_from_zero_to_one() -> None:
    scale = scored.score_scale("precision_domain-x_1k", [score("precision_domain-x_1k", 0.6, 0.5, 0.7)])
    assert (scale.low, scale.high, scale.log) == (0, 1, False)


def test_a_mark_that_is_not_finite_has_no_place() -> None:
    lost = scored.mark(score("fd_x", math.nan, math.nan, math.nan), Scale(0, 1))
    assert (lost.at, lost.text) == (None, "NaN")


def test_strips_put_the_primary_score_and_the_model_first() -> None:
    scores = [score("kid_x", 1, 1, 1), score("fd_x", 9, 8, 10, "noise"), score("fd_x", 2, 1, 3)]
    found = scored.strips(scores, "fd_x")
    assert [strip.name for strip in found] == ["fd_x", "kid_x"]
    assert [mark.subject for mark in found[0].marks] == ["model", "noise"]


def test_a_learning_curve_says_what_was_not_finite() -> None:
    plot = charts.curve("train/loss", [(0, 1.0), (1, math.nan), (2, 3.0)])
    assert "1 values are not finite" in plot.note
    assert "nan" not in plot.lines[0].path


def test_a_constant_curve_and_an_empty_one_are_drawn() -> None:
    assert charts.curve("a", [(5, 2.0)]).lines[0].path == "M0.00 50.00"
    assert "nothing finite" in charts.curve("a", [(0, math.inf)]).note


def test_smoothing_keeps_a_straight_line() -> None:
    line = [(step, 2.0 * step) for step in range(400)]
    assert [step for step, _ in charts._smooth(line)] == list(range(400))
    assert [value for _, value in charts._smooth(line)] == pytest.approx([value for _, value in line])


def test_thinning_keeps_the_extremes() -> None:
    points = [(step, math.sin(step / 50)) for step in range(5000)]
    points[1234] = (1234, 99.0)
    points[4321] = (4321, -99.0)
    thin = charts._thin(points)
    assert len(thin) <= charts.MOST_POINTS + 2
    assert {(1234, 99.0), (4321, -99.0)} <= set(thin)
    assert thin == sorted(thin)


def test_a_fan_counts_what_the_band_held_and_leaves_gaps_open() -> None:
    plot = charts.bands(
        Bands(
            title="Forecasts", caption="a", freq="D", start="2024-01-01", past=[0.0, 1.0], observed=[1.0, None, 9.0],
            quantiles={"0.1": [0, 0, 0], "0.5": [1, 1, 1], "0.9": [2, 2, 2]},
        )
    )  # fmt: skip
    assert plot.note == "1 of 2 in the 80 % band"
    observed = next(line.path for line in plot.lines if line.style == "observed")
    assert observed.count("M") == 2  # the missing value lifts the pen
    assert not any(line.style == "wide" for line in plot.lines)  # there is no 95 % band to draw
    assert plot.now == Scale(0, 4).at(1.5)


def test_a_fan_shows_at_most_two_horizons_of_the_past() -> None:
    plot = charts.bands(forecast("a", 0))
    past = next(line.path for line in plot.lines if line.style == "past")
    assert past.count("L") == 2 * 24 - 1
    # 168 hours from 2 November, the first 120 not shown, then 24 ahead: 72 in all
    days = [(0, "07 Nov 2013"), (24, "08 Nov 2013"), (48, "09 Nov 2013")]
    assert [tuple(tick) for tick in plot.xs] == [(round(100 * step / 71, 2), day) for step, day in days]


@pytest.mark.parametrize(
    ("freq", "total", "labels"),
    [
        ("h", 25, ["01 Jan 00:00", "01 Jan 12:00", "02 Jan 00:00"]),
        ("D", 60, ["01 Jan 2024", "15 Jan 2024", "01 Feb 2024", "15 Feb 2024"]),
        ("MS", 37, ["2024", "2025", "2026", "2027"]),
        ("YE", 30, ["2030", "2040", "2050"]),
        ("30min", 12, ["01 Jan 00:00", "01 Jan 02:00", "01 Jan 04:00"]),
        ("W-SUN", 30, ["Mar 2024", "May 2024", "Jul 2024"]),
        ("s", 30, ["01 Jan 00:00:00", "01 Jan 00:00:10", "01 Jan 00:00:20"]),
        ("?", 9, ["step 0", "step 2", "step 4", "step 6", "step 8"]),
    ],
)
def test_times_are_round(freq: str, total: int, labels: list[str]) -> None:
    assert [tick.label for tick in time_ticks("2024-01-01", freq, 0, total)] == labels


def test_a_time_lies_where_its_step_does() -> None:
    """Eleven days from 30 January, the first of which is step 29."""
    ticks = time_ticks("2024-01-01", "D", 29, 11)
    assert [tuple(tick) for tick in ticks] == [(20, "01 Feb 2024"), (60, "05 Feb 2024"), (100, "09 Feb 2024")]


def test_times_before_the_nanoseconds_and_beyond_the_calendar() -> None:
    assert [tick.label for tick in time_ticks("1600-01-01", "YS", 0, 41)] == ["1600", "1620", "1640"]
    assert time_ticks("9990-01-01", "YS", 0, 21)[0].label == "step 0"


def test_bars_are_scaled_to_the_tallest() -> None:
    shown = Bars(
        title="Shares", bars=[("a", 0.1), ("b", 0.2), ("c", math.nan)], beside={"real": (0.1, 0.1)}, per_cent=True
    )
    found = cells.bars(shown)
    assert [(bar.label, bar.amount, bar.height, bar.beside) for bar in found.bars] == [
        ("a", "10", 50, [50]), ("b", "20", 100, [50]), ("c", "NaN", 0, []),
    ]  # fmt: skip
    assert found.unit == " %"


def test_an_interval_that_reaches_zero_leaves_the_axis_logarithmic() -> None:
    scale = scored.score_scale("fd_x", [score("fd_x", 0.1, 0.0, 0.3, "real"), score("fd_x", 1900, 1800, 2000, "noise")])
    assert scale.log
    assert scored.mark(score("fd_x", 0.1, 0.0, 0.3), scale).low == 0


def test_the_first_line_is_drawn_on_top_of_what_stands_beside_it() -> None:
    shown = Lines(
        title="Error", x_label="steps ahead", y_label="CRPS", y_ends=(0.0,),
        lines={"model": [(1, 1), (2, 3)], "auto_ets": [(1, 2), (2, 4)]},
    )  # fmt: skip
    plot = charts.lines(shown)
    assert [line.style for line in plot.lines] == ["baseline-0", "median"]
    assert plot.lines[1].path == f"M0.00 {100 - fit([4], ends=(0.0,)).at(1):.2f}L100.00 {100 - 75 / 1.04:.2f}"
    assert plot.alt == "Error: CRPS over steps ahead, 1.00 at 1.00, 3.00 at 2.00."


def test_lines_without_points_and_of_one_point_are_drawn() -> None:
    for points in ([], [(3, 1.0)], [(math.nan, math.nan)]):
        assert charts.lines(Lines(title="t", x_label="x", y_label="y", lines={"model": points})).ys


def test_calibration_is_drawn_beside_the_line_where_confidence_is_right() -> None:
    plot = charts.lines(classes.calibration([0.5, 1.0], [0.25, 1.0]))
    assert [(line.style, line.path) for line in plot.lines] == [
        ("baseline-0", "M0.00 100.00L100.00 0.00"), ("median", "M50.00 75.00L100.00 0.00"),
    ]  # fmt: skip
    assert "0.250 at 0.500" in plot.alt


def test_counts_are_shaded_by_their_row_and_signed_numbers_by_their_size() -> None:
    counts = cells.matrix(classes.confusions(["cat", "1"], np.array([[9, 1], [0, 0]])))
    assert (counts.corner, counts.names, counts.columns) == ("true ╲ predicted", ["cat", "1"], ["cat", "1"])
    assert [[(cell.text, cell.heat) for cell in row] for row in counts.rows] == [
        [("9", 9), ("1", 1)], [("0", 0), ("0", 0)],
    ]  # fmt: skip
    signed = cells.matrix(Matrix(title="t", rows=["a"], columns=["a", "b", "c"], cells=[[-0.5, 0.25, math.nan]]))
    assert [(cell.text, cell.heat, cell.negative) for cell in signed.rows[0]] == [
        ("−0.50", 10, True), ("0.25", 5, False), ("NaN", 0, False),
    ]  # fmt: skip


def test_of_many_classes_the_pairs_that_are_confused_most_are_told() -> None:
    counts = np.diag(np.full(30, 50))
    counts[3, 7], counts[29, 0] = 4, 9
    found = classes.confusions([f"c{number}" for number in range(30)], counts)
    assert isinstance(found, Table)
    assert found.rows == (("c29", "c0", 9), ("c3", "c7", 4))
