"""What can be learned from synthetic rows: how well a predictor that was trained on them finds real rare cases.

Train on synthetic, test on real (Esteban 2017, https://arxiv.org/abs/1706.02633, section 4.2). AUPRC, as average
precision: Davis and Goadrich, 2006, https://doi.org/10.1145/1143844.1143874; unlike accuracy or AUROC it is low for
who finds none of the rare class.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind
from genfoundry.statistics.ranking import ranked

TINY = 1e-12
SCORES = (
    ScoreKind(
        "tstr_auprc",
        label="AUPRC, trained on synthetic rows",
        question="How well is the rare class found in real rows by a predictor that learned from synthetic ones?",
        better="higher",
        low=0.0,
        high=1.0,
        headline=True,
    ),
    ScoreKind(
        "tstr_auprc_to_real",
        label="AUPRC, synthetic over real",
        question="What share of the AUPRC of a predictor that learned from real rows does that reach?",
        better="higher",
        low=0.0,
        headline=True,
    ),
    ScoreKind(
        "tstr_f1",
        label="F1, trained on synthetic rows",
        question="How well do its decisions hit the rare class, the threshold chosen on synthetic rows too?",
        better="higher",
        low=0.0,
        high=1.0,
    ),
    ScoreKind(
        "augmented_auprc",
        label="AUPRC, real and synthetic rows",
        question="How well does a predictor find the rare class when synthetic rows are added to the real ones?",
        better="higher",
        low=0.0,
        high=1.0,
    ),
    ScoreKind(
        "augmented_auprc_to_real",
        label="AUPRC, with synthetic rows over without",
        question="Do synthetic rows beside the real ones help? Above 1 they do.",
        better="higher",
        low=0.0,
    ),
    ScoreKind(
        "augmented_f1",
        label="F1, real and synthetic rows",
        question="How well do the decisions of that predictor hit the rare class?",
        better="higher",
        low=0.0,
        high=1.0,
    ),
)


class Utility(Metric):
    """`auprc`, `f1` and `auprc_to_real` of one predictor beside one that learned from real rows.

    `real` bool (N,), which test rows are of the rare class; `fake` float (N, 3): the predictor's probability of it,
    its decision (0 or 1), and the other predictor's probability.
    """

    view = "predictions"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        rare, (likely, flagged, reference) = real.astype(bool), fake.T
        own = auprc(rare, likely)
        return {"auprc": own, "f1": f1(rare, flagged > 0), "auprc_to_real": own / max(auprc(rare, reference), TINY)}


def auprc(rare: np.ndarray, likely: np.ndarray) -> float:
    """Average precision of scores (N,); 0 where no row is of the rare class."""
    return ranked(rare, likely).average_precision


def f1(rare: np.ndarray, flagged: np.ndarray) -> float:
    """Harmonic mean of precision and recall of decisions, bool (N,); 0 where nothing is hit."""
    hits = int((rare & flagged).sum())
    return 2 * hits / (int(rare.sum()) + int(flagged.sum())) if hits else 0.0


def threshold(rare: np.ndarray, likely: np.ndarray) -> float:
    """The score from which on to flag: F1 is highest there on these rows. Infinite where none is of the rare class."""
    if not rare.any():
        return float("inf")
    found, steps = ranked(rare, likely), np.unique(likely)[::-1]
    return float(steps[(2 * found.true / (rare.sum() + found.true + found.false)).argmax()])
