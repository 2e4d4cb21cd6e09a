"""Detectors of anomalies that a model stands beside, and the scores of any detector with their intervals."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from genfoundry.metrics.detection import FALSE_POSITIVES, SCORES, Detection
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, percentiles

RECALL, FALSE_ALARMS = "tpr_at_fpr5", "false_positive_rate"
DRAWS = 400  # of the bootstrap
NEIGHBOUR = 5


def threshold(clean: np.ndarray) -> float:
    """The score that 5 % of `clean` examples (N,) reach at most: an example is flagged where its score is above."""
    return float(np.quantile(clean, 1 - FALSE_POSITIVES, method="higher")) if np.isfinite(clean).all() else np.nan


def detectors(known: np.ndarray, seed: int) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """What an anomaly judge stands a model beside, fitted on features (M, D) of training examples: each maps features
    (N, D) to scores (N,), high for an anomaly.

    An isolation forest (Liu 2008) and the distance to the fifth nearest training example (Ramaswamy 2000).
    """
    from sklearn.ensemble import IsolationForest
    from sklearn.neighbors import NearestNeighbors

    forest = IsolationForest(random_state=seed).fit(known)
    neighbours = NearestNeighbors(n_neighbors=NEIGHBOUR + 1).fit(known)

    def distance(features: np.ndarray) -> np.ndarray:
        found = neighbours.kneighbors(features)[0]
        return np.where(found[:, 0] == 0, found[:, -1], found[:, -2])  # a training example is not its own neighbour

    return {"isolation_forest": lambda features: -forest.score_samples(features), "knn": distance}


def records(
    subject: str, labels: np.ndarray, scores: np.ndarray, clean: np.ndarray, protocol: str, seed: int
) -> Iterator[Score]:
    """A subject's scores as records; its threshold is that of `clean`."""
    for name, estimate in estimates(labels, scores, threshold(clean), seed).items():
        yield estimate.score(f"{name}_{protocol}", subject)


def estimates(labels: np.ndarray, scores: np.ndarray, limit: float | None = None, seed: int = 0) -> dict[str, Estimate]:
    """The scores of `Detection` with 95 % intervals: a bootstrap of the anomalies and of the clean examples apart.

    Args:
        labels: (N,), 1 for an anomaly and 0 for a clean example, at least one of each.
        scores: (N,), high for an anomaly; where one is not finite, nothing is known.
        limit: of `threshold`. With it `tpr_at_fpr5` is the share of the anomalies above it, and
            `false_positive_rate` that of the clean examples; without, recall is read off the ROC curve of these
            examples, which no detector could know in advance, and there is no false-positive rate.
        seed: two subjects with the same labels and seed see the same draws, so their differences are paired.
    """
    names = [kind.name for kind in SCORES if limit is not None or kind.name != FALSE_ALARMS]
    if not np.isfinite(scores).all() or (limit is not None and not np.isfinite(limit)):
        return dict.fromkeys(names, UNKNOWN)
    point = _score(labels, scores, limit)
    replicas = [_score(labels[rows], scores[rows], limit) for rows in _resampled(labels, seed)]
    return {name: percentiles(point[name], [replica[name] for replica in replicas]) for name in names}


def _resampled(labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    rng, groups = np.random.default_rng(seed), [np.flatnonzero(labels == label) for label in (0, 1)]
    for _ in range(DRAWS):
        yield np.concatenate([group[rng.integers(0, len(group), len(group))] for group in groups])


def _score(labels: np.ndarray, scores: np.ndarray, limit: float | None) -> dict[str, float]:
    found = Detection.score(labels, scores)
    if limit is None:
        return found
    flagged = scores > limit
    return found | {
        RECALL: float(flagged[labels == 1].mean()),
        FALSE_ALARMS: float(flagged[labels == 0].mean()),
    }
