"""What a ranking of examples is worth: the curves of ROC and of precision and recall, and the areas below them.

As scikit-learn has them, without its checks, which take most of the time where a score is taken of hundreds of
half-samples.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Ranking(NamedTuple):
    """From the strictest threshold on, at each distinct one (T,): how many true and how many false ones are flagged."""

    true: np.ndarray
    false: np.ndarray

    @property
    def auroc(self) -> float:
        """The share of pairs of a true and a false one in which the true one is higher, ties counted half."""
        areas = np.diff(self.false, prepend=0) * (self.true + np.concatenate([[0], self.true[:-1]])) / 2
        return float(areas.sum() / max(self.true[-1] * self.false[-1], 1))

    @property
    def average_precision(self) -> float:
        """The precision at each threshold, weighted by the recall that it adds; 0 where none is true."""
        gained = np.diff(self.true, prepend=0) / max(self.true[-1], 1)
        return float((gained * self.true / (self.true + self.false)).sum())

    def recall_at(self, false_positives: float) -> float:
        """The largest share of the true ones that is flagged while at most that share of the false ones is."""
        allowed = self.false <= false_positives * self.false[-1]
        return float(self.true[allowed].max(initial=0) / max(self.true[-1], 1))


def ranked(labels: np.ndarray, scores: np.ndarray) -> Ranking:
    """The ranking of scores (N,), high for what is true; `labels` bool (N,) tell what is."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)  # the last of each run of equal scores
    true = np.cumsum(labels[order])[ends]
    return Ranking(true, ends + 1 - true)
