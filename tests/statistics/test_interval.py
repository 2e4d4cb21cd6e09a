import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genfoundry.metrics.frechet import Frechet
from genfoundry.statistics.interval import Z95, Estimate, around, half_samples, size_name, wilson


@settings(deadline=None)  # the first example imports scipy
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_solves_its_equation_and_holds_the_rate(counts):
    """Each end p lies Z95 of its own standard errors from the rate: (rate − p)² = Z95² p (1 − p) / n."""
    hits, trials = counts
    found = wilson(hits, trials)
    assert 0 <= found.low <= found.value <= found.high <= 1
    for end in (found.low, found.high):
        assert (hits / trials - end) ** 2 == pytest.approx(Z95**2 * end * (1 - end) / trials, rel=1e-6, abs=1e-12)


def test_a_rate_needs_trials():
    with pytest.raises(ValueError, match="one trial"):
        wilson(0, 0)


def test_half_samples_find_the_error_of_a_mean():
    """Mean of (fake − real), 400 rows each of unit variance, two sets: 1/400 + 1/800, and the spread between."""
    rng = np.random.default_rng(0)
    real, fakes = rng.normal(size=(400, 1)), [rng.normal(size=(400, 1)) for _ in range(2)]

    def gap(a, b):
        return {"gap": float(b.mean() - a.mean())}

    found = half_samples(gap, real, fakes, draws=400, seed=0)["gap"]
    between = np.var([f.mean() for f in fakes], ddof=1) / 2
    expected = 1.96 * (1 / 400 + 1 / 800 + between) ** 0.5
    assert found.high - found.value == pytest.approx(expected, rel=0.15)
    assert found.value == pytest.approx(np.mean([f.mean() for f in fakes]) - real.mean())


def test_the_interval_of_a_biased_score_stays_around_its_value():
    rng = np.random.default_rng(1)
    found = half_samples(Frechet.score, rng.normal(size=(300, 16)), [rng.normal(size=(300, 16))], draws=20, seed=0)
    assert found["fd"].low < found["fd"].value < found["fd"].high
    assert found["fd_inf"].low < 0 < found["fd_inf"].high


def test_intervals_cover_about_as_often_as_they_say():
    rng = np.random.default_rng(2)
    trials = [around(list(rng.normal(size=100))) for _ in range(400)]
    covered = np.mean([t.low <= 0 <= t.high for t in trials])
    assert 0.91 < covered < 0.98


def test_clip_keeps_the_value_inside():
    assert Estimate(0.5, -1.0, 2.0).clip(0, 1) == Estimate(0.5, 0, 1)
    assert Estimate(-0.1, -0.2, 0.1).clip(0).low == -0.1


def test_size_names():
    assert [size_name(n) for n in (360, 1000, 1797, 50_000)] == ["360", "1k", "1797", "50k"]
