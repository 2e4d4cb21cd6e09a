"""Precision, recall, density and coverage from nearest neighbours.

Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019,
https://arxiv.org/abs/1904.06991; Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020,
https://arxiv.org/abs/2002.09797.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from genfoundry.metric import SetMetric

NEIGHBOURS = 5
MOST = 5000  # rows of each side: 200 MB of distances


class Prdc(SetMetric):
    """`precision`, `recall` and `coverage` in [0, 1]; `density` from 0 upwards, 1 for equal sets."""

    view = "features"
    higher_is_better: ClassVar[dict[str, bool]] = {"precision": True, "recall": True, "density": True, "coverage": True}

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return prdc(real[:MOST], fake[:MOST])


def prdc(real: np.ndarray, fake: np.ndarray, k: int = NEIGHBOURS) -> dict[str, float]:
    """The four scores of features (N, D) and (M, D); N, M > k. NaN where a feature is not finite."""
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    a, b = (np.asarray(side, np.float64) for side in (real, fake))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return dict.fromkeys(Prdc.higher_is_better, float("nan"))
    real_radius, fake_radius = (NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[0][:, -1] for x in (a, b))
    distances = pairwise_distances(a, b)  # (N, M)
    inside_real, inside_fake = distances <= real_radius[:, None], distances <= fake_radius
    return {
        "precision": float(inside_real.any(0).mean()),
        "recall": float(inside_fake.any(1).mean()),
        "density": float(inside_real.sum() / (k * len(b))),
        "coverage": float(inside_real.any(1).mean()),
    }
