"""Membership inference: can an attacker who holds synthetic rows tell who was in the training set?

How much more often than held-out people training members are taken for members, by the worst of several attacks.
True positives at 1 % false positives, since a threat to a few is one: Carlini et al., "Membership inference attacks
from first principles", 2022, https://arxiv.org/abs/2112.03570 (section III). The distance to the closest record, which
many take for a measure of privacy, passes data that leak.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind
from genfoundry.statistics.ranking import ranked

FALSE_POSITIVES = 0.01  # share of held-out rows that may be taken for members
SCORES = (
    ScoreKind(
        "membership_auroc",
        label="Membership inference, AUROC",
        question="How well does the best of the attacks tell training rows from held-out ones? 0.5 is not at all.",
        better="lower",
        low=0.0,
        high=1.0,
        headline=True,
    ),
    ScoreKind(
        "membership_tpr_at_fpr1",
        label="Membership inference, true positives at 1 % false ones",
        question="What share of the training rows does it name, while it wrongly names 1 % of the held-out ones?",
        better="lower",
        low=0.0,
        high=1.0,
        per_cent=True,
    ),
)


class Membership(Metric):
    """`membership_auroc` and `membership_tpr_at_fpr1`, each of the attack that it is worst for.

    `real` (N,) says which rows are of the training set, `fake` (N, A) how much each of A attacks thinks so.
    """

    view = "attacks"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        found = by_attack(real, fake)
        return {name: float(values.max()) for name, values in found.items()}


def by_attack(members: np.ndarray, scores: np.ndarray) -> dict[str, np.ndarray]:
    """The two scores of each attack, (A,), by name."""
    rankings = [ranked(members.astype(bool), attack) for attack in scores.T]
    return {
        "membership_auroc": np.array([ranking.auroc for ranking in rankings]),
        "membership_tpr_at_fpr1": np.array([ranking.recall_at(FALSE_POSITIVES) for ranking in rankings]),
    }
