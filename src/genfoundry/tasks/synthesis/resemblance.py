"""Whether synthetic rows look like held-out real ones: to a classifier, column by column, and pair by pair."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from genfoundry.metrics.marginals import Marginals
from genfoundry.metrics.two_sample import TwoSample
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, half_samples
from genfoundry.stopping import until_interrupted
from genfoundry.tasks.synthesis.boosting import fit_classifier
from genfoundry.tasks.synthesis.tables import Draws, RealTable, subsample

FOLDS = 2
HALVES, FEW_HALVES = 50, 10  # of the rows, for intervals: of the classifier's scores, and of the associations
SCORED = ("two_sample_auroc", "marginal_distance", "association_error")
MOST = {"association_error": 2.0}  # of a score; 1 for the others


def scores(real: RealTable, draws: Draws, size: str, seed: int) -> Iterator[Score]:
    """Scores of as many rows on both sides, as there are of the shorter one."""
    count = min(len(real.test), *map(len, draws.tables))
    test = subsample(real.test, count, seed)
    tables = [subsample(table, count, seed) for table in draws.tables]
    found = _found(real, test, tables, seed) if draws.sound else {}
    for name in SCORED:
        estimate = found.get(name, UNKNOWN).clip(0.0, MOST.get(name, 1.0))
        yield estimate.score(f"{name}_{size}", draws.subject)


def _found(real: RealTable, test: np.ndarray, tables: list[np.ndarray], seed: int) -> dict[str, Estimate]:
    synthetic = np.repeat([False, True], len(test))
    predictions = [_cross_fitted(test, table, real.coded, seed) for table in until_interrupted(tables)]
    by_classifier = half_samples(TwoSample.score, synthetic, predictions, HALVES, seed, paired=True)
    return by_classifier | half_samples(partial(Marginals.score, coded=real.coded), test, tables, FEW_HALVES, seed)


def _cross_fitted(real: np.ndarray, synthetic: np.ndarray, coded: np.ndarray, seed: int) -> np.ndarray:
    """How synthetic each real row, then each synthetic row is to a classifier not fitted on it: (2 N,)."""
    rows = np.concatenate([real, synthetic])
    labels = np.repeat([False, True], [len(real), len(synthetic)])
    fold = np.concatenate([(np.random.default_rng(seed).permutation(len(side)) % FOLDS) for side in (real, synthetic)])
    predictions = np.empty(len(rows))
    for number in range(FOLDS):
        inside = fold == number
        predictions[inside] = fit_classifier(rows[~inside], labels[~inside], coded, seed)(rows[inside])
    return predictions
