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
import torch
from torch import Tensor

from genfoundry.metric import Metric, ScoreKind

NEAR = 0.25  # of the distance between training neighbours; held-out digits of mnist-5k never come below 0.47
CELLS = 5  # regions of C_T
MOST_DISTANCES = 10_000_000  # in memory at a time

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
    """For each row the number of its nearest training row and the distance to it."""

    row: Tensor
    distance: Tensor


def nearest(train: np.ndarray, rows: np.ndarray, others: Tensor | None = None) -> Nearest:
    """Nearest training row (N, D) of each of `rows` (M, D); `others` (M,) numbers a training row to leave out."""
    reference, queries = _tensor(train), _tensor(rows)
    found, square = [], reference.square().sum(1)
    chunk = max(1, MOST_DISTANCES // len(reference))
    for start in range(0, len(queries), chunk):
        part = queries[start : start + chunk]
        distance = torch.addmm(square, part, reference.T, alpha=-2)  # less ‖part‖², the same along a row
        if others is not None:
            distance.scatter_(1, others[start : start + chunk, None], torch.inf)
        found.append(distance.argmin(1))
    row = torch.cat(found)
    return Nearest(row, (queries - reference[row]).norm(dim=1))


def _tensor(rows: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, np.float32))


def copy_ratio(train: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(M,) distance of each row to its nearest training row, over the distance from that one to its nearest fellow.

    About 1 for new examples of the same distribution, 0 for copies. A training row that has a twin is given the 5 %
    quantile of the distances between fellows, so copies of twins are seen too.
    """
    hit, distance = nearest(train, rows)
    hits, back = hit.unique(return_inverse=True)
    between = nearest(train, train[hits.numpy()], others=hits).distance
    between = between.clamp(min=float(between.quantile(0.05)))[back]
    ratio = torch.where(distance > 0, distance / between, torch.zeros_like(distance))
    return ratio.numpy()


def data_copying(train: np.ndarray, held_out: np.ndarray, fake: np.ndarray, seed: int = 0) -> float:
    """C_T: how much farther from the training set generated examples lie than held-out ones; far below 0 is copying.

    In each cell of a partition of the training set the Mann-Whitney statistic of the two sets of distances, as a
    standard normal, averaged with the held-out shares (sections 2.2 and 3.1).
    """
    centres = _centres(train, seed)
    real_cell, fake_cell = nearest(centres, held_out).row, nearest(centres, fake).row
    real_distance, fake_distance = nearest(train, held_out).distance, nearest(train, fake).distance
    total, weight = 0.0, 0
    for cell in range(len(centres)):
        a, b = real_distance[real_cell == cell], fake_distance[fake_cell == cell]
        if len(a) and len(b):
            total, weight = total + len(a) * _mann_whitney(a, b), weight + len(a)
    return total / weight if weight else float("nan")


def _mann_whitney(a: Tensor, b: Tensor) -> float:
    """Standardised count of pairs in which `b` is the larger, ties counted half."""
    ordered = a.sort().values
    below = torch.searchsorted(ordered, b) + torch.searchsorted(ordered, b, right=True)
    wins, pairs = float(below.double().sum()) / 2, len(a) * len(b)
    return (wins - pairs / 2) / math.sqrt(pairs * (len(a) + len(b) + 1) / 12)


def _centres(train: np.ndarray, seed: int, rounds: int = 10) -> np.ndarray:
    """Centres of CELLS cells by Lloyd's algorithm, on at most 5,000 training rows."""
    rng = np.random.default_rng(seed)
    rows = train[rng.permutation(len(train))[:5000]]
    centres = rows[:CELLS].copy()
    for _ in range(rounds):
        cell = nearest(centres, rows).row.numpy()
        centres = np.stack([rows[cell == k].mean(0) if (cell == k).any() else centres[k] for k in range(len(centres))])
    return centres
