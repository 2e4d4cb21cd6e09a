"""What the metric asks, in one line.

Where it comes from: authors, title, year, link. This one compares how much samples and real examples vary.
"""

from __future__ import annotations

import numpy as np

from genfoundry.metric import Metric, ScoreKind

SCORES = (
    ScoreKind(
        "template",
        label="Relative spread",
        question="Do samples vary as much as real examples?",
        better="higher",
        low=0,
        headline=True,
    ),
)


class Template(Metric):
    """`template`: the deviation of generated features over that of real ones."""

    view = "deciding"  # what it is given: see the docstring of genfoundry.metric.Metric

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        return {"template": float(fake.std() / real.std())}
