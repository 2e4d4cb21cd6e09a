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
        right = fake.argmax(1) == real
        return {"accuracy": float(right.mean()), "ece": calibration_error(fake.max(1), right)}


def calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Mean over examples of |accuracy − confidence| of the bin that their confidence (N,) falls into."""
    gap = np.bincount(_bins(confidence), right - confidence, BINS)  # bin size times its gap
    return float(np.abs(gap).sum() / len(confidence))


def reliability(confidence: np.ndarray, right: np.ndarray) -> dict[str, np.ndarray]:
    """Of each bin that an example falls into: its `examples`, their mean `confidence`, and their `accuracy` (§2)."""
    cell = _bins(confidence)
    examples = np.bincount(cell, minlength=BINS)
    filled = examples > 0
    sums = {"confidence": np.bincount(cell, confidence, BINS), "accuracy": np.bincount(cell, right, BINS)}
    return {"examples": examples[filled]} | {
        name: (each / np.maximum(examples, 1))[filled] for name, each in sums.items()
    }


def _bins(confidence: np.ndarray) -> np.ndarray:
    return np.minimum((confidence * BINS).astype(int), BINS - 1)


def confusion(labels: np.ndarray, guesses: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts: a row a true class, a column a guess."""
    return np.bincount(labels * classes + guesses, minlength=classes**2).reshape(classes, classes)
