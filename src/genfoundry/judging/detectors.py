"""How well a score tells anomalies from clean examples: AUROC, AUPRC, recall at a false-positive rate of 5 %.

AUROC: Fawcett, "An introduction to ROC analysis", 2006, https://doi.org/10.1016/j.patrec.2005.10.010 (section 7).
AUPRC, as average precision: Davis and Goadrich, 2006, https://doi.org/10.1145/1143844.1143874.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from sklearn import config_context
from sklearn.metrics import auc, average_precision_score, roc_curve

from genfoundry.metric import SetMetric
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, percentiles

FALSE_POSITIVES = 0.05  # share of the clean examples that may be flagged
RECALL = "tpr_at_fpr5"
DRAWS = 400  # of the bootstrap
NEIGHBOUR = 5


class Detection(SetMetric):
    """`auroc`, `auprc` and `tpr_at_fpr5`; `real` are labels (N,), 1 for an anomaly, `fake` scores (N,), high for
    one.

    `false_positive_rate` is what a threshold that was set on other clean examples flags of these; see `estimates`.
    """

    view = "anomaly"
    higher_is_better: ClassVar[dict[str, bool]] = {
        "auroc": True,
        "auprc": True,
        RECALL: True,
        "false_positive_rate": False,
    }

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        if not np.isfinite(fake).all():
            return dict.fromkeys(("auroc", "auprc", RECALL), float("nan"))
        with config_context(assume_finite=True, skip_parameter_validation=True):  # checks that cost more than the work
            false, true, _ = roc_curve(real, fake, drop_intermediate=False)
            precision = average_precision_score(real, fake)
        return {
            "auroc": float(auc(false, true)),
            "auprc": float(precision),
            RECALL: float(true[false <= FALSE_POSITIVES].max()),
        }


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
        yield estimate.score(f"{name}_{protocol}", subject, Detection.higher_is_better[name])


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
    names = [*Detection.higher_is_better] if limit is not None else ["auroc", "auprc", RECALL]
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
        "false_positive_rate": float(flagged[labels == 0].mean()),
    }
