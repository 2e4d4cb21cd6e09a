"""Classification: accuracy and calibration on the test split, beside the largest class's share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from genfoundry.judging.features import Extractor
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.metrics.accuracy import Accuracy, confusion, reliability
from genfoundry.model import Classifies, Model
from genfoundry.statistics.interval import UNKNOWN, Estimate, half_samples, size_name, wilson
from genfoundry.task import Judgement

if TYPE_CHECKING:
    from genfoundry.tasks.classification.about import Plan

DRAWS = 100


def judge(model: Model, folder: Path, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Accuracy (Wilson interval) and calibration error on all test images; `noise` says the largest class always."""
    model.eval()
    test = storage.read(folder, "test")
    logits = in_chunks(cast(Classifies, model).classify, test.images, model.device).astype(np.float64)
    likely = np.exp(logits - logits.max(1, keepdims=True))
    likely /= likely.sum(1, keepdims=True)
    size = size_name(len(test.labels))
    most = int(np.bincount(test.labels).max())
    estimates = _estimates(test.labels, likely, plan.seed)
    better = Accuracy.higher_is_better
    scores = [found.score(f"{name}_test_{size}", "model", better[name]) for name, found in estimates.items()]
    scores.append(wilson(most, len(test.labels)).score(f"accuracy_test_{size}", "noise", better["accuracy"]))
    counts = confusion(test.labels, likely.argmax(1), likely.shape[1])
    details = {f"confusion/{row}": counts[row].tolist() for row in range(len(counts))}
    if np.isfinite(likely).all():
        found = reliability(likely.max(1), likely.argmax(1) == test.labels)
        details |= {f"reliability/{name}": values.tolist() for name, values in found.items()}
    return Judgement(f"accuracy_test_{size}", tuple(scores), {"samples": len(test.labels), "split": "test"}, details)


def _estimates(labels: np.ndarray, likely: np.ndarray, seed: int) -> dict[str, Estimate]:
    if not np.isfinite(likely).all():
        return {"accuracy": UNKNOWN, "ece": UNKNOWN}
    rows = np.column_stack([labels, likely])  # together, so that a half-sample keeps each label with its row
    found = half_samples(lambda _, half: Accuracy.score(half[:, 0].astype(int), half[:, 1:]), rows, [rows], DRAWS, seed)
    return {"accuracy": wilson(int((likely.argmax(1) == labels).sum()), len(labels)), "ece": found["ece"].clip(0, 1)}
