"""The predictor behind three of the scores: gradient boosting, with categories and empty cells as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

ROUNDS, LEAVES, RATE = 100, 15, 0.05
MOST_LEVELS = 254  # that its bins can hold; of more, the rarest count as one
SETTINGS = f"gradient boosting (scikit-learn), {ROUNDS} trees of {LEAVES} leaves, rate {RATE}"
Scoring = Callable[[np.ndarray], np.ndarray]


def fit_classifier(rows: np.ndarray, labels: np.ndarray, coded: np.ndarray, seed: int) -> Scoring:
    """Fit a classifier on rows float (N, D), NaN where missing, and labels bool (N,).

    Args:
        coded: (D,) which columns hold codes, the most frequent category first.

    Returns:
        a function of rows (M, D) to the probability (M,) of the label; of one label alone nothing is learned, and the
        function is constant.
    """
    if labels.all() or not labels.any():
        return lambda others: np.full(len(others), float(labels.any()))
    classifier = HistGradientBoostingClassifier(
        max_iter=ROUNDS,
        max_leaf_nodes=LEAVES,
        learning_rate=RATE,
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        categorical_features=coded,  # pyright: ignore[reportArgumentType]
        random_state=seed,
    ).fit(_folded(rows, coded), labels)
    return lambda others: classifier.predict_proba(_folded(others, coded))[:, 1]


def _folded(rows: np.ndarray, coded: np.ndarray) -> np.ndarray:
    return np.where(coded, np.minimum(rows, MOST_LEVELS - 1), rows)
