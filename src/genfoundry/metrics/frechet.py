"""Fréchet distance between Gaussians fitted to two sets of features.

Dowson and Landau, J. Multivariate Analysis 12, 1982; as a score of image generators: Heusel et al., "GANs trained by
a two time-scale update rule", 2017, https://arxiv.org/abs/1706.08500. Its limit for infinitely many samples: Chong
and Forsyth, "Effectively unbiased FID and Inception Score", 2020, https://arxiv.org/abs/1911.07023.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genfoundry.metric import Metric, ScoreKind

SHARES = np.array([1.0, 0.75, 0.5, 0.35, 0.25])  # of the sets, through which the line over 1/N is laid

SCORES = (
    ScoreKind(
        "fd",
        label="Fréchet distance",
        question="How far is the crowd of samples from the crowd of real examples?",
        better="lower",
        low=0,
        headline=True,
    ),
    ScoreKind(
        "fd_inf",
        label="Fréchet distance, at infinitely many samples",
        question="The same, with the bias of a finite sample taken out.",
        better="lower",
    ),
)


class Frechet(Metric):
    """`fd` in the features' own unit, squared; `fd_inf` is its estimate for N → ∞."""

    view = "features"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        whole = frechet_distance(real, fake)
        return {"fd": whole, "fd_inf": fd_infinity(real, fake, whole)}


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """‖μ₁ − μ₂‖² + tr(S₁ + S₂ − 2 √(S₁S₂)) of features (N, D) and (M, D), in float64; N, M ≥ 2.

    NaN where a feature is not finite.
    """
    a, b = (torch.from_numpy(np.ascontiguousarray(x, np.float64)) for x in (real, fake))
    if not (torch.isfinite(a).all() and torch.isfinite(b).all()):
        return float("nan")
    gap = (a.mean(0) - b.mean(0)).square().sum()
    a, b = _scaled(a), _scaled(b)
    spread = a.square().sum() + b.square().sum() - 2 * _trace_root(a, b)
    return max(0.0, float(gap + spread))


def _scaled(x: Tensor) -> Tensor:
    """The factor F (N, D) of the covariance FᵀF."""
    return (x - x.mean(0)) / (len(x) - 1) ** 0.5


def _trace_root(a: Tensor, b: Tensor) -> Tensor:
    """tr √(AᵀA BᵀB): the sum of the singular values of ABᵀ; where N, M ≥ D, by a root of one covariance."""
    if min(len(a), len(b)) < a.shape[1]:
        return torch.linalg.svdvals(a @ b.T).sum()
    product = b @ _root(a.T @ a)
    return torch.linalg.eigvalsh(product.T @ product).clamp(min=0).sqrt().sum()


def _root(covariance: Tensor) -> Tensor:
    """(D, D) R with R Rᵀ the covariance: Cholesky's, three times faster, where there is one."""
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if not failed:
        return factor
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()


def fd_infinity(real: np.ndarray, fake: np.ndarray, whole: float | None = None, seed: int = 0) -> float:
    """The Fréchet distance for N → ∞: intercept of a line over 1/N, fitted on random subsets of a quarter to the whole.

    Both sides are cut to the same share, because the bias of each falls as 1/N. It can be below zero. `whole` is the
    distance of the whole sets, where it is known.
    """
    rng = np.random.default_rng(seed)
    orders = rng.permutation(len(real)), rng.permutation(len(fake))
    distances = [frechet_distance(real, fake) if whole is None else whole]
    for share in SHARES[1:]:
        rows, columns = (order[: max(2, round(share * len(order)))] for order in orders)
        distances.append(frechet_distance(real[rows], fake[columns]))
    if not np.isfinite(distances).all():
        return float("nan")
    return float(np.polyfit(1 / SHARES, distances, 1)[1])
