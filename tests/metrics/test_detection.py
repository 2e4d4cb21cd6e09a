import numpy as np
import pytest

from genfoundry.metrics.detection import Detection

LABELS = np.array([0, 0, 1, 1])
SCORES = np.array([0.1, 0.4, 0.35, 0.8])


def test_scores_by_hand():
    """3 of the 4 pairs are in order; precision is 1 at the first anomaly and 2/3 at the second."""
    found = Detection.score(LABELS, SCORES)
    assert found["auroc"] == pytest.approx(0.75)
    assert found["auprc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["tpr_at_fpr5"] == pytest.approx(0.5)


def test_two_gaussians_have_the_auroc_of_the_closed_form():
    """Φ(d / √2) for unit deviations at distance d; recall at 5 % is Φ(d − 1.645)."""
    rng, labels = np.random.default_rng(0), np.repeat([0, 1], 20_000)
    found = Detection.score(labels, rng.standard_normal(40_000) + 2 * labels)
    assert found["auroc"] == pytest.approx(0.9214, abs=0.005)
    assert found["tpr_at_fpr5"] == pytest.approx(0.6388, abs=0.02)


def test_constant_scores_are_chance_and_unknown_ones_unknown():
    assert Detection.score(LABELS, np.ones(4))["auroc"] == 0.5
    assert np.isnan([*Detection.score(LABELS, np.array([0, 1, np.inf, 2.0])).values()]).all()
