import math

import numpy as np
import pytest

from genfoundry.metrics.forecast import Forecast, crps, inside, seasonal_error, unit


def gaussian_crps(y, mu, sigma):
    """Gneiting and Raftery 2007, Eq. 5."""
    z = (y - mu) / sigma
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return sigma * (z * math.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


@pytest.mark.parametrize("y", [-1.0, 2.0, 3.3, 9.0])
def test_crps_of_a_gaussian_is_its_closed_form(y):
    samples = np.random.default_rng(0).normal(2.0, 1.5, (1, 100_000, 1))
    assert crps(samples, np.array([[y]]))[0, 0] == pytest.approx(gaussian_crps(y, 2.0, 1.5), abs=0.02)


def test_crps_of_one_sample_is_the_absolute_error():
    assert crps(np.array([[[3.0, 5.0]]]), np.array([[1.0, 9.0]])).tolist() == [[2.0, 4.0]]


def test_crps_of_two_samples_by_hand():
    # E|X − y| = (1 + 3) / 2; half of E|X − X'| over all four pairs = (4 + 4) / 4 / 2
    assert crps(np.array([[[0.0], [4.0]]]), np.array([[1.0]]))[0, 0] == pytest.approx(2 - 1)


def test_a_calibrated_forecaster_covers_what_it_says():
    rng = np.random.default_rng(1)
    truth, samples = rng.standard_normal((3000, 2)), rng.standard_normal((3000, 200, 2))
    assert inside(samples, truth, 0.8).mean() == pytest.approx(0.8, abs=0.02)
    assert inside(samples, truth, 0.95).mean() == pytest.approx(0.95, abs=0.015)
    assert inside(0.3 * samples, truth, 0.8).mean() < 0.4


def test_mase_of_the_seasonal_naive_forecast_of_a_steady_trend_is_one():
    history = np.arange(40.0)
    assert seasonal_error(history, 4) == 4
    real = np.stack((np.arange(40.0, 44.0), np.full(4, seasonal_error(history, 4))))[None]
    naive = np.repeat(history[None, None, -4:], 7, axis=1)
    assert Forecast.score(real, naive)["mase"] == pytest.approx(1)
    assert Forecast.score(real, naive + 2)["mase"] == pytest.approx(0.5)


def test_seasonal_error_skips_gaps_and_is_unknown_for_a_constant():
    assert seasonal_error(np.array([1.0, np.nan, 3.0, 5.0, 5.0]), 2) == pytest.approx(2)
    assert math.isnan(seasonal_error(np.ones(9), 1))


def test_a_series_unit_is_its_seasonal_error_or_else_that_of_one_step():
    saw = np.tile([1.0, 2.0, 3.0], 5)
    assert unit(np.arange(40.0), 4) == 4
    assert unit(saw, 3) == pytest.approx(8 / 7 + 2 / 14 * 1), "a season that repeats itself leaves no error"
    assert math.isnan(unit(np.ones(9), 3))


def test_the_scaled_crps_knows_no_scale():
    rng = np.random.default_rng(4)
    real, fake = rng.random((5, 2, 3)) + 1, rng.random((5, 9, 3))
    larger = Forecast.score(1000 * real, 1000 * fake)
    small = Forecast.score(real, fake)
    assert larger["scaled_crps"] == pytest.approx(small["scaled_crps"])
    assert larger["crps"] == pytest.approx(1000 * small["crps"])


def test_steps_that_were_not_observed_do_not_count():
    real = np.array([[[1.0, np.nan], [2.0, 2.0]]])
    found = Forecast.score(real, np.array([[[2.0, 50.0], [2.0, -50.0]]]))
    assert (found["crps"], found["mase"], found["coverage80"], found["miscoverage80"]) == (1, 0.5, 0, 0.8)


def test_a_forecast_that_is_not_a_number_scores_nan():
    real = np.array([[[1.0, 2.0], [2.0, 2.0]]])
    found = Forecast.score(real, np.array([[[np.nan, 2.0], [1.0, 2.0]]]))
    assert all(math.isnan(found[name]) for name in ("crps", "mase", "coverage80", "miscoverage95"))
