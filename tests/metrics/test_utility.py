import numpy as np
import pytest

from genfoundry.metrics.utility import Utility, auprc, f1, threshold

RARE = np.array([True, False, True, False, False])


def test_a_perfect_ranking_is_one_and_none_at_all_is_the_share_of_the_rare_class():
    assert auprc(RARE, RARE.astype(float)) == 1
    assert auprc(RARE, np.zeros(5)) == pytest.approx(2 / 5)
    assert auprc(RARE, np.array([5.0, 4, 3, 2, 1])) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert auprc(np.zeros(3, bool), np.arange(3.0)) == 0


def test_f1_counts_hits_misses_and_false_alarms():
    assert f1(RARE, np.array([True, True, False, False, False])) == pytest.approx(2 * 1 / (2 + 2))
    assert f1(RARE, RARE) == 1
    assert f1(RARE, ~RARE) == 0
    assert f1(RARE, np.zeros(5, bool)) == 0


def test_the_threshold_is_where_f1_is_highest():
    likely = np.array([0.9, 0.8, 0.7, 0.2, 0.1])
    limit = threshold(RARE, likely)
    assert limit == 0.7
    assert f1(RARE, likely >= limit) == max(f1(RARE, likely >= other) for other in likely)
    assert threshold(np.zeros(4, bool), np.arange(4.0)) == np.inf


def test_the_ratio_is_to_the_predictor_of_the_third_column():
    fake = np.column_stack([[5.0, 4, 3, 2, 1], RARE, RARE])
    found = Utility.score(RARE, fake)
    assert found == pytest.approx({"auprc": 5 / 6, "f1": 1, "auprc_to_real": 5 / 6})
