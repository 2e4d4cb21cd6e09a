"""Intervals: 95 % ranges of rates and of whole-set scores."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from genfoundry.metric import higher_is_better
from genfoundry.records import Score

Z95 = 1.959964


def size_name(count: int) -> str:
    """How a number of samples is written in a score's name: `1k`, `360`."""
    return f"{count // 1000}k" if count % 1000 == 0 else str(count)


class Estimate(NamedTuple):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def clip(self, least: float = -math.inf, most: float = math.inf) -> Estimate:
        """The interval cut to the range that the quantity can have; the value stays inside."""
        return Estimate(self.value, min(max(self.low, least), self.value), max(min(self.high, most), self.value))

    def score(self, name: str, subject: str) -> Score:
        """This estimate as a record.

        Raises:
            LookupError: no metric and no task declares a score whose name begins so.
        """
        return Score(name=name, subject=subject, higher_is_better=higher_is_better(name), **self._asdict())


UNKNOWN = Estimate(math.nan, math.nan, math.nan)


def wilson(hits: int, trials: int) -> Estimate:
    """Interval of a rate from counts (Wilson, J. Am. Stat. Assoc. 22, 1927); it never leaves [0, 1].

    Raises:
        ValueError: no trials.
    """
    from scipy.stats import binomtest  # half a second to import, and only a judge computes

    if trials <= 0:
        raise ValueError("a rate needs at least one trial")
    rate, found = hits / trials, binomtest(hits, trials).proportion_ci(0.95, method="wilson")
    return Estimate(rate, min(float(found.low), rate), max(float(found.high), rate))  # rounding leaves the rate inside


Scoring = Callable[[np.ndarray, np.ndarray], dict[str, float]]


def half_samples(
    score: Scoring, real: np.ndarray, fakes: list[np.ndarray], draws: int, seed: int, paired: bool = False
) -> dict[str, Estimate]:
    """Mean of `score(real, fake)` over independent sets of samples, with the spread of half-samples around it.

    The spread of a score over random halves drawn without replacement estimates its sampling error at full size
    (the delete-half jackknife: Shao and Wu, Annals of Statistics 17, 1989). Unlike a bootstrap it repeats no row, so
    it neither biases the unbiased KID nor puts zero distances among nearest neighbours. Only the width is taken: half
    sets shift a Fréchet distance upwards. The spread over the sets of samples is added in quadrature.

    Args:
        paired: row by row the fakes were made from the real examples, so both sides of a half keep the same rows.
    """
    values = [score(real, fake) for fake in fakes]
    rng = np.random.default_rng(seed)
    halves = (_half(len(real), rng) for _ in range(draws))  # one for all fakes: they share the real side
    replicas = [
        _mean([score(real[half], fake[half if paired else _half(len(fake), rng)]) for fake in fakes]) for half in halves
    ]
    return {name: _estimate([v[name] for v in values], [r[name] for r in replicas]) for name in values[0]}


def _half(count: int, rng: np.random.Generator) -> np.ndarray:
    return rng.choice(count, size=(count + 1) // 2, replace=False)


def _mean(scores: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([score[name] for score in scores])) for name in scores[0]}


def _estimate(values: list[float], replicas: list[float]) -> Estimate:
    value = float(np.mean(values))
    between = float(np.var(values, ddof=1)) / len(values) if len(values) > 1 else 0.0
    within = float(np.var(replicas, ddof=1)) if len(replicas) > 1 else 0.0
    half = Z95 * math.sqrt(between + within)
    return Estimate(value, value - half, value + half)


def around(values: list[float]) -> Estimate:
    """Mean and normal interval of independent repetitions, or of one number per row."""
    return _estimate(values, [])


def percentiles(value: float, replicas: list[float]) -> Estimate:
    """The middle 95 % of bootstrap `replicas` of `value` (Efron 1979), widened to hold the value itself."""
    low, high = np.quantile(replicas, [0.025, 0.975])
    return Estimate(float(value), float(np.minimum(low, value)), float(np.maximum(high, value)))
