"""How far two samples lie apart, one number each.

KID is the squared maximum mean discrepancy under a cubic kernel (Bińkowski 2018, section 4). The population stability
index is Siddiqi's (Credit Risk Scorecards, 2006; its statistics are in Yurdakul and Naranjo, J. Risk Model Validation
14, 2020).
"""

from __future__ import annotations

import numpy as np

SMOOTHING = 0.5  # of a row in each bin, so that an empty one costs no infinity


class KernelDistance:
    """KID between rows given by number, from one matrix of all pairs."""

    def __init__(self, features: np.ndarray) -> None:
        rows = features.astype(np.float64)
        self.pairs = (rows @ rows.T / rows.shape[1] + 1) ** 3
        np.fill_diagonal(self.pairs, 0)

    def __call__(self, a: np.ndarray, b: np.ndarray) -> float:
        """Unbiased MMD² of two sets of row numbers without a common one."""
        rows = np.zeros((2, len(self.pairs)))
        rows[0, a], rows[1, b] = 1 / len(a), 1 / len(b)
        (aa, ab), (_, bb) = rows @ self.pairs @ rows.T
        return float(aa * len(a) / (len(a) - 1) + bb * len(b) / (len(b) - 1) - 2 * ab)


def total_variation(a: np.ndarray, b: np.ndarray) -> float:
    """Half the summed difference of the shares of each class: 0 for equal histograms, 1 for disjoint ones."""
    classes = int(max(a.max(), b.max())) + 1
    shares = [np.bincount(side[side >= 0], minlength=classes) / len(side) for side in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def stability_index(reference: np.ndarray, other: np.ndarray, edges: np.ndarray) -> float:
    """PSI of two samples over the bins between `edges`: 0 for equal shares; by custom .1 is small and .25 large."""
    p, q = (_shares(side, edges) for side in (reference, other))
    return float(((q - p) * np.log(q / p)).sum())


def _shares(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    counts = np.bincount(np.searchsorted(edges, values, "right"), minlength=len(edges) + 1) + SMOOTHING
    return counts / counts.sum()


def ks_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference of two empirical distribution functions, 0 to 1."""
    from scipy.stats import ks_2samp

    found = ks_2samp(a, b, method="asymp")  # its p-value, quickest so, is for independent draws
    return float(found.statistic)  # pyright: ignore[reportAttributeAccessIssue]
