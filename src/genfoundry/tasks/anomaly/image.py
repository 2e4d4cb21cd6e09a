"""Anomaly detection in images: a class that training never saw is to be told from those that it saw.

The threshold is set without labels: the score that 5 % of the training images exceed. Beside the model stand an
isolation forest (Liu 2008) and the distance to the fifth nearest training image (Ramaswamy 2000), both on principal
components of the pixels, and chance.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from genfoundry.dataset import Dataset
from genfoundry.errors import UserError
from genfoundry.exhibit import Picture
from genfoundry.judging import gallery
from genfoundry.judging.detectors import detectors, records
from genfoundry.judging.features import Extractor, PixelPCA, cached_features
from genfoundry.kinds.image import storage
from genfoundry.kinds.image.filters import in_chunks
from genfoundry.model import Model, ScoresAnomalies
from genfoundry.statistics.interval import size_name
from genfoundry.task import Judgement
from genfoundry.training.naming import choose_class

if TYPE_CHECKING:
    from genfoundry.tasks.anomaly.about import Plan

NEEDS = ("anomaly_score",)
LEAVES_OUT = True  # a class, of training
MOST_TRAIN = 5000  # training images that detectors and thresholds read


def judge(model: Model, dataset: Dataset, plan: Plan, extractor: Extractor | None, out: Path) -> Judgement:
    """Score a loaded model on a verified dataset; fill `out` with `anomalies.png`. The promise: `genfoundry.task`.

    Raises:
        UserError: the family scores no anomalies, or the recipe left no class out, or one that is not there.
    """
    model.eval()
    if not isinstance(model, ScoresAnomalies):
        raise UserError("This family scores no anomalies.", remedy="genfoundry models   lists those that do")
    if plan.left_out is None:
        raise UserError("No class was left out of training, so there is no anomaly.", remedy="set training.leave_out")
    train, test = storage.read(dataset.folder, "train"), storage.read(dataset.folder, "test")
    left_out = _number(plan.left_out, model, dataset.folder)
    known = train.images[train.labels != left_out]
    known = np.asarray(known[np.random.default_rng(plan.seed).permutation(len(known))[:MOST_TRAIN]])
    labels = (test.labels == left_out).astype(int)
    protocol = f"class{left_out}_{size_name(len(labels))}"
    found = _found(model, np.asarray(test.images), known, plan.seed)
    scores = [s for name, sides in found.items() for s in records(name, labels, *sides, protocol, plan.seed)]
    return Judgement(
        f"auroc_{protocol}",
        tuple(scores),
        {
            "samples": len(labels),
            "anomalies": int(labels.sum()),
            "left out": left_out,
            "threshold": "the score that 5 % of the training images exceed; no label is read",
            "interval": "95 %: bootstrap of anomalies and of others",
        },
        {},
        exhibits=(_picture(out, test.images, labels, found["model"][0]),),
    )


def _number(asked: str | int, model: Model, folder: Path) -> int:
    """The number of the class that a model never saw; to one that was published without names a number was a place."""
    names = model.names if model.names or isinstance(asked, int) else storage.names(folder, model.spec)
    return choose_class(asked, names, model.spec.num_classes).number


def _found(
    model: ScoresAnomalies, shown: np.ndarray, known: np.ndarray, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Each subject's scores of the test images and of training images."""
    device, pixels = cast(Model, model).device, PixelPCA(known)
    sides = (shown, known)
    features = [cached_features(pixels, images) for images in sides]
    found = {"model": tuple(in_chunks(model.anomaly_score, images, device).astype(np.float64) for images in sides)}
    found |= {name: tuple(map(detect, features)) for name, detect in detectors(features[1], seed).items()}
    found["noise"] = tuple(np.zeros(len(images)) for images in sides)
    return cast(dict[str, tuple[np.ndarray, np.ndarray]], found)


def _picture(out: Path, images: np.ndarray, labels: np.ndarray, found: np.ndarray) -> Picture:
    order = np.argsort(-np.nan_to_num(found), kind="stable")
    missed = order[::-1][labels[order[::-1]] == 1]
    return gallery.picture(
        out / "anomalies.png",
        *(np.asarray(images[np.sort(rows[:10])]) for rows in (order, missed)),
        title="Anomalies",
        caption="Held-out examples that surprise most; below, those of the class left out that surprise least.",
        alt="The most anomalous held-out examples, above anomalies that were missed",
        stands_for=True,
    )
