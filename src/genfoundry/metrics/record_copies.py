"""Near-copies of records: synthetic rows that are some training row, give or take.

A row is near a real one where it has the same categories and the same empty cells, and its numbers lie within a quarter
of the distance that separates that real row from the next one. Whatever is common (a twin among the real rows) is
nobody's own and is not counted.

A table may be so full that a new row often is an old one: four in five of a line's flights are in the training set,
and one that is made up well is likely among them. So what is reported is the share that is near training rows *less*
the share that held-out rows explain: as many would be near training rows by chance. Distances are an alarm alone, for
they pass data that leak; `membership` is the measure.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.spatial import KDTree

from genfoundry.metric import Metric, ScoreKind
from genfoundry.statistics.interval import Z95, Estimate, wilson

NEAR = 0.25  # of the distance between neighbours
OTHER = 1.0  # the least distance of two rows whose categories differ
APART = 1e6  # between groups of rows with unlike categories: no neighbour is looked for there
SCORES = (
    ScoreKind(
        "near_copy_rate_beyond_held_out",
        label="Near-copies of training rows",
        question="What share of the synthetic rows is nearly a training row, beyond what held-out rows explain?",
        better="lower",
        low=-1.0,
        high=1.0,
        per_cent=True,
        headline=True,
    ),
    ScoreKind(
        "exact_copy_rate",
        label="Exact copies of training rows",
        question="What share of the synthetic rows is a training row, cell by cell?",
        better="lower",
        low=0.0,
        high=1.0,
        per_cent=True,
    ),
)


class RecordCopies(Metric):
    """`near_copy_rate` and `exact_copy_rate` of generated rows beside the training rows, see `rates`."""

    view = "table"

    @staticmethod
    def score(train: np.ndarray, fake: np.ndarray, held_out: np.ndarray, coded: np.ndarray) -> dict[str, float]:
        """Rows float (N, D), NaN where missing; the generator never saw `held_out` (M, D).

        `coded` bool (D,) says which columns hold the codes of categories.
        """
        found = Records(train, held_out, coded).copies(fake)
        return {name: estimate.value for name, estimate in rates(found, len(train), len(held_out)).items()}


class Matches(NamedTuple):
    """For each synthetic row bool (N,): is it near a real row of one split, and is it equal to one?"""

    near: np.ndarray
    equal: np.ndarray


class Copies(NamedTuple):
    """Where synthetic rows meet training rows and held-out ones that have no twin; `exact` (N,) counts twins too."""

    train: Matches
    held_out: Matches
    exact: np.ndarray


class Records:
    """The real rows, float (N, D) and (M, D), NaN where missing; `coded` (D,) tells which columns are categories."""

    def __init__(self, train: np.ndarray, held_out: np.ndarray, coded: np.ndarray) -> None:
        self.coded = coded
        numbers = train[:, ~coded]
        self.scale = np.sqrt(2) * np.array([_spread(column) for column in numbers.T])
        self.groups: dict[bytes, int] = {}
        places = [self._places(rows) for rows in (train, held_out)]
        between = _between_neighbours(np.concatenate(places))
        self.trees = [KDTree(place) for place in places]
        self.reach = np.split(between, [len(train)])

    def copies(self, rows: np.ndarray) -> Copies:
        """Which of these rows (K, D) meet a real one."""
        places = self._places(rows)
        sides = zip(self.trees, self.reach, strict=True)
        (distance, train), (_, held_out) = (_matches(places, tree, reach) for tree, reach in sides)
        return Copies(train, held_out, distance == 0)

    def _places(self, rows: np.ndarray) -> np.ndarray:
        """(K, 1 + numbers): a coordinate far apart for each combination of categories and empty cells, then numbers."""
        numbers, empty = rows[:, ~self.coded], np.isnan(rows)
        keys = np.where(empty, -1, np.where(self.coded, rows, 0)).astype(np.int64)
        group = [self.groups.setdefault(key.tobytes(), len(self.groups)) for key in keys]
        return np.column_stack([np.array(group, float) * APART, np.nan_to_num(numbers / self.scale)])


def _matches(places: np.ndarray, tree: KDTree, reach: np.ndarray) -> tuple[np.ndarray, Matches]:
    """The distance of each row to the nearest real one, infinite beyond `OTHER`, and whether it is that one's copy.

    `reach` (N,) is how far each real row is from its nearest fellow.
    """
    distance, row = tree.query(places, distance_upper_bound=OTHER)
    own = np.append(reach, 0.0)[row]  # a row without a neighbour is given the number one past the last
    return distance, Matches((distance <= NEAR * own) & (own > 0), (distance == 0) & (own > 0))


def _spread(column: np.ndarray) -> float:
    """The standard deviation of what is known of a column; 1 where it does not vary."""
    known = column[np.isfinite(column)]
    return float(known.std()) if len(known) and known.std() > 0 else 1.0


def _between_neighbours(places: np.ndarray) -> np.ndarray:
    """The distance from each row to its nearest fellow, `OTHER` where none is so near."""
    distance = KDTree(places).query(places, k=2, distance_upper_bound=OTHER)[0][:, 1]
    return np.minimum(distance, OTHER)


def rates(found: Copies, train: int, held_out: int) -> dict[str, Estimate]:
    """`near_copy_rate` beyond what held-out rows explain, and `exact_copy_rate`, with 95 % intervals.

    A held-out row is as likely to be met by chance as a training row, so the share that meets held-out ones, times
    their numbers' ratio, is what chance explains. Where few numbers are compared, rows are near by chance so often that
    a handful of copies drowns: equal ones are counted by themselves, and the worse of the two is given. Where no row
    equals a held-out one, none is taken to equal a training row by chance.

    Args:
        train: how many training rows there are.
        held_out: how many held-out rows.
    """
    count = len(found.exact)
    by_chance, equal = (wilson(int(met.sum()), count) for met in found.held_out)
    half = Z95 * math.sqrt(equal.value * (1 - equal.value) / count)
    chances = (by_chance, Estimate(equal.value, equal.value - half, equal.value + half))
    pairs = zip(found.train, found.held_out, chances, strict=True)
    worse = max((_beyond(*pair, train / held_out) for pair in pairs), key=lambda estimate: estimate.low)
    return {"near_copy_rate": worse, "exact_copy_rate": wilson(int(found.exact.sum()), count)}


def _beyond(train: np.ndarray, held_out: np.ndarray, chance: Estimate, ratio: float) -> Estimate:
    """The share of rows that meet training rows, less `ratio` times that of those that meet held-out ones; bool (N,).

    The interval of a difference from those of its parts (Newcombe, Statistics in Medicine 17, 1998, method 10), and the
    parts' covariance: a row that met one sort met not the other.
    """
    met = wilson(int(train.sum()), len(train))
    together = 2 * ratio * Z95**2 / len(train) * (float((train & held_out).mean()) - met.value * chance.value)
    below = (met.value - met.low) ** 2 + (ratio * (chance.high - chance.value)) ** 2 - together
    above = (met.high - met.value) ** 2 + (ratio * (chance.value - chance.low)) ** 2 - together
    value = met.value - ratio * chance.value
    return Estimate(value, value - math.sqrt(max(below, 0.0)), value + math.sqrt(max(above, 0.0))).clip(-1.0, 1.0)
