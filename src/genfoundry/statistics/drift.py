"""How far a new version of a dataset lies from the old one, beside how far chance alone puts a part of the old one.

What came in is compared with what was there. Each measure has a 95 % interval and a noise level: what the same measure
shows between two parts of the old data of the same sizes, exceeded by a share of at most `false_alarms` of changes of
no consequence, all measures together (Bonferroni). The order statistic that is taken is that of a permutation test
(Phipson and Smyth, Stat. Appl. Genet. Mol. Biol. 9, 2010), so few splits never make it too low.

What is measured is the kind's: see `kinds/<kind>/drift.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from genfoundry.records import Record
from genfoundry.statistics.interval import Estimate, half_samples

SPLITS = 400  # of the old data, for one noise level

Statistic = Callable[[np.ndarray, np.ndarray], float]


class Measure(Record):
    """One distance between old and new, its 95 % interval, and the noise that it has to exceed."""

    name: str
    value: float
    low: float
    high: float
    noise: float
    exceeds: bool
    sentence: str


class Drift(Record):
    """What became of a dataset's rows, and how far they drifted; `exceeds` where one measure exceeds its noise."""

    rows_before: int
    rows_after: int
    new_rows: int
    gone_rows: int
    measures: tuple[Measure, ...]
    exceeds: bool


def drift(rows_before: int, rows_after: int, new_rows: int, gone_rows: int, measures: tuple[Measure, ...]) -> Drift:
    """The record of these measures."""
    return Drift(
        rows_before=rows_before,
        rows_after=rows_after,
        new_rows=new_rows,
        gone_rows=gone_rows,
        measures=measures,
        exceeds=any(each.exceeds for each in measures),
    )


def measure(name: str, found: Estimate, noise: float, what: str, either_way: bool = False) -> Measure:
    """The record of one measure; `what` names it in its sentence, `either_way` where it may be negative."""
    exceeds = (abs(found.value) if either_way else found.value) > noise
    relation = "beyond" if exceeds else "within"
    shown = f"{found.value:.3g} [{found.low:.3g}, {found.high:.3g}]"
    sentence = f"{what} {shown}, {relation} its noise of {noise:.3g}."
    return Measure(name=name, **found._asdict(), noise=noise, exceeds=exceeds, sentence=sentence)


def noise_level(draws: list[float], level: float) -> float:
    """The value that a further draw exceeds with a probability of at most `level`; the largest where draws are few."""
    rank = math.ceil((1 - level) * (len(draws) + 1))
    return float(sorted(draws)[min(rank, len(draws)) - 1])


def sampled(rows: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """At most so many of the rows, in their order."""
    return rows if len(rows) <= most else rows[np.sort(rng.choice(len(rows), most, replace=False))]


def beside_noise(
    statistic: Statistic, old: np.ndarray, new: np.ndarray, level: float, rng: np.random.Generator
) -> tuple[Estimate, float]:
    """`statistic(old, new)` with its interval, and its noise between parts of `old` of just the same sizes."""
    count = min(len(new), len(old) // 2)
    there, came = rng.permutation(old)[count:], rng.permutation(new)[:count]
    found = half_samples(lambda a, b: {"": statistic(a, b)}, there, [came], 20, int(rng.integers(2**31)))[""]
    orders = (rng.permutation(old) for _ in range(SPLITS))
    return found, noise_level([statistic(order[count:], order[:count]) for order in orders], level)
