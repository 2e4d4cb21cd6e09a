"""Memorisation: does the model make examples, or hand back its training set?

`near_copy_rate` is the alarm that the gate reads: the share of generated examples that lie within a quarter of the
distance that separates the nearest training example from its own nearest fellow. Beside it, as information:
`authenticity`, from Alaa et al., "How faithful is your synthetic data?", 2022, https://arxiv.org/abs/2102.08921
(section 3.3), and `c_t`, from Meehan, Chaudhuri and Dasgupta, "A three-sample test to detect data copying in
generative models", 2020, https://arxiv.org/abs/2004.05675.

A distance can't see a copy that was shifted or recoloured: passing is no claim of privacy.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from genfoundry.metric import Metric, ScoreKind

NEAR = 0.25  # of the distance between training neighbours; held-out digits of mnist-5k never come below 0.47
CELLS = 5  # regions of C_T
MOST = 5000  # training rows that the regions are found on

SCORES = (
    ScoreKind(
        "near_copy_rate",
        label="Near copies",
        question="What share of the samples all but repeats a training example?",
        better="lower",
        low=0,
        high=1,
        per_cent=True,
        headline=True,
        interval="count",
    ),
    ScoreKind(
        "authenticity",
        label="Authenticity",
        question="What share of the samples is farther from the training examples than these are from each other?",
        better="higher",
        low=0,
        high=1,
        interval="count",
    ),
    ScoreKind(
        "c_t",
        label="Copying statistic C_T",
        question="Near 0 or above is healthy; far below 0 means copying.",
        better="higher",
        interval="z",
    ),
)


class Memorisation(Metric):
    """Generated examples beside the training set; `c_t` only where rows that the model never saw are given."""

    view = "training"

    @staticmethod
    def score(real: np.ndarray, fake: np.ndarray, held_out: np.ndarray | None = None) -> dict[str, float]:
        ratio = copy_ratio(real, fake)
        scores = {"near_copy_rate": float((ratio <= NEAR).mean()), "authenticity": float((ratio > 1).mean())}
        if held_out is not None:
            scores["c_t"] = data_copying(real, held_out, fake)
        return scores


class Nearest(NamedTuple):
    """For each of M rows the number (M,) of its nearest training row, and the Euclidean distance (M,) to it."""

    row: np.ndarray
    distance: np.ndarray


def nearest(train: np.ndarray, rows: np.ndarray, others: np.ndarray | None = None) -> Nearest:
    """Nearest training row (N, D) of each of `rows` (M, D); `others` (M,) numbers a training row to leave out."""
    from sklearn.neighbors import NearestNeighbors

    reference, queries = (np.ascontiguousarray(side, np.float32) for side in (train, rows))
    found = NearestNeighbors(n_neighbors=1 if others is None else 2, algorithm="brute").fit(reference)
    row, *second = found.kneighbors(queries, return_distance=False).T
    if others is not None:
        row = np.where(row == others, second[0], row)
    return Nearest(row, np.linalg.norm(queries - reference[row], axis=1))  # exact: 0 for a copy


def copy_ratio(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(M,) distance of each row to its nearest training row, over the distance from that one to its nearest fellow.

    About 1 for new examples of the same distribution, 0 for copies. A training row that has a twin is given the 5 %
    quantile of the distances between fellows, so copies of twins are seen too.
    """
    hit, distance = nearest(train, rows)
    hits, back = np.unique(hit, return_inverse=True)
    between = nearest(train, train[hits], others=hits).distance
    between = np.maximum(between, np.quantile(between, 0.05))[back]
    return np.divide(distance, between, out=np.zeros_like(distance), where=distance > 0)


def data_copying(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray, seed: int = 0) -> float:
    """C_T: how much farther from the training set generated examples lie than held-out ones; far below 0 is copying.

    In each cell of a partition of the training set the Mann-Whitney statistic of the two sets of distances, as a
    standard normal, averaged with the held-out shares (sections 2.2 and 3.1).
    """
    from sklearn.cluster import KMeans

    drawn = np.random.default_rng(seed).permutation(len(train))[:MOST]
    cells = KMeans(CELLS, random_state=seed).fit(np.asarray(train[drawn], np.float32))
    real_cell, fake_cell = (cells.predict(np.asarray(side, np.float32)) for side in (held_out, fake))
    real_distance, fake_distance = nearest(train, held_out).distance, nearest(train, fake).distance
    total, weight = 0.0, 0
    for cell in range(CELLS):
        a, b = real_distance[real_cell == cell], fake_distance[fake_cell == cell]
        if len(a) and len(b):
            total, weight = total + len(a) * _mann_whitney(a, b), weight + len(a)
    return total / weight if weight else float("nan")


def _mann_whitney(a: np.ndarray, b: np.ndarray) -> float:
    """Standardised count of pairs in which `b` is the larger, ties counted half."""
    from scipy.stats import mannwhitneyu

    wins, pairs = mannwhitneyu(b, a, method="asymptotic").statistic, len(a) * len(b)
    return float((wins - pairs / 2) / math.sqrt(pairs * (len(a) + len(b) + 1) / 12))
