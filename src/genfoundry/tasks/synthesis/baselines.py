"""What every generator of tables is judged beside: independent columns, SMOTE, an adversarial random forest.

Each is fitted on the training rows alone. What takes seconds is kept on disk, by the rows that it was made of.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from genfoundry.data import sealed
from genfoundry.files import digest
from genfoundry.judging.features import sha256
from genfoundry.project.root import state_dir
from genfoundry.tasks.synthesis import adversarial_forest
from genfoundry.tasks.synthesis.tables import Draws, RealTable

NEIGHBOURS = 5  # of SMOTE
FEWEST = 2  # rows of a class that SMOTE can go between
MADE_BY = ("scikit-learn", "imbalanced-learn")
TRIVIAL = "marginals"


def marginals(real: RealTable, count: int, seed: int) -> np.ndarray:
    """Each column drawn for itself from the training rows: (count, D)."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.choice(column, count) for column in real.train.T], 1)


def smote(real: RealTable, count: int, seed: int) -> np.ndarray:
    """Rows between a training row and one of its nearest five of the same class, in the classes' shares: (count, D).

    Chawla 2002, https://arxiv.org/abs/1106.1813. As a generator only its new rows are taken, as Kotelnikov 2023 does
    (https://arxiv.org/abs/2209.15421, section 5). An empty cell is a category of its own beside its column.
    """
    rng = np.random.default_rng(seed)
    rows, empty = real.train, np.isnan(real.train)
    gaps = np.flatnonzero(empty.any(0) & ~real.coded)
    filled = np.where(empty, np.where(real.coded, -1, np.nanmedian(rows, 0)), rows)
    classes = _classes(real, rng)
    made = _between(np.hstack([filled, empty[:, gaps]]), classes, np.append(real.coded, gaps >= 0), count, rng)
    found = made[:, : rows.shape[1]]
    found[:, gaps] = np.where(made[:, rows.shape[1] :] > 0, np.nan, found[:, gaps])
    found[:, real.coded] = np.where(found[:, real.coded] < 0, np.nan, found[:, real.coded])
    whole = np.array([column.whole for column in real.spec.columns])
    found[:, whole] = np.round(found[:, whole])
    return found


def _classes(real: RealTable, rng: np.random.Generator) -> np.ndarray:
    """(N,) the class of each training row; two at random where there is no target, or too few rows of each class."""
    if real.target is not None:
        found = np.nan_to_num(real.train[:, real.target], nan=-1).astype(int)
        counts = np.unique(found, return_counts=True)[1]
        if len(counts) > 1 and counts.min() >= FEWEST:
            return found
    return rng.permutation(np.arange(len(real.train)) % 2)


def _between(
    rows: np.ndarray, classes: np.ndarray, coded: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """`count` rows that SMOTE makes of these, in random order."""
    from imblearn.over_sampling import SMOTE, SMOTEN, SMOTENC  # imports for a second

    labels, counts = np.unique(classes, return_counts=True)
    wanted = np.maximum(np.ceil(count * counts / len(rows)).astype(int), 1)
    settings = {
        "sampling_strategy": dict(zip(labels.tolist(), (counts + wanted).tolist(), strict=True)),
        "k_neighbors": int(min(NEIGHBOURS, counts.min() - 1)),
        "random_state": int(rng.integers(2**31)),
    }
    if coded.all():
        maker = SMOTEN(**settings)
    else:
        maker = SMOTENC(np.flatnonzero(coded).tolist(), **settings) if coded.any() else SMOTE(**settings)
    made = np.asarray(maker.fit_resample(rows, classes)[0], np.float64)[len(rows) :]  # the new rows come last
    return made[rng.permutation(len(made))[:count]]


def forest(real: RealTable, count: int, seed: int) -> np.ndarray:
    """Rows of an adversarial random forest: (count, D)."""
    return adversarial_forest.sample(real.train, count, seed)


BASELINES = {TRIVIAL: marginals, "smote": smote, "adversarial_forest": forest}


def draws(name: str, real: RealTable, count: int, seeds: int, seed: int) -> Draws:
    """What a baseline makes, `count` rows `seeds` times; from disk where it was made before."""
    shape = (seeds, count, real.train.shape[1])
    parts = [sha256(real.train), real.spec.model_dump(), shape, seed, *(version(package) for package in MADE_BY)]
    path = state_dir("baselines") / f"{name}-{digest(parts)[:32]}.npy"
    found = sealed.read_array(path, "it is made anew")
    if found is None or (found.shape, found.dtype) != (shape, np.float64):
        found = BASELINES[name](real, seeds * count, seed).reshape(shape)
        sealed.write_array(path, found)
    return Draws(name, list(found))
