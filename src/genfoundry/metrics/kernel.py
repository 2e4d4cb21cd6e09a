"""Kernel Inception Distance: the squared maximum mean discrepancy under a cubic kernel.

Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", 2018, https://arxiv.org/abs/1801.01401.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genfoundry.metric import Metric, ScoreKind

MOST = 5000  # rows of each side; memory grows with the square

SCORES = (
    ScoreKind(
        "kid",
        label="Kernel distance (KID)",
        question="How far are the two crowds apart, without assuming that they are Gaussian?",
        better="lower",
    ),
)


class Kernel(Metric):
    """`kid`, unbiased: about 0 for two sets of one distribution, and below 0 as often as above."""

    view = "features"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return {"kid": kernel_distance(real[:MOST], fake[:MOST])}


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Unbiased MMD² of features (N, D) and (M, D) under k(x, y) = (x·y/D + 1)³ (section 4); N, M ≥ 2."""
    a, b = (torch.from_numpy(np.ascontiguousarray(x, np.float64)) for x in (real, fake))
    return float(_mean_of_pairs(a) + _mean_of_pairs(b) - 2 * _cubic(a, b).mean())


def _cubic(a: Tensor, b: Tensor) -> Tensor:
    return (a @ b.T).div_(a.shape[1]).add_(1).pow_(3)


def _mean_of_pairs(a: Tensor) -> Tensor:
    kernel = _cubic(a, a)
    return (kernel.sum() - kernel.diagonal().sum()) / (len(a) * (len(a) - 1))
