"""Accuracy and calibration of a classifier.

Expected calibration error: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017,
https://arxiv.org/abs/1706.04599 (section 2).
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind

BINS = 15  # of confidence, as in the paper's tables

SCORES = (
    ScoreKind(
        "accuracy",
        label="Accuracy",
        question="What share of held-out examples is named rightly?",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "ece",
        label="Calibration error",
        question="How far are stated confidences from the share that is right?",
        better="lower",
        low=0,
        high=1,
        headline=True,
    ),
)


class Accuracy(Metric):
    """`accuracy` and `ece`, both in [0, 1]; `real` are labels (N,), `fake` are class probabilities (N, K)."""

    view = "classes"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        if not np.isfinite(fake).all():
            return {"accuracy": float("nan"), "ece": float("nan")}
        import torch
        from torchmetrics.functional.classification import multiclass_calibration_error

        accuracy = float((fake.argmax(1) == real).mean())
        likely, labels = torch.from_numpy(fake), torch.from_numpy(real)
        error = multiclass_calibration_error(likely, labels, fake.shape[1], BINS, validate_args=False)
        return {"accuracy": accuracy, "ece": float(error)}


def reliability(confidence: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """Of each bin that an example falls into: its `examples`, their mean `confidence`, and their `accuracy` (§2).

    Args:
        confidence: (N,) in [0, 1], the probability of each example's guess.
        right: (N,) whether the guess is the label.
    """
    from scipy.stats import binned_statistic

    means, _, cell = binned_statistic(confidence, [confidence, right], "mean", BINS, (0, 1))  # NaN where none falls
    examples = np.bincount(cell, minlength=BINS + 1)[1:]
    filled = examples > 0
    return {"examples": examples[filled], "confidence": means[0, filled], "accuracy": means[1, filled]}


def confusion(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts: one row per true class, one column per guess."""
    from sklearn.metrics import confusion_matrix

    return confusion_matrix(labels, guesses, labels=range(classes))
