"""Whether synthetic rows teach what real ones do: the rare class of the target, predicted for real test rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from genfoundry.metrics.utility import Utility, threshold
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, half_samples
from genfoundry.stopping import until_interrupted
from genfoundry.tasks.synthesis.boosting import fit_classifier
from genfoundry.tasks.synthesis.tables import Draws, RealTable

REPLACED, AUGMENTED = "tstr", "augmented"  # synthetic rows in place of the real ones, or beside them
PRIMARY = "auprc"
SCORED = (PRIMARY, "f1", "auprc_to_real")
HELD_BACK = 5  # one training row in so many chooses the threshold
HALVES = 50  # of the test rows, for an interval


class DownstreamTask:
    """The test rows of a table with a target, and what a predictor of real rows says of them, one for each seed."""

    def __init__(self, real: RealTable, taught: np.ndarray, seeds: list[int]) -> None:
        self.real, self.taught, self.seeds = real, taught, seeds
        self.target = cast(int, real.target)
        self.test = real.test[self._labelled(real.test)]
        self.rare = self._rare(self.test)
        self.reference = [self._predictions(taught, seed) for seed in until_interrupted(seeds)]

    def trained_on_synthetic(self, draws: Draws) -> list[np.ndarray]:
        """(N, 3) for each seed, see `Utility`: of predictors that learned from the synthetic rows alone."""
        return [self._beside(table, number) for number, table in until_interrupted(enumerate(draws.tables))]

    def trained_on_both(self, draws: Draws) -> list[np.ndarray]:
        """The same of predictors that learned from the real and the synthetic rows."""
        both = (np.concatenate([self.taught, table]) for table in draws.tables)
        return [self._beside(table, number) for number, table in until_interrupted(enumerate(both))]

    def trained_on_real(self) -> list[np.ndarray]:
        """The same of predictors that learned from the real rows alone."""
        return [np.column_stack([predictions, predictions[:, 0]]) for predictions in self.reference]

    def _beside(self, table: np.ndarray, number: int) -> np.ndarray:
        return np.column_stack([self._predictions(table, self.seeds[number]), self.reference[number][:, 0]])

    def _predictions(self, table: np.ndarray, seed: int) -> np.ndarray:
        """(N, 2): the probability of the rare class for each test row, and the decision, 0 or 1.

        A fifth of the rows, of each class alike, is held back: the threshold of the decision is the best on them.
        """
        rows = table[self._labelled(table)]
        rows = rows[np.random.default_rng(seed).permutation(len(rows))]
        rows = rows[np.argsort(self._rare(rows), kind="stable")]
        back = np.arange(len(rows)) % HELD_BACK == 0
        coded = np.delete(self.real.coded, self.target)
        predict = fit_classifier(self._predictors(rows[~back]), self._rare(rows[~back]), coded, seed)
        limit = threshold(self._rare(rows[back]), predict(self._predictors(rows[back])))
        likely = predict(self._predictors(self.test))
        return np.column_stack([likely, likely >= limit])

    def _labelled(self, table: np.ndarray) -> np.ndarray:
        return ~np.isnan(table[:, self.target])

    def _rare(self, table: np.ndarray) -> np.ndarray:
        return table[:, self.target] == self.real.positive

    def _predictors(self, table: np.ndarray) -> np.ndarray:
        return np.delete(table, self.target, axis=1)


def scores(task: DownstreamTask, subject: str, draws: Draws | None, size: str, seed: int) -> Iterator[Score]:
    """What a subject teaches in place of the real rows, and beside them; of the real rows themselves where no draws."""
    if draws is None:
        yield from _records(task, REPLACED, subject, task.trained_on_real(), size, seed)
        return
    for how, predictions in ((REPLACED, task.trained_on_synthetic), (AUGMENTED, task.trained_on_both)):
        yield from _records(task, how, subject, predictions(draws) if draws.sound else [], size, seed)


def _records(
    task: DownstreamTask, how: str, subject: str, predictions: list[np.ndarray], size: str, seed: int
) -> Iterator[Score]:
    found = half_samples(Utility.score, task.rare, predictions, HALVES, seed, paired=True) if predictions else {}
    for name in SCORED:
        most = np.inf if name.endswith("to_real") else 1.0
        yield found.get(name, UNKNOWN).clip(0.0, most).score(f"{how}_{name}_{size}", subject)
