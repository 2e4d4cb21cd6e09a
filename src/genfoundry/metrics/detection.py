"""How well a score tells anomalies from clean examples: AUROC, AUPRC, recall at a false-positive rate of 5 %.

AUROC: Fawcett, "An introduction to ROC analysis", 2006, https://doi.org/10.1016/j.patrec.2005.10.010 (section 7).
AUPRC, as average precision: Davis and Goadrich, 2006, https://doi.org/10.1145/1143844.1143874.
"""

from __future__ import annotations

import numpy as np
from sklearn import config_context
from sklearn.metrics import auc, average_precision_score, roc_curve

from genfoundry.metric import Metric, ScoreKind

FALSE_POSITIVES = 0.05  # share of the clean examples that may be flagged
SCORES = (
    ScoreKind(
        "auroc",
        label="AUROC",
        question="How often does an anomaly score above a normal example? One half is chance.",
        better="higher",
        low=0,
        high=1,
        headline=True,
    ),
    ScoreKind(
        "auprc",
        label="AUPRC",
        question="How pure are the alarms, over all thresholds?",
        better="higher",
        low=0,
        high=1,
        headline=True,
    ),
    ScoreKind(
        "tpr_at_fpr5",
        label="Anomalies found",
        question="What share is found at 5 % false alarms in training?",
        better="higher",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "false_positive_rate",
        label="False alarms",
        question="What share of normal held-out examples is flagged?",
        better="lower",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
    ),
)


class Detection(Metric):
    """`auroc`, `auprc` and `tpr_at_fpr5`; `real` are labels (N,), 1 for an anomaly, `fake` scores (N,), high for one.

    `false_positive_rate` is what a threshold that was set on other clean examples flags of these: it is known to
    whoever set one (`judging/detectors.py`).
    """

    view = "anomaly"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        if not np.isfinite(fake).all():
            return dict.fromkeys(("auroc", "auprc", "tpr_at_fpr5"), float("nan"))
        with config_context(assume_finite=True, skip_parameter_validation=True):  # checks that cost more than the work
            false, true, _ = roc_curve(real, fake, drop_intermediate=False)
            precision = average_precision_score(real, fake)
        return {
            "auroc": float(auc(false, true)),
            "auprc": float(precision),
            "tpr_at_fpr5": float(true[false <= FALSE_POSITIVES].max()),
        }
