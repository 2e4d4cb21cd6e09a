"""The Fréchet distance in 2048 dimensions beside the ways of torchmetrics and of scipy, to the last from features."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.measure import Clock, Row, Timing, interleaved
from genfoundry.metrics.frechet import frechet_distance


def rows(dimensions: int, count: int, rounds: int) -> Iterator[Row]:
    """Our distance of two sets of `count` features beside theirs; stops if they disagree."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(dimensions, dimensions)) / dimensions**0.5
    real, fake = (np.maximum(rng.normal(size=(count, dimensions)) @ mix + shift, 0) for shift in (0.0, 0.1))
    for name, way in (("torchmetrics", _torchmetrics), ("scipy's sqrtm", _scipy)):
        values: list[float] = []
        sides = (_side(frechet_distance, real, fake, values), _side(way, real, fake, values))
        mine, theirs = interleaved(*sides, rounds=rounds)
        if not np.allclose(values, values[0], rtol=1e-6):
            raise AssertionError(f"the distances differ: {values}")
        yield Row(f"Fréchet distance of 2 × {count} × {dimensions}, beside {name}", mine, theirs, "≥ 1")


def _side(
    way: Callable[[np.ndarray, np.ndarray], float], real: np.ndarray, fake: np.ndarray, values: list[float]
) -> Callable[[], Timing]:
    def side() -> Timing:
        clock = Clock()
        values.append(way(real, fake))
        return clock.read()

    return side


def _moments(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return features.mean(0), np.cov(features, rowvar=False)


def _torchmetrics(real: np.ndarray, fake: np.ndarray) -> float:
    from torchmetrics.image.fid import _compute_fid

    moments = [torch.from_numpy(value) for side in (real, fake) for value in _moments(side)]
    return float(_compute_fid(*moments))


def _scipy(real: np.ndarray, fake: np.ndarray) -> float:
    from scipy.linalg import sqrtm

    (mean, covariance), (other_mean, other) = _moments(real), _moments(fake)
    root = np.trace(np.real(sqrtm(covariance @ other)))
    return float(np.square(mean - other_mean).sum() + np.trace(covariance) + np.trace(other) - 2 * root)
