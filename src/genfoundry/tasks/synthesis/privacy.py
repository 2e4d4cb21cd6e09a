"""Privacy: membership inference from synthetic rows, and copies of training rows among them.

An attacker holds the synthetic rows, and real rows of the same population that were not trained on. As many training
rows as there are held-out rows are looked for among both. Half of the held-out rows is the attacker's own while the
others are asked about, and then the other way round.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.neighbors import NearestNeighbors

from genfoundry.kinds.table.spec import TableSpec
from genfoundry.metrics.membership import Membership, by_attack
from genfoundry.metrics.record_copies import Records, rates
from genfoundry.records import Score
from genfoundry.statistics.interval import UNKNOWN, Estimate, half_samples, size_name
from genfoundry.tasks.synthesis.boosting import fit_classifier
from genfoundry.tasks.synthesis.tables import Draws, RealTable, subsample

ATTACKS = ("nearest", "density_ratio", "classifier")
MOST_TARGETS, MOST_SYNTHETIC = 2500, 20_000  # training rows that are looked for, as many held-out ones; rows searched
HALVES = 50  # of the rows that are looked for, for an interval
NEIGHBOURS = 3  # by whose mean log distance a density is estimated
TINY = 1e-6  # a distance of none
SCORED = ("membership_auroc", "membership_tpr_at_fpr1", "near_copy_rate", "exact_copy_rate")
COPIES = {"near_copy_rate": "near_copy_rate_beyond_held_out"}  # what its name says besides


class Attacker:
    """Looks for rows of `members` (N, D) among them and `held_out` (M, D), by the rows that a generator made."""

    def __init__(self, members: np.ndarray, held_out: np.ndarray, spec: TableSpec, seed: int) -> None:
        self.count = min(len(members), len(held_out), MOST_TARGETS)
        self.members, self.held_out = subsample(members, self.count, seed), subsample(held_out, self.count, seed)
        self.spec, self.seed = spec, seed
        self.labels = np.repeat([True, False], self.count)

    def attack(self, synthetic: np.ndarray) -> np.ndarray:
        """How sure each attack is of each member, then of each held-out row: (2 N, attacks)."""
        targets = np.concatenate([self.members, self.held_out])
        half = np.random.default_rng(self.seed).permutation(self.count) % 2
        found = np.empty((len(targets), len(ATTACKS)))
        for number in (0, 1):
            asked = np.tile(half == number, 2)
            found[asked] = _attacks(targets[asked], synthetic, self.held_out[half != number], self.spec, self.seed)
        return found


def _attacks(targets: np.ndarray, synthetic: np.ndarray, own: np.ndarray, spec: TableSpec, seed: int) -> np.ndarray:
    """(K, attacks): high for what looks like a member.

    nearest        how near the nearest synthetic row is (Hilprecht 2019, https://arxiv.org/abs/1906.03006, section 3)
    density_ratio  that the synthetic rows lie denser around it than real ones do (DOMIAS: van Breugel 2023,
                   https://arxiv.org/abs/2302.12580, section 4), by the distances to the nearest of each
    classifier     that a classifier takes it for synthetic rather than real (LOGAN: Hayes 2019,
                   https://arxiv.org/abs/1705.07663, section 4)
    """
    place = Space(own, spec)
    near, far = (_log_distances(place(rows), place(targets)) for rows in (synthetic, own))
    labels = np.repeat([True, False], [len(synthetic), len(own)])
    taken_for_synthetic = fit_classifier(np.concatenate([synthetic, own]), labels, place.coded, seed)
    return np.column_stack([-near[:, 0], far.mean(1) - near.mean(1), taken_for_synthetic(targets)])


class Space:
    """Rows (N, D) as float32 points, in which two random rows differ about as much in each column.

    A number by its deviation, a category by an axis for each code, an empty cell by an axis of its own.
    """

    def __init__(self, own: np.ndarray, spec: TableSpec) -> None:
        self.coded = np.array([column.coded for column in spec.columns])
        self.codes = [np.arange(len(column.labels)) for column in spec.codes]
        numbers = [column[np.isfinite(column)] for column in own[:, ~self.coded].T]
        self.mean = np.array([known.mean() if len(known) else 0.0 for known in numbers])
        self.deviation = np.array([known.std() if len(known) and known.std() > 0 else 1.0 for known in numbers])

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        numbers = (rows[:, ~self.coded] - self.mean) / self.deviation
        axes = [column[:, None] == codes for column, codes in zip(rows[:, self.coded].T, self.codes, strict=True)]
        return np.hstack([np.nan_to_num(numbers), np.isnan(rows), *axes], dtype=np.float32) / np.float32(np.sqrt(2))


def _log_distances(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """(K, neighbours): the logarithm of the distance from each target (K, D) to its nearest points (N, D)."""
    finder = NearestNeighbors(n_neighbors=min(NEIGHBOURS, len(points)), algorithm="brute").fit(points)
    return np.log(np.maximum(finder.kneighbors(targets)[0], TINY))


class PrivacyAudit:
    """The rows that were trained on and those that were not; every subject's rows are held against both."""

    def __init__(self, members: np.ndarray, real: RealTable, seed: int) -> None:
        self.attacker = Attacker(members, real.test, real.spec, seed)
        self.records = Records(members, real.test, real.coded)
        self.sizes, self.seed = (len(members), len(real.test)), seed

    def attack(self, draws: Draws) -> np.ndarray:
        """How sure each attack is of each row that is looked for, by all draws together: (2 N, attacks)."""
        return self.attacker.attack(subsample(np.concatenate(draws.tables), MOST_SYNTHETIC, self.seed))

    def scores(self, draws: Draws, suspicion: np.ndarray | None) -> Iterator[Score]:
        """Membership inference and copies of one subject.

        Args:
            suspicion: what `attack` found; None for rows that are none of the table, whose scores are unknown.
        """
        found = {} if suspicion is None else self._membership(suspicion) | self._copies(draws)
        size = size_name(self.attacker.count)
        for name in SCORED:
            yield found.get(name, UNKNOWN).score(f"{COPIES.get(name, name)}_{size}", draws.subject)

    def by_attack(self, suspicion: np.ndarray) -> dict[str, np.ndarray]:
        """The two scores of each attack, in the order of `ATTACKS`."""
        return by_attack(self.attacker.labels, suspicion)

    def _membership(self, suspicion: np.ndarray) -> dict[str, Estimate]:
        found = half_samples(Membership.score, self.attacker.labels, [suspicion], HALVES, self.seed, paired=True)
        return {name: estimate.clip(0.0, 1.0) for name, estimate in found.items()}

    def _copies(self, draws: Draws) -> dict[str, Estimate]:
        return rates(self.records.copies(np.concatenate(draws.tables)), *self.sizes)
