"""The classifier two-sample test: can a classifier tell real rows from synthetic ones that it did not learn from?

Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017, https://arxiv.org/abs/1610.06545 (section 3), with
the AUROC in place of the accuracy, which needs no threshold.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind
from genfoundry.statistics.ranking import ranked

SCORES = (
    ScoreKind(
        "two_sample_auroc",
        label="Two-sample test, AUROC",
        question="How well does a classifier tell synthetic rows from held-out real ones? 0.5 is not at all.",
        better="lower",
        low=0.0,
        high=1.0,
        headline=True,
    ),
)


class TwoSample(Metric):
    """`two_sample_auroc`: `real` (N,) says which rows are synthetic, `fake` (N,) how much the classifier thinks so."""

    view = "predictions"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return {"two_sample_auroc": ranked(real.astype(bool), fake).auroc}
