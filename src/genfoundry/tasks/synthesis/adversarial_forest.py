"""Adversarial random forests: a forest that can't tell real rows from its own, and what is drawn from its leaves.

Watson, Blesch, Kapar and Wright, "Adversarial random forests for density estimation and generative modeling", 2023,
https://arxiv.org/abs/2205.09435 (algorithms 1 to 3). A forest learns to tell real rows from ones whose columns are
independent; then from rows whose columns are independent within its own leaves; until it can't. In a leaf of the last
forest the columns are as good as independent, so a row is drawn column by column from the training rows in one leaf.

Two things are other than in the paper. Within a leaf the values of the rows themselves are drawn, where the paper draws
numbers from a truncated normal: heavy repeats and empty cells stay what they are. And a leaf with too few real rows
hands over to the smallest node above it that has enough, which is what the paper's pruning comes to.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

TREES, LEAST, MOST_FORESTS = 30, 5, 10  # the paper's: trees, real rows in a leaf, forests
CHANCE = 0.5  # accuracy of a forest that can't tell


class Leaves(NamedTuple):
    """For each tree and training row which rows share its leaf: those at `start` to `start + size` of `order`.

    All (T, N) but `order`, which is a permutation of the rows in each tree, (T, N) too.
    """

    order: np.ndarray
    start: np.ndarray
    size: np.ndarray


def sample(rows: np.ndarray, count: int, seed: int) -> np.ndarray:
    """`count` new rows, (count, D), like `rows` (N, D), NaN where missing."""
    rng = np.random.default_rng(seed)
    return _draw(rows, _fit_adversarially(rows, rng), count, rng)


def _fit_adversarially(rows: np.ndarray, rng: np.random.Generator) -> Leaves:
    """The leaves of the last forest that could still be fooled by none before it."""
    fake = np.stack([rng.permutation(column) for column in rows.T], 1)
    forest = _fit_forest(rows, fake, rng)
    for _ in range(MOST_FORESTS - 1):
        if forest.oob_score_ <= CHANCE:
            break
        following = _fit_forest(rows, _draw(rows, _leaves(forest, rows), len(rows), rng), rng)
        if following.oob_score_ > forest.oob_score_:
            break
        forest = following
    return _leaves(forest, rows)


def _fit_forest(rows: np.ndarray, fake: np.ndarray, rng: np.random.Generator) -> RandomForestClassifier:
    forest = RandomForestClassifier(
        TREES, min_samples_leaf=LEAST, oob_score=True, random_state=int(rng.integers(2**31)), n_jobs=1
    )
    return forest.fit(np.concatenate([rows, fake]), np.repeat([0, 1], len(rows)))


def _leaves(forest: RandomForestClassifier, rows: np.ndarray) -> Leaves:
    at = np.stack([_populated_nodes(tree, rows) for tree in forest.estimators_])  # (T, N) nodes
    order = at.argsort(1, kind="stable")
    ranked = np.take_along_axis(at, order, 1)
    start, end = (
        np.stack([np.searchsorted(nodes, own, side) for nodes, own in zip(ranked, at, strict=True)])
        for side in ("left", "right")
    )
    return Leaves(order, start, end - start)


def _populated_nodes(tree: DecisionTreeClassifier, rows: np.ndarray) -> np.ndarray:
    """For each row (N,) the deepest node of a tree that holds it and at least `LEAST` real rows."""
    above = np.zeros(tree.tree_.node_count, np.int64)
    inner = np.flatnonzero(tree.tree_.children_left >= 0)
    above[tree.tree_.children_left[inner]] = above[tree.tree_.children_right[inner]] = inner
    path = tree.tree_.decision_path(rows.astype(np.float32))
    held = np.asarray(path.sum(0)).ravel()
    node = tree.tree_.apply(rows.astype(np.float32))
    while (short := (held[node] < LEAST) & (node > 0)).any():
        node = np.where(short, above[node], node)
    return node


def _draw(rows: np.ndarray, leaves: Leaves, count: int, rng: np.random.Generator) -> np.ndarray:
    """Each new row from one leaf of one tree, drawn as often as training rows fall into it; columns independently."""
    tree, row = rng.integers(len(leaves.order), size=count), rng.integers(len(rows), size=count)
    start, size = leaves.start[tree, row], leaves.size[tree, row]
    made = np.empty((count, rows.shape[1]))
    for column in range(rows.shape[1]):
        made[:, column] = rows[leaves.order[tree, start + rng.integers(size)], column]
    return made
