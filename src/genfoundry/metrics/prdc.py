"""Precision, recall, density and coverage from nearest neighbours.

Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019,
https://arxiv.org/abs/1904.06991; Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020,
https://arxiv.org/abs/2002.09797.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind

NEIGHBOURS = 5
MOST = 5000  # rows of each side: 200 MB of distances

SCORES = (
    ScoreKind(
        "precision",
        label="Precision",
        question="What share of the samples lies among real examples?",
        better="higher",
        low=0,
        high=1,
        headline=True,
    ),
    ScoreKind(
        "recall",
        label="Recall",
        question="What share of the real variety do the samples reach?",
        better="higher",
        low=0,
        high=1,
        headline=True,
    ),
    ScoreKind(
        "density",
        label="Density",
        question="How tightly do samples sit among real examples?",
        better="higher",
        low=0,
    ),
    ScoreKind(
        "coverage",
        label="Coverage",
        question="What share of real examples has a sample nearby?",
        better="higher",
        low=0,
        high=1,
    ),
)


class Prdc(Metric):
    """`precision`, `recall` and `coverage` in [0, 1]; `density` from 0 upwards, 1 for equal sets."""

    view = "deciding"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return prdc(real[:MOST], fake[:MOST])


def prdc(real: np.ndarray, fake: np.ndarray, k: int = NEIGHBOURS) -> dict[str, float]:
    """The four scores of features (N, D) and (M, D); N, M > k. NaN where a feature is not finite."""
    from sklearn.metrics import pairwise_distances
    from sklearn.neighbors import NearestNeighbors

    a, b = (np.asarray(side, np.float64) for side in (real, fake))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return dict.fromkeys((kind.name for kind in SCORES), float("nan"))
    real_radius, fake_radius = (NearestNeighbors(n_neighbors=k).fit(x).kneighbors()[0][:, -1] for x in (a, b))
    distances = pairwise_distances(a, b)  # (N, M)
    inside_real, inside_fake = distances <= real_radius[:, None], distances <= fake_radius
    return {
        "precision": float(inside_real.any(0).mean()),
        "recall": float(inside_fake.any(1).mean()),
        "density": float(inside_real.sum() / (k * len(b))),
        "coverage": float(inside_real.any(1).mean()),
    }
