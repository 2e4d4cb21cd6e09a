import numpy as np
import pytest

from genfoundry.metrics.kernel import Kernel, kernel_distance


def test_by_hand():
    """D = 1, x = {0, 1}, y = {0, 2}: k(a, b) = (ab + 1)³."""
    x, y = np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])
    expected = 1.0 + 1.0 - 2 * (1 + 1 + 1 + 27) / 4
    assert kernel_distance(x, y) == pytest.approx(expected)


def test_unbiased_and_grows_with_the_gap():
    rng = np.random.default_rng(0)
    same = [kernel_distance(*rng.normal(size=(2, 200, 8))) for _ in range(40)]
    assert abs(np.mean(same)) < 3 * np.std(same) / 40**0.5
    assert min(same) < 0 < max(same)
    x, y = rng.normal(size=(2, 200, 8))
    assert kernel_distance(x, y + 0.5) < kernel_distance(x, y + 1.0)
    assert kernel_distance(x, y + 0.5) > 5 * np.std(same)


def test_limited_to_a_number_of_rows(monkeypatch):
    monkeypatch.setattr("genfoundry.metrics.kernel.MOST", 50)
    x, y = np.random.default_rng(1).normal(size=(2, 60, 2))
    assert Kernel.score(x, y)["kid"] == kernel_distance(x[:50], y[:50])


def test_not_a_number_stays_one():
    x = np.ones((10, 2))
    assert np.isnan(kernel_distance(x, x * np.nan))
