import numpy as np
import pytest

from genfoundry.metrics.two_sample import TwoSample


@pytest.mark.parametrize(
    ("told", "auroc"), [([0, 0, 1, 1], 1.0), ([1, 1, 0, 0], 0.0), ([3, 3, 3, 3], 0.5), ([0, 2, 1, 3], 0.75)]
)
def test_it_is_the_share_of_pairs_that_are_told_apart(told, auroc):
    labels = np.array([False, False, True, True])
    assert TwoSample.score(labels, np.array(told, float)) == pytest.approx({"two_sample_auroc": auroc})
