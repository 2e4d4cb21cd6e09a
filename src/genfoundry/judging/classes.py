"""What there is to show of a dataset's classes: bars, the confusion matrix, calibration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genfoundry import kind
from genfoundry.exhibit import Bars, Lines, Matrix, Table

if TYPE_CHECKING:
    from genfoundry.model import Model

MOST_CLASSES = 20  # in a matrix that can be read; of more, the pairs that are confused most are told
MATRIX = "Confusion matrix"


def class_names(model: Model, folder: Path, count: int) -> tuple[str, ...]:
    """What each of `count` classes is called by the model, else by the dataset's card, else its number."""
    names = model.names or kind.of(model.kind).storage.names(folder, model.spec)
    return tuple(names) if len(names) == count else tuple(map(str, range(count)))


def shares(names: Sequence[str], made: Sequence[float], real: Sequence[float]) -> Bars:
    """The share of each class among samples, beside that among real examples."""
    return Bars(
        title="Share of each class",
        caption="Per cent of the samples, as the domain classifier sees them.",
        bars=tuple(zip(names, made, strict=True)),
        beside={"real": tuple(real)},
        per_cent=True,
    )


def distances(names: Sequence[str], found: Sequence[float]) -> Bars:
    """The Fréchet distance within each class, NaN where a class has too few examples."""
    return Bars(
        title="Fréchet distance within each class",
        caption="Between the samples of a class and its real examples; lower is nearer.",
        bars=tuple(zip(names, found, strict=True)),
    )


def confusions(names: Sequence[str], counts: np.ndarray) -> Matrix | Table:
    """(K, K) counts, a row a true class and a column a prediction; of many classes the pairs confused most."""
    if len(names) > MOST_CLASSES:
        return _most_confused(names, counts)
    return Matrix(
        title=MATRIX,
        caption="A row a true class, a column what it is taken for.",
        row_label="true",
        column_label="predicted",
        rows=tuple(names),
        columns=tuple(names),
        cells=tuple(tuple(map(float, row)) for row in counts),
    )


def _most_confused(names: Sequence[str], counts: np.ndarray) -> Table:
    wrong = np.where(np.eye(len(counts), dtype=bool), 0, counts)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_CLASSES]
    pairs = [(int(row), int(column)) for row, column in zip(*np.unravel_index(order, wrong.shape), strict=True)]
    return Table(
        title=MATRIX,
        caption=f"The classes of {len(names)} that are confused most.",
        columns=("true", "predicted", "examples"),
        rows=tuple((names[row], names[column], int(wrong[row, column])) for row, column in pairs if wrong[row, column]),
    )


def calibration(confidence: Sequence[float], accuracy: Sequence[float]) -> Lines:
    """How often a classifier is right, bin by bin of how sure it says it is; see `metrics.accuracy.reliability`."""
    return Lines(
        title="Calibration",
        caption="Share that is right by stated confidence; below the straight line it is too sure.",
        x_label="stated confidence",
        y_label="share that is right",
        lines={
            "model": tuple(zip(map(float, confidence), map(float, accuracy), strict=True)),
            "as stated": ((0.0, 0.0), (1.0, 1.0)),
        },
        x_ends=(0.0, 1.0),
        y_ends=(0.0, 1.0),
    )
