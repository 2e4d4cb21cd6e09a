import numpy as np
import pytest

from genfoundry.judging.detectors import estimates, threshold

LABELS = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8])


def test_a_threshold_flags_at_most_its_share_of_what_it_was_set_on():
    clean = np.random.default_rng(1).standard_normal(997)
    flagged = (clean > threshold(clean)).mean()
    assert 0.045 < flagged <= 0.05
    assert np.isnan(threshold(np.array([1.0, np.nan])))


def test_recall_at_a_threshold_that_was_set_elsewhere():
    found = estimates(LABELS, SCORES, limit=0.3)
    assert found["tpr_at_fpr5"].value == 1.0
    assert found["false_positive_rate"].value == 0.5
    assert "false_positive_rate" not in estimates(LABELS, SCORES)


def test_intervals_hold_the_value_narrow_with_size_and_repeat():
    def made(count):
        rng, labels = np.random.default_rng(2), np.repeat([0, 1], count)
        return labels, rng.standard_normal(2 * count) + labels

    small, large = (estimates(*made(count))["auroc"] for count in (20, 320))
    assert small.low < small.value < small.high
    assert (large.high - large.low) / (small.high - small.low) == pytest.approx(1 / 4, rel=0.4)
    assert estimates(*made(20))["auroc"] == small


def test_unknown_scores_are_unknown():
    assert all(np.isnan(e.value) for e in estimates(LABELS, np.array([0, 1, np.inf, 2.0]), 0.5).values())
