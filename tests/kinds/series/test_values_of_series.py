"""What counts as a stuck stretch, and as a code for a missing value, in one channel of one series."""

from __future__ import annotations

import numpy as np
import pytest

from genfoundry.kinds.series.suite_of_values import far, is_code, stuck

RANDOM = np.random.default_rng(3)
NOISE = RANDOM.normal(20, 3, 1000).round(2)


def held(values: np.ndarray, begin: int, length: int) -> np.ndarray:
    held = values.copy()
    held[begin : begin + length] = held[begin]
    return held


@pytest.mark.parametrize("begin", [0, 300, 900])
def test_a_stuck_stretch_is_found_with_place_and_length_wherever_it_lies(begin):
    assert stuck(held(NOISE, begin, 60), 24) == (begin, 60)


def test_a_second_stuck_stretch_does_not_hide_the_first():
    assert stuck(held(held(NOISE, 100, 300), 500, 250), 24) == (100, 300)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(held(NOISE, 300, 24), id="as long as the season"),
        pytest.param(np.repeat(NOISE[:20], 50), id="steps"),
        pytest.param(np.where(np.arange(1000) % 100 < 60, 0.0, NOISE), id="zero by night"),
        pytest.param(np.repeat(RANDOM.random(100) < 0.1, 10) * NOISE, id="rain"),
        pytest.param((np.arange(1000) % 300 == 0).astype(float), id="a rare flag"),
    ],
)
def test_runs_that_the_rest_of_the_series_explains_are_no_fault(sound):
    assert stuck(sound, 24) is None


def edge(*values: float, rest: np.ndarray = NOISE) -> float | None:
    distinct, counts = np.unique(np.r_[rest, values], return_counts=True)
    side = far(distinct, counts)
    return None if side is None else float(distinct[side])


@pytest.mark.parametrize("code", [-9999.0, 9999.0, -999.0, -99.0, 65535.0, -32768.0, 999.9])
def test_codes_are_found_however_seldom(code):
    assert edge(code) == code


def test_another_extreme_is_found_where_it_comes_again():
    assert edge(-500.0, -500.0) == -500.0
    assert edge(-500.0) is None


def test_a_second_code_does_not_hide_the_first():
    assert edge(*[-9999.0] * 9, *[-999.0] * 9) == -9999.0


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(NOISE, id="noise"),
        pytest.param((RANDOM.random(1000) < 0.03).astype(float), id="a flag"),
        pytest.param(RANDOM.poisson(0.1, 1000).astype(float), id="counts"),
        pytest.param(np.r_[NOISE, 0.0, 0.0], id="closed days"),
        pytest.param(RANDOM.lognormal(0, 1, 1000).round(1), id="a long tail"),
    ],
)
def test_extremes_that_lie_near_the_rest_are_no_codes(sound):
    assert edge(rest=sound) is None


def test_nines_and_the_ends_of_integers_are_codes():
    assert [value for value in (-9999.0, 99.9, 9.0, 0.0, 998.0, 2.0**31, 2.0**31 - 1) if is_code(value)] == [
        -9999.0, 99.9, 2.0**31, 2.0**31 - 1,
    ]  # fmt: skip
