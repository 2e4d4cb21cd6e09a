"""What every metric promises: `update(real, fake)`, `compute()`, and its protocol in its name.

A metric is a class in a file of `metrics/`. The evaluator makes a fresh one for each pair of sets that it scores
(the model's samples, each floor, each baseline), so floors and models are always measured by the same code.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np


class Metric:
    """Compares a set of real examples with a set of generated ones.

    `view`             what it is given: `features` (N, D) float; `images` float (N, C, H, W) in [-1, 1], row by row
                       (a reconstruction beside its original); `forecast`, see `metrics/` of series
    `higher_is_better` by score name, for every name that `compute` may return
    """

    view: ClassVar[str]
    higher_is_better: ClassVar[dict[str, bool]]

    def update(self, real: np.ndarray, fake: np.ndarray) -> None:
        """Take in real and generated examples; may be called many times."""
        raise NotImplementedError

    def compute(self) -> dict[str, float]:
        """The scores of all that was taken in, by bare name (`fd`); the evaluator adds domain and size."""
        raise NotImplementedError


class SetMetric(Metric):
    """A metric of two sets that keeps all of them until `compute`: subclasses implement `score`."""

    def __init__(self) -> None:
        self._real: list[np.ndarray] = []
        self._fake: list[np.ndarray] = []

    def update(self, real: np.ndarray, fake: np.ndarray) -> None:
        self._real.append(np.asarray(real))
        self._fake.append(np.asarray(fake))

    def compute(self) -> dict[str, float]:
        return self.score(np.concatenate(self._real), np.concatenate(self._fake))

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray) -> dict[str, float]:
        """The scores of two whole sets."""
        raise NotImplementedError
