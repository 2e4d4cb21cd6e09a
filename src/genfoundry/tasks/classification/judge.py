"""Classification: accuracy and calibration on the test split, beside the largest class's share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from genfoundry.dataset import Dataset
from genfoundry.exhibit import Exhibit
from genfoundry.judging import classes
from genfoundry.judging.features import Extractor
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.metric import limits_of
from genfoundry.metrics.accuracy import Accuracy, confusion, reliability
from genfoundry.model import Classifies, Model
from genfoundry.statistics.interval import UNKNOWN, Estimate, half_samples, size_name, wilson
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.classification.about import Plan

DRAWS = 100


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Accuracy (Wilson interval) and calibration error on all test images; `noise` says the largest class always."""
    model.eval()
    test = storage.read(dataset.folder, "test")
    logits = in_chunks(cast(Classifies, model).classify, test.images, model.device).astype(np.float64)
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    size = size_name(len(test.labels))
    most = int(np.bincount(test.labels).max())
    estimates = _estimates(test.labels, likely, plan.seed)
    scores = [found.score(f"{name}_test_{size}", "model") for name, found in estimates.items()]
    scores.append(wilson(most, len(test.labels)).score(f"accuracy_test_{size}", "noise"))
    protocol: dict[str, str | int | float] = {"samples": len(test.labels), "split": "test"}
    names = classes.class_names(model, dataset.folder, likely.shape[1])
    exhibits = tuple(_exhibits(names, test.labels, likely))
    return Judgement(f"accuracy_test_{size}", tuple(scores), protocol, {}, exhibits=exhibits)


def _exhibits(names: Sequence[str], labels: np.ndarray, likely: np.ndarray) -> Iterator[Exhibit]:
    guesses = likely.argmax(1)
    yield classes.confusions(names, confusion(labels, guesses, likely.shape[1]))
    if np.isfinite(likely).all():
        found = reliability(likely.max(1), guesses == labels)
        yield classes.calibration(found["confidence"].tolist(), found["accuracy"].tolist())


def _estimates(labels: np.ndarray, likely: np.ndarray, seed: int) -> dict[str, Estimate]:
    if not np.isfinite(likely).all():
        return {"accuracy": UNKNOWN, "ece": UNKNOWN}
    rows = np.column_stack([labels, likely])  # together, so that a half-sample keeps each label with its row
    found = half_samples(lambda _, half: Accuracy.score(half[:, 0].astype(int), half[:, 1:]), rows, [rows], DRAWS, seed)
    right = int((likely.argmax(1) == labels).sum())
    return {"accuracy": wilson(right, len(labels)), "ece": found["ece"].clip(*limits_of("ece"))}
