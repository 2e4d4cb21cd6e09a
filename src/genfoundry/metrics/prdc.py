"""Precision, recall, density and coverage from nearest neighbours.

Kynkäänniemi et al., "Improved precision and recall metric for assessing generative models", 2019,
https://arxiv.org/abs/1904.06991; Naeem et al., "Reliable fidelity and diversity metrics for generative models", 2020,
https://arxiv.org/abs/2002.09797.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genfoundry.metric import Metric, ScoreKind

NEIGHBOURS = 5
MOST = 5000  # rows of each side
CHUNK = 1000  # rows of the distance matrix in memory

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
    a, b = (torch.from_numpy(np.ascontiguousarray(x, np.float64)) for x in (real, fake))
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        return dict.fromkeys((kind.name for kind in SCORES), float("nan"))
    real_radius, fake_radius = _radius(a, k), _radius(b, k)
    inside_real = torch.zeros(len(b), dtype=torch.float64)
    recalled, covered = [], []
    for rows, radius in zip(a.split(CHUNK), real_radius.split(CHUNK), strict=True):
        distances = torch.cdist(rows, b)  # (n, M)
        inside = distances <= radius[:, None]
        inside_real += inside.sum(0)
        covered.append(inside.any(1))
        recalled.append((distances <= fake_radius).any(1))
    return {
        "precision": float((inside_real > 0).double().mean()),
        "recall": float(torch.cat(recalled).double().mean()),
        "density": float(inside_real.mean() / k),
        "coverage": float(torch.cat(covered).double().mean()),
    }


def _radius(x: Tensor, k: int) -> Tensor:
    """(N,) distance from each row to its k-th nearest other row."""
    nearest = [torch.cdist(rows, x).topk(k + 1, largest=False).values[:, k] for rows in x.split(CHUNK)]
    return torch.cat(nearest)
