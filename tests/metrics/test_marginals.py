import numpy as np
import pytest
from scipy.stats import ks_2samp
from scipy.stats.contingency import association, crosstab

from genfoundry.metrics.marginals import (
    Marginals,
    associations,
    column_distances,
    correlation_ratio,
    cramers_v,
)

CODED = np.array([False, False, True, True])


def table(count: int, seed: int = 0) -> np.ndarray:
    """A number that follows another one, a category that follows its sign, and one that follows nothing."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(count)
    y = x + rng.standard_normal(count)
    return np.column_stack([x, y, (x + 0.5 * rng.standard_normal(count)) > 0, rng.integers(0, 3, count)])


def test_a_columns_distance_is_that_of_its_distribution():
    real, fake = table(500), table(400, 1)
    found = column_distances(real, fake, CODED)
    assert found[0] == pytest.approx(ks_2samp(real[:, 0], fake[:, 0]).statistic)
    shares = [np.bincount(side[:, 3].astype(int), minlength=3) / len(side) for side in (real, fake)]
    assert found[3] == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    assert not column_distances(real, real[::-1], CODED).any()


@pytest.mark.parametrize("column", [0, 3])
def test_an_empty_cell_is_a_value_of_its_own(column):
    real = table(1000)
    fake = real.copy()
    fake[:300, column] = np.nan
    fake[:300] = fake[:300][::-1]
    found = column_distances(real, fake, CODED)
    assert found[column] == pytest.approx(0.3)
    assert np.delete(found, column).max() == 0


def test_associations_are_those_of_the_books():
    found = associations(table(2000), CODED)
    rows = table(2000)
    assert found[0, 1] == pytest.approx(np.corrcoef(rows[:, 0], rows[:, 1])[0, 1])
    counts = crosstab(rows[:, 2], rows[:, 3]).count
    assert found[2, 3] == pytest.approx(association(counts, method="cramer"))
    assert found[3, 0] == found[0, 3] < 0.06
    assert (np.diag(found) == 1).all()


def test_cramers_v_of_equal_columns_is_one_and_of_crossed_ones_none():
    codes = np.arange(12) % 3
    assert cramers_v(codes, (codes + 1) % 3) == pytest.approx(1)
    assert cramers_v(np.arange(12) % 3, np.arange(12) % 4) == pytest.approx(0)
    assert cramers_v(codes, np.zeros(12, int)) == 0


def test_the_correlation_ratio_is_the_root_of_the_variance_between_classes():
    codes, values = np.array([0, 0, 1, 1]), np.array([1.0, 3.0, 5.0, 7.0])
    assert correlation_ratio(codes, values) == pytest.approx(np.sqrt(16 / 20))
    assert correlation_ratio(codes, codes * 9.0) == pytest.approx(1)
    assert correlation_ratio(codes, np.ones(4)) == 0


def test_pairs_are_taken_over_rows_where_neither_is_missing():
    rows = table(1000)
    holes = np.concatenate([rows, np.full((500, 4), np.nan)])
    np.testing.assert_allclose(associations(holes, CODED), associations(rows, CODED))
    rows[:, 0] = np.nan
    assert not associations(rows, CODED)[0, 1:].any()


def test_independent_columns_miss_just_what_the_real_ones_have_in_common():
    real, rng = table(40_000), np.random.default_rng(2)
    apart = np.stack([rng.permutation(column) for column in real.T], 1)
    found = Marginals.score(real, apart, CODED)
    pairs = np.abs(associations(real, CODED)[np.triu_indices(4, 1)])
    assert found["association_error"] == pytest.approx(pairs.mean(), abs=0.01)
    assert found["marginal_distance"] == 0
    assert Marginals.score(real, real, CODED) == {"marginal_distance": 0, "association_error": 0}
