"""Columns one by one and two by two: distances of their distributions, differences of their associations.

A number's distance is that of Kolmogorov and Smirnov, a category's the total variation; a missing cell is a value of
its own, larger than all. Two numbers are associated by Pearson's correlation, two categories by Cramér's V, one of each
by the correlation ratio: Cramér, Mathematical Methods of Statistics, 1946, §21.9; Fisher, Statistical Methods for
Research Workers, 1925, §45.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind
from genfoundry.statistics.distances import ks_distance, total_variation

SCORES = (
    ScoreKind(
        "marginal_distance",
        label="Distance of columns",
        question="How far is the distribution of a column from the real one, over all columns? 0 is equal.",
        better="lower",
        low=0.0,
        high=1.0,
        headline=True,
    ),
    ScoreKind(
        "association_error",
        label="Error of associations",
        question="How far is the association of two columns from the real one, over all pairs? 0 is equal.",
        better="lower",
        low=0.0,
        high=2.0,
        headline=True,
    ),
)


class Marginals(Metric):
    """`marginal_distance` and `association_error` of two tables, float (N, D) and (M, D), NaN where missing."""

    view = "table"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray, coded: np.ndarray) -> dict[str, float]:
        """`coded` (D,) bool: which columns hold the codes 0, 1, … of categories."""
        difference = np.abs(associations(fake, coded) - associations(real, coded))
        pairs = np.triu_indices(len(coded), 1)
        return {
            "marginal_distance": float(column_distances(real, fake, coded).mean()),
            "association_error": float(difference[pairs].mean()) if len(pairs[0]) else 0.0,
        }


def column_distances(real: np.ndarray, fake: np.ndarray, coded: np.ndarray) -> np.ndarray:
    """(D,) distance of each column of two tables (N, D) and (M, D), 0 to 1."""
    return np.array([_distance(a, b, code) for a, b, code in zip(real.T, fake.T, coded, strict=True)])


def _distance(real: np.ndarray, fake: np.ndarray, coded: bool) -> float:
    if not coded:
        return ks_distance(np.nan_to_num(real, nan=np.inf), np.nan_to_num(fake, nan=np.inf))
    return total_variation(*(np.nan_to_num(side + 1, nan=0).astype(int) for side in (real, fake)))


def associations(table: np.ndarray, coded: np.ndarray) -> np.ndarray:
    """(D, D) association of each two columns of a table (N, D), over the rows where neither is missing.

    Correlations lie in [-1, 1], the others in [0, 1]. 0 where one of the two does not vary.
    """
    found = np.eye(len(coded))
    for i in range(len(coded)):
        for j in range(i):
            rows = ~np.isnan(table[:, i]) & ~np.isnan(table[:, j])
            found[i, j] = found[j, i] = _association(table[rows, i], table[rows, j], coded[i], coded[j])
    return found


def _association(a: np.ndarray, b: np.ndarray, coded_a: bool, coded_b: bool) -> float:
    if not len(a):
        return 0.0
    if coded_a and coded_b:
        return cramers_v(a.astype(int), b.astype(int))
    if coded_a or coded_b:
        return correlation_ratio(*((a.astype(int), b) if coded_a else (b.astype(int), a)))
    return _correlation(a, b)


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if size > 0 else 0.0


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Of two columns of codes (N,)."""
    counts = np.bincount(a * (b.max() + 1) + b, minlength=(a.max() + 1) * (b.max() + 1)).reshape(a.max() + 1, -1)
    counts = counts[counts.any(1)][:, counts.any(0)]
    least = min(counts.shape) - 1
    if least < 1:
        return 0.0
    expected = np.outer(counts.sum(1), counts.sum(0)) / len(a)
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / len(a) / least))


def correlation_ratio(codes: np.ndarray, values: np.ndarray) -> float:
    """The root of the share of the variance of `values` (N,) that lies between the classes of `codes` (N,)."""
    values = values - values.mean()
    total = values @ values
    counts, sums = np.bincount(codes), np.bincount(codes, values)
    between = (sums[counts > 0] ** 2 / counts[counts > 0]).sum()
    return float(np.sqrt(min(between / total, 1.0))) if total > 0 else 0.0
