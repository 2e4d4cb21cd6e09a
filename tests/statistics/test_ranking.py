import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from genfoundry.statistics.ranking import ranked


@pytest.mark.parametrize("levels", [3, 20, 10**6])
def test_areas_and_recalls_are_those_of_scikit_learn(levels):
    rng = np.random.default_rng(levels)
    labels = rng.random(500) < 0.2
    scores = rng.integers(0, levels, 500) + labels * levels / 4
    found = ranked(labels, scores)
    assert found.auroc == pytest.approx(roc_auc_score(labels, scores))
    assert found.average_precision == pytest.approx(average_precision_score(labels, scores))
    false, true, _ = roc_curve(labels, scores, drop_intermediate=False)
    for allowed in (0.01, 0.05, 0.5):
        assert found.recall_at(allowed) == pytest.approx(true[false <= allowed].max())


def test_a_ranking_by_hand():
    found = ranked(np.array([True, False, True, False]), np.array([4.0, 3.0, 2.0, 1.0]))
    assert found.auroc == 0.75
    assert found.average_precision == pytest.approx((1 + 2 / 3) / 2)
    assert (found.recall_at(0), found.recall_at(0.5)) == (0.5, 1)


def test_of_one_sort_alone_nothing_is_known():
    assert ranked(np.zeros(3, bool), np.arange(3.0)).average_precision == 0
    assert ranked(np.ones(3, bool), np.arange(3.0)).auroc == 0
